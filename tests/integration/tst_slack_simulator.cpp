// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "base/hash.h"
#include "http/client.h"
#include "http/server.h"
#include "sandbox/slack_simulator.h"
#include "support/fake_clock.h"

#include <QSignalSpy>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using sandbox::Fault;
using sandbox::SayOptions;
using sandbox::SlackSimulator;
using sandbox::SlackSimulatorConfig;
using sandbox::TwinOrder;

namespace {
// Takes the events and answers them with what the test wants.
class Ingress : public QObject
{
public:
    Ingress()
    {
        http::Router router;
        router.add("POST", u"/slack/events"_s, [this](http::Request request, http::Context context) {
            requests.push_back(request);
            const int status = answers.empty() ? 200 : answers.front();
            if (!answers.empty())
                answers.erase(answers.begin());
            return status == 0 ? mute(context) : reply(status, noRetry);
        });
        http::Limits limits;
        server = std::make_unique<http::Server>(std::move(router), limits);
        const auto listening = server->listen(QHostAddress(QHostAddress::LocalHost), 0);
        if (!listening)
            qFatal("no port");
    }
    ~Ingress() override { async::blockOn(server->close(Millis(0))); }

    [[nodiscard]] QUrl url() const { return QUrl(u"http://127.0.0.1:%1/slack/events"_s.arg(server->port())); }
    [[nodiscard]] Json event(size_t index) const { return *Json::parse(requests.at(index).body); }

    std::vector<http::Request> requests;
    std::vector<int> answers; // 0: never
    bool noRetry = false;
    std::unique_ptr<http::Server> server;

private:
    static QCoro::Task<http::Response> reply(int status, bool noRetry)
    {
        http::Response response = http::Response::text(status, "ok");
        if (noRetry)
            response.headers.add("x-slack-no-retry", "1");
        co_return response;
    }
    static QCoro::Task<http::Response> mute(http::Context context)
    {
        co_await async::delay(Millis(3'600'000), context.cancel);
        co_return http::Response();
    }
};

class SlackSimulatorTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void call_checksTheToken();
    void call_refusesWhatSlackRefuses_data();
    void call_refusesWhatSlackRefuses();
    void post_isStoredThreadedAndShown();
    void post_escapesAsSlackDoes();
    void post_cutsLongTextWithAWarning();
    void update_refusesLongAndForeignMessages();
    void delete_hidesTheMessage();
    void reactions_areIdempotentTheWaySlackIs();
    void metadata_isShownOnRequestOnly();
    void history_pagesNewestFirst();
    void direct_messagesAreOpenedOnce();
    void keepText_offKeepsIdsAndLengths();
    void fault_rateLimitNamesTheWait();
    void fault_closeAfterEffectPostsAndCloses();
    void fault_closeBeforeEffectPostsNothing();
    void fault_hangEndsWithTheCaller();
    void fault_delayedEffectPostsLate();
    void mention_sendsSignedTwins();
    void mention_ordersItsTwins();
    void event_isRetriedWithTheSameId();
    void event_isNotRetriedAgainstTheReceiversWish();
    void event_timesOut();
    void directMessage_isOneEvent();
    void click_postsTheButton();

private:
    Json call(const QString &method, const Json &args, int *status = nullptr,
        const QByteArray &token = "xoxb-sandbox");
    Result<http::Response> raw(
        const QString &method, const Json &args, Millis timeout, const QByteArray &token = "xoxb-sandbox");

    SystemClock m_clock;
    std::unique_ptr<Ingress> m_ingress;
    std::unique_ptr<SlackSimulator> m_slack;
    std::unique_ptr<http::Client> m_client;
};
} // namespace

