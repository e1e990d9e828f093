// SPDX-License-Identifier: Apache-2.0
#include "console_fixture.h"
#include "ui/action_dialog.h"
#include "ui/field_grid.h"
#include "ui/list_model.h"
#include "ui/list_pane.h"

#include <QAbstractButton>
#include <QClipboard>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPointer>
#include <QPushButton>
#include <QStatusBar>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using ui::ActionId;
using ui::ViewKind;

// The views of installations and of the audit: rows, the stream, everything about the chosen row, and what
// can be done about an installation.
class InstallationViewsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void installations_areListedByName();
    void installations_filterByStateAndText();
    void installations_followTheStream();
    void aPauseThatEnds_isNotShownAnyMore();
    void installation_isExplained();
    void pause_asksForThisInstallation();
    void pause_isNotDoneByReturn();
    void resume_offersWhatIsPausedHereAndARate();
    void actions_areOfferedForInstallationsOnly();
    void audit_tellsWhoDidWhatToWhat();
    void audit_leadsToItsSubject_data();
    void audit_leadsToItsSubject();
    void rows_areCopiedAsTheHttpApiShowsThem();

private:
    static domain::InstallationItem installation(const QString &tenant)
    {
        domain::InstallationItem item;
        item.channel = u"slack"_s;
        item.tenant = tenant;
        item.app = u"A1"_s;
        item.id = u"slack:"_s + tenant;
        item.backend = u"prod"_s;
        item.state = u"active"_s;
        item.rev = 1;
        return item;
    }
    static domain::PauseItem pauseOf(
        const UiFixture &f, const QString &scope, const QString &id, const QString &what)
    {
        domain::PauseItem pause;
        pause.scope = scope;
        pause.id = id;
        pause.what = what;
        pause.who = u"token:ops"_s;
        pause.reason = u"moving"_s;
        pause.since = f.clock.now() - Millis(60'000);
        return pause;
    }
    static domain::AuditItem entry(
        const UiFixture &f, const QString &id, const QString &kind, const QString &subject)
    {
        domain::AuditItem item;
        item.id = id;
        item.at = f.clock.now() - Millis(60'000);
        item.actor = u"token:ops"_s;
        item.action = u"pause:outbound"_s;
        item.subjectKind = kind;
        item.subject = subject;
        item.reason = u"moving"_s;
        item.result = u"paused:outbound"_s;
        return item;
    }
    static QString cell(const UiFixture &f, int row, const QString &column)
    {
        const auto &columns = f.model()->kind().columns();
        for (size_t i = 0; i < columns.size(); ++i) {
            if (columns[i].key == column)
                return f.model()->cell(row, static_cast<int>(i)).text;
        }
        return u"no such column"_s;
    }
    static void show(UiFixture &f, ViewKind view, int rows)
    {
        f.show();
        f.window->showView(view);
        QTRY_COMPARE(f.model()->rowCount(), rows);
        QTRY_COMPARE(f.api.waiting(), 0);
    }
    static void choose(const UiFixture &f, int row)
    {
        f.table()->setCurrentIndex(f.model()->index(row, 0));
        QTRY_COMPARE(f.api.waiting(), 0);
    }
    static QAction *action(const UiFixture &f, ActionId id) { return f.window->actions().get(id); }
    static ui::ActionDialog *dialog(const UiFixture &f) { return f.window->rowActions()->dialog(); }
    template <class Widget>
    static Widget *in(const UiFixture &f, const char *name)
    {
        return dialog(f)->findChild<Widget *>(QString::fromLatin1(name));
    }
};

void InstallationViewsTest::initTestCase()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom));
    ui::installTranslations(*qApp);
    ui::applyTheme(*qApp, ui::Theme::Light);
}

