// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QList>
#include <QMap>
#include <QMetaType>
#include <QString>
#include <QStringList>

namespace signalbox::domain {

// What an operator sees: immutable value types, made by the store, carried by OperatorApi, shown by the
// console and the HTTP API. States are the words of the vocabulary (DESIGN.md), so that one table of words
// serves all of them. Nothing here holds what people wrote. `rev` grows with every change of a row: readers
// drop older ones.

struct SessionItem
{
    SessionItem() = default;
    QString id;
    QString state; // running | waiting | idle; waiting: something is queued and nothing runs
    QString channel;
    QString tenant;
    QString place;
    QString thread; // empty: the whole place
    QString source; // slack | web | cli: who may make it, and how
    QString user; // who caused it; empty: not known
    QString ticket; // empty: none
    QString backend;
    QString runtime; // the agent's own session id, or empty
    QString lockHolder; // a delivery id, or empty
    QString lockEngine;
    Instant lockAcquiredAt;
    Instant lockExpiresAt;
    qint64 fence = 0;
    int open = 0; // deliveries whose turn is not over, the running one included
    Instant lastActivityAt;
    Instant createdAt;
    Instant updatedAt;
    qint64 rev = 0;
};

struct DeliveryItem
{
    DeliveryItem() = default;
    QString id;
    QString state; // pending | running | waiting | completed | cancelled | dead | unconfirmed
    QString waitsFor; // of a waiting one: lock | runtime | person | retry | token | outbound
    QString outcome; // of a completed one: delivered | no_reply | ignored
    QString promptState; // none | sending | accepted
    QString stage; // of a held one: binding | recovering | opening | prompting | adopting
    QString parentId; // of a retry: the delivery that it tries once more
    QString channel;
    QString tenant;
    QString place;
    QString thread;
    QString messageTs;
    QString user;
    QString installation;
    QString sessionId;
    QString backend;
    QString engine; // of a running one
    bool mentioned = false;
    bool direct = false;
    int attempts = 0;
    Instant nextTryAt;
    QString errorCode;
    QString errorText; // for developers; never what people wrote
    QString resolution;
    qint64 fence = 0;
    Instant createdAt; // accepted from the channel
    Instant claimedAt;
    Instant promptSentAt;
    Instant acceptedAt;
    Instant turnEndedAt;
    Instant finishedAt;
    Instant updatedAt;
    qint64 rev = 0;
};

// One try at something on behalf of a delivery.
struct AttemptItem
{
    AttemptItem() = default;
    QString id;
    int number = 0;
    QString what; // turn | post | react | unreact | edit
    QString target; // a backend or an API method
    QString outcome; // running | ok | failed | unknown
    QString errorCode;
    QString errorText;
    QString sent; // a redacted summary of the request
    QString received; // a redacted summary of the answer
    Instant startedAt;
    Instant endedAt;
};

struct OutboundItem
{
    OutboundItem() = default;
    QString id;
    QString deliveryId;
    QString kind; // reply | status | notice | reaction | card
    QString op; // post | react | unreact | edit
    QString state; // pending | sending | sent | refused | retry | unknown | dead | cancelled
    QString place;
    QString thread;
    int part = 1;
    int parts = 1;
    int attempts = 0;
    QString errorCode;
    QString channelTs; // what the channel called the message
    bool maybeDoubled = false;
    Instant nextTryAt;
    Instant createdAt;
    Instant updatedAt;
    qint64 rev = 0;
};

// A point or a span on one of the lanes of a delivery's timeline.
struct TimelineEntry
{
    TimelineEntry() = default;
    QString lane; // inbound | lock | turn | outbound
    QString what; // received | waiting | held | prompt_sent | accepted | ended | reply | status | notice |
                  // reaction
    QString detail; // an id or a code
    Instant from;
    Instant to; // never: a point, or still going on
    bool open = false; // a span that has not ended
    bool failed = false;
};

struct DeliveryDetail
{
    DeliveryDetail() = default;
    DeliveryItem item;
    QList<AttemptItem> attempts;
    QList<OutboundItem> outbound;
    QList<TimelineEntry> timeline;
};

// A runtime of a backend, as it was last reported or observed (DESIGN.md "Lifecycle").
struct RuntimeItem
{
    RuntimeItem() = default;
    QString id;
    QString backend;
    QString nameSpace;
    QString instanceId;
    QString phase; // as reported, or ready | lost | exited
    QString phaseSource; // reported | observed
    QString detail; // an error code
    int sessions = 0; // bound to it
    qint64 events = 0;
    Instant phaseAt;
    Instant createdAt;
    Instant updatedAt;
    qint64 rev = 0;
};

// One lifecycle event on its way to one backend's webhook.
struct ForwardItem
{
    ForwardItem() = default;
    QString id;
    QString eventId; // the event's row
    QString target; // a backend
    QString state; // pending | sending | sent | retry | dead
    int attempts = 0;
    QString errorCode;
    QString replayOf; // a forward, when an operator asked for this one
    QString actor; // who asked; empty: nobody, it is the event's own
    Instant nextTryAt;
    Instant createdAt;
    Instant updatedAt;
};

struct LifecycleEventItem
{
    LifecycleEventItem() = default;
    QString id;
    QString state; // none | forwarding | forwarded | dead: what became of its forwards
    QString runtimeId;
    QString backend;
    QString nameSpace;
    QString instanceId;
    qint64 position = 0; // in the order of its runtime's events, from 1
    QString phase;
    QString reason;
    QString source; // reported | observed
    QString eventId; // as reported, or our own
    bool moved = false; // it was not older than what was known
    int unbound = 0; // sessions
    Instant observedAt;
    Instant receivedAt;
    Instant updatedAt;
    qint64 rev = 0;
    QList<ForwardItem> forwards;
};

// What list calls take. Pages are keyset pages: a cursor is opaque and stays valid while rows come and go.
struct ListQuery
{
    ListQuery() = default;
    int limit = 100; // 1 to 500
    QString cursor; // empty: from the start
    bool oldestFirst = false; // by creation; newest first otherwise
    QStringList states; // empty: all
    QString session; // deliveries of this session only; empty: all
    QString text; // a prefix of an id, or a whole place, thread, ts, user or tenant; empty: all
};

template <class Item>
struct Page
{
    Page() = default;
    QList<Item> items;
    QString nextCursor; // empty: this was the last page
    qint64 total = 0;
    bool totalIsExact = true; // totals are exact up to 10,000
    QString asOf; // a stream of changes from this cursor on has all that this page has not
};

struct EngineStatus
{
    EngineStatus() = default;
    QString engineId;
    qint64 incarnation = 0;
    QString clusterId;
    QString version;
    QString database; // sqlite | postgresql
    QString ingress; // host:port, or "-"
    QString admin;
    bool ready = false;
    QStringList reasons; // why it is not ready
    bool sandbox = false;
    Instant now;
    Instant startedAt;
    QMap<QString, qint64> deliveries; // by state; waiting also as waiting:<what>
    QMap<QString, qint64> sessions; // by state
    Instant oldestUnfinishedAt; // never: none
    qint64 needPerson = 0; // dead and unconfirmed without a resolution
    qint64 forwarding = 0; // forwards of lifecycle events that are under way
    int inFlight = 0;
    int ingestQueue = 0;
    int ingestQueueLimit = 0;
    double commitP99Ms = 0;
    qint64 feedLagMs = 0;
};

} // namespace signalbox::domain

Q_DECLARE_METATYPE(signalbox::domain::EngineStatus)