void SlackSimulatorTest::init()
{
    m_ingress = std::make_unique<Ingress>();
    m_client = std::make_unique<http::Client>();
    SlackSimulatorConfig config;
    config.eventUrl = m_ingress->url();
    config.interactionUrl = m_ingress->url();
    m_slack = std::make_unique<SlackSimulator>(config, m_clock);
    m_slack->events().retryDelays = {Millis(0), Millis(1), Millis(2)};
    QVERIFY(m_slack->listen());
    m_slack->addChannel(u"C1"_s, u"general"_s);
    m_slack->addUser(u"U1"_s);
}

void SlackSimulatorTest::cleanup()
{
    async::blockOn(m_slack->close());
    m_slack.reset();
    m_client.reset();
    m_ingress.reset();
}

Result<http::Response> SlackSimulatorTest::raw(
    const QString &method, const Json &args, Millis timeout, const QByteArray &token)
{
    http::ClientRequest request("POST", QUrl(m_slack->apiBaseUrl() + u'/' + method));
    request.headers.add("Content-Type", "application/json; charset=utf-8");
    if (!token.isEmpty())
        request.headers.add("Authorization", "Bearer " + token);
    request.body = args.toBytes();
    request.timeout = timeout;
    return async::blockOn(m_client->send(std::move(request)));
}

Json SlackSimulatorTest::call(const QString &method, const Json &args, int *status, const QByteArray &token)
{
    const auto response = raw(method, args, Millis(4000), token);
    if (!response) {
        QTest::qFail(qPrintable(response.error().toString()), __FILE__, __LINE__);
        return Json();
    }
    if (status != nullptr)
        *status = response->status;
    return Json::parse(response->body).value_or(Json());
}

void SlackSimulatorTest::call_checksTheToken()
{
    QCOMPARE(call(u"auth.test"_s, Json::object(), nullptr, {})[u"error"].toString(), u"not_authed"_s);
    QCOMPARE(
        call(u"auth.test"_s, Json::object(), nullptr, "xoxb-other")[u"error"].toString(), u"invalid_auth"_s);
    const Json ok = call(u"auth.test"_s, Json::object());
    QVERIFY(ok[u"ok"].toBool());
    QCOMPARE(ok[u"user_id"].toString(), u"U0BOT"_s);
    QCOMPARE(ok[u"team_id"].toString(), u"T0SANDBOX"_s);
    QCOMPARE(m_slack->callCount(u"auth.test"_s), 3);
}

void SlackSimulatorTest::call_refusesWhatSlackRefuses_data()
{
    QTest::addColumn<QString>("method");
    QTest::addColumn<QByteArray>("args");
    QTest::addColumn<QString>("error");
    const auto row = [](const char *name, const QString &method, const QByteArray &args,
                         const QString &error) { QTest::newRow(name) << method << args << error; };
    const QString post = u"chat.postMessage"_s;
    row("unknown method", u"chat.shout"_s, "{}", u"unknown_method"_s);
    row("no channel", post, R"({"text":"a"})", u"invalid_arguments"_s);
    row("unknown channel", post, R"({"channel":"C9","text":"a"})", u"channel_not_found"_s);
    row("no text", post, R"({"channel":"C1"})", u"no_text"_s);
    row("empty text", post, R"({"channel":"C1","text":""})", u"no_text"_s);
    row("blocks are no list", post, R"({"channel":"C1","text":"a","blocks":{}})", u"invalid_blocks_format"_s);
    row("unknown block", post, R"({"channel":"C1","text":"a","blocks":[{"type":"x"}]})", u"invalid_blocks"_s);
    row("metadata nested too deep", post,
        R"({"channel":"C1","text":"a","metadata":{"event_type":"e","event_payload":{"a":{"b":{"c":1}}}}})",
        u"invalid_metadata_schema"_s);
    row("metadata without type", post, R"({"channel":"C1","text":"a","metadata":{"event_payload":{}}})",
        u"invalid_metadata_format"_s);
    row("markdown and text", post, R"({"channel":"C1","text":"a","markdown_text":"b"})",
        u"markdown_text_conflict"_s);
    row("malformed thread", post, R"({"channel":"C1","text":"a","thread_ts":"yesterday"})",
        u"cannot_reply_to_message"_s);
    row("update of nothing", u"chat.update"_s, R"({"channel":"C1","ts":"1.000001","text":"a"})",
        u"message_not_found"_s);
    row("delete of nothing", u"chat.delete"_s, R"({"channel":"C1","ts":"1.000001"})", u"message_not_found"_s);
    row("reaction on nothing", u"reactions.add"_s, R"({"channel":"C1","timestamp":"1.000001","name":"eyes"})",
        u"message_not_found"_s);
    row("reaction without name", u"reactions.add"_s, R"({"channel":"C1","timestamp":"1.000001"})",
        u"invalid_name"_s);
    row("reaction at no time", u"reactions.add"_s, R"({"channel":"C1","timestamp":"soon","name":"eyes"})",
        u"bad_timestamp"_s);
    row("thread of nothing", u"conversations.replies"_s, R"({"channel":"C1","ts":"1.000001"})",
        u"thread_not_found"_s);
    row("open with nobody", u"conversations.open"_s, "{}", u"users_list_not_supplied"_s);
    row("open with a stranger", u"conversations.open"_s, R"({"users":"U404"})", u"user_not_found"_s);
}

