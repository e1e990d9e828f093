// SPDX-License-Identifier: Apache-2.0
#include "runtimes/spritz/spritz_turn.h"

#include "async/wait.h"
#include "base/failpoint.h"

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
// Keeps the socket until the turn is over and no longer.
QCoro::Task<TurnResult> waitAndShut(
    std::shared_ptr<TurnRun> run, std::shared_ptr<SpritzConnection> connection)
{
    TurnResult result = co_await TurnRun::wait(run);
    connection->shut(u"closed"_s);
    co_return result;
}
} // namespace

SpritzTurn::SpritzTurn(std::shared_ptr<SpritzConnection> connection, QString sessionId, bool contextLost)
    : m_connection(std::move(connection))
    , m_sessionId(std::move(sessionId))
    , m_contextLost(contextLost)
{
}

SpritzTurn::~SpritzTurn()
{
    if (m_run) {
        m_run->abandon();
    }
    m_connection->shut(u"closed"_s);
}

QCoro::Task<> SpritzTurn::settle(Millis grace, async::CancelToken cancel)
{
    reachFailpoint(FailPlace::SendCancel, FailEdge::Before);
    m_connection->cancelPrompt(m_sessionId);
    reachFailpoint(FailPlace::SendCancel, FailEdge::After);
    co_await async::delay(grace, std::move(cancel));
}

QCoro::Task<TurnResult> SpritzTurn::prompt(QString text, TurnClocks clocks, std::function<bool()> mayLeave,
    std::function<void()> onAccepted, async::CancelToken cancel)
{
    const std::weak_ptr<SpritzConnection> weak = m_connection;
    auto sendCancel = [weak, session = m_sessionId] {
        if (const std::shared_ptr<SpritzConnection> connection = weak.lock()) {
            connection->cancelPrompt(session);
        }
    };
    const auto run = std::make_shared<TurnRun>(clocks, std::move(onAccepted), std::move(sendCancel));
    if (m_run) {
        run->notSent(TurnEnd::NotSent, u"already_prompted"_s);
        return TurnRun::wait(run);
    }
    m_run = run;
    m_connection->prompt(m_sessionId, text, run, mayLeave, cancel, m_asker);
    return waitAndShut(run, m_connection);
}

} // namespace signalbox::runtimes
