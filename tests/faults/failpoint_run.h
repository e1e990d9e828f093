// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/failpoint.h"
#include "http/server.h"
#include "support/gateway_fixture.h"

#include <QSet>

namespace signalbox::testing {

// A backend's lifecycle webhook that remembers the events of its forwards.
class LifecycleHook
{
public:
    LifecycleHook();
    ~LifecycleHook();
    [[nodiscard]] QByteArray url() const;
    [[nodiscard]] QStringList eventIds() const { return m_eventIds; } // of each request

private:
    [[nodiscard]] http::Router router();
    QStringList m_eventIds;
    http::Server m_server;
};

// One run: a signalboxd is killed at one failpoint, started again, and what it was given is checked from
// outside. Runs blocking on any thread; reports instead of failing.
class FailpointRun
{
public:
    struct Plan
    {
        Plan() = default;
        FailPlace place = FailPlace::None;
        FailEdge edge = FailEdge::Before;
        QString database; // empty: SQLite
        GatewayOptions::Backend backend = GatewayOptions::Backend::Spritz;
        [[nodiscard]] QString failpoint() const; // "commit.ingest.before"
    };
    explicit FailpointRun(Plan plan);

    // What was wrong; empty: nothing.
    [[nodiscard]] QStringList run();
    [[nodiscard]] bool wasReached() const { return m_reached; }
    // "delivered, 1 prompt".
    [[nodiscard]] QString summary() const { return m_summary; }

private:
    struct Message
    {
        Message() = default;
        QString channel;
        QString thread; // of its answer; empty: top level
        QString ts;
        QString text;
        QByteArray envelope;
        int status = 0; // of the POST; 0: no answer
    };

    [[nodiscard]] GatewayOptions options() const;
    [[nodiscard]] bool isSpritz() const { return m_plan.backend == GatewayOptions::Backend::Spritz; }
    [[nodiscard]] bool isOfLifecycle() const;
    [[nodiscard]] bool is(FailPlace place) const { return m_plan.place == place; }
    void prepare(); // a life before the one that is killed
    void provoke(); // makes the place come
    void recover(); // the life after
    // `manner` goes before the text and says how the agent takes it: "slow 300ms ".
    void say(const QString &text, const QString &thread = {}, const QString &manner = {});
    void send(Message &message);
    [[nodiscard]] int report(); // a lifecycle event
    void setRuntime(bool ready);
    [[nodiscard]] bool isOfInteractions() const;
    [[nodiscard]] QString openCard() const; // the ts of a card with buttons; empty: none
    void answerCard(); // as soon as there is one
    void check(const Message &message);
    void checkEnding(const Message &message, const Json &delivery, const QStringList &texts);
    void checkDoubles(const Message &message, const Json &delivery, const QStringList &texts);
    void checkForwards();
    [[nodiscard]] bool start();
    bool until(const std::function<bool()> &condition, const QString &what);
    void problem(const QString &what) { m_problems << m_plan.failpoint() + QStringLiteral(": ") + what; }

    Plan m_plan;
    LifecycleHook m_hook;
    std::unique_ptr<GatewayFixture> m_gateway;
    std::vector<Message> m_messages;
    QStringList m_problems;
    QString m_summary;
    bool m_reached = false;
};

} // namespace signalbox::testing
