// SPDX-License-Identifier: Apache-2.0
#include "config/problem.h"

#include <QStringList>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::config {

QString Problem::toString() const
{
    QString text = file;
    if (line > 0) {
        text += u":%1:%2"_s.arg(line).arg(column);
    }
    text += u": "_s + message;
    if (!suggestion.isEmpty()) {
        text += u"; "_s + suggestion;
    }
    return text;
}

void Findings::place(const QString &key, const Position &position)
{
    m_positions.insert(key, position);
}

bool Findings::isPlaced(const QString &key) const
{
    return m_positions.contains(key);
}

Position Findings::positionOf(const QString &key) const
{
    QString table = key;
    while (!table.isEmpty()) {
        const auto found = m_positions.constFind(table);
        if (found != m_positions.cend()) {
            return *found;
        }
        const qsizetype dot = table.lastIndexOf(u'.');
        table = dot < 0 ? QString() : table.left(dot);
    }
    return Position{u"defaults"_s, 0, 0};
}

void Findings::add(
    const QString &key, const Position &position, const QString &message, const QString &suggestion)
{
    m_problems.append(Problem{position.source, position.line, position.column, key, message, suggestion});
}

void Findings::addAt(const QString &key, const QString &message, const QString &suggestion)
{
    const bool known = std::any_of(m_problems.cbegin(), m_problems.cend(),
        [&key](const Problem &problem) { return problem.key == key; });
    if (!known) {
        add(key, positionOf(key), message, suggestion);
    }
}

QList<Problem> Findings::problems() const
{
    QStringList sources;
    for (const Problem &problem : m_problems) {
        if (!sources.contains(problem.file)) {
            sources.append(problem.file);
        }
    }
    QList<Problem> sorted = m_problems;
    std::stable_sort(sorted.begin(), sorted.end(), [&sources](const Problem &a, const Problem &b) {
        return a.file != b.file ? sources.indexOf(a.file) < sources.indexOf(b.file) : a.line < b.line;
    });
    return sorted;
}

} // namespace signalbox::config
