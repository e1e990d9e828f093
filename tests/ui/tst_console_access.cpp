// SPDX-License-Identifier: Apache-2.0
// Keyboard, screen reader, contrast, plurals: what has to be so for everybody.
#include "console_fixture.h"
#include "ui/filter_bar.h"
#include "ui/portal_colour_scheme.h"

#include <QAbstractButton>
#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDialog>
#include <QHeaderView>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPointer>
#include <QSet>
#include <QSettings>
#include <QTabBar>

using namespace Qt::StringLiterals;
using namespace signalbox;
using testing::UiFixture;
using ui::ActionId;
using ui::ListPhase;
using ui::Theme;
using ui::Tone;
using ui::ViewKind;

class ConsoleAccessTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void keyboard_reachesEverything();
    void keyboard_tabVisitsEveryControlAndComesBack();
    void keyboard_homeAndEndReverseTheOrder();
    void copy_givesIdAndJson();
    void contrast_isEnough_data();
    void contrast_isEnough();
    void systemTheme_followsThePortalLive();
    void everyControl_hasANameForScreenReaders();
    void rows_areReadAsStateSubjectAge();
    void plurals_areEnglish();
    void actions_singleLettersLiveInTablesOnly();
    void settings_areNotWrittenWithoutAName();
    void columns_areNeverResizedToContents();
};

void ConsoleAccessTest::initTestCase()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom));
    ui::installTranslations(*qApp);
    ui::applyTheme(*qApp, Theme::Light);
}

void ConsoleAccessTest::keyboard_reachesEverything()
{
    UiFixture f(300, 100);
    f.show();
    QTRY_VERIFY(f.table()->hasFocus());
    QTest::keyClick(f.table(), Qt::Key_1, Qt::AltModifier);
    QCOMPARE(f.window->currentView(), ViewKind::Sessions);
    QTRY_COMPARE(f.model()->phase(), ListPhase::Ready);
    QVERIFY(f.table()->hasFocus()); // it came with its first rows
    QTest::keyClick(f.table(), Qt::Key_G);
    QTest::keyClick(f.table(), Qt::Key_D);
    QCOMPARE(f.window->currentView(), ViewKind::Deliveries);
    QTRY_COMPARE(f.model()->phase(), ListPhase::Ready);
    QTest::keyClick(f.table(), Qt::Key_Down);
    QVERIFY(!f.table()->currentId().isEmpty());
    QTest::keyClick(f.table(), Qt::Key_Return);
    QVERIFY(qobject_cast<QTabBar *>(QApplication::focusWidget()));
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_1, Qt::ControlModifier);
    QVERIFY(f.table()->hasFocus());
    QTest::keyClick(f.table(), Qt::Key_Question);
    const QPointer<QDialog> sheet = f.find<QDialog>("keySheet");
    QVERIFY(sheet && sheet->isVisible());
    sheet->activateWindow(); // the offscreen platform leaves that to us
    QTRY_COMPARE(QApplication::activeWindow(), static_cast<QWidget *>(sheet));
    QTest::keyClick(sheet, Qt::Key_Escape);
    QTRY_VERIFY(!sheet || !sheet->isVisible());
    QTRY_VERIFY(!sheet);
    f.window->activateWindow();
    QTRY_VERIFY(f.table()->hasFocus()); // where it was before
    QTest::keyClick(f.table(), Qt::Key_D, Qt::ControlModifier);
    QVERIFY(f.find<QWidget>("details")->isHidden());
    QTest::keyClick(f.table(), Qt::Key_D, Qt::ControlModifier);
    QVERIFY(!f.find<QWidget>("details")->isHidden());
    QTest::keyClick(f.table(), Qt::Key_U, Qt::ControlModifier);
    QVERIFY(f.window->time()->isUtc());
}

void ConsoleAccessTest::keyboard_tabVisitsEveryControlAndComesBack()
{
    UiFixture f(300);
    f.show();
    f.table()->selectRow(0);
    f.table()->setFocus();
    QSet<QWidget *> visited;
    for (int i = 0; i < 200; ++i) { // a label with a link takes two steps
        visited.insert(QApplication::focusWidget());
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
        if (QApplication::focusWidget() == f.table())
            break;
    }
    QCOMPARE(QApplication::focusWidget(), static_cast<QWidget *>(f.table())); // a circle without a trap
    for (auto *button : f.pane()->findChildren<QAbstractButton *>()) {
        if (button->isVisible() && button->isEnabled() && !qobject_cast<QLineEdit *>(button->parentWidget())
            && button->metaObject()->className() != "QTableCornerButton"_ba) {
            QVERIFY2(visited.contains(button), qPrintable(button->objectName() + u' ' + button->text()));
        }
    }
    QVERIFY(visited.contains(f.pane()->findChild<QLineEdit *>(u"filterText"_s)));
    QVERIFY(visited.contains(f.find<QWidget>("navigation")));
}

