// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slack_simulator.h"

#include "base/ids.h"
#include "sandbox/slack_args.h"
#include "sandbox/slack_gestures.h"

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr Millis kHandlerTimeout = std::chrono::hours(25); // hangs are wanted here

SlackTeam firstTeam(const SlackSimulatorConfig &config)
{
    SlackTeam team;
    team.teamId = config.teamId;
    team.botUserId = config.botUserId;
    team.botToken = config.botToken;
    return team;
}

QString channelType(const SlackChannel &channel)
{
    switch (channel.kind) {
    case SlackChannel::Kind::Channel:
        return u"channel"_s;
    case SlackChannel::Kind::Group:
        return u"group"_s;
    case SlackChannel::Kind::Im:
        return u"im"_s;
    case SlackChannel::Kind::Mpim:
        return u"mpim"_s;
    }
    Q_UNREACHABLE();
}

// The part that both twins share.
Json eventJson(
    const QString &type, const SlackChannel &channel, const SlackMessage &message, const QString &text)
{
    Json event = Json::object({{u"type"_s, type}, {u"user"_s, message.user}, {u"ts"_s, message.ts},
        {u"client_msg_id"_s, message.clientMsgId}, {u"text"_s, text}, {u"team"_s, channel.teamId}});
    if (!message.threadTs.isEmpty())
        event.set(u"thread_ts"_s, message.threadTs);
    event.set(u"channel"_s, channel.id);
    event.set(u"event_ts"_s, message.ts);
    return event;
}

Json messageEvent(const SlackChannel &channel, const SlackMessage &message, const QString &text)
{
    Json event = eventJson(u"message"_s, channel, message, text);
    event.set(u"channel_type"_s, channelType(channel));
    return event;
}

const Json *findButton(const Json &blocks, const QString &actionId, QString &blockId)
{
    for (const Json &block : blocks.toArray()) {
        for (const Json &element : block[u"elements"].toArray()) {
            if (element[u"action_id"].toString() == actionId) {
                blockId = block[u"block_id"].toString();
                return &element;
            }
        }
        if (block[u"accessory"][u"action_id"].toString() == actionId) {
            blockId = block[u"block_id"].toString();
            return &block[u"accessory"];
        }
    }
    return nullptr;
}
} // namespace

SlackSimulator::SlackSimulator(SlackSimulatorConfig config, const Clock &clock, QObject *parent)
    : QObject(parent)
    , m_config(std::move(config))
    , m_clock(clock)
    , m_model(clock)
    , m_api(m_model)
    , m_events(m_model, clock, m_config.appId, m_config.signingSecret, m_config.eventUrl)
    , m_socket(m_config.appId)
{
    if (m_config.socketMode) {
        m_events.eventsOverSocket = [this](Json envelope) { return eventOverSocket(std::move(envelope)); };
        m_events.interactionsOverSocket
            = [this](Json payload) { return interactionOverSocket(std::move(payload)); };
    }
    m_model.setKeepText(m_config.keepText);
    m_model.addTeam(firstTeam(m_config));
    m_events.setInteractionUrl(m_config.interactionUrl);
    m_api.onPosted = [this](const QString &channel, const QString &ts) {
        ++m_posted;
        Q_EMIT posted(channel, ts);
    };
    http::Router router;
    const auto handler
        = [this](http::Request request, http::Context context) { return handle(request, context); };
    router.add("POST", u"/api/{method}"_s, handler);
    router.add("GET", u"/api/{method}"_s, handler);
    http::Limits limits;
    limits.maxBodyBytes = 4 * 1024 * 1024;
    limits.handlerTimeout = kHandlerTimeout;
    m_server = std::make_unique<http::Server>(std::move(router), limits);
    m_server->setUpgradeHandler(
        [this](const http::Request &head, QTcpSocket *socket) { return m_socket.upgrade(head, socket); });
}

SlackSimulator::~SlackSimulator()
{
    m_stop.cancel();
}

Status SlackSimulator::listen(quint16 port)
{
    return m_server->listen(QHostAddress(QHostAddress::LocalHost), port);
}

QCoro::Task<> SlackSimulator::close()
{
    m_stop.cancel();
    m_socket.close();
    auto joined = m_events.join();
    co_await joined;
    co_await m_server->close(Millis(500));
}

QString SlackSimulator::apiBaseUrl() const
{
    return u"http://127.0.0.1:%1/api"_s.arg(m_server->port());
}

