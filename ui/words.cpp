// SPDX-License-Identifier: Apache-2.0
#include "words.h"

#include <QCoreApplication>
#include <QHash>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

class Words
{
    Q_DECLARE_TR_FUNCTIONS(Words)
};

StateLook unknown(const QString &word)
{
    return StateLook(word, u"unknown"_s, Tone::Neutral);
}

} // namespace

StateLook deliveryState(const QString &state)
{
    if (state == u"pending")
        return StateLook(Words::tr("Pending"), u"pending"_s, Tone::Neutral);
    if (state == u"running")
        return StateLook(Words::tr("Running"), u"running"_s, Tone::Info);
    if (state == u"waiting")
        return StateLook(Words::tr("Waiting"), u"waiting"_s, Tone::Warn);
    if (state == u"completed")
        return StateLook(Words::tr("Completed"), u"completed"_s, Tone::Good);
    if (state == u"cancelled")
        return StateLook(Words::tr("Cancelled"), u"cancelled"_s, Tone::Muted);
    if (state == u"dead")
        return StateLook(Words::tr("Dead"), u"dead"_s, Tone::Danger);
    if (state == u"unconfirmed")
        return StateLook(Words::tr("Unconfirmed"), u"unconfirmed"_s, Tone::Doubt);
    return unknown(state);
}

StateLook deliveryState(const domain::DeliveryItem &item)
{
    StateLook look = deliveryState(item.state);
    if (item.state == u"waiting") {
        const QString &what = item.waitsFor;
        if (what == u"lock")
            look.word = Words::tr("Waiting for lock");
        else if (what == u"runtime")
            look.word = Words::tr("Waiting for runtime");
        else if (what == u"person")
            look = StateLook(Words::tr("Waiting for person"), u"person"_s, Tone::Warn);
        else if (what == u"retry")
            look.word = Words::tr("Waiting to retry");
        else if (what == u"token")
            look.word = Words::tr("Waiting for token");
        else if (what == u"outbound")
            look.word = Words::tr("Waiting to post");
    } else if (item.state == u"completed") {
        if (item.outcome == u"delivered")
            look.word = Words::tr("Delivered");
        else if (item.outcome == u"no_reply")
            look.word = Words::tr("No reply");
        else if (item.outcome == u"ignored")
            look = StateLook(Words::tr("Ignored"), u"ended"_s, Tone::Muted);
    }
    return look;
}

StateLook sessionState(const QString &state)
{
    if (state == u"running")
        return StateLook(Words::tr("Running"), u"running"_s, Tone::Info);
    if (state == u"waiting")
        return StateLook(Words::tr("Waiting"), u"waiting"_s, Tone::Warn);
    if (state == u"idle")
        return StateLook(Words::tr("Idle"), u"idle"_s, Tone::Muted);
    return unknown(state);
}

StateLook outboundState(const QString &state)
{
    if (state == u"pending")
        return StateLook(Words::tr("Pending"), u"pending"_s, Tone::Neutral);
    if (state == u"sending")
        return StateLook(Words::tr("Sending"), u"running"_s, Tone::Info);
    if (state == u"sent")
        return StateLook(Words::tr("Sent"), u"completed"_s, Tone::Good);
    if (state == u"refused")
        return StateLook(Words::tr("Refused"), u"dead"_s, Tone::Danger);
    if (state == u"retry")
        return StateLook(Words::tr("Will retry"), u"waiting"_s, Tone::Warn);
    if (state == u"unknown")
        return StateLook(Words::tr("Unknown"), u"unconfirmed"_s, Tone::Doubt);
    return deliveryState(state);
}

StateLook attemptOutcome(const QString &outcome)
{
    if (outcome == u"running")
        return StateLook(Words::tr("Running"), u"running"_s, Tone::Info);
    if (outcome == u"ok")
        return StateLook(Words::tr("Succeeded"), u"completed"_s, Tone::Good);
    if (outcome == u"failed")
        return StateLook(Words::tr("Failed"), u"dead"_s, Tone::Danger);
    if (outcome == u"unknown")
        return StateLook(Words::tr("Unknown"), u"unconfirmed"_s, Tone::Doubt);
    return unknown(outcome);
}

