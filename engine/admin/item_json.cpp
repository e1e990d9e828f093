// SPDX-License-Identifier: Apache-2.0
#include "admin/item_json.h"

#include "domain/installation_trouble.h"

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace signalbox::admin {

namespace {

void put(Json &json, const QString &key, const QString &value)
{
    if (!value.isEmpty())
        json.set(key, value);
}

void put(Json &json, const QString &key, Instant value)
{
    if (!isNever(value))
        json.set(key, toRfc3339(value));
}

template <class Items>
Json arrayOf(const Items &items)
{
    Json array = Json::array();
    for (const auto &item : items)
        array.append(toJson(item));
    return array;
}

} // namespace

Json toJson(const SessionItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.state}, {u"rev"_s, item.rev}});
    put(json, u"channel"_s, item.channel);
    put(json, u"tenant"_s, item.tenant);
    put(json, u"place"_s, item.place);
    put(json, u"thread"_s, item.thread);
    put(json, u"source"_s, item.source);
    put(json, u"user"_s, item.user);
    put(json, u"ticket"_s, item.ticket);
    put(json, u"backend"_s, item.backend);
    put(json, u"runtime"_s, item.runtime);
    if (!item.lockHolder.isEmpty()) {
        Json lock = Json::object({{u"holder"_s, item.lockHolder}, {u"engine"_s, item.lockEngine}});
        put(lock, u"acquired_at"_s, item.lockAcquiredAt);
        put(lock, u"expires_at"_s, item.lockExpiresAt);
        json.set(u"lock"_s, lock);
    }
    json.set(u"fence"_s, item.fence);
    json.set(u"open_deliveries"_s, item.open);
    put(json, u"last_activity_at"_s, item.lastActivityAt);
    put(json, u"created_at"_s, item.createdAt);
    put(json, u"updated_at"_s, item.updatedAt);
    return json;
}

Json toJson(const DeliveryItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.state}, {u"rev"_s, item.rev}});
    put(json, u"waits_for"_s, item.waitsFor);
    put(json, u"outcome"_s, item.outcome);
    put(json, u"prompt_state"_s, item.promptState);
    put(json, u"stage"_s, item.stage);
    put(json, u"retry_of"_s, item.parentId);
    put(json, u"channel"_s, item.channel);
    put(json, u"tenant"_s, item.tenant);
    put(json, u"place"_s, item.place);
    put(json, u"thread"_s, item.thread);
    put(json, u"message_ts"_s, item.messageTs);
    put(json, u"user"_s, item.user);
    put(json, u"installation"_s, item.installation);
    put(json, u"session"_s, item.sessionId);
    put(json, u"backend"_s, item.backend);
    put(json, u"engine"_s, item.engine);
    json.set(u"mentioned"_s, item.mentioned);
    json.set(u"direct"_s, item.direct);
    json.set(u"attempts"_s, item.attempts);
    json.set(u"fence"_s, item.fence);
    put(json, u"next_try_at"_s, item.nextTryAt);
    put(json, u"error_code"_s, item.errorCode);
    put(json, u"error"_s, item.errorText);
    put(json, u"resolution"_s, item.resolution);
    put(json, u"created_at"_s, item.createdAt);
    put(json, u"claimed_at"_s, item.claimedAt);
    put(json, u"prompt_sent_at"_s, item.promptSentAt);
    put(json, u"accepted_at"_s, item.acceptedAt);
    put(json, u"turn_ended_at"_s, item.turnEndedAt);
    put(json, u"finished_at"_s, item.finishedAt);
    put(json, u"updated_at"_s, item.updatedAt);
    return json;
}

Json toJson(const AttemptItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"number"_s, item.number}, {u"what"_s, item.what}});
    put(json, u"target"_s, item.target);
    put(json, u"outcome"_s, item.outcome);
    put(json, u"error_code"_s, item.errorCode);
    put(json, u"error"_s, item.errorText);
    // Summaries are JSON of our own making.
    if (const auto sent = Json::parse(item.sent.toUtf8()); sent)
        json.set(u"sent"_s, *sent);
    if (const auto received = Json::parse(item.received.toUtf8()); received)
        json.set(u"received"_s, *received);
    put(json, u"started_at"_s, item.startedAt);
    put(json, u"ended_at"_s, item.endedAt);
    return json;
}