void SlackSimulatorTest::call_refusesWhatSlackRefuses()
{
    QFETCH(QString, method);
    QFETCH(QByteArray, args);
    QFETCH(QString, error);
    int status = 0;
    const Json answer = call(method, *Json::parse(args), &status);
    QCOMPARE(answer[u"error"].toString(), error);
    QVERIFY(!answer[u"ok"].toBool(true));
    QCOMPARE(status, 200);
    QVERIFY(m_slack->messages(u"C1"_s).empty());
}

void SlackSimulatorTest::post_isStoredThreadedAndShown()
{
    QSignalSpy posted(m_slack.get(), &SlackSimulator::posted);
    Json args
        = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"root"_s}, {u"client_msg_id"_s, u"id-1"_s}});
    const QString root = call(u"chat.postMessage"_s, args)[u"ts"].toString();
    args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"leaf"_s}, {u"thread_ts"_s, root}});
    const QString leaf = call(u"chat.postMessage"_s, args)[u"ts"].toString();
    QVERIFY(root < leaf);
    // A reply to a reply lands in the thread of its root.
    args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"second"_s}, {u"thread_ts"_s, leaf}});
    QVERIFY(call(u"chat.postMessage"_s, args)[u"ok"].toBool());

    QCOMPARE(posted.size(), 3);
    QCOMPARE(m_slack->messages(u"C1"_s).size(), size_t(3));
    QCOMPARE(m_slack->replies(u"C1"_s, root).size(), size_t(2));
    QCOMPARE(m_slack->messages(u"C1"_s).front().clientMsgId, u"id-1"_s);
    const Json thread
        = call(u"conversations.replies"_s, Json::object({{u"channel"_s, u"C1"_s}, {u"ts"_s, root}}));
    QCOMPARE(thread[u"messages"].size(), size_t(3));
    QCOMPARE(thread[u"messages"].at(0)[u"reply_count"].toInt(), std::optional<qint64>(2));
    QCOMPARE(thread[u"messages"].at(2)[u"text"].toString(), u"second"_s);
    QCOMPARE(thread[u"messages"].at(2)[u"thread_ts"].toString(), root);
}

void SlackSimulatorTest::post_escapesAsSlackDoes()
{
    const Json args
        = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"a & b <c> &lt;d <@U1> <https://x.org|x>"_s}});
    QVERIFY(call(u"chat.postMessage"_s, args)[u"ok"].toBool());
    QCOMPARE(m_slack->messages(u"C1"_s).front().text, u"a &amp; b &lt;c&gt; &lt;d <@U1> <https://x.org|x>"_s);
}

