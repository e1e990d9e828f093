// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "http/field_names_p.h"
#include "http/response_writer_p.h"

#include <QDateTime>
#include <QLocale>
#include <QTimeZone>

#include <charconv>

using namespace Qt::StringLiterals;

namespace signalbox::http {

namespace {

Q_LOGGING_CATEGORY(lcHttp, "signalbox.engine.http")
constexpr qsizetype kSmallBody = 16 * 1024;

void appendNumber(QByteArray &out, qint64 number)
{
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end - digits);
}

void appendStatusLine(QByteArray &out, int status)
{
    if (status == 200) {
        out += "HTTP/1.1 200 OK\r\n";
        return;
    }
    out += "HTTP/1.1 ";
    appendNumber(out, status);
    out += ' ';
    out += reasonPhrase(status);
    out += "\r\n";
}

void appendFields(QByteArray &out, const Headers &headers)
{
    for (const auto &[name, value] : headers.fields()) {
        if (isFramingField(name))
            continue;
        if (!isSafeField(name, value)) {
            logWarning(lcHttp, "response field dropped", {{"reason", u"not a valid field"_s}});
            continue;
        }
        out += name;
        out += ": ";
        out += value;
        out += "\r\n";
    }
}

} // namespace

QByteArray serialize(Response &response, const WriteOptions &options)
{
    const bool bodyless = response.status == 204 || response.status == 304 || response.status / 100 == 1;
    const qsizetype bodySize = bodyless ? 0 : response.body.size();
    const bool inlineBody = !options.toHead && bodySize <= kSmallBody;
    QByteArray out;
    out.reserve(512 + (inlineBody ? bodySize : 0));
    appendStatusLine(out, response.status);
    appendFields(out, response.headers);
    if (!options.date.isEmpty()) {
        out += "Date: ";
        out += options.date;
        out += "\r\n";
    }
    if (options.streams) {
        if (options.http11)
            out += "Transfer-Encoding: chunked\r\n";
    } else if (!bodyless) {
        out += "Content-Length: ";
        appendNumber(out, bodySize);
        out += "\r\n";
    }
    if (!options.keepAlive)
        out += "Connection: close\r\n";
    else if (!options.http11)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
    if (options.toHead || bodyless)
        response.body.clear();
    if (inlineBody) {
        out += response.body;
        response.body.clear();
    }
    return out;
}

QByteArray httpDate(qint64 secondsSinceEpoch)
{
    const QDateTime time = QDateTime::fromSecsSinceEpoch(secondsSinceEpoch, Qt::UTC);
    return QLocale::c().toString(time, u"ddd, dd MMM yyyy HH:mm:ss 'GMT'"_s).toLatin1();
}

} // namespace signalbox::http
