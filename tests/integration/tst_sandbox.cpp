// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "http/client.h"
#include "http/server.h"
#include "sandbox/fault.h"
#include "sandbox/sandbox.h"

#include <QSet>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using sandbox::Sandbox;
using sandbox::SandboxOptions;

namespace {
class SandboxTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void apply_describesTwoInstallations();
    void traffic_reachesTheIngressFromBothWorkspaces();
    void control_saysAndShows();
    void stop_isQuickWhileEventsHang();
    void wording_namesWhatCanBeTried();

private:
    Result<http::Response> call(const QByteArray &method, const QString &url, const QByteArray &body = {});

    std::vector<Json> m_events;
    bool m_mute = false;
    std::unique_ptr<http::Server> m_ingress;
    std::unique_ptr<http::Client> m_client;
    std::unique_ptr<Sandbox> m_sandbox;
};

QCoro::Task<http::Response> never(http::Context context)
{
    co_await async::delay(Millis(3'600'000), context.cancel);
    co_return http::Response();
}
} // namespace

void SandboxTest::init()
{
    m_events.clear();
    m_mute = false;
    m_client = std::make_unique<http::Client>();
    http::Router router;
    router.add(
        "POST", u"/slack/events"_s, [this](const http::Request &request, const http::Context &context) {
            m_events.push_back(Json::parse(request.body).value_or(Json()));
            return m_mute ? never(context) : sandbox::answer(http::Response::text(200, "ok"));
        });
    m_ingress = std::make_unique<http::Server>(std::move(router), http::Limits());
    QVERIFY(m_ingress->listen(QHostAddress(QHostAddress::LocalHost), 0));
    SandboxOptions options;
    options.agentCommand = {u"/bin/agent"_s, u"--sandbox-agent"_s};
    options.trafficInterval = Millis(20);
    m_sandbox = std::make_unique<Sandbox>(options);
    QVERIFY(m_sandbox->startBlocking());
}

void SandboxTest::cleanup()
{
    m_sandbox.reset();
    async::blockOn(m_ingress->close(Millis(0)));
    m_ingress.reset();
    m_client.reset();
}

Result<http::Response> SandboxTest::call(const QByteArray &method, const QString &url, const QByteArray &body)
{
    http::ClientRequest request(method, QUrl(url));
    request.body = body;
    request.timeout = Millis(4000);
    return async::blockOn(m_client->send(std::move(request)));
}

void SandboxTest::apply_describesTwoInstallations()
{
    config::Config config;
    m_sandbox->apply(config);
    QCOMPARE(config.backends.size(), 2);
    QCOMPARE(config.installations.size(), 2);
    QCOMPARE(config.installations.at(0).tenant, u"T0LAB"_s);
    QCOMPARE(config.installations.at(1).backend, u"sandbox-acp"_s);
    QCOMPARE(config.backends.at(1).command.at(1), u"--sandbox-agent"_s);
    // The named token is one that the simulated Slack knows.
    http::ClientRequest request("POST", QUrl(config.slack.apiBaseUrl + u"/auth.test"_s));
    request.headers.add("Authorization", "Bearer " + config.installations.at(1).botToken.reveal());
    const auto response = async::blockOn(m_client->send(std::move(request)));
    QVERIFY(response);
    QCOMPARE((*Json::parse(response->body))[u"team_id"].toString(), u"T0DESK"_s);
}

void SandboxTest::traffic_reachesTheIngressFromBothWorkspaces()
{
    m_sandbox->startTraffic(u"http://127.0.0.1:%1"_s.arg(m_ingress->port()));
    const auto teams = [this] {
        QSet<QString> seen;
        for (const Json &event : m_events)
            seen.insert(event[u"team_id"].toString());
        return seen;
    };
    QTRY_COMPARE(teams().size(), 2);
    QTRY_VERIFY(m_events.size() > 20);
    const bool hasDirect = std::any_of(m_events.begin(), m_events.end(),
        [](const Json &event) { return event[u"event"][u"channel_type"].toString() == "im"_L1; });
    QVERIFY(hasDirect);
}

void SandboxTest::control_saysAndShows()
{
    const QString control = m_sandbox->controlUrl();
    QCOMPARE(call("POST", control + u"/say"_s, "{}")->status, 400);
    const auto said
        = call("POST", control + u"/say"_s, R"({"channel":"C0DESK","user":"U0ME","text":"hello"})");
    QVERIFY(said);
    QCOMPARE(said->status, 200);
    const auto list = call("GET", control + u"/messages?channel=C0DESK"_s);
    QVERIFY(list);
    const auto body = Json::parse(list->body);
    QVERIFY(body);
    QCOMPARE((*body)[u"messages"].at(0)[u"text"].toString(), u"<@U0DESKBOT> hello"_s);
    QVERIFY(call("GET", control + u"/"_s)->body.contains("POST /say"));
}

void SandboxTest::stop_isQuickWhileEventsHang()
{
    m_mute = true;
    m_sandbox->startTraffic(u"http://127.0.0.1:%1"_s.arg(m_ingress->port()));
    QTRY_VERIFY(!m_events.empty());
    const SystemClock clock;
    const Millis start = clock.boot();
    m_sandbox->stopBlocking();
    QVERIFY(clock.boot() - start < Millis(2500));
}

void SandboxTest::wording_namesWhatCanBeTried()
{
    const QString all = m_sandbox->wording().join(u'\n');
    QVERIFY(all.contains(m_sandbox->controlUrl() + u"/say"_s));
    QVERIFY(all.contains(u"T0LAB"_s));
}

QTEST_GUILESS_MAIN(SandboxTest)
#include "tst_sandbox.moc"
