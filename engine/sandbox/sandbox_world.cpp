// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox_world.h"

#include "async/wait.h"

#include <QRegularExpression>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
SlackSimulatorConfig slackConfig()
{
    SlackSimulatorConfig config;
    config.teamId = QString::fromUtf16(kSpritzTeam);
    config.botToken = Secret(kSpritzBotToken);
    return config;
}

SlackTeam deskTeam()
{
    SlackTeam team;
    team.teamId = QString::fromUtf16(kAcpTeam);
    team.name = u"Desk"_s;
    team.botUserId = u"U0DESKBOT"_s;
    team.botToken = Secret(kAcpBotToken);
    return team;
}

SpritzSimulatorConfig spritzConfig()
{
    SpritzSimulatorConfig config;
    config.agent.latency = Millis(600); // fast enough to watch, slow enough to be seen running
    return config;
}

SpritzInstallation labInstallation()
{
    SpritzInstallation installation;
    installation.teamId = QString::fromUtf16(kSpritzTeam);
    installation.botToken = Secret(kSpritzBotToken);
    installation.channelPolicies[u"C0OPEN"_s] = false;
    return installation;
}

constexpr Millis kThinks{20'000}; // somebody who is asked
constexpr QLatin1StringView kHelp(
    "Control of the Signalbox sandbox\n"
    "  POST /say       {\"channel\":\"C0GENERAL\",\"user\":\"U0ADA\",\"text\":\"hello\",\"thread\":\"...\"}\n"
    "                  a mention of the bot; with a channel D..., or without a channel, a direct message\n"
    "  GET  /messages?channel=C0GENERAL   what stands in a channel\n"
    "Channels: C0GENERAL C0BUILDS C0OPEN C0OLD (workspace T0LAB), C0DESK C0HELP (workspace T0DESK)\n"
    "Words that steer the agent, first in the text: slow 5s, long 9000, ask, fail, empty, mute, die, "
    "thought, plan\n");
} // namespace

// One thing that somebody says, and what goes wrong with it.
struct SandboxWorld::Line
{
    enum class Kind { Mention, Direct, Chatter, Followup };
    enum class Trouble { None, Doubled, RateLimited, RuntimeLost };
    Line(Kind what, QString where, QString who, QString words, Trouble wrong = Trouble::None)
        : kind(what)
        , channel(std::move(where))
        , user(std::move(who))
        , text(std::move(words))
        , trouble(wrong)
    {
    }
    Kind kind;
    QString channel;
    QString user;
    QString text;
    Trouble trouble;
};

std::vector<SandboxWorld::Line> SandboxWorld::script()
{
    using enum Line::Kind;
    using enum Line::Trouble;
    std::vector<Line> lines;
    const auto add
        = [&lines](Line::Kind kind, const QString &channel, const QString &user, const QString &text,
              Line::Trouble trouble = None) { lines.emplace_back(kind, channel, user, text, trouble); };
    add(Mention, u"C0GENERAL"_s, u"U0ADA"_s, u"Good morning! What is on the plan for today?"_s);
    add(Mention, u"C0DESK"_s, u"U0GRACE"_s, u"Could you sort the pictures of the harbour by date?"_s);
    add(Mention, u"C0BUILDS"_s, u"U0MARGARET"_s, u"slow 8s Please run all the checks before lunch."_s);
    add(Mention, u"C0BUILDS"_s, u"U0KATHERINE"_s, u"And after that, how long did they take?"_s);
    add(Mention, u"C0HELP"_s, u"U0HEDY"_s, u"ask May the notes be tidied up?"_s);
    add(Mention, u"C0GENERAL"_s, u"U0KATHERINE"_s, u"plan Which numbers should go into the report?"_s,
        Doubled);
    add(Mention, u"C0DESK"_s, u"U0ADA"_s, u"fail Compute the answer to everything."_s);
    add(Mention, u"C0OLD"_s, u"U0GRACE"_s, u"Is anybody still reading this channel?"_s);
    add(Mention, u"C0GENERAL"_s, u"U0MARGARET"_s, u"Where do we keep the tea?"_s, RateLimited);
    add(Direct, QString(), u"U0HEDY"_s, u"Just between us: is the prototype ready?"_s);
    add(Chatter, u"C0GENERAL"_s, u"U0ADA"_s, u"The window seat is taken, sorry."_s);
    add(Chatter, u"C0OPEN"_s, u"U0GRACE"_s, u"In this channel nobody needs to mention anybody."_s);
    add(Followup, u"C0GENERAL"_s, u"U0ADA"_s, u"thought And what about tomorrow?"_s);
    add(Mention, u"C0BUILDS"_s, u"U0MARGARET"_s, u"Is the runtime awake?"_s, RuntimeLost);
    add(Mention, u"C0HELP"_s, u"U0KATHERINE"_s, u"long 9000"_s);
    add(Direct, QString(), u"U0GRACE"_s, u"Remind me what we said on Monday, please."_s);
    add(Mention, u"C0OPEN"_s, u"U0HEDY"_s, u"tool Have a look at the radio schedule."_s);
    return lines;
}

