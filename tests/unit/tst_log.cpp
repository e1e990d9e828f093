// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "base/log.h"

#include <QProcess>
#include <QRegularExpression>
#include <QTest>
#include <QThreadPool>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {

Q_LOGGING_CATEGORY(lcTest, "signalbox.engine.test")

const QString kFieldMark(QChar(0x1e));

// What the child process writes: this program started again.
void speak()
{
    logDebug(lcTest, "a debug event", {{"n", u"1"_s}});
    logInfo(lcTest, "an info event", {{"delivery", u"d-1"_s}, {"count", u"2"_s}});
    logWarning(lcTest, "a warning event");
    logCritical(lcTest, "a critical event", {{"empty", QString()}, {"umlaut", u"Zoë"_s}});
    logWarning(
        lcTest, "hostile", {{"value", u"a\nerror faked: line\r\n\u001b[31mred\tb"_s}, {"next", u"n"_s}});
    logWarning(lcTest, "marked", {{"value", u"x"_s + kFieldMark + u"forged"_s + kFieldMark + u"y"_s}});
    logWarning(lcTest, "quoted", {{"value", u"say \"hi\" \\ done"_s}});
    qWarning("a message of Qt");
    QThreadPool pool;
    pool.setMaxThreadCount(4);
    for (int thread = 0; thread < 4; ++thread) {
        pool.start([] {
            for (int i = 0; i < 200; ++i)
                logWarning(lcTest, "many", {{"i", QString::number(i)}, {"filler", QString(300, u'f')}});
        });
    }
    pool.waitForDone();
}

QList<QByteArray> linesOf(const QString &format, const QString &level)
{
    QProcess process;
    process.setProcessChannelMode(QProcess::SeparateChannels);
    process.start(QCoreApplication::applicationFilePath(), {u"--speak"_s, format, level});
    if (!process.waitForFinished(50'000) || process.exitCode() != 0)
        return {"the child failed: " + process.readAllStandardError()};
    QByteArray out = process.readAllStandardError();
    if (!out.endsWith('\n') || !process.readAllStandardOutput().isEmpty())
        return {"not whole lines on stderr"};
    out.chop(1);
    return out.split('\n');
}

QList<Json> objectsOf(const QList<QByteArray> &lines)
{
    QList<Json> objects;
    for (const QByteArray &line : lines)
        objects << Json::parse(line).value_or(Json());
    return objects;
}

Json find(const QList<Json> &objects, QStringView event)
{
    for (const Json &object : objects) {
        if (object[u"event"].toString() == event)
            return object;
    }
    return {};
}

} // namespace

class LogTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void json_hasOneObjectForEachEvent()
    {
        const auto lines = linesOf(u"json"_s, u"debug"_s);
        const auto objects = objectsOf(lines);
        static const QRegularExpression kTime(u"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$"_s);
        for (qsizetype i = 0; i < objects.size(); ++i) {
            QVERIFY2(objects[i].isObject(), lines[i].constData());
            QVERIFY2(kTime.match(objects[i][u"time"].toString()).hasMatch(), lines[i].constData());
        }
        QCOMPARE(objects.size(), 8 + 4 * 200);
        Json info = find(objects, u"an info event");
        info.set(u"time"_s, QString());
        QCOMPARE(info.toBytes(),
            QByteArray(
                R"({"time":"","level":"info","category":"signalbox.engine.test","event":"an info event","delivery":"d-1","count":"2"})"));
        QCOMPARE(find(objects, u"a debug event")[u"level"].toString(), u"debug"_s);
        QCOMPARE(find(objects, u"a warning event")[u"level"].toString(), u"warning"_s);
        const Json critical = find(objects, u"a critical event");
        QCOMPARE(critical[u"level"].toString(), u"error"_s);
        QVERIFY(critical[u"empty"].isString() && critical[u"empty"].toString().isEmpty());
        QCOMPARE(critical[u"umlaut"].toString(), u"Zo\u00eb"_s);
        QCOMPARE(find(objects, u"a message of Qt")[u"category"].toString(), u"default"_s);
    }

    void json_keepsHostileValuesAsValues()
    {
        const auto objects = objectsOf(linesOf(u"json"_s, u"info"_s));
        const Json hostile = find(objects, u"hostile");
        QCOMPARE(hostile[u"value"].toString(), u"a\nerror faked: line\r\n\u001b[31mred\tb"_s);
        QCOMPARE(hostile[u"next"].toString(), u"n"_s);
        QCOMPARE(find(objects, u"quoted")[u"value"].toString(), u"say \"hi\" \\ done"_s);
        const Json marked = find(objects, u"marked");
        QVERIFY(marked.isObject() && !marked.contains(u"forged"));
        QCOMPARE(marked.size(), size_t(5));
    }

    void text_hasOneLineForEachEvent()
    {
        const auto lines = linesOf(u"text"_s, u"info"_s);
        QCOMPARE(lines.size(), 7 + 4 * 200);
        static const QRegularExpression kLine(
            u"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z (debug|info|warning|error) [a-z.]+: \\S.*$"_s);
        for (const QByteArray &line : lines) {
            QVERIFY2(kLine.match(QString::fromUtf8(line)).hasMatch(), line.constData());
            QVERIFY2(std::none_of(line.begin(), line.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
                line.constData());
        }
        QCOMPARE(
            lines[0].mid(25), QByteArray("info signalbox.engine.test: an info event delivery=d-1 count=2"));
        QCOMPARE(lines[1].mid(25), QByteArray("warning signalbox.engine.test: a warning event"));
        QCOMPARE(lines[2].mid(25),
            QByteArray("error signalbox.engine.test: a critical event empty= umlaut=Zo\xc3\xab"));
        QVERIFY(lines[3].contains("faked") && lines[3].endsWith("next=n"));
    }

    void levels_hideWhatIsBelow_data()
    {
        QTest::addColumn<QString>("level");
        QTest::addColumn<QStringList>("levels");
        QTest::newRow("debug") << u"debug"_s << QStringList{u"debug"_s, u"error"_s, u"info"_s, u"warning"_s};
        QTest::newRow("info") << u"info"_s << QStringList{u"error"_s, u"info"_s, u"warning"_s};
        QTest::newRow("warning") << u"warning"_s << QStringList{u"error"_s, u"warning"_s};
        QTest::newRow("error") << u"error"_s << QStringList{u"error"_s};
    }
    void levels_hideWhatIsBelow()
    {
        QFETCH(QString, level);
        QFETCH(QStringList, levels);
        QStringList seen;
        for (const Json &object : objectsOf(linesOf(u"json"_s, level)))
            seen << object[u"level"].toString();
        seen.removeDuplicates();
        seen.sort();
        QCOMPARE(seen, levels);
    }
};

int main(int argc, char **argv)
{
    const QCoreApplication app(argc, argv);
    const QStringList arguments = QCoreApplication::arguments();
    if (arguments.value(1) == u"--speak") {
        installLogging(arguments.value(2) == u"json" ? LogFormat::Json : LogFormat::Text, arguments.value(3));
        speak();
        return 0;
    }
    LogTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_log.moc"
