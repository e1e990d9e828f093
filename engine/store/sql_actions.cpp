// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "store/action_records.h"
#include "store/idempotency.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::Act;
using signalbox::domain::ActionRequest;
using signalbox::domain::ActionResult;

// What operators do: effect, audit entry and the answer under their key are one transaction (DESIGN.md
// "Operator actions").

namespace signalbox::store {

namespace {

QString subjectKind(const ActionRequest &request)
{
    switch (request.act) {
    case Act::ReleaseLock:
    case Act::ExtendLock:
        return u"session"_s;
    case Act::Pause:
    case Act::Resume:
        return request.scope;
    case Act::Answer:
    case Act::Repost:
        return u"interaction"_s;
    case Act::Cancel:
        return request.scope.isEmpty() ? u"delivery"_s : request.scope;
    case Act::Replay:
    case Act::Discard:
    case Act::Confirm:
        return u"delivery"_s;
    }
    return u"delivery"_s;
}

Result<ActionResult> effect(Session &session, const ActionOrder &order)
{
    switch (order.request.act) {
    case Act::ReleaseLock:
        return releaseLock(session, order);
    case Act::ExtendLock:
        return extendLock(session, order);
    case Act::Replay:
        return replayDelivery(session, order);
    case Act::Cancel:
        return order.request.scope == u"interaction" ? cancelInteraction(session, order)
                                                     : cancelDelivery(session, order);
    case Act::Answer:
        return answerInteraction(session, order);
    case Act::Repost:
        return repostInteraction(session, order);
    case Act::Discard:
        return settleDead(session, order, u"dead"_s, u"discarded"_s);
    case Act::Confirm:
        return settleDead(
            session, order, u"unconfirmed"_s, order.request.as == u"retry" ? u"retried"_s : order.request.as);
    case Act::Pause:
        return pauseUnit(session, order);
    case Act::Resume:
        return resumeUnit(session, order);
    }
    return fail(ErrorCode::Internal, u"there is no such action"_s);
}

QString toText(const ActionResult &result)
{
    Json json = Json::object({{u"id"_s, result.id}, {u"state"_s, result.state}, {u"fence"_s, result.fence}});
    // What the engine must do, for the one that asks again because it never heard.
    json.set(u"orders"_s, result.orders).set(u"wakes"_s, result.wakes).set(u"posts"_s, result.posts);
    return QString::fromUtf8(json.toBytes());
}

Result<ActionResult> fromText(const QByteArray &text)
{
    const auto json = Json::parse(text);
    if (!json)
        return fail(json.error());
    ActionResult result;
    result.id = (*json)[u"id"].toString();
    result.state = (*json)[u"state"].toString();
    result.fence = (*json)[u"fence"].toInt().value_or(0);
    result.orders = (*json)[u"orders"].toBool();
    result.wakes = (*json)[u"wakes"].toBool();
    result.posts = (*json)[u"posts"].toBool();
    result.repeated = true;
    return result;
}

KeyedCall callOf(const ActionRequest &request)
{
    KeyedCall call;
    call.actor = request.actor;
    call.key = request.key;
    call.fingerprint = QString::fromLatin1(request.fingerprint());
    return call;
}

Status audit(Session &session, const ActionOrder &order, const ActionResult &result, Instant now)
{
    const ActionRequest &request = order.request;
    QString action = name(request.act);
    if (!request.what.isEmpty())
        action += u':' + request.what;
    if (!request.as.isEmpty())
        action += u':' + request.as;
    QString outcome = result.state;
    if (!result.id.isEmpty() && result.id != request.id)
        outcome += u" → "_s + result.id;
    const auto written = session.run("INSERT INTO audit (id, at, actor, action, subject_kind, subject_id, "
                                     "reason, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        order.auditId, now, request.actor, action, subjectKind(request), request.id,
        request.reason.isEmpty() ? request.comment : request.reason, outcome);
    if (!written)
        return fail(written.error());
    session.touch("audit", order.auditId, 1);
    return {};
}

} // namespace

Result<ActionResult> actUnit(Session &session, const ActionOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const KeyedCall call = callOf(order.request);
    const auto earlier = takeKey(session, call, *now);
    if (!earlier)
        return fail(earlier.error());
    if (*earlier)
        return fromText(**earlier);
    const auto result = effect(session, order);
    if (!result)
        return fail(result.error());
    if (auto audited = audit(session, order, *result, *now); !audited)
        return fail(audited.error());
    if (auto filed = fileAnswer(session, call, toText(*result)); !filed)
        return fail(filed.error());
    return *result;
}

Result<ActionResult> answerUnit(Session &session, const QString &actor, const QString &key)
{
    auto rows = session.query("SELECT answer FROM idempotency WHERE actor = ? AND key = ?", actor, key);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"nothing was asked for under this key"_s);
    return fromText(rows->utf8(0));
}

} // namespace signalbox::store