SandboxWorld::SandboxWorld(Millis interval)
    : m_interval(interval)
    , m_slack(slackConfig(), m_clock)
    , m_spritz(spritzConfig(), m_clock)
    , m_people(u"sandbox people"_s)
{
    m_slack.addTeam(deskTeam());
    for (const QString &id : {u"C0GENERAL"_s, u"C0BUILDS"_s, u"C0OPEN"_s, u"C0OLD"_s})
        m_slack.addChannel(id, id.mid(2).toLower());
    for (const QString &id : {u"C0DESK"_s, u"C0HELP"_s})
        m_slack.addChannel(id, id.mid(2).toLower(), QString::fromUtf16(kAcpTeam));
    m_slack.archive(u"C0OLD"_s);
    connect(&m_slack, &SlackSimulator::posted, this, [this](const QString &channel, const QString &ts) {
        SlackChannel *where = m_slack.model().channel(channel);
        const SlackMessage *message = where ? m_slack.model().find(*where, ts) : nullptr;
        if (message && message->blocks.isArray())
            m_people.spawn("press", pressLater(channel, ts));
    });
    m_spritz.addInstallation(labInstallation());
    http::Router router;
    router.add("POST", u"/say"_s,
        [this](const http::Request &request, const http::Context &) { return answer(say(request)); });
    router.add("GET", u"/messages"_s,
        [this](const http::Request &request, const http::Context &) { return answer(messages(request)); });
    router.add("GET", u"/"_s, [](const http::Request &, const http::Context &) {
        return answer(http::Response::text(200, QByteArray(kHelp.data(), kHelp.size())));
    });
    m_control = std::make_unique<http::Server>(std::move(router), http::Limits());
}

SandboxWorld::~SandboxWorld() = default;

Status SandboxWorld::start()
{
    if (auto listening = m_slack.listen(); !listening)
        return listening;
    if (auto listening = m_spritz.listen(); !listening)
        return listening;
    return m_control->listen(QHostAddress(QHostAddress::LocalHost), 0);
}

QCoro::Task<> SandboxWorld::close()
{
    m_people.cancel();
    m_slack.events().stop();
    co_await m_people.join(Millis(3000));
    co_await m_slack.close();
    co_await m_spritz.close();
    co_await m_control->close(Millis(200));
}

QString SandboxWorld::controlUrl() const
{
    return u"http://127.0.0.1:%1"_s.arg(m_control->port());
}

void SandboxWorld::startTraffic(const QString &ingressUrl)
{
    m_slack.setEventUrl(QUrl(ingressUrl + u"/slack/events"_s));
    m_slack.setInteractionUrl(QUrl(ingressUrl + u"/slack/interactions"_s));
    if (!std::exchange(m_trafficStarted, true))
        m_people.spawn("traffic", traffic());
}

QCoro::Task<> SandboxWorld::traffic()
{
    const std::vector<Line> lines = script();
    for (size_t next = 0;; next = (next + 1) % lines.size()) {
        const async::Wake wake = co_await async::delay(m_interval, m_people.token());
        if (wake == async::Wake::Cancelled)
            co_return;
        // Each in a task of its own: a delivery that is being retried does not silence the others.
        m_people.spawn("line", speak(lines.at(next)));
    }
}

