// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_routes.h"

using namespace Qt::StringLiterals;
using signalbox::http::Request;
using signalbox::http::Response;

// GET /stream: who may have which changes. How they are told is in change_streams.

namespace signalbox::admin {

namespace {

Result<StreamWish> wishOf(const Request &request)
{
    StreamWish wish;
    wish.kinds = allKinds();
    if (const auto kinds = request.query(u"kinds"); kinds && !kinds->isEmpty()) {
        wish.kinds = 0;
        for (const QString &name : kinds->split(u',')) {
            const auto kind = kindNamed(name);
            if (!kind) {
                return fail(ErrorCode::InvalidInput,
                    u"\"%1\" is no kind; there are %2"_s.arg(name.left(40), kindNames().join(u", "_s)));
            }
            wish.kinds |= *kind;
        }
    }
    auto filter = Filter::parse(request.query(u"filter").value_or(QString()));
    if (!filter)
        return fail(filter.error());
    wish.filter = std::move(*filter);
    if (const QString since = http::resumePoint(request); !since.isEmpty()) {
        wish.since = store::FeedCursor::parse(since);
        if (!wish.since)
            return fail(ErrorCode::InvalidInput, u"the cursor must be the id of an event, or as_of"_s);
    }
    return wish;
}

} // namespace

AdminRoutes::Answer AdminRoutes::stream(Request request)
{
    auto wish = wishOf(request);
    if (!wish)
        co_return Response::problem(wish.error());
    wish->token = tokenOf(request)->name;
    if (!m_streams.mayOpen(wish->token))
        co_return Response::problem(429, u"too many streams are open"_s).withHeader("Retry-After", "5");
    const auto open = [this, asked = std::move(*wish)](
                          std::shared_ptr<http::BodyStream> body) { m_streams.open(asked, std::move(body)); };
    co_return http::eventStream(open);
}

} // namespace signalbox::admin
