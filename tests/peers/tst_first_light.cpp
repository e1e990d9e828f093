// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "http/client.h"
#include "peers.h"
#include "sandbox/signed_sender.h"

#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;

// One real message all the way: a signed app_mention, signalboxd, the ACP SDK's own example agent over stdio,
// and a third party's Slack, where the answer must stand in the thread.
class FirstLightTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void mention_isAnsweredInTheThreadByTheRealAgent();

private:
    [[nodiscard]] Status writeConfig();
    [[nodiscard]] Result<int> sendMention(const QString &channel, const QString &user, const QString &ts);
    [[nodiscard]] Result<Json> replies(const QString &channel, const QString &ts);

    QTemporaryDir m_folder;
    EmulatedSlack m_slack;
    ChildProcess m_daemon;
    QUrl m_ingress;
    QString m_admin;
    SystemClock m_clock;
    Secret m_secret{QByteArrayLiteral("first-light-secret")};
};

namespace {

QString listOf(const QStringList &words)
{
    QStringList quoted;
    for (const QString &word : words)
        quoted << u'"' + word + u'"';
    return u'[' + quoted.join(u", "_s) + u']';
}

} // namespace

Status FirstLightTest::writeConfig()
{
    QFile file(m_folder.filePath(u"signalbox.toml"_s));
    if (!file.open(QIODevice::WriteOnly))
        return fail(ErrorCode::Unavailable, u"the configuration cannot be written"_s);
    const QString text
        = u"[engine]\ndata_dir = \"%1/data\"\n[ingress]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = "
          u"\"127.0.0.1:0\"\n"
          "[slack]\nsigning_secret = \"%2\"\napi_base_url = \"%3\"\n"
          "[[backends]]\nname = \"local\"\nkind = \"acp\"\npermissions = \"deny\"\ncommand = "
          "%4\nworking_directory = \"%1\"\n"
          "[backends.environment]\nSIGNALBOX_PEERS_DIR = \"%5\"\n"
          "[[installations]]\nchannel = \"slack\"\ntenant = \"%6\"\nbackend = \"local\"\nbot_token = \"%7\"\n"_s
              .arg(m_folder.path(), QString::fromUtf8(m_secret.reveal()), m_slack.apiBaseUrl(),
                  listOf(Peers::exampleAgent()), Peers::folder(), m_slack.teamId(),
                  QString::fromLatin1(EmulatedSlack::kToken));
    file.write(text.toUtf8());
    return {};
}

void FirstLightTest::initTestCase()
{
    const QString problem = Peers::problem();
    QVERIFY2(problem.isEmpty(), qPrintable(problem));
    const Status slack = m_slack.start();
    QVERIFY2(slack.has_value(), slack ? "" : qPrintable(slack.error().toString()));
    QVERIFY(writeConfig().has_value());
    const QString program = qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/signalboxd"_s;
    QVERIFY(m_daemon.start(program, QStringList{u"--config"_s, m_folder.filePath(u"signalbox.toml"_s)})
                .has_value());
    const auto ready = m_daemon.waitForLine("ready ");
    QVERIFY2(ready.has_value(), m_daemon.errors().constData());
    const QString line = QString::fromUtf8(*ready);
    m_ingress = QUrl(u"http://"_s + line.section(u"ingress="_s, 1).section(u' ', 0, 0));
    QVERIFY(m_ingress.port() > 0);
}

Result<int> FirstLightTest::sendMention(const QString &channel, const QString &user, const QString &ts)
{
    Json event = Json::object(
        {{u"type"_s, u"app_mention"_s}, {u"user"_s, user}, {u"channel"_s, channel}, {u"ts"_s, ts}});
    event.set(u"event_ts"_s, ts);
    event.set(u"text"_s, u"<@%1> please look at the project"_s.arg(m_slack.botUserId()));
    Json envelope = Json::object({{u"type"_s, u"event_callback"_s}, {u"team_id"_s, m_slack.teamId()}});
    envelope.set(u"api_app_id"_s, u"A0PEERS"_s);
    envelope.set(u"event_id"_s, u"Ev0PEERS"_s);
    envelope.set(u"event_time"_s, toMs(m_clock.now()) / 1000);
    envelope.set(u"event"_s, event);
    http::Client client;
    sandbox::SignedSender sender(client, m_clock, m_secret);
    QUrl target = m_ingress;
    target.setPath(u"/slack/events"_s);
    const auto answer = async::blockOn(
        sender.post(sandbox::SignedSender::Request(target, envelope.toBytes())), Millis(10'000));
    if (!answer)
        return fail(answer.error());
    return answer->status;
}

Result<Json> FirstLightTest::replies(const QString &channel, const QString &ts)
{
    return m_slack.call(u"conversations.replies"_s, Json::object({{u"channel"_s, channel}, {u"ts"_s, ts}}));
}

void FirstLightTest::mention_isAnsweredInTheThreadByTheRealAgent()
{
    const QString channel = m_slack.channelId(u"general"_s);
    const QString ada = m_slack.userId(u"ada"_s);
    QVERIFY(!channel.isEmpty());
    // The person's message stands in the channel, as it does at Slack.
    const auto said = m_slack.call(u"chat.postMessage"_s,
        Json::object({{u"channel"_s, channel}, {u"text"_s, u"please look at the project"_s}}));
    QVERIFY(said.has_value());
    const QString ts = (*said)[u"ts"].toString();
    QVERIFY(!ts.isEmpty());

    const auto status = sendMention(channel, ada, ts);
    QVERIFY2(status.has_value(), status ? "" : qPrintable(status.error().toString()));
    QCOMPARE(*status, 200);

    // The example agent takes five seconds for a turn, and asks for a permission, which is refused once.
    Json thread;
    const auto answered = [&] {
        const auto found = replies(channel, ts);
        if (found)
            thread = (*found)[u"messages"];
        return thread.size() >= 2;
    };
    QTRY_VERIFY_WITH_TIMEOUT(answered(), 60'000);
    QCOMPARE(thread.size(), size_t(2));
    const Json &reply = thread.at(1);
    QCOMPARE(reply[u"thread_ts"].toString(), ts);
    QVERIFY2(reply[u"text"].toString().contains(u"help you"_s), qPrintable(reply[u"text"].toString()));
    // The same event again changes nothing.
    const auto again = sendMention(channel, ada, ts);
    QVERIFY(again.has_value());
    QCOMPARE(*again, 200);
    m_daemon.terminate();
    QCOMPARE(m_daemon.waitForEnd(), std::optional<int>(0));
    const auto after = replies(channel, ts);
    QVERIFY(after.has_value());
    QCOMPARE((*after)[u"messages"].size(), size_t(2));
}

QTEST_GUILESS_MAIN(FirstLightTest)
#include "tst_first_light.moc"