void SlackSimulatorTest::post_cutsLongTextWithAWarning()
{
    const QString text(40'001, u'x');
    const Json answer
        = call(u"chat.postMessage"_s, Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, text}}));
    QCOMPARE(answer[u"warning"].toString(), u"message_truncated"_s);
    QCOMPARE(m_slack->messages(u"C1"_s).front().text.size(), 40'000);
}

void SlackSimulatorTest::update_refusesLongAndForeignMessages()
{
    const QString ts
        = call(u"chat.postMessage"_s, Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}}))[u"ts"]
              .toString();
    const QString longText(4001, u'x');
    Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"ts"_s, ts}, {u"text"_s, longText}});
    QCOMPARE(call(u"chat.update"_s, args)[u"error"].toString(), u"msg_too_long"_s);
    args.set(u"text"_s, u"two"_s);
    QVERIFY(call(u"chat.update"_s, args)[u"ok"].toBool());
    QCOMPARE(m_slack->messages(u"C1"_s).front().text, u"two"_s);

    const auto said = async::blockOn(m_slack->chatter(u"C1"_s, u"U1"_s, u"mine"_s));
    QVERIFY(said);
    args.set(u"ts"_s, said->ts);
    QCOMPARE(call(u"chat.update"_s, args)[u"error"].toString(), u"cant_update_message"_s);
    QCOMPARE(call(u"chat.delete"_s, args)[u"error"].toString(), u"cant_delete_message"_s);
}

void SlackSimulatorTest::delete_hidesTheMessage()
{
    const QString ts
        = call(u"chat.postMessage"_s, Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}}))[u"ts"]
              .toString();
    const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"ts"_s, ts}});
    QVERIFY(call(u"chat.delete"_s, args)[u"ok"].toBool());
    QVERIFY(m_slack->messages(u"C1"_s).empty());
    QCOMPARE(call(u"chat.delete"_s, args)[u"error"].toString(), u"message_not_found"_s);
}

void SlackSimulatorTest::reactions_areIdempotentTheWaySlackIs()
{
    const QString ts
        = call(u"chat.postMessage"_s, Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}}))[u"ts"]
              .toString();
    const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"timestamp"_s, ts}, {u"name"_s, u"eyes"_s}});
    QVERIFY(call(u"reactions.add"_s, args)[u"ok"].toBool());
    QCOMPARE(call(u"reactions.add"_s, args)[u"error"].toString(), u"already_reacted"_s);
    QCOMPARE(m_slack->reactions(u"C1"_s, ts), QStringList(u"eyes"_s));
    QVERIFY(call(u"reactions.remove"_s, args)[u"ok"].toBool());
    QCOMPARE(call(u"reactions.remove"_s, args)[u"error"].toString(), u"no_reaction"_s);
    QVERIFY(m_slack->reactions(u"C1"_s, ts).isEmpty());
    m_slack->archive(u"C1"_s);
    QCOMPARE(call(u"reactions.add"_s, args)[u"error"].toString(), u"is_archived"_s);
}

void SlackSimulatorTest::metadata_isShownOnRequestOnly()
{
    const Json payload = Json::object({{u"outbox_id"_s, u"o-1"_s}});
    const Json metadata = Json::object({{u"event_type"_s, u"reply"_s}, {u"event_payload"_s, payload}});
    const Json args
        = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}, {u"metadata"_s, metadata}});
    const QString ts = call(u"chat.postMessage"_s, args)[u"ts"].toString();
    Json read = Json::object({{u"channel"_s, u"C1"_s}, {u"ts"_s, ts}});
    const Json hidden = call(u"conversations.replies"_s, read);
    QVERIFY(hidden[u"messages"].at(0)[u"metadata"][u"event_payload"].isNull());
    read.set(u"include_all_metadata"_s, true);
    const Json shown = call(u"conversations.replies"_s, read);
    QCOMPARE(shown[u"messages"].at(0)[u"metadata"][u"event_payload"][u"outbox_id"].toString(), u"o-1"_s);
}

