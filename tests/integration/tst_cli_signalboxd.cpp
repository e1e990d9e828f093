// SPDX-License-Identifier: Apache-2.0
#include "support/gateway_fixture.h"

#include <QFileInfo>
#include <QRegularExpression>
#include <QTcpServer>

#include <csignal>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;

// INTERFACE.md "Programs" and the reading half of "Admin routes": signalboxd as a script or a service file
// meets it.
class SignalboxdCommandLineTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void versionAndHelp();
    void wrongUsageIs64_data();
    void wrongUsageIs64();
    void badConfigurationIs78WithItsLine_data();
    void badConfigurationIs78WithItsLine();
    void aGoodConfigurationIsCheckedAndPrintedWithoutSecrets();
    void aServiceThatIsNotToBeHadIs69_data();
    void aServiceThatIsNotToBeHadIs69();
    void aTakenPortIs69_data();
    void aTakenPortIs69();
    void aSecondEngineOnTheSameFileIs69();
    void readyLineAndListeners();
    void adminNeedsAToken();
    void configuredTokensReplaceTheMadeOne();
    void interruptIsAStopToo();
    void jsonLogsAreLinesOfJson();
    void sandboxRunsByItself();

private:
    struct Ended
    {
        Ended() = default;
        std::optional<int> code;
        QByteArray output;
        QByteArray errors;
    };
    [[nodiscard]] Ended run(const QStringList &arguments) const;
    [[nodiscard]] QString write(const QByteArray &toml);
    [[nodiscard]] QByteArray engineIn(const QString &name) const;

    QTemporaryDir m_folder;
};

namespace {
constexpr Millis kWait{30'000};
}

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)

void SignalboxdCommandLineTest::initTestCase()
{
    QVERIFY(QFileInfo(GatewayFixture::program()).isExecutable());
}

SignalboxdCommandLineTest::Ended SignalboxdCommandLineTest::run(const QStringList &arguments) const
{
    ChildProcess process;
    process.setEnvironment(u"XDG_CONFIG_HOME"_s, m_folder.filePath(u"nothing"_s));
    process.setEnvironment(u"XDG_DATA_HOME"_s, m_folder.filePath(u"data-home"_s));
    process.setEnvironment(u"SIGNALBOX_CONFIG"_s, {});
    Ended ended;
    if (!process.start(GatewayFixture::program(), arguments))
        return ended;
    ended.code = process.waitForEnd(kWait);
    ended.output = process.output();
    ended.errors = process.errors();
    return ended;
}

QString SignalboxdCommandLineTest::write(const QByteArray &toml)
{
    const QString path = m_folder.filePath(u"under-test.toml"_s);
    QFile file(path);
    return file.open(QIODevice::WriteOnly) && file.write(toml) == toml.size() ? path : QString();
}

QByteArray SignalboxdCommandLineTest::engineIn(const QString &name) const
{
    return "[engine]\ndata_dir = \"" + m_folder.filePath(name).toUtf8() + "\"\n";
}

void SignalboxdCommandLineTest::versionAndHelp()
{
    const Ended version = run({u"--version"_s});
    QCOMPARE(version.code, std::optional<int>(0));
    QVERIFY2(QRegularExpression(u"^signalboxd \\d+\\.\\d+\\.\\d+\\S*\n$"_s)
                 .match(QString::fromUtf8(version.output))
                 .hasMatch(),
        version.output.constData());
    QCOMPARE(version.errors, QByteArray());
    const Ended help = run({u"--help"_s});
    QCOMPARE(help.code, std::optional<int>(0));
    QCOMPARE(help.errors, QByteArray());
    for (const char *option : {"--config FILE", "--data-dir DIR", "--sandbox", "--check-config",
             "--print-config", "--log-format text|json", "--version", "--help"})
        QVERIFY2(help.output.contains(option), option);
    for (const QByteArray &line : help.output.split('\n'))
        QVERIFY2(QString::fromUtf8(line).size() <= 100, line.constData());
}

