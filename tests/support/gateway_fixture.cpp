// SPDX-License-Identifier: Apache-2.0
#include "support/gateway_fixture.h"

#include "async/block_on.h"

#include <QDir>
#include <QElapsedTimer>
#include <QFile>
#include <QUrlQuery>

#include <csignal>

using namespace Qt::StringLiterals;

namespace signalbox::testing {

namespace {
constexpr Millis kCall{10'000};

// A TOML basic string.
QByteArray quoted(const QString &text)
{
    return Json(text).toBytes();
}

QByteArray quotedList(const QStringList &texts)
{
    QByteArray list;
    for (const QString &text : texts)
        list += (list.isEmpty() ? "" : ", ") + quoted(text);
    return '[' + list + ']';
}

quint16 portAfter(const QByteArray &line, const QByteArray &name)
{
    const qsizetype at = line.indexOf(name + "=127.0.0.1:");
    if (at < 0)
        return 0;
    const qsizetype from = at + name.size() + 11;
    qsizetype end = from;
    while (end < line.size() && line[end] >= '0' && line[end] <= '9')
        ++end;
    return line.sliced(from, end - from).toUShort();
}

Secret secret(const char *what)
{
    return Secret(QByteArray(kMarker) + '-' + what);
}

} // namespace

QString marked(const QString &text)
{
    return text + u' ' + QString::fromLatin1(kMarker) + u"-text"_s;
}

GatewayOptions::GatewayOptions()
{
    slackSimulator.botToken = Secret(QByteArray("xoxb-") + kMarker);
    slackSimulator.signingSecret = secret("signing-secret");
    spritzSimulator.registryToken = secret("registry-token");
    spritzSimulator.serviceToken = secret("service-token");
}

GatewayFixture::GatewayFixture(GatewayOptions options)
    : m_options(std::move(options))
{
    m_slack = std::make_shared<sandbox::SlackSimulator>(m_options.slackSimulator, m_clock);
    m_spritz = std::make_shared<sandbox::SpritzSimulator>(m_options.spritzSimulator, m_clock);
    m_slack->events().deadline = Millis(20'000); // a loaded machine is not what these tests are about
    m_slack->events().retryDelays.clear();
    if (!m_slack->listen() || !m_spritz->listen())
        qFatal("no loopback port for a simulator");
    sandbox::SpritzInstallation installation;
    installation.teamId = m_options.slackSimulator.teamId;
    installation.apiAppId = m_options.slackSimulator.appId;
    installation.botUserId = m_options.slackSimulator.botUserId;
    installation.botToken = m_options.slackSimulator.botToken;
    m_spritz->addInstallation(std::move(installation));
}

GatewayFixture::GatewayFixture(GatewayOptions options, GatewayFixture &world)
    : m_options(std::move(options))
    , m_slack(world.m_slack)
    , m_spritz(world.m_spritz)
    , m_ownsWorld(false)
{
}

GatewayFixture::~GatewayFixture()
{
    if (m_finished)
        return;
    for (const QString &problem : finish())
        QTest::qFail(qPrintable(problem), __FILE__, __LINE__);
}

QStringList GatewayFixture::finish()
{
    m_finished = true;
    killNow();
    if (m_ownsWorld) {
        async::blockOn(m_slack->close(), kCall);
        async::blockOn(m_spritz->close(), kCall);
    }
    return logProblems();
}

QString GatewayFixture::program()
{
    return qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/signalboxd"_s;
}

bool GatewayFixture::isFullForm()
{
    return qEnvironmentVariable("SIGNALBOX_TEST_FULL") == u"1";
}

QString GatewayFixture::dataDir() const
{
    return m_folder.filePath(u"data"_s);
}

QString GatewayFixture::configFile() const
{
    return m_folder.filePath(u"signalbox.toml"_s);
}

QUrl GatewayFixture::eventsUrl() const
{
    return QUrl(u"http://127.0.0.1:%1/slack/events"_s.arg(m_ingressPort));
}

QByteArray GatewayFixture::backendToml() const
{
    QByteArray toml = "[[backends]]\nname = \"under-test\"\n";
    if (m_options.backend == GatewayOptions::Backend::Spritz) {
        const QString registry
            = m_options.registryUrl.isEmpty() ? m_spritz->registryUrl() : m_options.registryUrl;
        const QString spritz = m_options.spritzUrl.isEmpty() ? m_spritz->spritzUrl() : m_options.spritzUrl;
        toml += "kind = \"spritz\"\nregistry_url = " + quoted(registry) + "\nspritz_url = " + quoted(spritz);
        toml += "\nregistry_token = \"" + m_options.spritzSimulator.registryToken.reveal()
            + "\"\nspritz_token = \"" + m_options.spritzSimulator.serviceToken.reveal() + "\"\n";
        return toml;
    }
    const QStringList own{program(), u"--sandbox-agent"_s};
    toml += "kind = \"acp\"\ncommand = "
        + quotedList(m_options.agentCommand.isEmpty() ? own : m_options.agentCommand);
    toml += "\nenvironment = { FIXTURE_SECRET = \"" + QByteArray(kMarker) + "-environment\"";
    if (m_options.agentRemembers)
        toml += ", SIGNALBOX_SANDBOX_AGENT_DIR = " + quoted(m_folder.filePath(u"agent"_s));
    return toml + " }\n";
}

Status GatewayFixture::writeConfig()
{
    QByteArray toml = "[engine]\ndata_dir = " + quoted(dataDir()) + '\n';
    if (!m_options.database.isEmpty())
        toml += "database = " + quoted(m_options.database) + '\n';
    toml += m_options.engine;
    toml += "\n[ingress]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = "
            "\"127.0.0.1:0\"\n[slack]\nsigning_secret = \""
        + m_options.slackSimulator.signingSecret.reveal() + "\"\napi_base_url = "
        + quoted(m_options.slackApiUrl.isEmpty() ? m_slack->apiBaseUrl() : m_options.slackApiUrl) + '\n';
    toml += m_options.slack + "\n[recovery]\n" + m_options.recovery + "\n[turn]\n" + m_options.turn + '\n';
    toml += backendToml() + m_options.backendLines;
    toml += "[[installations]]\nchannel = \"slack\"\nbackend = \"under-test\"\ntenant = "
        + quoted(m_options.tenant.isEmpty() ? m_options.slackSimulator.teamId : m_options.tenant) + '\n';
    if (m_options.configuredBotToken)
        toml += "bot_token = \"" + m_options.slackSimulator.botToken.reveal() + "\"\n";
    toml += m_options.installation + '\n' + m_options.further;
    QFile file(configFile());
    if (!file.open(QIODevice::WriteOnly) || file.write(toml) != toml.size())
        return fail(ErrorCode::Unavailable, u"the configuration cannot be written"_s);
    return {};
}

Status GatewayFixture::start(Millis deadline)
{
    keepLog();
    if (auto written = writeConfig(); !written)
        return written;
    m_process = std::make_unique<ChildProcess>();
    // Freed memory goes back soon, so that VmRSS tells of leaks and not of the sanitizer's quarantine.
    m_process->setEnvironment(
        u"ASAN_OPTIONS"_s, qEnvironmentVariable("ASAN_OPTIONS") + u":quarantine_size_mb=4"_s);
    if (const QString failpoint = std::exchange(m_failpoint, QString()); !failpoint.isEmpty())
        m_process->setEnvironment(u"SIGNALBOX_FAILPOINT"_s, failpoint);
    QElapsedTimer timer;
    timer.start();
    if (auto started = m_process->start(program(), {u"--config"_s, configFile()}); !started)
        return started;
    const auto ready = m_process->waitForLine("ready ", deadline);
    if (!ready)
        return fail(ready.error());
    m_startupTime = Millis(timer.elapsed());
    m_readyLine = *ready;
    m_ingressPort = portAfter(*ready, "ingress");
    m_adminPort = portAfter(*ready, "admin");
    m_slack->setEventUrl(eventsUrl());
    m_slack->setInteractionUrl(QUrl(u"http://127.0.0.1:%1/slack/interactions"_s.arg(m_ingressPort)));
    return readAdminFile();
}

Status GatewayFixture::readAdminFile()
{
    QFile file(dataDir() + u"/admin.json"_s);
    if (!file.open(QIODevice::ReadOnly))
        return fail(ErrorCode::NotFound, u"there is no admin.json"_s);
    const auto json = Json::parse(file.readAll().trimmed());
    if (!json)
        return fail(json.error());
    m_adminToken = (*json)[u"token"].toString().toUtf8();
    m_allTokens.push_back(m_adminToken);
    return {};
}

void GatewayFixture::keepLog()
{
    if (m_process)
        m_log += m_process->errors();
    m_process.reset();
}

void GatewayFixture::killNow()
{
    if (!m_process)
        return;
    m_process->kill();
    keepLog();
}

void GatewayFixture::freeze()
{
    if (isRunning())
        ::kill(static_cast<pid_t>(processId()), SIGSTOP);
}

void GatewayFixture::thaw()
{
    if (isRunning())
        ::kill(static_cast<pid_t>(processId()), SIGCONT);
}

Result<QByteArray> GatewayFixture::waitForLog(const QByteArray &part, Millis deadline)
{
    if (!m_process)
        return fail(ErrorCode::Unavailable, u"it does not run"_s);
    return m_process->waitForErrorLine(part, deadline);
}

void GatewayFixture::terminate()
{
    if (m_process)
        m_process->terminate();
}

std::optional<int> GatewayFixture::waitForEnd(Millis deadline)
{
    return m_process ? m_process->waitForEnd(deadline) : std::nullopt;
}

std::optional<int> GatewayFixture::stop(Millis deadline)
{
    terminate();
    return waitForEnd(deadline);
}

QByteArray GatewayFixture::log() const
{
    return m_process ? m_log + m_process->errors() : m_log;
}

qint64 GatewayFixture::residentKib() const
{
    QFile file(u"/proc/%1/status"_s.arg(processId()));
    if (!file.open(QIODevice::ReadOnly))
        return -1;
    const QByteArray status = file.readAll();
    const qsizetype at = status.indexOf("VmRSS:");
    return at < 0 ? -1 : status.mid(at + 6, 30).simplified().split(' ').value(0).toLongLong();
}

// DESIGN.md "Security and privacy": logs never contain message text, names, e-mail addresses, tokens or
// bodies.
QStringList GatewayFixture::logProblems() const
{
    QStringList problems;
    const auto line = [this](qsizetype at) {
        const qsizetype from = m_log.lastIndexOf('\n', at) + 1;
        return m_log.mid(from, 400);
    };
    const auto forbid = [&](const QByteArray &text, const char *what) {
        const qsizetype at = text.isEmpty() ? -1 : m_log.indexOf(text);
        if (at >= 0)
            problems << QString::fromUtf8(what + QByteArray(": ") + line(at));
    };
    forbid(kMarker, "the log holds a text, a name or a secret");
    for (const QByteArray &token : m_allTokens)
        forbid(token, "the log holds the admin token");
    for (const char *part : {"xoxb-", "xapp-", "Bearer ", "owner:", "You said: ", "@example."})
        forbid(part, "the log holds a token, an address or what an agent said");
    forbid("runtime error:", "a sanitizer has reported");
    forbid("AddressSanitizer", "a sanitizer has reported");
    forbid("LeakSanitizer", "a sanitizer has reported");
    return problems;
}

Result<http::Response> GatewayFixture::get(quint16 port, const QString &path, const QByteArray &token)
{
    http::ClientRequest request("GET", QUrl(u"http://127.0.0.1:%1%2"_s.arg(port).arg(path)));
    if (!token.isEmpty())
        request.headers.add("Authorization", "Bearer " + token);
    request.timeout = kCall;
    request.idempotent = true;
    return async::blockOn(m_client.send(std::move(request)), kCall + Millis(5000));
}

Result<Json> GatewayFixture::admin(const QString &path)
{
    const auto response = get(m_adminPort, u"/api/v1"_s + path, m_adminToken);
    if (!response)
        return fail(response.error());
    if (response->status != 200)
        return fail(ErrorCode::Unavailable, u"%1 answered %2"_s.arg(path).arg(response->status));
    return Json::parse(response->body);
}

int GatewayFixture::act(const QString &path, const QByteArray &body, const QByteArray &key)
{
    http::ClientRequest request("POST", QUrl(u"http://127.0.0.1:%1/api/v1%2"_s.arg(m_adminPort).arg(path)));
    request.headers.add("Authorization", "Bearer " + m_adminToken);
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Idempotency-Key", key);
    request.body = body;
    request.timeout = kCall;
    const auto response = async::blockOn(m_client.send(std::move(request)), kCall + Millis(5000));
    return response ? response->status : 0;
}

qint64 GatewayFixture::deliveryTotal()
{
    const auto page = admin(u"/deliveries?limit=1"_s);
    return page ? (*page)[u"total"].toInt().value_or(-1) : -1;
}

Json GatewayFixture::delivery(const QString &messageTs)
{
    const auto page = admin(u"/deliveries?limit=5&filter="_s + messageTs);
    if (!page)
        return {};
    for (const Json &item : (*page)[u"items"].toArray()) {
        if (item[u"message_ts"].toString() != messageTs)
            continue;
        const auto detail = admin(u"/deliveries/"_s + item[u"id"].toString());
        return detail ? *detail : Json();
    }
    return {};
}

QString GatewayFixture::outcome(const QString &messageTs)
{
    const Json item = delivery(messageTs);
    QString text = item[u"state"].toString();
    for (const QStringView key : {u"outcome", u"waits_for", u"error_code"}) {
        if (const QString &more = item[key].toString(); !more.isEmpty()) {
            text += u'/' + more;
            break;
        }
    }
    return text;
}

int GatewayFixture::prompts(const QString &messageTs)
{
    int count = m_spritz->agents().prompts(messageTs);
    // Each prompt that an agent process accepted stands as one line in its conversation's file.
    const QDir folder(m_folder.filePath(u"agent"_s));
    for (const QString &name : folder.entryList({u"*.jsonl"_s}, QDir::Files)) {
        QFile file(folder.filePath(name));
        if (!file.open(QIODevice::ReadOnly))
            continue;
        for (const QByteArray &line : file.readAll().split('\n')) {
            const auto entry = Json::parse(line);
            if (entry && (*entry)[u"sessionUpdate"].toString() == u"user_message_chunk"
                && (*entry)[u"content"][u"text"].toString().contains(
                    u"\"message_ts\":\""_s + messageTs + u'"'))
                ++count;
        }
    }
    return count;
}

QStringList GatewayFixture::appTexts(const QString &channel, const QString &thread) const
{
    QStringList texts;
    for (const sandbox::SlackMessage &message : m_slack->messages(channel)) {
        if (!message.botId.isEmpty() && message.threadTs == thread)
            texts << message.text;
    }
    return texts;
}

sandbox::SayOutcome GatewayFixture::mention(
    const QString &channel, const QString &text, const QString &thread, sandbox::TwinOrder order)
{
    sandbox::SayOptions options;
    options.thread = thread;
    options.order = order;
    const auto said
        = async::blockOn(m_slack->mention(channel, u"U0ANNA"_s, marked(text), options), Millis(60'000));
    return said ? *said : sandbox::SayOutcome();
}

http::Response GatewayFixture::post(const QByteArray &body)
{
    return post(sandbox::SignedSender::Request(eventsUrl(), body));
}

http::Response GatewayFixture::post(sandbox::SignedSender::Request request)
{
    request.timeout = kCall;
    const sandbox::SignedSender sender(m_client, m_clock, m_options.slackSimulator.signingSecret);
    http::ClientRequest built = sender.build(request);
    const auto response = async::blockOn(m_client.send(std::move(built)), kCall + Millis(5000));
    http::Response none;
    none.status = 0;
    return response ? *response : none;
}

} // namespace signalbox::testing
