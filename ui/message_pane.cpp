// SPDX-License-Identifier: Apache-2.0
#include "message_pane.h"

#include "icons.h"
#include "theme.h"
#include "words.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int kIcon = 32;

QPushButton *button(const QString &text, const QString &name, QWidget *parent)
{
    auto *made = new QPushButton(text, parent);
    made->setObjectName(name);
    made->setAccessibleName(text);
    made->hide();
    return made;
}

} // namespace

MessagePane::MessagePane(QWidget *parent)
    : QWidget(parent)
    , m_icon(new QLabel(this))
    , m_title(new QLabel(this))
    , m_text(new QLabel(this))
    , m_retry(button(tr("Retry"), u"retry"_s, this))
    , m_action(button(QString(), u"messageAction"_s, this))
    , m_detailsButton(button(tr("Details"), u"errorDetailsButton"_s, this))
    , m_details(new QLabel(this))
{
    setObjectName(u"message"_s);
    setFocusPolicy(Qt::ClickFocus);
    m_title->setObjectName(u"messageTitle"_s);
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    bold.setPointSizeF(bold.pointSizeF() * 1.15);
    m_title->setFont(bold);
    m_text->setObjectName(u"muted"_s);
    m_details->setObjectName(u"errorDetails"_s);
    m_details->setFont(monospaceFont());
    m_details->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_details->setAccessibleName(tr("Details of the error"));
    for (QLabel *label : {m_icon, m_title, m_text, m_details}) {
        label->setAlignment(Qt::AlignCenter);
        label->setWordWrap(label != m_icon);
    }
    m_detailsButton->setCheckable(true);

    auto *buttons = new QHBoxLayout;
    buttons->addStretch();
    buttons->addWidget(m_retry);
    buttons->addWidget(m_action);
    buttons->addWidget(m_detailsButton);
    buttons->addStretch();
    auto *layout = new QVBoxLayout(this);
    layout->setSpacing(8);
    layout->addStretch(2);
    for (QWidget *widget : std::initializer_list<QWidget *>{m_icon, m_title, m_text})
        layout->addWidget(widget);
    layout->addSpacing(6);
    layout->addLayout(buttons);
    layout->addWidget(m_details);
    layout->addStretch(3);

    m_late.setSingleShot(true);
    m_late.setInterval(kPatience);
    connect(&m_late, &QTimer::timeout, this, [this] {
        m_text->setText(tr("The engine has not answered yet. Everything else keeps working."));
        m_retry->show();
    });
    connect(m_retry, &QPushButton::clicked, this, &MessagePane::retryRequested);
    connect(m_action, &QPushButton::clicked, this, &MessagePane::actionRequested);
    connect(m_detailsButton, &QPushButton::toggled, m_details, &QWidget::setVisible);
}

void MessagePane::set(const QString &icon, const QString &title, const QString &text)
{
    m_late.stop();
    m_iconName = icon;
    drawIcon();
    m_title->setText(title);
    m_text->setText(text);
    setAccessibleName(title);
    m_retry->hide();
    m_action->hide();
    m_detailsButton->hide();
    m_detailsButton->setChecked(false);
    m_details->hide();
}

void MessagePane::showBusy(const QString &text)
{
    if (m_late.isActive() && m_title->text() == text)
        return;
    set(u"connecting"_s, text, QString());
    m_late.start();
}

void MessagePane::showError(const Error &error)
{
    set(u"warning"_s, tr("This could not be loaded"), errorText(error.code()));
    m_details->setText(errorCodeName(error.code()) + u": "_s + error.toString());
    m_retry->show();
    m_detailsButton->show();
}

void MessagePane::showEmpty(
    const QString &icon, const QString &title, const QString &text, const QString &action)
{
    set(icon, title, text);
    m_action->setText(action);
    m_action->setAccessibleName(action);
    m_action->setVisible(!action.isEmpty());
}

void MessagePane::drawIcon()
{
    m_icon->setPixmap(iconPixmap(m_iconName, colours().muted, kIcon, devicePixelRatioF()));
}

void MessagePane::changeEvent(QEvent *event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && !m_iconName.isEmpty())
        drawIcon();
}

} // namespace signalbox::ui
