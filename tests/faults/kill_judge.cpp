// SPDX-License-Identifier: Apache-2.0
#include "kill_judge.h"

#include <QElapsedTimer>
#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QSqlRecord>
#include <QUrl>
#include <QUrlQuery>

using namespace Qt::StringLiterals;

namespace signalbox::testing {

namespace {
const QString kAdoptedMark = u"_recovered after an interruption, may be incomplete_"_s;
}

Eye::Eye(const QString &url, const QString &file)
{
    const bool postgres = !url.isEmpty();
    QSqlDatabase database = QSqlDatabase::addDatabase(postgres ? u"QPSQL"_s : u"QSQLITE"_s, u"eye"_s);
    const QUrl target(url);
    const QUrlQuery query(target);
    if (postgres) {
        database.setHostName(query.queryItemValue(u"host"_s, QUrl::FullyDecoded));
        database.setPort(target.port(5432));
        database.setUserName(target.userName());
        database.setDatabaseName(target.path().mid(1));
    } else {
        database.setDatabaseName(file);
        database.setConnectOptions(u"QSQLITE_BUSY_TIMEOUT=5000"_s);
    }
    if (!database.open())
        qWarning("the database cannot be looked into: %s", qPrintable(database.lastError().text()));
}

Eye::~Eye()
{
    QSqlDatabase::removeDatabase(u"eye"_s);
}

std::vector<QStringList> Eye::rows(const QString &sql) const
{
    std::vector<QStringList> all;
    QSqlQuery query(QSqlDatabase::database(u"eye"_s));
    if (!query.exec(sql))
        qWarning("%s", qPrintable(query.lastError().text()));
    while (query.next()) {
        QStringList row;
        for (int i = 0; i < query.record().count(); ++i)
            row << query.value(i).toString();
        all.push_back(row);
    }
    return all;
}

qint64 Eye::number(const QString &sql) const
{
    const auto all = rows(sql);
    return all.empty() ? -1 : all.front().value(0).toLongLong();
}

void KillJudge::lookAtTheDead(const QString &engine)
{
    ++m_counts.kills;
    const Eye look = eye();
    const QString whose = engine.isEmpty() ? QString() : u" AND engine_id = '%1'"_s.arg(engine);
    const auto open = look.rows(u"SELECT message_ts, prompt_state FROM deliveries WHERE blocks = 1 AND state "
                                "IN ('running', 'waiting') AND waits_for <> 'lock'"_s
        + whose);
    for (const QStringList &row : open) {
        ++m_counts.killedAt[row.value(1)];
        if (row.value(1) != u"none")
            m_interrupted.insert(row.value(0));
    }
    m_counts.postsInFlight += static_cast<int>(
        look.number(u"SELECT count(*) FROM outbound_messages WHERE state = 'sending'"_s + whose));
}

bool KillJudge::drain(KillLoad &load, int timeoutMs)
{
    load.stop();
    if (!QTest::qWaitFor([&] { return load.allAcknowledged(); }, timeoutMs)) {
        problem(u"messages without an acknowledgement"_s);
        return false;
    }
    const Eye look = eye();
    QElapsedTimer pause;
    const auto isStill = [&] {
        if (pause.isValid() && !pause.hasExpired(500))
            return false;
        pause.start();
        return look.number(
                   u"SELECT count(*) FROM deliveries WHERE state IN ('pending', 'running', 'waiting')"_s)
            == 0
            && look.number(u"SELECT count(*) FROM outbound_messages WHERE state IN ('pending', 'sending', "
                           "'retry', 'unknown')"_s)
            == 0;
    };
    if (QTest::qWaitFor(isStill, timeoutMs))
        return true;
    for (const QStringList &row :
        look.rows(u"SELECT message_ts, state, waits_for, prompt_state FROM deliveries "
                  "WHERE state IN ('pending', 'running', 'waiting') LIMIT 20"_s))
        problem(u"stays open: "_s + row.join(u' '));
    for (const QStringList &row :
        look.rows(u"SELECT id, state, attempts, error_code FROM outbound_messages "
                  "WHERE state NOT IN ('sent', 'refused', 'dead', 'cancelled') LIMIT 20"_s))
        problem(u"stays open: "_s + row.join(u' '));
    return false;
}

QHash<QString, Ending> KillJudge::endings() const
{
    const Eye look = eye();
    QHash<QString, Ending> all;
    QHash<QString, QString> byId;
    for (const QStringList &row :
        look.rows(u"SELECT message_ts, id, state, outcome, error_code FROM deliveries"_s)) {
        Ending &ending = all[row.value(0)];
        ++ending.deliveries;
        ending.id = row.value(1);
        ending.state = row.value(2);
        ending.outcome = row.value(3);
        ending.errorCode = row.value(4);
        byId.insert(ending.id, row.value(0));
    }
    for (const QStringList &row :
        look.rows(u"SELECT delivery_id FROM attempts WHERE what = 'turn' AND outcome <> 'running'"_s))
        ++all[byId.value(row.value(0))].attempts;
    for (const QStringList &row : look.rows(
             u"SELECT delivery_id FROM outbound_messages WHERE maybe_doubled <> 0 AND error_code <> ''"_s))
        all[byId.value(row.value(0))].maybeDoubled = true;
    return all;
}

void KillJudge::judgeOne(const KillLoad::Message &message, const Ending &ending, const QStringList &texts)
{
    const int prompts = m_world.spritz().agents().prompts(message.ts);
    const bool finished = m_world.spritz().agents().isFinished(message.ts);
    int replies = 0;
    bool adopted = false;
    for (const QString &text : texts) {
        const bool same = text == message.reply;
        const bool marked = text.startsWith(message.reply + u"\n\n"_s) && text.endsWith(kAdoptedMark);
        replies += same || marked ? 1 : 0;
        adopted = adopted || marked;
    }
    const QString found = u"%1: %2/%3 %4, %5 prompts, %6 replies, %7"_s.arg(message.ts, ending.state,
        ending.outcome, ending.errorCode, QString::number(prompts), QString::number(replies),
        finished ? u"finished"_s : u"not finished"_s);
    ++m_counts.prompts[prompts];
    const bool answered = ending.state == u"completed" && ending.outcome == u"delivered";
    m_counts.answered += answered ? 1 : 0;
    m_counts.adopted += adopted ? 1 : 0;
    m_counts.unconfirmed += ending.state == u"unconfirmed" ? 1 : 0;
    m_counts.dead += ending.state == u"dead" ? 1 : 0;
    m_counts.maybeDoubled += ending.maybeDoubled ? 1 : 0;
    m_counts.lost += prompts > 0 && !finished ? 1 : 0;
    if (ending.deliveries != 1)
        problem(u"%1 deliveries of "_s.arg(ending.deliveries) + found);
    if (prompts > 1)
        problem(u"prompted twice: "_s + found);
    if (answered ? (prompts != 1 || (replies != 1 && !(ending.maybeDoubled && replies == 2))) : replies != 0)
        problem(u"not one prompt and one reply: "_s + found);
    if (!answered && ending.state != u"unconfirmed" && ending.state != u"dead")
        problem(u"an ending that nobody expects: "_s + found);
    if (!answered && (ending.errorCode.isEmpty() || ending.attempts == 0))
        problem(u"no evidence: "_s + found);
    if (answered && !finished) {
        ++m_counts.fooled;
        problem(u"answered out of a turn that did not finish: "_s + found + u": "_s + texts.join(u" | "_s));
    }
    if (m_interrupted.contains(message.ts)) {
        ++m_counts.interrupted;
        m_counts.interruptedFinished += finished ? 1 : 0;
        m_counts.interruptedAnswered += finished && answered ? 1 : 0;
        if (finished && !answered)
            qInfo("finished, but not adopted: %s", qPrintable(found));
    }
}

// One notice for each message that got no answer.
void KillJudge::judgeNotices(const QString &channel, const QStringList &texts, int expected, bool flagged)
{
    qsizetype notices = 0;
    for (const QString &text : texts) {
        const bool isStatus
            = text.startsWith(u"Still waking up"_s) || text.startsWith(u"I am still working on"_s);
        notices += text.startsWith(u"You said: "_s) || isStatus ? 0 : 1;
    }
    if (notices < expected || (notices > expected && !flagged))
        problem(
            u"%1: %2 notices for %3 messages without an answer"_s.arg(channel).arg(notices).arg(expected));
}

void KillJudge::judge(const KillLoad &load)
{
    const QHash<QString, Ending> all = endings();
    QHash<QString, int> silent;
    QHash<QString, bool> flagged;
    for (const KillLoad::Message &message : load.messages()) {
        const Ending ending = all.value(message.ts);
        judgeOne(message, ending, m_world.appTexts(message.channel));
        silent[message.channel] += ending.state == u"completed" ? 0 : 1;
        flagged[message.channel] = flagged[message.channel] || ending.maybeDoubled;
    }
    for (const QString &channel : silent.keys())
        judgeNotices(channel, m_world.appTexts(channel), silent[channel], flagged[channel]);
}

void KillJudge::print(size_t messages) const
{
    QString killedAt;
    for (const auto &[state, count] : m_counts.killedAt)
        killedAt += u" %1 at %2,"_s.arg(count).arg(state);
    QString prompts;
    for (const auto &[times, count] : m_counts.prompts)
        prompts += u" %1 with %2,"_s.arg(count).arg(times);
    qInfo("%d kills; unfinished then:%s posts in flight %d", m_counts.kills, qPrintable(killedAt),
        m_counts.postsInFlight);
    qInfo("%zu acknowledged: %d answered (%d of them adopted), %d unconfirmed, %d dead, %d maybe doubled",
        messages, m_counts.answered, m_counts.adopted, m_counts.unconfirmed, m_counts.dead,
        m_counts.maybeDoubled);
    qInfo("messages by prompts:%s %d whose turn was never finished", qPrintable(prompts), m_counts.lost);
    qInfo(
        "killed at sending or accepted: %d, of which the runtime finished %d, of which %d were answered; %d "
        "answered out of an unfinished turn",
        m_counts.interrupted, m_counts.interruptedFinished, m_counts.interruptedAnswered, m_counts.fooled);
}

} // namespace signalbox::testing
