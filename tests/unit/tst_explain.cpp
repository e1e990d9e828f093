// SPDX-License-Identifier: Apache-2.0
#include "domain/actions.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::domain;

// The chain of what waits for what, and the one action that moves it (DESIGN.md "Operator actions").
Q_DECLARE_METATYPE(signalbox::domain::ExplainFacts)
Q_DECLARE_METATYPE(signalbox::domain::ActionRequest)

class ExplainTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void theChainEndsInOneAction_data();
    void theChainEndsInOneAction();
    void everyLinkSaysSinceWhen();
    void aPauseOfTheIntakeHoldsOnlyWhatCameSince();
    void requestsAreChecked_data();
    void requestsAreChecked();
    void theFingerprintTellsRequestsApart();
};

namespace {

const Instant kNow = fromMs(1'700'000'000'000);

Instant ago(int seconds)
{
    return kNow - std::chrono::seconds(seconds);
}

DeliveryItem item(const QString &id, const QString &state, const QString &waitsFor = {})
{
    DeliveryItem item;
    item.id = id;
    item.state = state;
    item.waitsFor = waitsFor;
    item.promptState = u"none"_s;
    item.sessionId = u"se1"_s;
    item.installation = u"in1"_s;
    item.backend = u"agent"_s;
    item.attempts = 1;
    item.createdAt = ago(600);
    item.updatedAt = ago(100);
    return item;
}

DeliveryItem held(const QString &id, const QString &promptState)
{
    DeliveryItem holder = item(id, u"running"_s);
    holder.engine = u"e1"_s;
    holder.promptState = promptState;
    holder.claimedAt = ago(500);
    holder.promptSentAt = ago(400);
    holder.acceptedAt = ago(390);
    return holder;
}

ExplainFacts facts(const DeliveryItem &delivery)
{
    ExplainFacts facts;
    facts.now = kNow;
    facts.delivery = delivery;
    facts.engine = u"e1"_s;
    facts.engineAlive = true;
    facts.leaseUntil = kNow + Millis(10'000);
    facts.session.emplace();
    facts.session->id = u"se1"_s;
    facts.session->backend = u"agent"_s;
    return facts;
}

ExplainFacts waiting(const DeliveryItem &ahead)
{
    ExplainFacts all = facts(item(u"d2"_s, u"waiting"_s, u"lock"_s));
    all.ahead = ahead;
    if (!ahead.engine.isEmpty()) {
        all.session->lockHolder = ahead.id;
        all.session->fence = 7;
        all.session->lockAcquiredAt = ago(500);
    }
    return all;
}

ExplainPause pause(const QString &what, Instant since = ago(50))
{
    ExplainPause pause;
    pause.scope = u"engine"_s;
    pause.id = u"all"_s;
    pause.what = what;
    pause.who = u"token:ops"_s;
    pause.since = since;
    return pause;
}

OutboundItem outbound(const QString &id, const QString &state)
{
    OutboundItem row;
    row.id = id;
    row.state = state;
    row.createdAt = ago(60);
    row.updatedAt = ago(20);
    return row;
}

} // namespace

void ExplainTest::theChainEndsInOneAction_data()
{
    QTest::addColumn<ExplainFacts>("given");
    QTest::addColumn<QString>("chain");
    QTest::addColumn<QString>("action");
    const auto row = [](const char *name, const ExplainFacts &given, const QString &chain,
                         const QString &action) { QTest::newRow(name) << given << chain << action; };
    row("may run", facts(item(u"d1"_s, u"pending"_s)), u"pending may_run"_s, u"wait"_s);
    row("finished", facts(item(u"d1"_s, u"completed"_s)), u"finished"_s, u"none"_s);
    row("dead", facts(item(u"d1"_s, u"dead"_s)), u"needs_person"_s, u"replay"_s);
    row("unconfirmed", facts(item(u"d1"_s, u"unconfirmed"_s)), u"needs_person"_s, u"confirm"_s);
    DeliveryItem settled = item(u"d1"_s, u"dead"_s);
    settled.resolution = u"discarded"_s;
    row("settled", facts(settled), u"settled"_s, u"none"_s);
    row("its turn runs", facts(held(u"d1"_s, u"accepted"_s)), u"running turn_runs"_s, u"cancel"_s);
    row("behind a turn", waiting(held(u"d1"_s, u"accepted"_s)),
        u"waiting:lock lock_held holds_lock turn_runs"_s, u"release"_s);
    row("behind a silent prompt", waiting(held(u"d1"_s, u"sending"_s)),
        u"waiting:lock lock_held holds_lock prompt_unanswered"_s, u"release"_s);
    ExplainFacts dead = waiting(held(u"d1"_s, u"accepted"_s));
    dead.engineAlive = false;
    row("behind a dead engine", dead, u"waiting:lock lock_held holds_lock engine_dead"_s, u"release"_s);
    DeliveryItem away = held(u"d1"_s, u"none"_s);
    away.state = u"waiting"_s;
    away.waitsFor = u"runtime"_s;
    away.errorCode = u"http_503"_s;
    row("behind a runtime", waiting(away), u"waiting:lock lock_held holds_lock runtime_away"_s, u"wait"_s);
    row("waits for a runtime", facts(away), u"waiting:runtime runtime_away"_s, u"wait"_s);
    row("behind one that may run", waiting(item(u"d1"_s, u"pending"_s)),
        u"waiting:lock earlier_message pending may_run"_s, u"wait"_s);
    ExplainFacts paused = waiting(item(u"d1"_s, u"pending"_s));
    paused.pauses << pause(u"delivery"_s);
    row("behind one that is paused", paused, u"waiting:lock earlier_message pending pauses_delivery"_s,
        u"resume"_s);
    DeliveryItem again = item(u"d1"_s, u"waiting"_s, u"retry"_s);
    again.nextTryAt = kNow + Millis(1000);
    row("a retry", facts(again), u"waiting:retry next_try"_s, u"wait"_s);
    ExplainFacts posting = facts(item(u"d1"_s, u"waiting"_s, u"outbound"_s));
    posting.outbound = outbound(u"o2"_s, u"retry"_s);
    row("a rate limit", posting, u"waiting:outbound post_retries"_s, u"wait"_s);
    ExplainFacts tokenless = posting;
    tokenless.outbound->errorCode = u"invalid_auth"_s;
    tokenless.trouble = u"invalid_auth"_s;
    row("a token that Slack refuses", tokenless, u"waiting:outbound post_retries needs_token"_s,
        u"authorise"_s);
    tokenless.outbound->errorCode = u"ratelimited"_s;
    ExplainFacts limited = posting;
    limited.heldUntil = kNow + Millis(5000);
    limited.heldPlace = u"C1"_s;
    row("what the channel limits", limited, u"waiting:outbound post_retries rate_limited"_s, u"wait"_s);
    row("a rate limit, and a trouble besides", tokenless, u"waiting:outbound post_retries"_s, u"wait"_s);
    posting.laneHead = outbound(u"o1"_s, u"unknown"_s);
    row("behind another post", posting, u"waiting:outbound waits_behind post_unknown"_s, u"wait"_s);
    posting.pauses << pause(u"outbound"_s);
    row("posts are paused", posting, u"waiting:outbound waits_to_be_posted pauses_outbound"_s, u"resume"_s);
}

void ExplainTest::theChainEndsInOneAction()
{
    QFETCH(ExplainFacts, given);
    QFETCH(QString, chain);
    QFETCH(QString, action);
    const Explanation explanation = explain(given);
    QStringList whats;
    for (const ExplainLink &link : explanation.links)
        whats << link.what;
    QCOMPARE(whats.join(u' '), chain);
    QCOMPARE(explanation.action, action);
    QCOMPARE(explanation.links.last().action, action);
    for (const ExplainLink &link : explanation.links.first(explanation.links.size() - 1))
        QVERIFY(link.action.isEmpty());
    QCOMPARE(explanation.id, given.delivery.id);
}

void ExplainTest::everyLinkSaysSinceWhen()
{
    const Explanation explanation = explain(waiting(held(u"d1"_s, u"accepted"_s)));
    QCOMPARE(explanation.links.size(), 4);
    QCOMPARE(explanation.links[0].since, ago(600));
    QCOMPARE(explanation.links[1].id, u"se1"_s);
    QCOMPARE(explanation.links[1].since, ago(500));
    QCOMPARE(explanation.links[1].evidence, u"fence 7"_s);
    QCOMPARE(explanation.links[2].id, u"d1"_s);
    QCOMPARE(explanation.links[3].since, ago(390));
}

void ExplainTest::aPauseOfTheIntakeHoldsOnlyWhatCameSince()
{
    ExplainFacts before = facts(item(u"d1"_s, u"pending"_s)); // came 600 s ago
    before.pauses << pause(u"intake"_s, ago(50));
    QCOMPARE(explain(before).action, u"wait"_s);
    ExplainFacts since = facts(item(u"d1"_s, u"pending"_s));
    since.pauses << pause(u"intake"_s, ago(700));
    QCOMPARE(explain(since).action, u"resume"_s);
    since.delivery.parentId = u"d0"_s; // what an operator asked for is no intake
    QCOMPARE(explain(since).action, u"wait"_s);
}

void ExplainTest::requestsAreChecked_data()
{
    QTest::addColumn<ActionRequest>("request");
    QTest::addColumn<bool>("good");
    ActionRequest request(Act::Cancel, u"d1"_s, u"it hangs"_s);
    QTest::newRow("good") << request << true;
    request.reason = u"  "_s;
    QTest::newRow("no reason") << request << false;
    request.reason = QString(1001, u'x');
    QTest::newRow("a long reason") << request << false;
    request = ActionRequest(Act::ReleaseLock, u"s1"_s, u"it hangs"_s);
    QTest::newRow("a release without a fence") << request << false;
    request.expectedFence = 3;
    QTest::newRow("a release") << request << true;
    request = ActionRequest(Act::Confirm, u"d1"_s, u"seen"_s);
    QTest::newRow("a confirmation of nothing") << request << false;
    request.as = u"delivered"_s;
    QTest::newRow("a confirmation") << request << true;
    request = ActionRequest(Act::Pause, u"e1"_s, u"tests"_s);
    request.scope = u"engine"_s;
    request.what = u"delivery"_s;
    QTest::newRow("a pause of one engine") << request << false;
    request.id = u"all"_s;
    QTest::newRow("a pause of all") << request << true;
    request.what = u"everything"_s;
    QTest::newRow("a pause of everything") << request << false;
}

void ExplainTest::requestsAreChecked()
{
    QFETCH(ActionRequest, request);
    QFETCH(bool, good);
    QCOMPARE(request.check().has_value(), good);
}

void ExplainTest::theFingerprintTellsRequestsApart()
{
    const ActionRequest one(Act::Cancel, u"d1"_s, u"it hangs"_s);
    ActionRequest two = one;
    two.actor = u"another"_s;
    two.key = u"k"_s;
    QCOMPARE(one.fingerprint(), two.fingerprint());
    two.reason = u"another"_s;
    QVERIFY(one.fingerprint() != two.fingerprint());
    two = one;
    two.act = Act::Discard;
    QVERIFY(one.fingerprint() != two.fingerprint());
}

QTEST_GUILESS_MAIN(ExplainTest)
#include "tst_explain.moc"
