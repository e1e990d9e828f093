// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "support/gateway_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;

// What operators do through HTTP (INTERFACE.md "Admin routes"), seen from outside the running program.
class OperatorActionsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void aReleasedLockLetsTheNextMessageRunOnce();
    void aReplayAnswersTheMessageAgain();
    void aReplayToAnotherBackendNamesIt();
    void confirmAndDiscardSettle();
    void aCancelledTurnIsStoppedAndTold();
    void aPauseOfDeliveriesHoldsPrompts();
    void aPauseOfTheIntakeStoresAndHolds();
    void aPauseOfPostsHoldsReplies();
    void aPauseEndsByItself();
    void aKeyIsAnsweredOnce();
    void badInputChangesNothing_data();
    void badInputChangesNothing();
    void aViewerMayNotAct();

private:
    struct Answer
    {
        Answer() = default;
        int status = 0;
        Json body;
    };
    Answer post(const QString &path, const QByteArray &body, const QByteArray &key = {});
    Answer post(GatewayFixture &gateway, const QByteArray &token, const QString &path, const QByteArray &body,
        const QByteArray &key = {});
    [[nodiscard]] Json lockOf(const QString &deliveryId);
    [[nodiscard]] QString idOf(const QString &ts) { return m_gateway->delivery(ts)[u"id"].toString(); }

    http::Client m_client;
    std::unique_ptr<GatewayFixture> m_gateway;
};

namespace {
constexpr int kWait = 30'000;
const QString kCancelled = u"An operator has cancelled that request."_s;
} // namespace

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)

void OperatorActionsTest::initTestCase()
{
    GatewayOptions options;
    options.turn = "first_frame_timeout = \"120s\"\nidle_timeout = \"120s\"\ncancel_grace = \"500ms\"\n";
    options.agentRemembers = true;
    options.further = "[[backends]]\nname = \"spare\"\nkind = \"acp\"\ncommand = ["
        + Json(GatewayFixture::program()).toBytes() + ", \"--sandbox-agent\"]\n";
    m_gateway = std::make_unique<GatewayFixture>(options);
    START(*m_gateway);
}

void OperatorActionsTest::cleanupTestCase()
{
    QCOMPARE(m_gateway->stop(), std::optional<int>(0));
    m_gateway.reset();
}

