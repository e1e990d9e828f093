// SPDX-License-Identifier: Apache-2.0
// Engine lives, what becomes of a lost one's work, and installations against configuration, on both
// databases.
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::domain::OutboundKind;
using signalbox::domain::OutboundOp;
using signalbox::domain::PromptState;
using signalbox::testing::StoreFixture;

namespace {

EngineRegistration registration(const QString &id, const QString &token)
{
    EngineRegistration made;
    made.id = id;
    made.token = token;
    made.version = u"0.1.0"_s;
    return made;
}

InstallationRow installation(const QString &id, const QString &tenant, const QString &app = u"A1"_s)
{
    InstallationRow row;
    row.id = id;
    row.channel = u"slack"_s;
    row.tenant = tenant;
    row.app = app;
    row.backend = u"agent"_s;
    return row;
}

QString stateOf(const std::vector<InstallationRow> &rows, const QString &id)
{
    const auto found
        = std::find_if(rows.begin(), rows.end(), [&](const InstallationRow &row) { return row.id == id; });
    return found == rows.end() ? QString() : found->state;
}

} // namespace

class StoreEnginesTest : public QObject
{
    Q_OBJECT

private:
    // One delivery in each stage of its prompt, held by `life`: d-none, d-sending, d-accepted.
    static void holdThree(StoreFixture &f, const EngineLife &life)
    {
        for (const QString &name : {u"none"_s, u"sending"_s, u"accepted"_s}) {
            f.ingest(name, u"t-"_s + name);
            const auto claimed = f.claim(life);
            QCOMPARE(claimed.size(), size_t(1));
            if (name != u"none")
                QVERIFY(f.begin(claimed.front()));
            if (name == u"accepted")
                QVERIFY(f.accept(claimed.front()));
        }
    }

    static QString promptState(StoreFixture &f, const QString &name)
    {
        return f.sql(u"SELECT prompt_state FROM deliveries WHERE id = 'd-%1'"_s.arg(name)).toString();
    }

    // All three of holdThree() are there for `life`; only the one that was never sent may be prompted.
    static void claimsThree(StoreFixture &f, const EngineLife &life)
    {
        const auto claimed = f.claim(life);
        QCOMPARE(claimed.size(), size_t(3));
        for (const ClaimedDelivery &delivery : claimed) {
            QCOMPARE(u"d-"_s + domain::name(delivery.promptState), delivery.id);
            const Status begun = f.begin(delivery);
            QCOMPARE(begun.has_value(), delivery.id == u"d-none");
            if (!begun)
                QCOMPARE(begun.error().native(), u"stale"_s);
        }
        QCOMPARE(promptState(f, u"accepted"_s), u"accepted"_s);
    }

private Q_SLOTS:
    void register_raisesIncarnation();
    void register_ofALapsedLife_yieldsToItsSuccessor();
    void sweep_forgetsEnginesThatAreGone();
    void register_freesFormerLife();
    void register_keepsOrderBehindFenced();
    void register_freesWhatWaitsForItsRuntime();
    void register_resolvesSendingOutbound();
    void otherEngine_isUntouched();
    void renew_isRefusedForReplacedLife();
    void end_handsBack();
    void reap_freesLapsedEngine();
    void engines_areShownAsTheyAre();
    void lapsedEngine_claimsNothing();
    void sync_followsConfiguration();
    void anyTenant_keepsItsOwn();
    void addTenant_isIdempotent();
};

void StoreEnginesTest::register_raisesIncarnation()
{
    SIGNALBOX_STORE(f);
    const auto first = async::blockOn(f.db().registerEngine(registration(u"e1"_s, u"p1"_s)));
    QVERIFY(first);
    QCOMPARE(first->life.incarnation, 1);
    QCOMPARE(first->clusterId.size(), 36);
    // The same process, run again after a commit of unknown outcome.
    const auto again = async::blockOn(f.db().registerEngine(registration(u"e1"_s, u"p1"_s)));
    QVERIFY(again);
    QCOMPARE(again->life.incarnation, 1);
    const auto next = async::blockOn(f.db().registerEngine(registration(u"e1"_s, u"p2"_s)));
    QVERIFY(next);
    QCOMPARE(next->life.incarnation, 2);
    QCOMPARE(next->clusterId, first->clusterId);
}

