// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "base/clock.h"
#include "http/message.h"

#include <QCoro/QCoroTask>

#include <functional>
#include <optional>
#include <vector>

namespace signalbox::http {

// What a handler may know of its connection. `cancel` fires when the peer has gone.
struct Context
{
    Context() = default;
    explicit Context(async::CancelToken token)
        : cancel(std::move(token))
    {
    }
    async::CancelToken cancel;
};

// Handlers run on the server's thread. A handler that is a coroutine takes its parameters by value.
using Handler = std::function<QCoro::Task<Response>(Request, Context)>;

// How a route answers what the server itself refuses (a body over the limit, a wrong method): problem+json,
// or plain text where a channel's contract says so.
enum class ErrorStyle { Problem, PlainText };

struct RouteOptions
{
    RouteOptions() = default;
    std::optional<qint64> maxBodyBytes; // default: Limits::maxBodyBytes
    std::optional<Millis> handlerTimeout; // default: Limits::handlerTimeout
    ErrorStyle errors = ErrorStyle::Problem;
};

// Method and path to handler. Patterns are literal segments and {name} (one segment that is not empty); where
// several match, the one that is literal at the first difference wins. Dot segments are ordinary segments.
// 404 for an unknown path, 405 with Allow for a known one. HEAD is answered by the GET handler without its
// body.
class Router
{
public:
    void add(
        QByteArray method, const QString &pattern, Handler handler, RouteOptions options = RouteOptions());

    struct Match
    {
        const Handler *handler = nullptr;
        const RouteOptions *options = nullptr; // of the path, also when the method is not allowed
        std::map<QString, QString> values;
        QByteArray allow; // for 405; empty for 404
        const QString *pattern = nullptr; // set with handler; names the route in logs
    };
    // `path` is still percent-encoded, so that %2F does not end a segment; `values` are decoded.
    [[nodiscard]] Match match(const QByteArray &method, const QString &path) const;

private:
    struct Route
    {
        Route() = default;
        QByteArray method;
        QString pattern;
        QStringList segments;
        Handler handler;
        RouteOptions options;
    };
    [[nodiscard]] static QByteArray allowHeader(QList<QByteArray> methods);
    std::vector<Route> m_routes;
};

} // namespace signalbox::http
