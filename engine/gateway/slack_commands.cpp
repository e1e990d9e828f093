// SPDX-License-Identifier: Apache-2.0
#include "gateway/slack_commands.h"

#include "async/wait.h"
#include "base/log.h"
#include "channels/slack/ephemeral.h"
#include "channels/slack/slack_signature.h"
#include "gateway/place_answer.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcCommands, "signalbox.engine.commands")
constexpr Millis kAnswerWithin{2000}; // of Slack's three seconds
constexpr int kMostAtOnce = 200; // answers and notes; memory is bounded
constexpr qsizetype kMostWords = 100;
constexpr int kMostTurnsStopped = 50;

http::Response messageResponse(const Json &message)
{
    return http::Response(200, "application/json; charset=utf-8", message.toBytes());
}

QString awayText()
{
    return u"I cannot look that up right now. Please try again in a moment."_s;
}
} // namespace

class SlackCommands::Slot : public QObject
{
    Q_OBJECT
public:
    std::optional<Json> answer;

Q_SIGNALS:
    void filled();
};

SlackCommands::SlackCommands(store::Store &store, InstallationBook &book, OperatorActions &actions,
    http::Client &client, const config::Config &config, const Clock &clock)
    : m_store(store)
    , m_book(book)
    , m_actions(actions)
    , m_client(client)
    , m_config(config)
    , m_clock(clock)
    , m_mayStop([](const Installation &, const QString &requester, const QString &user) {
        return !user.isEmpty() && requester == user;
    })
    , m_scope(u"slack commands"_s)
{
}

void SlackCommands::addRoutes(http::Router &router)
{
    http::RouteOptions options;
    options.maxBodyBytes = m_config.ingress.maxBodyBytes;
    options.errors = http::ErrorStyle::PlainText;
    const auto handler = [this](http::Request request, http::Context context) {
        return commands(std::move(request), std::move(context));
    };
    router.add("POST", u"/slack/commands"_s, handler, options);
}

