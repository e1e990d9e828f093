// SPDX-License-Identifier: Apache-2.0
#include "console_fixture.h"
#include "ui/action_dialog.h"
#include "ui/details_pane.h"
#include "ui/explain_view.h"

#include <QApplication>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMenuBar>
#include <QPointer>
#include <QProgressBar>
#include <QPushButton>
#include <QStatusBar>
#include <QTabWidget>

using namespace Qt::StringLiterals;
using namespace signalbox;
using domain::Act;
using testing::UiFixture;
using ui::ActionId;
using ui::ViewKind;

// What an operator does in the console: evidence first, Cancel is the default, a reason, and an honest
// answer.
class ConsoleActionsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void locks_showHolderAgeFenceAndWaiters();
    void release_showsEvidenceAndNeedsAReason();
    void release_isNotDoneByReturnOrEscape();
    void release_saysWhenTheLockChangedHands();
    void aLostAnswer_isAskedForByItsKey();
    void whatWasNotDone_isSaidAndTriedAgainUnderTheSameKey();
    void anUnknownOutcome_isAskedForAgainWithTheConnection();
    void whatWasRefused_isNotAskedFor();
    void whileBusy_nothingCanBeAskedTwice();
    void aDialogThatIsClosedWhileBusy_isGone();
    void actions_areOfferedWhereTheyMakeSense_data();
    void actions_areOfferedWhereTheyMakeSense();
    void replay_offersOtherBackends();
    void confirm_asksAsWhat();
    void pause_isTwoStepsAway();
    void resume_needsNoReason();
    void explain_showsTheChainOnOneKey();
    void explain_tellsErrorsAndRetries();

private:
    static domain::LockItem lock(const UiFixture &f, const QString &id);
    static void choose(const UiFixture &f, const QString &id);
    static void trigger(const UiFixture &f, ActionId id) { f.window->actions().get(id)->trigger(); }
    static ui::ActionDialog *dialog(const UiFixture &f) { return f.window->rowActions()->dialog(); }
    template <class Widget>
    static Widget *in(const UiFixture &f, const char *name)
    {
        return dialog(f)->findChild<Widget *>(QString::fromLatin1(name));
    }
    static QString withState(UiFixture &f, const QString &state, const QString &waitsFor = {});
};

void ConsoleActionsTest::initTestCase()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom));
    ui::installTranslations(*qApp);
    ui::applyTheme(*qApp, ui::Theme::Light);
}

