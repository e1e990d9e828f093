// SPDX-License-Identifier: Apache-2.0
#include "console_fixture.h"
#include "ui/list_model.h"
#include "ui/time_text.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

using namespace Qt::StringLiterals;
using namespace signalbox;
using ui::ListModel;
using ui::ListPhase;

class ListModelTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void window_staysBoundedOverAHundredThousandRows();
    void window_walksBackToTheStartWithoutHoles();
    void refresh_keepsThePagesInFront();
    void olderRevisions_areDropped();
    void newerRevisions_replaceTheRow();
    void newRows_waitWhileHeld();
    void newRows_areFilteredAsTheEngineWould();
    void frozen_nothingMovesUntilResumed();
    void frozen_gapIsRememberedForTheResume();
    void gap_asksAnew();
    void goneRow_leaves();
    void answersToOlderQuestions_areDropped();
    void updates_areCoalesced();
    void failure_keepsTheRowsAndCanBeRetried();
    void modelRules_hold();

private:
    struct Fixture
    {
        explicit Fixture(int rows)
            : time(&clock)
            , model(&api, ui::makeDeliveryList(), &time)
        {
            testing::fillDemo(api, rows, 0, clock.now());
            QObject::connect(&api, &admin::OperatorApi::changed, &model, &ListModel::apply);
            api.watch({u"delivery"_s});
        }
        void load()
        {
            model.setQuery(domain::ListQuery());
            QTRY_COMPARE(model.phase(), ListPhase::Ready);
        }
        // Everything that was pushed before has been applied: a marker behind it has.
        void flush()
        {
            auto marker = api.deliveryAt(api.deliveryCount() - 1);
            marker.rev += 1;
            api.push(marker);
            QTRY_COMPARE(model.row(model.rowOf(marker.id)).rev, marker.rev);
        }
        domain::DeliveryItem fresh(int number) const
        {
            domain::DeliveryItem item = testing::demoDelivery(0, clock.now());
            item.id = u"new-%1"_s.arg(number, 5, 10, QChar(u'0'));
            item.createdAt = clock.now() + Millis(number);
            return item;
        }
        testing::FakeClock clock;
        testing::FakeOperatorApi api;
        ui::TimeText time;
        ListModel model;
    };
    static void walkDown(Fixture &f, int rows);
};

void ListModelTest::walkDown(Fixture &f, int rows)
{
    while (f.model.offset() + f.model.rowCount() < rows && !f.model.atEnd()) {
        const int last = f.model.rowCount() - 1;
        f.model.ensure(last - 20, last);
        QTRY_VERIFY(!f.model.isFetching());
        QVERIFY(f.model.rowCount() <= ListModel::kWindow);
    }
}

