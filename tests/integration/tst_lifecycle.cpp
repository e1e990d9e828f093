// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "base/hash.h"
#include "http/server.h"
#include "support/gateway_fixture.h"

#include <QDir>
#include <QFile>
#include <QUrl>

#include <signal.h>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::SpritzPhase;

namespace {
constexpr int kWait = 30'000;
const QString kTeam = u"T0SANDBOX"_s;
const QByteArray kToken = QByteArray(kMarker) + "-ingress-token";
const QByteArray kHookToken = QByteArray(kMarker) + "-hook-token";

// A backend's webhook that answers as it was told: statuses in turn, then 200; 0 hangs.
class Webhook
{
public:
    Webhook()
        : m_server(router(), http::Limits())
    {
        if (!m_server.listen(QHostAddress(QHostAddress::LocalHost), 0))
            qFatal("no port for a webhook");
    }
    ~Webhook() { async::blockOn(m_server.close(Millis(0)), Millis(10'000)); }
    [[nodiscard]] QString url() const { return u"http://127.0.0.1:%1/hook"_s.arg(m_server.port()); }
    void answerWith(std::vector<int> statuses) { m_statuses = std::move(statuses); }
    [[nodiscard]] size_t count() const { return m_bodies.size(); }
    // "phase" of each request so far.
    [[nodiscard]] QStringList phases() const
    {
        QStringList all;
        for (const Json &body : m_bodies)
            all << body[u"phase"].toString();
        return all;
    }
    [[nodiscard]] const Json &body(size_t index) const { return m_bodies.at(index); }
    [[nodiscard]] QByteArray authorization() const { return m_authorization; }
    QByteArray retryAfter;

private:
    http::Router router()
    {
        http::Router router;
        router.add("POST", u"/hook"_s, [this](http::Request request, http::Context context) {
            return answer(std::move(request), std::move(context));
        });
        return router;
    }
    QCoro::Task<http::Response> answer(http::Request request, http::Context context)
    {
        const auto json = Json::parse(request.body);
        m_bodies.push_back(json ? *json : Json());
        m_authorization = request.headers.value("Authorization");
        const int status = m_statuses.empty() ? 200 : m_statuses.front();
        if (!m_statuses.empty())
            m_statuses.erase(m_statuses.begin());
        if (status == 0) {
            co_await async::delay(Millis(60'000), context.cancel);
            co_return http::Response::text(500, "late");
        }
        http::Response response = http::Response::text(status, "ok");
        if (!retryAfter.isEmpty())
            response.headers.set("Retry-After", retryAfter);
        co_return response;
    }
    std::vector<int> m_statuses;
    std::vector<Json> m_bodies;
    QByteArray m_authorization;
    http::Server m_server;
};

QByteArray bodyOf(const QString &phase, const QString &instance = u"otter"_s, const QByteArray &more = {})
{
    return "{\"namespace\":\"spritz\",\"instanceId\":\"" + instance.toUtf8() + "\",\"phase\":\""
        + phase.toUtf8() + '"' + more + '}';
}

using Fields = std::vector<std::pair<QByteArray, QByteArray>>;

} // namespace

// POST /v1/lifecycle, what follows from it, and what the engine sees for itself (DESIGN.md "Lifecycle",
// contracts/spritz-backend.md §7): the running program, seen from outside.
class LifecycleTest : public QObject
{
    Q_OBJECT
private:
    http::Client m_client;

    static GatewayOptions options(const Webhook *hook = nullptr)
    {
        GatewayOptions options;
        options.backend = GatewayOptions::Backend::Spritz;
        options.recovery
            = "http_timeout = \"1s\"\ndelivery_timeout = \"8s\"\nprompt_retry_timeout = \"1s\"\n";
        options.further = "[[ingress.tokens]]\nname = \"operator\"\ntoken = \"" + kToken + "\"\n"
            + "[[ingress.tokens]]\nname = \"hashed\"\ntoken_sha256 = \""
            + sha256(QByteArray(kMarker) + "-hashed").toHex() + "\"\n"
            + "[[ingress.tokens]]\nname = \"narrow\"\ninstallations = [\"one\"]\ntoken = \"" + kMarker
            + "-narrow\"\n";
        if (hook)
            options.backendLines = "lifecycle_webhook_url = \"" + hook->url().toUtf8()
                + "\"\nlifecycle_webhook_token = \"" + kHookToken + "\"\n";
        return options;
    }
    http::Response send(http::ClientRequest request)
    {
        request.timeout = Millis(20'000);
        const auto answer = async::blockOn(m_client.send(std::move(request)), Millis(25'000));
        http::Response none;
        none.status = 0;
        return answer ? *answer : none;
    }
    http::Response post(
        GatewayFixture &gateway, const QByteArray &body, Fields fields = {}, const QByteArray &token = kToken)
    {
        http::ClientRequest request(
            "POST", QUrl(u"http://127.0.0.1:%1/v1/lifecycle"_s.arg(gateway.ingressPort())));
        request.headers.set("Content-Type", "application/json");
        if (!token.isEmpty())
            request.headers.add("Authorization", "Bearer " + token);
        for (const auto &[name, value] : fields)
            request.headers.set(name, value);
        request.body = body;
        return send(std::move(request));
    }
    // The id of the event; "" unless it was stored anew.
    QString stored(GatewayFixture &gateway, const QByteArray &body, Fields fields = {})
    {
        const http::Response response = post(gateway, body, std::move(fields));
        const auto json = Json::parse(response.body);
        if (response.status != 202 || !json || (*json)[u"duplicate"].toBool(true)) {
            const QByteArray why = QByteArray::number(response.status) + ' ' + response.body;
            QTest::qFail(why.constData(), __FILE__, __LINE__);
            return {};
        }
        return (*json)[u"id"].toString();
    }
    Json event(GatewayFixture &gateway, const QString &id)
    {
        const auto item = gateway.admin(u"/lifecycle-events/"_s + id);
        return item ? *item : Json();
    }
    qint64 total(GatewayFixture &gateway, const QString &list)
    {
        const auto page = gateway.admin(list + u"?limit=1"_s);
        return page ? (*page)[u"total"].toInt().value_or(-1) : -1;
    }
    Json runtime(GatewayFixture &gateway, const QString &instance)
    {
        const auto page = gateway.admin(u"/runtimes?filter="_s + instance);
        return page ? (*page)[u"items"].at(0) : Json();
    }
    http::Response replay(
        GatewayFixture &gateway, const QString &id, const QByteArray &body, QByteArray token)
    {
        http::ClientRequest request("POST",
            QUrl(
                u"http://127.0.0.1:%1/api/v1/lifecycle-events/%2/replay"_s.arg(gateway.adminPort()).arg(id)));
        request.headers.add("Authorization", "Bearer " + token);
        request.headers.add("Content-Type", "application/json");
        request.body = body;
        return send(std::move(request));
    }

private Q_SLOTS:
    void bothFormsAreStored();
    void duplicatesAreRecognised();
    void badInputChangesNothing_data();
    void badInputChangesNothing();
    void theBackendMustBeClear();
    void forwardsKeepTheirOrderThroughFailures();
    void aHangingWebhookHoldsUpNoOther();
    void aKilledEngineForwardsAgain();
    void theEndOfARuntimeUnbindsItsSessionsOnly();
    void aLostRuntimeIsAnEventOfOurOwn();
    void aDeadAgentIsAnEventOfOurOwn();
    void replayGoesToAnyBackendWithAWebhook();
};

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)

void LifecycleTest::bothFormsAreStored()
{
    Webhook hook;
    GatewayFixture gateway(options(&hook));
    START(gateway);
    const QString plain = stored(gateway,
        bodyOf(u"Ready"_s, u"otter"_s,
            R"(,"reason":"zqmark-reason","observedAt":"2026-01-02T03:04:05.678+01:00")"));
    QTRY_COMPARE_WITH_TIMEOUT(event(gateway, plain)[u"state"].toString(), u"forwarded"_s, kWait);
    QCOMPARE(hook.authorization(), "Bearer " + kHookToken);
    QCOMPARE(QString::fromUtf8(hook.body(0).toBytes()),
        uR"({"namespace":"spritz","instanceId":"otter","phase":"Ready","reason":"zqmark-reason",)"
        uR"("observedAt":"2026-01-02T02:04:05.678Z","eventId":"%1","source":"reported"})"_s.arg(plain));

    const QString structured = stored(gateway,
        R"({"specversion":"1.0","id":"ce-1","source":"/operator","type":"phase","time":"2026-01-02T03:04:06Z",)"
        R"("data":)"
            + bodyOf(u"Expiring"_s) + '}',
        {{"Content-Type", "application/cloudevents+json; charset=utf-8"}});
    const QString binary = stored(gateway, bodyOf(u"Expired"_s),
        {{"ce-specversion", "1.0"}, {"ce-id", "ce-2"}, {"ce-source", "/operator"}, {"ce-type", "phase"},
            {"ce-time", "2026-01-02T03:04:07Z"}});
    QTRY_COMPARE_WITH_TIMEOUT(hook.count(), size_t(3), kWait);
    QCOMPARE(hook.phases(), QStringList({u"Ready"_s, u"Expiring"_s, u"Expired"_s}));
    QCOMPARE(hook.body(1)[u"eventId"].toString(), u"ce-1"_s);
    QCOMPARE(hook.body(2)[u"eventId"].toString(), u"ce-2"_s);
    QCOMPARE(event(gateway, structured)[u"observed_at"].toString(), u"2026-01-02T03:04:06.000Z"_s);
    QCOMPARE(event(gateway, binary)[u"position"].toInt().value_or(0), 3);
    QCOMPARE(runtime(gateway, u"otter"_s)[u"phase"].toString(), u"Expired"_s);
}

void LifecycleTest::duplicatesAreRecognised()
{
    Webhook hook;
    GatewayFixture gateway(options(&hook));
    START(gateway);
    const auto again = [&](const QByteArray &body, const Fields &fields, const QString &id) {
        const auto json = Json::parse(post(gateway, body, fields).body);
        return json && (*json)[u"duplicate"].toBool() && (*json)[u"id"].toString() == id;
    };
    const QByteArray named = bodyOf(u"Ready"_s, u"otter"_s, R"(,"eventId":"e-1")");
    const QString first = stored(gateway, named);
    QVERIFY(again(named, {}, first));
    const QString keyed = stored(gateway, bodyOf(u"Error"_s), {{"Idempotency-Key", "k-1"}});
    QVERIFY(again(bodyOf(u"Error"_s), {{"Idempotency-Key", "k-1"}}, keyed));
    QCOMPARE(post(gateway, bodyOf(u"Ready"_s), {{"Idempotency-Key", "k-1"}}).status, 422);
    const QString bare = stored(gateway, bodyOf(u"Provisioning"_s)); // as the operator sends it
    QVERIFY(again(bodyOf(u"Provisioning"_s), {}, bare));
    gateway.killNow();
    START(gateway);
    QVERIFY(again(named, {}, first));
    QTRY_COMPARE_WITH_TIMEOUT(event(gateway, bare)[u"state"].toString(), u"forwarded"_s, kWait);
    QCOMPARE(total(gateway, u"/lifecycle-events"_s), 3);
    // A kill may repeat a forward; the receiver knows it by its eventId.
    QStringList ids;
    for (size_t i = 0; i < hook.count(); ++i)
        ids << hook.body(i)[u"eventId"].toString();
    ids.removeDuplicates();
    QCOMPARE(ids, QStringList({u"e-1"_s, keyed, bare}));
}

void LifecycleTest::badInputChangesNothing_data()
{
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<QByteArray>("field");
    QTest::addColumn<QByteArray>("value");
    QTest::addColumn<int>("status");
    const QByteArray none;
    const QByteArray good = bodyOf(u"Ready"_s);
    const QByteArray marker(kMarker);
    const auto row
        = [&](const char *name, const QByteArray &body, int status, const QByteArray &field = {},
              const QByteArray &value = {}) { QTest::newRow(name) << body << field << value << status; };
    row("empty", none, 400);
    row("not JSON", "{" + marker, 400);
    row("an array", "[]", 400);
    row("no namespace", R"({"instanceId":"a","phase":"Ready"})", 400);
    row("no instance", R"({"namespace":"a","phase":"Ready"})", 400);
    row("no phase", R"({"namespace":"a","instanceId":"b"})", 400);
    row("empty phase", bodyOf({}), 400);
    row("a number as phase", R"({"namespace":"a","instanceId":"b","phase":1})", 400);
    row("a space in an id", bodyOf(u"Ready"_s, u"a zqmark"_s), 400);
    row("a separator in an id", bodyOf(u"Ready"_s, u"a|b"_s), 400);
    row("an id of 513", bodyOf(u"Ready"_s, QString(513, u'a')), 400);
    row("an event id of 513", bodyOf(u"Ready"_s, u"a"_s, R"(,"eventId":")" + QByteArray(513, 'e') + '"'),
        400);
    row("a phase of 65", bodyOf(QString(65, u'p')), 400);
    row("a control character", bodyOf(u"Ready\\u0000"_s), 400);
    row("half a character", bodyOf(u"Ready"_s, u"a"_s, R"(,"reason":"\ud800")"), 400);
    row("a local time", bodyOf(u"Ready"_s, u"a"_s, R"(,"observedAt":"2026-01-02T03:04:05")"), 400);
    row("no time", bodyOf(u"Ready"_s, u"a"_s, R"(,"observedAt":"zqmark")"), 400);
    row("an unknown backend", bodyOf(u"Ready"_s, u"a"_s, R"(,"backend":"zqmark")"), 400);
    row("a long key", good, 400, "Idempotency-Key", QByteArray(256, 'k'));
    row("text", good, 415, "Content-Type", "text/plain");
    row("a batch of events", "[" + good + "]", 415, "Content-Type", "application/cloudevents-batch+json");
    row("a bare body as an event", good, 400, "Content-Type", "application/cloudevents+json");
    row("another version", R"({"specversion":"2.0","id":"a","source":"b","type":"c","data":)" + good + '}',
        400, "Content-Type", "application/cloudevents+json");
    row("a binary event without id", good, 400, "ce-specversion", "1.0");
    row("too large", bodyOf(u"Ready"_s, u"a"_s, R"(,"more":")" + QByteArray(300'000, 'x') + '"'), 413);
    row("no token", good, 401, "Authorization", "Basic abc");
    row("a wrong token", good, 401, "Authorization", "Bearer " + marker + "-wrong");
    row("a token for one installation", good, 403, "Authorization", "Bearer " + marker + "-narrow");
}

void LifecycleTest::badInputChangesNothing()
{
    QFETCH(QByteArray, body);
    QFETCH(QByteArray, field);
    QFETCH(QByteArray, value);
    QFETCH(int, status);
    // One program for all rows.
    static std::unique_ptr<GatewayFixture> gateway;
    if (!gateway) {
        gateway = std::make_unique<GatewayFixture>(options());
        START(*gateway);
    }
    Fields fields;
    if (!field.isEmpty())
        fields.emplace_back(field, value);
    const http::Response response = post(*gateway, body, fields);
    QCOMPARE(response.status, status);
    QCOMPARE(response.headers.value("Content-Type"), "application/problem+json");
    QVERIFY(!response.body.contains(kMarker));
    QCOMPARE(total(*gateway, u"/lifecycle-events"_s), 0);
    QCOMPARE(total(*gateway, u"/runtimes"_s), 0);
    if (qstrcmp(QTest::currentDataTag(), "a token for one installation") == 0) {
        // The hashed token is one like any, and it all works.
        QCOMPARE(post(*gateway, bodyOf(u"Ready"_s), {}, QByteArray(kMarker) + "-hashed").status, 202);
        gateway.reset();
    }
}

void LifecycleTest::theBackendMustBeClear()
{
    GatewayOptions two = options();
    two.further
        += "[[backends]]\nname = \"second\"\nkind = \"spritz\"\nregistry_url = \"http://127.0.0.1:9\"\n"
           "spritz_url = \"http://127.0.0.1:9\"\n"
           "[[backends]]\nname = \"desk\"\nkind = \"acp\"\ncommand = [\"true\"]\n";
    GatewayFixture gateway(two);
    START(gateway);
    const http::Response unclear = post(gateway, bodyOf(u"Ready"_s));
    QCOMPARE(unclear.status, 400);
    QVERIFY(unclear.body.contains("under-test, second"));
    const QString id = stored(gateway, bodyOf(u"Ready"_s, u"otter"_s, R"(,"backend":"second")"));
    QCOMPARE(event(gateway, id)[u"backend"].toString(), u"second"_s);
    QCOMPARE(event(gateway, id)[u"state"].toString(), u"none"_s); // nobody wants it
}

void LifecycleTest::forwardsKeepTheirOrderThroughFailures()
{
    Webhook hook;
    GatewayFixture gateway(options(&hook));
    START(gateway);
    hook.answerWith({500, 0, 302}); // an error, a hang, a redirect; the fourth try arrives
    const QStringList phases{u"Provisioning"_s, u"Ready"_s, u"Expiring"_s, u"Expired"_s};
    QString last;
    for (const QString &phase : phases)
        last = stored(gateway, bodyOf(phase));
    QTRY_COMPARE_WITH_TIMEOUT(event(gateway, last)[u"state"].toString(), u"forwarded"_s, kWait);
    QCOMPARE(hook.phases(), QStringList(3, phases.first()) + phases);
    const auto page = gateway.admin(u"/lifecycle-events?sort=created_at"_s);
    QVERIFY(page);
    const Json &forward = (*page)[u"items"].at(0)[u"forwards"].at(0);
    QCOMPARE(forward[u"attempts"].toInt().value_or(0), 4);
    QCOMPARE(forward[u"state"].toString(), u"sent"_s);
    QCOMPARE(forward[u"backend"].toString(), u"under-test"_s);
}

void LifecycleTest::aHangingWebhookHoldsUpNoOther()
{
    Webhook hanging;
    Webhook quick;
    hanging.answerWith(std::vector<int>(200, 0));
    GatewayOptions both = options(&hanging);
    both.further
        += "[[backends]]\nname = \"desk\"\nkind = \"acp\"\ncommand = [\"true\"]\nlifecycle_webhook_url = \""
        + quick.url().toUtf8() + "\"\n";
    GatewayFixture gateway(both);
    START(gateway);
    for (int i = 0; i < 40; ++i)
        stored(gateway, bodyOf(u"Ready"_s, u"run-%1"_s.arg(i)));
    QTRY_COMPARE_WITH_TIMEOUT(quick.count(), size_t(40), kWait);
    QVERIFY(quick.authorization().isEmpty());
    QVERIFY(hanging.count() > 0);
}

void LifecycleTest::aKilledEngineForwardsAgain()
{
    Webhook hook;
    GatewayFixture gateway(options(&hook));
    START(gateway);
    hook.answerWith({0});
    const QString first = stored(gateway, bodyOf(u"Provisioning"_s));
    const QString second = stored(gateway, bodyOf(u"Ready"_s));
    QTRY_COMPARE_WITH_TIMEOUT(hook.count(), size_t(1), kWait);
    gateway.killNow(); // in the middle of the request
    START(gateway);
    QTRY_COMPARE_WITH_TIMEOUT(event(gateway, second)[u"state"].toString(), u"forwarded"_s, kWait);
    QCOMPARE(hook.phases(), QStringList({u"Provisioning"_s, u"Provisioning"_s, u"Ready"_s}));
    QCOMPARE(hook.body(0)[u"eventId"].toString(), first);
    QCOMPARE(hook.body(1)[u"eventId"].toString(), first);
}

void LifecycleTest::theEndOfARuntimeUnbindsItsSessionsOnly()
{
    GatewayFixture gateway(options());
    START(gateway);
    const auto said = gateway.mention(u"C0BIND"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    const QString instance = gateway.spritz().instanceId(kTeam);
    QCOMPARE(runtime(gateway, instance)[u"sessions"].toInt().value_or(-1), 1);
    const QString other = stored(gateway, bodyOf(u"Expired"_s, instance + u"-other"_s));
    QCOMPARE(event(gateway, other)[u"unbound"].toInt().value_or(-1), 0);
    const QString early = stored(gateway, bodyOf(u"Expiring"_s, instance));
    QCOMPARE(event(gateway, early)[u"unbound"].toInt().value_or(-1), 0);
    QCOMPARE(runtime(gateway, instance)[u"sessions"].toInt().value_or(-1), 1);
    const QString end = stored(gateway, bodyOf(u"Terminating"_s, instance));
    QCOMPARE(event(gateway, end)[u"unbound"].toInt().value_or(-1), 1);
    QCOMPARE(runtime(gateway, instance)[u"sessions"].toInt().value_or(-1), 0);
    const auto next = gateway.mention(u"C0BIND"_s, u"again"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
    const auto bound = [&] {
        return runtime(gateway, gateway.spritz().instanceId(kTeam))[u"sessions"].toInt().value_or(-1);
    };
    QCOMPARE(bound(), 1);
}

void LifecycleTest::aLostRuntimeIsAnEventOfOurOwn()
{
    Webhook hook;
    GatewayFixture gateway(options(&hook));
    START(gateway);
    const auto said = gateway.mention(u"C0LOSS"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(hook.count(), size_t(0)); // the first sight of a runtime is no change
    const QString instance = gateway.spritz().instanceId(kTeam);
    gateway.spritz().setPhase(kTeam, SpritzPhase::Vanished);
    gateway.spritz().comeBackAfterForced(kTeam, 1, true);
    const auto next = gateway.mention(u"C0LOSS"_s, u"again"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
    QTRY_VERIFY_WITH_TIMEOUT(hook.count() >= 1, kWait);
    QCOMPARE(hook.body(0)[u"phase"].toString(), u"lost"_s);
    QCOMPARE(hook.body(0)[u"source"].toString(), u"observed"_s);
    QCOMPARE(hook.body(0)[u"instanceId"].toString(), instance);
    QCOMPARE(runtime(gateway, instance)[u"phase"].toString(), u"lost"_s);
}

void LifecycleTest::aDeadAgentIsAnEventOfOurOwn()
{
    Webhook hook;
    GatewayOptions desk = options(&hook);
    desk.backend = GatewayOptions::Backend::Acp;
    GatewayFixture gateway(desk);
    START(gateway);
    const auto said = gateway.mention(u"C0DESK"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QList<QByteArray> agents;
    const QDir tasks(u"/proc/%1/task"_s.arg(gateway.processId()));
    for (const QString &task : tasks.entryList(QDir::Dirs | QDir::NoDotAndDotDot)) {
        QFile children(tasks.filePath(task + u"/children"_s));
        if (children.open(QIODevice::ReadOnly))
            agents += children.readAll().simplified().split(' ');
    }
    agents.removeAll(QByteArray());
    QCOMPARE(agents.size(), 1);
    QCOMPARE(::kill(agents.first().toInt(), SIGKILL), 0);
    QTRY_COMPARE_WITH_TIMEOUT(hook.phases(), QStringList(u"exited"_s), kWait);
    QCOMPARE(hook.body(0)[u"namespace"].toString(), u"local"_s);
    QCOMPARE(hook.body(0)[u"instanceId"].toString(), u"under-test"_s);
    const auto next = gateway.mention(u"C0DESK"_s, u"again"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(hook.phases(), QStringList({u"exited"_s, u"ready"_s}), kWait);
}

void LifecycleTest::replayGoesToAnyBackendWithAWebhook()
{
    Webhook hook;
    Webhook other;
    GatewayOptions both = options(&hook);
    both.further
        += "[[backends]]\nname = \"desk\"\nkind = \"acp\"\ncommand = [\"true\"]\nlifecycle_webhook_url = \""
        + other.url().toUtf8()
        + "\"\n[[admin.tokens]]\nname = \"anna\"\nrole = \"operator\"\ntoken = \"anna-token\"\n"
        + "[[admin.tokens]]\nname = \"viewer\"\nrole = \"viewer\"\ntoken = \"viewer-token\"\n";
    GatewayFixture gateway(both);
    const Status started = gateway.start();
    QVERIFY(!started); // no admin.json with configured tokens; the program runs all the same
    QVERIFY(gateway.isRunning());
    const QString id = stored(gateway, bodyOf(u"Ready"_s));
    QTRY_COMPARE_WITH_TIMEOUT(hook.count() + other.count(), size_t(2), kWait);
    const auto state = [&] {
        const auto item
            = gateway.get(gateway.adminPort(), u"/api/v1/lifecycle-events/"_s + id, "viewer-token");
        const auto json = item ? Json::parse(item->body) : Json();
        return json ? (*json)[u"state"].toString() : QString();
    };
    QTRY_COMPARE_WITH_TIMEOUT(state(), u"forwarded"_s, kWait);
    const QByteArray good = R"({"reason":"zqmark-reason","backend":"desk"})";
    QCOMPARE(replay(gateway, id, good, "viewer-token").status, 403);
    QCOMPARE(replay(gateway, id, good, "nobody").status, 401);
    QCOMPARE(replay(gateway, id, "{}", "anna-token").status, 400);
    QCOMPARE(replay(gateway, id, R"({"reason":" "})", "anna-token").status, 400);
    QCOMPARE(replay(gateway, id, R"({"reason":"a","backend":"nobody"})", "anna-token").status, 400);
    QCOMPARE(replay(gateway, u"nothing"_s, good, "anna-token").status, 404);
    const http::Response made = replay(gateway, id, good, "anna-token");
    QCOMPARE(made.status, 201);
    const auto forward = Json::parse(made.body);
    QVERIFY(forward);
    QCOMPARE((*forward)[u"backend"].toString(), u"desk"_s);
    QCOMPARE((*forward)[u"actor"].toString(), u"anna"_s);
    QVERIFY(!(*forward)[u"replay_of"].toString().isEmpty());
    QTRY_COMPARE_WITH_TIMEOUT(other.count(), size_t(2), kWait);
    QCOMPARE(other.body(1), other.body(0));
    QCOMPARE(hook.count(), size_t(1));
}

QTEST_GUILESS_MAIN(LifecycleTest)
#include "tst_lifecycle.moc"