domain::LockItem ConsoleActionsTest::lock(const UiFixture &f, const QString &id)
{
    domain::LockItem item;
    item.id = id;
    item.place = u"C0ONE"_s;
    item.thread = u"1700000000.000100"_s;
    item.holder = u"d-holder"_s;
    item.holderState = u"running"_s;
    item.holderStage = u"prompting"_s;
    item.promptState = u"accepted"_s;
    item.engine = u"engine-1"_s;
    item.engineAlive = true;
    item.leaseUntil = f.clock.now() + Millis(10'000);
    item.acquiredAt = f.clock.now() - Millis(120'000);
    item.expiresAt = f.clock.now() + Millis(60'000);
    item.fence = 42;
    item.waiters = 3;
    item.createdAt = f.clock.now() - Millis(500'000);
    item.rev = 5;
    return item;
}

void ConsoleActionsTest::choose(const UiFixture &f, const QString &id)
{
    const int row = f.model()->rowOf(id);
    QVERIFY(row >= 0);
    f.table()->setCurrentIndex(f.model()->index(row, 0));
    QTRY_COMPARE(f.table()->currentId(), id);
}

// The first delivery, in this state, shown and chosen.
QString ConsoleActionsTest::withState(UiFixture &f, const QString &state, const QString &waitsFor)
{
    const QString id = f.api.deliveryAt(0).id;
    domain::DeliveryItem item = f.changed(id, 1'000'000, state);
    item.waitsFor = waitsFor;
    item.outcome = state == u"completed" ? u"delivered"_s : QString();
    item.resolution.clear();
    item.backend = u"agent"_s;
    f.api.add(item);
    f.show();
    choose(f, id);
    return id;
}

#define LOCKS(f)                                                                                             \
    f.api.lockItems = {lock(f, u"se_one"_s)};                                                                \
    f.show();                                                                                                \
    f.window->showView(ViewKind::Locks);                                                                     \
    QTRY_COMPARE(f.model()->rowCount(), 1);                                                                  \
    choose(f, u"se_one"_s);                                                                                  \
    QTRY_COMPARE(f.api.waiting(), 0)

void ConsoleActionsTest::locks_showHolderAgeFenceAndWaiters()
{
    UiFixture f(3, 3);
    LOCKS(f);
    QStringList cells;
    for (int column = 0; column < f.model()->columnCount(); ++column)
        cells << f.model()->cell(0, column).text;
    for (const QString &text :
        {u"Held"_s, u"C0ONE"_s, u"d-holder"_s, u"2 min 0 s"_s, u"42"_s, u"3"_s, u"engine-1"_s})
        QVERIFY2(cells.contains(text), qPrintable(text + u" in "_s + cells.join(u" | "_s)));
    // The stream says that it was let go: the row stays, and says so.
    domain::SessionItem session;
    session.id = u"se_one"_s;
    session.rev = 6;
    session.createdAt = f.api.lockItems[0].createdAt;
    f.api.push(session);
    QTRY_COMPARE(f.model()->cell(0, 0).text, u"Free"_s);
    QTRY_VERIFY(!f.window->actions().get(ActionId::ReleaseLock)->isEnabled());
}

void ConsoleActionsTest::release_showsEvidenceAndNeedsAReason()
{
    UiFixture f(3, 3);
    LOCKS(f);
    trigger(f, ActionId::ReleaseLock);
    QVERIFY(dialog(f));
    QStringList shown;
    for (const QLabel *label : dialog(f)->findChildren<QLabel *>())
        shown << label->text();
    for (const QString &text : {u"d-holder"_s, u"42"_s, u"engine-1"_s, u"2 min 0 s"_s, u"3"_s})
        QVERIFY2(shown.contains(text), qPrintable(text));
    auto *go = in<QPushButton>(f, "actionGo");
    QVERIFY(go->text().contains(u"C0ONE"));
    QVERIFY(go->text().contains(u"This computer (embedded)"));
    QVERIFY(!go->isEnabled());
    QVERIFY(in<QPushButton>(f, "actionCancel")->isDefault());
    QVERIFY(!go->isDefault());
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"it hangs"_s);
    QVERIFY(go->isEnabled());
    const int lists = f.api.listCalls();
    QTest::mouseClick(go, Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    QCOMPARE(f.api.acts().size(), qsizetype(1));
    const domain::ActionRequest asked = f.api.acts().first();
    QCOMPARE(asked.act, Act::ReleaseLock);
    QCOMPARE(asked.id, u"se_one"_s);
    QCOMPARE(asked.expectedFence, 42);
    QCOMPARE(asked.reason, u"it hangs"_s);
    QVERIFY(!asked.key.isEmpty());
    QTRY_VERIFY(f.api.listCalls() > lists); // the list is asked for anew
    QVERIFY(f.window->statusBar()->currentMessage().contains(u"released"));
}

void ConsoleActionsTest::release_isNotDoneByReturnOrEscape()
{
    for (const Qt::Key key : {Qt::Key_Escape, Qt::Key_Return}) {
        UiFixture f(3, 3);
        LOCKS(f);
        trigger(f, ActionId::ReleaseLock);
        // Until it is the active window, keys belong to the table.
        QVERIFY(QTest::qWaitForWindowActive(dialog(f)));
        auto *reason = in<QLineEdit>(f, "actionReason");
        QTest::keyClicks(reason, u"it hangs"_s);
        QTest::keyClick(reason, key);
        QTRY_VERIFY(!dialog(f));
        QVERIFY(f.api.acts().isEmpty());
    }
}

void ConsoleActionsTest::release_saysWhenTheLockChangedHands()
{
    UiFixture f(3, 3);
    LOCKS(f);
    trigger(f, ActionId::ReleaseLock);
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"it hangs"_s);
    f.api.failNext(Error(ErrorCode::Conflict, u"the fence is 43"_s, u"fence_differs"_s));
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    auto *error = in<QLabel>(f, "actionError");
    QTRY_VERIFY(error->isVisible());
    QVERIFY(error->text().contains(u"changed hands"));
    QVERIFY(!dialog(f)->isBusy());
    QVERIFY(in<QPushButton>(f, "actionGo")->isEnabled());
}

#define RELEASE_WITHOUT_ANSWER(f)                                                                            \
    LOCKS(f);                                                                                                \
    trigger(f, ActionId::ReleaseLock);                                                                       \
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"it hangs"_s);                                       \
    f.api.failNext(Error(ErrorCode::Unavailable, u"gone"_s));                                                \
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton)

void ConsoleActionsTest::aLostAnswer_isAskedForByItsKey()
{
    UiFixture f(3, 3);
    RELEASE_WITHOUT_ANSWER(f);
    QCOMPARE(f.api.acts().size(), qsizetype(1));
    const QString key = f.api.acts().first().key;
    domain::ActionResult answer;
    answer.repeated = true;
    f.api.answers.insert(key, answer);
    // While it asks, it says that nobody knows.
    auto *error = in<QLabel>(f, "actionError");
    QTRY_VERIFY(error->isVisible() && error->text().contains(u"not known"));
    QTRY_VERIFY(!dialog(f));
    QCOMPARE(f.api.keysAsked(), QStringList(key));
    QCOMPARE(f.api.acts().size(), qsizetype(1));
    QVERIFY(f.window->statusBar()->currentMessage().startsWith(u"It was done: "));
}

void ConsoleActionsTest::whatWasNotDone_isSaidAndTriedAgainUnderTheSameKey()
{
    UiFixture f(3, 3);
    RELEASE_WITHOUT_ANSWER(f);
    auto *error = in<QLabel>(f, "actionError");
    QTRY_VERIFY(error->text().contains(u"has not been done"));
    QVERIFY(!dialog(f)->isBusy());
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    QCOMPARE(f.api.acts().size(), qsizetype(2));
    QCOMPARE(f.api.acts()[0].key, f.api.acts()[1].key);
    QCOMPARE(f.api.acts()[0].fingerprint(), f.api.acts()[1].fingerprint());
}

void ConsoleActionsTest::anUnknownOutcome_isAskedForAgainWithTheConnection()
{
    UiFixture f(3, 3);
    LOCKS(f);
    trigger(f, ActionId::ReleaseLock);
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"it hangs"_s);
    f.api.failNext(Error(ErrorCode::Unavailable, u"gone"_s), 2); // the action, and the question for it
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTRY_COMPARE(f.api.keysAsked().size(), qsizetype(1));
    QTRY_VERIFY(!dialog(f)->isBusy());
    QVERIFY(in<QLabel>(f, "actionError")->text().contains(u"not known"));
    f.api.setConnection(admin::ConnectionState::Reconnecting);
    QCOMPARE(f.api.keysAsked().size(), qsizetype(1));
    f.api.answers.insert(f.api.acts().first().key, domain::ActionResult());
    f.api.setConnection(admin::ConnectionState::Live);
    QTRY_VERIFY(!dialog(f));
    QCOMPARE(f.api.keysAsked().size(), qsizetype(2));
    QCOMPARE(f.api.acts().size(), qsizetype(1));
}

