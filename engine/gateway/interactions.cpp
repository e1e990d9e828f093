// SPDX-License-Identifier: Apache-2.0
#include "gateway/interactions.h"

#include "base/log.h"
#include "domain/session_id.h"
#include "store/errors.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using signalbox::domain::InteractionState;
using signalbox::runtimes::Question;
using signalbox::runtimes::QuestionAnswer;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcInteractions, "signalbox.engine.interactions")

constexpr Millis kBackstop{1000}; // a question is closed within this of its time
constexpr int kBatch = 100;
constexpr Millis kStorePauseFirst{100};
constexpr Millis kStorePauseMost{5000};
constexpr int kMostTries = 12; // about 40 s: then the agent is refused instead of left hanging
constexpr Millis kNotingPatience{5000};
constexpr Millis kSoon{1};

bool isStale(const Error &error)
{
    return error.native() == QStringView(store::kStale);
}
} // namespace

// Keeps its turn's questions apart from others'. The turn holds it weakly.
class Interactions::DeliveryAsker final : public runtimes::Asker
{
public:
    DeliveryAsker(Interactions &owner, std::shared_ptr<DeliveryWork> work, std::weak_ptr<runtimes::Turn> turn)
        : m_owner(owner)
        , m_work(std::move(work))
        , m_turn(std::move(turn))
    {
    }
    void ask(const Question &question) override { m_owner.ask(m_work, m_turn, question); }
    void withdraw(const QString &connection, const QString &request) override
    {
        m_owner.withdraw(connection, request);
    }

private:
    Interactions &m_owner;
    std::shared_ptr<DeliveryWork> m_work;
    std::weak_ptr<runtimes::Turn> m_turn;
};

Interactions::Interactions(store::Store &store, InstallationBook &book, EngineLease &lease,
    EngineOrders &orders, const config::Config &config, IdGenerator &ids)
    : m_store(store)
    , m_book(book)
    , m_lease(lease)
    , m_orders(orders)
    , m_config(config)
    , m_ids(ids)
    , m_loop("interactions", kBackstop)
    , m_scope(u"interactions"_s)
{
}

Interactions::~Interactions() = default;

void Interactions::start()
{
    m_loop.start([this] { return expire(); });
}

