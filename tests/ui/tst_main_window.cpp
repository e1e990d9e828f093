// SPDX-License-Identifier: Apache-2.0
#include "console_fixture.h"
#include "ui/details_pane.h"
#include "ui/filter_bar.h"
#include "ui/message_pane.h"
#include "ui/navigation.h"
#include "ui/status_line.h"

#include <QAbstractButton>
#include <QClipboard>
#include <QComboBox>
#include <QElapsedTimer>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QSplitter>
#include <QTabWidget>
#include <QTableWidget>

using namespace Qt::StringLiterals;
using namespace signalbox;
using testing::UiFixture;
using ui::ActionId;
using ui::ListPhase;
using ui::ViewKind;

class MainWindowTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void firstPaint_comesBeforeData();
    void engineThatNeverAnswers_leavesTheWindowAlive();
    void rows_stayWhereTheyAreWhileScrolled();
    void rows_followAtTheTop();
    void selection_survivesRefreshAndLiveRows();
    void freeze_saysSoAndCounts();
    void filter_asksTheEngineAndEscapeClears();
    void emptyStates_tellTheReason();
    void error_showsTextDetailsAndRetry();
    void reconnect_showsStateAndAsksAnew();
    void hiddenViews_askNothing();
    void counts_comeFromTheStreamOnly();
    void details_showSummaryTimelineAndAttempts();
    void details_followTheStream();
    void details_linkLeadsToTheSessionAndBack();
    void palette_jumpsToAPastedPermalink();

private:
    static void type(const UiFixture &f, Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
    {
        QTest::keyClick(f.table(), key, modifiers);
    }
};

void MainWindowTest::initTestCase()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom));
    ui::installTranslations(*qApp);
    ui::applyTheme(*qApp, ui::Theme::Light);
}

void MainWindowTest::firstPaint_comesBeforeData()
{
    UiFixture f(300);
    f.api.hold();
    QCOMPARE(f.api.listCalls(), 0);
    f.window->show();
    QVERIFY(QTest::qWaitForWindowExposed(f.window.get()));
    QCOMPARE(f.model()->rowCount(), 0);
    QCOMPARE(f.window->windowTitle(), u"This computer (embedded) – Signalbox"_s);
    QTRY_COMPARE(f.pane()->findChild<QLabel *>(u"messageTitle"_s)->text(), u"Loading…"_s);
    f.api.release();
    QTRY_COMPARE(f.model()->rowCount(), 200);
}

void MainWindowTest::engineThatNeverAnswers_leavesTheWindowAlive()
{
    UiFixture f(300);
    f.api.hold();
    f.window->show();
    QVERIFY(QTest::qWaitForWindowExposed(f.window.get()));
    QTRY_VERIFY(f.api.waiting() > 0);
    QElapsedTimer timer;
    timer.start();
    f.window->showView(ViewKind::Sessions);
    f.window->showView(ViewKind::Deliveries);
    f.window->openDelivery(u"no such id"_s);
    f.window->grab();
    QVERIFY2(timer.elapsed() < 2000, "the window waited for the engine");
    QVERIFY(f.api.waiting() > 2);
    auto *retry = f.pane()->findChild<QAbstractButton *>(u"retry"_s);
    QTRY_VERIFY_WITH_TIMEOUT(retry->isVisible(), 8000); // it says that the answer is late
    f.window.reset(); // with questions still open
    f.api.release();
}

