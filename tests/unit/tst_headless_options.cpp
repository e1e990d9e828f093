// SPDX-License-Identifier: Apache-2.0
#include "headless/startup.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::headless;

class HeadlessOptionsTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void good_isRead();
    void console_hasItsOwnOptions();
    void wrongUsage_isRefused_data();
    void wrongUsage_isRefused();
    void help_listsWhatTheProgramTakes();
    void version_isPrinted();
    void prepare_startsWithTheCommandLineOnTop();
    void prepare_reportsEveryProblem();
    void prepare_checkSaysWhatWasRead();
    void prepare_printsTheEffectiveValues();
    void prepare_sandboxReadsNoFile();

private:
    // Options of this process, with every place to search inside `home`.
    static config::LoadOptions inside(const QString &home)
    {
        config::LoadOptions from;
        from.environment = QProcessEnvironment();
        from.configHome = home + u"/config"_s;
        from.dataHome = home + u"/data"_s;
        from.systemConfigDir = home + u"/etc"_s;
        return from;
    }

    static QString writeFile(const QTemporaryDir &home, const QByteArray &text)
    {
        QFile file(home.filePath(u"box.toml"_s));
        return file.open(QIODevice::WriteOnly) && file.write(text) == text.size() ? file.fileName()
                                                                                  : QString();
    }
};

void HeadlessOptionsTest::good_isRead()
{
    const auto options = parseOptions(Program::Server,
        {u"--config"_s, u"a.toml"_s, u"--data-dir=/srv/x=y"_s, u"--log-format"_s, u"json"_s});
    QVERIFY(options);
    QCOMPARE(options->configFile, u"a.toml"_s);
    QCOMPARE(options->dataDir, u"/srv/x=y"_s);
    QVERIFY(options->logFormat == LogFormat::Json);
    QVERIFY(!options->sandbox && !options->checkConfig && !options->printConfig);

    QVERIFY(!parseOptions(Program::Server, {})->logFormat);
    QVERIFY(parseOptions(Program::Server, {u"--sandbox"_s})->sandbox);
    QVERIFY(parseOptions(Program::Server, {u"--sandbox-agent"_s})->sandboxAgent);
    QVERIFY(parseOptions(Program::Server, {u"--check-config"_s})->checkConfig);
    QVERIFY(parseOptions(Program::Server, {u"--print-config"_s})->printConfig);
    QVERIFY(parseOptions(Program::Server, {u"--sandbox"_s, u"--data-dir"_s, u"d"_s}));
}

void HeadlessOptionsTest::console_hasItsOwnOptions()
{
    const auto options = parseOptions(Program::Console,
        {u"--profile"_s, u"work"_s, u"--attach"_s, u"https://box.example.com"_s, u"signalbox://session/1"_s});
    QVERIFY(options);
    QCOMPARE(options->profile, u"work"_s);
    QCOMPARE(options->attachUrl, u"https://box.example.com"_s);
    QCOMPARE(options->link, u"signalbox://session/1"_s);
}

void HeadlessOptionsTest::wrongUsage_isRefused_data()
{
    QTest::addColumn<bool>("console");
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("message");
    QTest::newRow("unknown") << false << QStringList{u"--confg"_s} << u"unknown option --confg"_s;
    QTest::newRow("value missing") << false << QStringList{u"--config"_s} << u"--config needs FILE"_s;
    QTest::newRow("empty value") << false << QStringList{u"--config="_s}
                                 << u"--config needs a value that is not empty"_s;
    QTest::newRow("value of a switch")
        << false << QStringList{u"--sandbox=yes"_s} << u"--sandbox takes no value"_s;
    QTest::newRow("twice") << false << QStringList{u"--data-dir=a"_s, u"--data-dir=b"_s}
                           << u"--data-dir is given twice"_s;
    QTest::newRow("log format") << false << QStringList{u"--log-format"_s, u"xml"_s}
                                << u"--log-format must be text or json, not \"xml\""_s;
    QTest::newRow("argument") << false << QStringList{u"start"_s} << u"unexpected argument \"start\""_s;
    QTest::newRow("link to the server")
        << false << QStringList{u"signalbox://a"_s} << u"unexpected argument \"signalbox://a\""_s;
    QTest::newRow("later stage")
        << false << QStringList{u"--create-token"_s, u"anna"_s, u"operator"_s}
        << u"--create-token is not supported by this version; configure [[admin.tokens]]"_s;
    QTest::newRow("two requests") << false << QStringList{u"--check-config"_s, u"--print-config"_s}
                                  << u"--check-config and --print-config are two different requests"_s;
    QTest::newRow("sandbox with a file")
        << false << QStringList{u"--sandbox"_s, u"--config"_s, u"a"_s}
        << u"--sandbox brings its own configuration; leave out --config, --check-config and --print-config"_s;
    QTest::newRow("server's option") << true << QStringList{u"--check-config"_s}
                                     << u"unknown option --check-config"_s;
    QTest::newRow("console's option")
        << false << QStringList{u"--attach=x"_s} << u"unknown option --attach"_s;
    QTest::newRow("sandbox elsewhere")
        << true << QStringList{u"--sandbox"_s, u"--attach=x"_s}
        << u"--sandbox embeds an engine and --attach uses another one; give one of them"_s;
    QTest::newRow("two links") << true << QStringList{u"signalbox://a"_s, u"signalbox://b"_s}
                               << u"unexpected argument \"signalbox://b\""_s;
}

