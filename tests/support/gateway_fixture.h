// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "http/client.h"
#include "sandbox/slack_simulator.h"
#include "sandbox/spritz_simulator.h"
#include "support/child_process.h"

#include <QTemporaryDir>
#include <QTest>

#include <memory>
#include <optional>

namespace signalbox::testing {

// Stands in every text, name and secret that a test hands to the gateway. Logs must not hold it anywhere.
inline constexpr char kMarker[] = "zqmark";
[[nodiscard]] QString marked(const QString &text); // "… zqmark-text"

struct GatewayOptions
{
    GatewayOptions();

    enum class Backend { Acp, Spritz };
    Backend backend = Backend::Acp;
    QString database; // as engine.database; empty: SQLite in the data folder
    QString tenant; // of the installation; default: the simulated Slack's team; "*": any
    bool configuredBotToken = true; // an installation of a spritz backend may learn it from the registry
    QStringList agentCommand; // of an acp backend; default: the program's own simulated agent
    bool agentRemembers = false; // its conversations are on disk, so that a new process can load them
    QString registryUrl; // default: the simulator's; for a relay between
    QString spritzUrl;
    QString slackApiUrl; // default: the simulator's
    // Lines of TOML for the table of that name; the fixture writes its own lines before them.
    QByteArray engine;
    QByteArray slack;
    QByteArray recovery;
    QByteArray turn;
    QByteArray installation;
    QByteArray backendLines; // of the backend under test
    QByteArray further; // whole tables
    sandbox::SlackSimulatorConfig slackSimulator;
    sandbox::SpritzSimulatorConfig spritzSimulator;
};

// signalboxd as a process of its own, from $SIGNALBOX_BIN_DIR, between a simulated Slack and a simulated
// Spritz (or its own simulated agent), everything on loopback in a temporary folder. What its logs may never
// hold is looked for when the fixture dies, in every test that uses it; so are reports of sanitizers. Lives
// on the test's thread.
class GatewayFixture : public QObject
{
    Q_OBJECT
public:
    explicit GatewayFixture(GatewayOptions options = GatewayOptions());
    // One more engine in the same world: the simulators of `world`, which outlives it.
    GatewayFixture(GatewayOptions options, GatewayFixture &world);
    ~GatewayFixture() override;

    // Starts the program and waits for its ready line; also after kill() or a stop, on the same data folder.
    [[nodiscard]] Status start(Millis deadline = Millis(30'000));
    // The next start() is armed to end itself there (base/failpoint.h); only that one.
    void armFailpoint(const QString &name) { m_failpoint = name; }
    // SIGKILL; returns when the process is gone.
    void killNow();
    // SIGTERM; the exit code, or nullopt when it did not end in time.
    [[nodiscard]] std::optional<int> stop(Millis deadline = Millis(30'000));
    // SIGTERM alone.
    void terminate();
    [[nodiscard]] std::optional<int> waitForEnd(Millis deadline = Millis(30'000));

    [[nodiscard]] bool isRunning() const { return m_process && m_process->isRunning(); }
    [[nodiscard]] qint64 processId() const { return m_process ? m_process->processId() : 0; }
    // SIGSTOP and SIGCONT.
    void freeze();
    void thaw();
    // A line of stderr from now on.
    [[nodiscard]] Result<QByteArray> waitForLog(const QByteArray &part, Millis deadline = Millis(30'000));
    [[nodiscard]] quint16 ingressPort() const { return m_ingressPort; }
    [[nodiscard]] quint16 adminPort() const { return m_adminPort; }
    [[nodiscard]] QUrl eventsUrl() const;
    [[nodiscard]] Millis startupTime() const { return m_startupTime; } // of the last start
    [[nodiscard]] qint64 residentKib() const; // VmRSS
    [[nodiscard]] QByteArray log() const; // stderr of all its lives
    [[nodiscard]] QByteArray readyLine() const { return m_readyLine; }
    [[nodiscard]] QString dataDir() const;
    [[nodiscard]] QString configFile() const;
    [[nodiscard]] static QString program();
    [[nodiscard]] static bool isFullForm(); // SIGNALBOX_TEST_FULL=1

    // GET on the admin listener, "/deliveries?…" with the token of admin.json; anything but 200 is an error.
    [[nodiscard]] Result<Json> admin(const QString &path);
    [[nodiscard]] Result<http::Response> get(quint16 port, const QString &path, const QByteArray &token = {});
    [[nodiscard]] QByteArray adminToken() const { return m_adminToken; }
    // POST there with an idempotency key; the status, 0 without an answer.
    [[nodiscard]] int act(const QString &path, const QByteArray &body, const QByteArray &key);
    [[nodiscard]] qint64 deliveryTotal(); // -1 when it cannot be read
    // The delivery of one message with its attempts, outbound messages and timeline; null without one.
    [[nodiscard]] Json delivery(const QString &messageTs);
    // "completed/delivered", "dead/unknown_thing", "waiting/outbound", "pending", or "" without one.
    [[nodiscard]] QString outcome(const QString &messageTs);

    // How often any simulated agent (of either backend) got a prompt for this message. An acp agent's count
    // needs agentRemembers.
    [[nodiscard]] int prompts(const QString &messageTs);
    // Texts of the app in a channel's thread, in order; all top-level ones for an empty thread.
    [[nodiscard]] QStringList appTexts(const QString &channel, const QString &thread = {}) const;

    // A mention by a person, with the marker in its text, delivered to the program.
    [[nodiscard]] sandbox::SayOutcome mention(const QString &channel, const QString &text,
        const QString &thread = {}, sandbox::TwinOrder order = sandbox::TwinOrder::MessageFirst);
    // A signed POST to /slack/events; status 0 when there was no answer.
    [[nodiscard]] http::Response post(const QByteArray &body);
    [[nodiscard]] http::Response post(sandbox::SignedSender::Request request);

    // Ends the program, and tells what its log may not hold; for a fixture on another thread than the test's,
    // which cannot fail it. Any other looks by itself when it dies.
    [[nodiscard]] QStringList finish();

    [[nodiscard]] sandbox::SlackSimulator &slack() { return *m_slack; }
    [[nodiscard]] sandbox::SpritzSimulator &spritz() { return *m_spritz; }
    [[nodiscard]] const GatewayOptions &options() const { return m_options; }

private:
    [[nodiscard]] Status writeConfig();
    [[nodiscard]] QByteArray backendToml() const;
    [[nodiscard]] Status readAdminFile();
    void keepLog();
    [[nodiscard]] QStringList logProblems() const;

    GatewayOptions m_options;
    SystemClock m_clock;
    QTemporaryDir m_folder;
    std::shared_ptr<sandbox::SlackSimulator> m_slack;
    std::shared_ptr<sandbox::SpritzSimulator> m_spritz;
    bool m_ownsWorld = true;
    http::Client m_client;
    std::unique_ptr<ChildProcess> m_process;
    QByteArray m_log; // of former lives
    QByteArray m_readyLine;
    QString m_failpoint;
    bool m_finished = false;
    QByteArray m_adminToken;
    std::vector<QByteArray> m_allTokens;
    quint16 m_ingressPort = 0;
    quint16 m_adminPort = 0;
    Millis m_startupTime{0};
};

} // namespace signalbox::testing

// Waits until a message's delivery has this outcome; on failure tells what it is.
#define SIGNALBOX_WAIT_OUTCOME(fixture, ts, expected, timeout)                                               \
    QTRY_COMPARE_WITH_TIMEOUT((fixture).outcome(ts), QStringLiteral(expected), timeout)
