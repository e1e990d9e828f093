// SPDX-License-Identifier: Apache-2.0
#include "store/idempotency.h"

using namespace Qt::StringLiterals;

// One table of answers for everybody who sends an Idempotency-Key: operators and machines.

namespace signalbox::store {

namespace {
constexpr Millis kKeysKept{std::chrono::hours(24)};
}

Result<std::optional<QByteArray>> takeKey(Session &session, const KeyedCall &call, Instant now)
{
    if (call.key.isEmpty())
        return std::nullopt;
    // One whose day is over is as good as none.
    const auto taken = session.run("INSERT INTO idempotency (actor, key, fingerprint, answer, at) VALUES (?, "
                                   "?, ?, '', ?) ON CONFLICT (actor, key) DO UPDATE SET fingerprint = "
                                   "excluded.fingerprint, answer = '', at = excluded.at "
                                   "WHERE idempotency.at < ?",
        call.actor, call.key, call.fingerprint, now, now - kKeysKept);
    if (!taken)
        return fail(taken.error());
    if (*taken == 1)
        return std::nullopt;
    auto rows = session.query(
        "SELECT fingerprint, answer FROM idempotency WHERE actor = ? AND key = ?", call.actor, call.key);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::Unavailable, u"the key has just expired"_s);
    if (rows->text(0) != call.fingerprint)
        return fail(Error(ErrorCode::InvalidInput, u"this Idempotency-Key came with another request before"_s,
            u"key_reused"_s));
    return std::optional<QByteArray>(rows->utf8(1));
}

Status fileAnswer(Session &session, const KeyedCall &call, const QString &answer)
{
    if (call.key.isEmpty())
        return {};
    const auto filed = session.run(
        "UPDATE idempotency SET answer = ? WHERE actor = ? AND key = ?", answer, call.actor, call.key);
    if (!filed)
        return fail(filed.error());
    return {};
}

Status releaseKey(Session &session, const KeyedCall &call)
{
    if (call.key.isEmpty())
        return {};
    const auto gone
        = session.run("DELETE FROM idempotency WHERE actor = ? AND key = ?", call.actor, call.key);
    if (!gone)
        return fail(gone.error());
    return {};
}

Result<int> sweepKeyedAnswers(Session &session, Instant now, int most)
{
    return session.run("DELETE FROM idempotency WHERE (actor, key) IN (SELECT actor, key FROM idempotency "
                       "WHERE at < ? ORDER BY at LIMIT ?)",
        now - kKeysKept, most);
}

} // namespace signalbox::store
