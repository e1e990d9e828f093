// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <QHash>
#include <QSet>
#include <QString>

#include <vector>

namespace signalbox::sandbox {

// What a simulated agent remembers of its conversations. Shared by all its connections, so that a new one can
// load what an old one wrote; with a folder also by its processes: every entry is on disk before its frame
// leaves. Lives on one thread and outlives the agents that use it.
class AgentStore
{
public:
    AgentStore() = default;
    // An empty folder keeps everything in memory.
    explicit AgentStore(QString folder)
        : m_folder(std::move(folder))
    {
    }

    // A new session's id.
    [[nodiscard]] QString create(const QString &cwd);
    // Makes a session of a given id, unless it is there.
    void ensure(const QString &sessionId, const QString &cwd);
    [[nodiscard]] bool contains(const QString &sessionId);
    void forget(const QString &sessionId);

    // `update` as in session/update: a user or agent chunk, a tool call.
    void append(const QString &sessionId, const Json &update);
    [[nodiscard]] std::vector<Json> history(const QString &sessionId);
    // All text of one kind ("user_message_chunk", "agent_message_chunk"), joined.
    [[nodiscard]] QString text(const QString &sessionId, QStringView kind);

    // For exactly-once checks: how often a prompt carried this message_ts in its context block.
    void countPrompt(const QString &messageTs);
    [[nodiscard]] int prompts(const QString &messageTs) const { return m_prompts.value(messageTs); }
    [[nodiscard]] int promptTotal() const { return m_promptTotal; }
    // The highest count of any message: 1 when no message was prompted twice.
    [[nodiscard]] int maxPrompts() const;
    // Turns that came to their end by themselves: not cut off, lost or cancelled.
    void noteFinished(const QString &messageTs) { m_finished.insert(messageTs); }
    [[nodiscard]] bool isFinished(const QString &messageTs) const { return m_finished.contains(messageTs); }
    void setKeepHistory(bool keep) { m_keepHistory = keep; }

private:
    struct Session
    {
        QString cwd;
        std::vector<Json> history;
    };
    [[nodiscard]] Session *find(const QString &sessionId);
    [[nodiscard]] QString path(const QString &sessionId) const;
    void write(const QString &sessionId, const Json &line) const;

    QString m_folder;
    QHash<QString, Session> m_sessions;
    QHash<QString, int> m_prompts;
    QSet<QString> m_finished;
    int m_promptTotal = 0;
    int m_created = 0;
    bool m_keepHistory = true;
};

} // namespace signalbox::sandbox
