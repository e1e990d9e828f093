// SPDX-License-Identifier: Apache-2.0
#include "filter_bar.h"

#include "flow_layout.h"
#include "icons.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLineEdit>
#include <QLocale>
#include <QToolButton>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

// Typing asks the engine only once it pauses.
constexpr std::chrono::milliseconds kTypingPause{250};

QToolButton *chip(QWidget *parent)
{
    auto *button = new QToolButton(parent);
    button->setObjectName(u"chip"_s);
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setIconSize(QSize(20, 14));
    button->setFocusPolicy(Qt::TabFocus);
    return button;
}

} // namespace

FilterBar::FilterBar(const ListKind &kind, QWidget *parent)
    : QWidget(parent)
    , m_kind(kind)
    , m_text(new QLineEdit(this))
    , m_session(chip(this))
{
    setObjectName(u"filterBar"_s);
    m_text->setObjectName(u"filterText"_s);
    m_text->setPlaceholderText(kind.filterHint());
    m_text->setAccessibleName(tr("Filter"));
    m_text->setAccessibleDescription(kind.filterHint());
    m_text->setToolTip(tr("The beginning of an id, or a whole place, thread or name ( / )"));
    m_text->addAction(themedIcon(u"search"_s), QLineEdit::LeadingPosition);
    m_text->setClearButtonEnabled(true);
    m_text->setFixedWidth(fontMetrics().averageCharWidth() * 46);
    m_text->installEventFilter(this);

    auto *chips = new FlowLayout(6, 6);
    chips->addWidget(m_session);
    for (const QString &state : kind.states()) {
        const StateLook look = kind.state(state);
        QToolButton *button = chip(this);
        button->setCheckable(true);
        button->setText(look.word);
        button->setIcon(themedIcon(look.icon));
        button->setProperty("state", state);
        button->setAccessibleName(tr("Show only: %1").arg(look.word));
        chips->addWidget(button);
        m_chips.insert(state, button);
        connect(button, &QToolButton::toggled, this, &FilterBar::announce);
    }
    m_session->hide();
    m_session->setIcon(themedIcon(u"clear"_s));
    m_session->setChecked(true);
    connect(m_session, &QToolButton::clicked, this, [this] {
        m_sessionId.clear();
        m_session->hide();
        announce();
    });

    auto *layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    layout->addWidget(m_text, 0, Qt::AlignTop);
    layout->addLayout(chips, 1);

    m_typing.setSingleShot(true);
    m_typing.setInterval(kTypingPause);
    connect(&m_typing, &QTimer::timeout, this, &FilterBar::changed);
    connect(m_text, &QLineEdit::textChanged, this, [this] {
        if (!m_quiet)
            m_typing.start();
    });
    connect(m_text, &QLineEdit::returnPressed, this, [this] {
        announce();
        Q_EMIT left();
    });
}

domain::ListQuery FilterBar::query() const
{
    domain::ListQuery query;
    query.text = m_text->text().trimmed();
    query.session = m_sessionId;
    for (const QString &state : m_kind.states()) {
        if (m_chips.value(state)->isChecked())
            query.states.append(state);
    }
    return query;
}

void FilterBar::setQuery(const domain::ListQuery &query)
{
    m_quiet = true;
    m_typing.stop();
    m_text->setText(query.text);
    m_sessionId = query.session;
    m_session->setVisible(!m_sessionId.isEmpty());
    m_session->setText(fontMetrics().elidedText(tr("Session %1").arg(m_sessionId), Qt::ElideMiddle, 190));
    m_session->setAccessibleName(tr("Remove the filter for session %1").arg(m_sessionId));
    m_session->setToolTip(m_session->accessibleName());
    for (auto it = m_chips.cbegin(); it != m_chips.cend(); ++it)
        it.value()->setChecked(query.states.contains(it.key()));
    m_quiet = false;
}

void FilterBar::setCounts(const QMap<QString, qint64> &counts)
{
    for (auto it = m_chips.cbegin(); it != m_chips.cend(); ++it) {
        const QString word = m_kind.state(it.key()).word;
        const qint64 count = counts.value(it.key());
        const QString text = count > 0
            ? tr("%1  %2", "state and count on a chip").arg(word, QLocale().toString(count))
            : word;
        if (it.value()->text() != text)
            it.value()->setText(text);
    }
}

void FilterBar::focusText()
{
    m_text->setFocus(Qt::ShortcutFocusReason);
    m_text->selectAll();
}

bool FilterBar::isEmpty() const
{
    const domain::ListQuery now = query();
    return now.text.isEmpty() && now.session.isEmpty() && now.states.isEmpty();
}

void FilterBar::clear()
{
    setQuery(domain::ListQuery());
    Q_EMIT changed();
}

void FilterBar::announce()
{
    if (m_quiet)
        return;
    m_typing.stop();
    Q_EMIT changed();
}

bool FilterBar::eventFilter(QObject *watched, QEvent *event)
{
    if (watched == m_text && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent *>(event)->key();
        if (key == Qt::Key_Escape) {
            if (isEmpty())
                Q_EMIT left();
            else
                clear();
            return true;
        }
        if (key == Qt::Key_Down) {
            Q_EMIT left();
            return true;
        }
    }
    return QWidget::eventFilter(watched, event);
}

} // namespace signalbox::ui
