// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/block_on.h"
#include "store/store.h"
#include "support/fake_clock.h"
#include "support/postgres.h"

#include <QSqlDatabase>
#include <QTemporaryDir>
#include <QTest>
#include <QVariant>

#include <optional>

namespace signalbox::testing {

// A fresh database of the kind that SIGNALBOX_STORE_UNDER_TEST names (sqlite or postgres), stores that are
// opened on it, and shorthands that keep a conformance test readable. Time: SQLite follows `clock`,
// PostgreSQL its own, so tests move deadlines by negative spans instead of waiting.
class StoreFixture
{
public:
    StoreFixture();
    ~StoreFixture();

    [[nodiscard]] static bool isPostgres();
    // Makes the database and opens the first store. Call once, before anything else.
    [[nodiscard]] Status start();
    // One more store on the same database: another engine (PostgreSQL), or the next life (SQLite, after
    // close()).
    [[nodiscard]] Result<std::unique_ptr<store::Store>> open();
    void close() { m_store.reset(); }
    // The test changes the schema: its database is for nobody else.
    void spoil() { m_isSpoilt = true; }
    [[nodiscard]] Status reopen();

    [[nodiscard]] store::Store &db() { return *m_store; }
    [[nodiscard]] const QString &url() const { return m_url; }
    FakeClock clock;
    QObject home;

    // The first value of the first row, straight from the database; an invalid one when there is no row. A
    // failing statement gives its error text behind "error: ".
    QVariant sql(const QString &statement);
    // A raw connection of its own, to be removed by the fixture.
    [[nodiscard]] QSqlDatabase connection();

    // A message of its own thread (session "se_<thread>") and its three keys, made from `name`.
    [[nodiscard]] static store::IngestRequest message(const QString &name, const QString &thread);
    store::IngestOutcome ingest(const store::IngestRequest &request);
    store::IngestOutcome ingest(const QString &name, const QString &thread)
    {
        return ingest(message(name, thread));
    }
    // Registers (or raises) the engine and gives its life.
    store::EngineLife engine(const QString &id = QStringLiteral("e1"), Millis lease = Millis(60'000));
    [[nodiscard]] static store::ClaimLimits upTo(int most);
    std::vector<store::ClaimedDelivery> claim(const store::EngineLife &life, int most = 10);
    std::vector<store::ClaimedOutbound> claimOutbound(const store::EngineLife &life, int most = 10);
    store::FinishedTurn finish(const store::ClaimedDelivery &delivery, domain::DeliveryState state,
        const std::vector<store::OutboundDraft> &outbound = {});
    Status begin(const store::ClaimedDelivery &delivery);
    Status accept(const store::ClaimedDelivery &delivery);
    [[nodiscard]] static store::OutboundDraft draft(
        const QString &deliveryId, const QString &purpose, int part = 1, int parts = 1);
    // The state of a delivery or an outbound message, waiting ones as "waiting:lock".
    QString state(const QString &deliveryId);
    QString outboundState(const QString &id);

private:
    [[nodiscard]] Status takeSpare();

    static std::optional<PostgresDatabase> s_spare;
    bool m_isSpoilt = false;
    QTemporaryDir m_folder;
    std::optional<PostgresDatabase> m_database;
    QString m_url;
    std::unique_ptr<store::Store> m_store;
    QStringList m_connections;
    QSqlDatabase m_raw;
};

} // namespace signalbox::testing

// Makes `fixture` (a local) or fails or skips the test.
#define SIGNALBOX_STORE(fixture)                                                                             \
    if (signalbox::testing::StoreFixture::isPostgres()) {                                                    \
        SIGNALBOX_NEED_POSTGRES();                                                                           \
    }                                                                                                        \
    signalbox::testing::StoreFixture fixture;                                                                \
    do {                                                                                                     \
        const auto started = fixture.start();                                                                \
        QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));                            \
    } while (false)
