// SPDX-License-Identifier: Apache-2.0
#include "gateway/ingress_call.h"

#include "base/hash.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {

constexpr qsizetype kMostKey = 255;

// Of the route with its ids and everything of the request that makes the effect. CloudEvents in binary mode
// have their attributes in header fields.
QString fingerprintOf(const http::Request &request)
{
    QByteArray whole = request.method + ' ' + request.path.toUtf8() + '\n';
    for (const auto &[name, value] : request.headers.fields()) {
        if (name.toLower().startsWith("ce-"))
            whole += name.toLower() + ':' + value + '\n';
    }
    return QString::fromLatin1(sha256(whole + '\n' + request.body).toHex());
}

} // namespace

const config::TokenConfig *ingressToken(const config::Config &config, const http::Request &request)
{
    const QByteArray token = request.bearerToken();
    if (token.isEmpty())
        return nullptr;
    const QByteArray digest = sha256(token);
    const config::TokenConfig *found = nullptr;
    for (const config::TokenConfig &candidate : config.ingress.tokens) {
        if (equalConstantTime(candidate.sha256, digest))
            found = &candidate;
    }
    return found;
}

http::Response unauthorized()
{
    return http::Response::problem(401, u"a bearer token of [[ingress.tokens]] is needed"_s)
        .withHeader("WWW-Authenticate", "Bearer");
}

bool isForAll(const config::TokenConfig &token)
{
    return token.installations.contains(u"*"_s);
}

bool mayUse(const config::TokenConfig &token, const QString &installation)
{
    return isForAll(token) || token.installations.contains(installation);
}

Result<store::KeyedCall> keyedCall(const config::TokenConfig &token, const http::Request &request)
{
    const QByteArray key = request.headers.value("Idempotency-Key");
    if (key.size() > kMostKey)
        return fail(ErrorCode::InvalidInput, u"Idempotency-Key is longer than 255 characters"_s);
    store::KeyedCall call;
    if (key.isEmpty())
        return call;
    call.actor = u"ingress:"_s + token.name;
    call.key = QString::fromLatin1(key);
    call.fingerprint = fingerprintOf(request);
    return call;
}

http::Response refusal(const Error &error)
{
    if (error.native() == u"key_reused")
        return http::Response::problem(422, error.message());
    switch (error.code()) {
    case ErrorCode::Unsupported:
        return http::Response::problem(415, error.message());
    case ErrorCode::InvalidInput:
    case ErrorCode::NotFound:
    case ErrorCode::Conflict:
    case ErrorCode::Forbidden:
        return http::Response::problem(error);
    case ErrorCode::Unavailable:
    case ErrorCode::Cancelled:
    case ErrorCode::DeadlineExceeded:
        return http::Response::problem(503, u"the database is not to be had; send it again"_s)
            .withHeader("Retry-After", "1");
    default:
        return http::Response::problem(500, u"the request could not be handled"_s);
    }
}

bool hasSessionPerThread(const config::Config &config, const QString &backend)
{
    return std::any_of(config.backends.begin(), config.backends.end(),
        [&](const config::BackendConfig &one) { return one.name == backend && one.kind == u"acp"; });
}

} // namespace signalbox::gateway
