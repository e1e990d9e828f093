// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "gateway/webhook_signature.h"
#include "http/server.h"
#include "support/gateway_fixture.h"

#include <QElapsedTimer>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::SlackMessage;

// POST /v1/interactions, GET /v1/interactions/{id} and the webhook that is told the answer (INTERFACE.md
// "Ingress routes"): the running program, seen from outside.
class QuestionsApiTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void anAnswerReachesTheWebhookAndWhoeverWaits();
    void anAnswerIsSaidInTheSession();
    void aWrittenAnswerIsTaken();
    void theSameKeyAsksOnce();
    void aWebhookThatFailsIsTriedAgain();
    void anAnswerSurvivesAKill();
    void nobodyAnswersInTime();
    void badInputStoresNothing_data();
    void badInputStoresNothing();
    void othersSeeNothing();
};

namespace {
constexpr int kWait = 30'000;
const QByteArray kToken = QByteArray(kMarker) + "-all-token";
const QByteArray kOther = QByteArray(kMarker) + "-other-token";
const QByteArray kSecret = QByteArray(kMarker) + "-webhook-secret";

struct Call
{
    Call() = default;
    QByteArray body;
    QByteArray id;
    QByteArray timestamp;
    QByteArray signature;
};

// Answers with the statuses that it was given, then 200.
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
    [[nodiscard]] QByteArray toml() const
    {
        return "[[webhooks]]\nname = \"answers\"\nurl = \"http://127.0.0.1:"
            + QByteArray::number(m_server.port()) + "/hook\"\nsecret = \"" + kSecret
            + "\"\nevents = [\"interaction.answered\"]\n";
    }
    std::vector<int> statuses;
    std::vector<Call> calls;

private:
    http::Router router()
    {
        http::Router router;
        router.add("POST", u"/hook"_s,
            [this](http::Request request, http::Context) { return answer(std::move(request)); });
        return router;
    }
    QCoro::Task<http::Response> answer(http::Request request)
    {
        Call &call = calls.emplace_back();
        call.body = request.body;
        call.id = request.headers.value("webhook-id");
        call.timestamp = request.headers.value("webhook-timestamp");
        call.signature = request.headers.value("webhook-signature");
        const int status = statuses.empty() ? 200 : statuses.front();
        if (!statuses.empty())
            statuses.erase(statuses.begin());
        co_return http::Response::text(status, "ok");
    }
    http::Server m_server;
};

GatewayOptions options(const Webhook *hook = nullptr)
{
    GatewayOptions options;
    options.agentRemembers = true;
    options.further = "[[ingress.tokens]]\nname = \"all\"\ntoken = \"" + kToken
        + "\"\n[[ingress.tokens]]\nname = \"other\"\ninstallations = [\"slack:T9\"]\ntoken = \"" + kOther
        + "\"\n";
    if (hook)
        options.further += hook->toml();
    return options;
}

struct Answer
{
    Answer() = default;
    int status = 0;
    Json json;
};

