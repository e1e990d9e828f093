// SPDX-License-Identifier: Apache-2.0
#include "domain/relay_policy.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace {

SlackMessage message(const QString &type = u"message"_s, const QString &text = u"hello"_s)
{
    SlackMessage made;
    made.eventType = type;
    made.user = u"U1"_s;
    made.text = text;
    made.place = u"C1"_s;
    made.channelType = u"channel"_s;
    made.ts = u"1700000000.000100"_s;
    return made;
}

SlackMessage with(SlackMessage base, QString SlackMessage::*part, const QString &value)
{
    base.*part = value;
    return base;
}

SlackMessage direct(const QString &channelType, const QString &type = u"message"_s)
{
    return with(message(type), &SlackMessage::channelType, channelType);
}

RelayPolicy policy(bool requireMention, const QString &botUserId)
{
    RelayPolicy made;
    made.requireMention = requireMention;
    made.botUserId = botUserId;
    return made;
}

const auto kMention = u"hi <@UBOT>, please"_s;

} // namespace

Q_DECLARE_METATYPE(SlackMessage)
Q_DECLARE_METATYPE(Relay)

class RelayPolicyTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    // With a known bot id and a mention asked for (contracts/spritz-backend.md §3.4, §3.7).
    void admission_data()
    {
        QTest::addColumn<SlackMessage>("event");
        QTest::addColumn<Relay>("expected");
        const auto m = [](const SlackMessage &base, QString SlackMessage::*part, const QString &value) {
            return with(base, part, value);
        };
        const SlackMessage mention = message(u"app_mention"_s, kMention);
        const SlackMessage addressed = message(u"message"_s, kMention);
        QTest::newRow("app_mention") << mention << Relay::Deliver;
        QTest::newRow("app_mention without the token") << message(u"app_mention"_s) << Relay::Deliver;
        QTest::newRow("message with our mention") << addressed << Relay::Deliver;
        QTest::newRow("message without") << message() << Relay::Ignore;
        QTest::newRow("mention of somebody else") << message(u"message"_s, u"<@U2> hello"_s) << Relay::Ignore;
        QTest::newRow("mention of a longer id")
            << message(u"message"_s, u"<@UBOT2> hello"_s) << Relay::Ignore;
        QTest::newRow("mention with a label")
            << message(u"message"_s, u"<@UBOT|bot> hello"_s) << Relay::Ignore;
        QTest::newRow("a file with a mention")
            << m(addressed, &SlackMessage::subtype, u"file_share"_s) << Relay::Deliver;
        for (const QString &subtype : {u"thread_broadcast"_s, u"channel_join"_s, u"message_changed"_s,
                 u"message_deleted"_s, u"bot_message"_s, u"me_message"_s, u"file_shared"_s})
            QTest::newRow(qPrintable(subtype))
                << m(addressed, &SlackMessage::subtype, subtype) << Relay::Drop;
        QTest::newRow("other event") << message(u"reaction_added"_s, kMention) << Relay::Drop;
        QTest::newRow("no event type") << message(QString(), kMention) << Relay::Drop;
        QTest::newRow("a bot's message") << m(addressed, &SlackMessage::botId, u"B2"_s) << Relay::Drop;
        QTest::newRow("a bot's mention") << m(mention, &SlackMessage::botId, u"B2"_s) << Relay::Drop;
        QTest::newRow("no user") << m(mention, &SlackMessage::user, QString()) << Relay::Drop;
        QTest::newRow("our own message") << m(addressed, &SlackMessage::user, u"UBOT"_s) << Relay::Drop;
        QTest::newRow("our own mention") << m(mention, &SlackMessage::user, u"UBOT"_s) << Relay::Drop;
        QTest::newRow("our own direct message")
            << m(direct(u"im"_s), &SlackMessage::user, u"UBOT"_s) << Relay::Drop;
        QTest::newRow("no channel") << m(mention, &SlackMessage::place, QString()) << Relay::Drop;
        QTest::newRow("no ts") << m(mention, &SlackMessage::ts, QString()) << Relay::Drop;
        QTest::newRow("direct message") << direct(u"im"_s) << Relay::Deliver;
        QTest::newRow("group direct message") << direct(u"mpim"_s) << Relay::Deliver;
        QTest::newRow("direct by the channel's id")
            << m(direct(QString()), &SlackMessage::place, u"D1"_s) << Relay::Deliver;
        QTest::newRow("app_mention in a direct message") << direct(u"im"_s, u"app_mention"_s) << Relay::Drop;
        QTest::newRow("app_mention in a group one") << direct(u"mpim"_s, u"app_mention"_s) << Relay::Drop;
        QTest::newRow("private channel") << direct(u"group"_s) << Relay::Ignore;
        QTest::newRow("no channel type") << direct(QString()) << Relay::Ignore;
    }
    void admission()
    {
        QFETCH(SlackMessage, event);
        QFETCH(Relay, expected);
        QCOMPARE(decideRelay(event, policy(true, u"UBOT"_s)), expected);
    }

    void policy_thatAsksForNoMention()
    {
        const RelayPolicy open = policy(false, u"UBOT"_s);
        QCOMPARE(decideRelay(message(), open), Relay::Deliver);
        QCOMPARE(decideRelay(message(u"app_mention"_s), open), Relay::Deliver);
        // Admission comes first all the same.
        QCOMPARE(decideRelay(with(message(), &SlackMessage::botId, u"B2"_s), open), Relay::Drop);
        QCOMPARE(decideRelay(with(message(), &SlackMessage::user, u"UBOT"_s), open), Relay::Drop);
        QCOMPARE(decideRelay(with(message(), &SlackMessage::subtype, u"me_message"_s), open), Relay::Drop);
        QCOMPARE(decideRelay(direct(u"im"_s, u"app_mention"_s), open), Relay::Drop);
    }

    void unknownBotId_losesNoMention()
    {
        const RelayPolicy unknown = policy(true, QString());
        // Ignored keeps the keys, so that the twin can revive it; a token "<@>" must not count as ours.
        QCOMPARE(decideRelay(message(u"message"_s, kMention), unknown), Relay::Ignore);
        QCOMPARE(decideRelay(message(u"message"_s, u"<@> hello"_s), unknown), Relay::Ignore);
        QCOMPARE(decideRelay(message(u"app_mention"_s, kMention), unknown), Relay::Deliver);
        QCOMPARE(decideRelay(direct(u"im"_s), unknown), Relay::Deliver);
        QCOMPARE(decideRelay(message(), policy(false, QString())), Relay::Deliver);
    }

    void isDirect_byTypeOrId()
    {
        QVERIFY(isDirect(direct(u"im"_s)) && isDirect(direct(u"mpim"_s)));
        QVERIFY(isDirect(with(message(), &SlackMessage::place, u"D9"_s)));
        QVERIFY(!isDirect(message()) && !isDirect(direct(u"group"_s)));
    }
};

QTEST_GUILESS_MAIN(RelayPolicyTest)
#include "tst_relay_policy.moc"
