// SPDX-License-Identifier: Apache-2.0
// One inbound message becomes one delivery (DESIGN.md steps 1 to 3), on both databases.
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::testing::StoreFixture;

class StoreIngestTest : public QObject
{
    Q_OBJECT

private:
    // The twins of one gesture share the message key and have events of their own; without a known bot id the
    // `message` twin is ignored as chatter.
    static IngestRequest twin(const QString &event, bool mention, bool ignored)
    {
        IngestRequest request = StoreFixture::message(u"twin"_s, u"t1"_s);
        request.deliveryId = u"d-"_s + event;
        request.keys = {u"e-"_s + event, u"m-twin"_s};
        request.lookupKeys = request.keys;
        request.mentioned = mention;
        request.mentionEvent = mention;
        request.ignored = ignored;
        if (ignored)
            request.payload.clear();
        return request;
    }

private Q_SLOTS:
    void open_keepsWhatWasStored();
    void message_isStoredOnce();
    void retry_afterRestartIsDuplicate();
    void repeatedUnit_recognisesItsOwnWork();
    void twins_messageFirstKnownBot();
    void twins_ignoredMessageIsRevivedByMention();
    void twins_mentionFirst();
    void mention_ofUnmentionedDeliveryIsNoted();
    void ignored_keepsKeysButNoText();
    void clientMessageId_isFoundInNeighbourBuckets();
    void keys_areForgottenWhenExpired();
    void session_isMadeOnceAndCounts();
    void secondOfSession_waitsForLock();
    void afterFinish_nextIsReadyAtOnce();
    void texts_comeBackUnchanged();
    void database_isNamed();
};

void StoreIngestTest::open_keepsWhatWasStored()
{
    SIGNALBOX_STORE(f);
    QVERIFY(async::blockOn(f.db().ping()));
    const auto first = async::blockOn(f.db().feedHead());
    QVERIFY(first);
    const IngestOutcome stored = f.ingest(u"a"_s, u"t1"_s);
    QCOMPARE(stored.result, IngestResult::Stored);
    QVERIFY(f.reopen());
    const auto again = async::blockOn(f.db().feedHead());
    QVERIFY(again);
    QCOMPARE(again->epoch, first->epoch);
    QCOMPARE(f.state(u"d-a"_s), u"pending"_s);
}

void StoreIngestTest::message_isStoredOnce()
{
    SIGNALBOX_STORE(f);
    const IngestOutcome stored = f.ingest(u"a"_s, u"t1"_s);
    QCOMPARE(stored.result, IngestResult::Stored);
    QCOMPARE(stored.deliveryId, u"d-a"_s);
    QVERIFY(stored.ready);
    IngestRequest again = StoreFixture::message(u"a"_s, u"t1"_s);
    again.deliveryId = u"d-other"_s;
    const IngestOutcome duplicate = f.ingest(again);
    QCOMPARE(duplicate.result, IngestResult::Duplicate);
    QCOMPARE(duplicate.deliveryId, u"d-a"_s);
    QVERIFY(!duplicate.ready);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM deliveries"_s).toInt(), 1);
    QCOMPARE(f.sql(u"SELECT next_ordinal FROM sessions"_s).toInt(), 1);
}

void StoreIngestTest::retry_afterRestartIsDuplicate()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    QVERIFY(f.reopen());
    IngestRequest again = StoreFixture::message(u"a"_s, u"t1"_s);
    again.deliveryId = u"d-retry"_s;
    QCOMPARE(f.ingest(again).result, IngestResult::Duplicate);
}

void StoreIngestTest::repeatedUnit_recognisesItsOwnWork()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    const IngestOutcome again = f.ingest(u"a"_s, u"t1"_s);
    QCOMPARE(again.result, IngestResult::Stored);
    QVERIFY(again.ready);
    f.ingest(u"b"_s, u"t1"_s);
    const IngestOutcome waiting = f.ingest(u"b"_s, u"t1"_s);
    QCOMPARE(waiting.result, IngestResult::Stored);
    QVERIFY(!waiting.ready);
    QCOMPARE(f.sql(u"SELECT next_ordinal FROM sessions"_s).toInt(), 2);
    f.ingest(twin(u"m"_s, false, true));
    QCOMPARE(f.ingest(twin(u"m"_s, false, true)).result, IngestResult::Ignored);
}

