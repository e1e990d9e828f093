// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtimes/runtime_backend.h"
#include "runtimes/spritz/spritz_connection.h"

#include <memory>

namespace signalbox::runtimes {

// A conversation loaded over a socket of its own, which goes with this object or with the end of its prompt.
class SpritzTurn final : public Turn
{
public:
    SpritzTurn(std::shared_ptr<SpritzConnection> connection, QString sessionId, bool contextLost);
    ~SpritzTurn() override;
    SpritzTurn(const SpritzTurn &) = delete;
    SpritzTurn &operator=(const SpritzTurn &) = delete;

    [[nodiscard]] QString agentSession() const override { return m_sessionId; }
    [[nodiscard]] bool contextLost() const override { return m_contextLost; }
    void setAsker(std::weak_ptr<Asker> asker) override { m_asker = std::move(asker); }
    bool answer(const QString &connection, const QString &request, const QuestionAnswer &answer) override
    {
        return m_connection->questions().answer(connection, request, answer);
    }
    [[nodiscard]] QCoro::Task<> settle(Millis grace, async::CancelToken cancel) override;
    [[nodiscard]] QCoro::Task<TurnResult> prompt(QString text, TurnClocks clocks,
        std::function<bool()> mayLeave, std::function<void()> onAccepted, async::CancelToken cancel) override;

private:
    std::shared_ptr<SpritzConnection> m_connection;
    QString m_sessionId;
    bool m_contextLost;
    std::weak_ptr<Asker> m_asker;
    std::shared_ptr<TurnRun> m_run;
};

} // namespace signalbox::runtimes
