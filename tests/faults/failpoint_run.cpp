// SPDX-License-Identifier: Apache-2.0
#include "failpoint_run.h"

#include "async/block_on.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::testing {

namespace {
constexpr int kWait = 60'000;
constexpr int kDies = 40'000; // a second look at an unknown post comes after fifteen seconds
const QString kTeam = u"T0SANDBOX"_s;
const QString kChannel = u"C0FAIL"_s;
const QString kInterrupted = u"I was interrupted while working on that request"_s;
const QString kLost = u"cannot tell whether all of it has arrived"_s;
const QString kWaking = u"Still waking up. I will continue here shortly."_s;
const QByteArray kIngressToken = QByteArray(kMarker) + "-ingress-token";

bool isOneOf(FailPlace place, std::initializer_list<FailPlace> places)
{
    return std::find(places.begin(), places.end(), place) != places.end();
}

bool isFinal(const QString &outcome)
{
    return outcome.startsWith(u"completed") || outcome.startsWith(u"unconfirmed")
        || outcome.startsWith(u"dead") || outcome.startsWith(u"cancelled");
}
} // namespace

LifecycleHook::LifecycleHook()
    : m_server(router(), http::Limits())
{
    if (!m_server.listen(QHostAddress(QHostAddress::LocalHost), 0))
        qFatal("no port for a webhook");
}

