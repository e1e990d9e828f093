// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "base/clock.h"
#include "http/router.h"

#include <QHash>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace signalbox::sandbox {

// One way in which a simulated service fails. "Effect" is what the call does to the simulator's state.
struct Fault
{
    enum class Kind {
        HttpStatus, // answers `status` with `body`, no effect
        ApiError, // the service's own error shape with `error`, no effect
        RateLimited, // 429 with Retry-After, no effect
        Hang, // never answers; the effect never happens
        CloseBeforeEffect, // the connection closes, nothing happened
        CloseAfterEffect, // the connection closes, but it happened
        DelayedAnswer, // the effect at once, its answer after `delay`
        DelayedEffect, // the effect and its answer after `delay`
        Garbage, // the effect happens, the answer is a page of HTML with status 200
    };

    Fault() = default;
    [[nodiscard]] static Fault httpStatus(int status, QByteArray body = {});
    [[nodiscard]] static Fault apiError(QString error);
    // Slack's name for apiError().
    [[nodiscard]] static Fault slackError(QString error) { return apiError(std::move(error)); }
    [[nodiscard]] static Fault rateLimited(std::chrono::seconds retryAfter);
    [[nodiscard]] static Fault hang();
    [[nodiscard]] static Fault closeBeforeEffect();
    [[nodiscard]] static Fault closeAfterEffect();
    [[nodiscard]] static Fault delayedAnswer(Millis delay);
    [[nodiscard]] static Fault delayedEffect(Millis delay);
    [[nodiscard]] static Fault garbage();
    // How many calls it hits; negative: all of them.
    [[nodiscard]] Fault repeat(int count) &&;
    // How many calls pass before the first one is hit.
    [[nodiscard]] Fault after(int count) &&;

    Kind kind = Kind::HttpStatus;
    int times = 1;
    int skip = 0;
    int status = 500;
    QByteArray body;
    QString error;
    std::chrono::seconds retryAfter{1};
    Millis delay{0};
};

// Faults waiting for calls, first in, first out, for each endpoint; those of "*" hit any endpoint that has
// none itself.
class FaultTable
{
public:
    void add(const QString &endpoint, Fault fault);
    void clear() { m_faults.clear(); }
    // The fault that hits this call, used up by it.
    [[nodiscard]] std::optional<Fault> take(const QString &endpoint);
    // Whether take() would answer one.
    [[nodiscard]] bool pending(const QString &endpoint) const;

private:
    [[nodiscard]] std::optional<Fault> takeFrom(const QString &key);
    std::map<QString, std::vector<Fault>> m_faults;
};

using Effect = std::function<http::Response()>;
// The service's own error shape for ApiError and RateLimited.
using ErrorShape = std::function<http::Response(const QString &error, int status)>;

[[nodiscard]] QCoro::Task<http::Response> answer(http::Response response);
// Runs the effect the way the fault wants it. `stop` ends a hang when the simulator closes, `peer` when the
// caller left.
[[nodiscard]] QCoro::Task<http::Response> answerFaulty(
    Fault fault, Effect effect, ErrorShape shape, async::CancelToken peer, async::CancelToken stop);

// One call that a simulator has seen.
struct CallRecord
{
    CallRecord() = default;
    CallRecord(Instant when, QString which, int httpStatus, QString code)
        : at(when)
        , endpoint(std::move(which))
        , status(httpStatus)
        , error(std::move(code))
    {
    }
    Instant at;
    QString endpoint;
    int status = 0; // 0: closed or never answered
    QString error; // the service's error code, or empty
};

// Counts calls for ever and remembers the last ones.
class CallLog
{
public:
    explicit CallLog(size_t limit = 2000)
        : m_limit(limit)
    {
    }
    void add(CallRecord record);
    [[nodiscard]] int count(const QString &endpoint) const { return m_counts.value(endpoint); }
    [[nodiscard]] int total() const { return m_total; }
    [[nodiscard]] std::vector<CallRecord> recent() const { return {m_records.begin(), m_records.end()}; }

private:
    size_t m_limit;
    int m_total = 0;
    QHash<QString, int> m_counts;
    std::deque<CallRecord> m_records;
};

} // namespace signalbox::sandbox
