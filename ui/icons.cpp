// SPDX-License-Identifier: Apache-2.0
#include "icons.h"

#include "theme.h"

#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QPixmapCache>
#include <QSvgRenderer>

// Resources of a static library must be named once, or the linker drops them.
static void registerIcons()
{
    Q_INIT_RESOURCE(signalbox_icons);
}

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

class ThemedIconEngine final : public QIconEngine
{
public:
    explicit ThemedIconEngine(QString name)
        : m_name(std::move(name))
    {
    }
    void paint(QPainter *painter, const QRect &rect, QIcon::Mode mode, QIcon::State state) override
    {
        const int side = std::min(rect.width(), rect.height());
        const QPixmap picture = draw(side, painter->device()->devicePixelRatio(), mode, state);
        painter->drawPixmap(
            rect.x() + (rect.width() - side) / 2, rect.y() + (rect.height() - side) / 2, picture);
    }
    QPixmap pixmap(const QSize &size, QIcon::Mode mode, QIcon::State state) override
    {
        return draw(std::min(size.width(), size.height()), 1.0, mode, state);
    }
    QPixmap scaledPixmap(const QSize &size, QIcon::Mode mode, QIcon::State state, qreal scale) override
    {
        const int side = static_cast<int>(std::min(size.width(), size.height()) / scale);
        return draw(side, scale, mode, state);
    }
    QIconEngine *clone() const override { return new ThemedIconEngine(m_name); }
    QString key() const override { return u"signalbox"_s; }

private:
    QPixmap draw(int side, qreal ratio, QIcon::Mode mode, QIcon::State state) const
    {
        const Colours &c = colours();
        const QColor colour = mode == QIcon::Disabled ? blend(c.muted, c.window, 0.6)
            : state == QIcon::On                      ? c.accent
                                                      : c.muted;
        return iconPixmap(m_name, colour, side, ratio);
    }
    QString m_name;
};

} // namespace

QPixmap iconPixmap(const QString &name, const QColor &colour, int size, qreal ratio)
{
    registerIcons();
    const QString key = u"signalbox/%1/%2/%3/%4"_s.arg(name, colour.name()).arg(size).arg(ratio);
    QPixmap pixmap;
    if (QPixmapCache::find(key, &pixmap))
        return pixmap;
    QFile file(u":/signalbox/icons/%1.svg"_s.arg(name));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    QByteArray svg = file.readAll();
    svg.replace("currentColor", colour.name().toLatin1());
    QSvgRenderer renderer(svg);
    pixmap = QPixmap(QSizeF(size * ratio, size * ratio).toSize());
    pixmap.setDevicePixelRatio(ratio);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    renderer.render(&painter, QRectF(0, 0, size, size));
    painter.end();
    QPixmapCache::insert(key, pixmap);
    return pixmap;
}

QIcon themedIcon(const QString &name)
{
    return QIcon(new ThemedIconEngine(name));
}

QIcon applicationIcon()
{
    QIcon icon;
    for (const int size : {16, 24, 32, 48, 64, 128, 256})
        icon.addPixmap(iconPixmap(u"signalbox"_s, Qt::black, size, 1.0));
    return icon;
}

} // namespace signalbox::ui
