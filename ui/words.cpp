// SPDX-License-Identifier: Apache-2.0
#include "words.h"

#include <QCoreApplication>

#include <algorithm>
#include <array>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

class Words
{
    Q_DECLARE_TR_FUNCTIONS(Words)
};

#define TEXT(text) QT_TRANSLATE_NOOP("Words", text)

// Tables from a word of the engine's to how it is shown; texts are of the context "Words".
struct LookEntry
{
    const char16_t *code;
    const char *text;
    const char16_t *icon;
    Tone tone;
};

struct WordEntry
{
    const char16_t *code;
    const char *text;
};

template <class Entry, size_t N>
const Entry *entryOf(const std::array<Entry, N> &table, const QString &code)
{
    const auto found = std::find_if(
        table.begin(), table.end(), [&code](const Entry &entry) { return code == QStringView(entry.code); });
    return found == table.end() ? nullptr : &*found;
}

StateLook unknown(const QString &word)
{
    return StateLook(word, u"unknown"_s, Tone::Neutral);
}

// What no table knows is shown as it came.
template <size_t N>
StateLook lookIn(const std::array<LookEntry, N> &table, const QString &code,
    StateLook (*otherwise)(const QString &) = unknown)
{
    const LookEntry *entry = entryOf(table, code);
    return entry ? StateLook(Words::tr(entry->text), QString::fromUtf16(entry->icon), entry->tone)
                 : otherwise(code);
}

template <size_t N>
QString wordIn(const std::array<WordEntry, N> &table, const QString &code)
{
    const WordEntry *entry = entryOf(table, code);
    return entry ? Words::tr(entry->text) : code;
}

constexpr std::array kDeliveryStates{LookEntry{u"pending", TEXT("Pending"), u"pending", Tone::Neutral},
    LookEntry{u"running", TEXT("Running"), u"running", Tone::Info},
    LookEntry{u"waiting", TEXT("Waiting"), u"waiting", Tone::Warn},
    LookEntry{u"completed", TEXT("Completed"), u"completed", Tone::Good},
    LookEntry{u"cancelled", TEXT("Cancelled"), u"cancelled", Tone::Muted},
    LookEntry{u"dead", TEXT("Dead"), u"dead", Tone::Danger},
    LookEntry{u"unconfirmed", TEXT("Unconfirmed"), u"unconfirmed", Tone::Doubt}};
constexpr std::array kWaits{LookEntry{u"lock", TEXT("Waiting for lock"), u"waiting", Tone::Warn},
    LookEntry{u"runtime", TEXT("Waiting for runtime"), u"waiting", Tone::Warn},
    LookEntry{u"person", TEXT("Waiting for person"), u"person", Tone::Warn},
    LookEntry{u"retry", TEXT("Waiting to retry"), u"waiting", Tone::Warn},
    LookEntry{u"token", TEXT("Waiting for token"), u"waiting", Tone::Warn},
    LookEntry{u"outbound", TEXT("Waiting to post"), u"waiting", Tone::Warn}};
constexpr std::array kOutcomes{LookEntry{u"delivered", TEXT("Delivered"), u"completed", Tone::Good},
    LookEntry{u"no_reply", TEXT("No reply"), u"completed", Tone::Good},
    LookEntry{u"ignored", TEXT("Ignored"), u"ended", Tone::Muted}};
constexpr std::array kSessionStates{LookEntry{u"running", TEXT("Running"), u"running", Tone::Info},
    LookEntry{u"waiting", TEXT("Waiting"), u"waiting", Tone::Warn},
    LookEntry{u"idle", TEXT("Idle"), u"idle", Tone::Muted}};
constexpr std::array kOutboundStates{LookEntry{u"pending", TEXT("Pending"), u"pending", Tone::Neutral},
    LookEntry{u"sending", TEXT("Sending"), u"running", Tone::Info},
    LookEntry{u"sent", TEXT("Sent"), u"completed", Tone::Good},
    LookEntry{u"refused", TEXT("Refused"), u"dead", Tone::Danger},
    LookEntry{u"retry", TEXT("Will retry"), u"waiting", Tone::Warn},
    LookEntry{u"unknown", TEXT("Unknown"), u"unconfirmed", Tone::Doubt}};
constexpr std::array kAttemptOutcomes{LookEntry{u"running", TEXT("Running"), u"running", Tone::Info},
    LookEntry{u"ok", TEXT("Succeeded"), u"completed", Tone::Good},
    LookEntry{u"failed", TEXT("Failed"), u"dead", Tone::Danger},
    LookEntry{u"unknown", TEXT("Unknown"), u"unconfirmed", Tone::Doubt}};
constexpr std::array kPhases{LookEntry{u"provisioning", TEXT("Provisioning"), u"connecting", Tone::Info},
    LookEntry{u"ready", TEXT("Ready"), u"live", Tone::Good},
    LookEntry{u"recovering", TEXT("Recovering"), u"connecting", Tone::Warn},
    LookEntry{u"expiring", TEXT("Expiring"), u"clock", Tone::Warn},
    LookEntry{u"expired", TEXT("Expired"), u"ended", Tone::Muted},
    LookEntry{u"terminating", TEXT("Terminating"), u"ended", Tone::Muted},
    LookEntry{u"error", TEXT("Error"), u"dead", Tone::Danger},
    LookEntry{u"lost", TEXT("Lost"), u"disconnected", Tone::Danger},
    LookEntry{u"exited", TEXT("Exited"), u"disconnected", Tone::Danger}};
