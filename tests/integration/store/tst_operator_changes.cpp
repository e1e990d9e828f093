// SPDX-License-Identifier: Apache-2.0
#include "admin/operator_service.h"
#include "store_fixture.h"

#include <QSignalSpy>

using namespace Qt::StringLiterals;
using namespace signalbox;
using testing::StoreFixture;

// What operators do is seen by whoever watches: a pause as a change of what it stops, and its entry in the
// audit.
class OperatorChangesTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aPause_changesItsInstallationsAndTheAudit();
};

void OperatorChangesTest::aPause_changesItsInstallationsAndTheAudit()
{
    StoreFixture f;
    QVERIFY(f.start());
    std::vector<store::InstallationRow> rows;
    for (const QString &tenant : {u"TA"_s, u"TB"_s}) {
        store::InstallationRow row;
        row.id = u"slack:"_s + tenant;
        row.channel = u"slack"_s;
        row.tenant = tenant;
        row.backend = u"agent"_s;
        rows.push_back(row);
    }
    QVERIFY(async::blockOn(f.db().syncInstallations(rows), Millis(20'000)));
    admin::OperatorService service(f.db(), f.clock, [](domain::EngineStatus &) {});
    QHash<QString, domain::InstallationItem> installations;
    QHash<QString, domain::AuditItem> audit;
    connect(&service, &admin::OperatorService::changed, this, [&](const QList<domain::Change> &changes) {
        for (const domain::Change &change : changes) {
            if (const auto *item = std::get_if<domain::InstallationItem>(&change.item))
                installations.insert(change.id, *item);
            if (const auto *item = std::get_if<domain::AuditItem>(&change.item))
                audit.insert(change.id, *item);
        }
    });
    service.start();
    service.watch({u"installation"_s, u"audit"_s});
    store::ActionOrder order;
    order.request = domain::ActionRequest(domain::Act::Pause, u"slack:TA"_s, u"moving"_s);
    order.request.scope = u"installation"_s;
    order.request.what = u"outbound"_s;
    order.request.actor = u"token:ops"_s;
    order.request.key = u"key-1"_s;
    // Once more until the stream has begun: a pause of what is paused is a change, too.
    int tries = 0;
    const auto told = [&] {
        order.auditId = u"audit-%1"_s.arg(++tries);
        order.request.key = u"key-%1"_s.arg(tries);
        return async::blockOn(f.db().act(order), Millis(20'000)).has_value() && !installations.isEmpty();
    };
    QTRY_VERIFY_WITH_TIMEOUT(told(), 20'000);
    QCOMPARE(installations.keys(), QStringList(u"slack:TA"_s)); // not what it does not stop
    const domain::InstallationItem paused = installations.value(u"slack:TA"_s);
    QCOMPARE(paused.pauses.size(), qsizetype(1));
    QCOMPARE(paused.pauses.first().who, u"token:ops"_s);
    QTRY_VERIFY(!audit.isEmpty());
    QCOMPARE(audit.begin()->action, u"pause:outbound"_s);
    QCOMPARE(audit.begin()->subject, u"slack:TA"_s);
    // All engines: every installation.
    order.request.scope = u"engine"_s;
    order.request.id = u"all"_s;
    order.auditId = u"audit-all"_s;
    order.request.key = u"key-all"_s;
    QVERIFY(async::blockOn(f.db().act(order), Millis(20'000)));
    QTRY_VERIFY(installations.contains(u"slack:TB"_s));
    QTRY_VERIFY(audit.contains(u"audit-all"_s));
    // And the answer is known by its key.
    const auto answer = async::blockOn(service.answerOf(u"token:ops"_s, u"key-all"_s), Millis(20'000));
    QVERIFY(answer);
    QCOMPARE(answer->state, u"paused:outbound"_s);
    QVERIFY(!async::blockOn(service.answerOf(u"token:eve"_s, u"key-all"_s), Millis(20'000)));
    async::blockOn(service.stop(), Millis(20'000));
}

QTEST_MAIN(OperatorChangesTest)
#include "tst_operator_changes.moc"