void ConsoleAccessTest::keyboard_homeAndEndReverseTheOrder()
{
    UiFixture f(2000);
    f.show();
    const QString oldest = f.api.deliveryAt(1999).id;
    QTest::keyClick(f.table(), Qt::Key_End);
    QTRY_VERIFY(f.model()->query().oldestFirst && f.model()->phase() == ListPhase::Ready);
    QCOMPARE(f.model()->row(0).id, oldest);
    QTest::keyClick(f.table(), Qt::Key_End);
    QTRY_VERIFY(!f.model()->query().oldestFirst && f.model()->phase() == ListPhase::Ready);
    QTest::keyClick(f.table(), Qt::Key_Home);
    QCOMPARE(f.table()->currentId(), f.api.deliveryAt(0).id);
}

void ConsoleAccessTest::copy_givesIdAndJson()
{
    UiFixture f(300);
    f.show();
    f.table()->setFocus();
    f.table()->selectRow(3);
    QTest::keyClick(f.table(), Qt::Key_C, Qt::ControlModifier);
    QCOMPARE(QApplication::clipboard()->text(), f.api.deliveryAt(3).id);
    QTest::keyClick(f.table(), Qt::Key_C, Qt::ControlModifier | Qt::ShiftModifier);
    const auto json = QJsonDocument::fromJson(QApplication::clipboard()->text().toUtf8()).object();
    QCOMPARE(json[u"id"_s].toString(), f.api.deliveryAt(3).id);
    QCOMPARE(json[u"created_at"_s].toString(), toRfc3339(f.api.deliveryAt(3).createdAt));
}

void ConsoleAccessTest::contrast_isEnough_data()
{
    QTest::addColumn<int>("theme");
    QTest::newRow("light") << int(Theme::Light);
    QTest::newRow("dark") << int(Theme::Dark);
    QTest::newRow("high contrast") << int(Theme::HighContrast);
}

void ConsoleAccessTest::contrast_isEnough()
{
    QFETCH(const int, theme);
    const ui::Colours &c = ui::coloursOf(static_cast<Theme>(theme));
    const QList<std::pair<const char *, QColor>> grounds{{"window", c.window}, {"base", c.base},
        {"alternate", c.alternate}, {"selection", c.selection}, {"hover", c.hover}};
    const auto check = [&](const QColor &text, const char *what) {
        for (const auto &[name, ground] : grounds) {
            const double ratio = ui::contrastRatio(text, ground);
            QVERIFY2(ratio >= 4.5,
                qPrintable(
                    u"%1 on %2: %3"_s.arg(QLatin1StringView(what), QLatin1StringView(name)).arg(ratio)));
        }
    };
    for (const Tone tone : {Tone::Plain, Tone::Muted, Tone::Neutral, Tone::Info, Tone::Good, Tone::Warn,
             Tone::Danger, Tone::Doubt})
        check(c.tone(tone), qPrintable(u"tone %1"_s.arg(int(tone))));
    check(c.link, "link");
    QVERIFY(ui::contrastRatio(c.accentText, c.accent) >= 4.5);
    // Banners and timeline bars: text on a tinted ground.
    for (const Tone tone : {Tone::Info, Tone::Danger, Tone::Good, Tone::Warn, Tone::Doubt})
        QVERIFY(ui::contrastRatio(c.text, ui::blend(c.tone(tone), c.base, c.dark ? 0.30 : 0.18)) >= 4.5);
    // The outlines of controls and the mark of the focus.
    for (const QColor &ground : {c.window, c.base}) {
        QVERIFY(ui::contrastRatio(c.control, ground) >= 3.0);
        QVERIFY(ui::contrastRatio(c.accent, ground) >= 3.0);
    }
    const QPalette palette = ui::paletteOf(c);
    QVERIFY(ui::contrastRatio(palette.color(QPalette::PlaceholderText), c.base) >= 4.5);
    QVERIFY(ui::contrastRatio(palette.color(QPalette::HighlightedText), palette.color(QPalette::Highlight))
        >= 4.5);
}

void ConsoleAccessTest::systemTheme_followsThePortalLive()
{
    ui::applyTheme(*qApp, Theme::System);
    auto *portal = ui::PortalColourScheme::instance();
    portal->setScheme(1);
    QCOMPARE(QApplication::palette().color(QPalette::Base), ui::coloursOf(Theme::Dark).base);
    portal->setScheme(2);
    QCOMPARE(QApplication::palette().color(QPalette::Base), ui::coloursOf(Theme::Light).base);
    ui::applyTheme(*qApp, Theme::Light);
    portal->setScheme(1); // a chosen theme stays
    QCOMPARE(QApplication::palette().color(QPalette::Base), ui::coloursOf(Theme::Light).base);
    portal->setScheme(0);
}

