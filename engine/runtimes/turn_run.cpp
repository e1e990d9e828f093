// SPDX-License-Identifier: Apache-2.0
#include "runtimes/turn_run.h"

#include "async/wait.h"

#include <limits>

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
constexpr qsizetype kMaxText = 4 * 1024 * 1024;
constexpr qint64 kNever = std::numeric_limits<qint64>::max();

qint64 left(Millis clock, const QElapsedTimer &since)
{
    return clock.count() > 0 ? clock.count() - since.elapsed() : kNever;
}
} // namespace

TurnRun::TurnRun(TurnClocks clocks, std::function<void()> onAccepted, std::function<void()> sendCancel)
    : m_clocks(clocks)
    , m_onAccepted(std::move(onAccepted))
    , m_sendCancel(std::move(sendCancel))
    , m_timer(this)
{
    m_timer.setSingleShot(true);
    connect(&m_timer, &QTimer::timeout, this, &TurnRun::tick);
}

void TurnRun::begin(const async::CancelToken &cancelToken)
{
    if (m_phase != Phase::Idle) {
        return;
    }
    m_phase = Phase::Waiting;
    m_phaseSince.start();
    m_lastFrame.start();
    if (cancelToken.isCancelled()) {
        cancel(TurnEnd::Cancelled);
        return;
    }
    if (cancelToken.state() != nullptr) {
        connect(cancelToken.state(), &async::CancelState::cancelled, this,
            [this] { cancel(TurnEnd::Cancelled); });
    }
    tick();
}

void TurnRun::frame(bool isSign)
{
    if (m_phase == Phase::Idle || m_phase == Phase::Done) {
        return;
    }
    ++m_result.frames;
    m_lastFrame.start();
    if (isSign) {
        accept();
    }
}

void TurnRun::append(const QString &text)
{
    m_result.text += QStringView(text).left(kMaxText - m_result.text.size());
}

void TurnRun::accept()
{
    if (m_result.accepted) {
        return;
    }
    m_result.accepted = true;
    if (m_phase == Phase::Waiting) {
        m_phase = Phase::Accepted;
        m_phaseSince.start();
        m_held = Millis(0);
        tick();
    }
    if (m_onAccepted) {
        std::exchange(m_onAccepted, nullptr)();
    }
}

qint64 TurnRun::withHolds(qint64 rest) const
{
    return rest == kNever ? kNever : rest + m_held.count();
}

std::pair<qint64, TurnEnd> TurnRun::nearestClock() const
{
    switch (m_phase) {
    case Phase::Waiting:
        if (m_holds > 0)
            break;
        return {withHolds(left(m_clocks.firstFrame, m_phaseSince)), TurnEnd::FirstFrameTimeout};
    case Phase::Accepted: {
        if (m_holds > 0)
            break;
        const qint64 idle = left(m_clocks.idle, m_lastFrame);
        const qint64 whole = withHolds(left(m_clocks.maximum, m_phaseSince));
        return whole < idle ? std::pair(whole, TurnEnd::TooLong) : std::pair(idle, TurnEnd::IdleTimeout);
    }
    // A grace of nothing is over at once.
    case Phase::Cancelling:
        return {m_clocks.cancelGrace.count() - m_phaseSince.elapsed(), m_cancelReason};
    case Phase::Idle:
    case Phase::Done:
        break;
    }
    return {kNever, TurnEnd::Lost};
}

// Frames do not move the timer; when it fires it looks how much is left by now.
void TurnRun::tick()
{
    const auto [wait, end] = nearestClock();
    if (wait == kNever) {
        m_timer.stop();
    } else if (wait > 0) {
        m_timer.start(Millis(wait));
    } else if (m_phase == Phase::Cancelling) {
        settle(m_cancelReason);
    } else {
        cancel(end);
    }
}

void TurnRun::hold()
{
    if (m_holds++ == 0) {
        m_holdSince.start();
        tick();
    }
}

// The answer counts as a frame: the agent is not silent because a person took their time.
void TurnRun::resume()
{
    if (m_holds == 0 || --m_holds > 0) {
        return;
    }
    m_held += Millis(m_holdSince.elapsed());
    m_lastFrame.start();
    tick();
}

bool TurnRun::hasRunOut() const
{
    const TurnEnd end = m_result.end;
    return isDone()
        && (end == TurnEnd::FirstFrameTimeout || end == TurnEnd::IdleTimeout || end == TurnEnd::TooLong);
}

void TurnRun::cancel(TurnEnd reason)
{
    if (m_phase != Phase::Waiting && m_phase != Phase::Accepted) {
        return;
    }
    m_phase = Phase::Cancelling;
    m_cancelReason = reason;
    m_phaseSince.start();
    m_timer.start(m_clocks.cancelGrace);
    if (m_sendCancel) {
        std::exchange(m_sendCancel, nullptr)();
    }
}

void TurnRun::answered(const QString &stopReason)
{
    if (m_phase == Phase::Idle || m_phase == Phase::Done) {
        return;
    }
    ++m_result.frames;
    m_result.stopReason = stopReason;
    const bool ours = m_phase == Phase::Cancelling;
    accept();
    settle(ours ? m_cancelReason : TurnEnd::Ended);
}

void TurnRun::failed(const QString &errorCode, const QString &errorText)
{
    if (m_phase == Phase::Idle || m_phase == Phase::Done) {
        return;
    }
    ++m_result.frames;
    m_result.errorCode = errorCode;
    m_result.errorText = errorText;
    const bool ours = m_phase == Phase::Cancelling;
    accept();
    settle(ours ? m_cancelReason : TurnEnd::Failed);
}

void TurnRun::lost(const QString &errorCode, const QString &errorText)
{
    if (m_phase == Phase::Idle || m_phase == Phase::Done) {
        return;
    }
    m_result.errorCode = errorCode;
    m_result.errorText = errorText;
    settle(m_phase == Phase::Cancelling ? m_cancelReason : TurnEnd::Lost);
}

void TurnRun::notSent(TurnEnd end, const QString &errorCode)
{
    m_result.errorCode = errorCode;
    settle(end);
}

void TurnRun::abandon()
{
    cancel(TurnEnd::Cancelled);
    settle(TurnEnd::Cancelled);
}

void TurnRun::settle(TurnEnd end)
{
    if (m_phase == Phase::Done) {
        return;
    }
    m_phase = Phase::Done;
    m_timer.stop();
    m_onAccepted = nullptr;
    m_sendCancel = nullptr;
    m_result.end = end;
    Q_EMIT finished();
}

QCoro::Task<TurnResult> TurnRun::wait(std::shared_ptr<TurnRun> run)
{
    if (!run->isDone()) {
        co_await async::waitSignal(run.get(), &TurnRun::finished, async::kNoDeadline);
    }
    co_return std::move(run->m_result);
}

} // namespace signalbox::runtimes
