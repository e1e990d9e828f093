// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QColor>
#include <QIcon>
#include <QPixmap>
#include <QString>

class QAbstractButton;
class QAction;

namespace signalbox::ui {

// One of resources/icons, drawn in one colour; cached. UI thread.
[[nodiscard]] QPixmap iconPixmap(const QString &name, const QColor &colour, int size, qreal ratio);
// The same as an icon that draws itself in the text colour of the theme in force when it is painted, muted
// when disabled.
[[nodiscard]] QIcon themedIcon(const QString &name);
[[nodiscard]] QIcon applicationIcon();

} // namespace signalbox::ui
