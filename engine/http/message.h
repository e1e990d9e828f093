// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <QByteArray>
#include <QHostAddress>
#include <QString>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace signalbox::http {

// Header fields in the order they came; names compare without case.
class Headers
{
public:
    void add(QByteArray name, QByteArray value) { m_fields.emplace_back(std::move(name), std::move(value)); }
    void set(const QByteArray &name, QByteArray value);
    // The first value of that name, or an empty array.
    [[nodiscard]] QByteArray value(QByteArrayView name) const;
    [[nodiscard]] bool contains(QByteArrayView name) const;
    [[nodiscard]] const std::vector<std::pair<QByteArray, QByteArray>> &fields() const { return m_fields; }

private:
    std::vector<std::pair<QByteArray, QByteArray>> m_fields;
};

// One complete request: a value, so that nothing dangles when the peer leaves.
struct Request
{
    Request() = default;
    QByteArray method;
    QString path; // percent-decoded, without the query
    QByteArray rawQuery;
    Headers headers;
    QByteArray body;
    QHostAddress peer;
    std::map<QString, QString> pathValues; // what {name} in the route's pattern matched

    // The decoded value of a query parameter ('+' is a space), or nullopt.
    [[nodiscard]] std::optional<QString> query(QStringView name) const;
    // The token of "Authorization: Bearer …", or an empty array.
    [[nodiscard]] QByteArray bearerToken() const;
};

class BodyStream;

struct Response
{
    Response() = default;
    Response(int statusCode, QByteArray contentType, QByteArray content)
        : status(statusCode)
        , body(std::move(content))
    {
        headers.add("Content-Type", std::move(contentType));
    }

    [[nodiscard]] static Response text(int status, QByteArray text);
    [[nodiscard]] static Response json(int status, const Json &json);
    // application/problem+json (RFC 9457): the one error shape of all our own routes (INTERFACE.md).
    [[nodiscard]] static Response problem(int status, const QString &detail);
    // Maps the code to its status; native details of inner layers are left out.
    [[nodiscard]] static Response problem(const Error &error);

    Response &&withHeader(QByteArray name, QByteArray value) &&
    {
        headers.set(name, std::move(value));
        return std::move(*this);
    }

    int status = 200;
    Headers headers;
    QByteArray body;
    // The connection is closed without a byte of an answer: how the simulators lose a call.
    bool dropped = false;
    // Set: the answer has no length, and instead of `body` is what this writes to the stream that it gets
    // once the head has left (body_stream.h). Not called for HEAD.
    std::function<void(std::shared_ptr<BodyStream>)> stream;
};

[[nodiscard]] int httpStatus(ErrorCode code);
[[nodiscard]] QByteArray reasonPhrase(int status);

} // namespace signalbox::http
