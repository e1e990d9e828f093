// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/signed_sender.h"
#include "sandbox/slack_model.h"

#include <QObject>

#include <functional>

namespace signalbox::sandbox {

// What became of one event after all of Slack's attempts.
struct EventOutcome
{
    EventOutcome() = default;
    QString eventId;
    bool delivered = false; // some attempt was answered 2xx in time
    int attempts = 0;
    int status = 0; // of the last attempt; 0 when it had no answer
    QByteArray body; // of the last answer
    QString reason; // why the last attempt failed, as in x-slack-retry-reason
    Millis took{0}; // the first attempt's time to its answer
};

// Delivers events as Slack does (contracts/slack.md §1 "Delivery rules"): an answer within the deadline,
// three retries with the same event id and the retry headers, x-slack-no-retry honoured, two redirects
// followed. Lives on the thread that makes it; join() before it dies.
class SlackEventSender : public QObject
{
    Q_OBJECT
public:
    SlackEventSender(
        const SlackModel &model, const Clock &clock, QString appId, Secret signingSecret, QUrl eventUrl);

    Millis deadline{3000};
    std::vector<Millis> retryDelays{Millis(0), Millis(60'000), Millis(300'000)};

    void setEventUrl(QUrl url) { m_eventUrl = std::move(url); }
    // Instead of HTTP, while it is set: what delivers an event, and an interaction, by Socket Mode.
    std::function<QCoro::Task<Result<EventOutcome>>(Json envelope)> eventsOverSocket;
    std::function<QCoro::Task<Result<http::Response>>(Json payload)> interactionsOverSocket;
    void setInteractionUrl(QUrl url) { m_interactionUrl = std::move(url); }
    [[nodiscard]] SignedSender signedSender();

    // The envelope around an event, as Slack builds it. An empty id makes a new one.
    [[nodiscard]] Json envelope(const QString &teamId, Json event, const QString &eventId = {});
    // The error is Cancelled when the simulator closes; a delivery that failed is a value.
    [[nodiscard]] QCoro::Task<Result<EventOutcome>> sendEnvelope(Json envelope);
    // Interactivity and slash commands: one attempt, no retry.
    [[nodiscard]] QCoro::Task<Result<http::Response>> sendInteraction(Json payload);

    void stop() { m_stop.cancel(); }
    [[nodiscard]] QCoro::Task<> join();

Q_SIGNALS:
    void drained();
    // After every attempt that Slack would count as failed.
    void attemptFailed(const QString &eventId, int attempt, const QString &reason);

private:
    struct Attempt;
    [[nodiscard]] QCoro::Task<Attempt> attempt(QByteArray body, int number, QString reason);
    [[nodiscard]] QString nextEventId();

    const SlackModel &m_model;
    const Clock &m_clock;
    QString m_appId;
    Secret m_signingSecret;
    QUrl m_eventUrl;
    QUrl m_interactionUrl;
    http::Client m_client;
    async::CancelSource m_stop;
    int m_live = 0;
    qint64 m_eventNumber = 0;
    QString m_eventPrefix;
};

} // namespace signalbox::sandbox