void StoreIngestTest::twins_messageFirstKnownBot()
{
    SIGNALBOX_STORE(f);
    IngestRequest message = twin(u"message"_s, false, false);
    message.mentioned = true; // the bot's id is known and stands in the text
    QCOMPARE(f.ingest(message).result, IngestResult::Stored);
    QCOMPARE(f.ingest(twin(u"mention"_s, true, false)).result, IngestResult::Duplicate);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM deliveries"_s).toInt(), 1);
}

void StoreIngestTest::twins_ignoredMessageIsRevivedByMention()
{
    SIGNALBOX_STORE(f);
    QCOMPARE(f.ingest(twin(u"message"_s, false, true)).result, IngestResult::Ignored);
    QCOMPARE(f.state(u"d-message"_s), u"completed:ignored"_s);
    const IngestOutcome revived = f.ingest(twin(u"mention"_s, true, false));
    QCOMPARE(revived.result, IngestResult::Revived);
    QCOMPARE(revived.deliveryId, u"d-message"_s);
    QVERIFY(revived.ready);
    QCOMPARE(f.state(u"d-message"_s), u"pending"_s);
    // Slack's retry of the mention finds it alive.
    IngestRequest retry = twin(u"mention"_s, true, false);
    retry.deliveryId = u"d-retry"_s;
    QCOMPARE(f.ingest(retry).result, IngestResult::Duplicate);
    const auto claimed = f.claim(f.engine());
    QCOMPARE(claimed.size(), size_t(1));
    QVERIFY(claimed.front().mentioned);
    QVERIFY(claimed.front().payload.contains("twin"));
}

void StoreIngestTest::twins_mentionFirst()
{
    SIGNALBOX_STORE(f);
    QCOMPARE(f.ingest(twin(u"mention"_s, true, false)).result, IngestResult::Stored);
    QCOMPARE(f.ingest(twin(u"message"_s, false, true)).result, IngestResult::Duplicate);
    QCOMPARE(f.state(u"d-mention"_s), u"pending"_s);
    QCOMPARE(f.sql(u"SELECT mentioned FROM deliveries"_s).toInt(), 1);
}

void StoreIngestTest::mention_ofUnmentionedDeliveryIsNoted()
{
    SIGNALBOX_STORE(f);
    QCOMPARE(f.ingest(twin(u"message"_s, false, false)).result, IngestResult::Stored);
    QCOMPARE(f.ingest(twin(u"mention"_s, true, false)).result, IngestResult::Duplicate);
    QCOMPARE(f.sql(u"SELECT mentioned FROM deliveries"_s).toInt(), 1);
}

void StoreIngestTest::ignored_keepsKeysButNoText()
{
    SIGNALBOX_STORE(f);
    f.ingest(twin(u"message"_s, false, true));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM payloads"_s).toInt(), 0);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM inbound_keys"_s).toInt(), 2);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM sessions"_s).toInt(), 0);
    QVERIFY(f.claim(f.engine()).empty());
}

void StoreIngestTest::clientMessageId_isFoundInNeighbourBuckets()
{
    SIGNALBOX_STORE(f);
    const auto request = [](const QString &name, int bucket) {
        IngestRequest made = StoreFixture::message(name, u"t1"_s);
        const auto key = [](int of) { return u"c-%1"_s.arg(of); };
        made.keys = {u"e-"_s + name, u"m-"_s + name, key(bucket)};
        made.lookupKeys = made.keys;
        made.lookupKeys << key(bucket - 1) << key(bucket + 1);
        return made;
    };
    QCOMPARE(f.ingest(request(u"a"_s, 10)).result, IngestResult::Stored);
    QCOMPARE(f.ingest(request(u"b"_s, 11)).result, IngestResult::Duplicate);
    QCOMPARE(f.ingest(request(u"c"_s, 9)).result, IngestResult::Duplicate);
    QCOMPARE(f.ingest(request(u"d"_s, 12)).result, IngestResult::Stored);
}