QCoro::Task<http::Response> SlackSimulator::handle(const http::Request &request, const http::Context &context)
{
    const auto value = request.pathValues.find(u"method"_s);
    const QString method = value == request.pathValues.end() ? QString() : value->second;
    const auto fault = m_faults.take(method);
    if (!fault)
        return answer(perform(method, request));
    const bool effective = fault->kind == Fault::Kind::CloseAfterEffect
        || fault->kind == Fault::Kind::DelayedAnswer || fault->kind == Fault::Kind::DelayedEffect
        || fault->kind == Fault::Kind::Garbage;
    if (!effective) {
        const int status = fault->kind == Fault::Kind::HttpStatus ? fault->status
            : fault->kind == Fault::Kind::RateLimited             ? 429
            : fault->kind == Fault::Kind::ApiError                ? 200
                                                                  : 0;
        m_calls.add(CallRecord(m_clock.now(), method, status, fault->error));
        Q_EMIT called(method);
    }
    auto effect = [this, method, request] { return perform(method, request); };
    auto shape = [](const QString &error, int status) {
        return http::Response(
            status, "application/json; charset=utf-8", SlackWebApi::failure(error).toBytes());
    };
    return answerFaulty(*fault, std::move(effect), std::move(shape), context.cancel, m_stop.token());
}

http::Response SlackSimulator::perform(const QString &method, const http::Request &request)
{
    QString error;
    Json body;
    const auto args = SlackArgs::read(request, error);
    if (!args) {
        body = SlackWebApi::failure(error);
    } else {
        QByteArray token = request.bearerToken();
        if (token.isEmpty())
            token = args->text(u"token").toUtf8();
        const SlackTeam *team = m_model.teamOfToken(token);
        if (method == u"apps.connections.open")
            body = openConnection(token);
        else if (token.isEmpty())
            body = SlackWebApi::failure(u"not_authed"_s);
        else if (team == nullptr)
            body = SlackWebApi::failure(m_model.deadTokenError(token));
        else
            body = m_api.call(method, *team, *args);
    }
    m_calls.add(CallRecord(m_clock.now(), method, 200, body[u"error"].toString()));
    http::Response response(200, "application/json; charset=utf-8", body.toBytes());
    response.headers.add("x-oauth-scopes",
        "app_mentions:read,channels:history,chat:write,im:history,im:write,"
        "mpim:history,reactions:write");
    Q_EMIT called(method);
    return response;
}

Json SlackSimulator::openConnection(const QByteArray &token)
{
    if (token.isEmpty())
        return SlackWebApi::failure(u"not_authed"_s);
    if (token != m_config.appToken.reveal())
        return SlackWebApi::failure(
            m_model.teamOfToken(token) != nullptr ? u"not_allowed_token_type"_s : u"invalid_auth"_s);
    const QString host = u"127.0.0.1:%1"_s.arg(m_server->port());
    return Json::object({{u"ok"_s, true}, {u"url"_s, m_socket.address(host)}});
}

SlackChannel &SlackSimulator::addChannel(const QString &id, const QString &name, const QString &teamId)
{
    return m_model.addChannel(teamId.isEmpty() ? m_config.teamId : teamId, id,
        name.isEmpty() ? id.toLower() : name,
        id.startsWith(u'G') ? SlackChannel::Kind::Group : SlackChannel::Kind::Channel);
}

void SlackSimulator::archive(const QString &channel, bool archived)
{
    if (SlackChannel *found = m_model.channel(channel))
        found->archived = archived;
}

void SlackSimulator::setMember(const QString &channel, bool member)
{
    if (SlackChannel *found = m_model.channel(channel))
        found->member = member;
}

std::vector<SlackMessage> SlackSimulator::messages(const QString &channel) const
{
    std::vector<SlackMessage> list;
    if (const SlackChannel *found = m_model.channel(channel))
        std::copy_if(found->messages.begin(), found->messages.end(), std::back_inserter(list),
            [](const SlackMessage &message) { return !message.deleted; });
    return list;
}

std::vector<SlackMessage> SlackSimulator::replies(const QString &channel, const QString &threadTs) const
{
    std::vector<SlackMessage> list;
    const SlackChannel *found = m_model.channel(channel);
    if (found == nullptr)
        return list;
    for (const size_t index : found->threads.value(threadTs)) {
        if (!found->messages.at(index).deleted)
            list.push_back(found->messages.at(index));
    }
    return list;
}

QStringList SlackSimulator::reactions(const QString &channel, const QString &ts) const
{
    QStringList names;
    const SlackChannel *found = m_model.channel(channel);
    if (found == nullptr || !found->byTs.contains(ts))
        return names;
    for (const auto &[name, users] : found->messages.at(found->byTs.value(ts)).reactions)
        names.append(name);
    return names;
}

const SlackMessage &SlackSimulator::store(
    SlackChannel &channel, const QString &user, const QString &text, const QString &thread)
{
    m_model.addUser(user);
    SlackMessage message;
    message.user = user;
    message.text = text;
    message.threadTs = thread;
    SlackMessage &stored = m_model.post(channel, std::move(message));
    stored.clientMsgId = uuidV5(QByteArray("sandbox:" + channel.id.toUtf8() + ':' + stored.ts.toUtf8()));
    return stored;
}