Json toJson(const OutboundItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.state}, {u"rev"_s, item.rev}});
    put(json, u"delivery"_s, item.deliveryId);
    put(json, u"kind"_s, item.kind);
    put(json, u"op"_s, item.op);
    put(json, u"place"_s, item.place);
    put(json, u"thread"_s, item.thread);
    json.set(u"part"_s, item.part);
    json.set(u"parts"_s, item.parts);
    json.set(u"attempts"_s, item.attempts);
    put(json, u"error_code"_s, item.errorCode);
    put(json, u"channel_ts"_s, item.channelTs);
    if (item.maybeDoubled)
        json.set(u"maybe_doubled"_s, true);
    put(json, u"next_try_at"_s, item.nextTryAt);
    put(json, u"created_at"_s, item.createdAt);
    put(json, u"updated_at"_s, item.updatedAt);
    return json;
}

Json toJson(const TimelineEntry &entry)
{
    Json json = Json::object({{u"lane"_s, entry.lane}, {u"what"_s, entry.what}});
    put(json, u"detail"_s, entry.detail);
    put(json, u"from"_s, entry.from);
    put(json, u"to"_s, entry.to);
    if (entry.open)
        json.set(u"open"_s, true);
    if (entry.failed)
        json.set(u"failed"_s, true);
    return json;
}

Json toJson(const DeliveryDetail &detail)
{
    Json json = toJson(detail.item);
    json.set(u"attempt_list"_s, arrayOf(detail.attempts));
    json.set(u"outbound"_s, arrayOf(detail.outbound));
    json.set(u"timeline"_s, arrayOf(detail.timeline));
    return json;
}

Json toJson(const RuntimeItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.phase}, {u"rev"_s, item.rev}});
    put(json, u"backend"_s, item.backend);
    put(json, u"namespace"_s, item.nameSpace);
    put(json, u"instance_id"_s, item.instanceId);
    put(json, u"phase"_s, item.phase);
    put(json, u"phase_source"_s, item.phaseSource);
    put(json, u"phase_at"_s, item.phaseAt);
    put(json, u"error_code"_s, item.detail);
    json.set(u"sessions"_s, item.sessions);
    json.set(u"events"_s, item.events);
    put(json, u"created_at"_s, item.createdAt);
    put(json, u"updated_at"_s, item.updatedAt);
    return json;
}

Json toJson(const ForwardItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.state}, {u"backend"_s, item.target}});
    put(json, u"lifecycle_event"_s, item.eventId);
    json.set(u"attempts"_s, item.attempts);
    put(json, u"error_code"_s, item.errorCode);
    put(json, u"replay_of"_s, item.replayOf);
    put(json, u"actor"_s, item.actor);
    put(json, u"next_try_at"_s, item.nextTryAt);
    put(json, u"created_at"_s, item.createdAt);
    put(json, u"updated_at"_s, item.updatedAt);
    return json;
}

Json toJson(const LifecycleEventItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.state}, {u"rev"_s, item.rev}});
    put(json, u"runtime"_s, item.runtimeId);
    put(json, u"backend"_s, item.backend);
    put(json, u"namespace"_s, item.nameSpace);
    put(json, u"instance_id"_s, item.instanceId);
    json.set(u"position"_s, item.position);
    put(json, u"phase"_s, item.phase);
    put(json, u"reason"_s, item.reason);
    put(json, u"source"_s, item.source);
    put(json, u"event_id"_s, item.eventId);
    json.set(u"moved"_s, item.moved);
    json.set(u"unbound"_s, item.unbound);
    put(json, u"observed_at"_s, item.observedAt);
    put(json, u"created_at"_s, item.receivedAt);
    put(json, u"updated_at"_s, item.updatedAt);
    json.set(u"forwards"_s, arrayOf(item.forwards));
    return json;
}