void SlackSimulatorTest::history_pagesNewestFirst()
{
    for (int i = 0; i < 5; ++i) {
        const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, QString::number(i)}});
        QVERIFY(call(u"chat.postMessage"_s, args)[u"ok"].toBool());
    }
    Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"limit"_s, 2}});
    QStringList seen;
    for (int pages = 0; pages < 5; ++pages) {
        const Json page = call(u"conversations.history"_s, args);
        for (const Json &message : page[u"messages"].toArray())
            seen.append(message[u"text"].toString());
        const QString cursor = page[u"response_metadata"][u"next_cursor"].toString();
        QCOMPARE(page[u"has_more"].toBool(), !cursor.isEmpty());
        if (cursor.isEmpty())
            break;
        args.set(u"cursor"_s, cursor);
    }
    QCOMPARE(seen, QStringList({u"4"_s, u"3"_s, u"2"_s, u"1"_s, u"0"_s}));
}

void SlackSimulatorTest::direct_messagesAreOpenedOnce()
{
    const Json args = Json::object({{u"users"_s, u"U1"_s}});
    const QString id = call(u"conversations.open"_s, args)[u"channel"][u"id"].toString();
    QVERIFY(id.startsWith(u'D'));
    QCOMPARE(call(u"conversations.open"_s, args)[u"channel"][u"id"].toString(), id);
    QVERIFY(call(u"chat.postMessage"_s, Json::object({{u"channel"_s, id}, {u"text"_s, u"hi"_s}}))[u"ok"]
                .toBool());
    QCOMPARE(m_slack->messages(id).size(), size_t(1));
}

void SlackSimulatorTest::keepText_offKeepsIdsAndLengths()
{
    SlackSimulatorConfig config;
    config.keepText = false;
    SlackSimulator frugal(config, m_clock);
    sandbox::SlackChannel &channel = frugal.addChannel(u"C1"_s);
    sandbox::SlackMessage message;
    message.text = u"four"_s;
    message.clientMsgId = u"id-1"_s;
    frugal.model().post(channel, message);
    const auto stored = frugal.messages(u"C1"_s);
    QCOMPARE(stored.size(), size_t(1));
    QVERIFY(stored.front().text.isEmpty());
    QCOMPARE(stored.front().textLength, 4);
    QCOMPARE(stored.front().textHash, qHash(u"four"_s, size_t(0)));
    QCOMPARE(stored.front().clientMsgId, u"id-1"_s);
}

void SlackSimulatorTest::fault_rateLimitNamesTheWait()
{
    m_slack->addFault(u"chat.postMessage"_s, Fault::rateLimited(std::chrono::seconds(7)));
    const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}});
    const auto limited = raw(u"chat.postMessage"_s, args, Millis(4000));
    QVERIFY(limited);
    QCOMPARE(limited->status, 429);
    QCOMPARE(limited->headers.value("Retry-After"), QByteArray("7"));
    QVERIFY(m_slack->messages(u"C1"_s).empty());
    QVERIFY(call(u"chat.postMessage"_s, args)[u"ok"].toBool()); // the fault is used up
}

void SlackSimulatorTest::fault_closeAfterEffectPostsAndCloses()
{
    m_slack->addFault(u"*"_s, Fault::closeAfterEffect());
    const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}});
    const auto lost = raw(u"chat.postMessage"_s, args, Millis(4000));
    QVERIFY(!lost);
    QCOMPARE(lost.error().code(), ErrorCode::Unavailable);
    QCOMPARE(m_slack->messages(u"C1"_s).size(), size_t(1));
}

void SlackSimulatorTest::fault_closeBeforeEffectPostsNothing()
{
    m_slack->addFault(u"chat.postMessage"_s, Fault::closeBeforeEffect());
    const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}});
    const auto lost = raw(u"chat.postMessage"_s, args, Millis(4000));
    QVERIFY(!lost);
    QCOMPARE(lost.error().code(), ErrorCode::Unavailable);
    QVERIFY(m_slack->messages(u"C1"_s).empty());
    QCOMPARE(m_slack->callCount(u"chat.postMessage"_s), 1);
}

