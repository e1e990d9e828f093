// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "console/embedded_engine.h"
#include "headless/sandbox_start.h"
#include "sandbox/sandbox.h"
#include "ui/list_model.h"
#include "ui/list_table.h"
#include "ui/main_window.h"
#include "ui/theme.h"
#include "ui/translations.h"

#include <QApplication>
#include <QDir>
#include <QLabel>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;

// The console over a real embedded engine with the sandbox's traffic, in light and dark, under Xvfb. The
// pictures go to SIGNALBOX_SCREENSHOT_DIR (the ones in resources/screenshots were made so), else beside the
// test.
class ConsoleScreenshotsTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void pictures_showLiveTraffic_data();
    void pictures_showLiveTraffic();
    void rows_followTheEngine();
    void cleanupTestCase();

private:
    [[nodiscard]] QList<domain::DeliveryItem> deliveries();
    std::unique_ptr<sandbox::Sandbox> m_sandbox;
    QTemporaryDir m_folder;
    SystemClock m_clock;
    admin::LocalOperatorApi m_api;
    std::unique_ptr<console::EmbeddedEngine> m_engine;
    std::unique_ptr<ui::MainWindow> m_window;
};

QList<domain::DeliveryItem> ConsoleScreenshotsTest::deliveries()
{
    const auto page = async::blockOn(m_api.deliveries(domain::ListQuery()), Millis(20'000));
    return page ? page->items : QList<domain::DeliveryItem>();
}

void ConsoleScreenshotsTest::initTestCase()
{
    ui::installTranslations(*qApp, QLocale(QLocale::English, QLocale::UnitedKingdom));
    sandbox::SandboxOptions options;
    options.agentCommand
        = QStringList{qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/signalboxd"_s, u"--sandbox-agent"_s};
    options.trafficInterval = Millis(400);
    m_sandbox = std::make_unique<sandbox::Sandbox>(options);
    QVERIFY(m_sandbox->startBlocking().has_value());
    config::Config config;
    config.engine.dataDir = m_folder.path();
    config.engine.database = u"sqlite:signalbox.db"_s;
    m_sandbox->apply(config);
    config.ingress.listen = u"127.0.0.1:0"_s;
    config.admin.listen = u"127.0.0.1:0"_s;
    m_engine = std::make_unique<console::EmbeddedEngine>(config, true, m_api);
    QSignalSpy started(m_engine.get(), &console::EmbeddedEngine::started);
    m_window = std::make_unique<ui::MainWindow>(&m_api, &m_clock, ui::Profile::embedded());
    m_window->resize(1440, 900);
    m_window->show();
    m_engine->start();
    QVERIFY(started.wait(30'000));
    m_sandbox->startTraffic(u"http://"_s + started.first().first().toString());
    // Enough to see: something delivered, and something that failed and needs a person.
    const auto enough = [this] {
        int delivered = 0;
        int dead = 0;
        for (const domain::DeliveryItem &item : deliveries()) {
            delivered += item.outcome == u"delivered" ? 1 : 0;
            dead += item.state == u"dead" ? 1 : 0;
        }
        return delivered >= 6 && dead >= 1;
    };
    QTRY_VERIFY_WITH_TIMEOUT(enough(), 90'000);
}

void ConsoleScreenshotsTest::pictures_showLiveTraffic_data()
{
    QTest::addColumn<int>("theme");
    QTest::addColumn<QString>("view");
    QTest::addColumn<QString>("file");
    QTest::newRow("deliveries light")
        << static_cast<int>(ui::Theme::Light) << u"deliveries"_s << u"console-light.png"_s;
    QTest::newRow("deliveries dark") << static_cast<int>(ui::Theme::Dark) << u"deliveries"_s
                                     << u"console-dark.png"_s;
    QTest::newRow("sessions light") << static_cast<int>(ui::Theme::Light) << u"sessions"_s
                                    << u"sessions-light.png"_s;
    QTest::newRow("sessions dark") << static_cast<int>(ui::Theme::Dark) << u"sessions"_s
                                   << u"sessions-dark.png"_s;
}

void ConsoleScreenshotsTest::pictures_showLiveTraffic()
{
    QFETCH(int, theme);
    QFETCH(QString, view);
    QFETCH(QString, file);
    ui::applyTheme(*qApp, static_cast<ui::Theme>(theme));
    domain::DeliveryItem shown;
    for (const domain::DeliveryItem &item : deliveries()) {
        if (item.outcome == u"delivered" && (shown.id.isEmpty() || item.attempts >= shown.attempts))
            shown = item;
    }
    QVERIFY(!shown.id.isEmpty());
    const bool ofDeliveries = view == u"deliveries";
    const auto kind = ofDeliveries ? ui::ViewKind::Deliveries : ui::ViewKind::Sessions;
    const QString wanted = ofDeliveries ? shown.id : shown.sessionId;
    m_window->showView(kind);
    ui::ListTable *table = m_window->pane(kind)->table();
    // The pointer rests on the table here, so new rows are only counted until somebody goes to them.
    m_window->pane(kind)->goToStart();
    QTRY_VERIFY_WITH_TIMEOUT(table->listModel()->rowCount() >= (ofDeliveries ? 6 : 3), 20'000);
    table->selectId(wanted);
    QTRY_COMPARE_WITH_TIMEOUT(table->currentId(), wanted, 10'000);
    // The details have arrived, and are laid out, when no visible label is narrower than its text.
    const auto arrived = [&] {
        const auto labels = m_window->findChildren<QLabel *>();
        const bool present = std::any_of(labels.begin(), labels.end(), [&](const QLabel *label) {
            return label->isVisible() && label->property("field").isValid()
                && label->text().contains(wanted.right(6));
        });
        return present && std::none_of(labels.begin(), labels.end(), [](const QLabel *label) {
            return label->isVisible() && !label->wordWrap() && label->property("field").isValid()
                && label->width() < label->sizeHint().width();
        });
    };
    if (!QTest::qWaitFor(arrived, 10'000)) {
        for (const QLabel *label : m_window->findChildren<QLabel *>()) {
            if (label->isVisible() && label->property("field").isValid()
                && label->width() < label->sizeHint().width())
                qWarning() << "too narrow:" << label->property("field") << label->width()
                           << label->sizeHint();
        }
        m_window->grab().save(m_folder.path() + u"/late.png"_s);
        QFAIL("the details have not arrived, or are cut");
    }
    const QImage picture = m_window->grab().toImage();
    QVERIFY(picture.width() >= 1400);
    // Light is light, dark is dark, and neither is one empty plain.
    double luminance = 0;
    QSet<QRgb> colours;
    for (int y = 0; y < picture.height(); y += 9) {
        for (int x = 0; x < picture.width(); x += 9) {
            luminance += qGray(picture.pixel(x, y));
            colours.insert(picture.pixel(x, y));
        }
    }
    luminance /= static_cast<double>((picture.height() / 9 + 1) * (picture.width() / 9 + 1));
    QVERIFY2(static_cast<ui::Theme>(theme) == ui::Theme::Light ? luminance > 160 : luminance < 90,
        qPrintable(QString::number(luminance)));
    QVERIFY(colours.size() > 20);
    const QString folder = qEnvironmentVariable("SIGNALBOX_SCREENSHOT_DIR", m_folder.path());
    QVERIFY(QDir().mkpath(folder));
    QVERIFY(picture.save(folder + u'/' + file));
}

// What the table shows of a row is what the engine says of it, without anybody asking for the list again.
void ConsoleScreenshotsTest::rows_followTheEngine()
{
    m_window->showView(ui::ViewKind::Deliveries);
    ui::ListModel *model = m_window->pane(ui::ViewKind::Deliveries)->model();
    m_window->pane(ui::ViewKind::Deliveries)->goToStart();
    QTRY_VERIFY_WITH_TIMEOUT(model->rowCount() >= 6, 20'000);
    QStringList unfinished;
    const auto found = [&] {
        for (int row = 0; row < model->rowCount() && unfinished.isEmpty(); ++row) {
            const auto &item = std::get<domain::DeliveryItem>(model->row(row).item);
            if (isNever(item.finishedAt))
                unfinished << item.id;
        }
        return !unfinished.isEmpty();
    };
    QTRY_VERIFY_WITH_TIMEOUT(found(), 30'000);
    const QString id = unfinished.first();
    const auto finished = [&] {
        const int row = model->rowOf(id);
        return row >= 0 && !isNever(std::get<domain::DeliveryItem>(model->row(row).item).finishedAt);
    };
    QTRY_VERIFY_WITH_TIMEOUT(finished(), 60'000);
}

void ConsoleScreenshotsTest::cleanupTestCase()
{
    if (m_engine) {
        QSignalSpy stopped(m_engine.get(), &console::EmbeddedEngine::stopped);
        m_engine->stop();
        QVERIFY(stopped.wait(30'000));
    }
    m_window.reset();
    m_engine.reset();
    if (m_sandbox)
        m_sandbox->stopBlocking();
}

int main(int argc, char **argv)
{
    // Real windows under Xvfb where CTest gives one a display.
    QApplication app(argc, argv);
    QApplication::setOrganizationName(u"signalbox"_s);
    QApplication::setApplicationName(u"signalbox-screenshots"_s);
    ConsoleScreenshotsTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_console_screenshots.moc"
