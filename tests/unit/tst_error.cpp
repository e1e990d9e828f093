// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "base/result.h"

#include <QSet>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;

class ErrorTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void codes_data()
    {
        QTest::addColumn<int>("code");
        QTest::addColumn<QString>("name");
        QTest::addColumn<bool>("retryable");
        const auto row = [](ErrorCode code, const QString &name, bool retryable) {
            QTest::newRow(qPrintable(name)) << static_cast<int>(code) << name << retryable;
        };
        row(ErrorCode::InvalidInput, u"invalid_input"_s, false);
        row(ErrorCode::NotFound, u"not_found"_s, false);
        row(ErrorCode::Conflict, u"conflict"_s, false);
        row(ErrorCode::Unauthorized, u"unauthorized"_s, false);
        row(ErrorCode::Forbidden, u"forbidden"_s, false);
        row(ErrorCode::Cancelled, u"cancelled"_s, false);
        row(ErrorCode::DeadlineExceeded, u"deadline_exceeded"_s, true);
        row(ErrorCode::Unavailable, u"unavailable"_s, true);
        row(ErrorCode::RateLimited, u"rate_limited"_s, true);
        row(ErrorCode::Corrupt, u"corrupt"_s, false);
        row(ErrorCode::Unsupported, u"unsupported"_s, false);
        row(ErrorCode::Internal, u"internal"_s, false);
    }
    void codes()
    {
        QFETCH(int, code);
        QFETCH(QString, name);
        QFETCH(bool, retryable);
        const Error error(static_cast<ErrorCode>(code), u"m"_s);
        QCOMPARE(errorCodeName(error.code()), name);
        QCOMPARE(error.isRetryable(), retryable);
    }

    void text_namesWhatWasBeingDone_outermostFirst()
    {
        const Error error(ErrorCode::Unavailable, u"database is locked"_s, u"5"_s);
        QCOMPARE(error.toString(), u"database is locked [5]"_s);
        const Error told = error.context(u"reading the row"_s).context(u"loading job 42"_s);
        QCOMPARE(told.toString(), u"loading job 42: reading the row: database is locked [5]"_s);
        QCOMPARE(error.toString(), u"database is locked [5]"_s); // context() makes a copy
        QCOMPARE(told.message(), u"database is locked"_s);
        QCOMPARE(told.native(), u"5"_s);
        QCOMPARE(told.code(), ErrorCode::Unavailable);
        QCOMPARE(Error(ErrorCode::Internal, u"plain"_s).toString(), u"plain"_s);
    }

    void retryAfter_travelsWithTheContext()
    {
        const Error error(ErrorCode::RateLimited, u"slow down"_s);
        QVERIFY(!error.retryAfter());
        const Error waiting = error.withRetryAfter(std::chrono::seconds(3)).context(u"posting"_s);
        QVERIFY(waiting.retryAfter() == std::chrono::milliseconds(3000));
        QVERIFY(!error.retryAfter());
    }

    void result_carriesEither()
    {
        const Result<int> good(3);
        const Result<int> bad = fail(ErrorCode::NotFound, u"none"_s);
        const Status nothing;
        QVERIFY(good && nothing && !bad);
        QCOMPARE(*good, 3);
        QCOMPARE(bad.error().code(), ErrorCode::NotFound);
        const Status failed = fail(bad.error().context(u"looking"_s));
        QCOMPARE(failed.error().toString(), u"looking: none"_s);
    }
};

QTEST_GUILESS_MAIN(ErrorTest)
#include "tst_error.moc"