void ConsoleActionsTest::whatWasRefused_isNotAskedFor()
{
    UiFixture f(3, 3);
    LOCKS(f);
    trigger(f, ActionId::ReleaseLock);
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"it hangs"_s);
    f.api.failNext(Error(ErrorCode::Forbidden, u"no"_s));
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTRY_VERIFY(in<QLabel>(f, "actionError")->isVisible());
    QVERIFY(in<QLabel>(f, "actionError")->text().contains(u"role"));
    QVERIFY(f.api.keysAsked().isEmpty());
}

void ConsoleActionsTest::whileBusy_nothingCanBeAskedTwice()
{
    UiFixture f(3, 3);
    LOCKS(f);
    trigger(f, ActionId::ReleaseLock);
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"it hangs"_s);
    f.api.hold();
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QVERIFY(dialog(f)->isBusy());
    QVERIFY(in<QProgressBar>(f, "actionBusy")->isVisible());
    QVERIFY(!in<QPushButton>(f, "actionGo")->isEnabled());
    QVERIFY(!in<QLineEdit>(f, "actionReason")->isEnabled());
    QCOMPARE(in<QPushButton>(f, "actionCancel")->text(), u"Do not wait"_s);
    trigger(f, ActionId::Pause); // one question at a time
    QCOMPARE(f.window->findChildren<ui::ActionDialog *>().size(), qsizetype(1));
    f.api.release();
    QTRY_VERIFY(!dialog(f));
    QCOMPARE(f.api.acts().size(), qsizetype(1));
}