// Two processes of one id: whoever froze is not to take the place of whoever took its.
void StoreEnginesTest::register_ofALapsedLife_yieldsToItsSuccessor()
{
    SIGNALBOX_STORE(f);
    const auto frozen = async::blockOn(f.db().registerEngine(registration(u"e1"_s, u"p1-1"_s)));
    QVERIFY(frozen);
    EngineRegistration onward = registration(u"e1"_s, u"p1-2"_s);
    onward.former = frozen->life.incarnation;
    for (int run = 0; run < 2; ++run) { // again after a commit of unknown outcome
        const auto next = async::blockOn(f.db().registerEngine(onward));
        QVERIFY(next);
        QCOMPARE(next->life.incarnation, 2);
    }
    const auto successor = async::blockOn(f.db().registerEngine(registration(u"e1"_s, u"p2-1"_s)));
    QVERIFY(successor);
    QCOMPARE(successor->life.incarnation, 3);
    onward = registration(u"e1"_s, u"p1-3"_s);
    onward.former = 2;
    const auto refused = async::blockOn(f.db().registerEngine(onward));
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Conflict);
    QVERIFY(async::blockOn(f.db().renewLease(successor->life, Millis(60'000), Millis(180'000))));
}

void StoreEnginesTest::sweep_forgetsEnginesThatAreGone()
{
    SIGNALBOX_STORE(f);
    (void)f.engine(u"gone"_s);
    const EngineLife gone = f.engine(u"gone"_s, Millis(60'000));
    const EngineLife late = f.engine(u"late"_s);
    const EngineLife here = f.engine(u"here"_s);
    QVERIFY(async::blockOn(f.db().endEngine(gone)));
    QVERIFY(async::blockOn(f.db().endEngine(late)));
    f.sql(u"UPDATE engines SET ended_at = ended_at - 90000000 WHERE id = 'gone'"_s);
    const auto before = async::blockOn(f.db().feedHead());
    QVERIFY(before);
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    const auto items = async::blockOn(f.db().engineItems());
    QVERIFY(items);
    QCOMPARE(items->size(), 2);
    QCOMPARE(items->at(0).id, here.id);
    QVERIFY(isNever(items->at(0).endedAt));
    QCOMPARE(items->at(1).id, late.id);
    QVERIFY(!isNever(items->at(1).endedAt));
    // Whoever still remembers that life is not taken for one that comes under its id.
    const auto again = async::blockOn(f.db().registerEngine(registration(u"gone"_s, u"new"_s)));
    QVERIFY(again);
    QVERIFY2(
        again->life.incarnation > gone.incarnation, qPrintable(QString::number(again->life.incarnation)));
    // One that was away for so long that it is forgotten has lapsed, and may go on in another life.
    f.sql(u"DELETE FROM engines WHERE id = 'gone'"_s);
    const Status renewed = async::blockOn(f.db().renewLease(again->life, Millis(60'000), Millis(180'000)));
    QCOMPARE(renewed.error().native(), u"lease_ended"_s);
    EngineRegistration onward = registration(u"gone"_s, u"new-2"_s);
    onward.former = again->life.incarnation;
    QVERIFY(async::blockOn(f.db().registerEngine(onward)));
}

void StoreEnginesTest::register_freesFormerLife()
{
    SIGNALBOX_STORE(f);
    holdThree(f, f.engine());
    QVERIFY(f.reopen());
    for (int run = 0; run < 2; ++run) { // the second one finds nothing left to do
        const auto registered = async::blockOn(f.db().registerEngine(registration(u"e1"_s, u"next"_s)));
        QVERIFY(registered);
        QCOMPARE(registered->handedBack, run == 0 ? 1 : 0);
        QCOMPARE(registered->fenced, run == 0 ? 2 : 0);
        for (const QString &name : {u"none"_s, u"sending"_s, u"accepted"_s}) {
            QCOMPARE(f.state(u"d-"_s + name), u"pending"_s);
            QCOMPARE(promptState(f, name), name); // told to whoever claims it
        }
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 0); // nobody is told yet
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM sessions WHERE lock_holder IS NOT NULL"_s).toInt(), 0);
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM attempts WHERE outcome = 'unknown'"_s).toInt(), 2);
    }
    const auto counts = async::blockOn(f.db().counts());
    QVERIFY(counts);
    QCOMPARE(counts->needPerson, 0); // as long as the engine looks for them itself
    claimsThree(f, f.engine());
}

// The one that may have been prompted keeps its place: what became of it is found out before the next runs.
void StoreEnginesTest::register_keepsOrderBehindFenced()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.ingest(u"b"_s, u"t1"_s);
    QVERIFY(f.begin(f.claim(life).front()));
    const EngineLife next = f.engine();
    QCOMPARE(f.state(u"d-b"_s), u"waiting:lock"_s);
    const auto claimed = f.claim(next);
    QCOMPARE(claimed.size(), size_t(1));
    QCOMPARE(claimed.front().id, u"d-a"_s);
    QCOMPARE(claimed.front().promptState, PromptState::Sending);
    QVERIFY(f.finish(claimed.front(), DeliveryState::Unconfirmed).woke);
    QCOMPARE(f.state(u"d-b"_s), u"pending"_s);
    const auto counts = async::blockOn(f.db().counts());
    QVERIFY(counts);
    QCOMPARE(counts->needPerson, 1);
    QCOMPARE(f.claim(next).front().id, u"d-b"_s);
}