QCoro::Task<Result<SayOutcome>> SlackSimulator::mention(
    QString channelId, QString user, QString text, SayOptions options)
{
    SlackChannel *channel = m_model.channel(channelId);
    if (channel == nullptr)
        channel = &addChannel(channelId);
    const QString bot = m_model.team(channel->teamId)->botUserId;
    const QString full = u"<@%1> "_s.arg(bot) + escapeSlackText(text);
    const SlackMessage &stored = store(*channel, user, full, options.thread);
    SayOutcome said;
    said.channel = channelId;
    said.ts = stored.ts;
    said.clientMsgId = stored.clientMsgId;
    Json message;
    Json mention;
    if (options.order != TwinOrder::MentionOnly)
        message = m_events.envelope(channel->teamId, messageEvent(*channel, stored, full));
    if (options.order != TwinOrder::MessageOnly)
        mention = m_events.envelope(channel->teamId, eventJson(u"app_mention"_s, *channel, stored, full));
    return deliver(std::move(said), std::move(message), std::move(mention), std::move(options));
}

QCoro::Task<Result<SayOutcome>> SlackSimulator::directMessage(QString user, QString text, QString teamId)
{
    m_model.addUser(user);
    SlackChannel &channel
        = m_model.directMessage(teamId.isEmpty() ? m_config.teamId : teamId, QStringList(user));
    const QString escaped = escapeSlackText(text);
    const SlackMessage &stored = store(channel, user, escaped, QString());
    SayOutcome said;
    said.channel = channel.id;
    said.ts = stored.ts;
    said.clientMsgId = stored.clientMsgId;
    Json message = m_events.envelope(channel.teamId, messageEvent(channel, stored, escaped));
    return deliver(std::move(said), std::move(message), Json(), SayOptions());
}

QCoro::Task<Result<SayOutcome>> SlackSimulator::chatter(
    QString channelId, QString user, QString text, QString thread)
{
    SlackChannel *channel = m_model.channel(channelId);
    if (channel == nullptr)
        channel = &addChannel(channelId);
    const QString escaped = escapeSlackText(text);
    const SlackMessage &stored = store(*channel, user, escaped, thread);
    SayOutcome said;
    said.channel = channelId;
    said.ts = stored.ts;
    said.clientMsgId = stored.clientMsgId;
    Json message = m_events.envelope(channel->teamId, messageEvent(*channel, stored, escaped));
    return deliver(std::move(said), std::move(message), Json(), SayOptions());
}

QCoro::Task<Result<EventOutcome>> SlackSimulator::sendCopies(Json envelope, int copies)
{
    Result<EventOutcome> first = EventOutcome();
    if (envelope.isNull())
        co_return first;
    for (int i = 0; i < copies; ++i) {
        auto sent = co_await m_events.sendEnvelope(envelope);
        if (!sent)
            co_return sent;
        if (i == 0)
            first = std::move(sent);
    }
    co_return first;
}

QCoro::Task<Result<SayOutcome>> SlackSimulator::deliver(
    SayOutcome said, Json message, Json mention, SayOptions options)
{
    const bool mentionFirst = options.order == TwinOrder::MentionFirst;
    auto first = sendCopies(mentionFirst ? mention : message, options.copies);
    Result<EventOutcome> one = EventOutcome();
    if (options.order != TwinOrder::Together)
        one = co_await first;
    auto second = sendCopies(mentionFirst ? message : mention, options.copies);
    if (options.order == TwinOrder::Together)
        one = co_await first;
    auto two = co_await second;
    if (!one)
        co_return fail(one.error());
    if (!two)
        co_return fail(two.error());
    said.message = mentionFirst ? *two : *one;
    said.mention = mentionFirst ? *one : *two;
    co_return said;
}

QCoro::Task<Result<EventOutcome>> SlackSimulator::send(Json event, QString teamId)
{
    return m_events.sendEnvelope(
        m_events.envelope(teamId.isEmpty() ? m_config.teamId : teamId, std::move(event)));
}