OperatorActionsTest::Answer OperatorActionsTest::post(GatewayFixture &gateway, const QByteArray &token,
    const QString &path, const QByteArray &body, const QByteArray &key)
{
    http::ClientRequest request(
        "POST", QUrl(u"http://127.0.0.1:%1/api/v1%2"_s.arg(gateway.adminPort()).arg(path)));
    request.headers.add("Authorization", "Bearer " + token);
    request.headers.add("Content-Type", "application/json");
    if (!key.isEmpty())
        request.headers.add("Idempotency-Key", key);
    request.body = body;
    Answer answer;
    const auto response = async::blockOn(m_client.send(std::move(request)), Millis(20'000));
    if (!response)
        return answer;
    answer.status = response->status;
    if (const auto json = Json::parse(response->body))
        answer.body = *json;
    return answer;
}

OperatorActionsTest::Answer OperatorActionsTest::post(
    const QString &path, const QByteArray &body, const QByteArray &key)
{
    return post(*m_gateway, m_gateway->adminToken(), path, body, key);
}

Json OperatorActionsTest::lockOf(const QString &deliveryId)
{
    const auto page = m_gateway->admin(u"/locks?filter="_s + deliveryId);
    return page ? (*page)[u"items"].at(0) : Json();
}

void OperatorActionsTest::aReleasedLockLetsTheNextMessageRunOnce()
{
    const auto stuck = m_gateway->mention(u"C0REL"_s, u"mute"_s);
    QTRY_COMPARE_WITH_TIMEOUT(m_gateway->prompts(stuck.ts), 1, kWait);
    const auto next = m_gateway->mention(u"C0REL"_s, u"and me?"_s, stuck.ts);
    const QString id = idOf(stuck.ts);
    QTRY_COMPARE_WITH_TIMEOUT(lockOf(id)[u"waiters"].toInt(), std::optional<qint64>(1), kWait);
    const Json lock = lockOf(id);
    QVERIFY(lock[u"engine_alive"].toBool());
    for (const QStringView key : {u"lease_until", u"expires_at", u"acquired_at", u"engine", u"place"})
        QVERIFY2(!lock[key].toString().isEmpty(), qPrintable(key.toString()));
    const qint64 fence = lock[u"fence"].toInt().value_or(-1);

    // Why is it stuck? The chain ends in the one action that moves it.
    const auto why = m_gateway->admin(u"/explain/deliveries/"_s + idOf(next.ts));
    QVERIFY(why);
    QCOMPARE((*why)[u"action"].toString(), u"release"_s);
    QCOMPARE((*why)[u"links"].at(1)[u"id"].toString(), lock[u"id"].toString());
    QCOMPARE((*why)[u"links"].at(2)[u"id"].toString(), id);

    const QString route = u"/locks/"_s + lock[u"id"].toString() + u"/release"_s;
    const Answer early
        = post(route, "{\"reason\":\"stuck\",\"expected_fence\":" + QByteArray::number(fence + 1) + '}');
    QCOMPARE(early.status, 409);
    QCOMPARE(early.body[u"reason"].toString(), u"fence_differs"_s);
    QCOMPARE(early.body[u"present"][u"lock"][u"holder"].toString(), id);
    QCOMPARE(m_gateway->outcome(stuck.ts), u"running"_s);

    const QByteArray body = "{\"reason\":\"stuck\",\"expected_fence\":" + QByteArray::number(fence) + '}';
    const Answer done = post(route, body);
    QCOMPARE(done.status, 200);
    QCOMPARE(done.body[u"fence"].toInt(), std::optional<qint64>(fence + 1));
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, stuck.ts, "unconfirmed/released", kWait);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, next.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->prompts(stuck.ts), 1);
    QCOMPARE(m_gateway->prompts(next.ts), 1);
    const QString notice = u"An operator has stopped me"_s;
    QTRY_COMPARE_WITH_TIMEOUT(
        m_gateway->appTexts(u"C0REL"_s, stuck.ts).filter(notice).size(), qsizetype(1), kWait);
    QCOMPARE(m_gateway->appTexts(u"C0REL"_s, stuck.ts).filter(u"and me?"_s).size(), qsizetype(1));
    QCOMPARE(post(route, body).status, 409); // nobody holds it any more
    QTRY_VERIFY_WITH_TIMEOUT(m_gateway->slack().reactions(u"C0REL"_s, stuck.ts).isEmpty(), kWait);
    const auto audit = m_gateway->admin(u"/audit?filter="_s + lock[u"id"].toString());
    QVERIFY(audit);
    QCOMPARE((*audit)[u"items"].size(), size_t(1));
    QCOMPARE((*audit)[u"items"].at(0)[u"actor"].toString(), u"token:local"_s);
    QCOMPARE((*audit)[u"items"].at(0)[u"reason"].toString(), u"stuck"_s);
}

