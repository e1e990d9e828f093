// SPDX-License-Identifier: Apache-2.0
#include "console_fixture.h"
#include "ui/action_dialog.h"
#include "ui/field_grid.h"
#include "ui/list_model.h"
#include "ui/list_pane.h"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPointer>
#include <QPushButton>
#include <QStatusBar>
#include <QTabWidget>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using ui::ViewKind;

// The views of runtimes and of lifecycle events: rows, the stream, and everything about the chosen row.
class LifecycleViewsTest : public QObject
{
    Q_OBJECT
private:
    static domain::RuntimeItem runtime(const UiFixture &f, const QString &instance, const QString &phase)
    {
        domain::RuntimeItem item;
        item.instanceId = instance;
        item.backend = u"prod"_s;
        item.nameSpace = u"spritz"_s;
        item.id = u"prod|spritz|"_s + instance;
        item.phase = phase;
        item.phaseSource = u"reported"_s;
        item.sessions = 3;
        item.phaseAt = item.createdAt = f.clock.now();
        item.rev = 1;
        return item;
    }
    static domain::LifecycleEventItem event(const UiFixture &f)
    {
        domain::LifecycleEventItem item;
        item.id = u"event-1"_s;
        item.state = u"forwarding"_s;
        item.phase = u"Expired"_s;
        item.instanceId = u"otter"_s;
        item.backend = u"prod"_s;
        item.source = u"observed"_s;
        item.unbound = 2;
        item.moved = true;
        item.receivedAt = item.observedAt = f.clock.now();
        domain::ForwardItem forward;
        forward.target = u"prod"_s;
        forward.state = u"retry"_s;
        forward.attempts = 4;
        forward.errorCode = u"http_500"_s;
        item.forwards << forward;
        return item;
    }
    static QString cell(const UiFixture &f, int row, int column)
    {
        return f.model()->index(row, column).data().toString();
    }

private Q_SLOTS:
    void initTestCase()
    {
        QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom));
        ui::installTranslations(*qApp);
    }
    void runtimes_areListedAndFollowTheStream();
    void runtime_isExplained();
    void event_showsItsForwards();
    void event_isReplayedToABackend();
    void aReplayWhoseOutcomeIsUnknown_saysSo();
    void view_isRemembered();
};

void LifecycleViewsTest::runtimes_areListedAndFollowTheStream()
{
    UiFixture f;
    f.api.add(runtime(f, u"otter"_s, u"Ready"_s));
    f.show();
    f.window->showView(ViewKind::Runtimes);
    QTRY_COMPARE(f.model()->rowCount(), 1);
    QCOMPARE(cell(f, 0, 0), u"Ready"_s);
    QCOMPARE(cell(f, 0, 1), u"otter"_s);
    QCOMPARE(cell(f, 0, 4), u"3"_s);
    QTRY_COMPARE(f.api.watched(), QStringList(u"runtime"_s));
    domain::RuntimeItem lost = runtime(f, u"otter"_s, u"lost"_s);
    lost.rev = 2;
    f.api.push(lost);
    QTRY_COMPARE(cell(f, 0, 0), u"Lost"_s);
}

void LifecycleViewsTest::runtime_isExplained()
{
    UiFixture f;
    f.api.add(runtime(f, u"otter"_s, u"Sleeping"_s)); // a phase that nobody knows is shown as it came
    f.show();
    f.window->showView(ViewKind::Runtimes);
    QTRY_COMPARE(f.model()->rowCount(), 1);
    f.table()->selectRow(0);
    QTRY_COMPARE(f.find<QLabel>("detailsState")->text(), u"Sleeping"_s);
    QCOMPARE(f.find<QLabel>("detailsSubject")->text(), u"otter"_s);
    const auto *fields = f.find<ui::FieldGrid>("runtimeFields");
    QCOMPARE(fields->value(u"sessions"_s), u"3"_s);
    QCOMPARE(fields->value(u"source"_s), u"Reported"_s);
    QVERIFY(fields->isVisible());
    const auto *tabs = f.find<QTabWidget>("detailsTabs");
    QCOMPARE(tabs->count(), 2);
    QVERIFY(!tabs->isTabVisible(1)); // why it waits: it waits for nothing
}

