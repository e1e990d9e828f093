// SPDX-License-Identifier: Apache-2.0
// CHECK and UNIQUE constraints refuse impossible rows on both databases, whoever writes them.
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::testing::StoreFixture;

class StoreSchemaTest : public QObject
{
    Q_OBJECT

private:
    std::optional<StoreFixture> m_fixture;

private Q_SLOTS:
    void cleanupTestCase() { m_fixture.reset(); }
    void impossibleRow_isRefused_data();
    void impossibleRow_isRefused();
    void possibleRow_isTaken();
};

void StoreSchemaTest::impossibleRow_isRefused_data()
{
    QTest::addColumn<QString>("statement");
    const auto delivery = [](const char *name, const char *change) {
        QTest::newRow(name) << u"UPDATE deliveries SET %1 WHERE id = 'd-a'"_s.arg(QLatin1StringView(change));
    };
    delivery("unknown state", "state = 'lost'");
    delivery("waiting for nothing", "state = 'waiting', waits_for = ''");
    delivery("pending for something", "waits_for = 'lock'");
    delivery("waiting for an unknown thing", "state = 'waiting', waits_for = 'godot'");
    delivery("completed without outcome", "state = 'completed', blocks = 0, finished_at = 5");
    delivery("outcome without completion", "outcome = 'delivered'");
    delivery("running without engine", "state = 'running'");
    delivery("running without incarnation", "state = 'running', engine_id = 'e1'");
    delivery("pending with engine", "engine_id = 'e1', incarnation = 1");
    delivery("pending that does not block", "blocks = 0");
    delivery("dead that blocks", "state = 'dead', finished_at = 5");
    delivery("waiting for outbound that blocks", "state = 'waiting', waits_for = 'outbound'");
    delivery("final without time", "state = 'dead', blocks = 0");
    delivery("open with a final time", "finished_at = 5");
    delivery("resolution of an open one", "resolution = 'discarded', resolved_at = 5");
    delivery("unknown resolution",
        "state = 'dead', blocks = 0, finished_at = 5, resolution = 'whatever', resolved_at = 5");
    delivery(
        "resolution without time", "state = 'dead', blocks = 0, finished_at = 5, resolution = 'retried'");
    delivery("time without resolution", "state = 'dead', blocks = 0, finished_at = 5, resolved_at = 5");
    delivery("unknown stage", "state = 'running', engine_id = 'e1', incarnation = 1, stage = 'thinking'");
    delivery("stage of nobody", "stage = 'binding'");
    delivery("engine while it waits for the lock",
        "state = 'waiting', waits_for = 'lock', engine_id = 'e1', incarnation = 1");
    delivery("engine while it waits to be sent",
        "state = 'waiting', waits_for = 'outbound', blocks = 0, engine_id = 'e1', incarnation = 1");
    delivery("waiting for a runtime that does not block",
        "state = 'waiting', waits_for = 'runtime', blocks = 0, engine_id = 'e1', incarnation = 1");
    delivery("no session", "session_id = NULL");
    delivery("unknown session", "session_id = 'se_none'");
    delivery("unknown prompt state", "prompt_state = 'maybe'");
    delivery("flag out of range", "mentioned = 2");
    QTest::newRow("holder without engine") << u"UPDATE sessions SET lock_holder = 'd-a'"_s;
    QTest::newRow("holder without expiry")
        << u"UPDATE sessions SET lock_holder = 'd-a', lock_engine = 'e1'"_s;
    QTest::newRow("session of no installation") << u"UPDATE sessions SET installation_id = 'none'"_s;
    QTest::newRow("installation in use is removed") << u"DELETE FROM installations"_s;
    QTest::newRow("session in use is removed") << u"DELETE FROM sessions"_s;
    QTest::newRow("unsettled out of range") << u"UPDATE sessions SET unsettled = 2"_s;
    QTest::newRow("runtime of an unknown source")
        << u"INSERT INTO runtimes (id, backend, namespace, instance_id, phase, phase_source, phase_at, "
           u"created_at, updated_at) VALUES ('r', 'b', 'n', 'i', 'ready', 'guessed', 1, 1, 1)"_s;
    QTest::newRow("unknown installation state") << u"UPDATE installations SET state = 'gone'"_s;
    QTest::newRow("installation twice")
        << u"INSERT INTO installations (id, channel, tenant, app, backend, state, require_mention, "
           u"created_at, updated_at) "
           u"VALUES ('in2', 'slack', 'T1', 'A1', 'agent', 'active', 1, 1, 1)"_s;
    QTest::newRow("incarnation 0")
        << u"INSERT INTO engines (id, incarnation, lease_until, host, pid, version, config_hash, started_at) "
           u"VALUES ('e9', 0, 1, 'h', 1, 'v', 'c', 1)"_s;
    QTest::newRow("key twice")
        << u"INSERT INTO inbound_keys (key, delivery_id, expires_at) VALUES ('m-a', 'd-x', 1)"_s;
    const auto outbound = [](const char *name, const char *change) {
        QTest::newRow(name) << u"UPDATE outbound_messages SET %1"_s.arg(QLatin1StringView(change));
    };
    outbound("unknown outbound state", "state = 'lost'");
    outbound("sending without engine", "state = 'sending'");
    outbound("engine without incarnation", "engine_id = 'e1'");
    outbound("part 0", "part = 0");
    outbound("part beyond parts", "part = 2");
    outbound("unknown kind", "kind = 'poem'");
    outbound("unknown op", "op = 'delete'");
    outbound("card of no question", "kind = 'card'");
    outbound("question of no card", "interaction_id = 'q'");
    // Over a row that could be: posting, with its times.
    const auto question = [](const char *name, const char *columns, const char *values) {
        QTest::newRow(name) << u"INSERT INTO interactions (id, installation_id, place, thread, text, body, "
                               u"kept_until, updated_at, created_at, %1) VALUES ('q', 'in1', 'C1', '', 't', "
                               u"'{}', 9, 1, 1, %2)"_s.arg(
                                   QLatin1StringView(columns), QLatin1StringView(values));
    };
    question("question for nobody", "origin, state, expires_at, answerers", "'form', 'posting', 5, ''");
    question("question that was over before it began", "origin, state, expires_at, answerers",
        "'form', 'posting', 1, '*'");
    question(
        "question of an unknown origin", "origin, state, expires_at, answerers", "'whim', 'posting', 5, '*'");
    question("question in an unknown state", "origin, state, expires_at, answerers, resolved_at",
        "'form', 'forgotten', 5, '*', 2");
    question(
        "open question without a card", "origin, state, expires_at, answerers", "'form', 'open', 5, '*'");
    question("open question that was answered",
        "origin, state, expires_at, answerers, clicked_at, answered_by",
        "'form', 'posting', 5, '*', 2, 'U1'");
    question("answer by nobody", "origin, state, expires_at, answerers, resolved_at, clicked_at",
        "'form', 'answered', 5, '*', 2, 2");
    question("answer at no time", "origin, state, expires_at, answerers, resolved_at, answered_by",
        "'form', 'answered', 5, '*', 2, 'U1'");
    question("end at no time", "origin, state, expires_at, answerers", "'form', 'expired', 5, '*'");
    question("taken without an answer", "origin, state, expires_at, answerers, resolved_at, accepted_at",
        "'form', 'expired', 5, '*', 2, 3");
    question("holder without a life", "origin, state, expires_at, answerers, engine_id",
        "'form', 'posting', 5, '*', 'e1'");
    question("holder of what is over",
        "origin, state, expires_at, answerers, resolved_at, engine_id, incarnation",
        "'form', 'expired', 5, '*', 2, 'e1', 1");
    QTest::newRow("purpose twice") << u"INSERT INTO outbound_messages (id, installation_id, delivery_id, "
                                      u"purpose, kind, op, state, lane, place, thread, part, "
                                      u"parts, due_at, created_at, updated_at) VALUES ('o-2', 'in1', 'd-a', "
                                      u"'reply', 'reply', 'post', 'pending', 'l', 'p', "
                                      u"'t', 1, 1, 1, 1, 1)"_s;
    QTest::newRow("attempt that ended and runs")
        << u"INSERT INTO attempts (subject_id, number, id, delivery_id, what, target, outcome, started_at, "
           u"ended_at) "
           u"VALUES ('d-a', 1, 'a', 'd-a', 'turn', 't', 'running', 1, 2)"_s;
    QTest::newRow("attempt that neither ended nor runs")
        << u"INSERT INTO attempts (subject_id, number, id, delivery_id, what, target, outcome, started_at) "
           u"VALUES ('d-a', 1, 'a', 'd-a', 'turn', 't', 'ok', 1)"_s;
}

