// SPDX-License-Identifier: Apache-2.0
#include "store/postgres_notifier.h"

#include "base/log.h"

#include <QElapsedTimer>
#include <QSqlDriver>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {
Q_LOGGING_CATEGORY(lcNotify, "signalbox.engine.store.notify")
constexpr Millis kBetween{20}; // at most 50 a second
constexpr Millis kProbe{1000}; // a connection that is gone says nothing by itself
constexpr Millis kFirstPause{100};
constexpr Millis kLongestPause{5000};

struct ChannelName
{
    NotifyChannel channel;
    const char *name;
    const char *notify;
};
constexpr std::array<ChannelName, 2> kChannels{
    {{NotifyChannel::Feed, "signalbox_feed", "NOTIFY signalbox_feed"},
        {NotifyChannel::Orders, "signalbox_orders", "NOTIFY signalbox_orders"}}};
} // namespace

// The connection with its timers, on the notifier's thread.
class PostgresNotifier::Worker : public QObject
{
public:
    explicit Worker(PostgresNotifier &owner)
        : m_owner(owner)
        , m_connection(owner.m_target, owner.m_clock, owner.m_name)
    {
        for (size_t i = 0; i < kChannels.size(); ++i) {
            m_later[i].setSingleShot(true);
            connect(&m_later[i], &QTimer::timeout, this, [this, i] { send(i); });
        }
        m_again.setSingleShot(true);
        connect(&m_again, &QTimer::timeout, this, [this] { open(); });
        connect(&m_probe, &QTimer::timeout, this, [this] { probe(); });
        open();
    }

    void poke(size_t channel)
    {
        if (m_later[channel].isActive())
            return;
        const qint64 since = m_sent[channel].isValid() ? m_sent[channel].elapsed() : kBetween.count();
        if (since >= kBetween.count())
            send(channel);
        else
            m_later[channel].start(static_cast<int>(kBetween.count() - since));
    }

private:
    void open()
    {
        Status ready = m_connection.open(false);
        if (ready)
            ready = listen();
        if (!ready) {
            lose(ready.error().native());
            return;
        }
        m_pause = kFirstPause;
        m_probe.start(kProbe);
        if (!std::exchange(m_away, false))
            return;
        logInfo(lcNotify, "what other engines do is heard at once again");
        for (const ChannelName &channel : kChannels) // something may have happened meanwhile
            m_owner.m_heard(channel.channel);
    }

    Status listen()
    {
        if (auto named = m_connection.executeText(u"SET application_name = 'signalbox-notify'"_s); !named)
            return named;
        QSqlDriver *driver = m_connection.database().driver();
        // The driver lives as long as its connection is open.
        connect(driver, &QSqlDriver::notification, this,
            [this](const QString &name, QSqlDriver::NotificationSource source, const QVariant &) {
                if (source != QSqlDriver::SelfSource)
                    hear(name);
            });
        for (const ChannelName &channel : kChannels) {
            if (!driver->subscribeToNotification(QString::fromLatin1(channel.name)))
                return fail(ErrorCode::Unavailable, u"the database refuses LISTEN"_s);
        }
        return {};
    }

    void hear(const QString &name)
    {
        for (const ChannelName &channel : kChannels) {
            if (name == QLatin1StringView(channel.name))
                m_owner.m_heard(channel.channel);
        }
    }

    void send(size_t channel)
    {
        if (!m_connection.isOpen())
            return; // the others poll, and the probe opens it again
        m_sent[channel].start();
        if (auto told = m_connection.executeText(QString::fromLatin1(kChannels[channel].notify)); !told)
            lose(told.error().native());
    }

    void probe()
    {
        if (!m_connection.isOpen()) // the driver has noticed
            lose(u"08006"_s);
        else if (auto alive = m_connection.executeText(u"SELECT 1"_s); !alive)
            lose(alive.error().native());
    }

    void lose(const QString &code)
    {
        m_probe.stop();
        m_connection.close();
        if (!std::exchange(m_away, true))
            logWarning(lcNotify, "what other engines do is not heard at once", {{"code", code}});
        m_again.start(m_pause);
        m_pause = std::min(m_pause * 2, kLongestPause);
    }

    PostgresNotifier &m_owner;
    Connection m_connection;
    std::array<QTimer, 2> m_later;
    std::array<QElapsedTimer, 2> m_sent;
    QTimer m_again;
    QTimer m_probe;
    Millis m_pause = kFirstPause;
    bool m_away = false;
};

PostgresNotifier::PostgresNotifier(DatabaseTarget target, const Clock &clock, QString name, Heard heard)
    : m_target(std::move(target))
    , m_clock(clock)
    , m_name(std::move(name))
    , m_heard(std::move(heard))
{
}

PostgresNotifier::~PostgresNotifier()
{
    stop();
}

void PostgresNotifier::start()
{
    // The object that brings the others to the thread; the connection must be made where it is used.
    m_home = std::make_unique<QObject>();
    m_home->moveToThread(&m_thread);
    m_thread.setObjectName(u"notify"_s);
    m_thread.start();
    QMetaObject::invokeMethod(
        m_home.get(), [this] { m_worker = std::make_unique<Worker>(*this); }, Qt::QueuedConnection);
}

void PostgresNotifier::stop()
{
    if (!m_home)
        return;
    QMetaObject::invokeMethod(
        m_home.get(), [this] { m_worker.reset(); }, Qt::QueuedConnection);
    QMetaObject::invokeMethod(
        m_home.get(), [] { QThread::currentThread()->quit(); }, Qt::QueuedConnection);
    m_thread.wait();
    m_home.reset();
}

void PostgresNotifier::poke(NotifyChannel channel)
{
    const auto index = static_cast<size_t>(channel);
    // One that is on its way stands for all.
    if (!m_home || m_pending[index].exchange(true))
        return;
    QMetaObject::invokeMethod(
        m_home.get(),
        [this, index] {
            m_pending[index] = false;
            if (m_worker)
                m_worker->poke(index);
        },
        Qt::QueuedConnection);
}

} // namespace signalbox::store