QCoro::Task<> Interactions::stop()
{
    co_await m_loop.stop();
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

void Interactions::wake()
{
    m_orders.wake();
    if (m_outbound)
        m_outbound();
}

// ---- asking

std::shared_ptr<runtimes::Asker> Interactions::askerFor(
    const std::shared_ptr<DeliveryWork> &work, const std::shared_ptr<runtimes::Turn> &turn)
{
    const auto backend = std::find_if(m_config.backends.begin(), m_config.backends.end(),
        [&](const config::BackendConfig &candidate) { return candidate.name == work->delivery.backend; });
    const bool asks = backend != m_config.backends.end() && backend->permissions == u"ask";
    // A card needs a channel that can show it.
    if (!asks || domain::hasSessionLog(work->delivery.channel))
        return nullptr;
    return std::make_shared<DeliveryAsker>(*this, work, turn);
}

void Interactions::ask(const std::shared_ptr<DeliveryWork> &work, const std::weak_ptr<runtimes::Turn> &turn,
    const Question &question)
{
    const store::ClaimedDelivery &delivery = work->delivery;
    const auto installation = m_book.byId(delivery.installationId);
    store::NewInteraction asked;
    asked.id = m_ids.next();
    asked.installationId = delivery.installationId;
    asked.place = delivery.place;
    asked.thread = delivery.thread;
    asked.sessionId = delivery.sessionId;
    asked.asking = work->held;
    asked.origin = question.isForm ? domain::InteractionOrigin::Form : domain::InteractionOrigin::Permission;
    asked.kind = question.kind;
    asked.text = question.text;
    asked.choices = question.choices;
    const bool mayAllowAlways = delivery.direct || (installation && installation->allowAlways);
    asked.choices.options = domain::permittedOptions(question.choices.options, mayAllowAlways);
    if (installation)
        asked.answerers = domain::answerersFor(installation->answerers, delivery.user);
    asked.ttl = m_config.interactionTtl;
    asked.payloadTtl = m_config.engine.payloadRetention;
    asked.holder = delivery.life;
    asked.connection = question.connection;
    asked.request = question.request;
    Asked entry;
    entry.deliveryId = delivery.id;
    entry.life = delivery.life;
    entry.connection = question.connection;
    entry.request = question.request;
    entry.turn = turn;
    m_asked.insert(asked.id, entry);
    const bool empty = asked.choices.options.empty() && !asked.choices.takesText;
    if (empty || asked.answerers.isEmpty())
        m_scope.spawn("refused question", refuse(asked.id));
    else
        m_scope.spawn("question", put(std::move(asked)));
}

// Stored and shown in one transaction; what became of its card the outbox sees to.
QCoro::Task<> Interactions::put(store::NewInteraction asked)
{
    Millis pause = kStorePauseFirst;
    for (int tries = 1;; ++tries) {
        const auto stored = co_await m_store.storeInteraction(asked);
        if (stored) {
            if (m_outbound)
                m_outbound();
            if (m_asked.value(asked.id).withdrawn) {
                store::ResolveInteraction gone;
                gone.id = asked.id;
                gone.state = InteractionState::Withdrawn;
                gone.code = u"withdrawn"_s;
                co_await resolve(std::move(gone));
            }
            co_return;
        }
        logWarning(lcInteractions, "a question could not be stored",
            {{"delivery", asked.asking.id}, {"code", stored.error().native()}});
        const bool over = isStale(stored.error()) || !m_asked.contains(asked.id);
        if (over || stored.error().code() != ErrorCode::Unavailable || tries == kMostTries)
            break;
        if (co_await async::delay(pause, m_scope.token()) == async::Wake::Cancelled)
            break;
        pause = std::min(pause * 2, kStorePauseMost);
    }
    const QString id = asked.id;
    co_await refuse(id);
    // Its last try may have been stored after all.
    store::ResolveInteraction gone;
    gone.id = id;
    gone.state = InteractionState::Withdrawn;
    gone.code = u"not_asked"_s;
    co_await resolve(std::move(gone));
}

QCoro::Task<> Interactions::refuse(QString id)
{
    co_await async::delay(kSoon); // whoever asks is in the middle of asking
    QuestionAnswer refused;
    refused.how = QuestionAnswer::How::Refused;
    tell(id, refused);
    m_asked.remove(id);
}

bool Interactions::tell(const QString &id, const QuestionAnswer &answer)
{
    const Asked asked = m_asked.value(id);
    const std::shared_ptr<runtimes::Turn> turn = asked.turn.lock();
    return turn && turn->answer(asked.connection, asked.request, answer);
}

// ---- the agent's side of the end

void Interactions::withdraw(const QString &connection, const QString &request)
{
    for (auto asked = m_asked.begin(); asked != m_asked.end(); ++asked) {
        if (asked->connection != connection || asked->request != request)
            continue;
        asked->withdrawn = true;
        store::ResolveInteraction gone;
        gone.id = asked.key();
        gone.state = InteractionState::Withdrawn;
        gone.code = u"withdrawn"_s;
        m_scope.spawn("withdrawn question", resolve(std::move(gone)));
        return;
    }
}

QCoro::Task<> Interactions::resolve(store::ResolveInteraction resolve)
{
    const QString id = resolve.id;
    Millis pause = kStorePauseFirst;
    for (;;) {
        const auto resolved = co_await m_store.resolveInteraction(resolve);
        if (resolved) {
            if (*resolved)
                wake();
            co_return;
        }
        logWarning(lcInteractions, "a question is not closed yet",
            {{"interaction", id}, {"code", resolved.error().native()}});
        // Its turn's end closes it otherwise.
        if (resolved.error().code() != ErrorCode::Unavailable)
            co_return;
        if (co_await async::delay(pause, m_scope.token()) == async::Wake::Cancelled)
            co_return;
        pause = std::min(pause * 2, kStorePauseMost);
    }
}

bool Interactions::isNoting(const QString &deliveryId) const
{
    return std::any_of(m_asked.begin(), m_asked.end(),
        [&](const Asked &asked) { return asked.deliveryId == deliveryId && asked.noting; });
}

QCoro::Task<> Interactions::turnOver(QString deliveryId)
{
    const bool any = std::any_of(
        m_asked.begin(), m_asked.end(), [&](const Asked &asked) { return asked.deliveryId == deliveryId; });
    if (!any)
        co_return;
    // The end of the turn must not overtake that its answer was taken.
    while (isNoting(deliveryId)) {
        if (co_await async::waitSignal(this, &Interactions::handedOver, kNotingPatience)
            != async::Wake::Fired)
            break;
    }
    m_asked.removeIf([&](const auto &asked) { return asked.value().deliveryId == deliveryId; });
    const auto withdrawn = co_await m_store.withdrawInteractions(deliveryId);
    if (!withdrawn)
        logWarning(lcInteractions, "what a turn asked could not be closed; its end will",
            {{"delivery", deliveryId}, {"code", withdrawn.error().native()}});
    else if (withdrawn->count > 0)
        wake();
}

// ---- the person's side of the end

QCoro::Task<Result<store::ClaimedInteraction>> Interactions::claim(store::ClaimInteraction claim)
{
    const auto claimed = co_await m_store.claimInteraction(std::move(claim));
    if (claimed && claimed->outcome == domain::ClaimOutcome::Won) {
        logInfo(lcInteractions, "a question was answered", {{"interaction", claimed->id}});
        wake();
    }
    co_return claimed;
}

QCoro::Task<bool> Interactions::expire()
{
    const auto closed = co_await m_store.expireInteractions(kBatch);
    if (!closed) {
        logWarning(
            lcInteractions, "questions could not be looked through", {{"code", closed.error().native()}});
        co_return false;
    }
    if (closed->count > 0) {
        logInfo(lcInteractions, "nobody answered in time", {{"questions", QString::number(closed->count)}});
        wake();
    }
    co_return closed->count == kBatch;
}

QCoro::Task<bool> Interactions::handOver(store::EngineOrder order)
{
    const QString id = order.subjectId;
    if (!m_asked.contains(id))
        co_return true; // its turn is over
    if (!m_lease.mayAct(m_asked.value(id).life))
        co_return false;
    if (m_asked.value(id).taken)
        co_return co_await accept(id);
    const auto row = co_await m_store.interaction(id);
    if (!row)
        co_return row.error().code() == ErrorCode::NotFound;
    QuestionAnswer answer; // expired, cancelled: there will be none
    if (row->state == InteractionState::Answered) {
        answer.how
            = row->answer.option.isEmpty() ? QuestionAnswer::How::Written : QuestionAnswer::How::Chosen;
        answer.option = row->answer.option;
        answer.text = row->answer.text;
    } else if (domain::isClaimable(row->state)) {
        co_return true;
    }
    const bool told = tell(id, answer);
    const auto asked = m_asked.find(id);
    if (asked == m_asked.end())
        co_return true;
    if (!told || row->state != InteractionState::Answered) {
        m_asked.erase(asked);
        co_return true;
    }
    asked->taken = true;
    asked->noting = true;
    co_return co_await accept(id);
}

// The agent has it: written down before the end of its turn is.
QCoro::Task<bool> Interactions::accept(QString id)
{
    store::AcceptInteraction accept;
    accept.id = id;
    accept.life = m_asked.value(id).life;
    const auto accepted = co_await m_store.acceptInteraction(std::move(accept));
    if (!accepted) {
        logWarning(lcInteractions, "that an agent took an answer could not be noted yet",
            {{"interaction", id}, {"code", accepted.error().native()}});
        co_return false;
    }
    m_asked.remove(id);
    Q_EMIT handedOver();
    co_return true;
}

} // namespace signalbox::gateway