void MainWindowTest::rows_stayWhereTheyAreWhileScrolled()
{
    UiFixture f(2000);
    f.show();
    f.table()->verticalScrollBar()->setValue(1500);
    QTRY_VERIFY(!f.model()->isFetching());
    const auto topId = [&f] { return f.model()->row(f.table()->firstVisibleRow()).id; };
    const QString top = topId();
    const int offset = f.table()->rowViewportPosition(f.table()->firstVisibleRow());
    for (int i = 0; i < 37; ++i)
        f.api.push(f.fresh(i));
    QTRY_COMPARE(f.model()->newRows(), 37);
    auto *pill = f.pane()->findChild<QAbstractButton *>(u"pill"_s);
    QVERIFY(pill->isVisible());
    QCOMPARE(pill->text(), u"37 new"_s);
    QCOMPARE(topId(), top);
    f.model()->showNewRows(); // even now the rows that are looked at stay
    QCOMPARE(f.model()->row(0).id, u"new-0036"_s);
    QCOMPARE(topId(), top);
    QCOMPARE(f.table()->rowViewportPosition(f.table()->firstVisibleRow()), offset);
    f.pane()->refresh();
    QTRY_COMPARE(f.model()->phase(), ListPhase::Ready);
    QCOMPARE(topId(), top);
    type(f, Qt::Key_Home);
    QCOMPARE(f.table()->verticalScrollBar()->value(), 0);
    QCOMPARE(f.table()->currentId(), u"new-0036"_s);
}

void MainWindowTest::rows_followAtTheTop()
{
    UiFixture f(300);
    f.show();
    f.api.push(f.fresh(1));
    QTRY_COMPARE(f.model()->row(0).id, u"new-0001"_s);
    QCOMPARE(f.table()->verticalScrollBar()->value(), 0);
    // Not while the pointer is over the rows.
    QEnterEvent enter(QPointF(5, 5), QPointF(5, 5), QPointF(5, 5));
    QCoreApplication::sendEvent(f.table()->viewport(), &enter);
    f.api.push(f.fresh(2));
    QTRY_COMPARE(f.model()->newRows(), 1);
    QCOMPARE(f.model()->row(0).id, u"new-0001"_s);
    QEvent leave(QEvent::Leave);
    QCoreApplication::sendEvent(f.table()->viewport(), &leave);
    QCOMPARE(f.model()->row(0).id, u"new-0002"_s);
}

void MainWindowTest::selection_survivesRefreshAndLiveRows()
{
    UiFixture f(300);
    f.show();
    f.table()->selectRow(4);
    QTest::keyClick(f.table(), Qt::Key_Down, Qt::ShiftModifier);
    const QStringList chosen = f.table()->selectedIds();
    QCOMPARE(chosen.size(), 2);
    f.api.push(f.fresh(1));
    QTRY_COMPARE(f.model()->row(0).id, u"new-0001"_s);
    QCOMPARE(f.table()->selectedIds(), chosen);
    type(f, Qt::Key_F5);
    QTRY_COMPARE(f.model()->phase(), ListPhase::Ready);
    QCOMPARE(f.table()->selectedIds(), chosen);
    QCOMPARE(f.table()->selectionModel()->selectedRows().size(), 2);
    QVERIFY(f.table()->selectionModel()->isRowSelected(f.model()->rowOf(chosen.constFirst())));
}

void MainWindowTest::freeze_saysSoAndCounts()
{
    UiFixture f(300);
    f.show();
    f.table()->setFocus();
    type(f, Qt::Key_F);
    QVERIFY(f.model()->isFrozen());
    auto *banner = f.pane()->findChild<QWidget *>(u"frozenBanner"_s);
    QVERIFY(banner->isVisible());
    for (int i = 0; i < 3; ++i)
        f.api.push(f.fresh(i));
    QTRY_VERIFY(banner->accessibleName().endsWith(u"3 changes waiting"_s));
    const QString first = f.model()->row(0).id;
    f.api.setConnection(admin::ConnectionState::Reconnecting, u"in 3 s"_s);
    f.api.setConnection(admin::ConnectionState::Live);
    type(f, Qt::Key_F5);
    QCOMPARE(f.model()->row(0).id, first);
    QCOMPARE(f.model()->phase(), ListPhase::Ready);
    type(f, Qt::Key_F);
    QTRY_COMPARE(f.model()->row(0).id, u"new-0002"_s);
    QVERIFY(!banner->isVisible());
}