void LifecycleViewsTest::event_showsItsForwards()
{
    UiFixture f;
    f.api.add(event(f));
    f.show();
    f.window->showView(ViewKind::Lifecycle);
    QTRY_COMPARE(f.model()->rowCount(), 1);
    QCOMPARE(cell(f, 0, 0), u"Expired"_s);
    QCOMPARE(cell(f, 0, 2), u"Forwarding"_s);
    f.table()->selectRow(0);
    QTRY_COMPARE(f.find<QLabel>("detailsSubject")->text(), u"Expired · otter"_s);
    const auto *fields = f.find<ui::FieldGrid>("lifecycleFields");
    QVERIFY(fields->isVisible());
    QCOMPARE(fields->value(u"forwards"_s), u"prod: Will retry, 4 attempts, http_500"_s);
    QCOMPARE(fields->value(u"unbound"_s), u"2"_s);
    QCOMPARE(fields->value(u"source"_s), u"Observed"_s);
}

// The dialog that asks where to, opened by the key.
#define ASK_FOR_REPLAY(f)                                                                                    \
    domain::BackendItem prod;                                                                                \
    prod.id = u"prod"_s;                                                                                     \
    domain::BackendItem spare;                                                                               \
    spare.id = u"spare"_s;                                                                                   \
    f.api.backendItems = {prod, spare};                                                                      \
    f.api.add(event(f));                                                                                     \
    f.show();                                                                                                \
    f.window->showView(ViewKind::Lifecycle);                                                                 \
    QTRY_COMPARE(f.model()->rowCount(), 1);                                                                  \
    f.table()->selectRow(0);                                                                                 \
    QTRY_COMPARE(f.table()->currentId(), u"event-1"_s);                                                      \
    QTRY_COMPARE(f.api.waiting(), 0);                                                                        \
    QTest::keyClick(f.table(), Qt::Key_R);                                                                   \
    const QPointer<ui::ActionDialog> dialog = f.window->rowActions()->dialog();                              \
    QVERIFY(dialog);                                                                                         \
    auto *backend = dialog->findChild<QComboBox *>(u"actionChoice_backend"_s);                               \
    auto *go = dialog->findChild<QPushButton *>(u"actionGo"_s);                                              \
    QTRY_COMPARE(backend->count(), 2);                                                                       \
    QVERIFY(!go->isEnabled());                                                                               \
    QVERIFY(dialog->findChild<QPushButton *>(u"actionCancel"_s)->isDefault());                               \
    QTest::keyClicks(dialog->findChild<QLineEdit *>(u"actionReason"_s), u"it was down"_s)

void LifecycleViewsTest::event_isReplayedToABackend()
{
    UiFixture f;
    ASK_FOR_REPLAY(f);
    QCOMPARE(f.window->actions().get(ui::ActionId::Replay)->text(), u"&Replay to a backend…"_s);
    QVERIFY2(go->text().contains(u"Expired of otter"), qPrintable(go->text()));
    QVERIFY(go->text().contains(u"This computer (embedded)"));
    backend->setCurrentIndex(backend->findData(u"spare"_s));
    QTest::mouseClick(go, Qt::LeftButton);
    QTRY_VERIFY(!dialog);
    QCOMPARE(f.api.replays().size(), qsizetype(1));
    QCOMPARE(f.api.replays().first().id, u"event-1"_s);
    QCOMPARE(f.api.replays().first().backend, u"spare"_s);
    QCOMPARE(f.api.replays().first().reason, u"it was down"_s);
    QVERIFY(f.api.acts().isEmpty());
    QVERIFY(f.window->statusBar()->currentMessage().contains(u"sent once more"));
}

void LifecycleViewsTest::aReplayWhoseOutcomeIsUnknown_saysSo()
{
    UiFixture f;
    ASK_FOR_REPLAY(f);
    f.api.failNext(Error(ErrorCode::Unavailable, u"gone"_s));
    QTest::mouseClick(go, Qt::LeftButton);
    auto *error = dialog->findChild<QLabel *>(u"actionError"_s);
    QTRY_VERIFY(error->isVisible());
    QVERIFY(error->text().contains(u"not known"));
    QVERIFY(f.api.keysAsked().isEmpty()); // it has no key
    f.api.failNext(Error(ErrorCode::Conflict, u"under way"_s));
    QTest::mouseClick(go, Qt::LeftButton);
    QTRY_VERIFY(error->text().contains(u"on its way"));
}

void LifecycleViewsTest::view_isRemembered()
{
    UiFixture f;
    f.show();
    for (const ViewKind view : {ViewKind::Lifecycle, ViewKind::Runtimes, ViewKind::Installations,
             ViewKind::Audit, ViewKind::Sessions, ViewKind::Deliveries}) {
        f.window->showView(view);
        QCOMPARE(f.window->currentView(), view);
        QCOMPARE(f.pane()->kind().view(), view);
    }
}

QTEST_MAIN(LifecycleViewsTest)
#include "tst_lifecycle_views.moc"