void InstallationViewsTest::installations_areListedByName()
{
    UiFixture f;
    domain::InstallationItem troubled = installation(u"T2"_s);
    troubled.trouble = u"missing_scope"_s;
    troubled.troubleSince = f.clock.now() - Millis(120'000);
    domain::InstallationItem known = installation(u"T1"_s);
    known.hasToken = true;
    domain::InstallationItem paused = installation(u"T3"_s);
    paused.pauses << pauseOf(f, u"engine"_s, u"all"_s, u"outbound"_s)
                  << pauseOf(f, u"backend"_s, u"prod"_s, u"delivery"_s);
    f.api.installationItems = {paused, troubled, known};
    show(f, ViewKind::Installations, 3);
    QCOMPARE(cell(f, 0, u"tenant"_s), u"T1"_s);
    QCOMPARE(cell(f, 0, u"state"_s), u"Active"_s);
    QCOMPARE(cell(f, 0, u"token"_s), u"Known"_s);
    QCOMPARE(cell(f, 1, u"state"_s), u"In trouble"_s);
    QVERIFY(cell(f, 1, u"trouble"_s).startsWith(u"The bot token lacks a scope."));
    QCOMPARE(cell(f, 1, u"since"_s), u"2 min 0 s"_s);
    QCOMPARE(cell(f, 1, u"token"_s), u"None kept"_s);
    QCOMPARE(cell(f, 2, u"state"_s), u"Paused"_s);
    QCOMPARE(cell(f, 2, u"paused"_s), u"Posts, Prompts"_s);
    auto *order = f.pane()->findChild<QAbstractButton *>(u"order"_s);
    QCOMPARE(order->text(), u"A to Z"_s);
    order->click();
    QTRY_COMPARE(cell(f, 0, u"tenant"_s), u"T3"_s);
    QCOMPARE(order->text(), u"Z to A"_s);
}

void InstallationViewsTest::installations_filterByStateAndText()
{
    UiFixture f;
    domain::InstallationItem troubled = installation(u"T2"_s);
    troubled.trouble = u"missing_scope"_s;
    f.api.installationItems = {installation(u"T1"_s), troubled};
    show(f, ViewKind::Installations, 2);
    for (auto *chip : f.pane()->findChildren<QAbstractButton *>(u"chip"_s)) {
        if (chip->property("state") == u"trouble"_s)
            chip->click();
    }
    QTRY_COMPARE(f.model()->rowCount(), 1);
    QCOMPARE(f.model()->row(0).id, u"slack:T2"_s);
    f.window->showView(ViewKind::Deliveries);
    f.window->showView(ViewKind::Installations);
    QTest::keyClick(f.table(), Qt::Key_Escape); // clears the filter
    QTRY_COMPARE(f.model()->rowCount(), 2);
    auto *text = f.pane()->findChild<QLineEdit *>(u"filterText"_s);
    text->setText(u"T1"_s);
    QTest::keyClick(text, Qt::Key_Return);
    QTRY_COMPARE(f.model()->rowCount(), 1);
    QCOMPARE(f.model()->row(0).id, u"slack:T1"_s);
}

void InstallationViewsTest::installations_followTheStream()
{
    UiFixture f;
    f.api.installationItems = {installation(u"T1"_s), installation(u"T3"_s)};
    show(f, ViewKind::Installations, 2);
    QTRY_COMPARE(f.api.watched(), QStringList(u"installation"_s));
    domain::InstallationItem paused = installation(u"T1"_s);
    paused.pauses << pauseOf(f, u"installation"_s, paused.id, u"delivery"_s);
    f.api.push(paused, 1000);
    QTRY_COMPARE(cell(f, 0, u"state"_s), u"Paused"_s);
    f.api.push(installation(u"T2"_s), 2000); // a tenant that came just now: in its place
    QTRY_COMPARE(f.model()->rowCount(), 3);
    QCOMPARE(f.model()->row(1).id, u"slack:T2"_s);
    f.api.push(installation(u"T1"_s), 3000);
    QTRY_COMPARE(cell(f, 0, u"state"_s), u"Active"_s);
}

void InstallationViewsTest::aPauseThatEnds_isNotShownAnyMore()
{
    UiFixture f;
    domain::InstallationItem item = installation(u"T1"_s);
    item.pauses << pauseOf(f, u"installation"_s, item.id, u"delivery"_s);
    item.pauses.first().until = f.clock.now() + Millis(60'000);
    f.api.installationItems = {item};
    show(f, ViewKind::Installations, 1);
    QCOMPARE(cell(f, 0, u"state"_s), u"Paused"_s);
    f.clock.advance(Millis(61'000));
    QCOMPARE(cell(f, 0, u"state"_s), u"Active"_s);
    QCOMPARE(cell(f, 0, u"paused"_s), QString());
}

void InstallationViewsTest::installation_isExplained()
{
    UiFixture f;
    domain::InstallationItem item = installation(u"T1"_s);
    item.trouble = u"token_revoked"_s;
    item.troubleSince = f.clock.now() - Millis(120'000);
    item.disconnectSince = f.clock.now() - Millis(60'000);
    item.disconnectAttempts = 3;
    item.disconnectError = u"http_500"_s;
    item.pauses << pauseOf(f, u"installation"_s, item.id, u"outbound"_s);
    f.api.installationItems = {item};
    show(f, ViewKind::Installations, 1);
    choose(f, 0);
    QTRY_COMPARE(f.find<QLabel>("detailsSubject")->text(), item.id);
    const auto *fields = f.find<ui::FieldGrid>("installationFields");
    QVERIFY(fields->isVisible());
    QCOMPARE(fields->value(u"trouble"_s), u"The bot token was revoked. Messages wait for a new one."_s);
    QCOMPARE(fields->value(u"code"_s), u"token_revoked"_s);
    QCOMPARE(fields->value(u"disconnect"_s),
        u"Still to be told that the app is gone, for 1 min 0 s, 3 attempts: http_500"_s);
    const QString paused = fields->value(u"pauses"_s);
    for (const QString &part :
        {u"Posts (this installation)"_s, u"by token:ops"_s, u"until it is resumed"_s, u": moving"_s})
        QVERIFY2(paused.contains(part), qPrintable(paused));
    f.api.push(installation(u"T1"_s), 1000); // and it follows
    QTRY_COMPARE(fields->value(u"pauses"_s), u"Nothing"_s);
    QCOMPARE(fields->value(u"trouble"_s), u"None"_s);
}

void InstallationViewsTest::pause_asksForThisInstallation()
{
    UiFixture f;
    f.api.installationItems = {installation(u"T1"_s)};
    show(f, ViewKind::Installations, 1);
    choose(f, 0);
    QVERIFY(!action(f, ActionId::ResumeInstallation)->isEnabled());
    action(f, ActionId::PauseInstallation)->trigger();
    QVERIFY(dialog(f));
    auto *go = in<QPushButton>(f, "actionGo");
    QVERIFY(go->text().contains(u"slack:T1"));
    QVERIFY(go->text().contains(u"This computer (embedded)"));
    QVERIFY(in<QPushButton>(f, "actionCancel")->isDefault());
    QVERIFY(!go->isEnabled());
    auto *what = in<QComboBox>(f, "actionChoice_what");
    what->setCurrentIndex(what->findData(u"outbound"_s));
    auto *length = in<QComboBox>(f, "actionChoice_seconds");
    length->setCurrentIndex(length->findData(u"3600"_s));
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"moving"_s);
    QTest::mouseClick(go, Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    const domain::ActionRequest asked = f.api.acts().first();
    QCOMPARE(asked.act, domain::Act::Pause);
    QCOMPARE(asked.scope, u"installation"_s);
    QCOMPARE(asked.id, u"slack:T1"_s);
    QCOMPARE(asked.what, u"outbound"_s);
    QVERIFY(asked.until && *asked.until > f.clock.now() + Millis(3'500'000));
    QVERIFY(asked.check());
    QVERIFY(f.window->statusBar()->currentMessage().contains(u"slack:T1 was paused"));
}

void InstallationViewsTest::pause_isNotDoneByReturn()
{
    UiFixture f;
    f.api.installationItems = {installation(u"T1"_s)};
    show(f, ViewKind::Installations, 1);
    choose(f, 0);
    action(f, ActionId::PauseInstallation)->trigger();
    QVERIFY(QTest::qWaitForWindowActive(dialog(f)));
    QTest::keyClicks(in<QLineEdit>(f, "actionReason"), u"moving"_s);
    QTest::keyClick(in<QLineEdit>(f, "actionReason"), Qt::Key_Return);
    QTRY_VERIFY(!dialog(f));
    QVERIFY(f.api.acts().isEmpty());
}

void InstallationViewsTest::resume_offersWhatIsPausedHereAndARate()
{
    UiFixture f;
    domain::InstallationItem item = installation(u"T1"_s);
    item.pauses << pauseOf(f, u"installation"_s, item.id, u"outbound"_s)
                << pauseOf(f, u"engine"_s, u"all"_s, u"delivery"_s);
    f.api.installationItems = {item};
    show(f, ViewKind::Installations, 1);
    choose(f, 0);
    action(f, ActionId::ResumeInstallation)->trigger();
    QVERIFY(dialog(f));
    QCOMPARE(in<QComboBox>(f, "actionChoice_what")->count(), 1);
    QCOMPARE(in<QComboBox>(f, "actionChoice_what")->currentData().toString(), u"outbound"_s);
    auto *rate = in<QComboBox>(f, "actionChoice_rate");
    rate->setCurrentIndex(rate->findData(u"5"_s));
    QTest::mouseClick(in<QPushButton>(f, "actionGo"), Qt::LeftButton);
    QTRY_VERIFY(!dialog(f));
    const domain::ActionRequest asked = f.api.acts().first();
    QCOMPARE(asked.act, domain::Act::Resume);
    QCOMPARE(asked.scope, u"installation"_s);
    QCOMPARE(asked.rate, 5);
    QVERIFY(asked.check());
}

void InstallationViewsTest::actions_areOfferedForInstallationsOnly()
{
    UiFixture f(3, 0);
    domain::InstallationItem absent = installation(u"T2"_s);
    absent.state = u"absent"_s;
    f.api.installationItems = {installation(u"T1"_s), absent};
    f.show();
    choose(f, 0);
    QVERIFY(!action(f, ActionId::PauseInstallation)->isEnabled());
    f.window->showView(ViewKind::Installations);
    QTRY_COMPARE(f.model()->rowCount(), 2);
    choose(f, 0);
    QTRY_VERIFY(action(f, ActionId::PauseInstallation)->isEnabled());
    QVERIFY(!action(f, ActionId::Replay)->isEnabled());
    choose(f, 1);
    QTRY_VERIFY(!action(f, ActionId::PauseInstallation)->isEnabled());
    QTest::keyClick(f.window.get(), Qt::Key_9, Qt::AltModifier);
    QTRY_COMPARE(f.window->currentView(), ViewKind::Audit);
    QTest::keyClick(f.window.get(), Qt::Key_7, Qt::AltModifier);
    QTRY_COMPARE(f.window->currentView(), ViewKind::Installations);
}

void InstallationViewsTest::audit_tellsWhoDidWhatToWhat()
{
    UiFixture f;
    f.api.auditItems = {entry(f, u"a-1"_s, u"engine"_s, u"all"_s)};
    show(f, ViewKind::Audit, 1);
    QCOMPARE(cell(f, 0, u"action"_s), u"Paused posts"_s);
    QCOMPARE(cell(f, 0, u"actor"_s), u"token:ops"_s);
    QCOMPARE(cell(f, 0, u"kind"_s), u"Engines"_s);
    QCOMPARE(cell(f, 0, u"subject"_s), u"all"_s);
    QCOMPARE(cell(f, 0, u"reason"_s), u"moving"_s);
    QCOMPARE(cell(f, 0, u"result"_s), u"paused:outbound"_s);
    domain::AuditItem newer = entry(f, u"a-2"_s, u"session"_s, u"se-1"_s);
    newer.at = f.clock.now();
    newer.action = u"release"_s;
    f.api.push(newer);
    QTRY_COMPARE(f.model()->rowCount(), 2);
    QCOMPARE(cell(f, 0, u"action"_s), u"Released lock"_s); // the newest first
    const QString spoken = f.model()->index(0, 0).data(Qt::AccessibleTextRole).toString();
    QVERIFY2(spoken.startsWith(u"Released lock, Session se-1, by token:ops"), qPrintable(spoken));
    choose(f, 1);
    const auto *fields = f.find<ui::FieldGrid>("auditFields");
    QTRY_COMPARE(fields->value(u"subject"_s), u"all"_s);
    QVERIFY(!fields->findChild<QAbstractButton *>(u"copy_session"_s)->isVisible());
}

void InstallationViewsTest::audit_leadsToItsSubject_data()
{
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("field");
    QTest::addColumn<int>("view");
    const auto row = [](const char *name, const QString &kind, const QString &field, ViewKind view) {
        QTest::newRow(name) << kind << field << static_cast<int>(view);
    };
    row("delivery", u"delivery"_s, u"delivery"_s, ViewKind::Deliveries);
    row("session", u"session"_s, u"session"_s, ViewKind::Sessions);
    row("event", u"lifecycle_event"_s, u"event"_s, ViewKind::Lifecycle);
    row("installation", u"installation"_s, u"installation"_s, ViewKind::Installations);
}

void InstallationViewsTest::audit_leadsToItsSubject()
{
    QFETCH(QString, kind);
    QFETCH(QString, field);
    QFETCH(int, view);
    UiFixture f;
    f.api.auditItems = {entry(f, u"a-1"_s, kind, u"subject-1"_s)};
    show(f, ViewKind::Audit, 1);
    choose(f, 0);
    QLabel *link = nullptr;
    for (auto *label : f.find<ui::FieldGrid>("auditFields")->findChildren<QLabel *>()) {
        if (label->property("field") == field)
            link = label;
    }
    QVERIFY(link);
    QTRY_VERIFY(link->isVisible());
    QCOMPARE(link->focusPolicy(), Qt::StrongFocus);
    QVERIFY(link->textInteractionFlags().testFlag(Qt::LinksAccessibleByKeyboard));
    Q_EMIT link->linkActivated(u"#"_s);
    QTRY_COMPARE(static_cast<int>(f.window->currentView()), view);
    QCOMPARE(f.table()->currentId(), u"subject-1"_s);
}

void InstallationViewsTest::rows_areCopiedAsTheHttpApiShowsThem()
{
    UiFixture f;
    domain::InstallationItem item = installation(u"T1"_s);
    item.trouble = u"token_revoked"_s;
    f.api.installationItems = {item};
    show(f, ViewKind::Installations, 1);
    choose(f, 0);
    QTest::keyClick(f.table(), Qt::Key_C, Qt::ControlModifier | Qt::ShiftModifier);
    const auto json = Json::parse(QGuiApplication::clipboard()->text().toUtf8());
    QVERIFY(json);
    QCOMPARE((*json)[u"id"].toString(), u"slack:T1"_s);
    QCOMPARE((*json)[u"trouble"].toString(), u"token_revoked"_s);
    QCOMPARE((*json)[u"has_token"].toBool(), false);
}

QTEST_MAIN(InstallationViewsTest)
#include "tst_installation_views.moc"
