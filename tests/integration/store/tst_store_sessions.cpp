// SPDX-License-Identifier: Apache-2.0
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using namespace signalbox::testing;
using domain::DeliveryState;

// Sessions of callers, their tickets, their messages and their logs, on both databases (DESIGN.md step 2;
// contracts/sessions-locks.md §2 and §4, whose gaps are tested here as not being there).
class StoreSessionsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void ofManyResolversExactlyOneCreates();
    void aResolvedPlaceIsTheSessionOfItsMessages();
    void aMessageMakesASessionWithSourceAndUser();
    void aUnitThatRunsAgainTellsTheTruth();
    void lookingUpNeverCreates();
    void onlyOwnChannelsAreMadeAfresh();
    void ticketsAreBoundOnce();
    void ofManyTicketsExactlyOneIsBound();
    void ofManySessionsExactlyOneGetsTheTicket();
    void aTicketLeavesLockAndQueueAlone();
    void aFreshSessionWithATakenTicketIsNotMade();
    void aMessageIdIsOneDelivery();
    void theLogTakesEachReplyOnce();
    void aReplyInTheAirIsLoggedOnceByTheNextLife();
    void aStaleEngineLogsNothing();
    void aKeyIsAnsweredOnce();
    void aConflictLeavesTheKeyFree();
    void aNewConversationIsAnnouncedOnce();
};

namespace {

int s_made = 0;

NewSession wanted(const QString &source = u"web"_s)
{
    NewSession session;
    session.id = u"se_new%1"_s.arg(++s_made, 4, 10, QChar(u'0'));
    session.requestId = u"rq-"_s + session.id;
    session.installationId = source == u"slack" ? u"in1"_s : u"inw"_s;
    session.source = source;
    session.tenant = source == u"slack" ? u"T1"_s : u"acme"_s;
    session.backend = u"agent"_s;
    session.place = session.id;
    session.user = u"anna"_s;
    return session;
}

// The fixture's installation and one of the web.
void prepare(StoreFixture &f)
{
    InstallationRow slack;
    slack.id = u"in1"_s;
    slack.channel = u"slack"_s;
    slack.tenant = u"T1"_s;
    slack.app = u"A1"_s;
    slack.backend = u"agent"_s;
    InstallationRow web;
    web.id = u"inw"_s;
    web.channel = u"web"_s;
    web.tenant = u"acme"_s;
    web.backend = u"agent"_s;
    std::vector<InstallationRow> rows{slack, web};
    QVERIFY(async::blockOn(f.db().syncInstallations(rows)));
}

QString fresh(StoreFixture &f)
{
    const auto made = async::blockOn(f.db().createSession(wanted()));
    return made && made->created ? made->id : QString();
}

SessionMessage message(const QString &session, const QString &id)
{
    SessionMessage message;
    IngestRequest &request = message.request;
    request.deliveryId = u"d-%1"_s.arg(++s_made, 4, 10, QChar(u'0'));
    request.installationId = u"inw"_s;
    request.channel = u"web"_s;
    request.tenant = u"acme"_s;
    request.backend = u"agent"_s;
    request.sessionId = session;
    request.place = session;
    request.messageTs = id;
    request.user = u"anna"_s;
    request.direct = true;
    request.payload = R"({"text":"hello"})";
    request.payloadTtl = Millis(3'600'000);
    return message;
}

OutboundDraft reply(const ClaimedDelivery &delivery)
{
    OutboundDraft draft = StoreFixture::draft(delivery.id, u"reply:1"_s);
    draft.installationId = delivery.installationId;
    draft.place = delivery.place;
    draft.thread.clear();
    draft.body = R"({"text":"You said: hello"})";
    return draft;
}

FinishOutbound toLog(const EngineLife &life, const ClaimedOutbound &row)
{
    FinishOutbound finish;
    finish.life = life;
    finish.id = row.id;
    finish.attempts = row.attempts;
    finish.toLog = true;
    return finish;
}

Result<SessionAnswer> bind(StoreFixture &f, const QString &session, const QString &ticket)
{
    TicketBinding binding;
    binding.sessionId = session;
    binding.ticket = ticket;
    return async::blockOn(f.db().bindTicket(binding));
}

std::vector<LogEntry> logOf(StoreFixture &f, const QString &session, qint64 after = 0)
{
    const auto batch = async::blockOn(f.db().readSessionLog(session, after, 100));
    return batch ? batch->entries : std::vector<LogEntry>();
}

int count(StoreFixture &f, const QString &table)
{
    return f.sql(u"SELECT COUNT(*) FROM "_s + table).toInt();
}

} // namespace