void ListModelTest::window_staysBoundedOverAHundredThousandRows()
{
    Fixture f(100'000);
    f.load();
    QCOMPARE(f.model.total(), 100'000);
    QVERIFY(!f.model.totalIsExact());
    walkDown(f, 30'000);
    QVERIFY(f.model.rowCount() <= ListModel::kWindow);
    QVERIFY(f.model.rowCount() > ListModel::kWindow / 2);
    QVERIFY(f.model.offset() > 0);
    // The rows are the engine's, in order, at the right offset.
    for (const int row : {0, 1, f.model.rowCount() / 2, f.model.rowCount() - 1})
        QCOMPARE(f.model.row(row).id, f.api.deliveryAt(f.model.offset() + row).id);
}

void ListModelTest::window_walksBackToTheStartWithoutHoles()
{
    Fixture f(26'000);
    f.load();
    walkDown(f, 26'000);
    QVERIFY(f.model.offset() > 0);
    while (!f.model.atStart()) {
        f.model.ensure(0, 20);
        QTRY_VERIFY(!f.model.isFetching());
        QVERIFY(f.model.rowCount() <= ListModel::kWindow);
    }
    QCOMPARE(f.model.offset(), 0);
    for (int row = 0; row < f.model.rowCount(); ++row)
        QCOMPARE(f.model.row(row).id, f.api.deliveryAt(row).id);
}

void ListModelTest::refresh_keepsThePagesInFront()
{
    Fixture f(2000);
    f.load();
    walkDown(f, 1000);
    const QString anchor = f.model.row(650).id;
    f.model.refresh(650);
    QTRY_COMPARE(f.model.phase(), ListPhase::Ready);
    QVERIFY(f.model.rowOf(anchor) >= 0);
    QCOMPARE(f.model.offset() + f.model.rowOf(anchor), 650);
}

void ListModelTest::olderRevisions_areDropped()
{
    Fixture f(50);
    f.load();
    auto item = f.api.deliveryAt(5);
    item.rev -= 1;
    item.state = u"dead"_s;
    QSignalSpy changes(&f.model, &QAbstractItemModel::dataChanged);
    f.api.push(item);
    f.flush();
    QCOMPARE(changes.count(), 1); // the marker's
    QVERIFY(std::get<domain::DeliveryItem>(f.model.row(5).item).state != u"dead");
}

void ListModelTest::newerRevisions_replaceTheRow()
{
    Fixture f(50);
    f.load();
    auto newest = f.api.deliveryAt(5);
    newest.rev += 2;
    newest.state = u"unconfirmed"_s;
    auto between = newest;
    between.rev -= 1;
    between.state = u"dead"_s;
    f.api.push(newest);
    f.api.push(between); // arrives late
    QTRY_COMPARE(std::get<domain::DeliveryItem>(f.model.row(5).item).state, u"unconfirmed"_s);
    f.flush();
    QCOMPARE(f.model.row(5).rev, newest.rev);
}

void ListModelTest::newRows_waitWhileHeld()
{
    Fixture f(50);
    f.load();
    f.model.setHold(true);
    for (int i = 0; i < 37; ++i)
        f.api.push(f.fresh(i));
    QTRY_COMPARE(f.model.newRows(), 37);
    QCOMPARE(f.model.rowCount(), 50);
    f.model.showNewRows();
    QCOMPARE(f.model.rowCount(), 87);
    QCOMPARE(f.model.newRows(), 0);
    QCOMPARE(f.model.row(0).id, u"new-00036"_s);
    f.model.setHold(false);
    f.api.push(f.fresh(40));
    QTRY_COMPARE(f.model.row(0).id, u"new-00040"_s);
}

void ListModelTest::newRows_areFilteredAsTheEngineWould()
{
    Fixture f(50);
    domain::ListQuery query;
    query.states = QStringList{u"dead"_s};
    f.model.setQuery(query);
    QTRY_COMPARE(f.model.phase(), ListPhase::Ready);
    const int before = f.model.rowCount();
    auto dead = f.fresh(1);
    dead.state = u"dead"_s;
    f.api.push(f.fresh(0));
    f.api.push(dead);
    QTRY_COMPARE(f.model.rowCount(), before + 1);
    QCOMPARE(f.model.row(0).id, dead.id);
    // A row that stops matching stays, marked, until the list is asked for anew.
    dead.state = u"completed"_s;
    dead.rev += 1;
    f.api.push(dead);
    QTRY_VERIFY(!f.model.row(0).matches);
    f.model.refresh();
    QTRY_COMPARE(f.model.rowCount(), before);
}

void ListModelTest::frozen_nothingMovesUntilResumed()
{
    Fixture f(50);
    f.load();
    f.model.setFrozen(true);
    QSignalSpy changes(&f.model, &QAbstractItemModel::dataChanged);
    auto item = f.api.deliveryAt(3);
    item.rev += 1;
    item.state = u"dead"_s;
    f.api.push(item);
    f.api.push(f.fresh(1));
    QSignalSpy applied(&f.model, &ListModel::stateChanged);
    QVERIFY(applied.wait());
    QCOMPARE(f.model.frozenChanges(), 2);
    const int calls = f.api.listCalls();
    f.model.refresh();
    f.model.resynchronise();
    QCOMPARE(f.api.listCalls(), calls);
    QCOMPARE(changes.count(), 0);
    QCOMPARE(f.model.rowCount(), 50);
}

void ListModelTest::frozen_gapIsRememberedForTheResume()
{
    Fixture f(50);
    f.load();
    f.model.setFrozen(true);
    f.api.add(f.fresh(1)); // nobody hears of it
    f.model.resynchronise();
    QCOMPARE(f.model.rowCount(), 50);
    f.model.setFrozen(false);
    QTRY_COMPARE(f.model.rowCount(), 51);
}

void ListModelTest::gap_asksAnew()
{
    Fixture f(50);
    f.load();
    f.api.add(f.fresh(1));
    f.model.resynchronise();
    QTRY_COMPARE(f.model.rowCount(), 51);
}

void ListModelTest::goneRow_leaves()
{
    Fixture f(50);
    f.load();
    domain::Change change;
    change.kind = u"delivery"_s;
    change.id = f.model.row(5).id;
    change.rev = f.model.row(5).rev + 1;
    change.gone = true;
    f.api.removeDelivery(change.id);
    f.model.apply({change});
    QTRY_COMPARE(f.model.rowCount(), 49);
    QCOMPARE(f.model.rowOf(change.id), -1);
}

void ListModelTest::answersToOlderQuestions_areDropped()
{
    Fixture f(50);
    f.api.hold();
    f.model.setQuery(domain::ListQuery());
    domain::ListQuery query;
    query.text = f.api.deliveryAt(7).id;
    f.model.setQuery(query);
    QCOMPARE(f.api.waiting(), 2);
    f.api.release();
    QTRY_COMPARE(f.model.phase(), ListPhase::Ready);
    QCOMPARE(f.model.rowCount(), 1);
}

void ListModelTest::updates_areCoalesced()
{
    Fixture f(50);
    f.load();
    QSignalSpy states(&f.model, &ListModel::stateChanged);
    for (int round = 1; round <= 200; ++round) {
        auto item = f.api.deliveryAt(3);
        item.rev += 1;
        f.api.push(item);
    }
    QTRY_COMPARE(f.model.row(3).rev, f.api.deliveryAt(3).rev);
    QCOMPARE(states.count(), 1); // two hundred changes, one application
}

void ListModelTest::failure_keepsTheRowsAndCanBeRetried()
{
    Fixture f(50);
    f.load();
    f.api.failNext(Error(ErrorCode::Unavailable, u"database is locked"_s));
    f.model.refresh();
    QTRY_COMPARE(f.model.phase(), ListPhase::Failed);
    QCOMPARE(f.model.error()->code(), ErrorCode::Unavailable);
    QCOMPARE(f.model.rowCount(), 50);
    f.model.refresh();
    QTRY_COMPARE(f.model.phase(), ListPhase::Ready);
    QVERIFY(!f.model.error());
}

void ListModelTest::modelRules_hold()
{
    Fixture f(900);
    const QAbstractItemModelTester tester(&f.model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    f.load();
    walkDown(f, 900);
    for (int i = 0; i < 5; ++i)
        f.api.push(f.fresh(i));
    QTRY_COMPARE(f.model.rowCount(), 905);
    f.model.refresh(700);
    QTRY_COMPARE(f.model.phase(), ListPhase::Ready);
    f.model.ensure(0, 10);
    QTRY_VERIFY(!f.model.isFetching());
}

QTEST_MAIN(ListModelTest)
#include "tst_list_model.moc"
