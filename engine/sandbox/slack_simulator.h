// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/server.h"
#include "sandbox/fault.h"
#include "sandbox/slack_event_sender.h"
#include "sandbox/slack_socket_hub.h"
#include "sandbox/slack_web_api.h"

#include <QObject>

#include <memory>

namespace signalbox::sandbox {

struct SlackSimulatorConfig
{
    SlackSimulatorConfig() = default;
    QString teamId = QStringLiteral("T0SANDBOX");
    QString appId = QStringLiteral("A0SANDBOX");
    QString botUserId = QStringLiteral("U0BOT");
    Secret botToken{QByteArrayLiteral("xoxb-sandbox")};
    Secret signingSecret{QByteArrayLiteral("sandbox-signing-secret")};
    Secret appToken{QByteArrayLiteral("xapp-sandbox")}; // of Socket Mode
    bool socketMode = false; // events, clicks and commands go over it instead of HTTP
    QUrl eventUrl; // where events go; may be set later
    QUrl interactionUrl; // where clicks go; may be set later
    // Off: of each message only its place, ids, length and hash stay, so that benchmarks run in bounded
    // memory.
    bool keepText = true;
};

// Which of the two events of a mention leaves first, and whether the second waits for the first one's answer.
enum class TwinOrder { MessageFirst, MentionFirst, Together, MessageOnly, MentionOnly };

struct SayOptions
{
    SayOptions() = default;
    QString thread; // thread_ts; empty: top level
    TwinOrder order = TwinOrder::MessageFirst;
    int copies = 1; // of each event, with the same event id: Slack's own duplicates
};

// What a person said, and what became of its events. An event that was not sent has no attempts.
struct SayOutcome
{
    SayOutcome() = default;
    QString channel;
    QString ts;
    QString clientMsgId;
    EventOutcome message;
    EventOutcome mention;
};

// A Slack for one app: Web API over HTTP on loopback, signed events out (contracts/slack.md). Honest: Slack's
// own client drives it, and its signatures pass Slack's own verifier. Lives on the thread that makes it,
// needs an event loop there, and is closed with close() before it dies.
class SlackSimulator : public QObject
{
    Q_OBJECT
public:
    explicit SlackSimulator(SlackSimulatorConfig config, const Clock &clock, QObject *parent = nullptr);
    ~SlackSimulator() override;

    // Port 0 picks a free one.
    [[nodiscard]] Status listen(quint16 port = 0);
    [[nodiscard]] QCoro::Task<> close();
    // "http://127.0.0.1:PORT/api": what [slack] api_base_url takes.
    [[nodiscard]] QString apiBaseUrl() const;
    [[nodiscard]] const SlackSimulatorConfig &config() const { return m_config; }
    void setEventUrl(const QUrl &url) { m_events.setEventUrl(url); }
    void setInteractionUrl(const QUrl &url) { m_events.setInteractionUrl(url); }

    // The world. The config's team is there from the start; channels and people are made by whoever needs
    // them.
    void addTeam(SlackTeam team) { m_model.addTeam(std::move(team)); }
    SlackChannel &addChannel(const QString &id, const QString &name = {}, const QString &teamId = {});
    void addUser(const QString &user) { m_model.addUser(user); }
    void archive(const QString &channel, bool archived = true);
    void setMember(const QString &channel, bool member);
    [[nodiscard]] SlackModel &model() { return m_model; }
    [[nodiscard]] SlackWebApi &api() { return m_api; }

    // What was posted. Deleted messages are left out.
    [[nodiscard]] std::vector<SlackMessage> messages(const QString &channel) const;
    [[nodiscard]] std::vector<SlackMessage> replies(const QString &channel, const QString &threadTs) const;
    // "eyes" for each reaction that stands on the message.
    [[nodiscard]] QStringList reactions(const QString &channel, const QString &ts) const;
    // Messages of the app alone, over all channels.
    [[nodiscard]] int postedCount() const { return m_posted; }
    [[nodiscard]] int callCount(const QString &method) const { return m_calls.count(method); }
    [[nodiscard]] const CallLog &calls() const { return m_calls; }

    // "*" stands for every method.
    void addFault(const QString &method, Fault fault) { m_faults.add(method, std::move(fault)); }
    void clearFaults() { m_faults.clear(); }

    // People. The channel and the person are made on first use; the message is stored as Slack stores it.
    [[nodiscard]] QCoro::Task<Result<SayOutcome>> mention(
        QString channel, QString user, QString text, SayOptions options = SayOptions());
    [[nodiscard]] QCoro::Task<Result<SayOutcome>> directMessage(
        QString user, QString text, QString teamId = {});
    // A message in a channel that mentions nobody.
    [[nodiscard]] QCoro::Task<Result<SayOutcome>> chatter(
        QString channel, QString user, QString text, QString thread = {});
    // Wraps an event of our making, signs and delivers it.
    [[nodiscard]] QCoro::Task<Result<EventOutcome>> send(Json event, QString teamId = {});
    // The person presses the button with this action id: a signed block_actions request. NotFound without
    // such a button.
    [[nodiscard]] QCoro::Task<Result<http::Response>> click(
        QString channel, QString ts, QString actionId, QString user);
    // The person types a slash command; the answer, or null when it had none. Over HTTP it goes to `url`.
    [[nodiscard]] QCoro::Task<Result<Json>> slash(
        QString channel, QString user, QString command, QString text, QUrl url = {});
    // The person presses a button of a message that only they see, or chooses a message shortcut.
    [[nodiscard]] QCoro::Task<Result<http::Response>> pressEphemeral(
        QString channel, QString user, QString actionId, QString value);
    [[nodiscard]] QCoro::Task<Result<http::Response>> shortcut(
        QString channel, QString ts, QString user, QString callbackId);
    [[nodiscard]] SlackSocketHub &socket() { return m_socket; }
    [[nodiscard]] SlackEventSender &events() { return m_events; }
    [[nodiscard]] SignedSender signedSender() { return m_events.signedSender(); }

Q_SIGNALS:
    // After the answer was made, before it is written.
    void called(const QString &method);
    void posted(const QString &channel, const QString &ts);

private:
    [[nodiscard]] QCoro::Task<http::Response> handle(
        const http::Request &request, const http::Context &context);
    [[nodiscard]] http::Response perform(const QString &method, const http::Request &request);
    [[nodiscard]] Json openConnection(const QByteArray &token);
    [[nodiscard]] QCoro::Task<Result<EventOutcome>> eventOverSocket(Json envelope);
    [[nodiscard]] QCoro::Task<Result<http::Response>> interactionOverSocket(Json payload);
    [[nodiscard]] const SlackMessage &store(
        SlackChannel &channel, const QString &user, const QString &text, const QString &thread);
    [[nodiscard]] QCoro::Task<Result<SayOutcome>> deliver(
        SayOutcome said, Json message, Json mention, SayOptions options);
    [[nodiscard]] QCoro::Task<Result<EventOutcome>> sendCopies(Json envelope, int copies);

    SlackSimulatorConfig m_config;
    const Clock &m_clock;
    SlackModel m_model;
    SlackWebApi m_api;
    SlackEventSender m_events;
    SlackSocketHub m_socket;
    std::unique_ptr<http::Server> m_server;
    FaultTable m_faults;
    CallLog m_calls;
    async::CancelSource m_stop;
    int m_posted = 0;
};

} // namespace signalbox::sandbox
