// SPDX-License-Identifier: Apache-2.0
// Claims take turns between installations (DESIGN.md "Replicas and live updates"): a flood of one delays the
// others by a share, not by its length.
#include "store/units.h"
#include "store_fixture.h"

#include <QSet>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using namespace signalbox::testing;

namespace {

// A second installation beside the fixture's "in1".
void addOther(StoreFixture &f)
{
    f.sql(
        u"INSERT INTO installations (id, channel, tenant, app, backend, state, require_mention, created_at, "
        "updated_at) VALUES ('in2', 'slack', 'T2', 'A1', 'agent', 'active', 1, 1, 1)"_s);
}

IngestRequest ofOther(const QString &name, const QString &thread)
{
    IngestRequest request = StoreFixture::message(name, thread);
    request.installationId = u"in2"_s;
    request.tenant = u"T2"_s;
    return request;
}

OutboundDraft post(const QString &installation, int number)
{
    OutboundDraft draft = StoreFixture::draft(QString(), u"notice:%1:%2"_s.arg(installation).arg(number));
    draft.id = u"o-%1-%2"_s.arg(installation).arg(number, 4, 10, QChar(u'0'));
    draft.installationId = installation;
    draft.kind = domain::OutboundKind::Notice;
    draft.thread = u"t%1"_s.arg(number); // lanes of their own
    return draft;
}

template <class Row>
int countOf(const std::vector<Row> &rows, const QString &installation)
{
    return static_cast<int>(std::count_if(
        rows.begin(), rows.end(), [&](const Row &row) { return row.installationId == installation; }));
}

} // namespace

class StoreFairnessTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void sharesAreWholeAndRotate();
    void aFloodOfDeliveriesLetsOthersPass();
    void whatOthersLeaveIsTaken();
    void aFloodOfPostsLetsOthersPass();
    void whatIsNotDueTakesNobodysShare();
};

void StoreFairnessTest::sharesAreWholeAndRotate()
{
    QVERIFY(fairShares({}, 5, fromMs(7)).empty());
    const QStringList three{u"a"_s, u"b"_s, u"c"_s};
    const auto shares = fairShares(three, 10, fromMs(1));
    QCOMPARE(shares.size(), size_t(3));
    QCOMPARE(shares[0].installation, u"b"_s);
    QCOMPARE(shares[2].installation, u"a"_s);
    QCOMPARE(shares[0].most, 4); // the room is used up, also when it cannot be divided
    const auto narrow = fairShares(three, 2, fromMs(3));
    QCOMPARE(narrow.size(), size_t(3)); // one that has nothing due takes no other's place
    QCOMPARE(narrow[0].most, 1);
    QCOMPARE(narrow[0].installation, u"a"_s);
    QSet<QString> first;
    for (int i = 0; i < 3; ++i)
        first.insert(fairShares(three, 1, fromMs(i)).front().installation);
    QCOMPARE(first.size(), 3);
}

void StoreFairnessTest::aFloodOfDeliveriesLetsOthersPass()
{
    SIGNALBOX_STORE(f);
    addOther(f);
    for (int i = 0; i < 60; ++i)
        f.ingest(u"flood%1"_s.arg(i), u"t%1"_s.arg(i));
    f.ingest(ofOther(u"x1"_s, u"x1"_s));
    f.ingest(ofOther(u"x2"_s, u"x2"_s));
    const auto claimed = f.claim(f.engine(), 10);
    QCOMPARE(countOf(claimed, u"in2"_s), 2);
    QVERIFY(countOf(claimed, u"in1"_s) >= 5);
}

void StoreFairnessTest::whatOthersLeaveIsTaken()
{
    SIGNALBOX_STORE(f);
    addOther(f);
    for (int i = 0; i < 20; ++i)
        f.ingest(u"flood%1"_s.arg(i), u"t%1"_s.arg(i));
    f.ingest(ofOther(u"x1"_s, u"x1"_s));
    const EngineLife life = f.engine();
    QSet<QString> all;
    for (int i = 0; i < 5; ++i) {
        for (const ClaimedDelivery &delivery : f.claim(life, 10))
            all.insert(delivery.id);
    }
    QCOMPARE(all.size(), 21);
}

void StoreFairnessTest::aFloodOfPostsLetsOthersPass()
{
    SIGNALBOX_STORE(f);
    addOther(f);
    std::vector<OutboundDraft> drafts;
    for (int i = 0; i < 60; ++i)
        drafts.push_back(post(u"in1"_s, i));
    drafts.push_back(post(u"in2"_s, 1));
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    const EngineLife life = f.engine();
    const auto claimed = f.claimOutbound(life, 10);
    QCOMPARE(countOf(claimed, u"in2"_s), 1);
    QCOMPARE(countOf(claimed, u"in1"_s), 5);
    // Nothing is left to the other one: all is free for the first.
    QCOMPARE(countOf(f.claimOutbound(life, 10), u"in1"_s), 10);
}

void StoreFairnessTest::whatIsNotDueTakesNobodysShare()
{
    SIGNALBOX_STORE(f);
    addOther(f);
    std::vector<OutboundDraft> drafts;
    for (int i = 0; i < 4; ++i) {
        drafts.push_back(post(u"in1"_s, i));
        drafts.push_back(post(u"in2"_s, i));
        f.ingest(u"flood%1"_s.arg(i), u"t%1"_s.arg(i));
        f.ingest(ofOther(u"x%1"_s.arg(i), u"x%1"_s.arg(i)));
    }
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    for (const QString &table : {u"outbound_messages"_s, u"deliveries"_s})
        f.sql(u"UPDATE %1 SET due_at = due_at + 86400000 WHERE installation_id = 'in1'"_s.arg(table));
    const EngineLife life = f.engine();
    // Whichever comes first: room for one is room for the one that has something to do.
    for (int i = 0; i < 4; ++i) {
        QCOMPARE(countOf(f.claimOutbound(life, 1), u"in2"_s), 1);
        QCOMPARE(countOf(f.claim(life, 1), u"in2"_s), 1);
    }
}

QTEST_GUILESS_MAIN(StoreFairnessTest)
#include "tst_store_fairness.moc"
