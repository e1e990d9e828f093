// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "base/secret.h"
#include "runtimes/json_rpc.h"
#include "runtimes/open_questions.h"
#include "runtimes/turn_run.h"

#include <QObject>
#include <QPointer>
#include <QUrl>

#include <functional>
#include <memory>

class QWebSocket;

namespace signalbox::runtimes {

// The socket of one turn (contracts/spritz-backend.md §5.3, §5.4): opened, loaded, prompted once, closed.
// Lives on the engine thread, in a shared_ptr; dropping it closes the socket. A frame and a message that come
// in have at most kMaxIncoming bytes: a longer one ends the connection as "socket_closed". A runtime that
// leaves more than kMaxUnwritten unread ends it as "not_reading".
class SpritzConnection : public QObject
{
    Q_OBJECT
public:
    static constexpr quint64 kMaxIncoming = 16 * 1024 * 1024; // bytes
    static constexpr qint64 kMaxUnwritten = 8 * 1024 * 1024; // bytes, TLS included

    // `owner` takes the socket while it says goodbye, which it does after this object is gone.
    explicit SpritzConnection(QObject *owner);
    ~SpritzConnection() override;

    // The upgrade. "handshake": refused or unreachable, and QWebSocket does not tell which; "timeout";
    // "cancelled".
    [[nodiscard]] QCoro::Task<Status> connectTo(
        QUrl url, Secret token, Millis timeout, async::CancelToken cancel);
    // Told every session/update that comes while there is no prompt: a replay. Set before load().
    void setReplayListener(std::function<void(const Json &update)> listener)
    {
        m_onReplay = std::move(listener);
    }
    // initialize and session/load. "socket_closed", "not_reading", "timeout", "bad_frame", "rpc_<code>".
    [[nodiscard]] QCoro::Task<Status> load(
        QString sessionId, QString cwd, Millis timeout, async::CancelToken cancel);
    // Sends the prompt, asking `mayLeave` immediately before the write, and reports to `run` until it is
    // done.
    void prompt(const QString &sessionId, const QString &text, const std::shared_ptr<TurnRun> &run,
        const std::function<bool()> &mayLeave, const async::CancelToken &cancel,
        const std::weak_ptr<Asker> &asker = {});
    [[nodiscard]] OpenQuestions &questions() { return m_questions; }
    void cancelPrompt(const QString &sessionId);
    // The socket goes; what is open ends with this reason.
    void shut(const QString &reason);

Q_SIGNALS:
    void settled(); // the upgrade succeeded or failed

private:
    [[nodiscard]] bool write(const QByteArray &frame);
    void onNotification(const QString &method, const Json &params);
    [[nodiscard]] bool onRequest(const QString &method, const Json &params, const Json &id);
    void release();

    QPointer<QWebSocket> m_socket;
    JsonRpcPeer m_peer;
    OpenQuestions m_questions;
    std::weak_ptr<TurnRun> m_run;
    std::weak_ptr<Asker> m_asker;
    std::function<void(const Json &update)> m_onReplay;
    bool m_isUpgraded = false;
    bool m_isChoked = false;
};

} // namespace signalbox::runtimes
