// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slack_event_sender.h"

#include "async/wait.h"

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr int kMaxRedirects = 2;

QString reasonOf(const Error &error)
{
    switch (error.code()) {
    case ErrorCode::DeadlineExceeded:
        return u"http_timeout"_s;
    case ErrorCode::Unavailable:
        return u"connection_failed"_s;
    default:
        return u"unknown_error"_s;
    }
}
} // namespace

struct SlackEventSender::Attempt
{
    Attempt() = default;
    bool ok = false;
    bool retry = true;
    bool cancelled = false;
    int status = 0;
    QByteArray body;
    QString reason;
};

SlackEventSender::SlackEventSender(
    const SlackModel &model, const Clock &clock, QString appId, Secret signingSecret, QUrl eventUrl)
    : m_model(model)
    , m_clock(clock)
    , m_appId(std::move(appId))
    , m_signingSecret(std::move(signingSecret))
    , m_eventUrl(std::move(eventUrl))
    , m_client(64)
    , m_eventPrefix(u"Ev0"_s + QString::number(toMs(clock.now()), 36).toUpper())
{
}

SignedSender SlackEventSender::signedSender()
{
    return SignedSender(m_client, m_clock, m_signingSecret);
}

QString SlackEventSender::nextEventId()
{
    return m_eventPrefix + QString::number(++m_eventNumber, 36).toUpper().rightJustified(5, u'0');
}

Json SlackEventSender::envelope(const QString &teamId, Json event, const QString &eventId)
{
    const SlackTeam *team = m_model.team(teamId);
    const QString channel = event[u"channel"].toString();
    Json authorization = Json::object({{u"enterprise_id"_s, nullptr}, {u"team_id"_s, teamId},
        {u"user_id"_s, team == nullptr ? QString() : team->botUserId}, {u"is_bot"_s, true},
        {u"is_enterprise_install"_s, false}});
    return Json::object(
        {{u"token"_s, u"sandbox-deprecated"_s}, {u"team_id"_s, teamId}, {u"context_team_id"_s, teamId},
            {u"context_enterprise_id"_s, nullptr}, {u"api_app_id"_s, m_appId}, {u"event"_s, std::move(event)},
            {u"type"_s, u"event_callback"_s}, {u"event_id"_s, eventId.isEmpty() ? nextEventId() : eventId},
            {u"event_time"_s, toMs(m_clock.now()) / 1000},
            {u"authorizations"_s, Json(Json::Array{authorization})}, {u"is_ext_shared_channel"_s, false},
            {u"event_context"_s, u"4-"_s + teamId + channel}});
}

QCoro::Task<SlackEventSender::Attempt> SlackEventSender::attempt(QByteArray body, int number, QString reason)
{
    Attempt outcome;
    SignedSender sender = signedSender();
    SignedSender::Request request(m_eventUrl, body);
    request.timeout = deadline;
    if (number > 0) {
        request.headers.emplace_back("x-slack-retry-num", QByteArray::number(number));
        request.headers.emplace_back("x-slack-retry-reason", reason.toLatin1());
    }
    for (int redirects = 0;; ++redirects) {
        const auto response = co_await sender.post(request, m_stop.token());
        if (!response) {
            outcome.cancelled = response.error().code() == ErrorCode::Cancelled;
            outcome.reason = reasonOf(response.error());
            co_return outcome;
        }
        outcome.status = response->status;
        outcome.body = response->body;
        outcome.retry = response->headers.value("x-slack-no-retry") != "1";
        const QByteArray location = response->headers.value("Location");
        if (response->status / 100 == 3 && !location.isEmpty()) {
            if (redirects == kMaxRedirects) {
                outcome.reason = u"too_many_redirects"_s;
                co_return outcome;
            }
            request.url = request.url.resolved(QUrl(QString::fromUtf8(location)));
            continue;
        }
        outcome.ok = response->status / 100 == 2;
        if (!outcome.ok)
            outcome.reason = u"http_error"_s;
        co_return outcome;
    }
}

QCoro::Task<Result<EventOutcome>> SlackEventSender::sendEnvelope(Json envelope)
{
    if (eventsOverSocket)
        co_return co_await eventsOverSocket(std::move(envelope));
    ++m_live;
    const QByteArray body = envelope.toBytes();
    EventOutcome outcome;
    outcome.eventId = envelope[u"event_id"].toString();
    bool cancelled = false;
    const Millis start = m_clock.boot();
    for (size_t number = 0; number <= retryDelays.size(); ++number) {
        if (number > 0) {
            const Millis pause = retryDelays.at(number - 1);
            cancelled = co_await async::delay(pause, m_stop.token()) == async::Wake::Cancelled;
            if (cancelled)
                break;
        }
        const Attempt result = co_await attempt(body, static_cast<int>(number), outcome.reason);
        if (number == 0)
            outcome.took = m_clock.boot() - start;
        ++outcome.attempts;
        outcome.status = result.status;
        outcome.body = result.body;
        outcome.reason = result.reason;
        outcome.delivered = result.ok;
        cancelled = result.cancelled;
        if (!result.ok && !cancelled)
            Q_EMIT attemptFailed(outcome.eventId, outcome.attempts, outcome.reason);
        if (result.ok || cancelled || !result.retry)
            break;
    }
    if (--m_live == 0)
        Q_EMIT drained();
    if (cancelled)
        co_return fail(ErrorCode::Cancelled, u"the simulated Slack is closing"_s);
    co_return outcome;
}

QCoro::Task<Result<http::Response>> SlackEventSender::sendInteraction(Json payload)
{
    if (interactionsOverSocket)
        co_return co_await interactionsOverSocket(std::move(payload));
    const QByteArray form = "payload=" + payload.toBytes().toPercentEncoding();
    SignedSender sender = signedSender();
    SignedSender::Request request(m_interactionUrl, form);
    request.contentType = "application/x-www-form-urlencoded";
    request.timeout = deadline;
    ++m_live;
    auto response = co_await sender.post(request, m_stop.token());
    if (--m_live == 0)
        Q_EMIT drained();
    co_return response;
}

QCoro::Task<> SlackEventSender::join()
{
    m_stop.cancel();
    bool waiting = true;
    while (waiting && m_live > 0) {
        const async::Wake wake = co_await async::waitSignal(this, &SlackEventSender::drained, Millis(2000));
        waiting = wake == async::Wake::Fired;
    }
}

} // namespace signalbox::sandbox