void ConsoleAccessTest::everyControl_hasANameForScreenReaders()
{
    UiFixture f(300, 50);
    f.show();
    f.table()->selectRow(2);
    f.api.pushStatus(testing::demoStatus(f.clock.now()));
    f.window->showView(ViewKind::Sessions);
    QTRY_COMPARE(f.model()->phase(), ListPhase::Ready);
    int checked = 0;
    for (auto *widget : f.window->findChildren<QWidget *>()) {
        const bool interactive = qobject_cast<QAbstractButton *>(widget) || qobject_cast<QLineEdit *>(widget)
            || qobject_cast<QAbstractItemView *>(widget) || qobject_cast<QPlainTextEdit *>(widget)
            || qobject_cast<QTabBar *>(widget) || widget->objectName() == u"timeline";
        const QString type = QString::fromLatin1(widget->metaObject()->className());
        if (!interactive || widget->objectName().startsWith(u"qt_") || qobject_cast<QHeaderView *>(widget)
            || type == u"QTableCornerButton" || type.startsWith(u"QLineEditIconButton")
            || type == u"QMenuBarExtension" || qobject_cast<QTabBar *>(widget->parentWidget())) {
            continue;
        }
        if (widget->focusPolicy() == Qt::NoFocus
            || (!widget->isVisibleTo(f.window.get()) && widget->accessibleName().isEmpty()))
            continue;
        ++checked;
        const QString where = type + u' ' + widget->objectName();
        QVERIFY2(!widget->objectName().isEmpty(), qPrintable(where));
        const auto *reader = QAccessible::queryAccessibleInterface(widget);
        QVERIFY2(reader && !reader->text(QAccessible::Name).isEmpty(), qPrintable(where));
    }
    QVERIFY(checked > 15);
}

void ConsoleAccessTest::rows_areReadAsStateSubjectAge()
{
    UiFixture f(300);
    f.show();
    const auto item = f.api.deliveryAt(1);
    const QString spoken = f.model()->index(1, 0).data(Qt::AccessibleTextRole).toString();
    QVERIFY2(spoken.startsWith(u"Waiting to retry, "_s + item.place), qPrintable(spoken));
    QVERIFY2(spoken.endsWith(u" s old"_s), qPrintable(spoken));
    // The word and the icon both tell the state; the colour only repeats it.
    QSet<QString> icons;
    for (const QString &state : f.pane()->kind().states()) {
        const ui::StateLook look = f.pane()->kind().state(state);
        QVERIFY(!look.word.isEmpty() && !look.icon.isEmpty());
        icons.insert(look.icon);
    }
    QCOMPARE(icons.size(), f.pane()->kind().states().size());
}

void ConsoleAccessTest::plurals_areEnglish()
{
    const auto own = [](int n) { return ui::ListPane::tr("%n change(s) waiting", nullptr, n); };
    QCOMPARE(own(1), u"1 change waiting"_s);
    QCOMPARE(own(0), u"0 changes waiting"_s);
    QCOMPARE(own(37), u"37 changes waiting"_s);
}

void ConsoleAccessTest::actions_singleLettersLiveInTablesOnly()
{
    UiFixture f;
    for (const ui::ActionEntry &entry : ui::actionTable()) {
        const QAction *action = f.window->actions().get(entry.id);
        QVERIFY(!action->text().isEmpty());
        for (const QKeySequence &key : action->shortcuts()) {
            const auto modifiers = key[0].keyboardModifiers();
            QVERIFY2((modifiers & (Qt::ControlModifier | Qt::AltModifier)) || key[0].key() >= Qt::Key_Escape,
                qPrintable(action->objectName()));
        }
    }
    const_cast<ui::Actions &>(f.window->actions()).setKeys(u"freeze"_s, {QKeySequence(u"Ctrl+Shift+F"_s)});
    QCOMPARE(f.window->actions().get(ActionId::Freeze)->property("keys").toStringList(),
        QStringList{u"Ctrl+Shift+F"_s});
}

void ConsoleAccessTest::settings_areNotWrittenWithoutAName()
{
    QVERIFY(QCoreApplication::organizationName().isEmpty());
    const QString keep = QCoreApplication::applicationName();
    {
        UiFixture f(10);
        f.show();
        f.window->close();
    }
    QCoreApplication::setOrganizationName(u"Signalbox-test"_s);
    QCoreApplication::setApplicationName(u"console"_s);
    QVERIFY(QSettings().allKeys().isEmpty());
    {
        UiFixture f(10);
        f.show();
        f.window->actions().get(ActionId::DetailsRight)->trigger();
        f.window->close();
    }
    {
        UiFixture f(10);
        QVERIFY(f.window->actions().get(ActionId::DetailsRight)->isChecked());
    }
    QSettings().clear();
    QCoreApplication::setOrganizationName(QString());
    QCoreApplication::setApplicationName(keep);
}

void ConsoleAccessTest::columns_areNeverResizedToContents()
{
    UiFixture f(50);
    f.show();
    for (int i = 0; i < f.model()->columnCount() - 1; ++i)
        QCOMPARE(f.table()->horizontalHeader()->sectionResizeMode(i), QHeaderView::Interactive);
    QCOMPARE(f.table()->verticalHeader()->sectionResizeMode(0), QHeaderView::Fixed);
}

QTEST_MAIN(ConsoleAccessTest)
#include "tst_console_access.moc"
