// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QHash>
#include <QList>
#include <QString>

namespace signalbox::config {

// Where a value was written. `line` and `column` count from 1; 0 where the source has none (an option, a
// whole file).
struct Position
{
    QString source; // a file, or the option or variable that said it
    int line = 0;
    int column = 0;
};

// One thing wrong with the configuration, as a person has to mend it. Never holds the value of a secret.
struct Problem
{
    QString file; // Position::source
    int line = 0;
    int column = 0;
    QString key; // "engine.lease", "backends[0].command"; empty for a whole file
    QString message;
    QString suggestion; // what to write instead; may be empty

    // "signalbox.toml:3:1: unknown key engine.leese; did you mean engine.lease?"
    [[nodiscard]] QString toString() const;
};

// Collects problems and remembers where each key stands, so that rules over several keys can point at one of
// them.
class Findings
{
public:
    void place(const QString &key, const Position &position);
    [[nodiscard]] bool isPlaced(const QString &key) const;
    // Of the key, else of the nearest table around it, else `{"defaults"}`.
    [[nodiscard]] Position positionOf(const QString &key) const;

    void add(
        const QString &key, const Position &position, const QString &message, const QString &suggestion = {});
    // Adds a finding about a key, unless something is already known to be wrong with that very key.
    void addAt(const QString &key, const QString &message, const QString &suggestion = {});

    // In the order of files as read, then of lines.
    [[nodiscard]] QList<Problem> problems() const;

private:
    QHash<QString, Position> m_positions;
    QList<Problem> m_problems;
};

} // namespace signalbox::config
