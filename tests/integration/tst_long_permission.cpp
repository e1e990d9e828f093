// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "sandbox/slack_simulator.h"
#include "store/store.h"
#include "support/fake_clock.h"

#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::gateway;
using signalbox::testing::FakeClock;

namespace {
constexpr int kWait = 20'000;
constexpr Millis kCall{20'000};
} // namespace

// A question that is open for a day, in the engine's own process, whose clock is moved by the test: its lock
// stays held, its delivery lives, nobody else runs in its session, and at its time the card is closed and the
// agent told.
class LongPermissionTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aDayPassesAndThenItsTimeIsOver();

private:
    [[nodiscard]] config::Config config(const QString &folder, const sandbox::SlackSimulator &slack) const;
};

config::Config LongPermissionTest::config(const QString &folder, const sandbox::SlackSimulator &slack) const
{
    config::Config config;
    config.engine.dataDir = folder;
    config.engine.lease = std::chrono::hours(72); // nobody renews it while hours pass at once
    config.slack.signingSecret = slack.config().signingSecret;
    config.slack.apiBaseUrl = slack.apiBaseUrl();
    config::BackendConfig backend;
    backend.name = u"agent"_s;
    backend.kind = u"acp"_s;
    backend.permissions = u"ask"_s;
    backend.command = QStringList{
        qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/fake_acp_agent"_s, u"permission"_s, folder};
    config.backends << backend;
    config::InstallationConfig installation;
    installation.channel = u"slack"_s;
    installation.tenant = slack.config().teamId;
    installation.backend = u"agent"_s;
    installation.botToken = slack.config().botToken;
    config.installations << installation;
    return config;
}

void LongPermissionTest::aDayPassesAndThenItsTimeIsOver()
{
    QTemporaryDir folder;
    FakeClock clock(SystemClock().now()); // Slack's signatures are checked by it
    sandbox::SlackSimulator slack(sandbox::SlackSimulatorConfig(), clock);
    QVERIFY(slack.listen());
    slack.events().retryDelays.clear();
    slack.events().deadline = kCall;
    const config::Config config = this->config(folder.path(), slack);
    QObject home;
    store::StoreOptions options;
    options.database = u"sqlite:"_s + folder.filePath(u"signalbox.db"_s);
    auto store = store::openStore(options, clock, &home);
    QVERIFY(store);
    SystemIdGenerator ids(clock);
    {
        Gateway gateway(**store, config, clock, ids, Sealer());
        store::EngineRegistration registration;
        registration.id = u"e1"_s;
        registration.token = u"t"_s;
        registration.version = u"1"_s;
        registration.lease = config.engine.lease;
        QVERIFY(async::blockOn(gateway.prepare(registration), kCall));
        http::Router router;
        gateway.addIngressRoutes(router);
        http::Server server(std::move(router), http::Limits());
        QVERIFY(server.listen(QHostAddress(QHostAddress::LocalHost), 0));
        slack.setEventUrl(QUrl(u"http://127.0.0.1:%1/slack/events"_s.arg(server.port())));
        gateway.start();

        const auto said = async::blockOn(slack.mention(u"C0DAY"_s, u"U0ANNA"_s, u"go on"_s), kCall);
        QVERIFY(said);
        const auto appTexts = [&] {
            QStringList texts;
            for (const auto &message : slack.replies(u"C0DAY"_s, said->ts)) {
                if (!message.botId.isEmpty())
                    texts << message.text;
            }
            return texts;
        };
        const auto state = [&](const QString &ts) {
            domain::ListQuery query;
            query.text = ts;
            const auto page = async::blockOn((*store)->listDeliveries(query), kCall);
            for (const domain::DeliveryItem &item : page ? page->items : QList<domain::DeliveryItem>()) {
                if (item.messageTs == ts)
                    return QString(item.state + u'/' + item.waitsFor);
            }
            return QString();
        };
        const auto asking = [&] {
            const auto page = async::blockOn((*store)->listInteractions(domain::ListQuery()), kCall);
            return page && !page->items.isEmpty() ? page->items.first() : domain::InteractionItem();
        };
        QTRY_COMPARE_WITH_TIMEOUT(asking().state, u"open"_s, kWait);
        sandbox::SayOptions thread;
        thread.thread = said->ts;
        const auto next
            = async::blockOn(slack.mention(u"C0DAY"_s, u"U0ANNA"_s, u"and then"_s, thread), kCall);
        QVERIFY(next);
        for (int hour = 0; hour < 23; ++hour) {
            clock.advance(std::chrono::hours(1));
            QCOMPARE(async::blockOn((*store)->expireInteractions(10), kCall)->count, 0);
            QCOMPARE(state(said->ts), u"waiting/person"_s);
            QCOMPARE(state(next->ts), u"waiting/lock"_s);
        }
        domain::ListQuery locks;
        const auto held = async::blockOn((*store)->listLocks(locks), kCall);
        QVERIFY(held && held->items.size() == 1);
        QCOMPARE(asking().state, u"open"_s);
        QVERIFY(gateway.lease().mayAct());

        clock.advance(std::chrono::hours(1));
        QTRY_COMPARE_WITH_TIMEOUT(asking().state, u"expired"_s, kWait);
        QTRY_VERIFY_WITH_TIMEOUT(appTexts().contains(u"cancelled:"_s), kWait); // what the agent was told
        QTRY_VERIFY_WITH_TIMEOUT(!appTexts().filter(u"Nobody answered in time."_s).isEmpty(), kWait);
        QTRY_COMPARE_WITH_TIMEOUT(state(said->ts), u"completed/"_s, kWait);
        // The session goes on: the next message asks again.
        QTRY_COMPARE_WITH_TIMEOUT(state(next->ts), u"waiting/person"_s, kWait);
        async::blockOn(gateway.stop(Millis(0)), Millis(30'000));
        async::blockOn(server.close(Millis(0)), kCall);
    }
    async::blockOn(slack.close(), kCall);
    (*store)->close();
    QCOMPARE(async::TaskScope::unjoined(), QStringList());
}

QTEST_GUILESS_MAIN(LongPermissionTest)
#include "tst_long_permission.moc"
