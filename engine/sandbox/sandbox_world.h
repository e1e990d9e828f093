// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/slack_simulator.h"
#include "sandbox/spritz_simulator.h"

namespace signalbox::sandbox {

inline constexpr char16_t kSpritzTeam[] = u"T0LAB";
inline constexpr char16_t kAcpTeam[] = u"T0DESK";
inline constexpr char kSpritzBotToken[] = "xoxb-sandbox-lab";
inline constexpr char kAcpBotToken[] = "xoxb-sandbox-desk";

// The simulators of a Sandbox, its control server and its people. Lives on the thread that makes it.
class SandboxWorld : public QObject
{
    Q_OBJECT
public:
    explicit SandboxWorld(Millis interval);
    ~SandboxWorld() override;

    [[nodiscard]] Status start();
    [[nodiscard]] QCoro::Task<> close();
    void startTraffic(const QString &ingressUrl);

    [[nodiscard]] SlackSimulator &slack() { return m_slack; }
    [[nodiscard]] SpritzSimulator &spritz() { return m_spritz; }
    [[nodiscard]] QString controlUrl() const;

private:
    struct Line;
    [[nodiscard]] static std::vector<Line> script();
    [[nodiscard]] QCoro::Task<> traffic();
    [[nodiscard]] QCoro::Task<> speak(Line line);
    // Whoever is asked by a card presses its first button after a while.
    [[nodiscard]] QCoro::Task<> pressLater(QString channel, QString ts);
    [[nodiscard]] static QCoro::Task<> finish(QCoro::Task<Result<SayOutcome>> said);
    [[nodiscard]] http::Response say(const http::Request &request);
    [[nodiscard]] http::Response messages(const http::Request &request) const;

    SystemClock m_clock;
    Millis m_interval;
    SlackSimulator m_slack;
    SpritzSimulator m_spritz;
    std::unique_ptr<http::Server> m_control;
    async::TaskScope m_people;
    bool m_trafficStarted = false;
    QString m_lastThread; // a thread of the lab's general channel to come back to
};

} // namespace signalbox::sandbox