void StoreSchemaTest::impossibleRow_isRefused()
{
    QFETCH(const QString, statement);
    if (!m_fixture) { // one for all: a refused statement changes nothing
        if (StoreFixture::isPostgres())
            SIGNALBOX_NEED_POSTGRES();
        m_fixture.emplace();
        QVERIFY(m_fixture->start());
        m_fixture->ingest(u"a"_s, u"t1"_s);
        std::vector<OutboundDraft> drafts{StoreFixture::draft(u"d-a"_s, u"reply"_s)};
        QVERIFY(async::blockOn(m_fixture->db().enqueueOutbound(drafts)));
        if (!StoreFixture::isPostgres())
            m_fixture->sql(u"PRAGMA foreign_keys = ON"_s);
    }
    const QString said = m_fixture->sql(statement).toString();
    QVERIFY2(said.contains(u"constraint"_s), qPrintable(said.isEmpty() ? u"the row was taken"_s : said));
}

void StoreSchemaTest::possibleRow_isTaken()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    const QStringList changes{u"state = 'waiting', waits_for = 'person'"_s,
        u"waits_for = 'runtime', engine_id = 'e1', incarnation = 1, stage = 'recovering'"_s,
        u"state = 'running', waits_for = '', stage = 'adopting'"_s,
        u"state = 'pending', stage = '', engine_id = NULL, incarnation = NULL, prompt_state = 'sending'"_s,
        u"state = 'waiting', waits_for = 'outbound', blocks = 0"_s,
        u"state = 'dead', waits_for = '', finished_at = 5, resolution = 'discarded', resolved_at = 6"_s,
        u"state = 'unconfirmed', resolution = 'retried'"_s,
        u"state = 'completed', outcome = 'delivered', resolution = NULL, resolved_at = 0"_s};
    for (const QString &change : changes)
        QCOMPARE(f.sql(u"UPDATE deliveries SET "_s + change).toString(), QString());
}

QTEST_GUILESS_MAIN(StoreSchemaTest)
#include "tst_store_schema.moc"
