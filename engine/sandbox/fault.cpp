// SPDX-License-Identifier: Apache-2.0
#include "sandbox/fault.h"

#include "async/wait.h"

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr Millis kForever = std::chrono::hours(24);

http::Response droppedResponse()
{
    http::Response response;
    response.dropped = true;
    return response;
}
} // namespace

Fault Fault::httpStatus(int status, QByteArray body)
{
    Fault fault;
    fault.status = status;
    fault.body = std::move(body);
    return fault;
}

Fault Fault::apiError(QString error)
{
    Fault fault;
    fault.kind = Kind::ApiError;
    fault.error = std::move(error);
    return fault;
}

Fault Fault::rateLimited(std::chrono::seconds retryAfter)
{
    Fault fault;
    fault.kind = Kind::RateLimited;
    fault.retryAfter = retryAfter;
    return fault;
}

Fault Fault::hang()
{
    Fault fault;
    fault.kind = Kind::Hang;
    return fault;
}

Fault Fault::closeBeforeEffect()
{
    Fault fault;
    fault.kind = Kind::CloseBeforeEffect;
    return fault;
}

Fault Fault::closeAfterEffect()
{
    Fault fault;
    fault.kind = Kind::CloseAfterEffect;
    return fault;
}

Fault Fault::delayedAnswer(Millis delay)
{
    Fault fault;
    fault.kind = Kind::DelayedAnswer;
    fault.delay = delay;
    return fault;
}

Fault Fault::delayedEffect(Millis delay)
{
    Fault fault;
    fault.kind = Kind::DelayedEffect;
    fault.delay = delay;
    return fault;
}

Fault Fault::garbage()
{
    Fault fault;
    fault.kind = Kind::Garbage;
    return fault;
}

Fault Fault::repeat(int count) &&
{
    times = count;
    return std::move(*this);
}

Fault Fault::after(int count) &&
{
    skip = count;
    return std::move(*this);
}

void FaultTable::add(const QString &endpoint, Fault fault)
{
    m_faults[endpoint].push_back(std::move(fault));
}

std::optional<Fault> FaultTable::take(const QString &endpoint)
{
    if (m_faults.empty())
        return std::nullopt;
    if (auto fault = takeFrom(endpoint))
        return fault;
    return takeFrom(u"*"_s);
}

bool FaultTable::pending(const QString &endpoint) const
{
    return std::any_of(m_faults.begin(), m_faults.end(), [&endpoint](const auto &entry) {
        return (entry.first == endpoint || entry.first == "*"_L1) && !entry.second.empty()
            && entry.second.front().skip == 0;
    });
}

std::optional<Fault> FaultTable::takeFrom(const QString &key)
{
    const auto found = m_faults.find(key);
    if (found == m_faults.end() || found->second.empty())
        return std::nullopt;
    Fault &first = found->second.front();
    if (first.skip > 0) {
        --first.skip;
        return std::nullopt;
    }
    const Fault taken = first;
    if (first.times > 0 && --first.times == 0)
        found->second.erase(found->second.begin());
    return taken;
}

QCoro::Task<http::Response> answer(http::Response response)
{
    co_return response;
}

QCoro::Task<http::Response> answerFaulty(
    Fault fault, Effect effect, ErrorShape shape, async::CancelToken peer, async::CancelToken stop)
{
    async::CancelSource either;
    either.follow(peer);
    either.follow(stop);
    switch (fault.kind) {
    case Fault::Kind::HttpStatus:
        co_return http::Response(fault.status, "text/plain; charset=utf-8", fault.body);
    case Fault::Kind::ApiError:
        co_return shape(fault.error, 200);
    case Fault::Kind::RateLimited: {
        http::Response response = shape(u"ratelimited"_s, 429);
        response.headers.set(
            "Retry-After", QByteArray::number(static_cast<qint64>(fault.retryAfter.count())));
        co_return response;
    }
    case Fault::Kind::Hang:
        co_await async::delay(kForever, either.token());
        co_return droppedResponse();
    case Fault::Kind::CloseBeforeEffect:
        co_return droppedResponse();
    case Fault::Kind::CloseAfterEffect:
        effect();
        co_return droppedResponse();
    case Fault::Kind::DelayedAnswer: {
        http::Response response = effect();
        co_await async::delay(fault.delay, either.token());
        co_return response;
    }
    case Fault::Kind::DelayedEffect:
        co_await async::delay(fault.delay, either.token());
        if (either.token().isCancelled())
            co_return droppedResponse();
        co_return effect();
    case Fault::Kind::Garbage:
        effect();
        co_return http::Response(
            200, "text/html", "<html><body>Please sign in to the network.</body></html>");
    }
    Q_UNREACHABLE();
}

void CallLog::add(CallRecord record)
{
    ++m_total;
    ++m_counts[record.endpoint];
    m_records.push_back(std::move(record));
    if (m_records.size() > m_limit)
        m_records.pop_front();
}

} // namespace signalbox::sandbox
