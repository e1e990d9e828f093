// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/gateway_fixture.h"
#include "support/recording_relay.h"

#include <memory>
#include <random>
#include <vector>

namespace signalbox::testing {

using namespace Qt::StringLiterals;

inline QString engineName(size_t number)
{
    return u"engine-%1"_s.arg(number);
}

inline QByteArray engineLines(size_t number, Millis lease)
{
    return "id = \"" + engineName(number).toUtf8() + "\"\nlease = \"" + QByteArray::number(lease.count())
        + "ms\"\nshutdown_grace = \"500ms\"\n";
}

inline GatewayOptions worldOptions(const QString &database, Millis lease)
{
    GatewayOptions options;
    options.backend = GatewayOptions::Backend::Spritz;
    options.database = database;
    options.engine = engineLines(0, lease);
    options.slack = "ack_reaction = \"\"\n";
    options.turn = "first_frame_timeout = \"3s\"\nidle_timeout = \"3s\"\ncancel_grace = \"200ms\"\n"
                   "adoption_interval = \"500ms\"\nadoption_timeout = \"8s\"\n";
    options.recovery = "http_timeout = \"5s\"\nsession_retry_interval = \"300ms\"\n";
    return options;
}

// Engines side by side in one world. The last one reaches Slack through a relay that remembers when.
class Fleet
{
public:
    Fleet(const GatewayOptions &options, size_t size, Millis lease)
    {
        m_engines.push_back(std::make_unique<GatewayFixture>(options));
        m_relay = std::make_unique<RecordingRelay>(
            static_cast<quint16>(QUrl(world().slack().apiBaseUrl()).port()));
        for (size_t i = 1; i < size; ++i) {
            GatewayOptions other = world().options();
            other.engine = engineLines(i, lease);
            if (i + 1 == size) {
                QUrl url(world().slack().apiBaseUrl());
                url.setPort(m_relay->port());
                other.slackApiUrl = url.toString();
            }
            m_engines.push_back(std::make_unique<GatewayFixture>(other, world()));
        }
    }
    ~Fleet()
    {
        while (!m_engines.empty())
            m_engines.pop_back(); // the world goes last
    }
    Fleet(const Fleet &) = delete;
    Fleet &operator=(const Fleet &) = delete;

    [[nodiscard]] GatewayFixture &world() { return *m_engines.front(); }
    [[nodiscard]] GatewayFixture &engine(size_t number) { return *m_engines[number]; }
    [[nodiscard]] GatewayFixture &relayed() { return *m_engines.back(); }
    [[nodiscard]] RecordingRelay &relay() { return *m_relay; }
    [[nodiscard]] size_t size() const { return m_engines.size(); }
    [[nodiscard]] Status start()
    {
        for (const auto &engine : m_engines) {
            if (auto started = engine->start(Millis(60'000)); !started)
                return started;
        }
        return {};
    }
    // Slack reaches any engine that answers.
    void choose(std::mt19937 &random)
    {
        for (int tries = 0; tries < 100; ++tries) {
            const size_t one = random() % m_engines.size();
            if (!m_engines[one]->isRunning() || one == m_frozen)
                continue;
            world().slack().setEventUrl(m_engines[one]->eventsUrl());
            return;
        }
    }
    void setFrozen(std::optional<size_t> number) { m_frozen = number.value_or(m_engines.size()); }

private:
    std::vector<std::unique_ptr<GatewayFixture>> m_engines;
    std::unique_ptr<RecordingRelay> m_relay;
    size_t m_frozen = 1000;
};

} // namespace signalbox::testing