StateLook connectionState(admin::ConnectionState state)
{
    switch (state) {
    case admin::ConnectionState::Disconnected:
        return StateLook(Words::tr("Disconnected"), u"disconnected"_s, Tone::Danger);
    case admin::ConnectionState::Connecting:
        return StateLook(Words::tr("Connecting"), u"connecting"_s, Tone::Info);
    case admin::ConnectionState::Synchronising:
        return StateLook(Words::tr("Synchronising"), u"connecting"_s, Tone::Info);
    case admin::ConnectionState::Live:
        return StateLook(Words::tr("Live"), u"live"_s, Tone::Good);
    case admin::ConnectionState::Reconnecting:
        return StateLook(Words::tr("Reconnecting"), u"connecting"_s, Tone::Warn);
    }
    return {};
}

StateLook runtimePhase(const QString &given)
{
    const QString phase = given.toLower();
    if (phase == u"provisioning")
        return StateLook(Words::tr("Provisioning"), u"connecting"_s, Tone::Info);
    if (phase == u"ready")
        return StateLook(Words::tr("Ready"), u"live"_s, Tone::Good);
    if (phase == u"recovering")
        return StateLook(Words::tr("Recovering"), u"connecting"_s, Tone::Warn);
    if (phase == u"expiring")
        return StateLook(Words::tr("Expiring"), u"clock"_s, Tone::Warn);
    if (phase == u"expired")
        return StateLook(Words::tr("Expired"), u"ended"_s, Tone::Muted);
    if (phase == u"terminating")
        return StateLook(Words::tr("Terminating"), u"ended"_s, Tone::Muted);
    if (phase == u"error")
        return StateLook(Words::tr("Error"), u"dead"_s, Tone::Danger);
    if (phase == u"lost")
        return StateLook(Words::tr("Lost"), u"disconnected"_s, Tone::Danger);
    if (phase == u"exited")
        return StateLook(Words::tr("Exited"), u"disconnected"_s, Tone::Danger);
    return unknown(given);
}

StateLook forwardingState(const QString &state)
{
    if (state == u"none")
        return StateLook(Words::tr("Nobody asked"), u"idle"_s, Tone::Muted);
    if (state == u"forwarding")
        return StateLook(Words::tr("Forwarding"), u"waiting"_s, Tone::Info);
    if (state == u"forwarded")
        return StateLook(Words::tr("Forwarded"), u"completed"_s, Tone::Good);
    return deliveryState(state);
}

QString lifecycleSource(const QString &source)
{
    if (source == u"reported")
        return Words::tr("Reported");
    return source == u"observed" ? Words::tr("Observed") : source;
}

QString promptStateText(const QString &state)
{
    if (state == u"none")
        return Words::tr("Not sent");
    if (state == u"sending")
        return Words::tr("Sent, not yet accepted");
    if (state == u"accepted")
        return Words::tr("Accepted by the runtime");
    return state;
}

QString stageText(const QString &stage)
{
    static const QHash<QString, const char *> words{
        {u"binding"_s, QT_TRANSLATE_NOOP("Words", "Asking who answers there")},
        {u"recovering"_s, QT_TRANSLATE_NOOP("Words", "Waiting for its runtime to come back")},
        {u"prompting"_s, QT_TRANSLATE_NOOP("Words", "The runtime works on it")},
        {u"adopting"_s, QT_TRANSLATE_NOOP("Words", "Looking for what became of an interrupted turn")}};
    const char *word = words.value(stage);
    return word ? Words::tr(word) : stage;
}