void StoreIngestTest::keys_areForgottenWhenExpired()
{
    SIGNALBOX_STORE(f);
    IngestRequest old = StoreFixture::message(u"a"_s, u"t1"_s);
    old.keyTtl = Millis(-1000);
    f.ingest(old);
    f.ingest(u"b"_s, u"t1"_s);
    const auto removed = async::blockOn(f.db().sweep(Retention(), 100));
    QVERIFY(removed);
    QCOMPARE(*removed, 3);
    IngestRequest again = StoreFixture::message(u"a"_s, u"t1"_s);
    again.deliveryId = u"d-again"_s;
    QCOMPARE(f.ingest(again).result, IngestResult::Stored);
    IngestRequest kept = StoreFixture::message(u"b"_s, u"t1"_s);
    kept.deliveryId = u"d-kept"_s;
    QCOMPARE(f.ingest(kept).result, IngestResult::Duplicate);
}

void StoreIngestTest::session_isMadeOnceAndCounts()
{
    SIGNALBOX_STORE(f);
    for (const QString &name : {u"a"_s, u"b"_s, u"c"_s})
        f.ingest(name, u"t1"_s);
    f.ingest(u"x"_s, u"t2"_s);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM sessions"_s).toInt(), 2);
    QCOMPARE(f.sql(u"SELECT ordinal FROM deliveries WHERE id = 'd-a'"_s).toInt(), 1);
    QCOMPARE(f.sql(u"SELECT ordinal FROM deliveries WHERE id = 'd-b'"_s).toInt(), 2);
    QCOMPARE(f.sql(u"SELECT ordinal FROM deliveries WHERE id = 'd-c'"_s).toInt(), 3);
    QCOMPARE(f.sql(u"SELECT ordinal FROM deliveries WHERE id = 'd-x'"_s).toInt(), 1);
}

void StoreIngestTest::secondOfSession_waitsForLock()
{
    SIGNALBOX_STORE(f);
    QVERIFY(f.ingest(u"a"_s, u"t1"_s).ready);
    QVERIFY(!f.ingest(u"b"_s, u"t1"_s).ready);
    QVERIFY(f.ingest(u"c"_s, u"t2"_s).ready);
    QCOMPARE(f.state(u"d-b"_s), u"waiting:lock"_s);
}

void StoreIngestTest::afterFinish_nextIsReadyAtOnce()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    const auto claimed = f.claim(f.engine());
    QCOMPARE(claimed.size(), size_t(1));
    f.finish(claimed.front(), DeliveryState::Completed);
    const IngestOutcome next = f.ingest(u"b"_s, u"t1"_s);
    QVERIFY(next.ready);
    QCOMPARE(f.state(u"d-b"_s), u"pending"_s);
}

void StoreIngestTest::texts_comeBackUnchanged()
{
    SIGNALBOX_STORE(f);
    IngestRequest request = StoreFixture::message(u"a"_s, u"t1"_s);
    request.payload = QByteArray("{\"text\":\"it's 100% \\\\ ? :x $1 \xf0\x9f\x98\x80 \"}");
    request.user = QString(); // none: stored as an empty text
    f.ingest(request);
    const auto claimed = f.claim(f.engine());
    QCOMPARE(claimed.size(), size_t(1));
    QCOMPARE(claimed.front().payload, request.payload);
    QCOMPARE(claimed.front().user, u""_s);
    QCOMPARE(claimed.front().tenant, u"T1"_s);
    QCOMPARE(claimed.front().backend, u"agent"_s);
}

void StoreIngestTest::database_isNamed()
{
    SIGNALBOX_STORE(f);
    QCOMPARE(f.db().databaseKind(), StoreFixture::isPostgres() ? u"postgresql"_s : u"sqlite"_s);
    f.db().close();
    const auto refused = async::blockOn(f.db().ping());
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Unavailable);
}

QTEST_GUILESS_MAIN(StoreIngestTest)
#include "tst_store_ingest.moc"
