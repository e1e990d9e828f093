// SPDX-License-Identifier: Apache-2.0
#include "theme.h"

#include "portal_colour_scheme.h"
#include "theme_style.h"

#include <QFontDatabase>
#include <QStyle>
#include <QStyleFactory>

#include <array>
#include <cmath>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

Colours lightColours()
{
    Colours c;
    c.window = QColor(0xf4f6f9);
    c.base = QColor(0xffffff);
    c.alternate = QColor(0xf9fafc);
    c.selection = QColor(0xdfe9fc);
    c.hover = QColor(0xeff3f9);
    c.border = QColor(0xdbe0e8);
    c.control = QColor(0x808b9a);
    c.text = QColor(0x1a2330);
    c.muted = QColor(0x566273);
    c.accent = QColor(0x2558c7);
    c.accentText = QColor(0xffffff);
    c.link = QColor(0x1f4fb5);
    c.neutral = QColor(0x475365);
    c.info = QColor(0x1b57b3);
    c.good = QColor(0x176539);
    c.warn = QColor(0x824c00);
    c.danger = QColor(0xb0231b);
    c.doubt = QColor(0x71378f);
    return c;
}

Colours darkColours()
{
    Colours c;
    c.window = QColor(0x14181e);
    c.base = QColor(0x1a1f27);
    c.alternate = QColor(0x1e242d);
    c.selection = QColor(0x24395c);
    c.hover = QColor(0x232a35);
    c.border = QColor(0x303845);
    c.control = QColor(0x758192);
    c.text = QColor(0xe6eaf0);
    c.muted = QColor(0xa5b0bf);
    c.accent = QColor(0x7aa7ff);
    c.accentText = QColor(0x0c1320);
    c.link = QColor(0x93bbff);
    c.neutral = QColor(0xb9c2cf);
    c.info = QColor(0x8ab8ff);
    c.good = QColor(0x74d39b);
    c.warn = QColor(0xf2b965);
    c.danger = QColor(0xff978d);
    c.doubt = QColor(0xd9b4ff);
    c.dark = true;
    return c;
}

Colours highContrastColours()
{
    Colours c;
    c.window = QColor(Qt::black);
    c.base = QColor(Qt::black);
    c.alternate = QColor(Qt::black);
    c.selection = QColor(0x14306b);
    c.hover = QColor(0x1c1c1c);
    c.border = QColor(0xffffff);
    c.control = QColor(0xffffff);
    c.text = QColor(0xffffff);
    c.muted = QColor(0xe8e8e8);
    c.accent = QColor(0xffdd33);
    c.accentText = QColor(Qt::black);
    c.link = QColor(0x8fd0ff);
    c.neutral = QColor(0xffffff);
    c.info = QColor(0x8fd0ff);
    c.good = QColor(0x7dff9c);
    c.warn = QColor(0xffdd33);
    c.danger = QColor(0xffa39b);
    c.doubt = QColor(0xf0b8ff);
    c.dark = true;
    return c;
}

Theme g_chosen = Theme::System;
const Colours *g_colours = nullptr;

constexpr std::array<std::pair<Theme, const char16_t *>, 4> kNames{{
    {Theme::System, u"system"},
    {Theme::Light, u"light"},
    {Theme::Dark, u"dark"},
    {Theme::HighContrast, u"high-contrast"},
}};

void putInForce(QApplication &application, const Colours &c)
{
    g_colours = &c;
    application.setPalette(paletteOf(c));
    application.setStyleSheet(styleSheetOf(c));
}

Theme resolved(Theme theme)
{
    if (theme != Theme::System)
        return theme;
    return PortalColourScheme::instance()->prefersDark() ? Theme::Dark : Theme::Light;
}

} // namespace

QString themeName(Theme theme)
{
    for (const auto &[entry, text] : kNames) {
        if (entry == theme)
            return QString::fromUtf16(text);
    }
    return {};
}

Theme themeOf(const QString &name)
{
    for (const auto &[entry, text] : kNames) {
        if (name == QStringView(text))
            return entry;
    }
    return Theme::System;
}

