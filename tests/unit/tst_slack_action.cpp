// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/slack_action.h"

#include <QTest>
#include <QUrl>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::slack;

class SlackActionTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void payload_isReadFromTheForm()
    {
        const QByteArray json
            = R"({"type":"block_actions","user":{"id":"U1","team_id":"T9"},)"
              R"("team":{"id":"T1"},"api_app_id":"A1","container":{"message_ts":"1.2",)"
              R"("channel_id":"C1","thread_ts":"1.1"},"channel":{"id":"C1"},)"
              R"("actions":[{"action_id":"a b+c","value":"x&y=z"},{"action_id":"second"}]})";
        const QByteArray form = "other=1&payload=" + QUrl::toPercentEncoding(QString::fromUtf8(json));
        const auto payload = interactionPayload(form);
        QVERIFY(payload);
        const SlackAction action = readAction(*payload);
        QCOMPARE(action.type, u"block_actions"_s);
        QCOMPARE(action.teamId, u"T1"_s);
        QCOMPARE(action.apiAppId, u"A1"_s);
        QCOMPARE(action.user, u"U1"_s);
        QCOMPARE(action.place, u"C1"_s);
        QCOMPARE(action.messageTs, u"1.2"_s);
        QCOMPARE(action.threadTs, u"1.1"_s);
        QCOMPARE(action.actionId, u"a b+c"_s);
        QCOMPARE(action.value, u"x&y=z"_s);
        QVERIFY(isPlausible(action));
    }

    void plusSigns_areBlanks()
    {
        const auto payload = interactionPayload("payload=%7B%22type%22%3A%22a+b%22%7D");
        QVERIFY(payload);
        QCOMPARE(readAction(*payload).type, u"a b"_s);
    }

    void aTeamOfNull_isTheUsersOwn()
    {
        const auto payload
            = Json::parse(R"({"team":null,"user":{"id":"U1","team_id":"T9"},"message":{"ts":"5.5"}})");
        QCOMPARE(readAction(*payload).teamId, u"T9"_s);
        QCOMPARE(readAction(*payload).messageTs, u"5.5"_s);
    }

    void whatIsNoPayload_isRefused_data()
    {
        QTest::addColumn<QByteArray>("body");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("none") << QByteArray("a=b");
        QTest::newRow("no json") << QByteArray("payload=%7B");
        QTest::newRow("no object") << QByteArray("payload=%5B%5D");
        QTest::newRow("json instead of a form") << QByteArray(R"({"payload":{}})");
    }
    void whatIsNoPayload_isRefused()
    {
        QFETCH(QByteArray, body);
        QVERIFY(!interactionPayload(body));
    }

    void implausibleIds_areSeen()
    {
        SlackAction action;
        QVERIFY(isPlausible(action));
        action.user = u"U 1"_s;
        QVERIFY(!isPlausible(action));
        action.user = u"U1"_s;
        action.value = QString(2001, u'x');
        QVERIFY(!isPlausible(action));
    }
};

QTEST_GUILESS_MAIN(SlackActionTest)
#include "tst_slack_action.moc"