void ConsoleActionsTest::aDialogThatIsClosedWhileBusy_isGone()
{
    UiFixture f(3, 3);
    LOCKS(f);
    trigger(f, ActionId::ReleaseLock);
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"it hangs"_s);
    f.api.hold();
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTest::mouseClick(in<QPushButton>(f, "actionCancel"), Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    f.api.release();
    QTRY_COMPARE(f.api.waiting(), 0);
    QVERIFY(f.window->isVisible());
}

void ConsoleActionsTest::actions_areOfferedWhereTheyMakeSense_data()
{
    QTest::addColumn<QString>("state");
    QTest::addColumn<QString>("offered");
    QTest::newRow("pending") << u"pending"_s << u"cancel"_s;
    QTest::newRow("running") << u"running"_s << u"cancel"_s;
    QTest::newRow("completed") << u"completed"_s << u"replay"_s;
    QTest::newRow("dead") << u"dead"_s << u"replay discard"_s;
    QTest::newRow("unconfirmed") << u"unconfirmed"_s << u"replay confirm"_s;
    QTest::newRow("cancelled") << u"cancelled"_s << u"replay"_s;
}

void ConsoleActionsTest::actions_areOfferedWhereTheyMakeSense()
{
    QFETCH(QString, state);
    QFETCH(QString, offered);
    UiFixture f(3, 3);
    withState(f, state);
    QStringList found;
    for (const auto &[id, name] :
        {std::pair(ActionId::Replay, u"replay"_s), std::pair(ActionId::Discard, u"discard"_s),
            std::pair(ActionId::Confirm, u"confirm"_s), std::pair(ActionId::CancelDelivery, u"cancel"_s),
            std::pair(ActionId::ReleaseLock, u"release"_s), std::pair(ActionId::ExtendLock, u"extend"_s)}) {
        if (f.window->actions().get(id)->isEnabled())
            found << name;
    }
    QCOMPARE(found.join(u' '), offered);
    QVERIFY(f.window->actions().get(ActionId::Explain)->isEnabled());
    QVERIFY(f.window->actions().get(ActionId::Pause)->isEnabled());
}

void ConsoleActionsTest::replay_offersOtherBackends()
{
    UiFixture f(3, 3);
    domain::BackendItem agent;
    agent.id = u"agent"_s;
    domain::BackendItem spare;
    spare.id = u"spare"_s;
    f.api.backendItems = {agent, spare};
    const QString id = withState(f, u"dead"_s);
    QTest::keyClick(f.table(), Qt::Key_R);
    QTRY_VERIFY(dialog(f));
    auto *backend = in<QComboBox>(f, "actionChoice_backend");
    QTRY_COMPARE(backend->count(), 2);
    backend->setCurrentIndex(backend->findData(u"spare"_s));
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"try again"_s);
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    QCOMPARE(f.api.acts().first().act, Act::Replay);
    QCOMPARE(f.api.acts().first().id, id);
    QCOMPARE(f.api.acts().first().backend, u"spare"_s);
}

void ConsoleActionsTest::confirm_asksAsWhat()
{
    UiFixture f(3, 3);
    withState(f, u"unconfirmed"_s);
    trigger(f, ActionId::Confirm);
    auto *as = in<QComboBox>(f, "actionChoice_as");
    QCOMPARE(as->count(), 3);
    as->setCurrentIndex(as->findData(u"abandoned"_s));
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"asked again"_s);
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    QCOMPARE(f.api.acts().first().as, u"abandoned"_s);
    QVERIFY(f.api.acts().first().check());
}

