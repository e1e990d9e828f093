// SPDX-License-Identifier: Apache-2.0
#include "domain/explain.h"

#include "domain/installation_trouble.h"

using namespace Qt::StringLiterals;

namespace signalbox::domain {

namespace {

QString stateText(const DeliveryItem &item)
{
    return item.waitsFor.isEmpty() ? item.state : item.state + u':' + item.waitsFor;
}

// Builds the links from the outside in; the last one gets the action.
class Chain
{
public:
    explicit Chain(const ExplainFacts &facts)
        : m_facts(facts)
    {
        m_explanation.id = facts.delivery.id;
    }

    ExplainLink &add(const QString &kind, const QString &id, const QString &what, Instant since)
    {
        return m_explanation.links.emplace_back(kind, id, what, since);
    }
    Explanation end(const QString &action)
    {
        m_explanation.action = action;
        if (!m_explanation.links.isEmpty())
            m_explanation.links.last().action = action;
        return m_explanation;
    }

    // The pause that stops this, if any does: one of the intake holds what people wrote since, and no replay.
    const ExplainPause *pause(QStringView what, const DeliveryItem &item) const
    {
        for (const ExplainPause &pause : m_facts.pauses) {
            const bool intake = what == u"delivery" && pause.what == u"intake" && item.parentId.isEmpty()
                && item.createdAt >= pause.since;
            if (pause.what == what || intake)
                return &pause;
        }
        return nullptr;
    }
    Explanation paused(const ExplainPause &pause)
    {
        ExplainLink &link
            = add(u"pause"_s, pause.scope + u'/' + pause.id, u"pauses_"_s + pause.what, pause.since);
        link.evidence = u"by "_s + pause.who;
        if (!isNever(pause.until))
            link.evidence += u", until "_s + toRfc3339(pause.until);
        return end(u"resume"_s);
    }

