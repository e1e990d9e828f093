// SPDX-License-Identifier: Apache-2.0
#include "store/interaction_records.h"
#include "store/units.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

// Questions as operators see them. Read-only.

namespace signalbox::store {

namespace {

constexpr qint64 kExactTotals = 10'000;
constexpr int kIdChunk = 8; // ids in one statement; the last one is repeated to fill it

#define SIGNALBOX_INTERACTION_COLUMNS                                                                        \
    "SELECT q.id, q.state, q.origin, q.kind, q.installation_id, i.channel, i.tenant, q.place, q.thread, "    \
    "q.session_id, q.delivery_id, q.answerers, q.body, q.answer, q.answered_by, q.error_code, q.engine_id, " \
    "q.channel_ts, q.created_at, q.expires_at, q.clicked_at, q.accepted_at, q.card_updated_at, "             \
    "q.resolved_at, q.updated_at, q.rev, COALESCE((SELECT w.state || ' ' || w.attempts || ' ' || "           \
    "w.error_code || ' ' || w.webhook FROM webhook_calls w WHERE w.subject_id = q.id AND w.state <> 'sent' " \
    "ORDER BY w.state, w.id LIMIT 1), '') FROM interactions q JOIN installations i ON i.id = "               \
    "q.installation_id "
// `text` is an id or a whole place, thread, person, delivery or tenant; '' switches a condition off.
#define SIGNALBOX_INTERACTION_FILTER                                                                         \
    "(? = '' OR q.state IN (?, ?, ?, ?, ?, ?)) AND (? = '' OR q.session_id = ?) AND (? = '' OR q.id = ? OR " \
    "q.place = ? OR q.thread = ? OR q.answered_by = ? OR q.delivery_id = ? OR i.tenant = ?) "
#define SIGNALBOX_INTERACTION_TOTAL                                                                          \
    "SELECT COUNT(*) FROM (SELECT 1 FROM interactions q JOIN installations i ON i.id = q.installation_id "   \
    "WHERE " SIGNALBOX_INTERACTION_FILTER "LIMIT 10001) AS counted"

// "retry 3 http_500 crm"
void readWebhook(const QString &said, InteractionItem &item)
{
    const QStringList words = said.split(u' ');
    if (words.size() < 4)
        return;
    item.webhookState = words[0];
    item.webhookAttempts = words[1].toInt();
    item.webhookError = words[2];
    item.webhook = said.section(u' ', 3);
}

InteractionItem interactionFrom(const Rows &rows)
{
    InteractionItem item;
    item.id = rows.text(0);
    item.state = rows.text(1);
    item.origin = rows.text(2);
    item.kind = rows.text(3);
    item.installation = rows.text(4);
    item.channel = rows.text(5);
    item.tenant = rows.text(6);
    item.place = rows.text(7);
    item.thread = rows.text(8);
    item.sessionId = rows.text(9);
    item.deliveryId = rows.text(10);
    item.answerers = rows.text(11);
    const auto choices = InteractionChoices::fromJson(Json::parse(rows.utf8(12)).value_or(Json()));
    const auto answer = InteractionAnswer::fromJson(Json::parse(rows.utf8(13)).value_or(Json()));
    for (const InteractionOption &option : choices.options) {
        item.optionKinds << option.kind;
        if (option.id == answer.option)
            item.chosenKind = option.kind;
    }
    if (!answer.text.isEmpty())
        item.chosenKind = u"text"_s;
    item.answeredBy = rows.text(14);
    item.errorCode = rows.text(15);
    item.engine = rows.text(16);
    item.channelTs = rows.text(17);
    item.createdAt = rows.instant(18);
    item.expiresAt = rows.instant(19);
    item.clickedAt = rows.instant(20);
    item.acceptedAt = rows.instant(21);
    item.cardUpdatedAt = rows.instant(22);
    item.resolvedAt = rows.instant(23);
    item.updatedAt = rows.instant(24);
    item.rev = rows.number(25);
    readWebhook(rows.text(26), item);
    return item;
}

QString stateAt(const QStringList &states, qsizetype i)
{
    return states.isEmpty() ? QString(u""_s) : states[std::min(i, states.size() - 1)];
}

} // namespace

Result<Page<InteractionItem>> listInteractionsUnit(Session &session, const ListQuery &query)
{
    Page<InteractionItem> page;
    const QStringList &states = query.states;
    const QString anyState = states.isEmpty() ? u""_s : u"1"_s;
    const auto state = [&](qsizetype i) { return stateAt(states, i); };
    const QString &text = query.text;
    {
        auto rows
            = session.query(SIGNALBOX_INTERACTION_TOTAL, anyState, state(0), state(1), state(2), state(3),
                state(4), state(5), query.session, query.session, text, text, text, text, text, text, text);
        if (!rows)
            return fail(rows.error());
        const qint64 total = rows->next() ? rows->number(0) : 0;
        page.total = std::min(total, kExactTotals);
        page.totalIsExact = total <= kExactTotals;
    }
    // Ids follow the time at which the question was stored: they are the keyset.
    const QString from = !query.cursor.isEmpty() ? query.cursor : query.oldestFirst ? u""_s : u"~"_s;
    const char *sql = query.oldestFirst ? SIGNALBOX_INTERACTION_COLUMNS
        "WHERE q.id > ? AND " SIGNALBOX_INTERACTION_FILTER "ORDER BY q.id ASC LIMIT ?"
                                        : SIGNALBOX_INTERACTION_COLUMNS
        "WHERE q.id < ? AND " SIGNALBOX_INTERACTION_FILTER "ORDER BY q.id DESC LIMIT ?";
    auto rows = session.query(sql, from, anyState, state(0), state(1), state(2), state(3), state(4), state(5),
        query.session, query.session, text, text, text, text, text, text, text, query.limit + 1);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        page.items << interactionFrom(*rows);
    if (page.items.size() > query.limit) {
        page.items.removeLast();
        page.nextCursor = page.items.last().id;
    }
    return page;
}

Result<QList<InteractionItem>> interactionItemsUnit(Session &session, const QStringList &ids)
{
    QList<InteractionItem> items;
    for (qsizetype first = 0; first < ids.size(); first += kIdChunk) {
        const auto id = [&](qsizetype i) { return ids[std::min(first + i, ids.size() - 1)]; };
        auto rows = session.query(SIGNALBOX_INTERACTION_COLUMNS "WHERE q.id IN (?, ?, ?, ?, ?, ?, ?, ?)",
            id(0), id(1), id(2), id(3), id(4), id(5), id(6), id(7));
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            items << interactionFrom(*rows);
    }
    return items;
}

} // namespace signalbox::store