QString attemptWhat(const QString &what)
{
    static const QHash<QString, const char *> words{{u"turn"_s, QT_TRANSLATE_NOOP("Words", "Turn")},
        {u"exchange"_s, QT_TRANSLATE_NOOP("Words", "Ask for runtime")},
        {u"open"_s, QT_TRANSLATE_NOOP("Words", "Open conversation")},
        {u"post"_s, QT_TRANSLATE_NOOP("Words", "Post")}, {u"react"_s, QT_TRANSLATE_NOOP("Words", "React")},
        {u"unreact"_s, QT_TRANSLATE_NOOP("Words", "Remove reaction")}};
    const char *word = words.value(what);
    return word ? Words::tr(word) : what;
}

QString outboundKind(const QString &kind)
{
    static const QHash<QString, const char *> words{{u"reply"_s, QT_TRANSLATE_NOOP("Words", "Reply")},
        {u"status"_s, QT_TRANSLATE_NOOP("Words", "Status")},
        {u"notice"_s, QT_TRANSLATE_NOOP("Words", "Notice")},
        {u"reaction"_s, QT_TRANSLATE_NOOP("Words", "Reaction")}};
    const char *word = words.value(kind);
    return word ? Words::tr(word) : kind;
}

QString laneName(const QString &lane)
{
    static const QHash<QString, const char *> words{{u"inbound"_s, QT_TRANSLATE_NOOP("Words", "Inbound")},
        {u"lock"_s, QT_TRANSLATE_NOOP("Words", "Lock")}, {u"turn"_s, QT_TRANSLATE_NOOP("Words", "Turn")},
        {u"outbound"_s, QT_TRANSLATE_NOOP("Words", "Outbound")}};
    const char *word = words.value(lane);
    return word ? Words::tr(word) : lane;
}

QString timelineWhat(const QString &what)
{
    static const QHash<QString, const char *> words{{u"received"_s, QT_TRANSLATE_NOOP("Words", "Received")},
        {u"waiting"_s, QT_TRANSLATE_NOOP("Words", "Waiting")},
        {u"held"_s, QT_TRANSLATE_NOOP("Words", "Held")},
        {u"prompt_sent"_s, QT_TRANSLATE_NOOP("Words", "Prompt sent")},
        {u"accepted"_s, QT_TRANSLATE_NOOP("Words", "Accepted")},
        {u"ended"_s, QT_TRANSLATE_NOOP("Words", "Ended")}};
    const char *word = words.value(what);
    return word ? Words::tr(word) : outboundKind(what);
}

QString errorText(ErrorCode code)
{
    switch (code) {
    case ErrorCode::InvalidInput:
        return Words::tr("The engine refused the question. Check the filter.");
    case ErrorCode::NotFound:
        return Words::tr("It does not exist any more. It may have reached the end of its retention.");
    case ErrorCode::Conflict:
        return Words::tr("It has changed meanwhile. Refresh and look again.");
    case ErrorCode::Unauthorized:
        return Words::tr("The engine does not know this token. Check the profile.");
    case ErrorCode::Forbidden:
        return Words::tr("Your role does not allow this.");
    case ErrorCode::Cancelled:
        return Words::tr("This was cancelled.");
    case ErrorCode::DeadlineExceeded:
        return Words::tr("The engine took too long to answer.");
    case ErrorCode::Unavailable:
        return Words::tr("The engine or its database cannot be reached at the moment.");
    case ErrorCode::RateLimited:
        return Words::tr("Too many questions at once. Try again in a moment.");
    case ErrorCode::Corrupt:
        return Words::tr("The engine found data that it cannot read.");
    case ErrorCode::Unsupported:
        return Words::tr("This engine cannot do that.");
    case ErrorCode::Internal:
        return Words::tr("Something went wrong inside the engine.");
    }
    return {};
}

bool isFinalDelivery(const QString &state)
{
    return state == u"completed" || state == u"cancelled" || state == u"dead" || state == u"unconfirmed";
}

QString placeText(const QString &place, const QString &thread)
{
    return thread.isEmpty() ? place : place + u" · "_s + thread;
}

} // namespace signalbox::ui