constexpr std::array kForwardings{LookEntry{u"none", TEXT("Nobody asked"), u"idle", Tone::Muted},
    LookEntry{u"forwarding", TEXT("Forwarding"), u"waiting", Tone::Info},
    LookEntry{u"forwarded", TEXT("Forwarded"), u"completed", Tone::Good}};

constexpr std::array kInstallations{LookEntry{u"active", TEXT("Active"), u"live", Tone::Good},
    LookEntry{u"trouble", TEXT("In trouble"), u"warning", Tone::Danger},
    LookEntry{u"paused", TEXT("Paused"), u"waiting", Tone::Warn},
    LookEntry{u"revoked", TEXT("Uninstalled"), u"disconnected", Tone::Danger},
    LookEntry{u"absent", TEXT("Not configured"), u"ended", Tone::Muted}};
constexpr std::array kInteractions{LookEntry{u"posting", TEXT("Posting"), u"pending", Tone::Neutral},
    LookEntry{u"open", TEXT("Open"), u"person", Tone::Warn},
    LookEntry{u"answered", TEXT("Answered"), u"completed", Tone::Good},
    LookEntry{u"expired", TEXT("Expired"), u"clock", Tone::Muted},
    LookEntry{u"withdrawn", TEXT("Withdrawn"), u"ended", Tone::Muted}};
constexpr std::array kOrigins{WordEntry{u"permission", TEXT("Permission")}, WordEntry{u"form", TEXT("Form")},
    WordEntry{u"question", TEXT("Question")}};
constexpr std::array kOptionKinds{WordEntry{u"allow_once", TEXT("Allow once")},
    WordEntry{u"allow_always", TEXT("Always allow")}, WordEntry{u"reject_once", TEXT("Reject once")},
    WordEntry{u"reject_always", TEXT("Always reject")}, WordEntry{u"decline", TEXT("Decline")},
    WordEntry{u"value", TEXT("An option")}, WordEntry{u"text", TEXT("A text")}};
constexpr std::array kEngines{LookEntry{u"live", TEXT("Live"), u"live", Tone::Good},
    LookEntry{u"lapsed", TEXT("Lease is over"), u"warning", Tone::Danger},
    LookEntry{u"lost", TEXT("Lost"), u"disconnected", Tone::Danger},
    LookEntry{u"ended", TEXT("Stopped"), u"ended", Tone::Muted}};
constexpr std::array kActions{LookEntry{u"release", TEXT("Released lock"), u"lock", Tone::Neutral},
    LookEntry{u"extend", TEXT("Extended lock"), u"clock", Tone::Neutral},
    LookEntry{u"replay", TEXT("Replayed"), u"refresh", Tone::Neutral},
    LookEntry{u"cancel", TEXT("Cancelled"), u"cancelled", Tone::Neutral},
    LookEntry{u"discard", TEXT("Discarded"), u"dead", Tone::Neutral},
    LookEntry{u"confirm", TEXT("Settled"), u"unconfirmed", Tone::Neutral},
    LookEntry{u"pause", TEXT("Paused"), u"waiting", Tone::Warn},
    LookEntry{u"resume", TEXT("Resumed"), u"running", Tone::Info},
    LookEntry{u"answer", TEXT("Answered"), u"person", Tone::Neutral},
    LookEntry{u"repost", TEXT("Posted again"), u"refresh", Tone::Neutral},
    LookEntry{u"reap", TEXT("Took back the work of"), u"engines", Tone::Warn},
    LookEntry{u"stale_write", TEXT("Refused a late write"), u"warning", Tone::Warn}};

constexpr std::array kPausables{WordEntry{u"delivery", TEXT("Prompts")},
    WordEntry{u"outbound", TEXT("Posts")}, WordEntry{u"intake", TEXT("Intake")}};
constexpr std::array kDetails{WordEntry{u"delivery", TEXT("prompts")}, WordEntry{u"outbound", TEXT("posts")},
    WordEntry{u"intake", TEXT("intake")}, WordEntry{u"delivered", TEXT("as delivered")},
    WordEntry{u"retry", TEXT("to be retried")}, WordEntry{u"abandoned", TEXT("as abandoned")}};
constexpr std::array kSubjects{WordEntry{u"session", TEXT("Session")},
    WordEntry{u"delivery", TEXT("Delivery")}, WordEntry{u"lifecycle_event", TEXT("Lifecycle event")},
    WordEntry{u"installation", TEXT("Installation")}, WordEntry{u"backend", TEXT("Backend")},
    WordEntry{u"engine", TEXT("Engines")}, WordEntry{u"interaction", TEXT("Interaction")},
    WordEntry{u"outbound", TEXT("Post")}};
constexpr std::array kSources{
    WordEntry{u"reported", TEXT("Reported")}, WordEntry{u"observed", TEXT("Observed")}};