void HeadlessOptionsTest::wrongUsage_isRefused()
{
    QFETCH(bool, console);
    QFETCH(QStringList, arguments);
    QFETCH(QString, message);
    const auto options = parseOptions(console ? Program::Console : Program::Server, arguments);
    QVERIFY(!options);
    QCOMPARE(static_cast<int>(options.error().code), 64);
    const QString name = console ? u"signalbox"_s : u"signalboxd"_s;
    QCOMPARE(options.error().errors, u"%1: %2\nTry %1 --help\n"_s.arg(name, message));
    QVERIFY(options.error().output.isEmpty());
}

void HeadlessOptionsTest::help_listsWhatTheProgramTakes()
{
    const auto server = parseOptions(Program::Server, {u"--help"_s});
    QVERIFY(!server);
    QCOMPARE(static_cast<int>(server.error().code), 0);
    for (const QString &option :
        {u"--config FILE"_s, u"--data-dir DIR"_s, u"--sandbox"_s, u"--check-config"_s, u"--print-config"_s,
            u"--log-format text|json"_s, u"--version"_s, u"--help"_s}) {
        QVERIFY2(server.error().output.contains(u"  "_s + option + u' '), qPrintable(option));
    }
    QVERIFY(!server.error().output.contains(u"--sandbox-agent"_s));
    QVERIFY(!server.error().output.contains(u"--attach"_s));
    const auto console = parseOptions(Program::Console, {u"--help"_s});
    QVERIFY(console.error().output.contains(u"  --attach URL "_s));
    QVERIFY(!console.error().output.contains(u"--check-config"_s));
}

void HeadlessOptionsTest::version_isPrinted()
{
    const auto options = parseOptions(Program::Server, {u"--version"_s});
    QVERIFY(!options);
    QCOMPARE(static_cast<int>(options.error().code), 0);
    QCOMPARE(options.error().output, u"signalboxd " SIGNALBOX_VERSION "\n"_s);
}

void HeadlessOptionsTest::prepare_startsWithTheCommandLineOnTop()
{
    const QTemporaryDir home;
    Options options;
    options.configFile = writeFile(home, "[log]\nformat = \"text\"\n[engine]\nlease = \"20s\"\n");
    options.logFormat = LogFormat::Json;
    options.dataDir = home.filePath(u"data"_s);
    const auto loaded = prepare(options, inside(home.path()));
    QVERIFY(loaded);
    QCOMPARE(loaded->config.logFormat, LogFormat::Json);
    QCOMPARE(loaded->config.engine.lease, Millis(20'000));
    QCOMPARE(loaded->config.engine.dataDir, home.filePath(u"data"_s));
}

void HeadlessOptionsTest::prepare_reportsEveryProblem()
{
    const QTemporaryDir home;
    Options options;
    options.configFile = writeFile(home, "[engine]\nleese = \"1s\"\ndatabase_pool = 0\n");
    options.checkConfig = true;
    const auto loaded = prepare(options, inside(home.path()));
    QVERIFY(!loaded);
    QCOMPARE(static_cast<int>(loaded.error().code), 78);
    QVERIFY(loaded.error().output.isEmpty());
    QCOMPARE(loaded.error().errors,
        u"%1:2:1: unknown key engine.leese; did you mean engine.lease?\n"
        "%1:3:1: engine.database_pool must be from 1 to 256, not 0\n"
        "2 problems in the configuration; nothing was started\n"_s.arg(options.configFile));
}

void HeadlessOptionsTest::prepare_checkSaysWhatWasRead()
{
    const QTemporaryDir home;
    Options options;
    options.checkConfig = true;
    const auto defaults = prepare(options, inside(home.path()));
    QVERIFY(!defaults);
    QCOMPARE(static_cast<int>(defaults.error().code), 0);
    QCOMPARE(defaults.error().output, u"The configuration is good: no file, only defaults\n"_s);
    options.configFile = writeFile(home, "");
    QCOMPARE(prepare(options, inside(home.path())).error().output,
        u"The configuration is good: %1\n"_s.arg(options.configFile));
}

void HeadlessOptionsTest::prepare_printsTheEffectiveValues()
{
    const QTemporaryDir home;
    Options options;
    options.printConfig = true;
    options.configFile = writeFile(home, "[slack]\nsigning_secret = \"hunter2\"\n");
    const auto printed = prepare(options, inside(home.path()));
    QVERIFY(!printed);
    QCOMPARE(static_cast<int>(printed.error().code), 0);
    QVERIFY(printed.error().output.startsWith(u"[engine]\n"_s));
    QVERIFY(printed.error().output.contains(u"signing_secret = \"***\"\n"_s));
    QVERIFY(!printed.error().output.contains(u"hunter2"_s));
}

void HeadlessOptionsTest::prepare_sandboxReadsNoFile()
{
    const QTemporaryDir home;
    config::LoadOptions from = inside(home.path());
    from.environment.insert(u"SIGNALBOX_CONFIG"_s, writeFile(home, "not toml"));
    Options options;
    QVERIFY(!prepare(options, from));
    options.sandbox = true;
    QVERIFY(prepare(options, from));
}

QTEST_GUILESS_MAIN(HeadlessOptionsTest)
#include "tst_headless_options.moc"
