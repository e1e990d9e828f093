// SPDX-License-Identifier: Apache-2.0
#include "console_fixture.h"
#include "ui/field_grid.h"
#include "ui/list_model.h"
#include "ui/list_pane.h"

#include <QLabel>
#include <QLineEdit>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using ui::ViewKind;

// The view of engines: which ones live, what they hold, and whether they work by one configuration.
class EngineViewsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void engines_areListedByName();
    void aLostEngine_isSeenAtOnce();
    void anEngine_isExplained();
    void theFilter_knowsHostAndProcess();
    void rows_areCopiedAsTheHttpApiShowsThem();

private:
    static domain::EngineItem engine(const UiFixture &f, const QString &id, const QString &state)
    {
        domain::EngineItem item;
        item.id = id;
        item.state = state;
        item.incarnation = 3;
        item.host = u"host-"_s + id;
        item.pid = 4711;
        item.version = u"0.1.0"_s;
        item.configHash = u"0123456789abcdef"_s;
        item.deliveries = 12;
        item.outbound = 2;
        item.startedAt = f.clock.now() - Millis(120'000);
        item.rev = 5;
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
    static void show(UiFixture &f, int rows)
    {
        f.show();
        f.window->showView(ViewKind::Engines);
        QTRY_COMPARE(f.model()->rowCount(), rows);
        QTRY_COMPARE(f.api.waiting(), 0);
    }
};

void EngineViewsTest::initTestCase()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom));
    ui::installTranslations(*qApp);
    ui::applyTheme(*qApp, ui::Theme::Light);
}

void EngineViewsTest::engines_areListedByName()
{
    UiFixture f;
    domain::EngineItem other = engine(f, u"b"_s, u"live"_s);
    other.configDiffers = true;
    f.api.engineItems = {other, engine(f, u"a"_s, u"live"_s)};
    show(f, 2);
    QCOMPARE(cell(f, 0, u"id"_s), u"a"_s);
    QCOMPARE(cell(f, 0, u"state"_s), u"Live"_s);
    QCOMPARE(cell(f, 0, u"life"_s), u"3"_s);
    QCOMPARE(cell(f, 0, u"host"_s), u"host-a"_s);
    QCOMPARE(cell(f, 0, u"pid"_s), u"4711"_s);
    QCOMPARE(cell(f, 0, u"deliveries"_s), u"12"_s);
    QCOMPARE(cell(f, 0, u"outbound"_s), u"2"_s);
    QCOMPARE(cell(f, 0, u"started"_s), u"2 min 0 s"_s);
    QCOMPARE(cell(f, 0, u"config"_s), u"0123456789ab"_s);
    QCOMPARE(cell(f, 1, u"config"_s), u"0123456789ab (differs)"_s);
}

void EngineViewsTest::aLostEngine_isSeenAtOnce()
{
    UiFixture f;
    f.api.engineItems = {engine(f, u"a"_s, u"live"_s)};
    show(f, 1);
    QTRY_COMPARE(f.api.watched(), QStringList(u"engine"_s));
    domain::EngineItem lost = engine(f, u"a"_s, u"lost"_s);
    lost.rev = 6;
    lost.deliveries = 0;
    lost.endedAt = lost.startedAt + Millis(60'000);
    f.api.push(lost);
    QTRY_COMPARE(cell(f, 0, u"state"_s), u"Lost"_s);
    QCOMPARE(cell(f, 0, u"deliveries"_s), u"0"_s);
    QCOMPARE(cell(f, 0, u"ended"_s), u"1 min 0 s"_s);
}

void EngineViewsTest::anEngine_isExplained()
{
    UiFixture f;
    domain::EngineItem item = engine(f, u"a"_s, u"lapsed"_s);
    item.configDiffers = true;
    item.leaseUntil = f.clock.now() - Millis(1000);
    f.api.engineItems = {item};
    show(f, 1);
    f.table()->setCurrentIndex(f.model()->index(0, 0));
    QTRY_COMPARE(f.find<QLabel>("detailsSubject")->text(), u"a"_s);
    const auto *fields = f.find<ui::FieldGrid>("engineFields");
    QTRY_VERIFY(fields->isVisible());
    QCOMPARE(fields->value(u"host"_s), u"host-a"_s);
    QCOMPARE(fields->value(u"life"_s), u"3"_s);
    QCOMPARE(fields->value(u"config"_s), u"0123456789abcdef"_s);
    QVERIFY(fields->value(u"differs"_s).contains(u"same configuration"_s));
    QVERIFY(!fields->value(u"lease"_s).isEmpty());
}

void EngineViewsTest::theFilter_knowsHostAndProcess()
{
    UiFixture f;
    domain::EngineItem other = engine(f, u"b"_s, u"ended"_s);
    other.pid = 99;
    f.api.engineItems = {engine(f, u"a"_s, u"live"_s), other};
    show(f, 2);
    auto *text = f.pane()->findChild<QLineEdit *>(u"filterText"_s);
    for (const auto &[asked, found] : {std::pair(u"host-a"_s, u"a"_s), std::pair(u"99"_s, u"b"_s)}) {
        text->setText(asked);
        QTest::keyClick(text, Qt::Key_Return);
        QTRY_VERIFY(f.model()->rowCount() == 1 && f.model()->row(0).id == found);
    }
}

void EngineViewsTest::rows_areCopiedAsTheHttpApiShowsThem()
{
    UiFixture f;
    f.api.engineItems = {engine(f, u"a"_s, u"live"_s)};
    show(f, 1);
    const Json json = f.model()->kind().json(f.model()->row(0));
    QCOMPARE(json[u"id"].toString(), u"a"_s);
    QCOMPARE(json[u"state"].toString(), u"live"_s);
    QCOMPARE(json[u"config_differs"].toBool(), false);
    QCOMPARE(json[u"deliveries"].toInt().value_or(-1), 12);
}

QTEST_MAIN(EngineViewsTest)
#include "tst_engine_views.moc"
