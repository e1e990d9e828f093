// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "store/idempotency.h"
#include "store/interaction_rows.h"
#include "store/question_records.h"
#include "store/session_records.h"
#include "store/units.h"
#include "store/webhook_records.h"

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {

Result<QString> stateOf(Session &session, const QString &id)
{
    auto rows = session.query("SELECT state FROM interactions WHERE id = ?", id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such question"_s);
    return rows->text(0);
}

Result<AskedQuestion> known(Session &session, const QString &id)
{
    const auto state = stateOf(session, id);
    if (!state)
        return fail(state.error());
    AskedQuestion asked;
    asked.id = id;
    asked.state = *state;
    return asked;
}

} // namespace

Result<AskedQuestion> askQuestionUnit(Session &session, const AskQuestion &ask)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto earlier = takeKey(session, ask.call, *now);
    if (!earlier)
        return fail(earlier.error());
    if (*earlier)
        return known(session, QString::fromUtf8(**earlier));
    const auto stored = storeInteractionUnit(session, ask.interaction);
    if (!stored)
        return fail(stored.error());
    const auto noted = session.run("UPDATE interactions SET webhooks = ?, as_message = ? WHERE id = ?",
        ask.webhooks.join(u'\n'), ask.asMessage, ask.interaction.id);
    if (!noted)
        return fail(noted.error());
    if (auto filed = fileAnswer(session, ask.call, ask.interaction.id); !filed)
        return fail(filed.error());
    auto asked = known(session, ask.interaction.id);
    if (asked)
        asked->posts = true;
    return asked;
}

Result<QuestionView> questionUnit(Session &session, const QString &id)
{
    auto rows = session.query(
        "SELECT installation_id, state, answer, answered_by, comment, accepted_at, clicked_at, "
        "created_at, expires_at FROM interactions WHERE id = ? AND origin = 'question'",
        id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such question"_s);
    QuestionView view;
    view.id = id;
    view.installationId = rows->text(0);
    view.state = rows->text(1);
    view.answer = domain::InteractionAnswer::fromJson(Json::parse(rows->utf8(2)).value_or(Json()));
    view.answeredBy = rows->text(3);
    view.comment = rows->text(4);
    view.accepted = rows->number(5) > 0;
    view.clickedAt = rows->instant(6);
    view.createdAt = rows->instant(7);
    view.expiresAt = rows->instant(8);
    return view;
}

Result<bool> acceptAnswerUnit(Session &session, const QString &id)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows
        = session.query("UPDATE interactions SET accepted_at = ?, updated_at = ?, rev = rev + 1 WHERE id = ? "
                        "AND state = 'answered' AND accepted_at = 0 AND engine_id IS NULL RETURNING rev",
            *now, *now, id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    session.touch("interaction", id, rows->number(0));
    return true;
}

namespace {

struct Wishes
{
    QStringList webhooks;
    bool asMessage = false;
};

Result<Wishes> wishesOf(Session &session, const QString &id)
{
    auto rows = session.query("SELECT webhooks, as_message FROM interactions WHERE id = ?", id);
    if (!rows)
        return fail(rows.error());
    Wishes wishes;
    if (rows->next()) {
        wishes.webhooks = rows->text(0).split(u'\n', Qt::SkipEmptyParts);
        wishes.asMessage = rows->flag(1);
    }
    return wishes;
}

QByteArray answerBody(const KeptInteraction &kept, const QString &comment, Instant now)
{
    Json data = Json::object({{u"id"_s, kept.id}, {u"installation"_s, kept.installationId}});
    data.set(u"place"_s, kept.place);
    if (!kept.thread.isEmpty())
        data.set(u"thread"_s, kept.thread);
    if (!kept.sessionId.isEmpty())
        data.set(u"session"_s, kept.sessionId);
    data.set(u"kind"_s, kept.card.kind);
    data.set(u"answer"_s, kept.answer.toJson());
    data.set(u"answered_by"_s, kept.answeredBy);
    if (!comment.isEmpty())
        data.set(u"comment"_s, comment);
    Json body = Json::object({{u"type"_s, u"interaction.answered"_s}, {u"timestamp"_s, toRfc3339(now)}});
    body.set(u"data"_s, std::move(data));
    return body.toBytes();
}

// What was answered, as a message of whoever gave it.
Result<bool> sayInSession(Session &session, const KeptInteraction &kept, Instant now)
{
    const auto brief = sessionBriefUnit(session, kept.sessionId);
    if (!brief)
        return fail(brief.error());
    IngestRequest request;
    request.deliveryId = kept.id + u"-m"_s;
    request.installationId = kept.installationId;
    request.channel = brief->source;
    request.tenant = brief->tenant;
    request.backend = brief->backend;
    request.sessionId = brief->id;
    request.sessionThread = brief->thread;
    request.place = kept.place;
    request.thread = kept.thread;
    request.messageTs = u"answer-"_s + kept.id;
    // An operator is no person of the channel: the message is of whoever the session is with.
    request.user = kept.answeredBy.startsWith(u"operator:") ? brief->user : kept.answeredBy;
    request.mentioned = true;
    request.payload = Json::object({{u"text"_s, kept.answer.shown()}}).toBytes();
    request.payloadTtl = std::max<Millis>(kept.keptUntil - now, Millis(60'000));
    const auto stored = insertDelivery(session, request, now);
    if (!stored)
        return fail(stored.error());
    return stored->ready;
}

} // namespace

Result<bool> tellAnswer(Session &session, const KeptInteraction &kept, const QString &comment)
{
    if (kept.card.origin != domain::InteractionOrigin::Question)
        return false;
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto wishes = wishesOf(session, kept.id);
    if (!wishes)
        return fail(wishes.error());
    for (const QString &webhook : wishes->webhooks) {
        WebhookDraft draft;
        draft.id = kept.id + u"-w-"_s + webhook;
        draft.webhook = webhook;
        draft.event = u"interaction.answered"_s;
        draft.subjectId = kept.id;
        draft.body = answerBody(kept, comment, *now);
        draft.payloadTtl = std::max<Millis>(kept.keptUntil - *now, Millis(60'000));
        if (auto queued = insertWebhookCall(session, draft); !queued)
            return fail(queued.error());
    }
    if (!wishes->asMessage || kept.sessionId.isEmpty())
        return false;
    return sayInSession(session, kept, *now);
}

} // namespace signalbox::store
