// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "domain/interaction.h"

namespace signalbox::domain {

// How a question looks in Slack (contracts/slack.md §4 has the limits): what people and agents wrote is
// escaped, texts are cut, and every card says who may answer and until when.

struct CardFacts
{
    CardFacts() = default;
    QString id; // of the interaction: buttons carry it
    InteractionOrigin origin = InteractionOrigin::Question;
    QString kind; // of a permission: the tool's kind
    QString text; // as it was asked, not escaped
    InteractionChoices choices;
    QString answerers; // answerersFor()
    Instant expiresAt;
};

// {"text","blocks"} of a post.
[[nodiscard]] Json cardBody(const CardFacts &facts);
// The same as words alone, for a channel that refuses the blocks: options are numbered.
[[nodiscard]] Json plainCardBody(const CardFacts &facts);

struct CardEnd
{
    CardEnd() = default;
    InteractionState state = InteractionState::Expired;
    InteractionAnswer answer; // of Answered, and of Withdrawn after it
    QString answeredBy; // a user id, or "operator:NAME"; empty: nobody
};
// What the card becomes: without buttons, with what came of it.
[[nodiscard]] Json endedCardBody(const CardFacts &facts, const CardEnd &end);

// What a card becomes whose question was posted once more.
[[nodiscard]] Json movedCardBody(const CardFacts &facts);

// The buttons of our cards.
[[nodiscard]] QString buttonActionId(int index);
[[nodiscard]] QString buttonValue(const QString &interactionId, int index);
struct PressedButton
{
    PressedButton() = default;
    QString interactionId;
    int index = -1;
};
// Nothing: not a button of a card.
[[nodiscard]] std::optional<PressedButton> parseButton(const QString &actionId, const QString &value);

// Whether somebody's answer counted, and why not.
enum class ClaimOutcome {
    Won,
    Unknown, // there is no such question
    Elsewhere, // it belongs to another tenant or place
    NotAllowed,
    NoSuchOption,
    Late, // its time is over
    Answered, // somebody was faster, or this was the second click
    Closed, // cancelled or withdrawn
};
// What only the person is told; empty: nothing.
[[nodiscard]] QString privateNote(ClaimOutcome outcome);

// Whether Slack refused a post because of its blocks: words alone may still be taken.
[[nodiscard]] bool isAboutBlocks(const QString &slackError);

} // namespace signalbox::domain