Answer send(GatewayFixture &gateway, const QByteArray &method, const QString &path, const QByteArray &body,
    const QByteArray &token = kToken, const QByteArray &key = {})
{
    http::Client client;
    http::ClientRequest request(
        method, QUrl(u"http://127.0.0.1:%1/v1/interactions%2"_s.arg(gateway.ingressPort()).arg(path)));
    request.headers.add("Authorization", "Bearer " + token);
    request.headers.add("Content-Type", "application/json");
    if (!key.isEmpty())
        request.headers.add("Idempotency-Key", key);
    request.body = body;
    request.timeout = Millis(40'000);
    const auto response = async::blockOn(client.send(std::move(request)), Millis(45'000));
    Answer answer;
    if (!response)
        return answer;
    answer.status = response->status;
    const auto json = Json::parse(response->body);
    if (json)
        answer.json = *json;
    return answer;
}

QByteArray question(const QByteArray &more = {},
    const QByteArray &where = "\"installation\":\"slack:T0SANDBOX\",\"place\":\"C0ASK\"")
{
    return "{" + where + ",\"text\":\"Deploy? " + kMarker
        + "\",\"answerers\":\"anyone\",\"options\":[{\"id\":\"go\",\"label\":\"Go " + kMarker
        + "\"},{\"id\":\"stop\",\"label\":\"Stop\"}]" + more + "}";
}

// The card that the app has posted last, with its buttons.
SlackMessage card(GatewayFixture &gateway, const QString &channel)
{
    SlackMessage last;
    for (const SlackMessage &message : gateway.slack().messages(channel)) {
        if (!message.botId.isEmpty() && message.text.contains(u"Deploy?"_s))
            last = message;
    }
    return last;
}

int click(GatewayFixture &gateway, const QString &channel, const QString &ts, int button)
{
    gateway.slack().addUser(u"U0BOB"_s);
    auto clicking = gateway.slack().click(channel, ts, u"signalbox.answer.%1"_s.arg(button), u"U0BOB"_s);
    const auto answer = async::blockOn(std::move(clicking), Millis(30'000));
    return answer ? answer->status : 0;
}

} // namespace

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        (gateway).slack().addChannel(u"C0ASK"_s);                                                            \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)
#define ASK(gateway, body, into)                                                                             \
    const Answer into##Asked = send(gateway, "POST", QString(), body);                                       \
    QCOMPARE(into##Asked.status, 202);                                                                       \
    const QString into = into##Asked.json[u"id"].toString()
#define WAIT_CARD(gateway) QTRY_VERIFY_WITH_TIMEOUT(!card(gateway, u"C0ASK"_s).ts.isEmpty(), kWait)

void QuestionsApiTest::anAnswerReachesTheWebhookAndWhoeverWaits()
{
    Webhook hook;
    GatewayFixture gateway(options(&hook));
    START(gateway);
    ASK(gateway, question(), id);
    QCOMPARE(idAsked.json[u"state"].toString(), u"posting"_s);
    WAIT_CARD(gateway);
    QTRY_COMPARE_WITH_TIMEOUT(
        send(gateway, "GET", u'/' + id, {}).json[u"state"].toString(), u"open"_s, kWait);
    QVERIFY(send(gateway, "GET", u'/' + id + u"?wait=1s"_s, {}).json[u"answer"].isNull());
    QCOMPARE(click(gateway, u"C0ASK"_s, card(gateway, u"C0ASK"_s).ts, 1), 200);
    const Answer known = send(gateway, "GET", u'/' + id + u"?wait=30s"_s, {});
    QCOMPARE(known.status, 200);
    QCOMPARE(known.json[u"state"].toString(), u"answered"_s);
    QCOMPARE(known.json[u"answer"][u"option"].toString(), u"stop"_s);
    QCOMPARE(known.json[u"answered_by"].toString(), u"U0BOB"_s);
    QTRY_COMPARE_WITH_TIMEOUT(hook.calls.size(), size_t(1), kWait);
    const Call &call = hook.calls.front();
    QCOMPARE(call.signature,
        gateway::webhookSignature({Secret(kSecret)}, call.id, call.timestamp.toLongLong(), call.body));
    const auto told = Json::parse(call.body);
    QVERIFY(told);
    QCOMPARE((*told)[u"type"].toString(), u"interaction.answered"_s);
    QCOMPARE((*told)[u"data"][u"id"].toString(), id);
    QCOMPARE((*told)[u"data"][u"answer"][u"option"].toString(), u"stop"_s);
    QCOMPARE((*told)[u"data"][u"answered_by"].toString(), u"U0BOB"_s);
    QTRY_VERIFY_WITH_TIMEOUT(
        card(gateway, u"C0ASK"_s).text.contains(u"Stop"_s), kWait); // and the card shows it
    QCOMPARE(hook.calls.size(), size_t(1));
}

void QuestionsApiTest::anAnswerIsSaidInTheSession()
{
    GatewayFixture gateway(options());
    START(gateway);
    const auto said = gateway.mention(u"C0ASK"_s, u"first"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    const QString session = gateway.delivery(said.ts)[u"session"].toString();
    QVERIFY(!session.isEmpty());
    ASK(gateway, question(",\"as_message\":true", "\"session\":\"" + session.toUtf8() + '"'), id);
    WAIT_CARD(gateway);
    const SlackMessage shown = card(gateway, u"C0ASK"_s);
    QCOMPARE(shown.threadTs, said.ts); // where the session is
    QCOMPARE(click(gateway, u"C0ASK"_s, shown.ts, 0), 200);
    QTRY_COMPARE_WITH_TIMEOUT(
        gateway.appTexts(u"C0ASK"_s, said.ts).filter(u"You said: Go "_s).size(), 1, kWait);
    QCOMPARE(send(gateway, "GET", u'/' + id, {}).json[u"state"].toString(), u"answered"_s);
}

void QuestionsApiTest::aWrittenAnswerIsTaken()
{
    GatewayFixture gateway(options());
    START(gateway);
    const auto said = gateway.mention(u"C0ASK"_s, u"first"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    ASK(gateway,
        "{\"installation\":\"slack:T0SANDBOX\",\"place\":\"C0ASK\",\"thread\":\"" + said.ts.toUtf8()
            + "\",\"text\":\"Deploy? which one\",\"answerers\":[\"U0ANNA\"]}",
        id);
    WAIT_CARD(gateway);
    (void)gateway.mention(u"C0ASK"_s, u"answer: the blue one"_s, said.ts);
    const Answer known = send(gateway, "GET", u'/' + id + u"?wait=20s"_s, {});
    QCOMPARE(known.json[u"state"].toString(), u"answered"_s);
    QVERIFY(known.json[u"answer"][u"text"].toString().startsWith(u"the blue one"_s));
    QCOMPARE(known.json[u"answered_by"].toString(), u"U0ANNA"_s);
    QCOMPARE(gateway.deliveryTotal(), 1); // the answer is no message
}

void QuestionsApiTest::theSameKeyAsksOnce()
{
    GatewayFixture gateway(options());
    START(gateway);
    const Answer first = send(gateway, "POST", {}, question(), kToken, "key-1");
    const Answer second = send(gateway, "POST", {}, question(), kToken, "key-1");
    QCOMPARE(first.status, 202);
    QCOMPARE(second.status, 202);
    QCOMPARE(second.json[u"id"].toString(), first.json[u"id"].toString());
    QCOMPARE(send(gateway, "POST", {}, question(",\"kind\":\"other\""), kToken, "key-1").status, 422);
    WAIT_CARD(gateway);
    QCOMPARE(gateway.appTexts(u"C0ASK"_s).size(), 1);
}

void QuestionsApiTest::aWebhookThatFailsIsTriedAgain()
{
    Webhook hook;
    hook.statuses = {500, 503};
    GatewayFixture gateway(options(&hook));
    START(gateway);
    ASK(gateway, question(), id);
    WAIT_CARD(gateway);
    QCOMPARE(click(gateway, u"C0ASK"_s, card(gateway, u"C0ASK"_s).ts, 0), 200);
    QTRY_COMPARE_WITH_TIMEOUT(hook.calls.size(), size_t(3), kWait);
    QCOMPARE(hook.calls[2].id, hook.calls[0].id); // so that the receiver can tell
    QCOMPARE(hook.calls[2].body, hook.calls[0].body);
    QVERIFY(!id.isEmpty());
}

// The answer is committed before the click has its 200; nothing in it needs this process.
void QuestionsApiTest::anAnswerSurvivesAKill()
{
    Webhook hook;
    hook.statuses = {500};
    GatewayFixture gateway(options(&hook));
    START(gateway);
    ASK(gateway, question(), id);
    WAIT_CARD(gateway);
    QCOMPARE(click(gateway, u"C0ASK"_s, card(gateway, u"C0ASK"_s).ts, 0), 200);
    gateway.killNow();
    START(gateway);
    const Answer known = send(gateway, "GET", u'/' + id, {});
    QCOMPARE(known.json[u"state"].toString(), u"answered"_s);
    QCOMPARE(known.json[u"answer"][u"option"].toString(), u"go"_s);
    QTRY_VERIFY_WITH_TIMEOUT(!hook.calls.empty() && hook.statuses.empty(), kWait);
    QTRY_VERIFY_WITH_TIMEOUT(hook.calls.size() >= 2, kWait);
    QTRY_VERIFY_WITH_TIMEOUT(card(gateway, u"C0ASK"_s).text.contains(u"Go"_s), kWait);
}

void QuestionsApiTest::nobodyAnswersInTime()
{
    Webhook hook;
    GatewayFixture gateway(options(&hook));
    START(gateway);
    ASK(gateway, question(",\"ttl\":\"1s\""), id);
    WAIT_CARD(gateway);
    const Answer known = send(gateway, "GET", u'/' + id + u"?wait=30s"_s, {});
    QCOMPARE(known.json[u"state"].toString(), u"expired"_s);
    QVERIFY(known.json[u"answer"].isNull());
    QVERIFY(hook.calls.empty());
}

void QuestionsApiTest::badInputStoresNothing_data()
{
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<int>("status");
    const QByteArray place = "\"installation\":\"slack:T0SANDBOX\",\"place\":\"C0ASK\"";
    const auto row = [](const char *name, const QByteArray &body, int status = 400) {
        QTest::newRow(name) << body << status;
    };
    row("no json", "what?");
    row("no place", "{\"text\":\"a\"}");
    row("session and place", "{\"session\":\"se_x\"," + place + ",\"text\":\"a\"}");
    row("no text", "{" + place + "}");
    row("empty text", "{" + place + ",\"text\":\" \"}");
    row("long text", "{" + place + ",\"text\":\"" + QByteArray(3000, 'x') + "\"}");
    row("unknown member", "{" + place + ",\"text\":\"a\",\"txet\":1}");
    row("no options in it", "{" + place + ",\"text\":\"a\",\"options\":[]}");
    row("the same option twice",
        "{" + place
            + ",\"text\":\"a\",\"options\":[{\"id\":\"1\",\"label\":\"a\"},{\"id\":\"1\",\"label\":\"b\"}]}");
    row("a long label",
        "{" + place + ",\"text\":\"a\",\"options\":[{\"id\":\"1\",\"label\":\"" + QByteArray(76, 'x')
            + "\"}]}");
    row("no answerers in it", "{" + place + ",\"text\":\"a\",\"answerers\":[]}");
    row("everybody by a star", "{" + place + ",\"text\":\"a\",\"answerers\":[\"*\"]}");
    row("nobody could answer", "{" + place + ",\"text\":\"a\",\"answerers\":\"requester\"}");
    row("ttl without a unit", "{" + place + ",\"text\":\"a\",\"answerers\":\"anyone\",\"ttl\":\"5\"}");
    row("a long ttl", "{" + place + ",\"text\":\"a\",\"answerers\":\"anyone\",\"ttl\":\"90d\"}");
    row("as a message without a session",
        "{" + place + ",\"text\":\"a\",\"answerers\":\"anyone\",\"as_message\":true}");
    row("unknown installation",
        "{\"installation\":\"slack:T7\",\"place\":\"C1\",\"text\":\"a\",\"answerers\":\"anyone\"}", 404);
    row("unknown session", "{\"session\":\"se_none\",\"text\":\"a\",\"answerers\":\"anyone\"}", 404);
}

void QuestionsApiTest::badInputStoresNothing()
{
    static std::unique_ptr<GatewayFixture> gateway; // one for all rows
    if (!gateway) {
        gateway = std::make_unique<GatewayFixture>(options());
        START(*gateway);
    }
    QFETCH(QByteArray, body);
    QFETCH(int, status);
    const Answer answer = send(*gateway, "POST", {}, body);
    QCOMPARE(answer.status, status);
    QVERIFY(!answer.json[u"title"].toString().isEmpty() || !answer.json[u"detail"].toString().isEmpty());
    QVERIFY(gateway->appTexts(u"C0ASK"_s).isEmpty());
    if (QLatin1StringView(QTest::currentDataTag()) == "unknown session"_L1)
        gateway.reset(); // the last row
}

void QuestionsApiTest::othersSeeNothing()
{
    GatewayFixture gateway(options());
    START(gateway);
    ASK(gateway, question(), id);
    QCOMPARE(send(gateway, "GET", u'/' + id, {}, kOther).status, 404);
    QCOMPARE(send(gateway, "GET", u"/none"_s, {}).status, 404);
    QCOMPARE(send(gateway, "GET", u'/' + id + u"?wait=5"_s, {}).status, 400);
    QCOMPARE(send(gateway, "GET", u'/' + id + u"?wait=2h"_s, {}).status, 400);
    QCOMPARE(send(gateway, "POST", {}, question(), kOther).status, 403);
    QCOMPARE(send(gateway, "POST", {}, question(), "nobody").status, 401);
}

QTEST_GUILESS_MAIN(QuestionsApiTest)
#include "tst_questions_api.moc"
