// SPDX-License-Identifier: Apache-2.0
#include "peers/peers.h"

#include "async/block_on.h"
#include "async/wait.h"
#include "http/client.h"

#include <QFileInfo>

using namespace Qt::StringLiterals;

namespace signalbox::testing {

namespace {
constexpr int kStartAttempts = 100;
constexpr Millis kStartPause{100};

QString sourceFolder()
{
    return qEnvironmentVariable("SIGNALBOX_SOURCE_DIR") + u"/tests/peers"_s;
}
} // namespace

QString Peers::folder()
{
    return qEnvironmentVariable("SIGNALBOX_PEERS_DIR", sourceFolder());
}

QString Peers::problem()
{
    for (const QString &package : {u"@slack/web-api"_s, u"@slack/bolt"_s, u"@slack/socket-mode"_s,
             u"@agentclientprotocol/sdk"_s, u"ajv"_s, u"emulate"_s}) {
        if (!QFileInfo::exists(module(package + u"/package.json"_s)))
            return u"%1 is missing in %2: run npm ci --ignore-scripts there"_s.arg(package, folder());
    }
    return {};
}

QString Peers::node()
{
    return qEnvironmentVariable("SIGNALBOX_NODE", u"node"_s);
}

QString Peers::script(const QString &name)
{
    return sourceFolder() + u'/' + name;
}

QString Peers::module(const QString &path)
{
    return folder() + u"/node_modules/"_s + path;
}

QStringList Peers::exampleAgent()
{
    return {node(), script(u"example_agent.mjs"_s)};
}

void Peers::prepare(ChildProcess &child)
{
    child.setEnvironment(u"SIGNALBOX_PEERS_DIR"_s, folder());
}

Status EmulatedSlack::start()
{
    m_port = freePort();
    Peers::prepare(m_child);
    const Status started = m_child.start(Peers::node(),
        {Peers::module(u"emulate/dist/index.js"_s), u"start"_s, u"-s"_s, u"slack"_s, u"-p"_s,
            QString::number(m_port), u"--seed"_s, Peers::script(u"slack_seed.yaml"_s)});
    if (!started)
        return started;
    for (int i = 0; i < kStartAttempts; ++i) {
        const auto identity = call(u"auth.test"_s, Json::object());
        if (identity && (*identity)[u"ok"].toBool()) {
            m_identity = *identity;
            return {};
        }
        if (!m_child.isRunning())
            break;
        async::blockOn(async::delay(kStartPause));
    }
    return fail(ErrorCode::Unavailable, u"emulate does not answer: "_s + QString::fromUtf8(m_child.errors()));
}

QString EmulatedSlack::apiBaseUrl() const
{
    return u"http://127.0.0.1:%1/api"_s.arg(m_port);
}

Result<Json> EmulatedSlack::call(const QString &method, const Json &arguments)
{
    http::Client client(1);
    http::ClientRequest request("POST", QUrl(apiBaseUrl() + u'/' + method));
    request.headers.add("Authorization", QByteArray("Bearer ") + kToken);
    request.headers.add("Content-Type", "application/json; charset=utf-8");
    request.body = arguments.toBytes();
    const auto response = async::blockOn(client.send(std::move(request)), Millis(20'000));
    if (!response)
        return fail(response.error());
    return Json::parse(response->body);
}

QString EmulatedSlack::channelId(const QString &name)
{
    const auto list = call(u"conversations.list"_s, Json::object());
    if (!list)
        return {};
    for (const Json &channel : (*list)[u"channels"].toArray()) {
        if (channel[u"name"].toString() == name)
            return channel[u"id"].toString();
    }
    return {};
}

QString EmulatedSlack::userId(const QString &name)
{
    const auto list = call(u"users.list"_s, Json::object());
    if (!list)
        return {};
    for (const Json &user : (*list)[u"members"].toArray()) {
        if (user[u"name"].toString() == name)
            return user[u"id"].toString();
    }
    return {};
}

} // namespace signalbox::testing