QColor Colours::tone(Tone tone) const
{
    switch (tone) {
    case Tone::Plain:
        return text;
    case Tone::Muted:
        return muted;
    case Tone::Neutral:
        return neutral;
    case Tone::Info:
        return info;
    case Tone::Good:
        return good;
    case Tone::Warn:
        return warn;
    case Tone::Danger:
        return danger;
    case Tone::Doubt:
        return doubt;
    }
    return text;
}

const Colours &coloursOf(Theme theme)
{
    static const Colours light = lightColours();
    static const Colours dark = darkColours();
    static const Colours highContrast = highContrastColours();
    switch (resolved(theme)) {
    case Theme::Dark:
        return dark;
    case Theme::HighContrast:
        return highContrast;
    case Theme::System:
    case Theme::Light:
        break;
    }
    return light;
}

const Colours &colours()
{
    return g_colours ? *g_colours : coloursOf(Theme::Light);
}

QPalette paletteOf(const Colours &c)
{
    QPalette p;
    p.setColor(QPalette::Window, c.window);
    p.setColor(QPalette::WindowText, c.text);
    p.setColor(QPalette::Base, c.base);
    p.setColor(QPalette::AlternateBase, c.alternate);
    p.setColor(QPalette::ToolTipBase, c.base);
    p.setColor(QPalette::ToolTipText, c.text);
    p.setColor(QPalette::PlaceholderText, c.muted);
    p.setColor(QPalette::Text, c.text);
    p.setColor(QPalette::Button, c.window);
    p.setColor(QPalette::ButtonText, c.text);
    p.setColor(QPalette::BrightText, c.danger);
    p.setColor(QPalette::Link, c.link);
    p.setColor(QPalette::LinkVisited, c.link);
    p.setColor(QPalette::Highlight, c.accent);
    p.setColor(QPalette::HighlightedText, c.accentText);
    p.setColor(QPalette::Light, c.dark ? c.border : QColor(Qt::white));
    p.setColor(QPalette::Midlight, c.hover);
    p.setColor(QPalette::Mid, c.border);
    p.setColor(QPalette::Dark, c.control);
    p.setColor(QPalette::Shadow, c.dark ? QColor(Qt::black) : c.control);
    const QColor disabled = blend(c.muted, c.window, 0.75);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        p.setColor(QPalette::Disabled, role, disabled);
    return p;
}

double contrastRatio(const QColor &a, const QColor &b)
{
    const auto channel
        = [](double v) { return v <= 0.03928 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); };
    const auto luminance = [&channel](const QColor &c) {
        return 0.2126 * channel(c.redF()) + 0.7152 * channel(c.greenF()) + 0.0722 * channel(c.blueF());
    };
    const double la = luminance(a);
    const double lb = luminance(b);
    return (std::max(la, lb) + 0.05) / (std::min(la, lb) + 0.05);
}

QColor blend(const QColor &over, const QColor &under, double opacity)
{
    const auto mix
        = [opacity](int o, int u) { return static_cast<int>(std::lround(o * opacity + u * (1 - opacity))); };
    return QColor(
        mix(over.red(), under.red()), mix(over.green(), under.green()), mix(over.blue(), under.blue()));
}

QFont monospaceFont()
{
    QFont font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    font.setPointSizeF(QApplication::font().pointSizeF() * 0.95);
    return font;
}

void applyTheme(QApplication &application, Theme theme)
{
    static bool following = false;
    g_chosen = theme;
    if (application.style()->objectName().compare(u"fusion"_s, Qt::CaseInsensitive) != 0
        && application.styleSheet().isEmpty()) {
        application.setStyle(QStyleFactory::create(u"Fusion"_s));
    }
    if (!following) {
        following = true;
        QObject::connect(PortalColourScheme::instance(), &PortalColourScheme::changed, &application, [] {
            if (g_chosen == Theme::System)
                putInForce(*qApp, coloursOf(Theme::System));
        });
    }
    putInForce(application, coloursOf(theme));
}

Theme chosenTheme()
{
    return g_chosen;
}

} // namespace signalbox::ui