void StoreEnginesTest::register_resolvesSendingOutbound()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    OutboundDraft post = StoreFixture::draft(u"d-a"_s, u"notice:x"_s);
    OutboundDraft status = StoreFixture::draft(u"d-a"_s, u"status:runtime"_s);
    status.kind = OutboundKind::Status;
    status.thread = u"t2"_s;
    OutboundDraft reaction = StoreFixture::draft(u"d-a"_s, u"ack"_s);
    reaction.kind = OutboundKind::Reaction;
    reaction.op = OutboundOp::React;
    std::vector<OutboundDraft> drafts{post, status, reaction};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    QCOMPARE(f.claimOutbound(life).size(), size_t(3));
    const auto registered = async::blockOn(f.db().registerEngine(registration(u"e1"_s, u"next"_s)));
    QVERIFY(registered);
    QCOMPARE(registered->unknownOutbound, 3);
    QCOMPARE(f.outboundState(post.id), u"unknown"_s);
    QCOMPARE(f.outboundState(reaction.id), u"retry"_s);
    QCOMPARE(f.outboundState(status.id), u"retry"_s); // disposable: never looked for
    QVERIFY(f.claimOutbound(registered->life).empty()); // looked for in ten seconds
}

void StoreEnginesTest::otherEngine_isUntouched()
{
    if (!StoreFixture::isPostgres())
        QSKIP("one engine on SQLite");
    SIGNALBOX_STORE(f);
    const EngineLife one = f.engine(u"e1"_s);
    f.ingest(u"a"_s, u"t1"_s);
    QCOMPARE(f.claim(one).size(), size_t(1));
    const auto other = async::blockOn(f.db().registerEngine(registration(u"e2"_s, u"p"_s)));
    QVERIFY(other);
    QCOMPARE(other->handedBack, 0);
    QCOMPARE(f.state(u"d-a"_s), u"running"_s);
}

void StoreEnginesTest::renew_isRefusedForReplacedLife()
{
    SIGNALBOX_STORE(f);
    const EngineLife old = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.claim(old);
    const qint64 before = f.sql(u"SELECT lock_expires_at FROM sessions"_s).toLongLong();
    QVERIFY(async::blockOn(f.db().renewLease(old, Millis(15'000), Millis(999'000))));
    QVERIFY(f.sql(u"SELECT lock_expires_at FROM sessions"_s).toLongLong() > before);
    f.engine();
    const auto refused = async::blockOn(f.db().renewLease(old, Millis(15'000), Millis(180'000)));
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Conflict);
    QCOMPARE(refused.error().native(), u"stale"_s);
}

void StoreEnginesTest::end_handsBack()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    holdThree(f, life);
    for (int run = 0; run < 2; ++run) {
        QVERIFY(async::blockOn(f.db().endEngine(life)));
        for (const QString &name : {u"none"_s, u"sending"_s, u"accepted"_s}) {
            QCOMPARE(f.state(u"d-"_s + name), u"pending"_s);
            QCOMPARE(promptState(f, name), name);
        }
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM sessions WHERE lock_holder IS NOT NULL"_s).toInt(), 0);
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM attempts WHERE outcome = 'unknown'"_s).toInt(), 2);
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 0);
    }
    claimsThree(f, f.engine());
}