namespace {
Json countsOf(const QMap<QString, qint64> &counts)
{
    Json json = Json::object();
    for (auto entry = counts.begin(); entry != counts.end(); ++entry)
        json.set(entry.key(), entry.value());
    return json;
}
} // namespace

Json toJson(const EngineStatus &status)
{
    Json json = Json::object({{u"engine_id"_s, status.engineId}, {u"incarnation"_s, status.incarnation}});
    put(json, u"cluster_id"_s, status.clusterId);
    json.set(u"version"_s, status.version);
    json.set(u"database"_s, status.database);
    put(json, u"ingress"_s, status.ingress);
    put(json, u"admin"_s, status.admin);
    json.set(u"ready"_s, status.ready);
    Json reasons = Json::array();
    for (const QString &reason : status.reasons)
        reasons.append(reason);
    json.set(u"reasons"_s, reasons);
    json.set(u"sandbox"_s, status.sandbox);
    put(json, u"started_at"_s, status.startedAt);
    json.set(u"deliveries"_s, countsOf(status.deliveries));
    json.set(u"sessions"_s, countsOf(status.sessions));
    put(json, u"oldest_unfinished_at"_s, status.oldestUnfinishedAt);
    json.set(u"need_person"_s, status.needPerson);
    json.set(u"in_flight"_s, status.inFlight);
    json.set(u"ingest_queue"_s, status.ingestQueue);
    json.set(u"ingest_queue_limit"_s, status.ingestQueueLimit);
    json.set(u"commit_p99_ms"_s, status.commitP99Ms);
    json.set(u"feed_lag_ms"_s, status.feedLagMs);
    json.set(u"now"_s, toMs(status.now));
    return json;
}

Json toJson(const ActionResult &result)
{
    Json json = Json::object({{u"id"_s, result.id}, {u"state"_s, result.state}});
    if (result.fence > 0)
        json.set(u"fence"_s, result.fence);
    return json;
}

Json toJson(const LockItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"rev"_s, item.rev}, {u"holder"_s, item.holder}});
    put(json, u"channel"_s, item.channel);
    put(json, u"tenant"_s, item.tenant);
    put(json, u"place"_s, item.place);
    put(json, u"thread"_s, item.thread);
    put(json, u"backend"_s, item.backend);
    put(json, u"holder_state"_s, item.holderState);
    put(json, u"holder_stage"_s, item.holderStage);
    put(json, u"prompt_state"_s, item.promptState);
    put(json, u"holder_updated_at"_s, item.holderUpdatedAt);
    put(json, u"engine"_s, item.engine);
    put(json, u"lease_until"_s, item.leaseUntil);
    json.set(u"engine_alive"_s, item.engineAlive);
    put(json, u"acquired_at"_s, item.acquiredAt);
    put(json, u"expires_at"_s, item.expiresAt);
    json.set(u"fence"_s, item.fence);
    json.set(u"waiters"_s, item.waiters);
    return json;
}

Json toJson(const AuditItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"actor"_s, item.actor}, {u"action"_s, item.action}});
    put(json, u"at"_s, item.at);
    put(json, u"kind"_s, item.subjectKind);
    put(json, u"subject"_s, item.subject);
    put(json, u"reason"_s, item.reason);
    put(json, u"result"_s, item.result);
    return json;
}

Json toJson(const PauseItem &item)
{
    Json json = Json::object({{u"scope"_s, item.scope}, {u"id"_s, item.id}, {u"what"_s, item.what}});
    put(json, u"who"_s, item.who);
    put(json, u"reason"_s, item.reason);
    put(json, u"since"_s, item.since);
    put(json, u"until"_s, item.until);
    return json;
}

