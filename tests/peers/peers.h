// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "support/child_process.h"

#include <QUrl>

namespace signalbox::testing {

// The pinned packages of tests/peers: folder of package.json and node_modules, from SIGNALBOX_PEERS_DIR or
// the source tree. A missing package is a failure, never a skip.
class Peers
{
public:
    [[nodiscard]] static QString folder();
    // Empty when everything is there, else what to do.
    [[nodiscard]] static QString problem();
    [[nodiscard]] static QString node(); // SIGNALBOX_NODE, or node
    // A script beside this file, and a path inside node_modules.
    [[nodiscard]] static QString script(const QString &name);
    [[nodiscard]] static QString module(const QString &path);
    // Program and arguments of the ACP SDK's example agent (contracts/acp.md "A"); the process needs
    // SIGNALBOX_PEERS_DIR in its environment, as prepare() sets it.
    [[nodiscard]] static QStringList exampleAgent();
    // A child that knows where the packages are.
    static void prepare(ChildProcess &child);
};

// emulate's Slack, a third party's stateful Web API, on a free port (contracts/slack.md §6): workspace
// T000000001, channel C000000001 "general", token "xoxb-emulated" of the user "signalbox".
class EmulatedSlack
{
public:
    static constexpr const char *kToken = "xoxb-emulated";

    // Returns when it answers auth.test.
    [[nodiscard]] Status start();
    [[nodiscard]] QString apiBaseUrl() const; // ends in /api
    [[nodiscard]] QString teamId() const { return m_identity[u"team_id"].toString(); }
    [[nodiscard]] QString botUserId() const { return m_identity[u"user_id"].toString(); }
    [[nodiscard]] Result<Json> call(const QString &method, const Json &arguments);
    [[nodiscard]] QString channelId(const QString &name); // empty when there is none
    [[nodiscard]] QString userId(const QString &name);

private:
    ChildProcess m_child;
    Json m_identity;
    quint16 m_port = 0;
};

} // namespace signalbox::testing
