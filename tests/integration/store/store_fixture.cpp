// SPDX-License-Identifier: Apache-2.0
#include "store_fixture.h"

#include "store/session.h"

#include <QSqlError>
#include <QSqlQuery>

using namespace Qt::StringLiterals;
using namespace signalbox::store;

namespace signalbox::testing {

namespace {
constexpr Millis kHour{3'600'000};
int s_made = 0;

// A call that a test takes for granted: ends the program with its error otherwise.
template <class T>
T must(Result<T> result, const char *what)
{
    if (!result)
        qFatal("%s: %s", what, qPrintable(result.error().toString()));
    return std::move(*result);
}
} // namespace

// A database takes a third of a second to make, so one that a test is done with is emptied for the next. Held
// here while no fixture has it; dropped with the program.
std::optional<PostgresDatabase> StoreFixture::s_spare;

StoreFixture::StoreFixture() = default;

StoreFixture::~StoreFixture()
{
    m_store.reset();
    m_raw = QSqlDatabase();
    for (const QString &name : std::as_const(m_connections))
        QSqlDatabase::removeDatabase(name);
    if (m_database && !s_spare && !m_isSpoilt)
        s_spare = std::exchange(m_database, std::nullopt);
}

// Everything but the schema: the next store finds what a migration leaves.
Status StoreFixture::takeSpare()
{
    m_database = std::exchange(s_spare, std::nullopt);
    m_url = m_database->url();
    {
        QSqlQuery wipe(connection());
        const bool done = wipe.exec(
            u"DO $$ DECLARE t text; BEGIN "
            u"PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            u"AND pid <> pg_backend_pid(); "
            u"FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> "
            u"'schema_migration' LOOP EXECUTE 'ALTER TABLE ' || t || ' DISABLE TRIGGER ALL'; "
            u"EXECUTE 'DELETE FROM ' || t; EXECUTE 'ALTER TABLE ' || t || ' ENABLE TRIGGER ALL'; END LOOP; "
            u"FOR t IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP "
            u"EXECUTE 'ALTER SEQUENCE ' || t || ' RESTART'; END LOOP; END $$"_s);
        if (!done)
            return fail(ErrorCode::Internal, wipe.lastError().text());
    }
    QSqlDatabase::removeDatabase(m_connections.takeLast());
    return {};
}

bool StoreFixture::isPostgres()
{
    return qEnvironmentVariable("SIGNALBOX_STORE_UNDER_TEST") == u"postgres"_s;
}

Status StoreFixture::start()
{
    if (isPostgres() && s_spare) {
        if (auto taken = takeSpare(); !taken)
            return taken;
    } else if (isPostgres()) {
        auto made = PostgresDatabase::create();
        if (!made)
            return fail(made.error());
        m_database.emplace(std::move(*made));
        m_url = m_database->url();
        static const bool s_dropsAtExit = [] {
            qAddPostRoutine([] { s_spare.reset(); });
            return true;
        }();
        Q_UNUSED(s_dropsAtExit)
    } else {
        m_url = u"sqlite:"_s + m_folder.filePath(u"signalbox.db"_s);
    }
    if (auto opened = reopen(); !opened)
        return opened;
    InstallationRow row;
    row.id = u"in1"_s;
    row.channel = u"slack"_s;
    row.tenant = u"T1"_s;
    row.app = u"A1"_s;
    row.backend = u"agent"_s;
    std::vector<InstallationRow> rows{row};
    auto synced = async::blockOn(m_store->syncInstallations(rows));
    if (!synced)
        return fail(synced.error());
    return {};
}

Result<std::unique_ptr<Store>> StoreFixture::open()
{
    StoreOptions options;
    options.database = m_url;
    return openStore(options, clock, &home);
}

Status StoreFixture::reopen()
{
    m_store.reset();
    auto opened = open();
    if (!opened)
        return fail(opened.error());
    m_store = std::move(*opened);
    return {};
}

QSqlDatabase StoreFixture::connection()
{
    const QString name = u"fixture-%1"_s.arg(++s_made);
    m_connections << name;
    QSqlDatabase database = QSqlDatabase::addDatabase(isPostgres() ? u"QPSQL"_s : u"QSQLITE"_s, name);
    const auto target = must(DatabaseTarget::parse(m_url, m_folder.path()), "target");
    if (isPostgres()) {
        database.setHostName(target.host);
        database.setPort(target.port);
        database.setUserName(target.user);
        database.setDatabaseName(target.name);
    } else {
        database.setDatabaseName(target.path);
    }
    if (!database.open())
        qFatal("raw connection: %s", qPrintable(database.lastError().text()));
    return database;
}

QVariant StoreFixture::sql(const QString &statement)
{
    if (!m_raw.isOpen())
        m_raw = connection();
    QSqlQuery query(m_raw);
    if (!query.exec(statement))
        return QString(u"error: "_s + query.lastError().text());
    return query.next() ? query.value(0) : QVariant();
}

IngestRequest StoreFixture::message(const QString &name, const QString &thread)
{
    IngestRequest request;
    request.deliveryId = u"d-"_s + name;
    request.installationId = u"in1"_s;
    request.channel = u"slack"_s;
    request.tenant = u"T1"_s;
    request.backend = u"agent"_s;
    request.keys = {u"e-"_s + name, u"m-"_s + name, u"c-"_s + name};
    request.lookupKeys = request.keys;
    request.keyTtl = kHour;
    request.sessionId = u"se_"_s + thread;
    request.sessionThread = thread;
    request.place = u"C1"_s;
    request.thread = thread;
    request.messageTs = name;
    request.user = u"U1"_s;
    request.payload = "{\"text\":\"gr\xc3\xbc\xc3\x9f dich " + name.toUtf8() + "\"}";
    request.payloadTtl = kHour;
    return request;
}

IngestOutcome StoreFixture::ingest(const IngestRequest &request)
{
    return must(async::blockOn(m_store->ingest(request)), "ingest");
}

EngineLife StoreFixture::engine(const QString &id, Millis lease)
{
    EngineRegistration registration;
    registration.id = id;
    registration.token = QString::number(++s_made);
    registration.version = u"0.1.0"_s;
    registration.lease = lease;
    return must(async::blockOn(m_store->registerEngine(registration)), "registerEngine").life;
}

ClaimLimits StoreFixture::upTo(int most)
{
    ClaimLimits limits;
    limits.most = most;
    return limits;
}

std::vector<ClaimedDelivery> StoreFixture::claim(const EngineLife &life, int most)
{
    return must(async::blockOn(m_store->claimDeliveries(life, upTo(most))), "claimDeliveries");
}

std::vector<ClaimedOutbound> StoreFixture::claimOutbound(const EngineLife &life, int most)
{
    return must(async::blockOn(m_store->claimOutbound(life, most)), "claimOutbound");
}

Status StoreFixture::begin(const ClaimedDelivery &delivery)
{
    BeginTurn turn;
    turn.held = HeldDelivery(delivery.id, delivery.fence);
    turn.attemptId = u"a-"_s + delivery.id + u'-' + QString::number(delivery.attempts);
    turn.backend = u"agent"_s;
    turn.agentSession = u"agent-session"_s;
    return async::blockOn(m_store->beginTurn(turn));
}

Status StoreFixture::accept(const ClaimedDelivery &delivery)
{
    return async::blockOn(m_store->acceptTurn(HeldDelivery(delivery.id, delivery.fence)));
}

FinishedTurn StoreFixture::finish(
    const ClaimedDelivery &delivery, domain::DeliveryState state, const std::vector<OutboundDraft> &outbound)
{
    FinishTurn turn;
    turn.held = HeldDelivery(delivery.id, delivery.fence);
    turn.state = state;
    turn.outcome
        = state == domain::DeliveryState::Completed ? domain::Outcome::NoReply : domain::Outcome::None;
    turn.attemptOutcome = u"ok"_s;
    turn.outbound = outbound;
    return must(async::blockOn(m_store->finishTurn(turn)), "finishTurn");
}

OutboundDraft StoreFixture::draft(const QString &deliveryId, const QString &purpose, int part, int parts)
{
    OutboundDraft draft;
    draft.id = u"o-%1-%2-%3"_s.arg(deliveryId, purpose).arg(part);
    draft.installationId = u"in1"_s;
    draft.deliveryId = deliveryId;
    draft.purpose = parts > 1 ? u"%1:%2"_s.arg(purpose).arg(part) : purpose;
    draft.place = u"C1"_s;
    draft.thread = u"t1"_s;
    draft.part = part;
    draft.parts = parts;
    draft.body = "{}";
    draft.payloadTtl = kHour;
    return draft;
}

QString StoreFixture::state(const QString &deliveryId)
{
    return sql(
        u"SELECT CASE WHEN state = 'waiting' THEN state || ':' || waits_for WHEN state = 'completed' "
        u"THEN state || ':' || outcome ELSE state END FROM deliveries WHERE id = '%1'"_s.arg(deliveryId))
        .toString();
}

QString StoreFixture::outboundState(const QString &id)
{
    return sql(u"SELECT state FROM outbound_messages WHERE id = '%1'"_s.arg(id)).toString();
}

} // namespace signalbox::testing
