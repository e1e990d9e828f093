// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/slack_envelope.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::slack;

class SlackEnvelopeTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void message_isReadWhole()
    {
        const QByteArray body
            = R"({"token":"t","team_id":"T1","api_app_id":"A1","type":"event_callback","event_id":"Ev1","event_time":1700000000,)"
              R"("event":{"type":"message","subtype":"file_share","user":"U1","bot_id":"B1","text":"a &lt; b","channel":"C1",)"
              R"("channel_type":"channel","ts":"1700000000.000100","thread_ts":"1699999999.000100","client_msg_id":"m-1"}})";
        const auto envelope = parseEnvelope(body);
        QVERIFY(envelope);
        QCOMPARE(envelope->type, u"event_callback"_s);
        QCOMPARE(envelope->teamId, u"T1"_s);
        QCOMPARE(envelope->apiAppId, u"A1"_s);
        QCOMPARE(envelope->eventId, u"Ev1"_s);
        QCOMPARE(envelope->eventType, u"message"_s);
        const domain::SlackMessage &message = envelope->message;
        QCOMPARE(message.eventType, u"message"_s);
        QCOMPARE(message.subtype, u"file_share"_s);
        QCOMPARE(message.user, u"U1"_s);
        QCOMPARE(message.botId, u"B1"_s);
        QCOMPARE(message.text, u"a &lt; b"_s);
        QCOMPARE(message.place, u"C1"_s);
        QCOMPARE(message.channelType, u"channel"_s);
        QCOMPARE(message.ts, u"1700000000.000100"_s);
        QCOMPARE(message.threadTs, u"1699999999.000100"_s);
        QCOMPARE(message.clientMsgId, u"m-1"_s);
    }

    void appMention_andOthers()
    {
        const auto mention
            = parseEnvelope(R"({"type":"event_callback","event":{"type":"app_mention","channel":"C1"}})");
        QCOMPARE(mention->message.eventType, u"app_mention"_s);
        QCOMPARE(mention->message.place, u"C1"_s);
        // Of other events only the type and the event itself are kept.
        const auto uninstalled
            = parseEnvelope(R"({"type":"event_callback","event":{"type":"app_uninstalled","channel":"C1"}})");
        QCOMPARE(uninstalled->eventType, u"app_uninstalled"_s);
        QVERIFY(uninstalled->message.eventType.isEmpty() && uninstalled->message.place.isEmpty());
        QCOMPARE(uninstalled->event[u"channel"].toString(), u"C1"_s);
    }

    void urlVerification()
    {
        const auto envelope = parseEnvelope(R"({"type":"url_verification","challenge":"3eZbrw1aB"})");
        QCOMPARE(envelope->type, u"url_verification"_s);
        QCOMPARE(envelope->challenge, u"3eZbrw1aB"_s);
        QVERIFY(envelope->eventType.isEmpty());
    }

    void oddShapes_areEmptyAndNotAnError()
    {
        // app_rate_limited comes without an inner event (contracts/slack.md §1).
        const auto limited
            = parseEnvelope(R"({"type":"app_rate_limited","team_id":"T1","minute_rate_limited":1518467820})");
        QVERIFY(limited);
        QVERIFY(limited->event.isNull() && limited->eventType.isEmpty());
        const auto wrongKinds = parseEnvelope(
            R"({"type":7,"team_id":["T1"],"event_time":"soon","event":{"type":"message","user":{"id":"U1"},"ts":1700000000.0001}})");
        QVERIFY(wrongKinds);
        QVERIFY(wrongKinds->type.isEmpty() && wrongKinds->teamId.isEmpty());
        QVERIFY(wrongKinds->message.user.isEmpty()
            && wrongKinds->message.ts.isEmpty()); // a ts is text, never a number
        QVERIFY(parseEnvelope("{}"));
        QVERIFY(parseEnvelope(R"({"event":[1]})")->eventType.isEmpty());
    }

    void notAnObject_isRefused_data()
    {
        QTest::addColumn<QByteArray>("body");
        for (const char *body :
            {"", "null", "[]", "\"text\"", "1", "{", "payload=%7B%7D", "{}{}", "{\"a\":\"\xff\"}"})
            QTest::newRow(body) << QByteArray(body);
    }
    void notAnObject_isRefused()
    {
        QFETCH(QByteArray, body);
        const auto envelope = parseEnvelope(body);
        QVERIFY(!envelope);
        QCOMPARE(envelope.error().code(), ErrorCode::InvalidInput);
    }

    void plausibleIds()
    {
        for (const QString &good :
            {u"T0123ABC"_s, u"1700000000.000100"_s, u"a-b_c:d"_s, QString(128, u'x'), u"~!"_s, QString()})
            QVERIFY2(isPlausibleId(good), qPrintable(good));
        for (const QString &bad :
            {u"a b"_s, u"a\n"_s, u"a\0b"_s, u"\u007f"_s, u"Zo\u00eb"_s, QString(129, u'x'), u" "_s})
            QVERIFY2(!isPlausibleId(bad), qPrintable(bad));
    }
};

QTEST_GUILESS_MAIN(SlackEnvelopeTest)
#include "tst_slack_envelope.moc"