QCoro::Task<Result<http::Response>> SlackSimulator::click(
    QString channelId, QString ts, QString actionId, QString user)
{
    m_model.addUser(user);
    SlackChannel *channel = m_model.channel(channelId);
    const SlackMessage *message = channel == nullptr ? nullptr : m_model.find(*channel, ts);
    QString blockId;
    const Json *button = message == nullptr ? nullptr : findButton(message->blocks, actionId, blockId);
    if (button == nullptr)
        co_return fail(ErrorCode::NotFound, u"no such button on that message"_s);
    const QString actionTs = m_model.nextTs();
    Json action
        = Json::object({{u"type"_s, u"button"_s}, {u"action_id"_s, actionId}, {u"block_id"_s, blockId},
            {u"value"_s, (*button)[u"value"]}, {u"text"_s, (*button)[u"text"]}, {u"action_ts"_s, actionTs}});
    Json container = Json::object({{u"type"_s, u"message"_s}, {u"message_ts"_s, ts},
        {u"channel_id"_s, channelId}, {u"is_ephemeral"_s, false}});
    if (!message->threadTs.isEmpty())
        container.set(u"thread_ts"_s, message->threadTs);
    Json payload = Json::object({{u"type"_s, u"block_actions"_s},
        {u"user"_s,
            Json::object(
                {{u"id"_s, user}, {u"username"_s, user.toLower()}, {u"team_id"_s, channel->teamId}})},
        {u"api_app_id"_s, m_config.appId}, {u"container"_s, container},
        {u"trigger_id"_s, actionTs + u".trigger"_s},
        {u"team"_s, Json::object({{u"id"_s, channel->teamId}, {u"domain"_s, u"sandbox"_s}})},
        {u"channel"_s, Json::object({{u"id"_s, channelId}, {u"name"_s, channel->name}})},
        {u"message"_s, m_model.toJson(*channel, *message, true)},
        {u"response_url"_s, u"%1/response/%2"_s.arg(apiBaseUrl().chopped(4), actionTs)},
        {u"actions"_s, Json(Json::Array{action})}});
    co_return co_await m_events.sendInteraction(std::move(payload));
}

QCoro::Task<Result<EventOutcome>> SlackSimulator::eventOverSocket(Json envelope)
{
    EventOutcome outcome;
    outcome.eventId = envelope[u"event_id"].toString();
    const Millis start = m_clock.boot();
    const auto delivered = co_await m_socket.deliver(u"events_api"_s, std::move(envelope), false, true);
    if (!delivered)
        co_return fail(delivered.error());
    outcome.took = m_clock.boot() - start;
    outcome.delivered = delivered->acknowledged;
    outcome.attempts = delivered->attempts;
    outcome.reason = delivered->acknowledged ? QString() : u"timeout"_s;
    co_return outcome;
}

QCoro::Task<Result<http::Response>> SlackSimulator::interactionOverSocket(Json payload)
{
    const auto delivered = co_await m_socket.deliver(u"interactive"_s, std::move(payload), true, false);
    if (!delivered)
        co_return fail(delivered.error());
    if (!delivered->acknowledged)
        co_return fail(ErrorCode::DeadlineExceeded, u"it was not acknowledged"_s);
    co_return http::Response::json(200, delivered->payload);
}

QCoro::Task<Result<Json>> SlackSimulator::slash(
    QString channel, QString user, QString command, QString text, QUrl url)
{
    m_model.addUser(user);
    Gesturer who;
    who.teamId = m_config.teamId;
    who.appId = m_config.appId;
    who.channel = channel;
    who.user = user;
    who.now = m_model.nextTs();
    const Json fields = slashFields(who, command, text);
    if (m_config.socketMode) {
        const auto delivered = co_await m_socket.deliver(u"slash_commands"_s, fields, true, false);
        if (!delivered)
            co_return fail(delivered.error());
        if (!delivered->acknowledged)
            co_return fail(ErrorCode::DeadlineExceeded, u"it was not acknowledged"_s);
        co_return delivered->payload;
    }
    std::vector<std::pair<QString, QString>> form;
    for (const Json::Member &field : fields.toObject())
        form.emplace_back(field.first, field.second.toString());
    SignedSender sender = signedSender();
    SignedSender::Request request(url, encodeForm(form));
    request.contentType = "application/x-www-form-urlencoded";
    request.timeout = m_events.deadline;
    const auto response = co_await sender.post(request, m_stop.token());
    if (!response)
        co_return fail(response.error());
    if (response->status != 200)
        co_return fail(ErrorCode::Unavailable, u"the command was answered %1"_s.arg(response->status));
    co_return Json::parse(response->body);
}

QCoro::Task<Result<http::Response>> SlackSimulator::pressEphemeral(
    QString channel, QString user, QString actionId, QString value)
{
    m_model.addUser(user);
    Gesturer who;
    who.teamId = m_config.teamId;
    who.appId = m_config.appId;
    who.channel = channel;
    who.user = user;
    who.now = m_model.nextTs();
    return m_events.sendInteraction(ephemeralPress(who, actionId, value));
}

QCoro::Task<Result<http::Response>> SlackSimulator::shortcut(
    QString channel, QString ts, QString user, QString callbackId)
{
    m_model.addUser(user);
    Gesturer who;
    who.teamId = m_config.teamId;
    who.appId = m_config.appId;
    who.channel = channel;
    who.user = user;
    who.now = m_model.nextTs();
    return m_events.sendInteraction(messageShortcut(who, callbackId, ts, QString()));
}

} // namespace signalbox::sandbox