void MainWindowTest::filter_asksTheEngineAndEscapeClears()
{
    UiFixture f(300);
    f.show();
    type(f, Qt::Key_Slash);
    auto *text = f.pane()->findChild<QLineEdit *>(u"filterText"_s);
    QVERIFY(text->hasFocus());
    const QString id = f.api.deliveryAt(9).id;
    text->setText(id);
    QTRY_COMPARE(f.model()->rowCount(), 1);
    QCOMPARE(f.api.lastQuery().text, id);
    QTest::keyClick(text, Qt::Key_Escape);
    QVERIFY(text->text().isEmpty());
    QTRY_COMPARE(f.model()->rowCount(), 200);
    QTest::keyClick(text, Qt::Key_Escape);
    QVERIFY(f.table()->hasFocus());
    // Letters go into the field and do nothing else.
    type(f, Qt::Key_Slash);
    QTest::keyClicks(text, u"fg?"_s);
    QCOMPARE(text->text(), u"fg?"_s);
    QVERIFY(!f.model()->isFrozen());
    QTest::keyClick(text, Qt::Key_Escape);
    for (auto *chip : f.pane()->findChildren<QAbstractButton *>(u"chip"_s)) {
        if (chip->property("state") == u"dead"_s)
            chip->click();
    }
    QTRY_COMPARE(f.api.lastQuery().states, QStringList{u"dead"_s});
    QTRY_VERIFY(f.model()->rowCount() > 0 && f.model()->rowCount() < 200);
    f.window->actions().get(ActionId::Back)->trigger();
    QTRY_COMPARE(f.model()->rowCount(), 200);
    QVERIFY(f.api.lastQuery().states.isEmpty());
}

void MainWindowTest::emptyStates_tellTheReason()
{
    UiFixture f;
    f.api.setConnection(admin::ConnectionState::Connecting);
    f.window->show();
    QVERIFY(QTest::qWaitForWindowExposed(f.window.get()));
    const auto *title = f.pane()->findChild<QLabel *>(u"messageTitle"_s);
    QTRY_COMPARE(title->text(), u"Not connected"_s);
    QCOMPARE(f.api.listCalls(), 0);
    f.api.setConnection(admin::ConnectionState::Live);
    QTRY_COMPARE(title->text(), u"Nothing here"_s);
    f.pane()->findChild<QLineEdit *>(u"filterText"_s)->setText(u"nothing-like-this"_s);
    QTRY_COMPARE(title->text(), u"Nothing matches this filter"_s);
    auto *clear = f.pane()->findChild<QAbstractButton *>(u"messageAction"_s);
    QVERIFY(clear->isVisible());
    clear->click();
    QTRY_COMPARE(title->text(), u"Nothing here"_s);
}

void MainWindowTest::error_showsTextDetailsAndRetry()
{
    UiFixture f(300);
    f.api.failNext(Error(ErrorCode::Unavailable, u"database is locked"_s, u"5"_s));
    f.window->show();
    const auto *title = f.pane()->findChild<QLabel *>(u"messageTitle"_s);
    QTRY_COMPARE(title->text(), u"This could not be loaded"_s);
    auto *details = f.pane()->findChild<QLabel *>(u"errorDetails"_s);
    QVERIFY(!details->isVisible());
    f.pane()->findChild<QAbstractButton *>(u"errorDetailsButton"_s)->click();
    QVERIFY(details->isVisible());
    QVERIFY(details->text().contains(u"database is locked [5]"_s));
    QVERIFY(details->text().startsWith(u"unavailable"_s));
    f.pane()->findChild<QAbstractButton *>(u"retry"_s)->click();
    QTRY_COMPARE(f.model()->rowCount(), 300);
}

