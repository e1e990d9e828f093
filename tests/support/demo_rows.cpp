// SPDX-License-Identifier: Apache-2.0
#include "support/demo_rows.h"

#include <array>

namespace signalbox::testing {

using namespace Qt::StringLiterals;
using namespace domain;
using namespace std::chrono_literals;

namespace {

constexpr std::array<const char16_t *, 6> kPlaces{
    u"C024BE7LR", u"C061EG9SL", u"C0J5QK2TB", u"D06F2R8AK", u"C09XTD3PV", u"G01KX7E5M"};
constexpr std::array<const char16_t *, 5> kUsers{
    u"U02H8QFTR", u"U05KD1ZPA", u"U01M6WCE9", u"U07RJ4NBX", u"U03SV2LGY"};
constexpr std::array<const char16_t *, 12> kStates{u"running", u"waiting", u"waiting", u"pending",
    u"completed", u"completed", u"dead", u"completed", u"unconfirmed", u"completed", u"cancelled",
    u"completed"};
constexpr std::array<const char16_t *, 4> kWaits{u"lock", u"retry", u"outbound", u"runtime"};

template <size_t N>
QString pick(const std::array<const char16_t *, N> &from, int number)
{
    return QString::fromUtf16(from[static_cast<size_t>(number) % N]);
}

QString demoId(Instant at, int number)
{
    return u"%1-%2-7%3-8%4-%5"_s.arg(toMs(at) >> 16, 8, 16, QChar(u'0'))
        .arg(toMs(at) & 0xffff, 4, 16, QChar(u'0'))
        .arg(number % 4096, 3, 16, QChar(u'0'))
        .arg((number * 37) % 4096, 3, 16, QChar(u'0'))
        .arg(number * 7919LL % 281474976710655LL, 12, 16, QChar(u'0'));
}

QString tsOf(Instant at, int number)
{
    return u"%1.%2"_s.arg(toMs(at) / 1000).arg(number * 101 % 1'000'000, 6, 10, QChar(u'0'));
}

TimelineEntry entry(const char16_t *lane, const char16_t *what, Instant from, Instant to, bool open = false,
    bool failed = false)
{
    TimelineEntry e;
    e.lane = QString::fromUtf16(lane);
    e.what = QString::fromUtf16(what);
    e.from = from;
    e.to = to;
    e.open = open;
    e.failed = failed;
    return e;
}

AttemptItem attempt(const DeliveryItem &item, int number, const char16_t *what, const QString &outcome,
    Millis after, Millis took)
{
    AttemptItem a;
    a.id = item.id + u"-a"_s + QString::number(number);
    a.number = number;
    a.what = QString::fromUtf16(what);
    a.target = a.what == u"turn" ? item.backend : u"chat.postMessage"_s;
    a.outcome = outcome;
    a.startedAt = item.createdAt + after;
    a.endedAt = outcome == u"running" ? Instant() : a.startedAt + took;
    a.sent = a.what == u"turn"
        ? u"session/prompt\n  sessionId  sess_7f2a91c4\n  prompt     text, 184 characters (redacted)\n  context    message_ts %1"_s
              .arg(item.messageTs)
        : u"chat.postMessage\n  channel    %1\n  thread_ts  %2\n  text       312 characters (redacted)"_s.arg(
            item.place, item.thread);
    a.received = outcome == u"running" ? QString()
        : outcome == u"failed"
        ? u"503 Service Unavailable\n  retry-after  4\n  body         96 bytes (redacted)"_s
        : u"stopReason  end_turn\n  updates     14\n  text        312 characters (redacted)"_s;
    if (outcome == u"failed") {
        a.errorCode = item.errorCode.isEmpty() ? u"unavailable"_s : item.errorCode;
        a.errorText = u"the registry answered 503"_s;
    }
    return a;
}

void setProgress(DeliveryItem &item, int number)
{
    const bool ended = item.state == u"completed" || item.state == u"dead" || item.state == u"unconfirmed"
        || item.state == u"cancelled";
    const Instant at = item.createdAt;
    if (item.state == u"pending" || item.waitsFor == u"lock")
        return;
    item.attempts = item.state == u"dead" ? 5 : 1 + number % 2;
    item.claimedAt = at + 180ms;
    item.engine = u"eng-1"_s;
    if (item.state == u"cancelled" || item.waitsFor == u"runtime" || item.waitsFor == u"retry")
        return;
    item.promptSentAt = at + 1200ms;
    item.promptState = u"sending"_s;
    if (item.state != u"unconfirmed") {
        item.acceptedAt = at + 1900ms;
        item.promptState = u"accepted"_s;
    }
    if (ended || item.waitsFor == u"outbound")
        item.turnEndedAt = at + Millis(4000 + number * 811 % 9000);
    if (ended)
        item.finishedAt = item.turnEndedAt + 640ms;
}

} // namespace

DeliveryItem demoDelivery(int number, Instant now)
{
    DeliveryItem item;
    item.createdAt = now - Millis(2300 + qint64(number) * 7300 + number * 373 % 5000);
    item.id = demoId(item.createdAt, number);
    item.state = number > 60 ? (number % 17 == 0 ? u"dead"_s : u"completed"_s) : pick(kStates, number);
    if (item.state == u"waiting")
        item.waitsFor = pick(kWaits, number);
    if (item.state == u"completed")
        item.outcome = number % 7 == 4 ? u"ignored"_s : number % 9 == 5 ? u"no_reply"_s : u"delivered"_s;
    item.promptState = u"none"_s;
    item.channel = u"slack"_s;
    item.tenant = u"T0HB9K4PZ"_s;
    item.place = pick(kPlaces, number);
    item.direct = item.place.startsWith(u'D');
    item.mentioned = !item.direct && number % 3 == 0;
    item.messageTs = tsOf(item.createdAt, number);
    if (!item.direct)
        item.thread = tsOf(item.createdAt - Millis(number % 4 * 90'000), number);
    item.user = pick(kUsers, number * 3);
    item.installation = u"acme-slack"_s;
    item.sessionId = u"se_%1%2"_s.arg(toMs(item.createdAt) / 1000, 8, 16, QChar(u'0'))
                         .arg(number * 104'729LL, 26, 16, QChar(u'0'));
    item.backend = number % 3 ? u"claude-desk"_s : u"spritz-prod"_s;
    setProgress(item, number);
    if (item.waitsFor == u"retry") {
        item.nextTryAt = now + Millis(4000 + number * 900);
        item.errorCode = u"unavailable"_s;
        item.errorText = u"registry: 503 Service Unavailable"_s;
    }
    if (item.state == u"dead") {
        item.errorCode = number % 2 ? u"deadline_exceeded"_s : u"runtime_lost"_s;
        item.errorText = u"no frame for 600 s after the prompt was accepted"_s;
    }
    item.fence = 3;
    item.rev = 10;
    item.updatedAt = std::max(item.createdAt, item.finishedAt);
    return item;
}

SessionItem demoSession(int number, Instant now)
{
    const DeliveryItem delivery = demoDelivery(number, now);
    SessionItem item;
    item.id = delivery.sessionId;
    item.state = number % 5 == 0 ? u"running"_s : number % 5 == 1 ? u"waiting"_s : u"idle"_s;
    if (number > 24)
        item.state = u"idle"_s;
    item.channel = delivery.channel;
    item.tenant = delivery.tenant;
    item.place = delivery.place;
    item.thread = delivery.thread;
    item.backend = delivery.backend;
    item.runtime = u"sess_%1"_s.arg(number * 0x9e3779b1LL % 0xffffffffLL, 8, 16, QChar(u'0'));
    if (item.state == u"running") {
        item.lockHolder = delivery.id;
        item.lockEngine = u"eng-1"_s;
        item.lockAcquiredAt = delivery.createdAt + 180ms;
        item.lockExpiresAt = now + 170s;
    }
    item.open = item.state == u"idle" ? 0 : 1 + number % 3;
    item.fence = 3 + number % 11;
    item.createdAt = delivery.createdAt;
    item.lastActivityAt = delivery.createdAt + 2s;
    item.updatedAt = item.lastActivityAt;
    item.rev = 10;
    return item;
}

DeliveryDetail demoDetail(const DeliveryItem &item)
{
    DeliveryDetail d;
    d.item = item;
    const Instant at = item.createdAt;
    const bool ended = !isNever(item.turnEndedAt);
    const bool failed = item.state == u"dead";
    d.timeline.append(entry(u"inbound", u"received", at, Instant()));
    if (isNever(item.claimedAt)) {
        d.timeline.append(entry(u"lock", u"waiting", at, Instant(), true));
        return d;
    }
    d.timeline.append(entry(u"lock", u"waiting", at, item.claimedAt));
    d.timeline.append(entry(u"lock", u"held", item.claimedAt, item.turnEndedAt, !ended));
    if (isNever(item.promptSentAt))
        return d;
    d.timeline.append(entry(u"turn", u"prompt_sent", item.promptSentAt, Instant()));
    if (!isNever(item.acceptedAt))
        d.timeline.append(entry(u"turn", u"accepted", item.acceptedAt, item.turnEndedAt, !ended, failed));
    d.attempts.append(attempt(item, 1, u"turn",
        item.attempts > 1 ? u"failed"_s
            : ended       ? u"ok"_s
                          : u"running"_s,
        300ms, 620ms));
    if (item.attempts > 1)
        d.attempts.append(attempt(
            item, 2, u"turn", ended ? u"ok"_s : u"running"_s, 1200ms, item.turnEndedAt - item.promptSentAt));
    d.timeline.append(entry(u"outbound", u"status", item.promptSentAt + 200ms, item.promptSentAt + 520ms));
    if (!ended)
        return d;
    d.timeline.append(entry(u"turn", u"ended", item.turnEndedAt, Instant()));
    d.timeline.append(
        entry(u"outbound", failed ? u"notice" : u"reply", item.turnEndedAt + 40ms, item.finishedAt));
    d.attempts.append(attempt(item, static_cast<int>(d.attempts.size()) + 1, u"post", u"ok"_s,
        item.turnEndedAt + 40ms - at, 430ms));
    OutboundItem out;
    out.id = item.id + u"-o1"_s;
    out.deliveryId = item.id;
    out.kind = failed ? u"notice"_s : u"reply"_s;
    out.op = u"post"_s;
    out.state = item.waitsFor == u"outbound" ? u"sending"_s : u"sent"_s;
    out.attempts = 1;
    out.channelTs = tsOf(item.turnEndedAt, 77);
    out.createdAt = item.turnEndedAt + 40ms;
    d.outbound.append(out);
    return d;
}

InstallationItem demoInstallation(int number, Instant now)
{
    InstallationItem item;
    item.channel = u"slack"_s;
    item.tenant = u"T0HB9K%1PZ"_s.arg(number);
    item.app = u"A07QWE%1RT"_s.arg(number);
    item.id = item.channel + u':' + item.tenant + u':' + item.app;
    item.backend = number % 3 ? u"claude-desk"_s : u"spritz-prod"_s;
    item.state = number == 5 ? u"absent"_s : number == 4 ? u"revoked"_s : u"active"_s;
    item.hasToken = number % 2 == 0 && number < 4;
    item.rev = 3;
    if (number == 1 || number == 4) {
        item.trouble = number == 1 ? u"missing_scope"_s : u"app_uninstalled"_s;
        item.troubleSince = now - Millis(4'300'000);
    }
    if (number == 2 || number == 3) {
        PauseItem pause;
        pause.scope = number == 2 ? u"installation"_s : u"backend"_s;
        pause.id = number == 2 ? item.id : item.backend;
        pause.what = u"outbound"_s;
        pause.who = u"token:ops"_s;
        pause.reason = u"the workspace is being moved"_s;
        pause.since = now - Millis(900'000);
        pause.until = number == 2 ? now + Millis(2'700'000) : Instant();
        item.pauses << pause;
        if (number == 2) {
            pause.what = u"delivery"_s;
            pause.until = Instant();
            item.pauses << pause;
        }
    }
    return item;
}

EngineItem demoEngine(int number, Instant now)
{
    EngineItem item;
    item.id = u"gateway-%1"_s.arg(number);
    item.state = number == 3 ? u"lost"_s : number == 4 ? u"ended"_s : u"live"_s;
    item.incarnation = 4 + number;
    item.host = u"node-%1"_s.arg(number);
    item.pid = 2100 + number;
    item.version = u"0.1.0"_s;
    item.configHash = number == 2 ? u"91c2e07f5ab3d4418e60"_s : u"4be1f90a77d2c3568fa1"_s;
    item.configDiffers = number < 3;
    item.deliveries = number < 3 ? 7 * number : 0;
    item.outbound = number < 3 ? 1 : 0;
    item.leaseUntil = number < 3 ? now + Millis(11'000) : Instant();
    item.startedAt = now - Millis(7'200'000 * number);
    item.endedAt = number < 3 ? Instant() : now - Millis(300'000 * number);
    item.rev = 2;
    return item;
}

AuditItem demoAudit(int number, Instant now)
{
    constexpr std::array<const char16_t *, 7> kActions{u"pause:outbound", u"release", u"replay", u"cancel",
        u"confirm:abandoned", u"resume:delivery", u"stale_write"};
    constexpr std::array<const char16_t *, 7> kSubjectKinds{
        u"installation", u"session", u"lifecycle_event", u"delivery", u"delivery", u"engine", u"session"};
    constexpr std::array<const char16_t *, 4> kReasons{u"the workspace is being moved",
        u"it hangs, and its person waits", u"the webhook was down", u"asked twice"};
    AuditItem item;
    item.at = now - Millis(40'000 + number * 613'000LL);
    item.id = demoId(item.at, number);
    item.action = pick(kActions, number);
    item.actor = number % 3 ? u"token:ops"_s : u"user:maria"_s;
    item.subjectKind = pick(kSubjectKinds, number);
    item.subject = item.subjectKind == u"installation" ? demoInstallation(2, now).id
        : item.subjectKind == u"session"               ? demoSession(number, now).id
        : item.subjectKind == u"engine"                ? u"all"_s
                                                       : demoDelivery(number, now).id;
    item.reason = pick(kReasons, number);
    item.result = item.action.startsWith(u"pause") ? u"paused:outbound"_s : u"ok"_s;
    return item;
}

LifecycleEventItem demoEvent(int number, Instant now)
{
    constexpr std::array<const char16_t *, 5> kPhases{u"Ready", u"Expiring", u"Expired", u"Error", u"Lost"};
    constexpr std::array<const char16_t *, 4> kForwarding{u"forwarded", u"forwarding", u"dead", u"none"};
    LifecycleEventItem item;
    item.receivedAt = item.observedAt = item.updatedAt = now - Millis(20'000 + number * 97'000LL);
    item.id = demoId(item.receivedAt, number);
    item.eventId = u"evt_%1"_s.arg(number * 0x9e3779b1LL % 0xffffffffLL, 8, 16, QChar(u'0'));
    item.state = pick(kForwarding, number);
    item.phase = pick(kPhases, number);
    item.backend = u"spritz-prod"_s;
    item.nameSpace = u"spritz"_s;
    item.instanceId = u"otter-%1"_s.arg(number % 7);
    item.runtimeId = item.backend + u'|' + item.nameSpace + u'|' + item.instanceId;
    item.position = 10 + number;
    item.source = number % 2 ? u"reported"_s : u"observed"_s;
    item.reason = number % 5 == 2 ? u"idle for 30 minutes"_s : QString();
    item.moved = true;
    item.unbound = number % 5 == 2 ? 2 : 0;
    item.rev = 2;
    if (item.state != u"none") {
        ForwardItem forward;
        forward.id = item.id + u"-f"_s;
        forward.target = item.backend;
        forward.state = item.state == u"forwarded" ? u"sent"_s
            : item.state == u"dead"                ? u"dead"_s
                                                   : u"retry"_s;
        forward.attempts = item.state == u"forwarded" ? 1 : 4;
        forward.errorCode = item.state == u"forwarded" ? QString() : u"http_500"_s;
        item.forwards << forward;
    }
    return item;
}

EngineStatus demoStatus(Instant now)
{
    EngineStatus s;
    s.engineId = u"019aa3f0-51c2-7d11-9f0e-4c21ab90d7e3"_s;
    s.incarnation = 4;
    s.clusterId = u"019aa3ef-0000-7000-8000-5d1a66e2b0c4"_s;
    s.version = u"0.1.0"_s;
    s.database = u"sqlite"_s;
    s.ingress = u"127.0.0.1:8080"_s;
    s.admin = u"127.0.0.1:8081"_s;
    s.ready = true;
    s.sandbox = true;
    s.now = now;
    s.startedAt = now - 3h;
    s.deliveries = {{u"pending"_s, 5}, {u"running"_s, 6}, {u"waiting"_s, 11}, {u"completed"_s, 11'823},
        {u"dead"_s, 9}, {u"unconfirmed"_s, 4}, {u"cancelled"_s, 31}};
    s.sessions = {{u"running"_s, 6}, {u"waiting"_s, 5}, {u"idle"_s, 412}};
    s.needPerson = 13;
    s.forwarding = 3;
    s.inFlight = 6;
    s.ingestQueue = 0;
    s.ingestQueueLimit = 1000;
    s.commitP99Ms = 3.4;
    return s;
}

void fillDemo(FakeOperatorApi &api, int deliveries, int sessions, Instant now)
{
    for (int i = 0; i < deliveries; ++i) { // the newest first: each goes to the end of the list
        const DeliveryItem item = demoDelivery(i, now);
        api.add(item);
        if (i < 100)
            api.setDetail(demoDetail(item));
    }
    for (int i = 0; i < sessions; ++i)
        api.add(demoSession(i, now));
    if (sessions == 0) // a test fills in its own
        return;
    for (int i = 0; i < 6; ++i)
        api.installationItems << demoInstallation(i, now);
    for (int i = 1; i <= 4; ++i)
        api.engineItems << demoEngine(i, now);
    for (int i = 0; i < 40; ++i)
        api.auditItems << demoAudit(i, now);
    for (int i = 19; i >= 0; --i)
        api.add(demoEvent(i, now));
}

} // namespace signalbox::testing
