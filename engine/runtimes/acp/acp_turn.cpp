// SPDX-License-Identifier: Apache-2.0
#include "runtimes/acp/acp_turn.h"

#include "base/failpoint.h"

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

AcpTurn::AcpTurn(std::weak_ptr<AcpConnection> connection, const AcpConnection::Opened &opened)
    : m_connection(std::move(connection))
    , m_opened(opened)
{
}

AcpTurn::~AcpTurn()
{
    if (m_run) {
        m_run->abandon();
    }
}

QCoro::Task<> AcpTurn::settle(Millis, async::CancelToken)
{
    if (const std::shared_ptr<AcpConnection> connection = m_connection.lock()) {
        reachFailpoint(FailPlace::SendCancel, FailEdge::Before);
        connection->cancelPrompt(m_opened.session);
        reachFailpoint(FailPlace::SendCancel, FailEdge::After);
    }
    co_return;
}

bool AcpTurn::answer(const QString &connection, const QString &request, const QuestionAnswer &answer)
{
    const std::shared_ptr<AcpConnection> held = m_connection.lock();
    return held && held->questions().answer(connection, request, answer);
}

QCoro::Task<TurnResult> AcpTurn::prompt(QString text, TurnClocks clocks, std::function<bool()> mayLeave,
    std::function<void()> onAccepted, async::CancelToken cancel)
{
    auto sendCancel = [weak = m_connection, session = m_opened.session] {
        if (const std::shared_ptr<AcpConnection> connection = weak.lock()) {
            connection->cancelPrompt(session);
        }
    };
    const auto run = std::make_shared<TurnRun>(clocks, std::move(onAccepted), std::move(sendCancel));
    const std::shared_ptr<AcpConnection> connection = m_connection.lock();
    if (m_run) {
        run->notSent(TurnEnd::NotSent, u"already_prompted"_s);
    } else if (!connection) {
        run->notSent(TurnEnd::NotSent, u"exited"_s);
    } else {
        m_run = run;
        connection->prompt(m_opened.session, text, run, mayLeave, cancel, m_asker);
    }
    return TurnRun::wait(run);
}

} // namespace signalbox::runtimes