QCoro::Task<> SlackCommands::stop()
{
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

QCoro::Task<http::Response> SlackCommands::commands(http::Request request, http::Context)
{
    slack::SlashCommand command = slack::parseSlashCommand(request.body);
    if (command.isProbe)
        co_return http::Response::text(200, ""); // unsigned, and nothing comes of it
    const auto signature = slack::checkSignature(request.headers.value("X-Slack-Request-Timestamp"),
        request.headers.value("X-Slack-Signature"), request.body, m_book.signingSecrets(), m_clock.now());
    if (signature.check != slack::SignatureCheck::Valid)
        co_return http::Response::text(401, slack::refusalText(signature.check));
    if (!command.isPlausible())
        co_return http::Response::text(400, "invalid identifiers\n");
    const SlackProof proof
        = SlackProof::signedWith(m_book.signingSecrets()[static_cast<size_t>(signature.secretIndex)]);
    if (!proof.fits(m_book, command.teamId, command.apiAppId))
        co_return http::Response::text(401, slack::refusalText(slack::SignatureCheck::Invalid));
    const auto answered = co_await answer(std::move(command), proof);
    co_return messageResponse(answered ? *answered : ephemeral(textAnswer(awayText())));
}

QCoro::Task<Result<Json>> SlackCommands::answer(slack::SlashCommand command, SlackProof proof)
{
    if (!command.isPlausible() || !proof.fits(m_book, command.teamId, command.apiAppId))
        co_return ephemeral(textAnswer(u"This request could not be read."_s));
    if (!m_book.secretFor(command.teamId, command.apiAppId)) {
        logWarning(lcCommands, "a command of a tenant without an installation was dropped",
            {{"tenant", command.teamId}});
        co_return ephemeral(textAnswer(u"Nothing is installed here for this workspace."_s));
    }
    auto installation = co_await m_book.forTenant(command.teamId, command.apiAppId);
    if (!installation)
        co_return fail(installation.error());
    co_return co_await inTime(std::move(command), std::move(*installation));
}

QCoro::Task<Json> SlackCommands::inTime(slack::SlashCommand command, Installation installation)
{
    const auto slot = std::make_shared<Slot>();
    if (m_scope.live() < kMostAtOnce)
        m_scope.spawn("slash command", fill(slot, std::move(command), std::move(installation)));
    if (!slot->answer)
        co_await async::waitSignal(slot.get(), &Slot::filled, kAnswerWithin, m_scope.token());
    co_return ephemeral(slot->answer ? *slot->answer : textAnswer(awayText()));
}

QCoro::Task<> SlackCommands::fill(
    std::shared_ptr<Slot> slot, slack::SlashCommand command, Installation installation)
{
    const QString words = command.text.left(kMostWords).simplified().toLower();
    slot->answer = co_await answerFor(words, command.place, command.teamDomain, std::move(installation));
    Q_EMIT slot->filled();
}

QString SlackCommands::kindOf(const QString &backend) const
{
    const auto found = std::find_if(m_config.backends.begin(), m_config.backends.end(),
        [&](const config::BackendConfig &candidate) { return candidate.name == backend; });
    return found == m_config.backends.end() ? QString() : found->kind;
}

QCoro::Task<Json> SlackCommands::answerFor(QString words, QString place, QString domain, Installation where)
{
    const bool turns = words.isEmpty() || words == u"turns";
    if (!turns && words != u"status")
        co_return helpAnswer();
    const auto status = co_await m_store.placeStatus(where.row.id, place, kMostTurnsShown);
    if (!status)
        co_return textAnswer(awayText());
    if (turns)
        co_return turnsAnswer(*status, domain);
    const auto items = co_await m_store.installationItems();
    if (!items)
        co_return textAnswer(awayText());
    std::optional<domain::InstallationItem> item;
    for (const domain::InstallationItem &candidate : *items) {
        if (candidate.id == where.row.id)
            item = candidate;
    }
    co_return statusAnswer(*status, item, kindOf(where.row.backend), m_config.engine.id);
}

bool SlackCommands::owns(const Json &payload)
{
    const slack::Gesture gesture = slack::readGesture(payload);
    if (gesture.type == u"block_actions")
        return gesture.actionId == QStringView(kStopAction);
    return gesture.type == u"message_action" && gesture.callbackId == QStringView(kStatusCallback);
}

QCoro::Task<Status> SlackCommands::interact(Json payload, Installation installation)
{
    const slack::Gesture gesture = slack::readGesture(payload);
    if (!gesture.isPlausible() || gesture.place.isEmpty() || !owns(payload))
        co_return Status();
    if (gesture.type == u"message_action") {
        if (m_scope.live() < kMostAtOnce)
            m_scope.spawn("status shortcut", showTurns(gesture, std::move(installation)));
        co_return Status();
    }
    auto stopped = Result<Stopped>(Stopped::Over);
    const auto turn = co_await m_store.placeTurn(gesture.value);
    if (!turn && turn.error().code() != ErrorCode::NotFound)
        co_return fail(turn.error());
    // The button's value is a wish: what it names must be of this installation and this place.
    if (turn && turn->installationId == installation.row.id && turn->place == gesture.place)
        stopped = co_await stopTurn(*turn, installation, gesture.user);
    if (!stopped)
        co_return fail(stopped.error());
    const QString text = *stopped == Stopped::Yes ? u"I have stopped it."_s
        : *stopped == Stopped::NotAllowed
        ? u"That turn is not yours to stop. Whoever asked for it can, or an operator."_s
        : u"That turn is over already."_s;
    whisper(installation, gesture.place, gesture.thread, gesture.user, textAnswer(text));
    co_return Status();
}

QCoro::Task<Result<SlackCommands::Stopped>> SlackCommands::stopTurn(
    store::PlaceTurn turn, Installation installation, QString user)
{
    if (!m_mayStop(installation, turn.user, user))
        co_return Stopped::NotAllowed;
    domain::ActionRequest request(domain::Act::Cancel, turn.deliveryId, u"stopped in Slack"_s);
    request.actor = u"slack:"_s + user;
    request.key = u"stop:"_s + turn.deliveryId;
    const auto done = co_await m_actions.act(std::move(request));
    if (done)
        co_return Stopped::Yes;
    const ErrorCode code = done.error().code();
    if (code == ErrorCode::Conflict || code == ErrorCode::NotFound)
        co_return Stopped::Over;
    co_return fail(done.error());
}

QCoro::Task<Status> SlackCommands::sessionStopped(
    Installation installation, QString place, QString thread, QString user)
{
    const auto status = co_await m_store.placeStatus(installation.row.id, place, kMostTurnsStopped);
    if (!status)
        co_return fail(status.error());
    for (const store::PlaceTurn &turn : status->turns) {
        const bool there = turn.thread == thread || turn.messageTs == thread;
        if (!there || turn.deliveryId.isEmpty())
            continue;
        const auto stopped = co_await stopTurn(turn, installation, user);
        if (!stopped)
            co_return fail(stopped.error());
        if (*stopped == Stopped::NotAllowed)
            whisper(installation, place, thread, user,
                textAnswer(u"That turn is not yours to stop. Whoever asked for it can, or an operator."_s));
    }
    co_return Status();
}

QCoro::Task<> SlackCommands::showTurns(slack::Gesture gesture, Installation installation)
{
    const Secret token = installation.botToken;
    const QString id = installation.row.id;
    const Json message
        = co_await answerFor(QString(), gesture.place, gesture.teamDomain, std::move(installation));
    if (!token.isEmpty())
        co_await post(token, gesture.place, gesture.thread, gesture.user, message);
    else
        logWarning(lcCommands, "a shortcut could not be answered without a token", {{"installation", id}});
}

void SlackCommands::whisper(const Installation &installation, const QString &place, const QString &thread,
    const QString &user, const Json &message)
{
    if (m_scope.live() < kMostAtOnce && !installation.botToken.isEmpty())
        m_scope.spawn("private note", post(installation.botToken, place, thread, user, message));
}

QCoro::Task<> SlackCommands::post(Secret token, QString place, QString thread, QString user, Json message)
{
    const Status shown
        = co_await slack::postEphemeral(&m_client, QUrl(m_config.slack.apiBaseUrl), std::move(token), place,
            thread, user, std::move(message), m_config.recovery.httpTimeout, m_scope.token());
    if (!shown)
        logWarning(lcCommands, "a private note could not be shown", {{"error", shown.error().native()}});
}

} // namespace signalbox::gateway

#include "slack_commands.moc"