void MainWindowTest::reconnect_showsStateAndAsksAnew()
{
    UiFixture f(300);
    f.show();
    const auto *status = f.window->findChild<ui::StatusLine *>();
    f.api.pushStatus(testing::demoStatus(f.clock.now()));
    QCOMPARE(status->connectionText(), u"Live"_s);
    QVERIFY(f.window->time()->isLive());
    const QString age = f.window->time()->age(f.clock.now() - Millis(5000));
    f.api.setConnection(admin::ConnectionState::Reconnecting, u"in 3 s"_s);
    QVERIFY(status->connectionText().startsWith(u"Reconnecting · in 3 s · data as of "_s));
    const Instant then = f.clock.now() - Millis(5000);
    f.clock.advance(Millis(60'000));
    QCOMPARE(f.window->time()->age(then), age); // ages stand still
    f.api.add(f.fresh(1));
    f.api.setConnection(admin::ConnectionState::Live);
    QTRY_COMPARE(f.model()->row(0).id, u"new-0001"_s);
    QCOMPARE(status->connectionText(), u"Live"_s);
}

void MainWindowTest::hiddenViews_askNothing()
{
    UiFixture f(300, 100);
    f.show();
    QCOMPARE(f.api.watched(), (QStringList{u"delivery"_s, u"outbound"_s}));
    QCOMPARE(f.window->pane(ViewKind::Sessions)->model()->phase(), ListPhase::Idle);
    f.window->showView(ViewKind::Sessions);
    QTRY_COMPARE(f.model()->rowCount(), 100);
    QCOMPARE(f.api.watched(), QStringList{u"session"_s});
    f.window->showMinimized();
    QTRY_VERIFY(f.api.watched().isEmpty());
    f.window->showNormal();
    QTRY_COMPARE(f.api.watched(), QStringList{u"session"_s});
}

void MainWindowTest::counts_comeFromTheStreamOnly()
{
    UiFixture f(300);
    f.show();
    const auto *navigation = f.find<ui::Navigation>("navigation");
    QCOMPARE(navigation->count(ViewKind::Deliveries), -1); // nothing is known yet
    f.api.pushStatus(testing::demoStatus(f.clock.now()));
    QCOMPARE(navigation->count(ViewKind::Deliveries), 22);
    QCOMPARE(navigation->count(ViewKind::Sessions), 11);
    QCOMPARE(navigation->count(ViewKind::Locks), 6);
    QCOMPARE(navigation->count(ViewKind::Lifecycle), 3);
    QCOMPARE(navigation->count(ViewKind::Runtimes), -1); // would have to be counted
    QAbstractButton *person = nullptr;
    for (auto *button : f.window->findChildren<QAbstractButton *>(u"status"_s)) {
        if (button->property("part") == u"person"_s)
            person = button;
    }
    QVERIFY(person);
    QCOMPARE(person->text(), u"Needs a person: 13"_s);
    person->click();
    QTRY_COMPARE(f.api.lastQuery().states, (QStringList{u"dead"_s, u"unconfirmed"_s}));
    QVERIFY(f.find<QLabel>("badge")->isVisible());
}

void MainWindowTest::details_showSummaryTimelineAndAttempts()
{
    UiFixture f(300);
    f.show();
    int row = 0;
    while (std::get<domain::DeliveryItem>(f.model()->row(row).item).state != u"dead")
        ++row;
    f.table()->selectRow(row);
    auto *tabs = f.find<QTabWidget>("detailsTabs");
    QTRY_COMPARE(tabs->count(), 4);
    QCOMPARE(tabs->tabText(0), u"Summary"_s);
    QCOMPARE(tabs->tabText(1), u"Timeline"_s);
    QCOMPARE(tabs->tabText(2), u"Attempts"_s);
    QCOMPARE(tabs->tabText(3), u"Why"_s);
    QCOMPARE(f.find<QLabel>("detailsState")->text(), u"Dead"_s);
    const auto details = testing::demoDetail(f.api.deliveryAt(row));
    tabs->setCurrentIndex(2);
    auto *attempts = tabs->currentWidget()->findChild<QTableWidget *>(u"records"_s);
    QTRY_COMPARE(attempts->rowCount(), static_cast<int>(details.attempts.size()));
    attempts->setCurrentCell(0, 0);
    QCOMPARE(f.find<QPlainTextEdit>("sent")->toPlainText(), details.attempts.constFirst().sent);
    QCOMPARE(f.find<QPlainTextEdit>("received")->toPlainText(), details.attempts.constFirst().received);
    tabs->setCurrentIndex(1);
    auto *timeline = f.find<QWidget>("timeline");
    QVERIFY(timeline->accessibleDescription().contains(u"Inbound · Received"_s));
    QVERIFY(timeline->accessibleDescription().contains(u"failed"_s));
    f.window->actions().get(ActionId::DetailsRight)->trigger();
    QCOMPARE(f.find<QSplitter>("splitter")->orientation(), Qt::Horizontal);
}

void MainWindowTest::details_followTheStream()
{
    UiFixture f(300);
    f.show();
    f.table()->selectRow(0);
    QTRY_COMPARE(f.find<QLabel>("detailsState")->text(), u"Running"_s);
    QTRY_COMPARE(f.api.waiting(), 0); // the table's word is followed by the engine's
    const int calls = f.api.detailCalls();
    auto item = f.changed(f.table()->currentId(), 99, u"completed"_s);
    item.outcome = u"delivered"_s;
    f.api.push(item);
    QTRY_COMPARE(f.find<QLabel>("detailsState")->text(), u"Delivered"_s);
    QCOMPARE(f.api.detailCalls(), calls + 1);
    domain::OutboundItem outbound;
    outbound.id = u"o1"_s;
    outbound.deliveryId = item.id;
    f.api.push(outbound);
    QTRY_COMPARE(f.api.detailCalls(), calls + 2);
}

void MainWindowTest::details_linkLeadsToTheSessionAndBack()
{
    UiFixture f(300, 300);
    f.show();
    f.table()->selectRow(6);
    const QString delivery = f.table()->currentId();
    QTRY_COMPARE(f.find<QTabWidget>("detailsTabs")->count(), 4);
    const QString session = f.api.deliveryAt(6).sessionId;
    for (auto *label : f.window->findChildren<QLabel *>()) {
        if (label->property("field") == u"session"_s)
            Q_EMIT label->linkActivated(u"#"_s);
    }
    QCOMPARE(f.window->currentView(), ViewKind::Sessions);
    QTRY_COMPARE(f.model()->rowCount(), 1);
    QCOMPARE(f.table()->currentId(), session);
    QTRY_COMPARE(f.find<QTabWidget>("detailsTabs")->count(), 2); // a session has no timeline yet
    type(f, Qt::Key_Left, Qt::AltModifier);
    QCOMPARE(f.window->currentView(), ViewKind::Deliveries);
    QTRY_COMPARE(f.table()->currentId(), delivery);
    type(f, Qt::Key_Right, Qt::AltModifier);
    QCOMPARE(f.window->currentView(), ViewKind::Sessions);
    QTRY_COMPARE(f.table()->currentId(), session);
}

void MainWindowTest::palette_jumpsToAPastedPermalink()
{
    UiFixture f(300);
    f.show();
    type(f, Qt::Key_K, Qt::ControlModifier);
    auto *text = f.find<QLineEdit>("paletteText");
    QVERIFY(text);
    auto *list = f.find<QListWidget>("paletteList");
    QVERIFY(list->count() > 5);
    const auto wanted = f.api.deliveryAt(30);
    text->setText(u"https://acme.slack.com/archives/C024BE7LR/p"_s + QString(wanted.messageTs).remove(u'.'));
    QTRY_COMPARE(list->count(), 1);
    QTest::keyClick(text, Qt::Key_Return);
    QTRY_COMPARE(f.table()->currentId(), wanted.id);
    QTRY_COMPARE(f.find<QLabel>("detailsSubject")->text().section(u' ', 0, 0), wanted.place);
}

QTEST_MAIN(MainWindowTest)
#include "tst_main_window.moc"
