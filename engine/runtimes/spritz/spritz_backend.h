// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/failpoint.h"
#include "http/client.h"
#include "runtimes/runtime_backend.h"
#include "runtimes/spritz/spritz_calls.h"
#include "runtimes/spritz/spritz_connection.h"

#include <QElapsedTimer>
#include <QSet>
#include <QUrl>

#include <list>
#include <memory>

namespace signalbox::runtimes {

struct SpritzOptions
{
    SpritzOptions() = default;
    QString name;
    QUrl registryUrl;
    Secret registryToken;
    QUrl spritzUrl;
    Secret spritzToken;
    QString principalId;
    Millis stepTimeout{15'000}; // each call and each step of a turn's opening
    Millis forcedExchangeTimeout{120'000}; // one that makes the registry look anew may outlast a step (§6.6)
};

// A registry that says who answers in a place, and the Spritz API in front of its runtimes
// (contracts/spritz-backend.md §4.1, §5). Nothing is cached that a message is answered with. Native codes of
// errors: of bind() as spritz::readExchange(), of open() as spritz::refusal(), SpritzConnection and, for
// both, spritz::transportError(). Its turns must be gone before it is.
class SpritzBackend final : public RuntimeBackend
{
    Q_OBJECT
public:
    // `client` outlives the backend. close() comes first; without it what waits in bind() or open() ends with
    // "closed".
    SpritzBackend(SpritzOptions options, http::Client &client, QObject *parent = nullptr);
    ~SpritzBackend() override;

    [[nodiscard]] QString name() const override { return m_options.name; }
    [[nodiscard]] QString kind() const override;
    [[nodiscard]] bool sessionsPerThread() const override { return false; }
    [[nodiscard]] QString renderPrompt(
        const domain::PromptContext &context, const QString &text) const override;
    [[nodiscard]] bool unescapesText() const override { return false; }

    [[nodiscard]] QCoro::Task<Result<Binding>> bind(BindRequest request, async::CancelToken cancel) override;
    [[nodiscard]] std::optional<Binding> lastKnown(
        const QString &tenant, const QString &place) const override;
    [[nodiscard]] QCoro::Task<Result<std::shared_ptr<Turn>>> open(
        Binding binding, OpenRequest request, async::CancelToken cancel) override;
    // Fresh for ten seconds (contracts/spritz-backend.md §3.7).
    [[nodiscard]] std::optional<PlacePolicy> placePolicy(
        const QString &tenant, const QString &place) const override;
    [[nodiscard]] bool hasRegistry() const override { return true; }
    [[nodiscard]] QCoro::Task<Status> disconnectTenant(QString tenant, async::CancelToken cancel) override;
    void forgetTenant(const QString &tenant) override;
    [[nodiscard]] bool canLook() const override { return true; }
    [[nodiscard]] QCoro::Task<Result<domain::Transcript>> look(
        Binding binding, OpenRequest request, async::CancelToken cancel) override;
    // Open turns end as Lost, calls as cancelled. There is no process to wait for, so the grace is not used.
    [[nodiscard]] QCoro::Task<> close(Millis grace) override;

private:
    static constexpr size_t kMaxTenants = 10'000; // those asked last

    struct Known
    {
        spritz::TenantFacts facts;
        QElapsedTimer since;
        std::list<QString>::iterator age;
    };
    // A conversation that is reconciled and connected, and not loaded yet.
    struct Reached
    {
        Reached() = default;
        std::shared_ptr<SpritzConnection> connection;
        spritz::Bootstrapped ready;
    };
    [[nodiscard]] QCoro::Task<Result<Reached>> reach(
        Binding binding, OpenRequest request, async::CancelToken cancel);
    [[nodiscard]] http::ClientRequest post(const QUrl &url, const Secret &token, QByteArray body) const;
    [[nodiscard]] QCoro::Task<Result<http::Response>> call(
        http::ClientRequest request, FailPlace place, async::CancelToken cancel);
    [[nodiscard]] QCoro::Task<Status> upgrade(std::shared_ptr<SpritzConnection> connection,
        QString conversation, QString nameSpace, async::CancelToken cancel);
    [[nodiscard]] std::shared_ptr<SpritzConnection> makeConnection();
    void keep(const QString &tenant, const spritz::TenantFacts &facts);

    SpritzOptions m_options;
    http::Client &m_client;
    QHash<QString, Known> m_known;
    std::list<QString> m_byAge; // the one asked last is the last
    QSet<SpritzConnection *> m_connections;
    async::CancelSource m_closing; // of the calls
};

} // namespace signalbox::runtimes
