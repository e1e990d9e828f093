// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"
#include "channels/slack/slack_adapter.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using signalbox::channels::SendOutcome;
using signalbox::domain::OutboundState;
using signalbox::slack::interpretAnswer;
using signalbox::slack::interpretLook;

namespace {

const auto kPost = u"chat.postMessage"_s;

Result<http::Response> answer(int status, const QByteArray &body, const QByteArray &retryAfter = {})
{
    http::Response response(status, "application/json", body);
    if (!retryAfter.isNull())
        response.headers.add("retry-after", retryAfter);
    return response;
}

Result<http::Response> failure(ErrorCode code, const QString &native)
{
    return fail(Error(code, u"m"_s, native));
}

} // namespace

Q_DECLARE_METATYPE(OutboundState)
Q_DECLARE_METATYPE(signalbox::channels::Found)

class SlackAdapterTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void ok_isSent()
    {
        const SendOutcome outcome
            = interpretAnswer(kPost, answer(200, R"({"ok":true,"channel":"C1","ts":"17.01"})"));
        QCOMPARE(outcome.state, OutboundState::Sent);
        QCOMPARE(outcome.channelTs, u"17.01"_s);
        QVERIFY(outcome.errorCode.isEmpty() && !outcome.authorisation && !outcome.rateLimited);
        QCOMPARE(outcome.received, uR"({"status":200,"bytes":39,"ts":"17.01"})"_s);
        // A reaction's answer has no ts.
        QCOMPARE(
            interpretAnswer(u"reactions.add"_s, answer(200, R"({"ok":true})")).state, OutboundState::Sent);
    }

    void refusals_byClass_data()
    {
        QTest::addColumn<QString>("method");
        QTest::addColumn<QString>("error");
        QTest::addColumn<OutboundState>("state");
        QTest::addColumn<bool>("authorisation");
        QTest::addColumn<bool>("limited");
        const auto add = u"reactions.add"_s;
        QTest::newRow("permanent") << kPost << u"channel_not_found"_s << OutboundState::Refused << false
                                   << false;
        QTest::newRow("never heard of")
            << kPost << u"strange_new_code"_s << OutboundState::Refused << false << false;
        QTest::newRow("authorisation")
            << kPost << u"token_revoked"_s << OutboundState::Refused << true << false;
        QTest::newRow("transient") << kPost << u"service_unavailable"_s << OutboundState::Retry << false
                                   << false;
        QTest::newRow("limited") << kPost << u"ratelimited"_s << OutboundState::Retry << false << true;
        QTest::newRow("limited, other spelling")
            << kPost << u"rate_limited"_s << OutboundState::Retry << false << true;
        QTest::newRow("unknown outcome")
            << kPost << u"internal_error"_s << OutboundState::Unknown << false << false;
        QTest::newRow("no-op") << add << u"already_reacted"_s << OutboundState::Sent << false << false;
        QTest::newRow("no-op of another method")
            << kPost << u"already_reacted"_s << OutboundState::Refused << false << false;
    }
    void refusals_byClass()
    {
        QFETCH(QString, method);
        QFETCH(QString, error);
        QFETCH(OutboundState, state);
        QFETCH(bool, authorisation);
        QFETCH(bool, limited);
        const QByteArray body = Json::object({{u"ok"_s, false}, {u"error"_s, error}}).toBytes();
        const SendOutcome outcome = interpretAnswer(method, answer(200, body, "3"));
        QCOMPARE(outcome.state, state);
        QCOMPARE(outcome.errorCode, error);
        QCOMPARE(outcome.authorisation, authorisation);
        QCOMPARE(outcome.rateLimited, limited);
        // Only who may try again has to wait.
        QCOMPARE(outcome.retryAfter, state == OutboundState::Retry ? Millis(3000) : Millis(0));
        // Slack answers errors with 200, and what it says counts with other codes too.
        QCOMPARE(interpretAnswer(method, answer(404, body)).state, state);
        const auto received = Json::parse(outcome.received.toUtf8());
        QVERIFY(received);
        QCOMPARE((*received)[u"error"].toString(), error);
    }

    void tooManyRequests_data()
    {
        QTest::addColumn<QByteArray>("retryAfter");
        QTest::addColumn<qint64>("ms");
        QTest::newRow("seconds") << QByteArray("30") << qint64(30'000);
        QTest::newRow("fraction") << QByteArray("0.5") << qint64(500);
        QTest::newRow("absent") << QByteArray() << qint64(0);
        QTest::newRow("empty") << QByteArray("") << qint64(0);
        QTest::newRow("zero") << QByteArray("0") << qint64(0);
        QTest::newRow("negative") << QByteArray("-5") << qint64(0);
        QTest::newRow("a date") << QByteArray("Wed, 21 Oct 2026 07:28:00 GMT") << qint64(0);
        QTest::newRow("absurd") << QByteArray("1e300") << qint64(86'400'000);
        QTest::newRow("infinite") << QByteArray("inf") << qint64(86'400'000);
        QTest::newRow("no number") << QByteArray("nan") << qint64(0);
    }
    void tooManyRequests()
    {
        QFETCH(QByteArray, retryAfter);
        QFETCH(qint64, ms);
        const SendOutcome outcome = interpretAnswer(kPost, answer(429, "slow down", retryAfter));
        QCOMPARE(outcome.state, OutboundState::Retry);
        QCOMPARE(outcome.errorCode, u"ratelimited"_s);
        QVERIFY(outcome.rateLimited);
        QCOMPARE(outcome.retryAfter, Millis(ms));
    }

    void otherAnswers_data()
    {
        QTest::addColumn<int>("status");
        QTest::addColumn<QByteArray>("body");
        QTest::addColumn<OutboundState>("state");
        QTest::addColumn<QString>("code");
        const QByteArray html("<html>proxy</html>");
        const QByteArray ok(R"({"ok":true,"ts":"1.2"})");
        QTest::newRow("500") << 500 << html << OutboundState::Unknown << u"http_500"_s;
        QTest::newRow("503 with a body that says ok") << 503 << ok << OutboundState::Unknown << u"http_503"_s;
        QTest::newRow("599") << 599 << QByteArray() << OutboundState::Unknown << u"http_599"_s;
        QTest::newRow("HTML with 200") << 200 << html << OutboundState::Unknown << u"http_200_unreadable"_s;
        QTest::newRow("nothing with 200")
            << 200 << QByteArray() << OutboundState::Unknown << u"http_200_unreadable"_s;
        QTest::newRow("redirect") << 302 << html << OutboundState::Unknown << u"http_302_unreadable"_s;
        QTest::newRow("HTML with 403") << 403 << html << OutboundState::Refused << u"http_403_unreadable"_s;
        QTest::newRow("HTML with 404") << 404 << html << OutboundState::Refused << u"http_404_unreadable"_s;
        QTest::newRow("no error named")
            << 200 << QByteArray(R"({"ok":false})") << OutboundState::Unknown << u"http_200_unreadable"_s;
        QTest::newRow("ok is text") << 200 << QByteArray(R"({"ok":"true"})") << OutboundState::Unknown
                                    << u"http_200_unreadable"_s;
        QTest::newRow("an array") << 200 << QByteArray("[true]") << OutboundState::Unknown
                                  << u"http_200_unreadable"_s;
    }
    void otherAnswers()
    {
        QFETCH(int, status);
        QFETCH(QByteArray, body);
        QFETCH(OutboundState, state);
        QFETCH(QString, code);
        const SendOutcome outcome = interpretAnswer(kPost, answer(status, body));
        QCOMPARE(outcome.state, state);
        QCOMPARE(outcome.errorCode, code);
        QVERIFY(outcome.channelTs.isEmpty() && !outcome.authorisation && !outcome.rateLimited);
    }

    void noAnswer_data()
    {
        QTest::addColumn<int>("code");
        QTest::addColumn<QString>("native");
        QTest::addColumn<OutboundState>("state");
        const auto row = [](const char *name, ErrorCode code, const QString &native, OutboundState state) {
            QTest::newRow(name) << static_cast<int>(code) << native << state;
        };
        row("refused connection", ErrorCode::Unavailable, u"not_sent"_s, OutboundState::Retry);
        row("deadline before it left", ErrorCode::DeadlineExceeded, u"not_sent"_s, OutboundState::Retry);
        row("cancelled before it left", ErrorCode::Cancelled, u"not_sent"_s, OutboundState::Retry);
        row("closed after it left", ErrorCode::Unavailable, u"closed"_s, OutboundState::Unknown);
        row("deadline after it left", ErrorCode::DeadlineExceeded, QString(), OutboundState::Unknown);
        row("cancelled after it left", ErrorCode::Cancelled, QString(), OutboundState::Unknown);
    }
    void noAnswer()
    {
        QFETCH(int, code);
        QFETCH(QString, native);
        QFETCH(OutboundState, state);
        const SendOutcome outcome = interpretAnswer(kPost, failure(static_cast<ErrorCode>(code), native));
        QCOMPARE(outcome.state, state);
        QCOMPARE(outcome.errorCode, errorCodeName(static_cast<ErrorCode>(code)));
        QVERIFY(outcome.received.isEmpty());
    }

    void looks_data()
    {
        using signalbox::channels::Found;
        QTest::addColumn<int>("status");
        QTest::addColumn<QByteArray>("body");
        QTest::addColumn<Found>("found");
        const QByteArray byMetadata
            = R"({"ok":true,"messages":[{"ts":"1.1"},{"ts":"1.2","metadata":{"event_payload":{"outbox_id":"row-1"}}}]})";
        QByteArray byClientId = R"({"ok":true,"messages":[{"ts":"1.2","client_msg_id":"UUID"}]})";
        byClientId.replace("UUID", uuidV5("row-1").toUtf8());
        QTest::newRow("by metadata") << 200 << byMetadata << Found::Yes;
        QTest::newRow("by client_msg_id") << 200 << byClientId << Found::Yes;
        QTest::newRow("absent") << 200 << QByteArray(R"({"ok":true,"messages":[{"ts":"1.1"}]})") << Found::No;
        QTest::newRow("more than a page")
            << 200 << QByteArray(R"({"ok":true,"messages":[],"has_more":true})") << Found::Unreadable;
        QTest::newRow("may not read")
            << 200 << QByteArray(R"({"ok":false,"error":"missing_scope"})") << Found::Unreadable;
        QTest::newRow("a dead token, which another one may follow")
            << 200 << QByteArray(R"({"ok":false,"error":"invalid_auth"})") << Found::NotNow;
        QTest::newRow("proxy page") << 403 << QByteArray("<html>") << Found::Unreadable;
        QTest::newRow("limited in words")
            << 200 << QByteArray(R"({"ok":false,"error":"ratelimited"})") << Found::NotNow;
        QTest::newRow("their failure")
            << 200 << QByteArray(R"({"ok":false,"error":"internal_error"})") << Found::NotNow;
        QTest::newRow("429") << 429 << QByteArray() << Found::NotNow;
        QTest::newRow("502") << 502 << byMetadata << Found::NotNow;
    }
    void looks()
    {
        QFETCH(int, status);
        QFETCH(QByteArray, body);
        QFETCH(signalbox::channels::Found, found);
        const auto outcome = interpretLook(u"row-1"_s, u"conversations.history"_s, answer(status, body, "7"));
        QCOMPARE(outcome.found, found);
        QCOMPARE(outcome.channelTs, found == signalbox::channels::Found::Yes ? u"1.2"_s : u""_s);
        QCOMPARE(outcome.retryAfter, found == signalbox::channels::Found::NotNow ? Millis(7000) : Millis(0));
    }
    void look_withoutAnAnswerLearnsNothing()
    {
        const auto outcome = interpretLook(
            u"row-1"_s, u"conversations.history"_s, failure(ErrorCode::DeadlineExceeded, u"timeout"_s));
        QCOMPARE(outcome.found, signalbox::channels::Found::NotNow);
    }

    void summaries_neverHoldWhatPeopleWrote()
    {
        const QByteArray body = R"({"ok":true,"ts":"1.2","message":{"text":"private words"}})";
        QVERIFY(!interpretAnswer(kPost, answer(200, body)).received.contains(u"private"_s));
        QVERIFY(!interpretAnswer(kPost, answer(403, "private words")).received.contains(u"private"_s));
    }
};

QTEST_GUILESS_MAIN(SlackAdapterTest)
#include "tst_slack_adapter.moc"
