// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "config/loader.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::config;

namespace {

// What load() says about the problems, with the folder cut off; empty when there are none.
QString complaints(const tl::expected<Loaded, QList<Problem>> &result, const QString &folder)
{
    QStringList lines;
    if (!result) {
        for (const Problem &problem : result.error()) {
            lines.append(problem.toString().remove(folder + u'/'));
        }
    }
    return lines.join(u'\n');
}

} // namespace

class ConfigLoaderTest : public QObject
{
    Q_OBJECT

private:
    QTemporaryDir m_home;
    LoadOptions m_options;

    void write(const QString &name, const QString &text)
    {
        const QString path = m_home.filePath(name);
        QVERIFY(QDir().mkpath(QFileInfo(path).absolutePath()));
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly | QIODevice::Truncate));
        QVERIFY(file.write(text.toUtf8()) >= 0);
    }

    QString check(const QString &text)
    {
        write(u"given/signalbox.toml"_s, text);
        m_options.configFile = m_home.filePath(u"given/signalbox.toml"_s);
        return complaints(load(m_options), m_home.filePath(u"given"_s));
    }

private Q_SLOTS:
    void init();
    void defaults_areTheDocumentedOnes();
    void embedded_hasNoListeners();
    void good_isAccepted_data();
    void good_isAccepted();
    void bad_isReportedWithItsPlace_data();
    void bad_isReportedWithItsPlace();
    void values_arrive();
    void allProblems_areReportedAtOnce();
    void search_takesTheFirstPlaceThatExists();
    void search_readsConfDropInsInOrder();
    void search_whenEmbeddedNeverReadsTheSystemFile();
    void search_namedFileMustExist();
    void readFiles_offReadsNothing();
    void dataDir_comesFromTheMostSpecificSource();
    void secret_isReadFromEverySpelling();
    void secret_keychainAsksTheCaller();
    void token_keepsOnlyItsHash();
    void databasePassword_leavesTheUrl();
};

namespace {

// Below the class: moc does not read raw strings with quotes in them.
const QString kSpritz = uR"(
[[backends]]
name = "prod"
kind = "spritz"
registry_url = "https://registry.example.com"
spritz_url = "https://spritz.example.com"
)"_s;

const QString kAcp = uR"(
[[backends]]
name = "local"
kind = "acp"
command = ["node", "agent.js"]
)"_s;

} // namespace

void ConfigLoaderTest::init()
{
    QVERIFY(m_home.isValid());
    QVERIFY(QDir(m_home.path()).removeRecursively());
    QVERIFY(QDir().mkpath(m_home.path()));
    m_options = LoadOptions();
    m_options.environment = QProcessEnvironment();
    m_options.environment.insert(u"SLACK_SECRET"_s, u"from-environment"_s);
    m_options.configHome = m_home.filePath(u"config"_s);
    m_options.dataHome = m_home.filePath(u"data"_s);
    m_options.systemConfigDir = m_home.filePath(u"etc"_s);
}

