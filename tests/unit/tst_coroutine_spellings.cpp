// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "async/wait.h"
#include "base/result.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::async;

namespace {

// Counts its lives: a temporary that the compiler destroys twice leaves fewer than none.
struct Counted
{
    explicit Counted(int *lives)
        : count(lives)
    {
        ++*count;
    }
    Counted(const Counted &other)
        : count(other.count)
        , weight(other.weight)
    {
        ++*count;
    }
    Counted(Counted &&other) noexcept
        : count(other.count)
        , weight(std::move(other.weight))
    {
        ++*count;
    }
    Counted &operator=(const Counted &) = delete;
    ~Counted() { --*count; }
    int *count;
    std::shared_ptr<QString> weight
        = std::make_shared<QString>(u"on the heap, so that the address sanitizer sees it"_s);
};

template <class Function>
QCoro::Task<qsizetype> callLater(Function function)
{
    co_await delay(Millis(1));
    co_return function();
}

struct Parameters
{
    Parameters(Counted first, QString second)
        : counted(std::move(first))
        , text(std::move(second))
    {
    }
    Counted counted;
    QString text;
};

QCoro::Task<qsizetype> takeParameters(Parameters parameters)
{
    co_await delay(Millis(1));
    co_return parameters.counted.weight->size() + parameters.text.size();
}

// The house's spelling: a plain function makes the lambda and returns the Task.
QCoro::Task<qsizetype> plainFunction(int *lives)
{
    Counted counted(lives);
    return callLater([counted] { return counted.weight->size(); });
}

QCoro::Task<qsizetype> namedLambda(int *lives)
{
    Counted counted(lives);
    auto read = [counted] { return counted.weight->size(); };
    co_return co_await callLater(std::move(read));
}

QCoro::Task<qsizetype> taskThenAwait(int *lives)
{
    Counted counted(lives);
    auto task = callLater([counted] { return counted.weight->size(); });
    co_return co_await task;
}

QCoro::Task<qsizetype> awaitPlainFunction(int *lives)
{
    co_return co_await plainFunction(lives);
}

QCoro::Task<qsizetype> constructedParameters(int *lives)
{
    co_return co_await takeParameters(Parameters(Counted(lives), QString()));
}

QCoro::Task<Result<qsizetype>> failing(int kind)
{
    co_await delay(Millis(1));
    if (kind == 0)
        co_return fail(Error(ErrorCode::Unavailable, u"a message that lives on the heap"_s, u"native"_s));
    if (kind == 1)
        co_return tl::unexpected(
            Error(ErrorCode::Conflict, u"a message that lives on the heap"_s).context(u"doing"_s));
    co_return 7;
}

} // namespace

class CoroutineSpellingsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void houseSpellings_destroyWhatTheyConstruct_data()
    {
        QTest::addColumn<int>("spelling");
        QTest::newRow("plain function") << 0;
        QTest::newRow("named lambda, then await") << 1;
        QTest::newRow("task, then await") << 2;
        QTest::newRow("await of a plain function") << 3;
        QTest::newRow("parameter struct with a constructor") << 4;
    }
    void houseSpellings_destroyWhatTheyConstruct()
    {
        QFETCH(int, spelling);
        static constexpr std::array kSpellings{
            plainFunction, namedLambda, taskThenAwait, awaitPlainFunction, constructedParameters};
        int lives = 0;
        const qsizetype length = blockOn(kSpellings[static_cast<size_t>(spelling)](&lives));
        QCOMPARE(length, u"on the heap, so that the address sanitizer sees it"_s.size());
        QCOMPARE(lives, 0);
    }

    void errors_travelThroughATask()
    {
        const auto unavailable = blockOn(failing(0));
        QVERIFY(!unavailable);
        QCOMPARE(unavailable.error().code(), ErrorCode::Unavailable);
        QCOMPARE(unavailable.error().toString(), u"a message that lives on the heap [native]"_s);
        const auto conflict = blockOn(failing(1));
        QVERIFY(!conflict);
        QCOMPARE(conflict.error().toString(), u"doing: a message that lives on the heap"_s);
        QCOMPARE(blockOn(failing(2)).value(), 7);
    }
};

QTEST_GUILESS_MAIN(CoroutineSpellingsTest)
#include "tst_coroutine_spellings.moc"