LifecycleHook::~LifecycleHook()
{
    async::blockOn(m_server.close(Millis(0)), Millis(10'000));
}

QByteArray LifecycleHook::url() const
{
    return "http://127.0.0.1:" + QByteArray::number(m_server.port()) + "/hook";
}

http::Router LifecycleHook::router()
{
    http::Router router;
    router.add(
        "POST", u"/hook"_s, [this](http::Request request, http::Context) -> QCoro::Task<http::Response> {
            const auto json = Json::parse(request.body);
            m_eventIds << (json ? (*json)[u"eventId"].toString() : QString());
            return sandbox::answer(http::Response::text(200, "ok"));
        });
    return router;
}

QString FailpointRun::Plan::failpoint() const
{
    const std::string_view name = kFailPlaceNames[static_cast<size_t>(place)];
    return QString::fromLatin1(name.data(), static_cast<qsizetype>(name.size()))
        + (edge == FailEdge::Before ? u".before"_s : u".after"_s);
}

FailpointRun::FailpointRun(Plan plan)
    : m_plan(std::move(plan))
{
}

GatewayOptions FailpointRun::options() const
{
    GatewayOptions options;
    options.backend = m_plan.backend;
    options.database = m_plan.database;
    options.agentRemembers = true;
    options.turn = "adoption_interval = \"300ms\"\nadoption_timeout = \"2s\"\ncancel_grace = \"300ms\"\n";
    options.recovery = "http_timeout = \"2s\"\ndelivery_timeout = \"25s\"\nprompt_retry_timeout = \"10s\"\n"
                       "status_message_delay = \"100ms\"\n";
    options.slack = "remove_ack_after_reply = true\n";
    options.further = "[[ingress.tokens]]\nname = \"operator\"\ntoken = \"" + kIngressToken + "\"\n";
    if (isSpritz())
        options.backendLines = "lifecycle_webhook_url = \"" + m_hook.url() + "\"\n";
    if (is(FailPlace::CommitAddTenant))
        options.tenant = u"*"_s;
    return options;
}

bool FailpointRun::until(const std::function<bool()> &condition, const QString &what)
{
    const bool came = QTest::qWaitFor(condition, kWait);
    if (!came)
        problem(u"waited in vain: "_s + what);
    return came;
}

bool FailpointRun::start()
{
    const Status started = m_gateway->start(Millis(60'000));
    if (!started)
        problem(u"did not start: "_s + started.error().toString());
    return started.has_value();
}

void FailpointRun::say(const QString &text, const QString &thread, const QString &manner)
{
    sandbox::SlackSimulator &slack = m_gateway->slack();
    slack.addChannel(kChannel);
    slack.addUser(u"U0ANNA"_s);
    Message message;
    message.channel = kChannel;
    message.text = marked(text);
    sandbox::SlackMessage posted;
    posted.channel = kChannel;
    posted.user = u"U0ANNA"_s;
    posted.threadTs = thread;
    posted.text = u"<@U0BOT> "_s + manner + message.text;
    message.ts = slack.model().post(*slack.model().channel(kChannel), posted).ts;
    message.thread = isSpritz() ? thread : (thread.isEmpty() ? message.ts : thread);
    Json event
        = Json::object({{u"type"_s, u"app_mention"_s}, {u"user"_s, u"U0ANNA"_s}, {u"channel"_s, kChannel}});
    event.set(u"ts"_s, message.ts);
    event.set(u"text"_s, posted.text);
    if (!thread.isEmpty())
        event.set(u"thread_ts"_s, thread);
    message.envelope = slack.events().envelope(kTeam, event).toBytes();
    send(message);
    m_messages.push_back(message);
}

// Slack sends the same event again until it has its 2xx.
void FailpointRun::send(Message &message)
{
    message.status = m_gateway->isRunning() ? m_gateway->post(message.envelope).status : 0;
}

int FailpointRun::report()
{
    http::Client client;
    http::ClientRequest request(
        "POST", QUrl(u"http://127.0.0.1:%1/v1/lifecycle"_s.arg(m_gateway->ingressPort())));
    request.headers.set("Content-Type", "application/json");
    request.headers.add("Authorization", "Bearer " + kIngressToken);
    request.body = R"({"namespace":"spritz","instanceId":"otter","phase":"Ready","eventId":"e-otter"})";
    request.timeout = Millis(10'000);
    const auto answer = async::blockOn(client.send(std::move(request)), Millis(15'000));
    return answer ? answer->status : 0;
}

bool FailpointRun::isOfLifecycle() const
{
    return isOneOf(m_plan.place,
        {FailPlace::CommitStoreLifecycle, FailPlace::CommitClaimForwards, FailPlace::CommitFinishForward,
            FailPlace::SendForward});
}

void FailpointRun::setRuntime(bool ready)
{
    m_gateway->spritz().setPhase(kTeam, ready ? sandbox::SpritzPhase::Ready : sandbox::SpritzPhase::NotReady);
}

bool FailpointRun::isOfInteractions() const
{
    return isOneOf(m_plan.place,
        {FailPlace::CommitStoreInteraction, FailPlace::CommitClaimInteraction, FailPlace::SendEdit});
}

QString FailpointRun::openCard() const
{
    for (const sandbox::SlackMessage &message : m_gateway->slack().messages(kChannel)) {
        if (message.blocks.toBytes().contains("signalbox.answer."))
            return message.ts;
    }
    return {};
}

void FailpointRun::answerCard()
{
    (void)QTest::qWaitFor([this] { return !openCard().isEmpty() || !m_gateway->isRunning(); }, kDies);
    if (const QString card = openCard(); !card.isEmpty() && m_gateway->isRunning())
        (void)async::blockOn(
            m_gateway->slack().click(kChannel, card, u"signalbox.answer.0"_s, u"U0ANNA"_s), Millis(kDies));
}

void FailpointRun::prepare()
{
    if (is(FailPlace::SendLoad) && !isSpritz()) {
        // A conversation that the next agent process has to load.
        if (!start())
            return;
        say(u"first"_s);
        (void)until([this] { return isFinal(m_gateway->outcome(m_messages[0].ts)); }, u"the first message"_s);
        m_gateway->killNow();
    } else if (is(FailPlace::SendCancel)) {
        // A turn that ends unconfirmed: the next prompt comes after a cancel.
        if (!start())
            return;
        say(isSpritz() ? u"mute"_s : u"stuck"_s);
        (void)until([this] { return m_gateway->prompts(m_messages[0].ts) == 1; }, u"the first prompt"_s);
        m_gateway->killNow();
    }
}

void FailpointRun::provoke()
{
    const bool resend = is(FailPlace::CommitBeginResend);
    const bool recovery = isOneOf(m_plan.place, {FailPlace::CommitNoteStage, FailPlace::CommitDropStatus});
    if (resend)
        m_gateway->slack().addFault(u"chat.postMessage"_s, sandbox::Fault::hang());
    if (recovery)
        setRuntime(false);
    if (isOfLifecycle())
        (void)report();
    if (is(FailPlace::CommitOther))
        (void)m_gateway->act(
            u"/engines/all/pause"_s, "{\"what\":\"outbound\",\"reason\":\"test\"}", "pause-once");
    const QString thread = m_messages.empty() || isSpritz() ? QString() : m_messages[0].ts;
    // An acceptance is stored only while its turn goes on.
    say(u"hello"_s, thread,
        is(FailPlace::CommitAcceptTurn) ? u"slow 500ms "_s
            : isOfInteractions()        ? u"ask "_s
                                        : QString());
    if (isOfInteractions())
        answerCard();
    if (is(FailPlace::CommitDropStatus)) {
        // People have been told to wait; now what they wait for comes.
        (void)QTest::qWaitFor(
            [this] { return !m_gateway->appTexts(kChannel).isEmpty() || !m_gateway->isRunning(); }, kDies);
        setRuntime(true);
    }
    if (is(FailPlace::CommitEndEngine)) {
        (void)until([this] { return isFinal(m_gateway->outcome(m_messages.back().ts)); }, u"the answer"_s);
        m_gateway->terminate();
    }
    (void)QTest::qWaitFor([this] { return !m_gateway->isRunning(); }, kDies);
}

void FailpointRun::recover()
{
    m_gateway->slack().clearFaults();
    m_gateway->spritz().clearFaults();
    setRuntime(true);
    if (!start())
        return;
    if (const int status = isOfLifecycle() ? report() : 200; status / 100 != 2)
        problem(u"a repeated lifecycle event got %1"_s.arg(status));
    if (is(FailPlace::CommitOther)) {
        // The pause holds once, whether the first life stored it or not.
        const QByteArray body = "{\"what\":\"outbound\",\"reason\":\"test\"}";
        if (m_gateway->act(u"/engines/all/pause"_s, body, "pause-once") != 200
            || m_gateway->act(u"/engines/all/resume"_s, body, "resume-once") != 200)
            problem(u"the pause of outbound messages could not be set and lifted"_s);
    }
    for (Message &message : m_messages) {
        if (message.status != 200)
            send(message);
        if (message.status != 200)
            problem(u"the retry of an event got %1"_s.arg(message.status));
    }
}

QStringList FailpointRun::run()
{
    m_gateway = std::make_unique<GatewayFixture>(options());
    prepare();
    m_gateway->armFailpoint(m_plan.failpoint());
    const bool up = m_gateway->start(Millis(60'000)).has_value();
    if (up)
        provoke();
    const bool alive = m_gateway->isRunning();
    m_gateway->killNow();
    m_reached = !alive && m_gateway->log().contains("failpoint " + m_plan.failpoint().toLatin1() + '\n');
    if (!m_reached)
        problem(u"not reached"_s);
    recover();
    if (!up && m_gateway->isRunning())
        say(u"hello"_s);
    if (m_gateway->isRunning()) {
        for (const Message &message : m_messages)
            check(message);
        checkForwards();
    }
    if (m_gateway->isRunning() && m_gateway->stop() != 0)
        problem(u"the second life did not stop well"_s);
    m_problems += m_gateway->finish();
    if (!m_problems.isEmpty())
        m_problems << QString::fromUtf8(m_gateway->log().right(3000));
    m_gateway.reset();
    return m_problems;
}

void FailpointRun::check(const Message &message)
{
    QString outcome;
    const bool ended = until(
        [&] {
            outcome = m_gateway->outcome(message.ts);
            return isFinal(outcome);
        },
        u"the end of a message"_s);
    const Json delivery = m_gateway->delivery(message.ts);
    if (!ended) {
        problem(u"stays "_s + outcome + u": "_s + QString::fromUtf8(delivery.toBytes()));
        return;
    }
    const auto settled = [&] {
        const Json now = m_gateway->delivery(message.ts);
        const auto &rows = now[u"outbound"].toArray();
        return std::all_of(rows.begin(), rows.end(), [](const Json &row) {
            const QString &state = row[u"state"].toString();
            return state == u"sent" || state == u"refused" || state == u"dead" || state == u"cancelled";
        });
    };
    (void)until(settled, u"the outbound messages"_s);
    const auto page = m_gateway->admin(u"/deliveries?limit=20&filter="_s + message.ts);
    const auto deliveries = page ? (*page)[u"items"].toArray() : Json::Array();
    if (std::count_if(deliveries.begin(), deliveries.end(),
            [&](const Json &item) { return item[u"message_ts"].toString() == message.ts; })
        != 1)
        problem(u"a message has not exactly one delivery"_s);
    QStringList texts = m_gateway->appTexts(message.channel, message.thread);
    texts.removeAll(kWaking);
    const Json after = m_gateway->delivery(message.ts);
    checkEnding(message, after, texts);
    checkDoubles(message, after, texts);
    const int prompts = m_gateway->prompts(message.ts);
    m_summary += u"%1%2, %3 prompt(s)"_s.arg(m_summary.isEmpty() ? QString() : u"; "_s, outcome).arg(prompts);
}

// One reply after one prompt; or visibly unconfirmed, with its evidence and one notice.
void FailpointRun::checkEnding(const Message &message, const Json &delivery, const QStringList &texts)
{
    const int prompts = m_gateway->prompts(message.ts);
    const auto replies = texts.filter(u"You said: "_s + message.text).size();
    const auto notices = texts.filter(kInterrupted).size();
    // Nobody is asked any more, and no card says otherwise.
    if (isOfInteractions())
        (void)until([this] { return openCard().isEmpty(); }, u"the end of a card"_s);
    const QString &state = delivery[u"state"].toString();
    const QString found
        = u"%1, %2 prompts, %3 replies, %4 notices"_s.arg(state).arg(prompts).arg(replies).arg(notices);
    if (prompts > 1)
        problem(u"prompted twice: "_s + found);
    if (state == u"completed") {
        if (prompts != 1 || replies != 1)
            problem(u"not answered once: "_s + found);
    } else if (state == u"dead" && is(FailPlace::CommitBeginResend)) {
        // The one resend was spent, and nobody knows whether it left: flagged, and told.
        const bool evidence = !delivery[u"error_code"].toString().isEmpty()
            && QString::fromUtf8(delivery[u"outbound"].toBytes()).contains(u"\"maybe_doubled\":true"_s);
        if (prompts != 1 || replies != 0 || !evidence || texts.filter(kLost).size() != 1)
            problem(u"dead, but not told once with its evidence: "_s + found);
    } else if (state != u"unconfirmed") {
        problem(u"neither answered nor unconfirmed: "_s + found);
    } else {
        const bool evidence
            = delivery[u"attempt_list"].size() > 0 && !delivery[u"error_code"].toString().isEmpty();
        if (replies != 0 || notices != 1 || !evidence)
            problem(u"unconfirmed, but not told once with its evidence: "_s + found);
        // What the runtime has answered is there to be found; and a kill before the prompt's fence costs
        // nobody an answer.
        const bool silent = message.text.startsWith(u"mute"_s) || message.text.startsWith(u"stuck"_s);
        if (isSpritz() && m_gateway->spritz().agents().isFinished(message.ts))
            problem(u"a finished turn was not adopted: "_s + found);
        if (!isOneOf(m_plan.place,
                {FailPlace::CommitBeginTurn, FailPlace::CommitAcceptTurn, FailPlace::CommitFinishTurn,
                    FailPlace::SendPrompt, FailPlace::SendCancel})
            && !isOfInteractions() && !silent)
            problem(u"interrupted far from its prompt: "_s + found);
    }
}

void FailpointRun::checkDoubles(const Message &message, const Json &delivery, const QStringList &texts)
{
    QStringList unique = texts;
    const bool doubled = unique.removeDuplicates() > 0;
    const auto &rows = delivery[u"outbound"].toArray();
    const bool flagged = std::any_of(rows.begin(), rows.end(), [](const Json &row) {
        return row[u"maybe_doubled"].toBool() && !row[u"error_code"].toString().isEmpty();
    });
    if (doubled && !flagged)
        problem(u"doubled in the channel: "_s + texts.join(u" | "_s));
    (void)until([&] { return m_gateway->slack().reactions(message.channel, message.ts).isEmpty(); },
        u"the removal of the acknowledgement"_s);
}

// Each event arrives; a kill may repeat a forward, and its receiver knows it by the event's id.
void FailpointRun::checkForwards()
{
    if (!isSpritz())
        return;
    (void)until(
        [this] {
            const auto page = m_gateway->admin(u"/lifecycle-events?limit=50"_s);
            if (!page || (isOfLifecycle() && (*page)[u"items"].size() != 1))
                return false;
            const auto &events = (*page)[u"items"].toArray();
            return std::all_of(events.begin(), events.end(),
                [](const Json &event) { return event[u"state"].toString() == u"forwarded"; });
        },
        u"the lifecycle forwards"_s);
    QStringList ids = m_hook.eventIds();
    const auto repeated = ids.removeDuplicates();
    if (repeated > 1)
        problem(u"%1 repeated forwards"_s.arg(repeated));
}

} // namespace signalbox::testing
