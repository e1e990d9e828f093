// SPDX-License-Identifier: Apache-2.0
// Calls to webhooks that bring an answer to whoever asked (contracts/interactions.md, INTERFACE.md "POST
// /v1/interactions"): what operators see of one that does not arrive.
#include "interaction_samples.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::ClaimOutcome;
using namespace signalbox::testing;

namespace {

AskQuestion ask(const QString &id, const QStringList &webhooks)
{
    AskQuestion ask;
    ask.interaction = question(id);
    ask.interaction.origin = domain::InteractionOrigin::Question;
    ask.webhooks = webhooks;
    return ask;
}

domain::InteractionItem shown(StoreFixture &f, const QString &id)
{
    const auto items = async::blockOn(f.db().interactionItems({id}));
    return items && items->size() == 1 ? items->first() : domain::InteractionItem();
}

Status finish(StoreFixture &f, const ClaimedWebhookCall &call, ForwardState state, const QString &code = {})
{
    FinishForward finish;
    finish.life = call.life;
    finish.id = call.id;
    finish.attempts = call.attempts;
    finish.state = state;
    finish.errorCode = code;
    return async::blockOn(f.db().finishWebhookCall(finish));
}

} // namespace

class StoreWebhooksTest : public QObject, private InteractionSteps
{
    Q_OBJECT
private Q_SLOTS:
    void call_isShownUntilItArrives();
    void call_thatHasLostItsText_isShownAsDead();
    void call_whoseWebhookIsGone_isShownAsDead();

private:
    static QList<ClaimedWebhookCall> claimed(StoreFixture &f, const EngineLife &life, const QString &webhook)
    {
        auto calls = async::blockOn(f.db().claimWebhookCalls(life, webhook, 10));
        return calls ? QList<ClaimedWebhookCall>(calls->begin(), calls->end()) : QList<ClaimedWebhookCall>();
    }
    static qint64 answered(StoreFixture &f, const QStringList &webhooks)
    {
        if (!async::blockOn(f.db().askQuestion(ask(u"q1"_s, webhooks))))
            return 0;
        if (claim(f, click(u"q1"_s)).outcome != ClaimOutcome::Won)
            return 0;
        return shown(f, u"q1"_s).rev;
    }
};

void StoreWebhooksTest::call_isShownUntilItArrives()
{
    PREPARED(f);
    const qint64 rev = answered(f, {u"crm"_s});
    QVERIFY(rev > 0);
    QCOMPARE(shown(f, u"q1"_s).webhook, u"crm"_s);
    QCOMPARE(shown(f, u"q1"_s).webhookState, u"pending"_s);
    auto calls = claimed(f, life, u"crm"_s);
    QCOMPARE(calls.size(), 1);
    QVERIFY(calls[0].body.contains("interaction.answered"));
    QVERIFY(finish(f, calls[0], ForwardState::Retry, u"http_500"_s));
    domain::InteractionItem item = shown(f, u"q1"_s);
    QCOMPARE(item.webhookState, u"retry"_s);
    QCOMPARE(item.webhookError, u"http_500"_s);
    QCOMPARE(item.webhookAttempts, 1);
    QVERIFY(item.rev > rev); // whoever looks is told
    QVERIFY(isNever(item.acceptedAt));
    calls = claimed(f, life, u"crm"_s);
    QCOMPARE(calls.size(), 1);
    QVERIFY(finish(f, calls[0], ForwardState::Sent));
    item = shown(f, u"q1"_s);
    QCOMPARE(item.webhook, QString());
    QVERIFY(!isNever(item.acceptedAt));
}

void StoreWebhooksTest::call_thatHasLostItsText_isShownAsDead()
{
    PREPARED(f);
    const qint64 rev = answered(f, {u"crm"_s});
    f.sql(u"DELETE FROM payloads WHERE id IN (SELECT id FROM webhook_calls)"_s);
    QCOMPARE(claimed(f, life, u"crm"_s).size(), 0);
    const domain::InteractionItem item = shown(f, u"q1"_s);
    QCOMPARE(item.webhookState, u"dead"_s);
    QCOMPARE(item.webhookError, u"payload_expired"_s);
    QVERIFY(item.rev > rev);
    QVERIFY(isNever(item.acceptedAt));
}

void StoreWebhooksTest::call_whoseWebhookIsGone_isShownAsDead()
{
    PREPARED(f);
    const qint64 rev = answered(f, {u"crm"_s, u"old crm"_s});
    QVERIFY(finish(f, claimed(f, life, u"crm"_s).value(0), ForwardState::Sent));
    f.sql(u"UPDATE webhook_calls SET updated_at = 1 WHERE state = 'pending'"_s);
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    const domain::InteractionItem item = shown(f, u"q1"_s);
    QCOMPARE(item.webhook, u"old crm"_s);
    QCOMPARE(item.webhookState, u"dead"_s);
    QCOMPARE(item.webhookError, u"no_webhook"_s);
    QVERIFY(item.rev > rev);
}

QTEST_GUILESS_MAIN(StoreWebhooksTest)
#include "tst_store_webhooks.moc"
