// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace signalbox::domain {

// A question put to a person that waits for an answer (DESIGN.md "Interactions"). Pure values and decisions.

// Posting and Open are both claimable; the others are final, but for Answered, which becomes Withdrawn when
// whoever asked is gone before it took the answer.
enum class InteractionState { Posting, Open, Answered, Expired, Cancelled, Withdrawn };
enum class InteractionOrigin { Permission, Form, Question };

[[nodiscard]] QString name(InteractionState state);
[[nodiscard]] QString name(InteractionOrigin origin);
[[nodiscard]] std::optional<InteractionState> interactionState(QStringView name);
[[nodiscard]] std::optional<InteractionOrigin> interactionOrigin(QStringView name);

struct InteractionTransition
{
    InteractionState from;
    InteractionState to;
    const char *reason;
};
[[nodiscard]] const std::vector<InteractionTransition> &interactionTransitions();
[[nodiscard]] bool mayMove(InteractionState from, InteractionState to);
// Somebody may still answer it.
[[nodiscard]] bool isClaimable(InteractionState state);

// One thing that may be chosen. `id` is whoever asked's own word and never shown.
struct InteractionOption
{
    InteractionOption() = default;
    InteractionOption(QString optionId, QString text, QString what)
        : id(std::move(optionId))
        , label(std::move(text))
        , kind(std::move(what))
    {
    }
    QString id;
    QString label;
    QString kind; // allow_once | allow_always | reject_once | reject_always | value | decline
    [[nodiscard]] bool operator==(const InteractionOption &other) const = default;
};

// What may be answered: one of the options, or, where it takes text, a text.
struct InteractionChoices
{
    InteractionChoices() = default;
    std::vector<InteractionOption> options;
    bool takesText = false;
    int least = 0; // characters of a text
    int most = 0;

    [[nodiscard]] Json toJson() const;
    // What cannot be read is left out.
    [[nodiscard]] static InteractionChoices fromJson(const Json &json);
};

// The answer as it is stored: {"option","label"} or {"text"}.
struct InteractionAnswer
{
    InteractionAnswer() = default;
    QString option; // an id; empty: a text
    QString label;
    QString text;
    [[nodiscard]] Json toJson() const;
    [[nodiscard]] static InteractionAnswer fromJson(const Json &json);
    // What was chosen or written, for a person.
    [[nodiscard]] QString shown() const { return option.isEmpty() ? text : label; }
};

// "Always allow" is hidden where others than the requester are, unless policy allows it: its scope is the
// agent's own (contracts/acp.md §5).
[[nodiscard]] std::vector<InteractionOption> permittedOptions(
    const std::vector<InteractionOption> &options, bool mayAllowAlways);

// Who may answer, as it is stored: " U1 U2 ", or "*" for anyone. `configured` is the installation's
// interaction_answerers. Empty: nobody can.
[[nodiscard]] QString answerersFor(const QStringList &configured, const QString &requester);

// What somebody wrote in the thread, taken as an answer. Nothing: an ordinary message.
struct TypedReply
{
    TypedReply() = default;
    int number = 0; // from 1; 0: a text
    QString text;
};
// "2", "2.", "#2" or, after "answer:", a text. Mentions in front of it are taken off.
[[nodiscard]] std::optional<TypedReply> parseTypedReply(const QString &slackText);
// The answer that a reply means; nothing when there is no such option, or no such text is taken.
[[nodiscard]] std::optional<InteractionAnswer> chooseByReply(
    const InteractionChoices &choices, const TypedReply &reply);
// The option of a button, by its place on the card; nothing when there is none.
[[nodiscard]] std::optional<InteractionAnswer> chooseByIndex(const InteractionChoices &choices, int index);
[[nodiscard]] std::optional<InteractionAnswer> chooseById(
    const InteractionChoices &choices, const QString &optionId);

} // namespace signalbox::domain