void SignalboxdCommandLineTest::wrongUsageIs64_data()
{
    QTest::addColumn<QStringList>("arguments");
    QTest::newRow("an unknown option") << QStringList{u"--sandboxx"_s};
    QTest::newRow("a value that is missing") << QStringList{u"--config"_s};
    QTest::newRow("an empty value") << QStringList{u"--data-dir"_s, QString()};
    QTest::newRow("an argument") << QStringList{u"start"_s};
    QTest::newRow("a value for a switch") << QStringList{u"--sandbox=yes"_s};
    QTest::newRow("an option twice") << QStringList{u"--config"_s, u"a"_s, u"--config=b"_s};
    QTest::newRow("a wrong log format") << QStringList{u"--log-format"_s, u"xml"_s};
    QTest::newRow("two requests") << QStringList{u"--check-config"_s, u"--print-config"_s};
    QTest::newRow("an option of the console") << QStringList{u"--attach"_s, u"http://localhost:1"_s};
}

void SignalboxdCommandLineTest::wrongUsageIs64()
{
    QFETCH(QStringList, arguments);
    const Ended ended = run(arguments);
    QCOMPARE(ended.code, std::optional<int>(64));
    QCOMPARE(ended.output, QByteArray());
    QVERIFY2(ended.errors.startsWith("signalboxd: "), ended.errors.constData());
    QVERIFY(ended.errors.contains("Try signalboxd --help"));
}

void SignalboxdCommandLineTest::badConfigurationIs78WithItsLine_data()
{
    QTest::addColumn<QByteArray>("toml");
    QTest::addColumn<int>("line");
    QTest::addColumn<QByteArray>("hint");
    QTest::newRow("an unknown key") << QByteArray("[engine]\nlesae = \"15s\"\n") << 2 << QByteArray("lease");
    QTest::newRow("an unknown table")
        << QByteArray("\n[ingres]\nlisten = \"\"\n") << 2 << QByteArray("ingress");
    QTest::newRow("a wrong type") << QByteArray("[engine]\ndatabase_pool = \"four\"\n") << 2
                                  << QByteArray("database_pool");
    QTest::newRow("an impossible value")
        << QByteArray("[engine]\ndatabase_pool = 0\n") << 2 << QByteArray("database_pool");
    QTest::newRow("a duration without a unit")
        << QByteArray("[turn]\n\nidle_timeout = \"10\"\n") << 3 << QByteArray("idle_timeout");
    QTest::newRow("not TOML") << QByteArray("[engine]\nlease = \"15s\n") << 2 << QByteArray();
    QTest::newRow("a backend that is not there") << QByteArray(
        "[slack]\nsigning_secret = \"zqmark\"\n[[installations]]\nchannel = \"slack\"\ntenant = \"T1\"\n"
        "backend = \"nobody\"\nbot_token = \"xoxb-zqmark\"\n")
                                                 << 6 << QByteArray("nobody");
    QTest::newRow("a variable that is not set")
        << QByteArray("[slack]\nsigning_secret_env = \"SIGNALBOX_TEST_UNSET\"\n") << 2
        << QByteArray("SIGNALBOX_TEST_UNSET");
    QTest::newRow("a public admin listener")
        << QByteArray("[admin]\nlisten = \"0.0.0.0:7717\"\n") << 2 << QByteArray("admin.listen");
}

void SignalboxdCommandLineTest::badConfigurationIs78WithItsLine()
{
    QFETCH(QByteArray, toml);
    QFETCH(int, line);
    QFETCH(QByteArray, hint);
    const QString path = write(toml);
    const QByteArray place = path.toUtf8() + ':' + QByteArray::number(line);
    for (const QStringList &arguments :
        {QStringList{u"--config"_s, path}, QStringList{u"--check-config"_s, u"--config"_s, path}}) {
        const Ended ended = run(arguments);
        QCOMPARE(ended.code, std::optional<int>(78));
        QCOMPARE(ended.output, QByteArray());
        QVERIFY2(ended.errors.contains(place), ended.errors.constData());
        QVERIFY2(ended.errors.contains(hint), ended.errors.constData());
        QVERIFY2(!ended.errors.contains(kMarker), ended.errors.constData());
    }
    QVERIFY(!QFileInfo::exists(m_folder.filePath(u"data-home"_s)));
}

