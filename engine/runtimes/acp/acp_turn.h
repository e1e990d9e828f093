// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtimes/acp/acp_connection.h"
#include "runtimes/runtime_backend.h"

#include <memory>

namespace signalbox::runtimes {

// A conversation that an agent process has open. Keeps no connection of its own; when the process has ended
// before the prompt, the prompt is not sent. Dropped with a prompt in flight, it cancels it.
class AcpTurn final : public Turn
{
public:
    AcpTurn(std::weak_ptr<AcpConnection> connection, const AcpConnection::Opened &opened);
    ~AcpTurn() override;
    AcpTurn(const AcpTurn &) = delete;
    AcpTurn &operator=(const AcpTurn &) = delete;

    [[nodiscard]] QString agentSession() const override { return m_opened.session; }
    [[nodiscard]] bool contextLost() const override { return m_opened.contextLost; }
    void setAsker(std::weak_ptr<Asker> asker) override { m_asker = std::move(asker); }
    bool answer(const QString &connection, const QString &request, const QuestionAnswer &answer) override;
    // A session that is open has no prompt of ours in flight, so the word alone is enough.
    [[nodiscard]] QCoro::Task<> settle(Millis grace, async::CancelToken cancel) override;
    [[nodiscard]] QCoro::Task<TurnResult> prompt(QString text, TurnClocks clocks,
        std::function<bool()> mayLeave, std::function<void()> onAccepted, async::CancelToken cancel) override;

private:
    std::weak_ptr<AcpConnection> m_connection;
    AcpConnection::Opened m_opened;
    std::weak_ptr<Asker> m_asker;
    std::shared_ptr<TurnRun> m_run;
};

} // namespace signalbox::runtimes