void StoreEnginesTest::register_freesWhatWaitsForItsRuntime()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    NoteStage note;
    note.held = HeldDelivery(delivery.id, delivery.fence);
    note.stage = domain::Stage::Recovering;
    note.waitsForRuntime = true;
    QVERIFY(async::blockOn(f.db().noteStage(note)));
    QCOMPARE(f.state(u"d-a"_s), u"waiting:runtime"_s);
    QVERIFY(f.reopen());
    QCOMPARE(f.state(u"d-a"_s), u"waiting:runtime"_s); // nobody else may have it meanwhile
    const auto registered = async::blockOn(f.db().registerEngine(registration(u"e1"_s, u"next"_s)));
    QVERIFY(registered);
    QCOMPARE(registered->handedBack, 1);
    QCOMPARE(registered->fenced, 0);
    QCOMPARE(f.state(u"d-a"_s), u"pending"_s);
    QCOMPARE(f.sql(u"SELECT stage FROM deliveries"_s).toString(), QString());
    QVERIFY(f.sql(u"SELECT lock_holder FROM sessions"_s).isNull());
    QCOMPARE(f.claim(registered->life).front().fence, delivery.fence + 1);
    QCOMPARE(async::blockOn(f.db().noteStage(note)).error().native(), u"stale"_s); // of the old life
}

static ReapOrder reaper(const EngineLife &self)
{
    static int count = 0;
    ReapOrder order;
    order.self = self;
    order.auditId = u"au-%1"_s.arg(++count);
    return order;
}

void StoreEnginesTest::reap_freesLapsedEngine()
{
    SIGNALBOX_STORE(f);
    const EngineLife gone = f.engine(u"gone"_s);
    if (StoreFixture::isPostgres()) {
        holdThree(f, gone);
        const EngineLife self = f.engine(u"self"_s);
        auto nobody = async::blockOn(f.db().reapLostEngine(reaper(self)));
        QVERIFY(nobody);
        QCOMPARE(nobody->life.id, QString());
        f.sql(u"UPDATE engines SET lease_until = 1 WHERE id = 'gone'"_s);
        const auto reaped = async::blockOn(f.db().reapLostEngine(reaper(self)));
        QVERIFY(reaped);
        QCOMPARE(reaped->life.id, u"gone"_s);
        QCOMPARE(reaped->handedBack, 1);
        QCOMPARE(reaped->fenced, 2);
        for (const QString &name : {u"none"_s, u"sending"_s, u"accepted"_s})
            QCOMPARE(promptState(f, name), name);
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 0);
        QCOMPARE(f.sql(u"SELECT subject_id || ' ' || result FROM audit WHERE action = 'reap'"_s).toString(),
            u"gone 1 run again, 2 are looked for, 0 outbound messages are unknown"_s);
        nobody = async::blockOn(f.db().reapLostEngine(reaper(self)));
        QVERIFY(nobody);
        QCOMPARE(nobody->life.id, QString());
        claimsThree(f, self);
    } else {
        const auto nobody = async::blockOn(f.db().reapLostEngine(reaper(gone)));
        QVERIFY(nobody);
        QCOMPARE(nobody->life.id, QString());
    }
}

void StoreEnginesTest::engines_areShownAsTheyAre()
{
    SIGNALBOX_STORE(f);
    const EngineLife self = f.engine(u"self"_s);
    f.ingest(u"a"_s, u"t1"_s);
    QCOMPARE(f.claim(self).size(), size_t(1));
    auto items = async::blockOn(f.db().engineItems());
    QVERIFY(items);
    QCOMPARE(items->size(), 1);
    QCOMPARE(items->first().id, u"self"_s);
    QCOMPARE(items->first().state, u"live"_s);
    QCOMPARE(items->first().deliveries, 1);
    QCOMPARE(items->first().version, u"0.1.0"_s);
    QVERIFY(!items->first().configDiffers);
    if (StoreFixture::isPostgres()) {
        (void)f.engine(u"other"_s);
        f.sql(u"UPDATE engines SET config_hash = 'x' WHERE id = 'other'"_s);
        items = async::blockOn(f.db().engineItems());
        QVERIFY(items && items->at(0).configDiffers && items->at(1).configDiffers);
        f.sql(u"UPDATE engines SET lease_until = 1 WHERE id = 'other'"_s);
        items = async::blockOn(f.db().engineItems());
        QCOMPARE(items->at(0).state, u"lapsed"_s);
        QVERIFY(!items->at(1).configDiffers);
        QVERIFY(async::blockOn(f.db().reapLostEngine(reaper(self))));
        items = async::blockOn(f.db().engineItems());
        QCOMPARE(items->at(0).state, u"lost"_s);
    }
    QVERIFY(async::blockOn(f.db().endEngine(self)));
    items = async::blockOn(f.db().engineItems());
    QCOMPARE(items->last().state, u"ended"_s);
    QCOMPARE(items->last().deliveries, 0);
}

