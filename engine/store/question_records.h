// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/interaction_records.h"
#include "store/keyed_call.h"

#include <QStringList>

namespace signalbox::store {

// Questions that programs put to people over the API (INTERFACE.md "POST /v1/interactions"). They belong to
// no engine: their answers arrive whoever dies meanwhile.

struct AskQuestion
{
    AskQuestion() = default;
    KeyedCall call;
    NewInteraction interaction;
    QStringList webhooks; // that are told the answer
    bool asMessage = false; // the answer is a message in the session, too, by whoever gave it
};

struct AskedQuestion
{
    AskedQuestion() = default;
    QString id;
    QString state;
    bool posts = false; // a card is to be posted; not part of a repeated answer
};

// What whoever asked may know of it.
struct QuestionView
{
    QuestionView() = default;
    QString id;
    QString installationId;
    QString state;
    domain::InteractionAnswer answer; // of an answered one
    QString answeredBy;
    QString comment;
    bool accepted = false;
    Instant clickedAt;
    Instant createdAt;
    Instant expiresAt;
};

// sql_questions.cpp
[[nodiscard]] Result<AskedQuestion> askQuestionUnit(Session &session, const AskQuestion &ask);
// NotFound: there is none, or it was not asked over the API.
[[nodiscard]] Result<QuestionView> questionUnit(Session &session, const QString &id);
// Whoever asked has the answer now. False: that was known, or there is no answer.
[[nodiscard]] Result<bool> acceptAnswerUnit(Session &session, const QString &id);

// An interaction has been answered: its webhooks are to be called and, where wanted, the session hears it.
// True when a delivery may run now.
struct KeptInteraction;
[[nodiscard]] Result<bool> tellAnswer(Session &session, const KeptInteraction &kept, const QString &comment);

} // namespace signalbox::store
