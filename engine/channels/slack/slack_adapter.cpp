// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/slack_adapter.h"

#include "base/failpoint.h"
#include "base/ids.h"
#include "domain/installation_trouble.h"
#include "domain/slack_errors.h"

#include <QUrlQuery>

using namespace Qt::StringLiterals;
using signalbox::channels::FindOutcome;
using signalbox::channels::Found;
using signalbox::channels::SendOutcome;
using signalbox::channels::SendRequest;
using signalbox::domain::OutboundOp;
using signalbox::domain::OutboundState;
using signalbox::domain::SlackErrorClass;

namespace signalbox::slack {

namespace {

constexpr char16_t kMetadataType[] = u"signalbox_outbound";

QString methodOf(OutboundOp op)
{
    switch (op) {
    case OutboundOp::Post:
        return u"chat.postMessage"_s;
    case OutboundOp::React:
        return u"reactions.add"_s;
    case OutboundOp::Unreact:
        return u"reactions.remove"_s;
    case OutboundOp::Edit:
        return u"chat.update"_s;
    }
    return {};
}

FailPlace placeOf(OutboundOp op)
{
    if (op == OutboundOp::React)
        return FailPlace::SendReaction;
    if (op == OutboundOp::Edit)
        return FailPlace::SendEdit;
    return op == OutboundOp::Unreact ? FailPlace::SendUnreaction : FailPlace::SendPost;
}

Json metadataOf(const SendRequest &request)
{
    return Json::object({{u"event_type"_s, QString::fromUtf16(kMetadataType)},
        {u"event_payload"_s, Json::object({{u"outbox_id"_s, request.id}})}});
}

Json argumentsOf(const SendRequest &request)
{
    Json arguments = Json::object({{u"channel"_s, request.place}});
    if (request.op == OutboundOp::Post) {
        arguments.set(u"text"_s, request.body[u"text"]);
        if (request.body[u"blocks"].isArray())
            arguments.set(u"blocks"_s, request.body[u"blocks"]);
        if (!request.thread.isEmpty())
            arguments.set(u"thread_ts"_s, request.thread);
        arguments.set(u"client_msg_id"_s, uuidV5(request.id.toUtf8()));
        arguments.set(u"metadata"_s, metadataOf(request));
    } else if (request.op == OutboundOp::Edit) {
        arguments.set(u"ts"_s, request.targetTs);
        arguments.set(u"text"_s, request.body[u"text"]);
        if (request.body[u"blocks"].isArray())
            arguments.set(u"blocks"_s, request.body[u"blocks"]);
    } else {
        arguments.set(u"timestamp"_s, request.targetTs);
        arguments.set(u"name"_s, request.body[u"name"]);
    }
    return arguments;
}

// What an attempt keeps of the request: that it was, where to and how long, never its text.
QString summaryOf(const SendRequest &request, const QString &method)
{
    Json summary = Json::object({{u"method"_s, method}, {u"channel"_s, request.place}});
    if (request.op == OutboundOp::Post) {
        summary.set(u"text_characters"_s, static_cast<qint64>(request.body[u"text"].toString().size()));
        if (!request.thread.isEmpty())
            summary.set(u"thread_ts"_s, request.thread);
    } else {
        summary.set(u"timestamp"_s, request.targetTs);
    }
    return QString::fromUtf8(summary.toBytes());
}

Millis retryAfterOf(const http::Response &response)
{
    bool ok = false;
    const double seconds = response.headers.value("Retry-After").toDouble(&ok);
    return ok && seconds > 0 ? Millis(static_cast<qint64>(std::min(seconds, 86'400.0) * 1000)) : Millis(0);
}

SendOutcome interpretError(const QString &method, const QString &error, const http::Response &response)
{
    SendOutcome outcome;
    outcome.errorCode = error;
    switch (domain::classifySlackError(method, error)) {
    case SlackErrorClass::NoOp:
        outcome.state = OutboundState::Sent;
        break;
    case SlackErrorClass::Permanent:
        outcome.state = OutboundState::Refused;
        break;
    case SlackErrorClass::Authorisation:
        outcome.state = OutboundState::Refused;
        outcome.authorisation = true;
        break;
    case SlackErrorClass::Transient:
        outcome.state = OutboundState::Retry;
        outcome.retryAfter = retryAfterOf(response);
        outcome.rateLimited = error == u"ratelimited" || error == u"rate_limited";
        break;
    case SlackErrorClass::Unknown:
        outcome.state = OutboundState::Unknown;
        break;
    }
    return outcome;
}

} // namespace

SendOutcome interpretAnswer(const QString &method, const Result<http::Response> &answer)
{
    SendOutcome outcome;
    if (!answer) {
        const bool left = answer.error().native() != QStringView(http::kNotSent);
        outcome.state = left ? OutboundState::Unknown : OutboundState::Retry;
        outcome.errorCode = errorCodeName(answer.error().code());
        return outcome;
    }
    const http::Response &response = *answer;
    if (response.status == 429) {
        outcome.state = OutboundState::Retry;
        outcome.errorCode = u"ratelimited"_s;
        outcome.rateLimited = true;
        outcome.retryAfter = retryAfterOf(response);
    } else if (response.status >= 500) {
        outcome.state = OutboundState::Unknown;
        outcome.errorCode = u"http_%1"_s.arg(response.status);
    } else {
        const auto json = Json::parse(response.body);
        const bool readable = json.has_value() && json->isObject();
        if (readable && (*json)[u"ok"].toBool()) {
            outcome.state = OutboundState::Sent;
            outcome.channelTs = (*json)[u"ts"].toString();
        } else if (readable && !(*json)[u"error"].toString().isEmpty()) {
            outcome = interpretError(method, (*json)[u"error"].toString(), response);
        } else {
            // An answer that is not Slack's: something in between spoke, and nobody knows what it did before.
            outcome.state = response.status < 400 ? OutboundState::Unknown : OutboundState::Refused;
            outcome.errorCode = u"http_%1_unreadable"_s.arg(response.status);
        }
    }
    Json received = Json::object(
        {{u"status"_s, response.status}, {u"bytes"_s, static_cast<qint64>(response.body.size())}});
    if (!outcome.errorCode.isEmpty())
        received.set(u"error"_s, outcome.errorCode);
    if (!outcome.channelTs.isEmpty())
        received.set(u"ts"_s, outcome.channelTs);
    if (outcome.retryAfter.count() > 0)
        received.set(u"retry_after_ms"_s, static_cast<qint64>(outcome.retryAfter.count()));
    outcome.received = QString::fromUtf8(received.toBytes());
    return outcome;
}

FindOutcome interpretLook(
    const QString &outboxId, const QString &method, const Result<http::Response> &answer)
{
    FindOutcome outcome;
    if (!answer || answer->status == 429 || answer->status >= 500) {
        outcome.found = Found::NotNow;
        outcome.retryAfter = answer ? retryAfterOf(*answer) : Millis(0);
        return outcome;
    }
    const auto json = Json::parse(answer->body);
    if (answer->status != 200 || !json || !json->isObject())
        return outcome;
    if (!(*json)[u"ok"].toBool()) {
        const SlackErrorClass error = domain::classifySlackError(method, (*json)[u"error"].toString());
        // Reading changes nothing, so an unknown outcome of it is only a reason to ask again.
        // A token that is dead cannot read; another one may.
        const bool dead = domain::troubleKind((*json)[u"error"].toString()) == domain::TroubleKind::Token;
        if (error == SlackErrorClass::Transient || error == SlackErrorClass::Unknown || dead) {
            outcome.found = Found::NotNow;
            outcome.retryAfter = retryAfterOf(*answer);
        }
        return outcome;
    }
    const QString clientId = uuidV5(outboxId.toUtf8());
    for (const Json &message : (*json)[u"messages"].toArray()) {
        const bool ours = message[u"metadata"][u"event_payload"][u"outbox_id"].toString() == outboxId
            || message[u"client_msg_id"].toString() == clientId;
        if (ours) {
            outcome.found = Found::Yes;
            outcome.channelTs = message[u"ts"].toString();
            return outcome;
        }
    }
    // More than a page since then: not finding it proves nothing.
    outcome.found = (*json)[u"has_more"].toBool() ? Found::Unreadable : Found::No;
    return outcome;
}

SlackAdapter::SlackAdapter(http::Client &client, QUrl apiBaseUrl, Millis timeout)
    : m_client(client)
    , m_base(std::move(apiBaseUrl))
    , m_timeout(timeout)
{
    QString path = m_base.path();
    if (!path.endsWith(u'/'))
        m_base.setPath(path + u'/');
}

http::ClientRequest SlackAdapter::requestFor(
    const QString &method, const Secret &token, const Json &arguments, bool idempotent) const
{
    http::ClientRequest request("POST", m_base.resolved(QUrl(method)));
    request.headers.add("Authorization", "Bearer " + token.reveal());
    request.headers.add("Content-Type", "application/json; charset=utf-8");
    request.body = arguments.toBytes();
    request.timeout = m_timeout;
    request.idempotent = idempotent;
    return request;
}

QCoro::Task<Result<http::Response>> SlackAdapter::call(
    QString method, Secret token, Json arguments, bool idempotent, async::CancelToken cancel)
{
    return m_client.send(requestFor(method, token, arguments, idempotent), std::move(cancel));
}

QCoro::Task<SendOutcome> SlackAdapter::send(SendRequest request, async::CancelToken cancel)
{
    const QString method = methodOf(request.op);
    const FailPlace place = placeOf(request.op);
    reachFailpoint(place, FailEdge::Before);
    http::ClientRequest post
        = requestFor(method, request.token, argumentsOf(request), domain::isIdempotent(request.op));
    post.mayLeave = request.mayLeave;
    const Result<http::Response> answer = co_await m_client.send(std::move(post), cancel);
    reachFailpoint(place, FailEdge::After);
    SendOutcome outcome = interpretAnswer(method, answer);
    // Repeating a reaction changes nothing, so an unknown outcome is only a reason to try again.
    if (outcome.state == OutboundState::Unknown && domain::isIdempotent(request.op))
        outcome.state = OutboundState::Retry;
    outcome.sent = summaryOf(request, method);
    co_return outcome;
}

QCoro::Task<FindOutcome> SlackAdapter::find(SendRequest request, async::CancelToken cancel)
{
    // Slack reads arguments of these two methods from a form only.
    const bool threaded = !request.thread.isEmpty();
    const QString method = threaded ? u"conversations.replies"_s : u"conversations.history"_s;
    QUrlQuery form;
    form.addQueryItem(u"channel"_s, request.place);
    if (threaded)
        form.addQueryItem(u"ts"_s, request.thread);
    form.addQueryItem(u"include_all_metadata"_s, u"true"_s);
    form.addQueryItem(u"limit"_s, u"200"_s);
    // A minute of slack for the difference of the clocks.
    form.addQueryItem(u"oldest"_s, QString::number(toMs(request.createdAt) / 1000 - 60));
    http::ClientRequest ask("POST", m_base.resolved(QUrl(method)));
    ask.headers.add("Authorization", "Bearer " + request.token.reveal());
    ask.headers.add("Content-Type", "application/x-www-form-urlencoded");
    ask.body = form.toString(QUrl::FullyEncoded).toUtf8();
    ask.timeout = m_timeout;
    ask.idempotent = true;
    const Result<http::Response> answer = co_await m_client.send(std::move(ask), cancel);
    co_return interpretLook(request.id, method, answer);
}

QCoro::Task<Status> SlackAdapter::whisper(Secret token, Whisper whisper, async::CancelToken cancel)
{
    const QString method = u"chat.postEphemeral"_s;
    Json arguments
        = Json::object({{u"channel"_s, whisper.place}, {u"user"_s, whisper.user}, {u"text"_s, whisper.text}});
    if (!whisper.thread.isEmpty())
        arguments.set(u"thread_ts"_s, whisper.thread);
    const Result<http::Response> answer
        = co_await call(method, std::move(token), std::move(arguments), false, std::move(cancel));
    const SendOutcome outcome = interpretAnswer(method, answer);
    if (outcome.state == OutboundState::Sent)
        co_return Status();
    co_return fail(Error(ErrorCode::Unavailable, u"a private note was not shown"_s, outcome.errorCode));
}

QCoro::Task<Result<QString>> SlackAdapter::botUserId(Secret token, async::CancelToken cancel)
{
    const Result<http::Response> answer
        = co_await call(u"auth.test"_s, std::move(token), Json::object(), true, cancel);
    if (!answer)
        co_return fail(answer.error().context(u"auth.test"_s));
    const auto json = Json::parse(answer->body);
    if (!json || !(*json)[u"ok"].toBool()) {
        const QString error = json ? (*json)[u"error"].toString() : u"unreadable"_s;
        co_return fail(Error(ErrorCode::Unauthorized, u"auth.test was refused"_s, error));
    }
    co_return (*json)[u"user_id"].toString();
}

} // namespace signalbox::slack