#define STORE(f)                                                                                             \
    SIGNALBOX_STORE(f);                                                                                      \
    prepare(f)

void StoreSessionsTest::ofManyResolversExactlyOneCreates()
{
    STORE(f);
    auto second = f.open(); // PostgreSQL: another engine
    QVERIFY(second);
    std::vector<QCoro::Task<Result<SessionAnswer>>> calls;
    for (int i = 0; i < 50; ++i) {
        NewSession session = wanted(u"slack"_s);
        session.id = u"se_one"_s;
        session.place = u"C1"_s;
        session.user = u"U%1"_s.arg(i);
        Store &store = StoreFixture::isPostgres() && i % 2 == 1 ? **second : f.db();
        calls.push_back(store.resolveSession(session));
    }
    int created = 0;
    for (auto &call : calls) {
        const auto answer = async::blockOn(std::move(call), Millis(20'000));
        QVERIFY2(answer, answer ? "" : qPrintable(answer.error().toString()));
        QCOMPARE(answer->id, u"se_one"_s);
        created += answer->created ? 1 : 0;
    }
    QCOMPARE(created, 1);
    QCOMPARE(count(f, u"sessions"_s), 1);
}

void StoreSessionsTest::aResolvedPlaceIsTheSessionOfItsMessages()
{
    STORE(f);
    NewSession session = wanted(u"slack"_s);
    session.id = u"se_t"_s;
    session.place = u"C1"_s;
    session.thread = u"t"_s;
    QVERIFY(async::blockOn(f.db().resolveSession(session))->created);
    QVERIFY(f.ingest(u"1"_s, u"t"_s).ready);
    QVERIFY(!f.ingest(u"2"_s, u"t"_s).ready);
    QCOMPARE(count(f, u"sessions"_s), 1);
    QCOMPARE(f.sql(u"SELECT user_id FROM sessions"_s).toString(), u"anna"_s); // who caused it, for good
    QCOMPARE(f.sql(u"SELECT next_ordinal FROM sessions"_s).toInt(), 2);
    QVERIFY(!async::blockOn(f.db().resolveSession(wanted(u"slack"_s)))->duplicate);
}

void StoreSessionsTest::aMessageMakesASessionWithSourceAndUser()
{
    STORE(f);
    f.ingest(u"1"_s, u"t"_s);
    const auto brief = async::blockOn(f.db().sessionBrief(u"se_t"_s));
    QVERIFY(brief);
    QCOMPARE(brief->source, u"slack"_s);
    QCOMPARE(brief->user, u"U1"_s);
    QCOMPARE(brief->ticket, QString());
    NewSession late = wanted(u"slack"_s);
    late.id = u"se_t"_s;
    QVERIFY(!async::blockOn(f.db().resolveSession(late))->created);
    const auto items = async::blockOn(f.db().sessionItems({u"se_t"_s}));
    QVERIFY(items);
    QCOMPARE(items->first().source, u"slack"_s);
    QCOMPARE(items->first().user, u"U1"_s);
}

void StoreSessionsTest::aUnitThatRunsAgainTellsTheTruth()
{
    STORE(f);
    const NewSession session = wanted();
    QVERIFY(async::blockOn(f.db().createSession(session))->created);
    QVERIFY(async::blockOn(f.db().createSession(session))->created); // after a commit of unknown outcome
    NewSession other = session;
    other.requestId = u"another"_s;
    QVERIFY(!async::blockOn(f.db().resolveSession(other))->created);
    const SessionMessage said = message(session.id, u"m-1"_s);
    QVERIFY(async::blockOn(f.db().storeMessage(said)));
    const auto again = async::blockOn(f.db().storeMessage(said));
    QVERIFY(again);
    QVERIFY(!again->duplicate);
    QCOMPARE(count(f, u"deliveries"_s), 1);
}

void StoreSessionsTest::lookingUpNeverCreates()
{
    STORE(f);
    SessionLookup byId;
    byId.id = u"se_nobody"_s;
    QCOMPARE(async::blockOn(f.db().lookupSession(byId)).error().code(), ErrorCode::NotFound);
    SessionLookup byTicket;
    byTicket.installationId = u"inw"_s;
    byTicket.ticket = u"INC-1"_s;
    QCOMPARE(async::blockOn(f.db().lookupSession(byTicket)).error().code(), ErrorCode::NotFound);
    byId.call.actor = u"ingress:a"_s;
    byId.call.key = u"k"_s;
    QCOMPARE(async::blockOn(f.db().lookupSession(byId)).error().code(), ErrorCode::NotFound);
    QCOMPARE(count(f, u"sessions"_s), 0);
    QCOMPARE(count(f, u"idempotency"_s), 0);
    const QString session = fresh(f);
    QVERIFY(bind(f, session, u"INC-1"_s));
    const auto found = async::blockOn(f.db().lookupSession(byTicket));
    QVERIFY(found);
    QCOMPARE(found->id, session);
    QVERIFY(!found->created);
    byTicket.installationId = u"in1"_s; // tickets of others are other tickets
    QVERIFY(!async::blockOn(f.db().lookupSession(byTicket)));
}

void StoreSessionsTest::onlyOwnChannelsAreMadeAfresh()
{
    STORE(f);
    const auto refused = async::blockOn(f.db().createSession(wanted(u"slack"_s)));
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::InvalidInput);
    QCOMPARE(count(f, u"sessions"_s), 0);
}

void StoreSessionsTest::ticketsAreBoundOnce()
{
    STORE(f);
    const QString one = fresh(f);
    const QString two = fresh(f);
    const auto bound = bind(f, one, u"INC-1"_s);
    QVERIFY(bound && !bound->conflict);
    QCOMPARE(bound->ticket, u"INC-1"_s);
    const int rev = f.sql(u"SELECT rev FROM sessions WHERE id = '%1'"_s.arg(one)).toInt();
    const auto same = bind(f, one, u"INC-1"_s);
    QVERIFY(same && !same->conflict);
    QCOMPARE(f.sql(u"SELECT rev FROM sessions WHERE id = '%1'"_s.arg(one)).toInt(), rev);
    const auto second = bind(f, one, u"INC-2"_s);
    QVERIFY(second && second->conflict);
    QCOMPARE(second->id, one);
    QCOMPARE(second->ticket, u"INC-1"_s);
    const auto elsewhere = bind(f, two, u"INC-1"_s);
    QVERIFY(elsewhere && elsewhere->conflict);
    QCOMPARE(elsewhere->id, one);
    QCOMPARE(count(f, u"tickets"_s), 1);
    QCOMPARE(bind(f, u"se_nobody"_s, u"INC-3"_s).error().code(), ErrorCode::NotFound);
    QVERIFY(!bind(f, two, u"INC-2"_s)->conflict);
}

void StoreSessionsTest::ofManyTicketsExactlyOneIsBound()
{
    STORE(f);
    const QString session = fresh(f);
    std::vector<QCoro::Task<Result<SessionAnswer>>> calls;
    for (int i = 0; i < 20; ++i) {
        TicketBinding binding;
        binding.sessionId = session;
        binding.ticket = u"INC-%1"_s.arg(i);
        calls.push_back(f.db().bindTicket(binding));
    }
    int bound = 0;
    QStringList present;
    for (auto &call : calls) {
        const auto answer = async::blockOn(std::move(call), Millis(20'000));
        QVERIFY2(answer, answer ? "" : qPrintable(answer.error().toString()));
        bound += answer->conflict ? 0 : 1;
        present << answer->ticket;
    }
    QCOMPARE(bound, 1);
    QCOMPARE(present.removeDuplicates(), 19);
    QCOMPARE(count(f, u"tickets"_s), 1);
    QCOMPARE(f.sql(u"SELECT ticket FROM sessions"_s).toString(), present.first());
}

void StoreSessionsTest::ofManySessionsExactlyOneGetsTheTicket()
{
    STORE(f);
    std::vector<QCoro::Task<Result<SessionAnswer>>> calls;
    QStringList sessions;
    for (int i = 0; i < 20; ++i)
        sessions << fresh(f);
    for (const QString &session : std::as_const(sessions)) {
        TicketBinding binding;
        binding.sessionId = session;
        binding.ticket = u"INC-1"_s;
        calls.push_back(f.db().bindTicket(binding));
    }
    int bound = 0;
    QStringList owners;
    for (auto &call : calls) {
        const auto answer = async::blockOn(std::move(call), Millis(20'000));
        QVERIFY2(answer, answer ? "" : qPrintable(answer.error().toString()));
        bound += answer->conflict ? 0 : 1;
        owners << answer->id;
    }
    QCOMPARE(bound, 1);
    QCOMPARE(owners.removeDuplicates(), 19);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM sessions WHERE ticket <> ''"_s).toInt(), 1);
}

void StoreSessionsTest::aTicketLeavesLockAndQueueAlone()
{
    STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    f.ingest(u"2"_s, u"t"_s);
    const auto claimed = f.claim(life);
    QCOMPARE(claimed.size(), 1U);
    QVERIFY(f.begin(claimed[0]));
    QVERIFY(!bind(f, u"se_t"_s, u"INC-1"_s)->conflict);
    QCOMPARE(f.sql(u"SELECT lock_holder FROM sessions"_s).toString(), u"d-1"_s);
    QCOMPARE(f.sql(u"SELECT agent_session FROM sessions"_s).toString(), u"agent-session"_s);
    QCOMPARE(f.sql(u"SELECT fence FROM sessions"_s).toLongLong(), claimed[0].fence);
    f.finish(claimed[0], DeliveryState::Completed);
    const auto next = f.claim(life);
    QCOMPARE(next.size(), 1U);
    QCOMPARE(next[0].agentSession, u"agent-session"_s);
    QCOMPARE(f.sql(u"SELECT ticket FROM sessions"_s).toString(), u"INC-1"_s); // no end of a turn undoes it
    f.ingest(u"3"_s, u"t"_s);
    QCOMPARE(count(f, u"sessions"_s), 1);
}

void StoreSessionsTest::aFreshSessionWithATakenTicketIsNotMade()
{
    STORE(f);
    NewSession first = wanted();
    first.ticket = u"INC-1"_s;
    const auto made = async::blockOn(f.db().createSession(first));
    QVERIFY(made && made->created && !made->conflict);
    NewSession second = wanted();
    second.ticket = u"INC-1"_s;
    const auto refused = async::blockOn(f.db().createSession(second));
    QVERIFY(refused && refused->conflict);
    QCOMPARE(refused->id, first.id);
    QCOMPARE(count(f, u"sessions"_s), 1);
    QVERIFY(async::blockOn(f.db().createSession(first))->created); // run again
}

void StoreSessionsTest::aMessageIdIsOneDelivery()
{
    STORE(f);
    const QString session = fresh(f);
    const QString other = fresh(f);
    std::vector<QCoro::Task<Result<SessionAnswer>>> calls;
    for (int i = 0; i < 10; ++i)
        calls.push_back(f.db().storeMessage(message(session, u"m-1"_s)));
    QStringList ids;
    int taken = 0;
    for (auto &call : calls) {
        const auto answer = async::blockOn(std::move(call), Millis(20'000));
        QVERIFY2(answer, answer ? "" : qPrintable(answer.error().toString()));
        ids << answer->id;
        taken += answer->duplicate ? 0 : 1;
    }
    QCOMPARE(taken, 1);
    ids.removeDuplicates();
    QCOMPARE(ids.size(), 1);
    QVERIFY(!async::blockOn(f.db().storeMessage(message(session, u"m-2"_s)))->ready);
    QVERIFY(async::blockOn(f.db().storeMessage(message(other, u"m-1"_s)))->ready);
    QCOMPARE(count(f, u"deliveries"_s), 3);
    QCOMPARE(f.sql(u"SELECT ordinal FROM deliveries WHERE message_ts = 'm-2'"_s).toInt(), 2);
}

void StoreSessionsTest::theLogTakesEachReplyOnce()
{
    STORE(f);
    const EngineLife life = f.engine();
    const QString session = fresh(f);
    QVERIFY(async::blockOn(f.db().storeMessage(message(session, u"m-1"_s))));
    const ClaimedDelivery delivery = f.claim(life).front();
    QCOMPARE(delivery.channel, u"web"_s);
    f.finish(delivery, DeliveryState::Waiting, {reply(delivery)});
    const auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), 1U);
    QCOMPARE(rows[0].channel, u"web"_s);
    QVERIFY(logOf(f, session).empty()); // claimed is not sent
    const FinishOutbound finish = toLog(life, rows[0]);
    QVERIFY(async::blockOn(f.db().finishOutbound(finish)));
    QVERIFY(async::blockOn(f.db().finishOutbound(finish))); // the same unit again
    const auto log = logOf(f, session);
    QCOMPARE(log.size(), 1U);
    QCOMPARE(log[0].seq, 1);
    QCOMPARE(log[0].kind, u"reply"_s);
    QCOMPARE(log[0].deliveryId, delivery.id);
    QCOMPARE(log[0].body, QByteArray(R"({"text":"You said: hello"})"));
    QCOMPARE(f.state(delivery.id), u"completed:delivered"_s);
    QVERIFY(logOf(f, session, 1).empty());
    const auto heads = async::blockOn(f.db().sessionLogHeads({session}));
    QVERIFY(heads);
    QCOMPARE(heads->front().seq, 1);
}

void StoreSessionsTest::aReplyInTheAirIsLoggedOnceByTheNextLife()
{
    STORE(f);
    const EngineLife first = f.engine();
    const QString session = fresh(f);
    QVERIFY(async::blockOn(f.db().storeMessage(message(session, u"m-1"_s))));
    const ClaimedDelivery delivery = f.claim(first).front();
    f.finish(delivery, DeliveryState::Waiting, {reply(delivery)});
    const auto before = f.claimOutbound(first);
    QCOMPARE(before.size(), 1U);
    const EngineLife next = f.engine(); // killed and started again
    const auto rows = f.claimOutbound(next);
    QCOMPARE(rows.size(), 1U);
    QVERIFY(async::blockOn(f.db().finishOutbound(toLog(next, rows[0]))));
    QVERIFY(!async::blockOn(f.db().finishOutbound(toLog(first, before[0]))));
    QCOMPARE(logOf(f, session).size(), 1U);
    QCOMPARE(f.state(delivery.id), u"completed:delivered"_s);
}

void StoreSessionsTest::aStaleEngineLogsNothing()
{
    STORE(f);
    const EngineLife first = f.engine();
    const QString session = fresh(f);
    QVERIFY(async::blockOn(f.db().storeMessage(message(session, u"m-1"_s))));
    const ClaimedDelivery delivery = f.claim(first).front();
    f.finish(delivery, DeliveryState::Waiting, {reply(delivery)});
    const auto before = f.claimOutbound(first);
    (void)f.engine();
    QVERIFY(!async::blockOn(f.db().finishOutbound(toLog(first, before[0]))));
    QVERIFY(logOf(f, session).empty());
    QCOMPARE(f.sql(u"SELECT log_seq FROM sessions"_s).toInt(), 0);
}

void StoreSessionsTest::aKeyIsAnsweredOnce()
{
    STORE(f);
    const auto keyed = [](NewSession session, const QString &key, const QString &print) {
        session.call.actor = u"ingress:a"_s;
        session.call.key = key;
        session.call.fingerprint = print;
        return session;
    };
    const auto first = async::blockOn(f.db().createSession(keyed(wanted(), u"k"_s, u"one"_s)));
    const auto again = async::blockOn(f.db().createSession(keyed(wanted(), u"k"_s, u"one"_s)));
    QVERIFY(first && again);
    QCOMPARE(again->id, first->id);
    QVERIFY(again->created);
    const auto other = async::blockOn(f.db().createSession(keyed(wanted(), u"k"_s, u"two"_s)));
    QVERIFY(!other);
    QCOMPARE(other.error().native(), u"key_reused"_s);
    QCOMPARE(count(f, u"sessions"_s), 1);
    NewSession stranger = keyed(wanted(), u"k"_s, u"two"_s);
    stranger.call.actor = u"ingress:b"_s;
    QVERIFY(async::blockOn(f.db().createSession(stranger))->created);
    LifecycleReport report;
    report.id = u"e1"_s;
    report.backend = u"agent"_s;
    report.nameSpace = u"n"_s;
    report.instanceId = u"i"_s;
    report.phase = u"Ready"_s;
    report.call = keyed(wanted(), u"life"_s, u"one"_s).call;
    QVERIFY(!async::blockOn(f.db().storeLifecycle(report))->duplicate);
    report.id = u"e2"_s;
    report.phase = u"Error"_s;
    report.call.fingerprint = u"two"_s;
    const auto refused = async::blockOn(f.db().storeLifecycle(report));
    QVERIFY(!refused);
    QCOMPARE(refused.error().native(), u"key_reused"_s);
    QCOMPARE(count(f, u"lifecycle_events"_s), 1);
}

void StoreSessionsTest::aConflictLeavesTheKeyFree()
{
    STORE(f);
    const QString session = fresh(f);
    QVERIFY(bind(f, session, u"INC-1"_s));
    TicketBinding binding;
    binding.call.actor = u"ingress:a"_s;
    binding.call.key = u"k"_s;
    binding.sessionId = session;
    binding.ticket = u"INC-2"_s;
    QVERIFY(async::blockOn(f.db().bindTicket(binding))->conflict);
    QCOMPARE(count(f, u"idempotency"_s), 0);
    binding.ticket = u"INC-1"_s;
    QVERIFY(!async::blockOn(f.db().bindTicket(binding))->conflict);
    QCOMPARE(count(f, u"idempotency"_s), 1);
}

void StoreSessionsTest::aNewConversationIsAnnouncedOnce()
{
    STORE(f);
    const EngineLife life = f.engine();
    const auto begin = [&](const ClaimedDelivery &delivery) {
        BeginTurn turn;
        turn.held = HeldDelivery(delivery.id, delivery.fence);
        turn.attemptId = u"a-"_s + delivery.id;
        turn.backend = u"agent"_s;
        turn.agentSession = u"agent-session"_s;
        OutboundDraft notice = StoreFixture::draft(delivery.id, u"notice:new_conversation"_s);
        notice.kind = domain::OutboundKind::Notice;
        turn.announcement = notice;
        return async::blockOn(f.db().beginTurn(turn));
    };
    f.ingest(u"1"_s, u"t"_s);
    const ClaimedDelivery first = f.claim(life).front();
    QVERIFY(begin(first));
    QVERIFY(begin(first)); // the unit again
    QCOMPARE(count(f, u"outbound_messages"_s), 1);
    f.finish(first, DeliveryState::Completed);
    f.ingest(u"2"_s, u"t"_s);
    const ClaimedDelivery second = f.claim(life).front();
    QVERIFY(begin(second));
    QCOMPARE(count(f, u"outbound_messages"_s), 1);
    // A session whose turns were not announced is no new conversation later on.
    f.ingest(u"3"_s, u"other"_s);
    const ClaimedDelivery quiet = f.claim(life).front();
    QVERIFY(f.begin(quiet));
    f.finish(quiet, DeliveryState::Completed);
    f.ingest(u"4"_s, u"other"_s);
    QVERIFY(begin(f.claim(life).front()));
    QCOMPARE(count(f, u"outbound_messages"_s), 1);
}

QTEST_GUILESS_MAIN(StoreSessionsTest)
#include "tst_store_sessions.moc"
