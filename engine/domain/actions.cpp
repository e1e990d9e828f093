// SPDX-License-Identifier: Apache-2.0
#include "domain/actions.h"

#include "base/hash.h"
#include "base/json.h"
#include "domain/name_table.h"

using namespace Qt::StringLiterals;

namespace signalbox::domain {

namespace {

constexpr NameTable<Act, 10> kActs{{
    {Act::ReleaseLock, u"release"},
    {Act::ExtendLock, u"extend"},
    {Act::Replay, u"replay"},
    {Act::Cancel, u"cancel"},
    {Act::Discard, u"discard"},
    {Act::Confirm, u"confirm"},
    {Act::Pause, u"pause"},
    {Act::Resume, u"resume"},
    {Act::Answer, u"answer"},
    {Act::Repost, u"repost"},
}};
constexpr qsizetype kLongestReason = 1000;
constexpr qsizetype kLongestKey = 200;
constexpr int kHighestRate = 1000;

Status refuse(const QString &why)
{
    return fail(Error(ErrorCode::InvalidInput, why, u"bad_request"_s));
}

} // namespace

QString name(Act act)
{
    return nameIn(kActs, act);
}

bool isPausable(QStringView what)
{
    return what == u"intake" || what == u"delivery" || what == u"outbound";
}

QByteArray ActionRequest::fingerprint() const
{
    Json json = Json::array();
    for (const QString &part : {name(act), id, scope, reason, backend, as, what, option, comment})
        json.append(part);
    json.append(expectedFence);
    json.append(until ? Json(toMs(*until)) : Json());
    json.append(rate);
    return sha256(json.toBytes()).toHex();
}

Status ActionRequest::check() const
{
    if (id.isEmpty())
        return refuse(u"it must be said what to act upon"_s);
    const bool explainsItself = act == Act::Resume || act == Act::Answer || act == Act::Repost;
    if (!explainsItself && reason.trimmed().isEmpty())
        return refuse(u"reason is missing"_s);
    if (reason.size() > kLongestReason)
        return refuse(u"reason is longer than 1000 characters"_s);
    if (comment.size() > kLongestReason)
        return refuse(u"comment is longer than 1000 characters"_s);
    if (act == Act::Answer && option.isEmpty())
        return refuse(u"option is missing"_s);
    if (key.size() > kLongestKey)
        return refuse(u"Idempotency-Key is longer than 200 characters"_s);
    if (act == Act::ReleaseLock && expectedFence < 0)
        return refuse(u"expected_fence is missing: release what was seen, and nothing else"_s);
    if (act == Act::Confirm && as != u"delivered" && as != u"retry" && as != u"abandoned")
        return refuse(u"as must be delivered, retry or abandoned"_s);
    if (rate < 0 || rate > kHighestRate)
        return refuse(u"rate must be between 1 and 1000 a second"_s);
    if (act == Act::Pause || act == Act::Resume) {
        if (!isPausable(what))
            return refuse(u"what must be intake, delivery or outbound"_s);
        if (scope != u"installation" && scope != u"backend" && (scope != u"engine" || id != u"all"))
            return refuse(u"an installation, a backend or all engines can be paused"_s);
    }
    return {};
}

} // namespace signalbox::domain
