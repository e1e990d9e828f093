// SPDX-License-Identifier: Apache-2.0
#include "banner.h"

#include "icons.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

Banner::Banner(const QString &icon, Tone tone, const QString &action, QWidget *parent)
    : QWidget(parent)
    , m_icon(icon)
    , m_tone(tone)
    , m_text(new QLabel(this))
    , m_button(new QPushButton(action, this))
{
    m_button->setAccessibleName(action);
    m_button->setObjectName(u"bannerAction"_s);
    auto *layout = new QHBoxLayout(this);
    layout->setContentsMargins(40, 5, 12, 5);
    layout->addWidget(m_text, 1);
    layout->addWidget(m_button);
    connect(m_button, &QPushButton::clicked, this, &Banner::actionRequested);
    hide();
}

void Banner::setText(const QString &text, const QString &tip)
{
    m_text->setText(text);
    m_text->setToolTip(tip);
    setAccessibleName(text);
}

QString Banner::text() const
{
    return m_text->text();
}

void Banner::paintEvent(QPaintEvent *)
{
    const Colours &c = colours();
    QPainter painter(this);
    painter.fillRect(rect(), blend(c.tone(m_tone), c.base, 0.12));
    painter.fillRect(QRect(0, 0, 3, height()), c.tone(m_tone));
    painter.drawPixmap(16, (height() - 16) / 2, iconPixmap(m_icon, c.tone(m_tone), 16, devicePixelRatioF()));
}

} // namespace signalbox::ui
