// SPDX-License-Identifier: Apache-2.0
#include "runtimes/spritz/spritz_calls.h"

using namespace Qt::StringLiterals;

namespace signalbox::runtimes::spritz {

namespace {
constexpr qsizetype kClassified = 4096; // bytes of an error's body that are looked at

bool isSuccess(int status)
{
    return status >= 200 && status < 300;
}

// Go's url.PathEscape and url.QueryEscape leave these alone; ours are the same bytes, except "%20" for a
// space.
QByteArray escapedSegment(const QString &text)
{
    return QUrl::toPercentEncoding(text, "$&+=:@");
}

ErrorCode errorCodeOf(int status)
{
    switch (status) {
    case 401:
        return ErrorCode::Unauthorized;
    case 403:
        return ErrorCode::Forbidden;
    case 404:
        return ErrorCode::NotFound;
    case 408:
        return ErrorCode::DeadlineExceeded;
    case 409:
        return ErrorCode::Conflict;
    case 429:
        return ErrorCode::RateLimited;
    default:
        return status >= 500 ? ErrorCode::Unavailable : ErrorCode::InvalidInput;
    }
}

Error httpError(const http::Response &response)
{
    const QString native = u"http_"_s + QString::number(response.status);
    const Error error(errorCodeOf(response.status), u"the other side refused"_s, native);
    bool isNumber = false;
    const int seconds = response.headers.value("Retry-After").toInt(&isNumber);
    return isNumber && seconds >= 0 ? error.withRetryAfter(std::chrono::seconds(seconds)) : error;
}

Error badAnswer(const QString &what)
{
    return {ErrorCode::Corrupt, what, u"bad_answer"_s};
}

bool isAbsurd(const QString &id)
{
    return id.size() > kMaxIdLength;
}

TenantFacts factsOf(const Json &providerAuth, const Json &installationConfig)
{
    TenantFacts facts;
    facts.botToken = Secret(providerAuth[u"botAccessToken"].toString().toUtf8());
    facts.botUserId = providerAuth[u"botUserId"].toString();
    facts.apiAppId = providerAuth[u"apiAppId"].toString();
    for (const Json &policy : installationConfig[u"channelPolicies"].toArray()) {
        const QString &place = policy[u"externalChannelId"].toString();
        if (!place.isEmpty() && !facts.requireMention.contains(place)) {
            facts.requireMention.insert(place, policy[u"requireMention"].toBool(true));
        }
    }
    return facts;
}

QString firstOf(std::initializer_list<const Json *> candidates)
{
    for (const Json *candidate : candidates) {
        if (!candidate->toString().isEmpty()) {
            return candidate->toString();
        }
    }
    return {};
}

} // namespace

QByteArray exchangeBody(const QString &principal, const BindRequest &request)
{
    Json body = Json::object();
    body.set(u"principalId"_s, principal);
    body.set(u"provider"_s, u"slack"_s);
    body.set(u"externalScopeType"_s, u"workspace"_s);
    body.set(u"externalTenantId"_s, request.tenant);
    if (!request.place.isEmpty()) {
        body.set(u"externalChannelId"_s, request.place);
    }
    if (request.force) {
        body.set(u"forceRefresh"_s, true);
    }
    return body.toBytes();
}

std::optional<TenantFacts> tenantFacts(const http::Response &response)
{
    const Result<Json> body = Json::parse(response.body);
    if (!body) {
        return std::nullopt;
    }
    if (isSuccess(response.status) && (*body)[u"status"].toString() == u"resolved") {
        const Json &session = (*body)[u"session"];
        return factsOf(session[u"providerAuth"], session[u"installationConfig"]);
    }
    if (response.status == 503 && (*body)[u"status"].toString() == u"unavailable") {
        return factsOf((*body)[u"providerAuth"], (*body)[u"installationConfig"]);
    }
    return std::nullopt;
}

void applyFacts(const TenantFacts &facts, const QString &place, Binding &binding)
{
    binding.botToken = facts.botToken;
    binding.botUserId = facts.botUserId;
    binding.apiAppId = facts.apiAppId;
    if (const auto policy = facts.requireMention.constFind(place);
        policy != facts.requireMention.constEnd()) {
        binding.requireMention = *policy;
    }
}

Result<Binding> readExchange(const http::Response &response, const QString &place)
{
    const std::optional<TenantFacts> facts = tenantFacts(response);
    if (!isSuccess(response.status)) {
        if (facts) {
            return fail(Error(ErrorCode::Unavailable, u"the runtime is not there yet"_s, u"unavailable"_s));
        }
        return fail(httpError(response));
    }
    const Result<Json> body = Json::parse(response.body);
    if (!body) {
        return fail(badAnswer(u"the answer is not JSON"_s));
    }
    if (!facts) {
        const bool unresolved = (*body)[u"status"].toString() == u"unresolved";
        return unresolved
            ? fail(Error(ErrorCode::NotFound, u"the registry knows no such place"_s, u"unresolved"_s))
            : fail(Error(ErrorCode::Corrupt, u"the place is not resolved"_s, u"not_resolved"_s));
    }
    const Json &session = (*body)[u"session"];
    Binding binding;
    applyFacts(*facts, place, binding);
    binding.nameSpace = session[u"namespace"].toString();
    binding.instanceId = session[u"instanceId"].toString();
    binding.ownerId = session[u"ownerAuthId"].toString();
    binding.ownerToken = Secret(session[u"accessToken"].toString().toUtf8());
    if (isAbsurd(binding.nameSpace) || isAbsurd(binding.instanceId) || isAbsurd(binding.ownerId)) {
        return fail(badAnswer(u"an id in the answer is too long"_s));
    }
    return binding;
}

QByteArray disconnectBody(const QString &principal, const QString &tenant)
{
    Json body = Json::object();
    body.set(u"principalId"_s, principal);
    body.set(u"provider"_s, u"slack"_s);
    body.set(u"externalScopeType"_s, u"workspace"_s);
    body.set(u"externalTenantId"_s, tenant);
    return body.toBytes();
}

Status readDisconnect(const http::Response &response)
{
    if (!isSuccess(response.status)) {
        return fail(httpError(response));
    }
    return {};
}

QByteArray upsertBody(const QString &principal, const Binding &binding, const OpenRequest &request)
{
    Json body = Json::object();
    body.set(u"namespace"_s, binding.nameSpace);
    body.set(u"conversationId"_s, QString());
    body.set(u"principalId"_s, principal);
    body.set(u"instanceId"_s, binding.instanceId);
    body.set(u"ownerId"_s, binding.ownerId);
    body.set(u"provider"_s, u"slack"_s);
    body.set(u"externalScopeType"_s, u"workspace"_s);
    body.set(u"externalTenantId"_s, request.tenant);
    body.set(u"externalChannelId"_s, request.place);
    body.set(u"externalConversationId"_s, request.place);
    body.set(u"title"_s, u"Slack "_s + request.place);
    const QString older = request.threadTs.isEmpty() ? request.messageTs : request.threadTs;
    if (!request.direct && !older.isEmpty() && older != request.place) {
        Json lookups = Json::array();
        lookups.append(older);
        body.set(u"lookupExternalConversationIds"_s, lookups);
    }
    return body.toBytes();
}

Result<QString> readUpsert(const http::Response &response)
{
    if (!isSuccess(response.status)) {
        return fail(refusal(response));
    }
    const Result<Json> body = Json::parse(response.body);
    const QString name
        = body ? (*body)[u"data"][u"conversation"][u"metadata"][u"name"].toString() : QString();
    if (name.isEmpty() || isAbsurd(name)) {
        return fail(badAnswer(u"no usable conversation in the answer"_s));
    }
    return name;
}

Result<Bootstrapped> readBootstrap(const http::Response &response)
{
    if (!isSuccess(response.status)) {
        return fail(refusal(response));
    }
    const Result<Json> body = Json::parse(response.body);
    if (!body) {
        return fail(badAnswer(u"the answer is not JSON"_s));
    }
    const Json &data = (*body)[u"data"];
    const Json &spec = data[u"conversation"][u"spec"];
    const Json &status = data[u"conversation"][u"status"];
    Bootstrapped result;
    result.sessionId = firstOf({&data[u"effectiveSessionId"], &spec[u"sessionId"]});
    result.cwd = firstOf({&data[u"effectiveCwd"], &status[u"effectiveCwd"], &spec[u"cwd"]});
    result.replaced = data[u"replaced"].toBool();
    if (result.sessionId.isEmpty() || result.cwd.isEmpty()) {
        return fail(badAnswer(u"no session id or no working directory in the answer"_s));
    }
    if (isAbsurd(result.sessionId)) {
        return fail(badAnswer(u"the session id in the answer is too long"_s));
    }
    return result;
}

Error refusal(const http::Response &response)
{
    const QByteArray body = response.body.left(kClassified).toLower();
    if (response.status == 404 && body.contains("spritz not found")) {
        return {ErrorCode::NotFound, u"there is no such runtime"_s, u"spritz_not_found"_s};
    }
    if (response.status == 409 && body.contains("acp unavailable")) {
        return {ErrorCode::Unavailable, u"the runtime takes no prompts yet"_s, u"acp_unavailable"_s};
    }
    return httpError(response);
}

Error transportError(const Error &error)
{
    switch (error.code()) {
    case ErrorCode::Cancelled:
        return {error.code(), error.message(), u"cancelled"_s};
    case ErrorCode::DeadlineExceeded:
        return {error.code(), error.message(), u"timeout"_s};
    case ErrorCode::Unavailable:
        return {error.code(), error.message(), u"unreachable"_s};
    default:
        return {error.code(), error.message(), u"bad_answer"_s};
    }
}

QUrl urlUnder(const QUrl &base, const QByteArray &encodedPath)
{
    QByteArray encoded = base.toEncoded(QUrl::RemoveQuery | QUrl::RemoveFragment | QUrl::FullyEncoded);
    while (encoded.endsWith('/')) {
        encoded.chop(1);
    }
    return QUrl::fromEncoded(encoded + encodedPath);
}

QUrl conversationUrl(
    const QUrl &base, const QString &name, const QString &verb, const QString &nameSpace, bool socket)
{
    const QByteArray path = "/api/acp/conversations/" + escapedSegment(name) + '/' + verb.toUtf8()
        + "?namespace=" + QUrl::toPercentEncoding(nameSpace);
    QUrl url = urlUnder(base, path);
    if (socket) {
        url.setScheme(base.scheme() == u"https" ? u"wss"_s : u"ws"_s);
    }
    return url;
}

QString contentText(const Json &content)
{
    if (content.isNull()) {
        return {};
    }
    if (content.isString()) {
        return content.toString();
    }
    if (content.isArray()) {
        QStringList parts;
        for (const Json &element : content.toArray()) {
            const QString part = contentText(element);
            if (!part.isEmpty()) {
                parts.append(part);
            }
        }
        return parts.join(u'\n');
    }
    if (!content.isObject()) {
        return QString::fromUtf8(content.toBytes());
    }
    if (!content[u"text"].toString().isEmpty()) {
        return content[u"text"].toString();
    }
    for (const QStringView key : {QStringView(u"content"), QStringView(u"resource")}) {
        const QString inner = contentText(content[key]);
        if (!inner.isEmpty()) {
            return inner;
        }
    }
    return content[u"uri"].toString();
}

} // namespace signalbox::runtimes::spritz