void OperatorActionsTest::aReplayAnswersTheMessageAgain()
{
    const auto said = m_gateway->mention(u"C0REP"_s, u"once more"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    const QString id = idOf(said.ts);
    const Answer done = post(u"/deliveries/"_s + id + u"/replay"_s, "{\"reason\":\"asked to\"}");
    QCOMPARE(done.status, 201);
    const QString made = done.body[u"id"].toString();
    QVERIFY(made != id && !made.isEmpty());
    const auto state = [&] {
        const auto detail = m_gateway->admin(u"/deliveries/"_s + made);
        return detail ? (*detail)[u"outcome"].toString() : QString();
    };
    QTRY_COMPARE_WITH_TIMEOUT(state(), u"delivered"_s, kWait);
    QCOMPARE(m_gateway->appTexts(u"C0REP"_s, said.ts),
        QStringList({u"You said: "_s + marked(u"once more"_s), u"You said: "_s + marked(u"once more"_s)}));
}

void OperatorActionsTest::aReplayToAnotherBackendNamesIt()
{
    const auto said = m_gateway->mention(u"C0SPARE"_s, u"elsewhere"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    const Json before = m_gateway->delivery(said.ts);
    const Answer done = post(u"/deliveries/"_s + before[u"id"].toString() + u"/replay"_s,
        "{\"reason\":\"try the spare\",\"backend\":\"spare\"}");
    QCOMPARE(done.status, 201);
    QTRY_COMPARE_WITH_TIMEOUT(m_gateway->appTexts(u"C0SPARE"_s, said.ts).size(), qsizetype(2), kWait);
    QCOMPARE(m_gateway->appTexts(u"C0SPARE"_s, said.ts)[1],
        u"You said: "_s + marked(u"elsewhere"_s) + u"\n\n_answered by spare_"_s);
    const auto made = m_gateway->admin(u"/deliveries/"_s + done.body[u"id"].toString());
    QVERIFY(made);
    QCOMPARE((*made)[u"backend"].toString(), u"spare"_s);
    QVERIFY((*made)[u"session"].toString() != before[u"session"].toString());
}

void OperatorActionsTest::confirmAndDiscardSettle()
{
    const auto lost = m_gateway->mention(u"C0CONF"_s, u"die"_s);
    QTRY_VERIFY_WITH_TIMEOUT(m_gateway->outcome(lost.ts).startsWith(u"unconfirmed/"), kWait);
    const QString unconfirmed = idOf(lost.ts);
    QCOMPARE(post(u"/deliveries/"_s + unconfirmed + u"/discard"_s, "{\"reason\":\"no\"}").status, 409);
    const Answer done = post(
        u"/deliveries/"_s + unconfirmed + u"/confirm"_s, "{\"as\":\"abandoned\",\"reason\":\"asked again\"}");
    QCOMPARE(done.status, 200);
    QCOMPARE(m_gateway->delivery(lost.ts)[u"resolution"].toString(), u"abandoned"_s);
    const auto failed = m_gateway->mention(u"C0CONF"_s, u"fail"_s);
    QTRY_VERIFY_WITH_TIMEOUT(m_gateway->outcome(failed.ts).startsWith(u"dead/"), kWait);
    const QString route = u"/deliveries/"_s + idOf(failed.ts) + u"/discard"_s;
    QCOMPARE(post(route, "{\"reason\":\"known\"}").status, 200);
    const Answer again = post(route, "{\"reason\":\"known\"}");
    QCOMPARE(again.status, 409);
    QCOMPARE(again.body[u"present"][u"resolution"].toString(), u"discarded"_s);
}

void OperatorActionsTest::aCancelledTurnIsStoppedAndTold()
{
    const auto said = m_gateway->mention(u"C0CAN"_s, u"slow 60s never mind"_s);
    QTRY_COMPARE_WITH_TIMEOUT(m_gateway->prompts(said.ts), 1, kWait);
    QCOMPARE(post(u"/deliveries/"_s + idOf(said.ts) + u"/cancel"_s, "{\"reason\":\"typo\"}").status, 200);
    QCOMPARE(m_gateway->outcome(said.ts), u"cancelled/cancelled"_s);
    QTRY_COMPARE_WITH_TIMEOUT(m_gateway->appTexts(u"C0CAN"_s, said.ts), QStringList(kCancelled), kWait);
    const auto next = m_gateway->mention(u"C0CAN"_s, u"still there?"_s, said.ts);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, next.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->prompts(said.ts), 1);
}

void OperatorActionsTest::aPauseOfDeliveriesHoldsPrompts()
{
    const Answer paused
        = post(u"/engines/all/pause"_s, "{\"what\":\"delivery\",\"reason\":\"agent upgrade\"}");
    QCOMPARE(paused.status, 200);
    const auto said = m_gateway->mention(u"C0PAUSE"_s, u"hold me"_s);
    QCOMPARE(said.mention.status, 200);
    QCOMPARE(m_gateway->outcome(said.ts), u"pending"_s);
    const auto why = m_gateway->admin(u"/explain/deliveries/"_s + idOf(said.ts));
    QVERIFY(why);
    QCOMPARE((*why)[u"action"].toString(), u"resume"_s);
    const auto shown = m_gateway->admin(u"/backends"_s);
    QVERIFY(shown);
    const Json pause = (*shown)[u"items"].at(0)[u"pauses"].at(0);
    QCOMPARE(pause[u"who"].toString(), u"token:local"_s);
    QCOMPARE(pause[u"reason"].toString(), u"agent upgrade"_s);
    QVERIFY(!pause[u"since"].toString().isEmpty());
    const auto installations = m_gateway->admin(u"/installations"_s);
    QVERIFY(installations);
    QCOMPARE((*installations)[u"items"].at(0)[u"pauses"].size(), size_t(1));
    // Longer than the dispatcher's own look at the database: nothing has begun.
    QTRY_VERIFY_WITH_TIMEOUT(m_gateway->admin(u"/summary"_s).has_value(), kWait);
    QCOMPARE(m_gateway->prompts(said.ts), 0);
    QCOMPARE(post(u"/engines/all/resume"_s, "{\"what\":\"delivery\"}").status, 200);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->prompts(said.ts), 1);
    QCOMPARE(post(u"/engines/all/resume"_s, "{\"what\":\"delivery\"}").status, 409);
}