void SlackSimulatorTest::fault_hangEndsWithTheCaller()
{
    m_slack->addFault(u"chat.postMessage"_s, Fault::hang());
    const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}});
    const auto lost = raw(u"chat.postMessage"_s, args, Millis(150));
    QVERIFY(!lost);
    QCOMPARE(lost.error().code(), ErrorCode::DeadlineExceeded);
    QVERIFY(m_slack->messages(u"C1"_s).empty());
}

void SlackSimulatorTest::fault_delayedEffectPostsLate()
{
    m_slack->addFault(u"chat.postMessage"_s, Fault::delayedEffect(Millis(100)));
    const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"one"_s}});
    QSignalSpy posted(m_slack.get(), &SlackSimulator::posted);
    const Millis start = m_clock.boot();
    QVERIFY(raw(u"chat.postMessage"_s, args, Millis(4000)));
    QVERIFY(m_clock.boot() - start >= Millis(99));
    QCOMPARE(posted.size(), 1);
}

void SlackSimulatorTest::mention_sendsSignedTwins()
{
    const auto said = async::blockOn(m_slack->mention(u"C1"_s, u"U1"_s, u"fish & <chips>"_s));
    QVERIFY(said);
    QVERIFY(said->message.delivered);
    QVERIFY(said->mention.delivered);
    QCOMPARE(m_ingress->requests.size(), size_t(2));
    const Json message = m_ingress->event(0);
    const Json mention = m_ingress->event(1);
    QCOMPARE(message[u"event"][u"type"].toString(), u"message"_s);
    QCOMPARE(message[u"event"][u"channel_type"].toString(), u"channel"_s);
    QCOMPARE(mention[u"event"][u"type"].toString(), u"app_mention"_s);
    QVERIFY(message[u"event_id"].toString() != mention[u"event_id"].toString());
    for (const QString &same : {u"ts"_s, u"client_msg_id"_s, u"channel"_s, u"user"_s, u"text"_s})
        QCOMPARE(message[u"event"][same], mention[u"event"][same]);
    QCOMPARE(message[u"event"][u"text"].toString(), u"<@U0BOT> fish &amp; &lt;chips&gt;"_s);
    QCOMPARE(message[u"api_app_id"].toString(), u"A0SANDBOX"_s);
    const http::Request &request = m_ingress->requests.front();
    const QByteArray base = "v0:" + request.headers.value("X-Slack-Request-Timestamp") + ':' + request.body;
    QCOMPARE(request.headers.value("X-Slack-Signature"),
        "v0=" + hmacSha256(m_slack->config().signingSecret.reveal(), base).toHex());
    // What the person said stands in the channel.
    QCOMPARE(m_slack->messages(u"C1"_s).front().ts, said->ts);
}

void SlackSimulatorTest::mention_ordersItsTwins()
{
    SayOptions options;
    options.order = TwinOrder::MentionFirst;
    options.copies = 2;
    const auto said = async::blockOn(m_slack->mention(u"C1"_s, u"U1"_s, u"hi"_s, options));
    QVERIFY(said);
    QCOMPARE(m_ingress->requests.size(), size_t(4));
    QStringList types;
    for (size_t i = 0; i < 4; ++i)
        types.append(m_ingress->event(i)[u"event"][u"type"].toString());
    QCOMPARE(types, QStringList({u"app_mention"_s, u"app_mention"_s, u"message"_s, u"message"_s}));
    QCOMPARE(m_ingress->event(0)[u"event_id"], m_ingress->event(1)[u"event_id"]);
    QCOMPARE(said->mention.eventId, m_ingress->event(0)[u"event_id"].toString());
}