Json toJson(const InstallationItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.state}, {u"channel"_s, item.channel}});
    put(json, u"tenant"_s, item.tenant);
    put(json, u"app"_s, item.app);
    put(json, u"backend"_s, item.backend);
    put(json, u"trouble"_s, item.trouble);
    put(json, u"trouble_since"_s, item.troubleSince);
    put(json, u"trouble_words"_s, troubleWords(item.trouble));
    json.set(u"has_token"_s, item.hasToken);
    if (!isNever(item.disconnectSince)) {
        Json disconnect = Json::object({{u"attempts"_s, item.disconnectAttempts}});
        put(disconnect, u"since"_s, item.disconnectSince);
        put(disconnect, u"error_code"_s, item.disconnectError);
        json.set(u"disconnect"_s, disconnect);
    }
    json.set(u"rev"_s, item.rev);
    json.set(u"pauses"_s, arrayOf(item.pauses));
    return json;
}

Json toJson(const BackendItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"kind"_s, item.kind}});
    json.set(u"pauses"_s, arrayOf(item.pauses));
    return json;
}

Json toJson(const EngineItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.state}});
    json.set(u"incarnation"_s, item.incarnation);
    put(json, u"host"_s, item.host);
    json.set(u"pid"_s, item.pid);
    put(json, u"version"_s, item.version);
    put(json, u"config_hash"_s, item.configHash);
    json.set(u"config_differs"_s, item.configDiffers);
    json.set(u"deliveries"_s, item.deliveries);
    json.set(u"outbound"_s, item.outbound);
    put(json, u"lease_until"_s, item.leaseUntil);
    put(json, u"started_at"_s, item.startedAt);
    put(json, u"ended_at"_s, item.endedAt);
    json.set(u"rev"_s, item.rev);
    return json;
}

Json toJson(const InteractionItem &item)
{
    Json json = Json::object({{u"id"_s, item.id}, {u"state"_s, item.state}, {u"origin"_s, item.origin}});
    put(json, u"kind"_s, item.kind);
    put(json, u"installation"_s, item.installation);
    put(json, u"channel"_s, item.channel);
    put(json, u"tenant"_s, item.tenant);
    put(json, u"place"_s, item.place);
    put(json, u"thread"_s, item.thread);
    put(json, u"session"_s, item.sessionId);
    put(json, u"delivery"_s, item.deliveryId);
    Json people = Json::array();
    for (const QString &person : item.answerers.split(u' ', Qt::SkipEmptyParts))
        people.append(person);
    json.set(u"answerers"_s, people);
    Json kinds = Json::array();
    for (const QString &kind : item.optionKinds)
        kinds.append(kind);
    json.set(u"option_kinds"_s, kinds);
    put(json, u"chosen_kind"_s, item.chosenKind);
    put(json, u"answered_by"_s, item.answeredBy);
    put(json, u"error_code"_s, item.errorCode);
    put(json, u"engine"_s, item.engine);
    if (!item.webhook.isEmpty()) {
        Json call = Json::object({{u"name"_s, item.webhook}, {u"state"_s, item.webhookState}});
        call.set(u"attempts"_s, item.webhookAttempts);
        put(call, u"error_code"_s, item.webhookError);
        json.set(u"webhook"_s, std::move(call));
    }
    put(json, u"channel_ts"_s, item.channelTs);
    put(json, u"created_at"_s, item.createdAt);
    put(json, u"expires_at"_s, item.expiresAt);
    put(json, u"clicked_at"_s, item.clickedAt);
    put(json, u"accepted_at"_s, item.acceptedAt);
    put(json, u"card_updated_at"_s, item.cardUpdatedAt);
    put(json, u"resolved_at"_s, item.resolvedAt);
    put(json, u"updated_at"_s, item.updatedAt);
    json.set(u"rev"_s, item.rev);
    return json;
}

Json toJson(const Explanation &explanation)
{
    Json links = Json::array();
    for (const ExplainLink &link : explanation.links) {
        Json json = Json::object({{u"kind"_s, link.kind}, {u"what"_s, link.what}});
        put(json, u"id"_s, link.id);
        put(json, u"since"_s, link.since);
        put(json, u"evidence"_s, link.evidence);
        put(json, u"action"_s, link.action);
        links.append(std::move(json));
    }
    return Json::object(
        {{u"id"_s, explanation.id}, {u"links"_s, std::move(links)}, {u"action"_s, explanation.action}});
}

} // namespace signalbox::admin