    // Who holds the lock, and what they are at.
    Explanation holder(const DeliveryItem &item, const QString &stage);
    Explanation outbound();
    Explanation pending(const DeliveryItem &item);

private:
    const ExplainFacts &m_facts;
    Explanation m_explanation;
};

Explanation Chain::holder(const DeliveryItem &item, const QString &stage)
{
    if (!m_facts.engineAlive) {
        ExplainLink &link = add(u"engine"_s, m_facts.engine, u"engine_dead"_s, m_facts.leaseUntil);
        link.evidence = isNever(m_facts.leaseUntil)
            ? u"no such engine is registered"_s
            : u"its lease ended at "_s + toRfc3339(m_facts.leaseUntil);
        return end(u"release"_s);
    }
    if (item.waitsFor == u"person") {
        add(u"delivery"_s, item.id, u"asks_person"_s, item.updatedAt);
        return end(u"wait"_s);
    }
    const bool ours = item.id == m_facts.delivery.id;
    if (item.promptState != u"none") {
        const bool accepted = item.promptState == u"accepted";
        ExplainLink &link = add(u"delivery"_s, item.id,
            stage == u"adopting" ? u"looks_for_turn"_s
                : accepted       ? u"turn_runs"_s
                                 : u"prompt_unanswered"_s,
            accepted ? item.acceptedAt : item.promptSentAt);
        link.evidence = u"attempt %1 on %2"_s.arg(item.attempts).arg(m_facts.engine);
        return end(ours ? u"cancel"_s : u"release"_s);
    }
    if (item.waitsFor == u"runtime" || !item.errorCode.isEmpty() || stage == u"recovering") {
        ExplainLink &link = add(u"runtime"_s, item.backend, u"runtime_away"_s,
            isNever(m_facts.runtimeSince) ? item.claimedAt : m_facts.runtimeSince);
        link.evidence = item.errorCode;
        if (!m_facts.runtimePhase.isEmpty())
            link.evidence += (link.evidence.isEmpty() ? u""_s : u", "_s) + m_facts.runtimePhase;
        return end(u"wait"_s);
    }
    ExplainLink &link = add(u"delivery"_s, item.id, u"on_its_way"_s, item.claimedAt);
    link.evidence = stage;
    return end(u"wait"_s);
}

Explanation Chain::pending(const DeliveryItem &item)
{
    if (const ExplainPause *pause = this->pause(u"delivery", item))
        return paused(*pause);
    if (item.waitsFor == u"retry") {
        ExplainLink &link = add(u"delivery"_s, item.id, u"next_try"_s, item.updatedAt);
        link.evidence = item.errorCode + u", at "_s + toRfc3339(item.nextTryAt);
        return end(u"wait"_s);
    }
    add(u"delivery"_s, item.id, u"may_run"_s, item.updatedAt);
    return end(u"wait"_s);
}

Explanation Chain::outbound()
{
    if (!m_facts.outbound)
        return end(u"wait"_s);
    if (const ExplainPause *pause = this->pause(u"outbound", m_facts.delivery)) {
        add(u"outbound"_s, m_facts.outbound->id, u"waits_to_be_posted"_s, m_facts.outbound->createdAt);
        return paused(*pause);
    }
    if (m_facts.laneHead)
        add(u"outbound"_s, m_facts.outbound->id, u"waits_behind"_s, m_facts.outbound->createdAt);
    const OutboundItem &head = m_facts.laneHead ? *m_facts.laneHead : *m_facts.outbound;
    const QString what = head.state == u"retry" ? u"post_retries"_s
        : head.state == u"unknown"              ? u"post_unknown"_s
        : head.state == u"sending"              ? u"being_posted"_s
                                                : u"waits_to_be_posted"_s;
    ExplainLink &link = add(u"outbound"_s, head.id, what, head.updatedAt);
    link.evidence = head.errorCode;
    if (!isNever(head.nextTryAt))
        link.evidence += (link.evidence.isEmpty() ? u"at "_s : u", at "_s) + toRfc3339(head.nextTryAt);
    if (!isNever(m_facts.heldUntil)) {
        ExplainLink &limit = add(u"channel"_s,
            m_facts.heldPlace.isEmpty() ? m_facts.delivery.installation : m_facts.heldPlace,
            u"rate_limited"_s, head.updatedAt);
        limit.evidence = u"until "_s + toRfc3339(m_facts.heldUntil);
        return end(u"wait"_s);
    }
    if (head.state == u"retry" && troubleKind(head.errorCode) && !m_facts.trouble.isEmpty()) {
        ExplainLink &cause
            = add(u"installation"_s, m_facts.delivery.installation, u"needs_token"_s, m_facts.troubleSince);
        cause.evidence = m_facts.trouble;
        return end(u"authorise"_s);
    }
    return end(u"wait"_s);
}

} // namespace

Explanation explain(const ExplainFacts &facts)
{
    Chain chain(facts);
    const DeliveryItem &item = facts.delivery;
    if (item.state == u"completed" || item.state == u"cancelled") {
        ExplainLink &link = chain.add(u"delivery"_s, item.id, u"finished"_s, item.finishedAt);
        link.evidence = item.outcome.isEmpty() ? item.errorCode : item.outcome;
        return chain.end(u"none"_s);
    }
    if (item.state == u"dead" || item.state == u"unconfirmed") {
        const bool settled = !item.resolution.isEmpty();
        ExplainLink &link
            = chain.add(u"delivery"_s, item.id, settled ? u"settled"_s : u"needs_person"_s, item.finishedAt);
        link.evidence = settled ? item.resolution : item.errorCode;
        return chain.end(settled ? u"none"_s : item.state == u"dead" ? u"replay"_s : u"confirm"_s);
    }
    ExplainLink &first = chain.add(u"delivery"_s, item.id, stateText(item), item.createdAt);
    first.evidence = item.errorCode;
    if (item.waitsFor == u"outbound")
        return chain.outbound();
    if (!item.engine.isEmpty())
        return chain.holder(item, facts.stage);
    if (!facts.ahead)
        return chain.pending(item);
    const DeliveryItem &ahead = *facts.ahead;
    const bool locked = facts.session && !facts.session->lockHolder.isEmpty();
    ExplainLink &order
        = chain.add(u"session"_s, item.sessionId, locked ? u"lock_held"_s : u"earlier_message"_s,
            locked ? facts.session->lockAcquiredAt : ahead.createdAt);
    if (locked)
        order.evidence = u"fence %1"_s.arg(facts.session->fence);
    ExplainLink &holds
        = chain.add(u"delivery"_s, ahead.id, locked ? u"holds_lock"_s : stateText(ahead), ahead.claimedAt);
    holds.evidence = ahead.errorCode;
    return locked ? chain.holder(ahead, facts.aheadStage) : chain.pending(ahead);
}

} // namespace signalbox::domain
