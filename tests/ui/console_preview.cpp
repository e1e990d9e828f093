// SPDX-License-Identifier: Apache-2.0
// The console's window over made-up rows, to be looked at: `console_preview [--theme
// light|dark|high-contrast]
// [--view sessions|deliveries|locks|runtimes|lifecycle|installations|audit] [--row N] [--tab N] [--details
// bottom|right] [--state live|empty|error|disconnected|busy]
// [--dialog keys|palette|replay|pause|resume] [--size WxH] [--shot FILE]`. With --shot it writes a picture
// and ends.
#include "support/demo_rows.h"
#include "support/fake_operator_api.h"
#include "ui/main_window.h"
#include "ui/theme.h"
#include "ui/translations.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QDialog>
#include <QTabWidget>
#include <QTimer>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {

void script(testing::FakeOperatorApi &api, const QString &state, Instant now)
{
    if (state != u"empty")
        testing::fillDemo(api, 12'000, 430, now);
    if (state == u"error")
        api.failNext(Error(ErrorCode::Unavailable, u"database is locked"_s, u"5"_s), 2);
    if (state == u"busy")
        api.hold();
}

void prepare(ui::MainWindow &window, testing::FakeOperatorApi &api, const QCommandLineParser &options)
{
    using admin::ConnectionState;
    if (options.value(u"state"_s) != u"empty" && options.value(u"state"_s) != u"busy")
        api.pushStatus(testing::demoStatus(SystemClock().now()));
    if (options.value(u"state"_s) == u"disconnected")
        api.setConnection(ConnectionState::Reconnecting, u"in 3 s"_s);
    auto *table = window.pane(window.currentView())->table();
    const int row = options.value(u"row"_s).toInt();
    if (row >= 0 && row < table->listModel()->rowCount())
        table->setCurrentIndex(table->listModel()->index(row, 0));
    window.actions()
        .get(
            options.value(u"details"_s) == u"right" ? ui::ActionId::DetailsRight : ui::ActionId::DetailsBelow)
        ->trigger();
    for (const auto &[name, action] : {std::pair(u"keys"_s, ui::ActionId::KeySheet),
             std::pair(u"palette"_s, ui::ActionId::Palette), std::pair(u"replay"_s, ui::ActionId::Replay),
             std::pair(u"pause"_s, ui::ActionId::PauseInstallation),
             std::pair(u"resume"_s, ui::ActionId::ResumeInstallation)}) {
        if (options.value(u"dialog"_s) == name)
            window.actions().get(action)->trigger();
    }
    if (options.value(u"state"_s) == u"frozen")
        window.pane(window.currentView())->setFrozen(true);
}

} // namespace

int main(int argc, char **argv)
{
    QApplication application(argc, argv);
    QCommandLineParser options;
    options.addHelpOption();
    for (const auto &[name, fallback] : {std::pair{u"theme"_s, u"light"_s}, {u"view"_s, u"deliveries"_s},
             {u"row"_s, u"1"_s}, {u"tab"_s, u"0"_s}, {u"details"_s, u"bottom"_s}, {u"state"_s, u"live"_s},
             {u"dialog"_s, QString()}, {u"size"_s, u"1440x900"_s}, {u"shot"_s, QString()},
             {u"guarded"_s, QString()}}) {
        options.addOption(QCommandLineOption(name, name, u"value"_s, fallback));
    }
    options.process(application);
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom));
    ui::installTranslations(application);
    ui::applyTheme(application, ui::themeOf(options.value(u"theme"_s)));

    const SystemClock clock;
    const Instant now = clock.now();
    testing::FakeOperatorApi api;
    script(api, options.value(u"state"_s), now);
    const ui::Profile profile = options.value(u"guarded"_s).isEmpty()
        ? ui::Profile::embedded()
        : ui::Profile(options.value(u"guarded"_s), QColor(0xb3261e), true);
    ui::MainWindow window(&api, &clock, profile);
    const QStringList size = options.value(u"size"_s).split(u'x');
    window.resize(size.value(0).toInt(), size.value(1).toInt());
    for (const auto &[name, view] : {std::pair(u"sessions"_s, ui::ViewKind::Sessions),
             std::pair(u"locks"_s, ui::ViewKind::Locks), std::pair(u"runtimes"_s, ui::ViewKind::Runtimes),
             std::pair(u"lifecycle"_s, ui::ViewKind::Lifecycle),
             std::pair(u"installations"_s, ui::ViewKind::Installations),
             std::pair(u"engines"_s, ui::ViewKind::Engines), std::pair(u"audit"_s, ui::ViewKind::Audit)}) {
        if (options.value(u"view"_s) == name)
            window.showView(view);
    }
    window.show();
    QTimer::singleShot(1200, &window, [&] { prepare(window, api, options); });
    QTimer::singleShot(1800, &window, [&] {
        if (auto *tabs = window.findChild<QTabWidget *>(u"detailsTabs"_s))
            tabs->setCurrentIndex(options.value(u"tab"_s).toInt());
    });
    if (!options.value(u"shot"_s).isEmpty()) {
        QTimer::singleShot(2600, &window, [&] {
            QPixmap picture = window.grab();
            if (auto *dialog = window.findChild<QDialog *>())
                picture = dialog->grab();
            picture.save(options.value(u"shot"_s));
            window.close();
        });
    }
    return QApplication::exec();
}
