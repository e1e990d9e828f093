// SPDX-License-Identifier: Apache-2.0
#include "integration/spritz_fixture.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::runtimes;
using namespace signalbox::testing;

namespace {

template <class T>
QCoro::Task<> keep(QCoro::Task<T> task, std::shared_ptr<std::optional<T>> into)
{
    T value = co_await task;
    into->emplace(std::move(value));
}

template <class T>
std::shared_ptr<std::optional<T>> later(QCoro::Task<T> task)
{
    auto into = std::make_shared<std::optional<T>>();
    keep(std::move(task), into);
    return into;
}

QByteArray resolved(const QByteArray &nameSpace, const QByteArray &instance, const QByteArray &owner)
{
    return R"({"status":"resolved","session":{"accessToken":"t","ownerAuthId":")" + owner
        + R"(","namespace":")" + nameSpace + R"(","instanceId":")" + instance + R"("}})";
}

QByteArray upserted(const QByteArray &name)
{
    return R"({"data":{"conversation":{"metadata":{"name":")" + name + R"("}}}})";
}

QByteArray bootstrapped(const QByteArray &session)
{
    return R"({"data":{"effectiveSessionId":")" + session + R"(","effectiveCwd":"/"}})";
}

} // namespace

// What a registry, an API or a runtime must not be able to do to the engine, and what a backend that is
// dropped leaves.
class SpritzFaultsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void absurdId_isABadAnswer_data()
    {
        QTest::addColumn<QString>("step");
        QTest::addColumn<QByteArray>("body");
        QTest::addColumn<QString>("native");
        const QByteArray longest(512, 'x');
        const QByteArray absurd(513, 'x');
        const QString bad = u"bad_answer"_s;
        QTest::newRow("longest exchange")
            << u"exchange"_s << resolved(longest, longest, longest) << QString();
        QTest::newRow("namespace") << u"exchange"_s << resolved(absurd, "i", "o") << bad;
        QTest::newRow("instance") << u"exchange"_s << resolved("n", absurd, "o") << bad;
        QTest::newRow("owner") << u"exchange"_s << resolved("n", "i", absurd) << bad;
        QTest::newRow("longest conversation") << u"upsert"_s << upserted(longest) << QString();
        QTest::newRow("conversation") << u"upsert"_s << upserted(absurd) << bad;
        QTest::newRow("longest session") << u"bootstrap"_s << bootstrapped(longest) << QString();
        QTest::newRow("session") << u"bootstrap"_s << bootstrapped(absurd) << bad;
    }
    void absurdId_isABadAnswer()
    {
        QFETCH(QString, step);
        QFETCH(QByteArray, body);
        QFETCH(QString, native);
        SpritzWorld world;
        world.fake.script(step, 200, body);
        const Opened turn = world.open();
        QCOMPARE(turn ? QString() : turn.error().native(), native);
    }

    void tooLongMessage_endsTheConnection_data()
    {
        QTest::addColumn<int>("end");
        QTest::newRow("message of 15 MiB") << int(TurnEnd::Ended);
        QTest::newRow("message of 15 MiB in one frame") << int(TurnEnd::Ended);
        QTest::newRow("message of 17 MiB") << int(TurnEnd::Lost);
        QTest::newRow("message of 17 MiB in one frame") << int(TurnEnd::Lost);
    }
    void tooLongMessage_endsTheConnection()
    {
        QFETCH(int, end);
        SpritzWorld world;
        world.fake.mode = QString::fromUtf8(QTest::currentDataTag());
        const Opened turn = world.open();
        QVERIFY(turn);
        const TurnResult result = world.prompt(**turn);
        QCOMPARE(int(result.end), end);
        QCOMPARE(result.errorCode, end == int(TurnEnd::Lost) ? u"socket_closed"_s : QString());
        QCOMPARE(result.text.isEmpty(), end == int(TurnEnd::Lost));
    }

    void runtimeThatDoesNotRead_isNotFedForEver()
    {
        SpritzWorld world;
        world.fake.mode = u"mute"_s;
        const Opened turn = world.open();
        QVERIFY(turn);
        world.fake.stopReading();
        const QString text(24 * 1024 * 1024, u'x'); // more than the system's own buffers and the bound
        const auto result = later((*turn)->prompt(
            text, clocksOf(15'000), [] { return true; }, [] {}, {}));
        world.fake.ask(); // the answer finds more unread than anybody should leave
        QTRY_VERIFY(*result);
        QCOMPARE(int((*result)->end), int(TurnEnd::Lost));
        QCOMPARE((*result)->errorCode, u"not_reading"_s);
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        QVERIFY(world.backend->findChildren<QWebSocket *>().isEmpty()); // with what it still had to send
    }

    void droppedBackend_answersWhatIsOpening_data()
    {
        QTest::addColumn<QString>("step");
        for (const QString &step :
            {u"upsert"_s, u"bootstrap"_s, u"upgrade mute"_s, u"load mute"_s, u"connect"_s}) {
            QTest::newRow(qPrintable(step)) << step;
        }
    }
    void droppedBackend_answersWhatIsOpening()
    {
        QFETCH(QString, step);
        SpritzWorld world;
        FakeSpritz &fake = world.fake;
        const Result<Binding> binding = world.bind();
        QVERIFY(binding);
        if (fake.scripts.contains(step)) {
            fake.script(step, 403, "{}", Millis(30'000));
        } else {
            fake.mode = step;
        }
        const auto turn = later(world.backend->open(*binding, openRequest(), {}));
        if (step == u"upgrade mute") {
            QTRY_VERIFY(fake.calls.contains(u"upgrade"_s));
        } else if (step == u"load mute") {
            QTRY_COMPARE(fake.frames.size(), 2);
        } else {
            QTRY_COMPARE(fake.counts[step], 1);
        }
        QVERIFY(!*turn);
        world.backend.reset();
        QTRY_VERIFY(*turn);
        QVERIFY(!**turn);
        QCOMPARE((*turn)->error().native(), u"closed"_s);
        QTRY_VERIFY(!fake.socket);
    }

    // The answer has come, and its waiter is only resumed by the event loop.
    void droppedBackend_isNotTouchedByAnAnswerOnItsWay()
    {
        SpritzWorld world;
        const auto bound = later(world.backend->bind(bindRequest(), {}));
        QVERIFY(!*bound);
        world.backend.reset();
        QTRY_VERIFY(*bound);
        QCOMPARE((*bound)->error().native(), u"closed"_s);
    }

    void close_endsWhatIsOpening()
    {
        SpritzWorld world;
        const Result<Binding> binding = world.bind();
        QVERIFY(binding);
        world.fake.script(u"bootstrap"_s, 200, "{}", Millis(30'000));
        const auto turn = later(world.backend->open(*binding, openRequest(), {}));
        QTRY_COMPARE(world.fake.counts[u"bootstrap"_s], 1);
        async::blockOn(world.backend->close(Millis(0)));
        QTRY_VERIFY(*turn);
        QCOMPARE((*turn)->error().native(), u"cancelled"_s);
        world.fake.script(u"bootstrap"_s, 200, kBootstrapped);
        QVERIFY(world.open()); // close() is not for ever
    }
};

QTEST_GUILESS_MAIN(SpritzFaultsTest)
#include "tst_spritz_faults.moc"
