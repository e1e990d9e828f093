// SPDX-License-Identifier: Apache-2.0
#include "gateway/lifecycle_request.h"

#include "gateway/json_body.h"

#include <QDateTime>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {

constexpr qsizetype kMostId = 512;
constexpr qsizetype kMostPhase = 64;
constexpr qsizetype kMostReason = 1024;

// Names of Kubernetes objects are narrower; '|' separates them in our own ids.
Result<QString> nameOf(const Json &json, const QString &member)
{
    auto text = textOf(json, member, kMostId, true);
    if (!text)
        return text;
    const bool plain = std::all_of(text->begin(), text->end(),
        [](QChar c) { return c.unicode() > 0x20 && c.unicode() < 0x7f && c != u'|'; });
    if (!plain)
        return wrongMember(member, u"must be printable ASCII without spaces and |"_s);
    return text;
}

Result<std::optional<Instant>> timeOf(const QString &member, const QString &text)
{
    if (text.isEmpty())
        return std::nullopt;
    // Qt reads times without an offset as local ones.
    const bool hasOffset = text.size() > 11
        && (text.endsWith(u'Z') || text.endsWith(u'z') || text.mid(11).contains(u'+')
            || text.mid(11).contains(u'-'));
    const QDateTime time = QDateTime::fromString(text, Qt::ISODateWithMs);
    if (!hasOffset || !time.isValid() || time.toMSecsSinceEpoch() <= 0)
        return wrongMember(member, u"must be a time as RFC 3339 writes it"_s);
    return fromMs(time.toMSecsSinceEpoch());
}

Result<store::LifecycleReport> reportOf(const Json &json)
{
    if (!json.isObject())
        return fail(ErrorCode::InvalidInput, u"the body must be a JSON object"_s);
    store::LifecycleReport report;
    const auto nameSpace = nameOf(json, u"namespace"_s);
    if (!nameSpace)
        return fail(nameSpace.error());
    const auto instance = nameOf(json, u"instanceId"_s);
    if (!instance)
        return fail(instance.error());
    const auto phase = textOf(json, u"phase"_s, kMostPhase, true);
    if (!phase)
        return fail(phase.error());
    const auto reason = textOf(json, u"reason"_s, kMostReason, false);
    if (!reason)
        return fail(reason.error());
    const auto eventId = textOf(json, u"eventId"_s, kMostId, false);
    if (!eventId)
        return fail(eventId.error());
    const auto backend = textOf(json, u"backend"_s, kMostId, false);
    if (!backend)
        return fail(backend.error());
    const auto observedText = textOf(json, u"observedAt"_s, kMostPhase, false);
    if (!observedText)
        return fail(observedText.error());
    const auto observedAt = timeOf(u"observedAt"_s, *observedText);
    if (!observedAt)
        return fail(observedAt.error());
    report.nameSpace = *nameSpace;
    report.instanceId = *instance;
    report.phase = *phase;
    report.reason = *reason;
    report.eventId = *eventId;
    report.backend = *backend;
    report.observedAt = *observedAt;
    return report;
}

// The attributes of a CloudEvent around the data.
Result<store::LifecycleReport> cloudEvent(const Json &attributes, const Json &data)
{
    const auto version = textOf(attributes, u"specversion"_s, kMostPhase, true);
    if (!version)
        return fail(version.error());
    if (*version != u"1.0")
        return wrongMember(u"specversion"_s, u"must be 1.0"_s);
    const auto id = textOf(attributes, u"id"_s, kMostId, true);
    if (!id)
        return fail(id.error());
    const auto source = textOf(attributes, u"source"_s, kMostId, true);
    if (!source)
        return fail(source.error());
    if (const auto type = textOf(attributes, u"type"_s, kMostId, true); !type)
        return fail(type.error());
    const auto timeText = textOf(attributes, u"time"_s, kMostPhase, false);
    if (!timeText)
        return fail(timeText.error());
    const auto time = timeOf(u"time"_s, *timeText);
    if (!time)
        return fail(time.error());
    auto report = reportOf(data);
    if (!report)
        return report;
    if (report->eventId.isEmpty()) {
        // CloudEvents are unique by source and id.
        report->eventId = *id;
        report->eventScope = *source;
    }
    if (!report->observedAt)
        report->observedAt = *time;
    return report;
}

Result<Json> parsed(const QByteArray &body)
{
    auto json = Json::parse(body);
    if (!json)
        return fail(ErrorCode::InvalidInput, u"the body is not JSON"_s);
    return json;
}

Result<store::LifecycleReport> structuredEvent(const QByteArray &body)
{
    const auto event = parsed(body);
    if (!event)
        return fail(event.error());
    if (!event->isObject())
        return fail(ErrorCode::InvalidInput, u"the body must be a JSON object"_s);
    if (event->contains(u"data_base64"))
        return fail(ErrorCode::InvalidInput, u"data must be JSON, not data_base64"_s);
    return cloudEvent(*event, (*event)[u"data"]);
}

Result<store::LifecycleReport> binaryEvent(const http::Request &request)
{
    Json attributes = Json::object();
    for (const char *attribute : {"specversion", "id", "source", "type", "time"}) {
        const QByteArray value = request.headers.value(QByteArray("ce-") + attribute);
        // The HTTP binding percent-encodes what a header cannot hold.
        if (!value.isEmpty())
            attributes.set(
                QString::fromLatin1(attribute), QString::fromUtf8(QByteArray::fromPercentEncoding(value)));
    }
    const auto data = parsed(request.body);
    if (!data)
        return fail(data.error());
    return cloudEvent(attributes, *data);
}

} // namespace

Result<store::LifecycleReport> parseLifecycle(const http::Request &request)
{
    const QByteArray type = request.headers.value("Content-Type");
    const QByteArray media
        = type.left(type.indexOf(';') < 0 ? type.size() : type.indexOf(';')).trimmed().toLower();
    if (media == "application/cloudevents+json")
        return structuredEvent(request.body);
    if (!media.isEmpty() && media != "application/json")
        return fail(
            ErrorCode::Unsupported, u"the body must be application/json or application/cloudevents+json"_s);
    if (request.headers.contains("ce-specversion"))
        return binaryEvent(request);
    const auto json = parsed(request.body);
    if (!json)
        return fail(json.error());
    return reportOf(*json);
}

} // namespace signalbox::gateway
