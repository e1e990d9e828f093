// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include "http/percent_p.h"

using namespace Qt::StringLiterals;

namespace signalbox::http {

namespace {

bool sameName(QByteArrayView a, QByteArrayView b)
{
    return a.size() == b.size() && qstrnicmp(a.data(), a.size(), b.data(), b.size()) == 0;
}

Json problemDocument(int status, const QString &detail)
{
    Json json = Json::object({{u"type"_s, Json(u"about:blank"_s)},
        {u"title"_s, Json(QString::fromLatin1(reasonPhrase(status)))}, {u"status"_s, Json(status)}});
    if (!detail.isEmpty())
        json.set(u"detail"_s, Json(detail));
    return json;
}

} // namespace

void Headers::set(const QByteArray &name, QByteArray value)
{
    for (auto field = m_fields.begin(); field != m_fields.end(); ++field) {
        if (!sameName(field->first, name)) {
            continue;
        }
        field->second = std::move(value);
        const auto others = std::remove_if(
            field + 1, m_fields.end(), [&name](const auto &other) { return sameName(other.first, name); });
        m_fields.erase(others, m_fields.end());
        return;
    }
    add(name, std::move(value));
}

QByteArray Headers::value(QByteArrayView name) const
{
    for (const auto &[fieldName, value] : m_fields) {
        if (sameName(fieldName, name))
            return value;
    }
    return {};
}

bool Headers::contains(QByteArrayView name) const
{
    return std::any_of(
        m_fields.begin(), m_fields.end(), [name](const auto &field) { return sameName(field.first, name); });
}

std::optional<QString> Request::query(QStringView name) const
{
    qsizetype start = 0;
    while (start < rawQuery.size()) {
        qsizetype end = rawQuery.indexOf('&', start);
        if (end < 0)
            end = rawQuery.size();
        const QByteArrayView pair = QByteArrayView(rawQuery).sliced(start, end - start);
        const qsizetype equals = pair.indexOf('=');
        const QByteArrayView key = equals < 0 ? pair : pair.first(equals);
        if (percentDecoded(key, PlusIs::Space).text == name)
            return equals < 0 ? u""_s : percentDecoded(pair.sliced(equals + 1), PlusIs::Space).text;
        start = end + 1;
    }
    return std::nullopt;
}

QByteArray Request::bearerToken() const
{
    const QByteArray value = headers.value("Authorization");
    static constexpr qsizetype kScheme = 7; // "Bearer "
    if (value.size() <= kScheme || qstrnicmp(value.constData(), "Bearer ", kScheme) != 0)
        return {};
    return value.sliced(kScheme).trimmed();
}

Response Response::text(int status, QByteArray text)
{
    return Response(status, "text/plain; charset=utf-8", std::move(text));
}

Response Response::json(int status, const Json &json)
{
    return Response(status, "application/json", json.toBytes());
}

Response Response::problem(int status, const QString &detail)
{
    return Response(status, "application/problem+json", problemDocument(status, detail).toBytes());
}

Response Response::problem(const Error &error)
{
    const int status = httpStatus(error.code());
    Json json = problemDocument(status, error.message());
    json.set(u"code"_s, Json(errorCodeName(error.code())));
    Response response(status, "application/problem+json", json.toBytes());
    if (const auto wait = error.retryAfter()) {
        const qint64 seconds = (wait->count() + 999) / 1000;
        response.headers.add("Retry-After", QByteArray::number(std::max<qint64>(seconds, 1)));
    }
    return response;
}

int httpStatus(ErrorCode code)
{
    switch (code) {
    case ErrorCode::InvalidInput:
        return 400;
    case ErrorCode::NotFound:
        return 404;
    case ErrorCode::Conflict:
        return 409;
    case ErrorCode::Unauthorized:
        return 401;
    case ErrorCode::Forbidden:
        return 403;
    case ErrorCode::Cancelled:
        return 503;
    case ErrorCode::DeadlineExceeded:
        return 504;
    case ErrorCode::Unavailable:
        return 503;
    case ErrorCode::RateLimited:
        return 429;
    case ErrorCode::Corrupt:
        return 500;
    case ErrorCode::Unsupported:
        return 501;
    case ErrorCode::Internal:
        return 500;
    }
    return 500;
}

QByteArray reasonPhrase(int status)
{
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Unknown";
    }
}

} // namespace signalbox::http