void SignalboxdCommandLineTest::aGoodConfigurationIsCheckedAndPrintedWithoutSecrets()
{
    GatewayFixture gateway;
    START(gateway); // writes one
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    const Ended checked = run({u"--check-config"_s, u"--config"_s, gateway.configFile()});
    QCOMPARE(checked.code, std::optional<int>(0));
    QVERIFY(checked.output.contains(gateway.configFile().toUtf8()));
    const Ended printed = run({u"--print-config"_s, u"--config"_s, gateway.configFile()});
    QCOMPARE(printed.code, std::optional<int>(0));
    QVERIFY(printed.output.contains("under-test"));
    // The signing secret and the token, and the values of an agent's environment, where API keys live.
    QVERIFY2(
        printed.output.contains("\"FIXTURE_SECRET\" = \"***\"") && !printed.output.contains("-environment"),
        printed.output.constData());
    QVERIFY2(!printed.output.contains("zqmark-signing-secret") && !printed.output.contains("xoxb-zqmark"),
        printed.output.constData());
}

void SignalboxdCommandLineTest::aServiceThatIsNotToBeHadIs69_data()
{
    QTest::addColumn<QByteArray>("toml");
    const QByteArray off = "[ingress]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
    QTest::newRow("no server") << engineIn(u"nopg"_s)
            + "database = \"postgresql://nobody:zqmark@127.0.0.1:1/none\"\n" + off;
    QTest::newRow("no folder for the file")
        << engineIn(u"nofile"_s) + "database = \"sqlite:/proc/none/signalbox.db\"\n" + off;
    QTest::newRow("not a database") << engineIn(u"noformat"_s)
            + "database = \"sqlite:" + GatewayFixture::program().toUtf8() + "\"\n" + off;
    QTest::newRow("no data folder") << "[engine]\ndata_dir = \"/proc/none/signalbox\"\n" + off;
}

void SignalboxdCommandLineTest::aServiceThatIsNotToBeHadIs69()
{
    QFETCH(QByteArray, toml);
    const Ended ended = run({u"--config"_s, write(toml)});
    QVERIFY2(ended.code == 69, ended.errors.constData());
    QCOMPARE(ended.output, QByteArray());
    QVERIFY2(ended.errors.contains("signalboxd: "), ended.errors.constData());
    QVERIFY2(!ended.errors.contains(kMarker), ended.errors.constData());
}

void SignalboxdCommandLineTest::aTakenPortIs69_data()
{
    QTest::addColumn<bool>("ingress");
    QTest::newRow("ingress") << true;
    QTest::newRow("admin") << false;
}

void SignalboxdCommandLineTest::aTakenPortIs69()
{
    QFETCH(bool, ingress);
    QTcpServer taken;
    QVERIFY(taken.listen(QHostAddress(QHostAddress::LocalHost), 0));
    const QByteArray address = "127.0.0.1:" + QByteArray::number(taken.serverPort());
    const QByteArray toml = engineIn(u"port"_s) + "[ingress]\nlisten = \""
        + (ingress ? address : "127.0.0.1:0") + "\"\n[admin]\nlisten = \""
        + (ingress ? "127.0.0.1:0" : address) + "\"\n";
    const Ended ended = run({u"--config"_s, write(toml)});
    QVERIFY2(ended.code == 69, ended.errors.constData());
    QCOMPARE(ended.output, QByteArray());
    QVERIFY2(ended.errors.contains(address), ended.errors.constData());
}