void ConfigLoaderTest::defaults_areTheDocumentedOnes()
{
    const auto loaded = load(m_options);
    QVERIFY(loaded);
    const Config &config = loaded->config;
    QVERIFY(loaded->filesRead.isEmpty());
    QCOMPARE(config.engine.database, u"sqlite:signalbox.db"_s);
    QCOMPARE(config.engine.dataDir, m_home.filePath(u"data/signalbox"_s));
    QCOMPARE(config.engine.databasePool, 4);
    QCOMPARE(config.engine.lease, Millis(15'000));
    QCOMPARE(config.engine.payloadRetention, Millis(std::chrono::hours(24 * 30)));
    QCOMPARE(config.ingress.listen, u"0.0.0.0:8080"_s);
    QCOMPARE(config.ingress.maxBodyBytes, 1'048'576);
    QCOMPARE(config.admin.listen, u"127.0.0.1:7717"_s);
    QVERIFY(!config.admin.allowInsecurePublic);
    QCOMPARE(config.slack.apiBaseUrl, u"https://slack.com/api"_s);
    QCOMPARE(config.slack.ackReaction, u"eyes"_s);
    QCOMPARE(config.recovery.deliveryTimeout, Millis(120'000));
    QCOMPARE(config.turn.maxDuration, Millis(0));
    QCOMPARE(config.lockTtl, Millis(180'000));
    QCOMPARE(config.dedupeTtl, Millis(std::chrono::hours(72)));
    QCOMPARE(config.logLevel, u"info"_s);
}

void ConfigLoaderTest::embedded_hasNoListeners()
{
    m_options.embedded = true;
    const auto loaded = load(m_options);
    QVERIFY(loaded);
    QVERIFY(loaded->config.ingress.listen.isEmpty());
    QVERIFY(loaded->config.admin.listen.isEmpty());
}

void ConfigLoaderTest::good_isAccepted_data()
{
    QTest::addColumn<QString>("text");
    const auto row = [](const char *name, const QString &text) { QTest::newRow(name) << text; };
    row("empty file", {});
    row("only comments", u"# nothing\n"_s);
    row("empty table", u"[engine]\n"_s);
    row("every unit", uR"([recovery]
http_timeout = "1500ms"
delivery_timeout = "5m"
[engine]
lease = "1s"
history_retention = "1h"
payload_retention = "30d"
)"_s);
    row("duration that may be empty", u"[turn]\nmax_duration = \"\"\n"_s);
    row("zero grace", u"[engine]\nshutdown_grace = \"0s\"\n"_s);
    row("listener off", u"[ingress]\nlisten = \"\"\n"_s);
    row("ipv6 listener", u"[admin]\nlisten = \"[::1]:0\"\n"_s);
    row("localhost listener", u"[admin]\nlisten = \"localhost:7717\"\n"_s);
    row("admin in 127/8", u"[admin]\nlisten = \"127.1.2.3:1\"\n"_s);
    row("public admin, on purpose", u"[admin]\nlisten = \"0.0.0.0:7717\"\nallow_insecure_public = true\n"_s);
    row("highest port", u"[ingress]\nlisten = \"0.0.0.0:65535\"\n"_s);
    row("postgresql", u"[engine]\ndatabase = \"postgresql://user@host:5432/name?sslmode=require\"\n"_s);
    row("postgresql by socket",
        u"[engine]\ndatabase = \"postgresql://user@/name?host=%2Frun%2Fpostgresql\"\n"_s);
    row("sqlite, absolute", u"[engine]\ndatabase = \"sqlite:/var/lib/signalbox/a.db\"\n"_s);
    row("spritz", kSpritz);
    row("spritz with an installation", kSpritz + uR"([slack]
signing_secret_env = "SLACK_SECRET"
[[installations]]
channel = "slack"
tenant = "*"
backend = "prod"
)"_s);
    row("lifecycle webhook of a spritz backend",
        kSpritz + u"lifecycle_webhook_url = \"https://a.example/hook\"\nlifecycle_webhook_token = \"t\"\n"_s);
    row("lifecycle webhook of an acp backend",
        u"[[backends]]\nname = \"a\"\nkind = \"acp\"\ncommand = [\"x\"]\nlifecycle_webhook_url = \"http://127.0.0.1:9/hook\"\n"_s);
    row("two apps in one tenant", kSpritz + uR"([[installations]]
channel = "slack"
tenant = "T1"
app = "A1"
signing_secret = "one"
backend = "prod"
[[installations]]
channel = "slack"
tenant = "T1"
app = "A2"
signing_secret = "two"
backend = "prod"
)"_s);
    row("acp with an installation", kAcp + uR"([[installations]]
channel = "slack"
tenant = "T1"
signing_secret = "s"
bot_token = "t"
backend = "local"
)"_s);
    row("inline tables",
        u"backends = [{ name = \"a\", kind = \"acp\", command = [\"x\"], environment = { K = \"v\" } }]\n"_s);
    row("values that say what this version does", kSpritz + uR"([ingress]
tls_certificate_file = ""
[interactions]
ttl = "24h"
[[installations]]
channel = "slack"
tenant = "T1"
signing_secret = "s"
backend = "prod"
transport = "http"
interaction_answerers = "requester"
interaction_allow_always = false
on_unconfirmed = "operator"
)"_s);
    row("no acknowledgement reaction", u"[slack]\nack_reaction = \"\"\n"_s);
    row("tokens", uR"([[ingress.tokens]]
name = "operator-webhook"
token_env = "SLACK_SECRET"
[[admin.tokens]]
name = "anna"
role = "operator"
may = ["reveal", "edit"]
token_sha256 = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
installations = ["*"]
)"_s);
}

void ConfigLoaderTest::good_isAccepted()
{
    QFETCH(QString, text);
    QCOMPARE(check(text), QString());
}

void ConfigLoaderTest::bad_isReportedWithItsPlace_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("complaint");
    const auto row = [](const char *name, const QString &text, const QString &complaint) {
        QTest::newRow(name) << text << u"signalbox.toml:"_s + complaint;
    };
    // One case on a line, however long, so that text and complaint stand side by side.
    // clang-format off
    // Keys.
    row("misspelled key", u"[engine]\nleese = \"15s\"\n"_s, u"2:1: unknown key engine.leese; did you mean engine.lease?"_s);
    row("misspelled table", u"[engin]\n"_s, u"1:2: unknown key engin; did you mean engine?"_s);
    row("key of another table", u"[engine]\nidle_timeout = \"1s\"\n"_s, u"2:1: unknown key engine.idle_timeout; did you mean turn.idle_timeout?"_s);
    row("key without its table", u"\nlease = \"15s\"\n"_s, u"2:1: unknown key lease; did you mean engine.lease?"_s);
    row("key like nothing", u"[engine]\nzzzzzzzz = 1\n"_s, u"2:1: unknown key engine.zzzzzzzz"_s);
    row("misspelled list", u"[ingress]\ntokns = []\n"_s, u"2:1: unknown key ingress.tokns; did you mean ingress.tokens?"_s);
    row("admin key on ingress", u"[ingress]\nallow_insecure_public = true\n"_s, u"2:1: unknown key ingress.allow_insecure_public; did you mean admin.allow_insecure_public?"_s);
    row("role of an ingress token", u"[[ingress.tokens]]\nname = \"a\"\ntoken = \"t\"\nrole = \"admin\"\n"_s, u"4:1: unknown key ingress.tokens[0].role"_s);
    row("token hash of a plain secret", u"[slack]\nsigning_secret_sha256 = \"00\"\n"_s, u"2:1: unknown key slack.signing_secret_sha256; did you mean slack.signing_secret?"_s);
    row("misspelled key of a list", kAcp + u"shared_stat = true\n"_s, u"6:1: unknown key backends[0].shared_stat; did you mean backends[0].shared_state?"_s);
    // Syntax.
    row("not TOML", u"[engine]\nlease =\n"_s, u"2:8: not valid TOML: Error while parsing key-value pair: expected value, saw '\\n'"_s);
    row("key twice", u"[engine]\nid = \"a\"\nid = \"b\"\n"_s, u"3:6: not valid TOML: Error while parsing key-value pair: cannot redefine existing string 'id'"_s);
    // Types.
    row("number for a duration", u"[engine]\nlease = 15\n"_s, u"2:1: engine.lease must be a duration with a unit, not a whole number; write \"15s\" for seconds or \"15ms\" for milliseconds"_s);
    row("flag for a duration", u"[engine]\nlease = true\n"_s, u"2:1: engine.lease must be a duration with a unit, not true or false"_s);
    row("string for a number", u"[engine]\ndatabase_pool = \"4\"\n"_s, u"2:1: engine.database_pool must be a whole number, not a string"_s);
    row("fraction for a number", u"[engine]\ndatabase_pool = 4.0\n"_s, u"2:1: engine.database_pool must be a whole number, not a number with a fraction"_s);
    row("string for a flag", u"[slack]\nremove_ack_after_reply = \"yes\"\n"_s, u"2:1: slack.remove_ack_after_reply must be true or false, not a string"_s);
    row("number for a string", u"[log]\nlevel = 1\n"_s, u"2:1: log.level must be a string, not a whole number"_s);
    row("string for a list", u"[[backends]]\nname = \"a\"\nkind = \"acp\"\ncommand = \"node\"\n"_s, u"4:1: backends[0].command must be a list of strings, not a string"_s);
    row("number in a list", u"[[backends]]\nname = \"a\"\nkind = \"acp\"\ncommand = [\"node\", 1]\n"_s, u"4:1: backends[0].command must be a list of strings, not a list"_s);
    row("number in the environment", kAcp + u"environment = { PORT = 1 }\n"_s, u"6:17: backends[0].environment.PORT must be a string, not a whole number"_s);
    row("table for a list of tables", u"[backends]\nname = \"a\"\n"_s, u"1:2: backends must be a list of tables, each under [[backends]], not a table"_s);
    row("value for a table", u"engine = 1\n"_s, u"1:1: engine must be a table under [engine], not a whole number"_s);
    row("number for a secret", u"[slack]\nsigning_secret = 1\n"_s, u"2:1: slack.signing_secret must be a string, not a whole number"_s);
    // Durations.
    const QString units = u"; write it like \"250ms\", \"5s\", \"3m\", \"24h\" or \"30d\""_s;
    row("duration without unit", u"[engine]\nlease = \"15\"\n"_s, u"2:1: engine.lease must be a duration with a unit, not \"15\""_s + units);
    row("duration with unknown unit", u"[engine]\nlease = \"2w\"\n"_s, u"2:1: engine.lease must be a duration with a unit, not \"2w\""_s + units);
    row("negative duration", u"[engine]\nlease = \"-5s\"\n"_s, u"2:1: engine.lease must be a duration with a unit, not \"-5s\""_s + units);
    row("duration with a space", u"[engine]\nlease = \"5 s\"\n"_s, u"2:1: engine.lease must be a duration with a unit, not \"5 s\""_s + units);
    row("duration that overflows", u"[engine]\nlease = \"99999999999999999999d\"\n"_s, u"2:1: engine.lease must be a duration with a unit, not \"99999999999999999999d\""_s + units);
    row("empty duration", u"[engine]\nlease = \"\"\n"_s, u"2:1: engine.lease must be a duration with a unit, not \"\""_s + units);
    row("lease too short", u"[engine]\nlease = \"999ms\"\n"_s, u"2:1: engine.lease must be at least 1s, not 999ms"_s);
    row("timeout of nothing", u"[recovery]\nhttp_timeout = \"0s\"\n"_s, u"2:1: recovery.http_timeout must be at least 1ms, not 0s"_s);
    row("retry that starts above its maximum", u"[recovery]\nprompt_retry_initial = \"5s\"\n"_s, u"2:1: recovery.prompt_retry_initial is longer than recovery.prompt_retry_max"_s);
    // Values.
    row("pool of nothing", u"[engine]\ndatabase_pool = 0\n"_s, u"2:1: engine.database_pool must be from 1 to 256, not 0"_s);
    row("number that does not fit", u"[engine]\nmax_concurrent_deliveries = 99999999999\n"_s, u"2:1: engine.max_concurrent_deliveries must be from 1 to 1000000, not 99999999999"_s);
    row("relative data_dir", u"[engine]\ndata_dir = \"data\"\n"_s, u"2:1: engine.data_dir must be an absolute path, not \"data\""_s);
    row("unknown database", u"[engine]\ndatabase = \"mysql://a/b\"\n"_s, u"2:1: engine.database must be sqlite:FILE or postgresql://USER@HOST/NAME"_s);
    row("database without name", u"[engine]\ndatabase = \"postgresql://u:secret@h\"\n"_s, u"2:1: engine.database must be sqlite:FILE or postgresql://USER@HOST/NAME"_s);
    row("two passwords", u"[engine]\npassword = \"a\"\ndatabase = \"postgresql://u:b@h/n\"\n"_s, u"3:1: engine.database and engine.password both give a password; keep one of them"_s);
    const QString listen = u"; write it like \"127.0.0.1:8080\" or \"[::1]:8080\", or \"\" to switch it off"_s;
    row("port out of range", u"[ingress]\nlisten = \"0.0.0.0:65536\"\n"_s, u"2:1: ingress.listen must be an IP address and a port from 0 to 65535, not \"0.0.0.0:65536\""_s + listen);
    row("no port", u"[ingress]\nlisten = \"0.0.0.0\"\n"_s, u"2:1: ingress.listen must be an IP address and a port from 0 to 65535, not \"0.0.0.0\""_s + listen);
    row("no host", u"[ingress]\nlisten = \":8080\"\n"_s, u"2:1: ingress.listen must be an IP address and a port from 0 to 65535, not \":8080\""_s + listen);
    row("host name", u"[ingress]\nlisten = \"example.com:80\"\n"_s, u"2:1: ingress.listen must be an IP address and a port from 0 to 65535, not \"example.com:80\""_s + listen);
    row("bare ipv6", u"[ingress]\nlisten = \"::1:80\"\n"_s, u"2:1: ingress.listen must be an IP address and a port from 0 to 65535, not \"::1:80\""_s + listen);
    row("url without scheme", u"[ingress]\npublic_url = \"gateway.example.com\"\n"_s, u"2:1: ingress.public_url must be an http or https address; write it like \"https://host.example.com\""_s);
    row("url of another scheme", u"[slack]\napi_base_url = \"ftp://slack.com\"\n"_s, u"2:1: slack.api_base_url must be an http or https address; write it like \"https://host.example.com\""_s);
    row("unknown level", u"[log]\nlevel = \"infos\"\n"_s, u"2:1: log.level must be one of \"debug\", \"info\", \"warning\", \"error\", not \"infos\"; did you mean \"info\"?"_s);
    row("unknown format", u"[log]\nformat = \"xml-lines\"\n"_s, u"2:1: log.format must be one of \"text\", \"json\", not \"xml-lines\""_s);
    // Secrets.
    row("secret twice", u"[slack]\nsigning_secret = \"a\"\nsigning_secret_env = \"SLACK_SECRET\"\n"_s, u"3:1: slack.signing_secret and signing_secret_env give one secret twice; keep one of them"_s);
    row("variable not set", u"[slack]\nsigning_secret_env = \"NO_SUCH\"\n"_s, u"2:1: slack.signing_secret_env: the environment variable NO_SUCH is not set"_s);
    row("file not there", u"[slack]\nsigning_secret_file = \"none\"\n"_s, u"2:1: slack.signing_secret_file: cannot read none: No such file or directory"_s);
    row("nothing sealed", u"[slack]\nsigning_secret_keychain = \"slack\"\n"_s, u"2:1: slack.signing_secret_keychain: there is no value sealed under \"slack\", and this program does not read the system keychain; seal it from the console, or give the secret by slack.signing_secret_env or slack.signing_secret_file"_s);
    row("empty secret", u"[slack]\nsigning_secret = \"\"\n"_s, u"2:1: slack.signing_secret must not be empty; leave the key out where there is no secret"_s);
    row("short hash", u"[[ingress.tokens]]\nname = \"a\"\ntoken_sha256 = \"abcd\"\n"_s, u"3:1: ingress.tokens[0].token_sha256 must be a SHA-256 of 64 hexadecimal digits; make it with: printf %s TOKEN | sha256sum"_s);
    row("hash with other letters", u"[[ingress.tokens]]\nname = \"a\"\ntoken_sha256 = \"zz86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"\n"_s, u"3:1: ingress.tokens[0].token_sha256 must be a SHA-256 of 64 hexadecimal digits; make it with: printf %s TOKEN | sha256sum"_s);
    // Tokens.
    row("token without token", u"[[ingress.tokens]]\nname = \"a\"\n"_s, u"1:1: ingress.tokens[0] has no token; give token_env, token_file or token_sha256"_s);
    row("token without name", u"[[ingress.tokens]]\ntoken = \"t\"\n"_s, u"1:1: ingress.tokens[0] has no name"_s);
    row("token without role", u"[[admin.tokens]]\nname = \"a\"\ntoken = \"t\"\n"_s, u"1:1: admin.tokens[0] has no role; one of viewer, operator, admin"_s);
    row("unknown role", u"[[admin.tokens]]\nname = \"a\"\ntoken = \"t\"\nrole = \"root\"\n"_s, u"4:1: admin.tokens[0].role must be one of \"viewer\", \"operator\", \"admin\", not \"root\""_s);
    row("unknown grant", u"[[admin.tokens]]\nname = \"a\"\ntoken = \"t\"\nrole = \"admin\"\nmay = [\"editt\"]\n"_s, u"5:1: admin.tokens[0].may must be one of \"reveal\", \"edit\", not \"editt\"; did you mean \"edit\"?"_s);
    row("two tokens of one name", u"[[ingress.tokens]]\nname = \"a\"\ntoken = \"t\"\n[[ingress.tokens]]\nname = \"a\"\ntoken = \"u\"\n"_s, u"5:1: two tokens of ingress are named \"a\""_s);
    // Listeners.
    row("public admin", u"[admin]\nlisten = \"0.0.0.0:7717\"\n"_s, u"2:1: admin.listen = \"0.0.0.0:7717\" would serve the operator side to the network without TLS; bind it to 127.0.0.1, or set admin.allow_insecure_public = true behind a proxy that does TLS"_s);
    row("public admin, ipv6", u"[admin]\nlisten = \"[::]:7717\"\n"_s, u"2:1: admin.listen = \"[::]:7717\" would serve the operator side to the network without TLS; bind it to 127.0.0.1, or set admin.allow_insecure_public = true behind a proxy that does TLS"_s);
    row("one address twice", u"[ingress]\nlisten = \"127.0.0.1:9000\"\n[admin]\nlisten = \"127.0.0.1:9000\"\n"_s, u"4:1: admin.listen and ingress.listen are the same address"_s);
    // Backends.
    row("backend without kind", u"[[backends]]\nname = \"a\"\n"_s, u"1:1: backends[0] has no kind; one of spritz, acp"_s);
    row("backend of unknown kind", u"[[backends]]\nname = \"a\"\nkind = \"spitz\"\n"_s, u"3:1: backends[0].kind must be one of \"spritz\", \"acp\", not \"spitz\"; did you mean \"spritz\"?"_s);
    row("spritz without registry", u"[[backends]]\nname = \"a\"\nkind = \"spritz\"\nspritz_url = \"http://s\"\n"_s, u"1:1: backends[0] has no registry_url; a spritz backend needs it"_s);
    row("spritz without spritz", u"[[backends]]\nname = \"a\"\nkind = \"spritz\"\nregistry_url = \"http://s\"\n"_s, u"1:1: backends[0] has no spritz_url; a spritz backend needs it"_s);
    row("lifecycle webhook that is no address", kSpritz + u"lifecycle_webhook_url = \"ftp://a.example\"\n"_s, u"7:1: backends[0].lifecycle_webhook_url must be an http or https address; write it like \"https://host.example.com\""_s);
    row("lifecycle token without a webhook", kSpritz + u"lifecycle_webhook_token = \"t\"\n"_s, u"7:1: backends[0] has a lifecycle_webhook_token but no lifecycle_webhook_url"_s);
    row("acp without command", u"[[backends]]\nname = \"a\"\nkind = \"acp\"\n"_s, u"1:1: backends[0] has no command; an acp backend needs it: the program and its arguments, like [\"node\", \"agent.js\"]"_s);
    row("acp with an empty command", u"[[backends]]\nname = \"a\"\nkind = \"acp\"\ncommand = []\n"_s, u"4:1: backends[0] has no command; an acp backend needs it: the program and its arguments, like [\"node\", \"agent.js\"]"_s);
    row("key of another kind", kSpritz + u"command = [\"x\"]\n"_s, u"7:1: backends[0].command is for backends of kind acp, and this one is of kind spritz"_s);
    row("two backends of one name", kAcp + kAcp, u"8:1: two backends are named \"local\""_s);
    // Installations.
    const QString slack = u"[[installations]]\nchannel = \"slack\"\ntenant = \"T1\"\n"_s;
    row("unknown backend", kSpritz + slack + u"signing_secret = \"s\"\nbackend = \"prd\"\n"_s, u"11:1: installations[0].backend = \"prd\" names no backend; did you mean \"prod\"?"_s);
    row("installation without backend", kSpritz + slack + u"signing_secret = \"s\"\n"_s, u"7:1: installations[0] has no backend; the name of one of [[backends]]"_s);
    row("no signing secret", kSpritz + slack + u"backend = \"prod\"\n"_s, u"7:1: installations[0] takes Slack's requests over http but no signing secret is configured; set slack.signing_secret_env or installations[0].signing_secret_env"_s);
    row("no bot token for acp", kAcp + slack + u"signing_secret = \"s\"\nbackend = \"local\"\n"_s, u"6:1: installations[0] has no bot_token; an acp backend has no registry that supplies one: set installations[0].bot_token_env"_s);
    row("one presence twice", kSpritz + slack + u"signing_secret = \"s\"\nbackend = \"prod\"\n"_s + slack + u"signing_secret = \"s\"\nbackend = \"prod\"\n"_s, u"12:1: two installations have channel \"slack\", tenant \"T1\" and app \"\"; tell them apart by app"_s);
    row("installation without a listener", u"[ingress]\nlisten = \"\"\n"_s + kSpritz + slack + u"signing_secret = \"s\"\nbackend = \"prod\"\n"_s, u"9:1: installations[0] takes Slack's requests over http but ingress.listen is off; set ingress.listen"_s);
    row("empty tenant", kSpritz + u"[[installations]]\nchannel = \"slack\"\ntenant = \"\"\nsigning_secret = \"s\"\nbackend = \"prod\"\n"_s, u"9:1: installations[0].tenant must not be empty"_s);
    row("unknown channel", kSpritz + u"[[installations]]\nchannel = \"slak\"\ntenant = \"T\"\nsigning_secret = \"s\"\nbackend = \"prod\"\n"_s, u"8:1: installations[0].channel must be one of \"slack\", \"web\", \"cli\", not \"slak\"; did you mean \"slack\"?"_s);
    // Parts that do not exist yet.
    row("fan-out", u"[fanout.slack]\nenabled = true\n"_s, u"1:2: [fanout] is not supported by this version; leave it out"_s);
    for (const char *table : {"github", "email", "discord", "teams"})
        row(table, u"[%1]\n"_s.arg(QLatin1StringView(table)), u"1:2: [%1] is not supported by this version; leave it out"_s.arg(QLatin1StringView(table)));
    row("TLS", u"[ingress]\ntls_certificate_file = \"a.pem\"\n"_s, u"2:1: ingress.tls_certificate_file is not supported by this version; it takes \"\""_s);
    row("interaction lifetime", u"[interactions]\nttl = \"day\"\n"_s, u"2:1: interactions.ttl must be a duration with a unit, not \"day\""_s + units);
    row("answerers", kSpritz + slack + u"backend = \"prod\"\nsigning_secret = \"s\"\ninteraction_answerers = []\n"_s, u"12:1: installations[0].interaction_answerers must be \"requester\", \"anyone\" or a list of user ids, not a list"_s);
    row("unconfirmed", kSpritz + slack + u"backend = \"prod\"\nsigning_secret = \"s\"\non_unconfirmed = \"ask\"\n"_s, u"12:1: installations[0].on_unconfirmed must be one of \"operator\", \"retry\", not \"ask\""_s);
    row("feedback", kSpritz + slack + u"backend = \"prod\"\nsigning_secret = \"s\"\n[installations.feedback.acknowledgement]\nreacton = \"eyes\"\n"_s, u"13:1: unknown key installations[0].feedback.acknowledgement.reacton; did you mean installations[0].feedback.acknowledgement.reaction?"_s);
    row("another channel", kSpritz + u"[[installations]]\nchannel = \"discord\"\ntenant = \"G\"\nbackend = \"prod\"\n"_s, u"8:1: installations[0].channel = \"discord\" is not supported by this version; it takes \"slack\", \"web\", \"cli\""_s);
    // clang-format on
}

void ConfigLoaderTest::bad_isReportedWithItsPlace()
{
    QFETCH(QString, text);
    QFETCH(QString, complaint);
    QCOMPARE(check(text), complaint);
}

void ConfigLoaderTest::values_arrive()
{
    write(u"config/signalbox/signalbox.toml"_s, uR"([engine]
data_dir = "/srv/signalbox/../box"
secret_key_file = "keys/key"
max_queued_ingest = 7
[ingress]
public_url = "https://gateway.example.com"
[log]
format = "json"
[turn]
max_duration = "2m"
adoption_interval = "4s"
adoption_timeout = "20s"
[[backends]]
name = "local"
kind = "acp"
command = ["node", "agent.js"]
working_directory = "agents"
environment = { KEY = "value", PATH = "/bin" }
shared_state = true
[[backends]]
name = "prod"
kind = "spritz"
registry_url = "https://registry.example.com"
spritz_url = "https://spritz.example.com/prefix"
[[installations]]
channel = "slack"
tenant = "T1"
app = "A1"
signing_secret = "s"
bot_token = "b"
backend = "local"
require_mention = false
on_unconfirmed = "retry"
[[installations]]
channel = "slack"
tenant = "T2"
signing_secret = "s"
backend = "prod"
)"_s);
    const auto loaded = load(m_options);
    QVERIFY2(loaded, qPrintable(complaints(loaded, m_home.path())));
    const Config &config = loaded->config;
    QCOMPARE(config.engine.dataDir, u"/srv/box"_s);
    QCOMPARE(config.engine.secretKeyFile, m_home.filePath(u"config/signalbox/keys/key"_s));
    QCOMPARE(config.engine.maxQueuedIngest, 7);
    QCOMPARE(config.ingress.publicUrl, u"https://gateway.example.com"_s);
    QCOMPARE(config.logFormat, LogFormat::Json);
    QCOMPARE(config.turn.maxDuration, Millis(120'000));
    QCOMPARE(config.backends.size(), 2);
    const BackendConfig &acp = config.backends[0];
    QCOMPARE(acp.command, QStringList({u"node"_s, u"agent.js"_s}));
    QCOMPARE(acp.workingDirectory, m_home.filePath(u"config/signalbox/agents"_s));
    QCOMPARE(acp.environment.value(u"PATH"_s), u"/bin"_s);
    QVERIFY(acp.sharedState);
    QCOMPARE(acp.permissions, u"ask"_s);
    const BackendConfig &spritz = config.backends[1];
    QCOMPARE(spritz.permissions, u"deny"_s);
    QCOMPARE(spritz.registryV2Url, spritz.registryUrl);
    QCOMPARE(spritz.spritzUrl, u"https://spritz.example.com/prefix"_s);
    QCOMPARE(config.turn.adoptionInterval, Millis(4000));
    QCOMPARE(config.turn.adoptionTimeout, Millis(20'000));
    QCOMPARE(TurnConfig().adoptionInterval, Millis(10'000));
    QCOMPARE(TurnConfig().adoptionTimeout, Millis(60'000));
    QCOMPARE(config.installations.size(), 2);
    QCOMPARE(config.installations[0].botToken, Secret("b"));
    QVERIFY(!config.installations[0].requireMention);
    QCOMPARE(config.installations[0].onUnconfirmed, u"retry"_s);
    QCOMPARE(config.installations[1].onUnconfirmed, u"operator"_s);
}

void ConfigLoaderTest::allProblems_areReportedAtOnce()
{
    const QString text = uR"([turn]
idle = "1s"
[engine]
lease = "1"
data_dir = "x"
[[installations]]
channel = "slack"
tenant = "T1"
backend = "none"
[admin]
listen = "0.0.0.0:1"
)"_s;
    const QString expected = uR"(signalbox.toml:2:1: unknown key turn.idle
signalbox.toml:4:1: engine.lease must be a duration with a unit, not "1"; write it like "250ms", "5s", "3m", "24h" or "30d"
signalbox.toml:5:1: engine.data_dir must be an absolute path, not "x"
signalbox.toml:6:1: installations[0] takes Slack's requests over http but no signing secret is configured; set slack.signing_secret_env or installations[0].signing_secret_env
signalbox.toml:9:1: installations[0].backend = "none" names no backend
signalbox.toml:11:1: admin.listen = "0.0.0.0:1" would serve the operator side to the network without TLS; bind it to 127.0.0.1, or set admin.allow_insecure_public = true behind a proxy that does TLS)"_s;
    QCOMPARE(check(text), expected);
}

void ConfigLoaderTest::search_takesTheFirstPlaceThatExists()
{
    const QString etc = m_home.filePath(u"etc/signalbox/signalbox.toml"_s);
    write(u"etc/signalbox/signalbox.toml"_s, u"[engine]\nid = \"etc\"\n"_s);
    auto loaded = load(m_options);
    QVERIFY(loaded);
    QCOMPARE(loaded->config.engine.id, u"etc"_s);
    QCOMPARE(loaded->filesRead, QStringList(etc));

    write(u"config/signalbox/signalbox.toml"_s, u"[engine]\nid = \"own\"\n"_s);
    QCOMPARE(load(m_options)->config.engine.id, u"own"_s);

    write(u"variable.toml"_s, u"[engine]\nid = \"variable\"\n"_s);
    m_options.environment.insert(u"SIGNALBOX_CONFIG"_s, m_home.filePath(u"variable.toml"_s));
    QCOMPARE(load(m_options)->config.engine.id, u"variable"_s);

    write(u"option.toml"_s, u"[engine]\nid = \"option\"\n"_s);
    m_options.configFile = m_home.filePath(u"option.toml"_s);
    QCOMPARE(load(m_options)->config.engine.id, u"option"_s);
}

void ConfigLoaderTest::search_readsConfDropInsInOrder()
{
    const QString folder = u"config/signalbox/"_s;
    write(folder + u"signalbox.toml"_s,
        u"[engine]\nid = \"main\"\nlease = \"20s\"\n[slack]\nsigning_secret = \"old\"\n"_s);
    write(folder + u"conf.d/20-b.toml"_s, u"[engine]\nid = \"b\"\n"_s + kSpritz);
    write(folder + u"conf.d/10-a.toml"_s,
        u"[engine]\nid = \"a\"\n[slack]\nsigning_secret_env = \"SLACK_SECRET\"\n"_s + kAcp);
    write(folder + u"conf.d/notes.txt"_s, u"not = [toml\n"_s);
    auto loaded = load(m_options);
    QVERIFY2(loaded, qPrintable(complaints(loaded, m_home.path())));
    QCOMPARE(loaded->config.engine.id, u"b"_s);
    QCOMPARE(loaded->config.engine.lease, Millis(20'000));
    QCOMPARE(loaded->config.slack.signingSecret, Secret("from-environment"));
    QCOMPARE(loaded->config.backends.size(), 2);
    QCOMPARE(loaded->filesRead.size(), 3);

    // A problem in a later file, about a list that an earlier one began, has the later file's place.
    write(folder + u"conf.d/30-c.toml"_s, kAcp);
    QCOMPARE(complaints(load(m_options), m_home.filePath(u"config/signalbox"_s)),
        u"conf.d/30-c.toml:3:1: two backends are named \"local\""_s);

    // Without a main file the drop-ins count alone: the wizard writes only such a file.
    QVERIFY(QFile::remove(m_home.filePath(folder + u"conf.d/30-c.toml"_s)));
    QVERIFY(QFile::remove(m_home.filePath(folder + u"signalbox.toml"_s)));
    loaded = load(m_options);
    QVERIFY(loaded);
    QCOMPARE(loaded->filesRead.size(), 2);
}

void ConfigLoaderTest::search_whenEmbeddedNeverReadsTheSystemFile()
{
    write(u"etc/signalbox/signalbox.toml"_s, u"this is not toml\n"_s);
    m_options.embedded = true;
    const auto loaded = load(m_options);
    QVERIFY(loaded);
    QVERIFY(loaded->filesRead.isEmpty());
    m_options.embedded = false;
    QVERIFY(!load(m_options));
}

void ConfigLoaderTest::search_namedFileMustExist()
{
    m_options.configFile = m_home.filePath(u"none.toml"_s);
    QCOMPARE(complaints(load(m_options), m_home.path()),
        u"none.toml: cannot read the file: No such file or directory"_s);
}

void ConfigLoaderTest::readFiles_offReadsNothing()
{
    write(u"config/signalbox/signalbox.toml"_s, u"this is not toml\n"_s);
    m_options.readFiles = false;
    const auto loaded = load(m_options);
    QVERIFY(loaded);
    QVERIFY(loaded->filesRead.isEmpty());
}

void ConfigLoaderTest::dataDir_comesFromTheMostSpecificSource()
{
    m_options.environment.insert(u"STATE_DIRECTORY"_s, u"/var/lib/signalbox:/var/lib/other"_s);
    QCOMPARE(load(m_options)->config.engine.dataDir, u"/var/lib/signalbox"_s);
    m_options.embedded = true;
    QCOMPARE(load(m_options)->config.engine.dataDir, m_home.filePath(u"data/signalbox"_s));
    write(u"config/signalbox/signalbox.toml"_s, u"[engine]\ndata_dir = \"/srv/file\"\n"_s);
    QCOMPARE(load(m_options)->config.engine.dataDir, u"/srv/file"_s);
    m_options.dataDir = u"/srv/option/"_s;
    QCOMPARE(load(m_options)->config.engine.dataDir, u"/srv/option"_s);
    m_options.dataDir = u"here"_s;
    QCOMPARE(load(m_options)->config.engine.dataDir, QDir::current().absoluteFilePath(u"here"_s));
}

void ConfigLoaderTest::secret_isReadFromEverySpelling()
{
    write(u"config/signalbox/secret"_s, u"from-file\n"_s);
    write(u"config/signalbox/signalbox.toml"_s, u"[slack]\nsigning_secret_file = \"secret\"\n"_s);
    QCOMPARE(load(m_options)->config.slack.signingSecret, Secret("from-file"));
    write(u"config/signalbox/signalbox.toml"_s, u"[slack]\nsigning_secret_env = \"SLACK_SECRET\"\n"_s);
    QCOMPARE(load(m_options)->config.slack.signingSecret, Secret("from-environment"));
    write(u"config/signalbox/signalbox.toml"_s, u"[slack]\nsigning_secret = \"plain\"\n"_s);
    QCOMPARE(load(m_options)->config.slack.signingSecret, Secret("plain"));
}

void ConfigLoaderTest::secret_keychainAsksTheCaller()
{
    write(u"config/signalbox/signalbox.toml"_s, u"[slack]\nsigning_secret_keychain = \"slack\"\n"_s);
    m_options.sealedSecret = [](const QString &name) -> std::optional<QByteArray> {
        return name == u"slack"_s ? std::optional<QByteArray>("sealed") : std::nullopt;
    };
    const auto loaded = load(m_options);
    QVERIFY(loaded);
    QCOMPARE(loaded->config.slack.signingSecret, Secret("sealed"));
}

void ConfigLoaderTest::token_keepsOnlyItsHash()
{
    const QByteArray hash = sha256("test");
    write(u"config/signalbox/signalbox.toml"_s,
        u"[[ingress.tokens]]\nname = \"a\"\ntoken = \"test\"\n[[ingress.tokens]]\nname = \"b\"\ntoken_sha256 = \"%1\"\n"_s
            .arg(QString::fromLatin1(hash.toHex())));
    const auto loaded = load(m_options);
    QVERIFY2(loaded, qPrintable(complaints(loaded, m_home.path())));
    QCOMPARE(loaded->config.ingress.tokens[0].sha256, hash);
    QCOMPARE(loaded->config.ingress.tokens[1].sha256, hash);
    QCOMPARE(loaded->config.ingress.tokens[0].installations, QStringList(u"*"_s));
}

void ConfigLoaderTest::databasePassword_leavesTheUrl()
{
    write(u"config/signalbox/signalbox.toml"_s,
        u"[engine]\ndatabase = \"postgresql://user:p%40ss@host:5432/name?sslmode=require\"\n"_s);
    const auto loaded = load(m_options);
    QVERIFY(loaded);
    QCOMPARE(loaded->config.engine.database, u"postgresql://user@host:5432/name?sslmode=require"_s);
    QCOMPARE(loaded->config.engine.databasePassword, Secret("p@ss"));
}

QTEST_GUILESS_MAIN(ConfigLoaderTest)
#include "tst_config_loader.moc"