void OperatorActionsTest::aPauseOfTheIntakeStoresAndHolds()
{
    const auto running = m_gateway->mention(u"C0IN"_s, u"slow 2s before"_s);
    const auto installations = m_gateway->admin(u"/installations"_s);
    QVERIFY(installations);
    const QString route
        = u"/installations/"_s + (*installations)[u"items"].at(0)[u"id"].toString() + u"/pause"_s;
    QCOMPARE(post(route, "{\"what\":\"intake\",\"reason\":\"too much\"}").status, 200);
    const auto held = m_gateway->mention(u"C0IN"_s, u"since"_s);
    QCOMPARE(held.mention.status, 200);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, running.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->outcome(held.ts), u"pending"_s);
    QCOMPARE(m_gateway->prompts(held.ts), 0);
    QString resume = route;
    resume.replace(u"/pause"_s, u"/resume"_s);
    QCOMPARE(post(resume, "{\"what\":\"intake\"}").status, 200);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, held.ts, "completed/delivered", kWait);
}

void OperatorActionsTest::aPauseOfPostsHoldsReplies()
{
    QCOMPARE(
        post(u"/backends/under-test/pause"_s, "{\"what\":\"outbound\",\"reason\":\"wrong words\"}").status,
        200);
    const auto said = m_gateway->mention(u"C0OUT"_s, u"not yet"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "waiting/outbound", kWait);
    QVERIFY(m_gateway->appTexts(u"C0OUT"_s, said.ts).isEmpty());
    const auto why = m_gateway->admin(u"/explain/deliveries/"_s + idOf(said.ts));
    QVERIFY(why);
    QCOMPARE((*why)[u"action"].toString(), u"resume"_s);
    QCOMPARE(m_gateway->outcome(said.ts), u"waiting/outbound"_s);
    QCOMPARE(post(u"/backends/under-test/resume"_s, "{\"what\":\"outbound\"}").status, 200);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->appTexts(u"C0OUT"_s, said.ts).size(), qsizetype(1));
}

