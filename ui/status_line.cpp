// SPDX-License-Identifier: Apache-2.0
#include "status_line.h"

#include "icons.h"
#include "time_text.h"
#include "words.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QToolButton>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

QLabel *label(const QString &name, const QString &spoken, QWidget *parent)
{
    auto *made = new QLabel(parent);
    made->setObjectName(u"muted"_s);
    made->setProperty("part", name);
    made->setAccessibleName(spoken);
    return made;
}

QToolButton *button(const QString &part, QWidget *parent)
{
    auto *made = new QToolButton(parent);
    made->setObjectName(u"status"_s);
    made->setProperty("part", part);
    made->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    made->setIconSize(QSize(20, 14)); // with some air beside the icon
    made->setFocusPolicy(Qt::TabFocus);
    return made;
}

} // namespace

StatusLine::StatusLine(const TimeText *time, QWidget *parent)
    : QWidget(parent)
    , m_time(time)
    , m_icon(new QLabel(this))
    , m_connection(new QLabel(this))
    , m_sandbox(new QLabel(tr("Simulated traffic"), this))
    , m_person(button(u"person"_s, this))
    , m_engine(label(u"engine"_s, tr("Engine"), this))
    , m_addresses(label(u"addresses"_s, tr("Addresses"), this))
    , m_commit(label(u"commit"_s, tr("Commit time"), this))
    , m_skew(label(u"skew"_s, tr("Clock skew"), this))
    , m_zone(button(u"zone"_s, this))
{
    m_connection->setObjectName(u"connection"_s);
    m_connection->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    m_sandbox->setObjectName(u"badge"_s);
    m_sandbox->setToolTip(tr("The engine plays with itself: nothing here reaches real people."));
    m_sandbox->hide();
    m_person->setIcon(themedIcon(u"person"_s));
    m_person->hide();
    m_zone->setIcon(themedIcon(u"clock"_s));
    m_skew->hide();
    auto *layout = new QHBoxLayout(this);
    layout->setContentsMargins(12, 2, 4, 2);
    layout->setSpacing(8);
    layout->addWidget(m_icon);
    layout->addWidget(m_connection);
    layout->addWidget(m_sandbox);
    layout->addWidget(m_person);
    layout->addStretch();
    layout->addWidget(m_skew);
    for (QLabel *each : {m_engine, m_addresses, m_commit}) {
        layout->addSpacing(8);
        layout->addWidget(each);
    }
    layout->addWidget(m_zone);
    connect(m_person, &QToolButton::clicked, this, &StatusLine::needsPersonRequested);
    connect(m_zone, &QToolButton::clicked, this, &StatusLine::timeZoneToggled);
    connect(time, &TimeText::changed, this, &StatusLine::showTime);
    showTime();
    showConnection();
}

void StatusLine::setConnection(admin::ConnectionState state, const QString &reason)
{
    m_state = state;
    m_reason = reason;
    showConnection();
}

QString StatusLine::connectionText() const
{
    return m_connection->text();
}

void StatusLine::showConnection()
{
    const StateLook look = connectionState(m_state);
    const bool live = m_state == admin::ConnectionState::Live;
    QString text = look.word;
    if (!live && !m_reason.isEmpty())
        text += u" · "_s + m_reason;
    if (!live && m_seen)
        text += u" · "_s + tr("data as of %1").arg(m_time->moment(m_time->dataAsOf()));
    if (live && !m_notReady.isEmpty())
        text += u" · "_s + m_notReady;
    const QColor colour = colours().tone(live && !m_notReady.isEmpty() ? Tone::Warn : look.tone);
    m_icon->setPixmap(iconPixmap(look.icon, colour, 16, devicePixelRatioF()));
    // A style sheet of its own: the application's would win over a palette when the theme changes.
    m_connection->setStyleSheet(u"color: %1"_s.arg(colour.name()));
    m_connection->setText(text);
    m_connection->setAccessibleName(tr("Connection: %1").arg(text));
}

void StatusLine::setStatus(const domain::EngineStatus &status)
{
    m_seen = true;
    const QLocale locale;
    m_notReady = status.ready ? QString() : tr("not ready: %1").arg(status.reasons.join(u", "_s));
    m_sandbox->setVisible(status.sandbox);
    m_person->setVisible(status.needPerson > 0);
    m_person->setText(tr("Needs a person: %1").arg(locale.toString(status.needPerson)));
    m_person->setAccessibleName(m_person->text());
    m_person->setToolTip(tr("Show what is dead or unconfirmed"));
    const QString shortId = status.engineId.size() > 12
        ? status.engineId.left(4) + u'…' + status.engineId.right(6)
        : status.engineId;
    const QString database = status.database == u"postgresql" ? u"PostgreSQL"_s
        : status.database == u"sqlite"                        ? u"SQLite"_s
                                                              : status.database;
    m_engine->setText(tr("Engine %1 · start %2 · %3", "id, incarnation, database")
                          .arg(shortId, locale.toString(status.incarnation), database));
    m_engine->setToolTip(tr("Engine %1\nIncarnation %2\nCluster %3\nVersion %4\nRunning since %5")
                             .arg(status.engineId, locale.toString(status.incarnation), status.clusterId,
                                 status.version, m_time->full(status.startedAt)));
    const auto address
        = [](const QString &text) { return text.isEmpty() || text == u"-" ? tr("none") : text; };
    m_addresses->setText(
        tr("in %1 · admin %2", "addresses").arg(address(status.ingress), address(status.admin)));
    m_commit->setText(tr("commit p99 %1 ms").arg(locale.toString(status.commitP99Ms, 'f', 1)));
    m_commit->setToolTip(
        tr("In flight %1 · intake queue %2 of %3 · feed lag %4 ms")
            .arg(locale.toString(status.inFlight), locale.toString(status.ingestQueue),
                locale.toString(status.ingestQueueLimit), locale.toString(status.feedLagMs)));
    const bool skewed = std::chrono::abs(m_time->skew()) > std::chrono::seconds(2);
    m_skew->setVisible(skewed);
    if (skewed)
        m_skew->setText(tr("clocks differ by %1").arg(TimeText::span(std::chrono::abs(m_time->skew()))));
    showConnection();
}

void StatusLine::showTime()
{
    m_zone->setText(m_time->isUtc() ? tr("UTC") : tr("Local time"));
    m_zone->setAccessibleName(tr("Times are shown in: %1").arg(m_zone->text()));
    m_zone->setToolTip(tr("Switch between local time and UTC"));
    showConnection();
}

void StatusLine::changeEvent(QEvent *event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_connection)
        showConnection();
}

} // namespace signalbox::ui
