// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QApplication>
#include <QColor>
#include <QFont>
#include <QPalette>
#include <QString>

namespace signalbox::ui {

// What the operator chose; System follows the desktop portal (light where there is none).
enum class Theme { System, Light, Dark, HighContrast };

[[nodiscard]] QString themeName(Theme theme); // as it is stored
[[nodiscard]] Theme themeOf(const QString &name); // System for anything unknown

// What a colour says. State is never told by a tone alone: an icon and a word stand beside it.
enum class Tone { Plain, Muted, Neutral, Info, Good, Warn, Danger, Doubt };

// Every colour of the console, by meaning. Texts keep a contrast of at least 4.5 on all four grounds.
struct Colours
{
    Colours() = default;
    QColor window;
    QColor base;
    QColor alternate;
    QColor selection; // the ground under a selected row
    QColor hover;
    QColor border;
    QColor control; // the outline of things that can be operated
    QColor text;
    QColor muted;
    QColor accent;
    QColor accentText;
    QColor link;
    QColor neutral;
    QColor info;
    QColor good;
    QColor warn;
    QColor danger;
    QColor doubt;
    bool dark = false;

    [[nodiscard]] QColor tone(Tone tone) const;
};

// The colours of a theme; System is given as what it resolves to.
[[nodiscard]] const Colours &coloursOf(Theme theme);
// The colours that are in force now. UI thread.
[[nodiscard]] const Colours &colours();
[[nodiscard]] QPalette paletteOf(const Colours &colours);
// WCAG 2 contrast ratio, 1 to 21.
[[nodiscard]] double contrastRatio(const QColor &a, const QColor &b);
// `over` laid on `under` with this opacity.
[[nodiscard]] QColor blend(const QColor &over, const QColor &under, double opacity);

// The font of ids and payloads, at the size of the application's font.
[[nodiscard]] QFont monospaceFont();

// Puts Fusion, palette and style sheet in force for the whole application and keeps following the desktop
// when `theme` is System. May be called again at any time. UI thread.
void applyTheme(QApplication &application, Theme theme);
[[nodiscard]] Theme chosenTheme();

} // namespace signalbox::ui