void ConsoleActionsTest::pause_isTwoStepsAway()
{
    UiFixture f(3, 3);
    domain::InstallationItem installation;
    installation.id = u"in1"_s;
    f.api.installationItems = {installation};
    f.show();
    QTest::keyClick(f.window.get(), Qt::Key_P, Qt::ControlModifier | Qt::ShiftModifier);
    QTRY_VERIFY(dialog(f));
    QTRY_COMPARE(in<QComboBox>(f, "actionChoice_scope")->count(), 2);
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"upgrade"_s);
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    const domain::ActionRequest asked = f.api.acts().first();
    QCOMPARE(asked.act, Act::Pause);
    QCOMPARE(asked.scope, u"engine"_s);
    QCOMPARE(asked.id, u"all"_s);
    QCOMPARE(asked.what, u"delivery"_s);
    QVERIFY(!asked.until);
    QVERIFY(asked.check());
}

void ConsoleActionsTest::resume_needsNoReason()
{
    UiFixture f(3, 3);
    f.show();
    trigger(f, ActionId::Resume);
    QVERIFY(in<QPushButton>(f, "actionGo")->isEnabled());
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    QCOMPARE(f.api.acts().first().act, Act::Resume);
    QCOMPARE(f.api.acts().first().rate, 0);
    QVERIFY(f.api.acts().first().check());
}

void ConsoleActionsTest::explain_showsTheChainOnOneKey()
{
    UiFixture f(3, 3);
    domain::ExplainLink first(u"delivery"_s, u"d-1"_s, u"waiting:lock"_s, f.clock.now() - Millis(60'000));
    domain::ExplainLink second(u"session"_s, u"se-1"_s, u"lock_held"_s, f.clock.now() - Millis(50'000));
    second.evidence = u"fence 7"_s;
    domain::ExplainLink last(u"delivery"_s, u"d-0"_s, u"turn_runs"_s, f.clock.now() - Millis(40'000));
    last.action = u"release"_s;
    f.api.explanation.links = {first, second, last};
    f.api.explanation.action = u"release"_s;
    const QString id = withState(f, u"waiting"_s, u"lock"_s);
    QTest::keyClick(f.table(), Qt::Key_E);
    auto *view = f.find<ui::ExplainView>("explain");
    auto *chain = f.find<QListWidget>("explainChain");
    QTRY_COMPARE(chain->count(), 3);
    QCOMPARE(view->deliveryId(), id);
    QCOMPARE(f.find<QTabWidget>("detailsTabs")->currentWidget(), view);
    QVERIFY(chain->item(1)->text().contains(u"fence 7"));
    QVERIFY(chain->item(2)->text().contains(u"40 s"));
    QVERIFY(f.find<QLabel>("explainAction")->text().contains(u"release the lock"));
    QTRY_VERIFY(chain->hasFocus());
    QTest::keyClick(chain, Qt::Key_Down);
    QTest::keyClick(chain, Qt::Key_Return);
    QTRY_COMPARE(f.window->currentView(), ViewKind::Sessions);
}

void ConsoleActionsTest::explain_tellsErrorsAndRetries()
{
    UiFixture f(3, 3);
    domain::ExplainLink only(u"delivery"_s, u"d-1"_s, u"may_run"_s, f.clock.now());
    f.api.explanation.links = {only};
    withState(f, u"pending"_s);
    QTRY_COMPARE(f.api.waiting(), 0);
    f.api.failNext(Error(ErrorCode::Unavailable, u"gone"_s));
    QTest::keyClick(f.table(), Qt::Key_E);
    auto *view = f.find<ui::ExplainView>("explain");
    auto *retry = view->findChild<QAbstractButton *>(u"retry"_s);
    QTRY_VERIFY(retry->isVisible());
    QTest::mouseClick(retry, Qt::LeftButton);
    QTRY_COMPARE(f.find<QListWidget>("explainChain")->count(), 1);
}

QTEST_MAIN(ConsoleActionsTest)
#include "tst_console_actions.moc"
