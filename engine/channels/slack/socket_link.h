// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/json.h"

#include <QObject>
#include <QPointer>
#include <QTimer>
#include <QUrl>

#include <functional>

class QWebSocket;

namespace signalbox::slack {

struct SocketTimings
{
    SocketTimings() = default;
    Millis call{15'000}; // apps.connections.open
    Millis hello{15'000}; // from the address to the greeting
    Millis ping{10'000}; // ours
    Millis silence{30'000}; // without a byte from Slack a connection is dead (contracts/slack.md §2.7)
    Millis drain{20'000}; // of a connection that has been replaced
    Millis backOffFirst{1000};
    Millis backOffMost{60'000};
    Millis refusedAgain{300'000}; // a token that Slack has refused is tried again
};

// What Slack delivers over Socket Mode (contracts/slack.md §2.3).
struct SocketEnvelope
{
    SocketEnvelope() = default;
    QString id;
    QString type; // events_api | interactive | slash_commands | …
    bool acceptsPayload = false; // the acknowledgement may carry an answer
    int retryAttempt = 0;
    QString connectionApp; // the app that the connection was greeted for; empty: not told
    Json payload; // as the HTTP body
};

// One WebSocket of Slack's: greeted or not, alive or not, and what Slack wants of it. Frames that are none of
// Slack's are counted and ignored. Engine thread; held by a shared_ptr with deleteSocketLink.
class SocketLink : public QObject
{
    Q_OBJECT
public:
    enum class Wish { None, Replace, Disabled, TooMany };
    static constexpr quint64 kMaxIncoming = 4 * 1024 * 1024; // bytes of one message

    // `owner` takes the socket while it says goodbye.
    SocketLink(const Clock &clock, const SocketTimings &timings, QObject *owner);
    ~SocketLink() override;

    // The address is a secret and good for one use.
    void open(const QUrl &url);
    [[nodiscard]] bool isGreeted() const { return m_greeted; }
    [[nodiscard]] bool isGone() const { return m_gone; }
    [[nodiscard]] Wish wish() const { return m_wish; }
    [[nodiscard]] int badFrames() const { return m_badFrames; }
    void setListener(std::function<void(SocketEnvelope)> listener) { m_listener = std::move(listener); }
    // False: the connection is gone, and Slack sends the envelope again. A null payload is left out.
    bool acknowledge(const QString &envelopeId, const Json &payload);
    void close();

Q_SIGNALS:
    void changed(); // one of the four above

private:
    void readText(const QString &text);
    void readEnvelope(const Json &frame);
    void beat();
    void lose();
    void release();
    const Clock &m_clock;
    SocketTimings m_timings;
    QPointer<QWebSocket> m_socket;
    std::function<void(SocketEnvelope)> m_listener;
    QTimer m_beat;
    Millis m_heard{0}; // by CLOCK_BOOTTIME
    QString m_app;
    Wish m_wish = Wish::None;
    int m_badFrames = 0;
    bool m_greeted = false;
    bool m_gone = false;
};

} // namespace signalbox::slack