void SlackSimulatorTest::event_isRetriedWithTheSameId()
{
    m_ingress->answers = {500, 503, 200};
    const auto said = async::blockOn(m_slack->chatter(u"C1"_s, u"U1"_s, u"hi"_s));
    QVERIFY(said);
    QCOMPARE(said->message.attempts, 3);
    QVERIFY(said->message.delivered);
    QCOMPARE(m_ingress->requests.size(), size_t(3));
    QVERIFY(!m_ingress->requests.at(0).headers.contains("x-slack-retry-num"));
    QCOMPARE(m_ingress->requests.at(1).headers.value("x-slack-retry-num"), QByteArray("1"));
    QCOMPARE(m_ingress->requests.at(1).headers.value("x-slack-retry-reason"), QByteArray("http_error"));
    QCOMPARE(m_ingress->requests.at(2).headers.value("x-slack-retry-num"), QByteArray("2"));
    QCOMPARE(m_ingress->event(0)[u"event_id"], m_ingress->event(2)[u"event_id"]);
}

void SlackSimulatorTest::event_isNotRetriedAgainstTheReceiversWish()
{
    m_ingress->answers = {500};
    m_ingress->noRetry = true;
    const auto said = async::blockOn(m_slack->chatter(u"C1"_s, u"U1"_s, u"hi"_s));
    QVERIFY(said);
    QCOMPARE(said->message.attempts, 1);
    QVERIFY(!said->message.delivered);
}

void SlackSimulatorTest::event_timesOut()
{
    m_slack->events().deadline = Millis(100);
    m_ingress->answers = {0, 200};
    const auto said = async::blockOn(m_slack->chatter(u"C1"_s, u"U1"_s, u"hi"_s));
    QVERIFY(said);
    QVERIFY(said->message.delivered);
    QCOMPARE(said->message.attempts, 2);
    QCOMPARE(m_ingress->requests.at(1).headers.value("x-slack-retry-reason"), QByteArray("http_timeout"));
}

void SlackSimulatorTest::directMessage_isOneEvent()
{
    const auto said = async::blockOn(m_slack->directMessage(u"U1"_s, u"psst"_s));
    QVERIFY(said);
    QCOMPARE(m_ingress->requests.size(), size_t(1));
    QCOMPARE(m_ingress->event(0)[u"event"][u"channel_type"].toString(), u"im"_s);
    QVERIFY(said->channel.startsWith(u'D'));
    QCOMPARE(said->mention.attempts, 0);
}

void SlackSimulatorTest::click_postsTheButton()
{
    const auto blocks
        = Json::parse(R"([{"type":"actions","block_id":"b","elements":[{"type":"button","action_id":"ok",)"
                      R"("value":"v1","text":{"type":"plain_text","text":"OK"}}]}])");
    const Json args = Json::object({{u"channel"_s, u"C1"_s}, {u"text"_s, u"?"_s}, {u"blocks"_s, *blocks}});
    const QString ts = call(u"chat.postMessage"_s, args)[u"ts"].toString();
    const auto missing = async::blockOn(m_slack->click(u"C1"_s, ts, u"nope"_s, u"U1"_s));
    QCOMPARE(missing.error().code(), ErrorCode::NotFound);
    const auto clicked = async::blockOn(m_slack->click(u"C1"_s, ts, u"ok"_s, u"U1"_s));
    QVERIFY(clicked);
    QCOMPARE(m_ingress->requests.size(), size_t(1));
    const auto form = sandbox::decodeForm(m_ingress->requests.front().body);
    QCOMPARE(form.front().first, u"payload"_s);
    const auto payload = Json::parse(form.front().second.toUtf8());
    QVERIFY(payload);
    QCOMPARE((*payload)[u"actions"].at(0)[u"value"].toString(), u"v1"_s);
    QCOMPARE((*payload)[u"container"][u"message_ts"].toString(), ts);
}

QTEST_GUILESS_MAIN(SlackSimulatorTest)
#include "tst_slack_simulator.moc"
