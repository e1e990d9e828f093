// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kill_load.h"

#include <QHash>
#include <QSet>

#include <map>

namespace signalbox::testing {

// The programs' database, read beside them or after their death.
class Eye
{
public:
    // `url`: as engine.database; empty: SQLite in `file`.
    Eye(const QString &url, const QString &file);
    ~Eye();
    Eye(const Eye &) = delete;
    Eye &operator=(const Eye &) = delete;

    // Empty, with a warning, when the database does not answer.
    [[nodiscard]] std::vector<QStringList> rows(const QString &sql) const;
    [[nodiscard]] qint64 number(const QString &sql) const; // -1: no row
};

// How a message ended, by what its own delivery says.
struct Ending
{
    Ending() = default;
    QString id;
    QString state;
    QString outcome;
    QString errorCode;
    int deliveries = 0;
    int attempts = 0;
    bool maybeDoubled = false;
};

struct Counts
{
    Counts() = default;
    int kills = 0;
    std::map<QString, int> killedAt; // prompt_state of unfinished deliveries at the kills
    int postsInFlight = 0;
    int answered = 0;
    int adopted = 0;
    int unconfirmed = 0;
    int dead = 0;
    int maybeDoubled = 0;
    int lost = 0; // prompted, and the runtime did not finish
    int interrupted = 0; // killed at sending or accepted
    int interruptedFinished = 0; // of those the runtime finished
    int interruptedAnswered = 0; // of those that were answered
    int fooled = 0; // answered out of a turn that the runtime did not finish
    std::map<int, int> prompts; // prompts for a message, messages
};

// Says of every message of a load how it ended: one prompt and one reply, or told, with its evidence
// (DESIGN.md steps 5 to 7). Collects what must not be.
class KillJudge
{
public:
    explicit KillJudge(GatewayFixture &world)
        : m_world(world)
    {
    }

    [[nodiscard]] Eye eye() const
    {
        return Eye(m_world.options().database, m_world.dataDir() + QStringLiteral("/signalbox.db"));
    }
    // Notes which prompts may have been cut off, out of what a killed or frozen program left behind.
    // `engine`: of this one only.
    void lookAtTheDead(const QString &engine = {});
    // Waits until all is acknowledged and nothing is open any more. False: a problem.
    [[nodiscard]] bool drain(KillLoad &load, int timeoutMs);
    void judge(const KillLoad &load);
    void print(size_t messages) const;
    void problem(const QString &what) { m_problems << what; }
    [[nodiscard]] const QStringList &problems() const { return m_problems; }
    [[nodiscard]] const Counts &counts() const { return m_counts; }

private:
    [[nodiscard]] QHash<QString, Ending> endings() const;
    void judgeOne(const KillLoad::Message &message, const Ending &ending, const QStringList &texts);
    void judgeNotices(const QString &channel, const QStringList &texts, int expected, bool flagged);
    GatewayFixture &m_world;
    QSet<QString> m_interrupted; // ts of messages killed at sending or accepted
    QStringList m_problems;
    Counts m_counts;
};

} // namespace signalbox::testing
