// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "support/gateway_fixture.h"

#include <QTimer>

#include <functional>
#include <random>

namespace signalbox::testing {

// A steady load of mentions over many channels, each sent again until it has its 2xx, as Slack does. Lives
// on the thread of its fixture, and runs whenever that thread's event loop turns: also while the program is
// down.
class KillLoad : public QObject
{
    Q_OBJECT
public:
    struct Message
    {
        Message() = default;
        QString channel;
        QString ts;
        QString reply; // how its answer begins
        bool acknowledged = false;
    };

    KillLoad(GatewayFixture &gateway, int channels, Millis pause, unsigned seed);
    ~KillLoad() override;
    // Called before each event: which engine Slack reaches.
    void onSay(std::function<void()> choose) { m_choose = std::move(choose); }
    void start() { m_timer.start(); }
    void stop() { m_timer.stop(); }
    [[nodiscard]] const std::vector<Message> &messages() const { return m_messages; }
    [[nodiscard]] bool allAcknowledged() const;

private:
    void say();
    [[nodiscard]] QCoro::Task<> deliver(size_t index, Json envelope);

    GatewayFixture &m_gateway;
    int m_channels;
    std::mt19937 m_random;
    QTimer m_timer;
    std::function<void()> m_choose;
    std::vector<Message> m_messages;
    async::TaskScope m_sending;
};

} // namespace signalbox::testing