void OperatorActionsTest::aPauseEndsByItself()
{
    const qint64 until = QDateTime::currentMSecsSinceEpoch() + 3000;
    QCOMPARE(
        post(u"/backends/under-test/pause"_s,
            "{\"what\":\"delivery\",\"reason\":\"a moment\",\"until\":" + QByteArray::number(until) + '}')
            .status,
        200);
    const auto said = m_gateway->mention(u"C0UNTIL"_s, u"later"_s);
    QCOMPARE(m_gateway->outcome(said.ts), u"pending"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    QVERIFY(QDateTime::currentMSecsSinceEpoch() >= until);
}

void OperatorActionsTest::aKeyIsAnsweredOnce()
{
    const auto said = m_gateway->mention(u"C0KEY"_s, u"once"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    const QString route = u"/deliveries/"_s + idOf(said.ts) + u"/replay"_s;
    const Answer first = post(route, "{\"reason\":\"a\"}", "key-1");
    const Answer second = post(route, "{\"reason\":\"a\"}", "key-1");
    QCOMPARE(first.status, 201);
    QCOMPARE(second.status, 201);
    QCOMPARE(second.body[u"id"].toString(), first.body[u"id"].toString());
    QCOMPARE(post(route, "{\"reason\":\"b\"}", "key-1").status, 422);
    const auto answer = m_gateway->admin(u"/idempotency/key-1"_s);
    QVERIFY(answer);
    QCOMPARE((*answer)[u"id"].toString(), first.body[u"id"].toString());
    QVERIFY(!m_gateway->admin(u"/idempotency/key-2"_s));
    QTRY_COMPARE_WITH_TIMEOUT(m_gateway->appTexts(u"C0KEY"_s, said.ts).size(), qsizetype(2), kWait);
}

void OperatorActionsTest::badInputChangesNothing_data()
{
    QTest::addColumn<QString>("path");
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<int>("status");
    const auto row = [](const char *name, const QString &path, const QByteArray &body, int status) {
        QTest::newRow(name) << path << body << status;
    };
    const QByteArray reason = "{\"reason\":\"r\"}";
    row("no reason", u"/deliveries/%1/cancel"_s, "{}", 400);
    row("an empty reason", u"/deliveries/%1/cancel"_s, "{\"reason\":\" \"}", 400);
    row("a reason of another kind", u"/deliveries/%1/cancel"_s, "{\"reason\":5}", 400);
    row("not JSON", u"/deliveries/%1/cancel"_s, "{\"reason\":", 400);
    row("not an object", u"/deliveries/%1/cancel"_s, "[]", 400);
    row("no body", u"/deliveries/%1/cancel"_s, "", 400);
    row("a word that is not known", u"/deliveries/%1/replay"_s, "{\"reason\":\"r\",\"edit\":\"x\"}", 400);
    row("an unknown delivery", u"/deliveries/none/cancel"_s, reason, 404);
    row("an unknown session", u"/locks/none/release"_s, "{\"reason\":\"r\",\"expected_fence\":1}", 404);
    row("a release without a fence", u"/locks/%2/release"_s, reason, 400);
    row("a fence that is no number", u"/locks/%2/release"_s, "{\"reason\":\"r\",\"expected_fence\":\"1\"}",
        400);
    row("a wrong fence", u"/locks/%2/release"_s, "{\"reason\":\"r\",\"expected_fence\":9999}", 409);
    row("a replay of what runs", u"/deliveries/%1/replay"_s, reason, 409);
    row("an unknown backend", u"/deliveries/%1/replay"_s, "{\"reason\":\"r\",\"backend\":\"none\"}", 400);
    row("a confirmation of what runs", u"/deliveries/%1/confirm"_s, "{\"reason\":\"r\",\"as\":\"delivered\"}",
        409);
    row("a confirmation as nothing", u"/deliveries/%1/confirm"_s, reason, 400);
    row("a discard of what runs", u"/deliveries/%1/discard"_s, reason, 409);
    row("a pause of nothing", u"/engines/all/pause"_s, reason, 400);
    row("a pause of one engine", u"/engines/e1/pause"_s, "{\"reason\":\"r\",\"what\":\"delivery\"}", 400);
    row("an unknown installation", u"/installations/none/pause"_s, "{\"reason\":\"r\",\"what\":\"delivery\"}",
        404);
    row("a pause of an unknown backend", u"/backends/none/pause"_s,
        "{\"reason\":\"r\",\"what\":\"delivery\"}", 404);
    row("a pause until what is over", u"/backends/under-test/pause"_s,
        "{\"reason\":\"r\",\"what\":\"delivery\",\"until\":1000}", 400);
    row("a pause until nonsense", u"/backends/under-test/pause"_s,
        "{\"reason\":\"r\",\"what\":\"delivery\",\"until\":\"soon\"}", 400);
    row("an extension to what is over", u"/locks/%2/extend"_s, "{\"reason\":\"r\",\"until_ms\":1000}", 400);
    row("a route that is none", u"/deliveries/%1/explode"_s, reason, 404);
}

void OperatorActionsTest::badInputChangesNothing()
{
    QFETCH(QString, path);
    QFETCH(QByteArray, body);
    QFETCH(int, status);
    static const QString ts
        = [this] { return m_gateway->mention(u"C0BAD"_s, u"slow 90s undisturbed"_s).ts; }();
    QTRY_COMPARE_WITH_TIMEOUT(m_gateway->delivery(ts)[u"prompt_state"].toString(), u"accepted"_s, kWait);
    const Json before = m_gateway->delivery(ts);
    const auto audit = m_gateway->admin(u"/audit"_s);
    QVERIFY(audit);
    path.replace(u"%1"_s, before[u"id"].toString());
    path.replace(u"%2"_s, before[u"session"].toString());
    const Answer answer = post(path, body);
    QCOMPARE(answer.status, status);
    QCOMPARE(m_gateway->delivery(ts).toBytes(), before.toBytes());
    QCOMPARE((*m_gateway->admin(u"/audit"_s))[u"total"].toInt(), (*audit)[u"total"].toInt());
    const auto backends = m_gateway->admin(u"/backends"_s);
    QVERIFY(backends);
    QCOMPARE((*backends)[u"items"].at(0)[u"pauses"].size(), size_t(0));
}

void OperatorActionsTest::aViewerMayNotAct()
{
    GatewayOptions options;
    options.further = "[[admin.tokens]]\nname = \"anna\"\nrole = \"viewer\"\ntoken = \"zqmark-anna\"\n"
                      "[[admin.tokens]]\nname = \"olga\"\nrole = \"operator\"\ntoken = \"zqmark-olga\"\n";
    GatewayFixture gateway(options);
    QVERIFY(!gateway.start()); // no admin.json to read
    QVERIFY(gateway.isRunning());
    const QByteArray body = "{\"what\":\"delivery\",\"reason\":\"r\"}";
    const Answer refused = post(gateway, "zqmark-anna", u"/engines/all/pause"_s, body);
    QCOMPARE(refused.status, 403);
    QVERIFY(refused.body[u"detail"].toString().contains(u"operator"));
    QCOMPARE(post(gateway, "zqmark-none", u"/engines/all/pause"_s, body).status, 401);
    const auto shown = gateway.get(gateway.adminPort(), u"/api/v1/backends"_s, "zqmark-anna");
    QVERIFY(shown);
    QCOMPARE(shown->status, 200);
    QVERIFY(!shown->body.contains("who"));
    QCOMPARE(post(gateway, "zqmark-olga", u"/engines/all/pause"_s, body).status, 200);
    const auto after = gateway.get(gateway.adminPort(), u"/api/v1/backends"_s, "zqmark-anna");
    QVERIFY(after && after->body.contains("token:olga"));
}

QTEST_GUILESS_MAIN(OperatorActionsTest)
#include "tst_operator_actions.moc"