QCoro::Task<> SandboxWorld::speak(Line line)
{
    SayOptions options;
    switch (line.trouble) {
    case Line::Trouble::None:
        break;
    case Line::Trouble::Doubled:
        options.copies = 2;
        break;
    case Line::Trouble::RateLimited:
        m_slack.addFault(u"chat.postMessage"_s, Fault::rateLimited(std::chrono::seconds(3)));
        break;
    case Line::Trouble::RuntimeLost:
        m_spritz.setPhase(QString::fromUtf16(kSpritzTeam), SpritzPhase::Vanished);
        m_spritz.comeBackAfterForced(QString::fromUtf16(kSpritzTeam), 3, true);
        break;
    }
    if (line.kind == Line::Kind::Direct) {
        co_await m_slack.directMessage(line.user, line.text);
    } else if (line.kind == Line::Kind::Chatter) {
        co_await m_slack.chatter(line.channel, line.user, line.text);
    } else {
        if (line.kind == Line::Kind::Followup)
            options.thread = m_lastThread;
        const auto said = co_await m_slack.mention(line.channel, line.user, line.text, options);
        if (said && line.channel == "C0GENERAL"_L1 && options.thread.isEmpty())
            m_lastThread = said->ts;
    }
}

QCoro::Task<> SandboxWorld::pressLater(QString channel, QString ts)
{
    static const QRegularExpression kAsked(u"<@([A-Z0-9]+)> may answer"_s);
    if (co_await async::delay(kThinks, m_people.token()) == async::Wake::Cancelled)
        co_return;
    SlackChannel *where = m_slack.model().channel(channel);
    const SlackMessage *card = where ? m_slack.model().find(*where, ts) : nullptr;
    const auto asked = kAsked.match(card ? card->text : QString());
    if (asked.hasMatch())
        co_await m_slack.click(channel, ts, u"signalbox.answer.0"_s, asked.captured(1));
}

// The events leave on their own: Slack does not make people wait for an app either.
QCoro::Task<> SandboxWorld::finish(QCoro::Task<Result<SayOutcome>> said)
{
    co_await said;
}

http::Response SandboxWorld::say(const http::Request &request)
{
    const auto body = Json::parse(request.body);
    QString channel = body ? (*body)[u"channel"].toString() : QString();
    const QString text = body ? (*body)[u"text"].toString() : QString();
    QString user = body ? (*body)[u"user"].toString() : QString();
    if (text.isEmpty())
        return http::Response::problem(
            400, u"a JSON object with \"channel\", \"user\" and \"text\" is needed"_s);
    if (user.isEmpty())
        user = u"U0VISITOR"_s;
    if (channel.isEmpty() || channel.startsWith(u'D')) {
        channel = m_slack.model().directMessage(QString::fromUtf16(kSpritzTeam), QStringList(user)).id;
        m_people.spawn("say", finish(m_slack.directMessage(user, text)));
    } else {
        SayOptions options;
        options.thread = (*body)[u"thread"].toString();
        m_people.spawn("say", finish(m_slack.mention(channel, user, text, options)));
    }
    const QString ts = m_slack.model().channel(channel)->messages.back().ts;
    return http::Response::json(200, Json::object({{u"channel"_s, channel}, {u"ts"_s, ts}}));
}

http::Response SandboxWorld::messages(const http::Request &request) const
{
    Json list = Json::array();
    for (const SlackMessage &message : m_slack.messages(request.query(u"channel").value_or(QString()))) {
        Json shown
            = Json::object({{u"ts"_s, message.ts}, {u"user"_s, message.user}, {u"text"_s, message.text}});
        if (!message.threadTs.isEmpty())
            shown.set(u"thread_ts"_s, message.threadTs);
        const QStringList reactions = m_slack.reactions(message.channel, message.ts);
        if (!reactions.isEmpty())
            shown.set(u"reactions"_s, reactions.join(u' '));
        list.append(shown);
    }
    return http::Response::json(200, Json::object({{u"messages"_s, list}}));
}

} // namespace signalbox::sandbox
