// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtimes/runtime_backend.h"

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

#include <functional>

namespace signalbox::runtimes {

// One prompt on its way: its clocks (DESIGN.md "Turn clocks"), its text so far and its end. The transport
// reports what comes in; the run decides when to cancel and when to give up. The first end counts. Owned by a
// shared_ptr; lives on one thread.
class TurnRun : public QObject
{
    Q_OBJECT
public:
    // Both are called at most once; `sendCancel` asks the agent to stop.
    TurnRun(TurnClocks clocks, std::function<void()> onAccepted, std::function<void()> sendCancel);

    // The prompt has left. The run follows `cancel` from now on.
    void begin(const async::CancelToken &cancel);

    // Anything that belongs to this turn came in; `isSign` is a sign of acceptance (DESIGN.md step 5).
    void frame(bool isSign);
    // Appended as it is. Beyond 4 Mi characters the rest is dropped: memory is bounded by us, never by an
    // agent.
    void append(const QString &text);
    [[nodiscard]] bool hasText() const { return !m_result.text.isEmpty(); }
    void countRefusal() { ++m_result.permissionsRefused; }

    // While a person is asked no clock runs but the grace of a cancel. Once for each question.
    void hold();
    void resume();

    // The ends. After a cancel of ours the reason of the cancel wins (contracts/acp.md §3 "session/cancel").
    void answered(const QString &stopReason);
    void failed(const QString &errorCode, const QString &errorText);
    void lost(const QString &errorCode, const QString &errorText);
    // Nothing left: another try is safe, or the turn was cancelled before.
    void notSent(TurnEnd end, const QString &errorCode);
    // Nobody waits for this turn any more: cancels it at once, without a grace.
    void abandon();

    [[nodiscard]] bool isDone() const { return m_phase == Phase::Done; }
    [[nodiscard]] bool isCancelling() const { return m_phase == Phase::Cancelling; }
    // Done because one of its clocks was over, and not the end of its cancel token or of the transport.
    [[nodiscard]] bool hasRunOut() const;
    // Waits for the end; once.
    [[nodiscard]] static QCoro::Task<TurnResult> wait(std::shared_ptr<TurnRun> run);

Q_SIGNALS:
    void finished();

private:
    enum class Phase { Idle, Waiting, Accepted, Cancelling, Done };
    void accept();
    void tick();
    // What is left of the nearest clock, and how the turn ends when it is over.
    [[nodiscard]] std::pair<qint64, TurnEnd> nearestClock() const;
    [[nodiscard]] qint64 withHolds(qint64 rest) const;
    void cancel(TurnEnd reason);
    void settle(TurnEnd end);

    TurnClocks m_clocks;
    std::function<void()> m_onAccepted;
    std::function<void()> m_sendCancel;
    Phase m_phase = Phase::Idle;
    TurnEnd m_cancelReason = TurnEnd::Cancelled;
    TurnResult m_result;
    int m_holds = 0;
    Millis m_held{0}; // of this phase, before the present hold
    QElapsedTimer m_holdSince;
    QElapsedTimer m_phaseSince;
    QElapsedTimer m_lastFrame;
    QTimer m_timer;
};

} // namespace signalbox::runtimes