constexpr std::array kPromptStates{WordEntry{u"none", TEXT("Not sent")},
    WordEntry{u"sending", TEXT("Sent, not yet accepted")},
    WordEntry{u"accepted", TEXT("Accepted by the runtime")}};
constexpr std::array kStages{WordEntry{u"binding", TEXT("Asking who answers there")},
    WordEntry{u"recovering", TEXT("Waiting for its runtime to come back")},
    WordEntry{u"prompting", TEXT("The runtime works on it")},
    WordEntry{u"adopting", TEXT("Looking for what became of an interrupted turn")}};
constexpr std::array kAttempts{WordEntry{u"turn", TEXT("Turn")},
    WordEntry{u"exchange", TEXT("Ask for runtime")}, WordEntry{u"open", TEXT("Open conversation")},
    WordEntry{u"post", TEXT("Post")}, WordEntry{u"react", TEXT("React")},
    WordEntry{u"unreact", TEXT("Remove reaction")}, WordEntry{u"edit", TEXT("Edit")}};
constexpr std::array kOutboundKinds{WordEntry{u"reply", TEXT("Reply")}, WordEntry{u"status", TEXT("Status")},
    WordEntry{u"notice", TEXT("Notice")}, WordEntry{u"reaction", TEXT("Reaction")},
    WordEntry{u"card", TEXT("Question")}};
constexpr std::array kLanes{WordEntry{u"inbound", TEXT("Inbound")}, WordEntry{u"lock", TEXT("Lock")},
    WordEntry{u"turn", TEXT("Turn")}, WordEntry{u"outbound", TEXT("Outbound")}};
constexpr std::array kTimeline{WordEntry{u"received", TEXT("Received")},
    WordEntry{u"waiting", TEXT("Waiting")}, WordEntry{u"held", TEXT("Held")},
    WordEntry{u"prompt_sent", TEXT("Prompt sent")}, WordEntry{u"accepted", TEXT("Accepted")},
    WordEntry{u"ended", TEXT("Ended")}};

#undef TEXT

} // namespace

StateLook deliveryState(const QString &state)
{
    return lookIn(kDeliveryStates, state);
}

StateLook deliveryState(const domain::DeliveryItem &item)
{
    const bool waits = item.state == u"waiting" && entryOf(kWaits, item.waitsFor);
    const bool ended = item.state == u"completed" && entryOf(kOutcomes, item.outcome);
    return waits ? lookIn(kWaits, item.waitsFor)
        : ended  ? lookIn(kOutcomes, item.outcome)
                 : deliveryState(item.state);
}

StateLook sessionState(const QString &state)
{
    return lookIn(kSessionStates, state);
}

StateLook outboundState(const QString &state)
{
    return lookIn(kOutboundStates, state, deliveryState);
}

StateLook attemptOutcome(const QString &outcome)
{
    return lookIn(kAttemptOutcomes, outcome);
}

StateLook runtimePhase(const QString &phase)
{
    const QString known = phase.toLower();
    return entryOf(kPhases, known) ? lookIn(kPhases, known) : unknown(phase);
}

StateLook forwardingState(const QString &state)
{
    return lookIn(kForwardings, state, deliveryState);
}

QString lifecycleSource(const QString &source)
{
    return wordIn(kSources, source);
}

QString installationStateOf(const domain::InstallationItem &item)
{
    if (item.state != u"active")
        return item.state;
    if (!item.trouble.isEmpty())
        return u"trouble"_s;
    return item.pauses.isEmpty() ? item.state : u"paused"_s;
}

StateLook installationState(const QString &state)
{
    return lookIn(kInstallations, state);
}

StateLook interactionState(const QString &state)
{
    return lookIn(kInteractions, state, deliveryState);
}

QString interactionOrigin(const QString &origin)
{
    return wordIn(kOrigins, origin);
}

QString optionKind(const QString &kind)
{
    return wordIn(kOptionKinds, kind);
}

StateLook engineState(const QString &state)
{
    return lookIn(kEngines, state);
}

QString pausableText(const QString &what)
{
    return wordIn(kPausables, what);
}

StateLook auditAction(const QString &action)
{
    StateLook look = lookIn(kActions, action.section(u':', 0, 0));
    const QString detail = action.section(u':', 1);
    if (!detail.isEmpty())
        look.word += u' ' + wordIn(kDetails, detail);
    return look;
}

QString subjectKindText(const QString &kind)
{
    return wordIn(kSubjects, kind);
}

QString promptStateText(const QString &state)
{
    return wordIn(kPromptStates, state);
}

QString stageText(const QString &stage)
{
    return wordIn(kStages, stage);
}

QString attemptWhat(const QString &what)
{
    return wordIn(kAttempts, what);
}

QString outboundKind(const QString &kind)
{
    return wordIn(kOutboundKinds, kind);
}

QString laneName(const QString &lane)
{
    return wordIn(kLanes, lane);
}

QString timelineWhat(const QString &what)
{
    return entryOf(kTimeline, what) ? wordIn(kTimeline, what) : outboundKind(what);
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
