// SPDX-License-Identifier: Apache-2.0
#include "gateway/question_ingress.h"

#include "async/wait.h"
#include "base/log.h"
#include "gateway/ingress_call.h"
#include "gateway/json_body.h"
#include "gateway/session_ingress.h"
#include "gateway/webhook_sender.h"

#include <QElapsedTimer>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcQuestions, "signalbox.engine.questions")
constexpr qint64 kMostBody = 64 * 1024;
constexpr qsizetype kMostId = 255;
constexpr int kMostWaiting = 256;
constexpr Millis kLook{250};
constexpr Millis kRouteTime{75'000}; // longer than the longest wait

bool isOpen(const QString &state)
{
    return state == u"posting" || state == u"open";
}

Json toJson(const store::QuestionView &view)
{
    Json json = Json::object({{u"id"_s, view.id}, {u"state"_s, view.state}});
    json.set(u"created_at"_s, toRfc3339(view.createdAt));
    json.set(u"expires_at"_s, toRfc3339(view.expiresAt));
    if (view.answeredBy.isEmpty())
        return json;
    json.set(u"answer"_s, view.answer.toJson());
    json.set(u"answered_by"_s, view.answeredBy);
    json.set(u"answered_at"_s, toRfc3339(view.clickedAt));
    if (!view.comment.isEmpty())
        json.set(u"comment"_s, view.comment);
    return json;
}

http::Response logged(const Error &error, const char *what)
{
    if (error.code() == ErrorCode::Internal || error.code() == ErrorCode::Unavailable)
        logWarning(lcQuestions, "a question could not be served",
            {{"call", QString::fromLatin1(what)}, {"code", error.native()}});
    return refusal(error);
}

} // namespace

QuestionIngress::QuestionIngress(
    store::Store &store, InstallationBook &book, const config::Config &config, IdGenerator &ids)
    : m_store(store)
    , m_book(book)
    , m_config(config)
    , m_ids(ids)
    , m_webhooks(WebhookSender::wanting(config, u"interaction.answered"_s))
{
}

void QuestionIngress::addRoutes(http::Router &router)
{
    http::RouteOptions small;
    small.maxBodyBytes = std::min(m_config.ingress.maxBodyBytes, kMostBody);
    router.add(
        "POST", u"/v1/interactions"_s,
        [this](http::Request request, http::Context context) {
            return ask(std::move(request), std::move(context));
        },
        small);
    http::RouteOptions waiting = small;
    waiting.handlerTimeout = kRouteTime;
    router.add(
        "GET", u"/v1/interactions/{id}"_s,
        [this](http::Request request, http::Context context) {
            return answer(std::move(request), std::move(context));
        },
        waiting);
}

QCoro::Task<Result<store::NewInteraction>> QuestionIngress::placed(
    const config::TokenConfig *token, QuestionRequest wanted)
{
    store::NewInteraction asked;
    QString requester;
    if (!wanted.session.isEmpty()) {
        const auto session = co_await callerSession(m_store, token, wanted.session);
        if (!session)
            co_return fail(session.error());
        asked.sessionId = session->id;
        asked.installationId = session->installationId;
        asked.place = session->place;
        asked.thread = session->thread;
        requester = session->user;
    } else {
        if (!mayUse(*token, wanted.installation))
            co_return fail(ErrorCode::Forbidden, u"this token is not for that installation"_s);
        asked.installationId = wanted.installation;
        asked.place = wanted.place;
        asked.thread = wanted.thread;
    }
    const auto installation = m_book.byId(asked.installationId);
    if (!installation || installation->row.state != u"active" || installation->row.tenant == u"*")
        co_return fail(ErrorCode::NotFound, u"there is no such installation"_s);
    if (installation->row.channel != u"slack")
        co_return wrongMember(u"installation"_s,
            u"is of channel %1, which shows no questions"_s.arg(installation->row.channel));
    const QStringList configured = wanted.answerers.isEmpty() ? installation->answerers : wanted.answerers;
    asked.answerers = domain::answerersFor(configured, requester);
    if (asked.answerers.isEmpty())
        co_return wrongMember(
            u"answerers"_s, u"leaves nobody who could answer: nobody is known as requester"_s);
    asked.id = m_ids.next();
    asked.origin = domain::InteractionOrigin::Question;
    asked.kind = wanted.kind;
    asked.text = wanted.text;
    asked.choices = wanted.choices;
    asked.ttl = wanted.ttl.value_or(m_config.interactionTtl);
    asked.payloadTtl = m_config.engine.payloadRetention;
    co_return asked;
}

QCoro::Task<http::Response> QuestionIngress::ask(http::Request request, http::Context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    const auto call = keyedCall(*token, request);
    if (!call)
        co_return refusal(call.error());
    const auto wanted = parseQuestion(request);
    if (!wanted)
        co_return refusal(wanted.error());
    const auto interaction = co_await placed(token, *wanted);
    if (!interaction)
        co_return logged(interaction.error(), "ask");
    store::AskQuestion question;
    question.call = *call;
    question.interaction = *interaction;
    question.webhooks = m_webhooks;
    question.asMessage = wanted->asMessage;
    const auto asked = co_await m_store.askQuestion(std::move(question));
    if (!asked)
        co_return logged(asked.error(), "ask");
    if (asked->posts && m_outbound)
        m_outbound();
    const Json taken = Json::object({{u"id"_s, asked->id}, {u"state"_s, asked->state}});
    co_return http::Response::json(202, taken);
}

QCoro::Task<Result<store::QuestionView>> QuestionIngress::questionFor(
    const config::TokenConfig *token, QString id)
{
    const Error unknown(ErrorCode::NotFound, u"there is no such question"_s);
    if (id.size() > kMostId || !isStorable(id))
        co_return fail(unknown);
    auto view = co_await m_store.question(id);
    if (view && !mayUse(*token, view->installationId))
        co_return fail(unknown);
    co_return view;
}

QCoro::Task<http::Response> QuestionIngress::answer(http::Request request, http::Context context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    const auto wait = parseWait(request);
    if (!wait)
        co_return refusal(wait.error());
    const QString id = request.pathValues[u"id"_s];
    auto view = co_await questionFor(token, id);
    if (view && isOpen(view->state) && wait->count() > 0 && m_waiting >= kMostWaiting)
        co_return http::Response::problem(429, u"too many calls wait"_s).withHeader("Retry-After", "5");
    QElapsedTimer waited;
    waited.start();
    ++m_waiting;
    while (view && isOpen(view->state)) {
        const Millis left = *wait - Millis(waited.elapsed());
        if (left <= Millis(0)
            || co_await async::delay(std::min(left, kLook), context.cancel) == async::Wake::Cancelled)
            break;
        view = co_await questionFor(token, id);
    }
    --m_waiting;
    if (!view)
        co_return logged(view.error(), "answer");
    if (view->state == u"answered" && !view->accepted) {
        const auto accepted = co_await m_store.acceptAnswer(id);
        if (!accepted)
            logWarning(lcQuestions, "that an answer was fetched could not be noted",
                {{"interaction", id}, {"code", accepted.error().native()}});
    }
    co_return http::Response::json(200, toJson(*view));
}

} // namespace signalbox::gateway
