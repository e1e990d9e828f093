// SPDX-License-Identifier: Apache-2.0
#include "sandbox/agent_store.h"

#include "base/hash.h"

#include <QDir>
#include <QFile>
#include <QRandomGenerator>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

QString AgentStore::create(const QString &cwd)
{
    const QString salt = QString::number(QRandomGenerator::system()->generate(), 36);
    const QString id = u"sess-%1-%2"_s.arg(salt).arg(++m_created);
    ensure(id, cwd);
    return id;
}

void AgentStore::ensure(const QString &sessionId, const QString &cwd)
{
    if (find(sessionId) != nullptr)
        return;
    m_sessions[sessionId].cwd = cwd;
    write(sessionId, Json::object({{u"cwd"_s, cwd}}));
}

bool AgentStore::contains(const QString &sessionId)
{
    return find(sessionId) != nullptr;
}

void AgentStore::forget(const QString &sessionId)
{
    m_sessions.remove(sessionId);
    if (!m_folder.isEmpty())
        QFile::remove(path(sessionId));
}

void AgentStore::append(const QString &sessionId, const Json &update)
{
    Session *session = find(sessionId);
    if (session == nullptr || !m_keepHistory)
        return;
    session->history.push_back(update);
    write(sessionId, update);
}

std::vector<Json> AgentStore::history(const QString &sessionId)
{
    const Session *session = find(sessionId);
    return session == nullptr ? std::vector<Json>() : session->history;
}

QString AgentStore::text(const QString &sessionId, QStringView kind)
{
    QString all;
    for (const Json &update : history(sessionId)) {
        if (update[u"sessionUpdate"].toString() == kind)
            all += update[u"content"][u"text"].toString();
    }
    return all;
}

void AgentStore::countPrompt(const QString &messageTs)
{
    ++m_promptTotal;
    if (!messageTs.isEmpty())
        ++m_prompts[messageTs];
}

int AgentStore::maxPrompts() const
{
    int most = 0;
    for (const int count : m_prompts)
        most = std::max(most, count);
    return most;
}

AgentStore::Session *AgentStore::find(const QString &sessionId)
{
    const auto known = m_sessions.find(sessionId);
    if (known != m_sessions.end())
        return &known.value();
    QFile file(path(sessionId));
    if (m_folder.isEmpty() || !file.open(QIODevice::ReadOnly))
        return nullptr;
    Session session;
    while (!file.atEnd()) {
        const auto line = Json::parse(file.readLine().trimmed());
        if (!line)
            break; // the last line of a process that was killed
        if (line->contains(u"sessionUpdate"))
            session.history.push_back(*line);
        else
            session.cwd = (*line)[u"cwd"].toString();
    }
    return &m_sessions.insert(sessionId, std::move(session)).value();
}

QString AgentStore::path(const QString &sessionId) const
{
    return m_folder + u'/' + QString::fromLatin1(sha256(sessionId.toUtf8()).toHex().first(32)) + u".jsonl"_s;
}

void AgentStore::write(const QString &sessionId, const Json &line) const
{
    if (m_folder.isEmpty())
        return;
    QDir().mkpath(m_folder);
    QFile file(path(sessionId));
    if (file.open(QIODevice::WriteOnly | QIODevice::Append))
        file.write(line.toBytes() + '\n');
}

} // namespace signalbox::sandbox
