// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include "http/percent_p.h"

namespace signalbox::http {

namespace {

// Paths are split before they are decoded, so that %2F stays inside its segment.
std::vector<QStringView> split(QStringView path) // begins with '/'
{
    std::vector<QStringView> segments;
    segments.reserve(8);
    qsizetype start = 1;
    while (true) {
        const qsizetype end = path.indexOf(u'/', start);
        if (end < 0)
            break;
        segments.push_back(path.sliced(start, end - start));
        start = end + 1;
    }
    segments.push_back(path.sliced(start));
    return segments;
}

bool isPlaceholder(QStringView segment)
{
    return segment.size() > 2 && segment.startsWith(u'{') && segment.endsWith(u'}');
}

QString decoded(QStringView segment)
{
    return segment.contains(u'%') ? percentDecoded(segment.toUtf8(), PlusIs::Plus).text : segment.toString();
}

bool sameSegment(QStringView literal, QStringView segment)
{
    return literal == segment || (segment.contains(u'%') && literal == decoded(segment));
}

// At the first segment where two patterns differ, the literal one is the closer match.
bool isCloser(const QStringList &a, const QStringList &b)
{
    for (qsizetype i = 0; i < a.size(); ++i) {
        const bool literalA = !isPlaceholder(a[i]);
        if (literalA == isPlaceholder(b[i]))
            return literalA;
    }
    return false;
}

} // namespace

void Router::add(QByteArray method, const QString &pattern, Handler handler, RouteOptions options)
{
    Q_ASSERT(pattern.startsWith(u'/'));
    Route route;
    route.method = std::move(method);
    route.pattern = pattern;
    for (const QStringView segment : split(pattern))
        route.segments.append(segment.toString());
    route.handler = std::move(handler);
    route.options = std::move(options);
    m_routes.push_back(std::move(route));
}

Router::Match Router::match(const QByteArray &method, const QString &path) const
{
    if (!path.startsWith(u'/'))
        return {}; // "*" of OPTIONS is not a path
    const std::vector<QStringView> segments = split(path);
    const auto fits = [&segments](const Route &route) {
        if (route.segments.size() != static_cast<qsizetype>(segments.size()))
            return false;
        for (size_t i = 0; i < segments.size(); ++i) {
            const QString &wanted = route.segments[static_cast<qsizetype>(i)];
            const bool same
                = isPlaceholder(wanted) ? !segments[i].isEmpty() : sameSegment(wanted, segments[i]);
            if (!same)
                return false;
        }
        return true;
    };
    const Route *chosen = nullptr; // path and method
    const Route *known = nullptr; // path only
    QList<QByteArray> allowed;
    for (const Route &route : m_routes) {
        if (!fits(route))
            continue;
        if (!known || isCloser(route.segments, known->segments))
            known = &route;
        allowed.append(route.method);
        const bool exact = route.method == method;
        const bool head = !exact && method == "HEAD" && route.method == "GET";
        if (!exact && !head)
            continue;
        const bool better = !chosen || isCloser(route.segments, chosen->segments)
            || (exact && chosen->method != method && !isCloser(chosen->segments, route.segments));
        if (better)
            chosen = &route;
    }
    Match match;
    if (!known)
        return match;
    match.options = chosen ? &chosen->options : &known->options;
    if (!chosen) {
        match.allow = allowHeader(std::move(allowed));
        return match;
    }
    match.handler = &chosen->handler;
    match.pattern = &chosen->pattern;
    for (size_t i = 0; i < segments.size(); ++i) {
        const QString &wanted = chosen->segments[static_cast<qsizetype>(i)];
        if (isPlaceholder(wanted))
            match.values.emplace(wanted.sliced(1, wanted.size() - 2), decoded(segments[i]));
    }
    return match;
}

QByteArray Router::allowHeader(QList<QByteArray> methods)
{
    if (methods.contains("GET") && !methods.contains("HEAD"))
        methods.append("HEAD");
    std::sort(methods.begin(), methods.end());
    methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
    return methods.join(", ");
}

} // namespace signalbox::http