void StoreEnginesTest::lapsedEngine_claimsNothing()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine(u"e1"_s, Millis(-1));
    f.ingest(u"a"_s, u"t1"_s);
    // On SQLite nothing of the running engine expires by a clock jump or a suspended laptop.
    QCOMPARE(f.claim(life).size(), size_t(StoreFixture::isPostgres() ? 0 : 1));
    const Status renewed = async::blockOn(f.db().renewLease(life, Millis(60'000), Millis(180'000)));
    if (StoreFixture::isPostgres()) {
        QCOMPARE(renewed.error().native(), u"lease_ended"_s); // only another life may act again
        QCOMPARE(f.claim(f.engine(u"e1"_s)).size(), size_t(1));
    } else {
        QVERIFY(renewed);
    }
}

void StoreEnginesTest::sync_followsConfiguration()
{
    SIGNALBOX_STORE(f);
    std::vector<InstallationRow> two{installation(u"in1"_s, u"T1"_s), installation(u"in2"_s, u"T2"_s)};
    QVERIFY(async::blockOn(f.db().syncInstallations(two)));
    QVERIFY(async::blockOn(f.db().setBotUser(u"in2"_s, u"UBOT"_s)));
    std::vector<InstallationRow> one{installation(u"in1"_s, u"T1"_s)};
    auto rows = async::blockOn(f.db().syncInstallations(one));
    QVERIFY(rows);
    QCOMPARE(stateOf(*rows, u"in1"_s), u"active"_s);
    QCOMPARE(stateOf(*rows, u"in2"_s), u"absent"_s);
    two[1].id = u"another-id"_s; // the row keeps the id that its deliveries name
    two[1].backend = u"other"_s;
    two[1].requireMention = false;
    rows = async::blockOn(f.db().syncInstallations(two));
    QVERIFY(rows);
    QCOMPARE(rows->size(), size_t(2));
    QCOMPARE(stateOf(*rows, u"in2"_s), u"active"_s);
    QCOMPARE(rows->back().backend, u"other"_s);
    QCOMPARE(rows->back().botUserId, u"UBOT"_s);
    QVERIFY(!rows->back().requireMention);
}

void StoreEnginesTest::anyTenant_keepsItsOwn()
{
    SIGNALBOX_STORE(f);
    std::vector<InstallationRow> any{
        installation(u"any"_s, u"*"_s), installation(u"other"_s, u"T1"_s, u"A2"_s)};
    QVERIFY(async::blockOn(f.db().syncInstallations(any)));
    QVERIFY(async::blockOn(f.db().addTenant(installation(u"in9"_s, u"T9"_s))));
    any.pop_back();
    const auto rows = async::blockOn(f.db().syncInstallations(any));
    QVERIFY(rows);
    QCOMPARE(stateOf(*rows, u"in9"_s), u"active"_s);
    QCOMPARE(stateOf(*rows, u"other"_s), u"absent"_s); // the wildcard is another app's
}

void StoreEnginesTest::addTenant_isIdempotent()
{
    SIGNALBOX_STORE(f);
    const auto first = async::blockOn(f.db().addTenant(installation(u"in7"_s, u"T7"_s)));
    QVERIFY(first);
    const auto head = async::blockOn(f.db().feedHead());
    QVERIFY(head);
    const auto second = async::blockOn(f.db().addTenant(installation(u"in8"_s, u"T7"_s)));
    QVERIFY(second);
    QCOMPARE(second->id, u"in7"_s);
    const auto batch = async::blockOn(f.db().readFeed(*head, 10));
    QVERIFY(batch);
    QVERIFY(batch->entries.empty());
}

QTEST_GUILESS_MAIN(StoreEnginesTest)
#include "tst_store_engines.moc"