void SignalboxdCommandLineTest::aSecondEngineOnTheSameFileIs69()
{
    GatewayFixture gateway;
    START(gateway);
    const Ended second = run({u"--config"_s, gateway.configFile()});
    QVERIFY2(second.code == 69, second.errors.constData());
    QCOMPARE(second.output, QByteArray());
    const auto self = gateway.admin(u"/self"_s);
    QVERIFY(self);
    // It names the first one, which goes on.
    const QByteArray first = '(' + (*self)[u"engine_id"].toString().toUtf8() + ", process "
        + QByteArray::number(gateway.processId()) + ')';
    QVERIFY2(second.errors.contains(first + " uses this data folder"), second.errors.constData());
    // By another name, out of a data folder of its own.
    const QString link = m_folder.filePath(u"link.db"_s);
    QVERIFY(QFile::link(gateway.dataDir() + u"/signalbox.db"_s, link));
    const Ended third = run({u"--config"_s,
        write("[engine]\ndata_dir = " + Json(m_folder.filePath(u"third"_s)).toBytes()
            + "\ndatabase = " + Json(u"sqlite:"_s + link).toBytes() + "\n")});
    QVERIFY2(third.code == 69, third.errors.constData());
    QVERIFY2(third.errors.contains(first + " uses this database file"), third.errors.constData());
    const auto said = gateway.mention(u"C0SECOND"_s, u"still you?"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", 30'000);
}

void SignalboxdCommandLineTest::readyLineAndListeners()
{
    GatewayFixture gateway;
    START(gateway);
    const QRegularExpression line(u"^ready ingress=127\\.0\\.0\\.1:\\d+ admin=127\\.0\\.0\\.1:\\d+$"_s);
    QVERIFY2(line.match(QString::fromUtf8(gateway.readyLine())).hasMatch(), gateway.readyLine().constData());
    qInfo("ready after %lld ms on an empty database", static_cast<long long>(gateway.startupTime().count()));
    QVERIFY(gateway.startupTime() < Millis(10'000));
    for (const quint16 port : {gateway.ingressPort(), gateway.adminPort()}) {
        const auto health = gateway.get(port, u"/healthz"_s);
        QVERIFY(health);
        QCOMPARE(health->status, 200);
        QCOMPARE(health->body, QByteArray("ok"));
    }
    const auto ready = gateway.get(gateway.adminPort(), u"/readyz"_s);
    QVERIFY(ready);
    QCOMPARE(ready->status, 200);
    QCOMPARE(ready->headers.value("Content-Type"), QByteArray("application/json"));
    QCOMPARE((*Json::parse(ready->body))[u"ready"], Json(true));
    // Each listener knows only its own routes.
    QCOMPARE(gateway.get(gateway.ingressPort(), u"/api/v1/summary"_s, gateway.adminToken())->status, 404);
    QCOMPARE(gateway.get(gateway.ingressPort(), u"/readyz"_s)->status, 404);
    QCOMPARE(gateway.get(gateway.adminPort(), u"/slack/events"_s, gateway.adminToken())->status, 404);
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    START(gateway);
    qInfo("ready after %lld ms on its own database", static_cast<long long>(gateway.startupTime().count()));
}

void SignalboxdCommandLineTest::adminNeedsAToken()
{
    GatewayFixture gateway;
    START(gateway);
    const auto said = gateway.mention(u"C0ADMIN"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", 30'000);
    const Json item = gateway.delivery(said.ts);
    const QString paths[]{u"/self"_s, u"/summary"_s, u"/sessions"_s, u"/deliveries"_s,
        u"/deliveries/"_s + item[u"id"].toString(), u"/sessions/"_s + item[u"session"].toString()};
    for (const QString &path : paths) {
        for (const QByteArray &token : {QByteArray(), QByteArray("wrong"), gateway.adminToken().chopped(1),
                 gateway.adminToken() + 'x'}) {
            const auto refused = gateway.get(gateway.adminPort(), u"/api/v1"_s + path, token);
            QVERIFY(refused);
            QCOMPARE(refused->status, 401);
            QCOMPARE(refused->headers.value("Content-Type"), QByteArray("application/problem+json"));
            QVERIFY(!refused->headers.value("WWW-Authenticate").isEmpty());
        }
        const auto let = gateway.get(gateway.adminPort(), u"/api/v1"_s + path, gateway.adminToken());
        QCOMPARE(let->status, 200);
        // Payloads are redacted: ids only.
        QVERIFY2(!let->body.contains(kMarker), let->body.constData());
    }
    QCOMPARE(
        gateway.get(gateway.adminPort(), u"/api/v1/deliveries/no-such"_s, gateway.adminToken())->status, 404);
    QCOMPARE(
        gateway.get(gateway.adminPort(), u"/api/v1/deliveries?limit=0"_s, gateway.adminToken())->status, 400);
    QCOMPARE(
        gateway.get(gateway.adminPort(), u"/api/v1/deliveries?filter=colour:red"_s, gateway.adminToken())
            ->status,
        400);
    QCOMPARE(gateway.get(gateway.adminPort(), u"/api/v1/nothing"_s, gateway.adminToken())->status, 404);
    const QFileInfo file(gateway.dataDir() + u"/admin.json"_s);
    QCOMPARE(
        file.permissions() & (QFile::ReadGroup | QFile::WriteGroup | QFile::ReadOther | QFile::WriteOther),
        QFile::Permissions());
}

void SignalboxdCommandLineTest::configuredTokensReplaceTheMadeOne()
{
    GatewayOptions options;
    options.further = "[[admin.tokens]]\nname = \"anna\"\nrole = \"viewer\"\ntoken = \"zqmark-anna\"\n"
                      "[[admin.tokens]]\nname = \"carl\"\nrole = \"viewer\"\ntoken = \"zqmark-carl\"\n"
                      "installations = [\"slack:T1\"]\n";
    GatewayFixture gateway(options);
    const Status started = gateway.start();
    QVERIFY(!started); // no admin.json to read
    QVERIFY(!QFileInfo::exists(gateway.dataDir() + u"/admin.json"_s));
    QVERIFY(gateway.isRunning());
    const auto self = gateway.get(gateway.adminPort(), u"/api/v1/self"_s, "zqmark-anna");
    QVERIFY(self);
    QCOMPARE(self->status, 200);
    const auto json = Json::parse(self->body);
    QVERIFY(json);
    QCOMPARE((*json)[u"name"].toString(), u"anna"_s);
    QCOMPARE((*json)[u"role"].toString(), u"viewer"_s);
    QCOMPARE(gateway.get(gateway.adminPort(), u"/api/v1/self"_s, "zqmark-bert")->status, 401);
    // A token for some installations must not read the others'.
    QCOMPARE(gateway.get(gateway.adminPort(), u"/api/v1/deliveries"_s, "zqmark-carl")->status, 403);
}

void SignalboxdCommandLineTest::interruptIsAStopToo()
{
    GatewayFixture gateway;
    START(gateway);
    QCOMPARE(::kill(static_cast<pid_t>(gateway.processId()), SIGINT), 0);
    QCOMPARE(gateway.waitForEnd(), std::optional<int>(0));
    QVERIFY(gateway.log().contains("engine stopped"));
}

void SignalboxdCommandLineTest::jsonLogsAreLinesOfJson()
{
    GatewayOptions options;
    options.further = "[log]\nformat = \"json\"\nlevel = \"debug\"\n";
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0LOG"_s, u"fail"_s);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.outcome(said.ts).startsWith(u"dead/"), 30'000);
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    const QList<QByteArray> lines = gateway.log().trimmed().split('\n');
    QVERIFY(lines.size() >= 3);
    for (const QByteArray &line : lines) {
        const auto json = Json::parse(line);
        QVERIFY2(json && json->isObject(), line.constData());
    }
}

void SignalboxdCommandLineTest::sandboxRunsByItself()
{
    ChildProcess process;
    QVERIFY(process.start(GatewayFixture::program(), {u"--sandbox"_s}));
    const auto ready = process.waitForLine("ready ingress=127.0.0.1:", kWait);
    QVERIFY2(ready, ready ? "" : qPrintable(ready.error().toString()));
    QTRY_VERIFY_WITH_TIMEOUT(process.output().count('\n') > 3, 10'000);
    process.terminate();
    QCOMPARE(process.waitForEnd(kWait), std::optional<int>(0));
}

QTEST_GUILESS_MAIN(SignalboxdCommandLineTest)
#include "tst_cli_signalboxd.moc"
