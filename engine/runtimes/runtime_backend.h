// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "domain/interaction.h"
#include "domain/prompt_text.h"
#include "domain/transcript.h"

#include <QCoro/QCoroTask>
#include <QObject>
#include <QStringList>

#include <functional>
#include <memory>
#include <optional>

namespace signalbox::runtimes {

// Characters of an id that a runtime or its registry gives: a longer one makes the answer a malformed one.
inline constexpr qsizetype kMaxIdLength = 512;

// What a runtime provider says about one place: who answers there, and as whom we speak there.
struct Binding
{
    Binding() = default;
    Secret botToken; // of the channel; empty: the installation's own
    QString botUserId; // empty: not told
    QString apiAppId; // empty: not told
    std::optional<bool> requireMention; // the provider's policy for the place, where it has one
    QString nameSpace; // spritz: the runtime's identity
    QString instanceId;
    QString ownerId;
    Secret ownerToken;
};

// What a provider's policy says of one place, by its last answer for the tenant.
struct PlacePolicy
{
    PlacePolicy() = default;
    bool requireMention
        = true; // also of a place that it does not name, and while nothing is known: fails closed
    bool fresh = false; // told so lately that it may be gone by without asking again
};

struct BindRequest
{
    BindRequest() = default;
    QString tenant;
    QString place;
    bool force = false; // asks the provider to look anew (contracts/spritz-backend.md §4.1 forceRefresh)
};

struct OpenRequest
{
    OpenRequest() = default;
    QString tenant;
    QString place;
    QString threadTs; // of the message, may be empty
    QString messageTs;
    bool direct = false;
    QString agentSession; // the agent's id for this conversation as stored, or empty: none yet
};

enum class TurnEnd {
    Ended, // the response came; see stopReason
    Failed, // the runtime answered the prompt with an error
    NotSent, // refused by mayLeave, or the connection was gone before the first byte left: may be tried again
    Lost, // the connection broke after the prompt was sent: whether it ran is not known
    FirstFrameTimeout, // nothing came in time; the turn was cancelled and the grace is over
    IdleTimeout, // accepted, then silent too long; cancelled
    TooLong, // accepted, then over its maximum; cancelled
    Cancelled, // by the token
};

struct TurnResult
{
    TurnResult() = default;
    TurnEnd end = TurnEnd::Lost;
    bool accepted = false; // some sign of acceptance was seen (DESIGN.md step 5)
    QString text; // the agent's visible text so far, untrimmed
    QString stopReason; // end_turn | max_tokens | max_turn_requests | refusal | cancelled | …
    QString errorCode; // of Failed, Lost, NotSent
    QString errorText; // for developers; without anything people wrote
    int frames = 0;
    int permissionsRefused = 0;
};

struct TurnClocks
{
    TurnClocks() = default;
    Millis firstFrame{60'000};
    Millis idle{600'000};
    Millis maximum{0}; // 0: none
    Millis cancelGrace{10'000};
};

// What an agent asks a person in the middle of its turn. It is named by its connection and its request there,
// never by a tool call, whose id may come again (contracts/acp.md §5).
struct Question
{
    Question() = default;
    QString connection; // unique to one life of one connection
    QString request; // the agent's own id of the request, as JSON
    bool isForm = false; // elicitation/create
    QString kind; // of a permission: the tool's kind
    QString text; // as the agent says it
    domain::InteractionChoices choices; // of a permission: all options of the agent, in its order
};

struct QuestionAnswer
{
    QuestionAnswer() = default;
    // Chosen: `option`, one of the question's; Written: `text`; Cancelled: there will be no answer; Refused:
    // it cannot be asked (a reject option where there is one).
    enum class How { Chosen, Written, Cancelled, Refused };
    How how = How::Cancelled;
    QString option;
    QString text;
};

// Who puts an agent's questions to people. Called on the engine thread, from inside the transport: nothing
// may be answered before the call has returned.
class Asker
{
public:
    virtual ~Asker() = default;
    virtual void ask(const Question &question) = 0;
    // The agent does not want to know any more, or its turn is being cancelled: it has its answer.
    virtual void withdraw(const QString &connection, const QString &request) = 0;
};

// A loaded conversation, ready for its prompt. Owned by the delivery's worker; dropping it closes its
// connection. Its backend outlives it.
class Turn
{
public:
    virtual ~Turn() = default;

    // The agent's own id of the conversation, to be stored with the session before the prompt.
    [[nodiscard]] virtual QString agentSession() const = 0;
    // There was a conversation once, and the agent could not take it up: people must be told.
    [[nodiscard]] virtual bool contextLost() const = 0;

    // An earlier turn of this conversation may still run: asks the agent to stop it, and gives it the grace.
    [[nodiscard]] virtual QCoro::Task<> settle(Millis grace, async::CancelToken cancel) = 0;
    // Before prompt(): questions go there, and no clock of the turn runs while one is open. Without an asker
    // they are refused at once.
    virtual void setAsker(std::weak_ptr<Asker> asker) { Q_UNUSED(asker) }
    // Hands an answer over. False: the question is not open any more. An option that was not offered is never
    // sent.
    virtual bool answer(const QString &connection, const QString &request, const QuestionAnswer &answer)
    {
        Q_UNUSED(connection)
        Q_UNUSED(request)
        Q_UNUSED(answer)
        return false;
    }
    // Sends the prompt and collects the answer. At most once for a Turn. `mayLeave` is asked in the same
    // function as the write, immediately before it; on false nothing is sent. `onAccepted` is called once, at
    // the first sign of acceptance. Unknown server requests are answered with -32601. Never fails: the end
    // says what happened.
    [[nodiscard]] virtual QCoro::Task<TurnResult> prompt(QString text, TurnClocks clocks,
        std::function<bool()> mayLeave, std::function<void()> onAccepted, async::CancelToken cancel)
        = 0;
};

// A configured provider of agent runtimes. Lives on the engine thread; owned by the gateway. Errors of bind()
// and open() happen before a prompt could have left, so everything may be tried again; Error::native() names
// what to recover from: "unavailable", "spritz_not_found", "acp_unavailable", "http_<status>", "exited",
// "login_needed", ….
class RuntimeBackend : public QObject
{
    Q_OBJECT
public:
    using QObject::QObject;
    [[nodiscard]] virtual QString name() const = 0;
    [[nodiscard]] virtual QString kind() const = 0; // "spritz" | "acp"
    // One agent context per thread (acp) or per place (spritz).
    [[nodiscard]] virtual bool sessionsPerThread() const = 0;
    // Whether Slack's escapes are undone in the text, and the prompt's envelope.
    [[nodiscard]] virtual QString renderPrompt(
        const domain::PromptContext &context, const QString &text) const = 0;
    [[nodiscard]] virtual bool unescapesText() const = 0;

    [[nodiscard]] virtual QCoro::Task<Result<Binding>> bind(BindRequest request, async::CancelToken cancel)
        = 0;
    // What the provider said last about a tenant, the policy for `place` included, even when its answer was
    // "unavailable": enough to post a notice. Without what speaks for the owner; nothing from a provider that
    // was never asked.
    [[nodiscard]] virtual std::optional<Binding> lastKnown(const QString &tenant, const QString &place) const
    {
        Q_UNUSED(tenant)
        Q_UNUSED(place)
        return std::nullopt;
    }
    [[nodiscard]] virtual QCoro::Task<Result<std::shared_ptr<Turn>>> open(
        Binding binding, OpenRequest request, async::CancelToken cancel)
        = 0;
    // Whether it has a registry of tenants, which is to be told when the app is gone from one.
    [[nodiscard]] virtual bool hasRegistry() const { return false; }
    // Tells the registry; may be told twice. Errors as bind(); InvalidInput, native "no_registry".
    [[nodiscard]] virtual QCoro::Task<Status> disconnectTenant(QString tenant, async::CancelToken cancel);
    // Nothing of what was said about a tenant so far holds any more.
    virtual void forgetTenant(const QString &tenant) { Q_UNUSED(tenant) }
    // nullopt from a provider that has no policies of its own.
    [[nodiscard]] virtual std::optional<PlacePolicy> placePolicy(
        const QString &tenant, const QString &place) const
    {
        Q_UNUSED(tenant)
        Q_UNUSED(place)
        return std::nullopt;
    }
    // Whether a conversation can be read again after its turn was cut off from us, the engine's own death
    // included.
    [[nodiscard]] virtual bool canLook() const { return false; }
    // Loads the conversation and tells what it holds, without a prompt. Errors as open(); InvalidInput,
    // native "cannot_look", from a backend that cannot.
    [[nodiscard]] virtual QCoro::Task<Result<domain::Transcript>> look(
        Binding binding, OpenRequest request, async::CancelToken cancel);
    // Ends processes and connections: stdin closed, then SIGTERM, then SIGKILL of the process group.
    [[nodiscard]] virtual QCoro::Task<> close(Millis grace) = 0;

Q_SIGNALS:
    // Something an operator wants to know: "starting", "ready", "exited", "login_needed".
    void phaseChanged(const QString &phase);
};

} // namespace signalbox::runtimes
