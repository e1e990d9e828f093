// SPDX-License-Identifier: Apache-2.0
#include "support/fake_operator_api.h"

#include <QPointer>

#include <algorithm>

namespace signalbox::testing {

using namespace Qt::StringLiterals;
using namespace domain;

namespace {

template <class Item>
bool newer(const Item &a, const Item &b)
{
    return a.createdAt != b.createdAt ? a.createdAt > b.createdAt : a.id > b.id;
}

template <class Item>
void store(QList<Item> &items, const Item &item)
{
    const auto place = std::lower_bound(items.begin(), items.end(), item, newer<Item>);
    if (place != items.end() && place->id == item.id)
        *place = item;
    else
        items.insert(place, item);
}

bool hasText(const SessionItem &item, const QString &text)
{
    return item.id.startsWith(text) || text == item.place || text == item.thread || text == item.tenant;
}

bool hasText(const DeliveryItem &item, const QString &text)
{
    return item.id.startsWith(text) || text == item.place || text == item.thread || text == item.messageTs
        || text == item.user || text == item.tenant;
}

bool inSession(const SessionItem &, const QString &)
{
    return true;
}

bool inSession(const DeliveryItem &item, const QString &session)
{
    return item.sessionId == session;
}

template <class Item>
bool matches(const Item &item, const ListQuery &query)
{
    return (query.states.isEmpty() || query.states.contains(item.state))
        && (query.session.isEmpty() || inSession(item, query.session))
        && (query.text.isEmpty() || hasText(item, query.text));
}

// A cursor is "created:id" of the last row that was given.
template <class Item>
Item cursorItem(const QString &cursor)
{
    Item item;
    item.createdAt = fromMs(cursor.section(u':', 0, 0).toLongLong());
    item.id = cursor.section(u':', 1);
    return item;
}

template <class Item>
Page<Item> pageOf(const QList<Item> &items, const ListQuery &query)
{
    Page<Item> page;
    const bool all = query.states.isEmpty() && query.session.isEmpty() && query.text.isEmpty();
    page.total = all ? items.size() : std::count_if(items.begin(), items.end(), [&query](const Item &each) {
        return matches(each, query);
    });
    page.totalIsExact = page.total <= 10'000;
    const auto take = [&](const Item &item) {
        if (!matches(item, query))
            return true;
        if (page.items.size() == query.limit) {
            const Item &last = page.items.constLast();
            page.nextCursor = QString::number(toMs(last.createdAt)) + u':' + last.id;
            return false;
        }
        page.items.append(item);
        return true;
    };
    if (query.oldestFirst) {
        auto at = items.end();
        if (!query.cursor.isEmpty())
            at = std::lower_bound(items.begin(), items.end(), cursorItem<Item>(query.cursor), newer<Item>);
        while (at != items.begin() && take(*--at)) { }
    } else {
        auto at = items.begin();
        if (!query.cursor.isEmpty())
            at = std::upper_bound(items.begin(), items.end(), cursorItem<Item>(query.cursor), newer<Item>);
        while (at != items.end() && take(*at))
            ++at;
    }
    return page;
}

template <class Item>
QList<Change> changeOf(const QString &kind, const Item &item)
{
    Change change;
    change.kind = kind;
    change.id = item.id;
    if constexpr (requires { item.rev; })
        change.rev = item.rev;
    else
        change.rev = 1;
    change.item = item;
    return {change};
}

Error notFound(const QString &id)
{
    return Error(ErrorCode::NotFound, u"no row "_s + id);
}

} // namespace

FakeOperatorApi::FakeOperatorApi(QObject *parent)
    : OperatorApi(parent)
{
}

FakeOperatorApi::~FakeOperatorApi()
{
    const auto waiting = std::exchange(m_waiting, {});
    for (const auto &gate : waiting)
        gate.finish(Error(ErrorCode::Cancelled, u"the fake engine ends"_s));
}

void FakeOperatorApi::add(const SessionItem &item)
{
    store(m_sessions, item);
}

void FakeOperatorApi::add(const DeliveryItem &item)
{
    store(m_deliveries, item);
}

void FakeOperatorApi::setDetail(const DeliveryDetail &detail)
{
    m_details.insert(detail.item.id, detail);
}

void FakeOperatorApi::removeDelivery(const QString &id)
{
    m_deliveries.removeIf([&id](const DeliveryItem &item) { return item.id == id; });
    m_details.remove(id);
}

void FakeOperatorApi::push(const DeliveryItem &item)
{
    add(item);
    if (m_watched.contains(u"delivery"_s))
        Q_EMIT changed(changeOf(u"delivery"_s, item));
}

void FakeOperatorApi::push(const SessionItem &item)
{
    add(item);
    if (m_watched.contains(u"session"_s))
        Q_EMIT changed(changeOf(u"session"_s, item));
}

void FakeOperatorApi::push(const OutboundItem &item)
{
    if (m_watched.contains(u"outbound"_s))
        Q_EMIT changed(changeOf(u"outbound"_s, item));
}

void FakeOperatorApi::pushStatus(const EngineStatus &status)
{
    m_status = status;
    Q_EMIT statusChanged(status);
}

void FakeOperatorApi::setConnection(admin::ConnectionState state, const QString &reason)
{
    m_connection = state;
    m_reason = reason;
    Q_EMIT connectionChanged();
}

void FakeOperatorApi::failNext(const Error &error, int count)
{
    for (int i = 0; i < count; ++i)
        m_failures.append(error);
}

void FakeOperatorApi::release()
{
    m_held = false;
    for (qsizetype i = 0; i < m_waiting.size(); ++i)
        answerLater();
}

void FakeOperatorApi::answerLater()
{
    QTimer::singleShot(m_delay, this, [this] {
        if (m_waiting.isEmpty() || m_held)
            return;
        const auto next = m_waiting.takeFirst(); // in the order in which they were asked
        std::optional<Error> failure;
        if (!m_failures.isEmpty())
            failure = m_failures.takeFirst();
        next.finish(failure);
    });
}

QCoro::Task<std::optional<Error>> FakeOperatorApi::gate()
{
    async::Completion<std::optional<Error>> gate;
    m_waiting.append(gate);
    if (!m_held)
        answerLater();
    co_return co_await gate.wait();
}

QCoro::Task<Result<EngineStatus>> FakeOperatorApi::status()
{
    const QPointer<FakeOperatorApi> self(this);
    auto failure = co_await gate();
    if (failure || !self)
        co_return fail(failure.value_or(Error(ErrorCode::Cancelled, u"gone"_s)));
    const EngineStatus status = m_status; // co_return would move it out
    co_return status;
}

QCoro::Task<Result<Page<SessionItem>>> FakeOperatorApi::sessions(ListQuery query)
{
    ++m_listCalls;
    m_lastQuery = query;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    co_return pageOf(m_sessions, query);
}

QCoro::Task<Result<Page<DeliveryItem>>> FakeOperatorApi::deliveries(ListQuery query)
{
    ++m_listCalls;
    m_lastQuery = query;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    co_return pageOf(m_deliveries, query);
}

QCoro::Task<Result<SessionItem>> FakeOperatorApi::session(QString id)
{
    ++m_detailCalls;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    for (const SessionItem &item : std::as_const(m_sessions)) {
        if (item.id == id)
            co_return item;
    }
    co_return fail(notFound(id));
}

QCoro::Task<Result<DeliveryDetail>> FakeOperatorApi::delivery(QString id)
{
    ++m_detailCalls;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    for (const DeliveryItem &item : std::as_const(m_deliveries)) {
        if (item.id != id)
            continue;
        DeliveryDetail detail = m_details.value(id);
        detail.item = item;
        co_return detail;
    }
    co_return fail(notFound(id));
}

void FakeOperatorApi::push(const RuntimeItem &item)
{
    m_runtimes.removeIf([&item](const RuntimeItem &known) { return known.id == item.id; });
    add(item);
    if (m_watched.contains(u"runtime"_s))
        Q_EMIT changed(changeOf(u"runtime"_s, item));
}

QCoro::Task<Result<Page<RuntimeItem>>> FakeOperatorApi::runtimes(ListQuery query)
{
    ++m_listCalls;
    m_lastQuery = query;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    Page<RuntimeItem> page;
    page.items = m_runtimes;
    page.total = m_runtimes.size();
    co_return page;
}

QCoro::Task<Result<RuntimeItem>> FakeOperatorApi::runtime(QString id)
{
    ++m_detailCalls;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    for (const RuntimeItem &item : std::as_const(m_runtimes)) {
        if (item.id == id)
            co_return item;
    }
    co_return fail(notFound(id));
}

QCoro::Task<Result<Page<LifecycleEventItem>>> FakeOperatorApi::lifecycleEvents(ListQuery query)
{
    ++m_listCalls;
    m_lastQuery = query;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    Page<LifecycleEventItem> page;
    page.items = m_events;
    page.total = m_events.size();
    co_return page;
}

QCoro::Task<Result<LifecycleEventItem>> FakeOperatorApi::lifecycleEvent(QString id)
{
    ++m_detailCalls;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    for (const LifecycleEventItem &item : std::as_const(m_events)) {
        if (item.id == id)
            co_return item;
    }
    co_return fail(notFound(id));
}

QCoro::Task<Result<ForwardItem>> FakeOperatorApi::replayLifecycleEvent(
    QString id, QString backend, QString, QString reason)
{
    Replay replay;
    replay.id = id;
    replay.backend = backend;
    replay.reason = reason;
    m_replays.append(replay);
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    ForwardItem forward;
    forward.id = u"forward-"_s + id;
    forward.eventId = id;
    forward.target = backend;
    forward.state = u"pending"_s;
    co_return forward;
}

void FakeOperatorApi::push(const InstallationItem &item, qint64 rev)
{
    installationItems.removeIf([&item](const InstallationItem &known) { return known.id == item.id; });
    installationItems.append(item);
    QList<Change> changes = changeOf(u"installation"_s, item);
    changes.first().rev = rev;
    if (m_watched.contains(u"installation"_s))
        Q_EMIT changed(changes);
}

void FakeOperatorApi::push(const domain::EngineItem &item)
{
    engineItems.removeIf([&item](const domain::EngineItem &known) { return known.id == item.id; });
    engineItems.append(item);
    if (m_watched.contains(u"engine"_s))
        Q_EMIT changed(changeOf(u"engine"_s, item));
}

void FakeOperatorApi::push(const domain::InteractionItem &item)
{
    interactionItems.removeIf([&item](const domain::InteractionItem &known) { return known.id == item.id; });
    interactionItems.prepend(item);
    if (m_watched.contains(u"interaction"_s))
        Q_EMIT changed(changeOf(u"interaction"_s, item));
}

void FakeOperatorApi::push(const AuditItem &item)
{
    auditItems.prepend(item);
    if (m_watched.contains(u"audit"_s))
        Q_EMIT changed(changeOf(u"audit"_s, item));
}

QCoro::Task<Result<domain::ActionResult>> FakeOperatorApi::answerOf(QString key)
{
    m_keysAsked.append(key);
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    if (!answers.contains(key))
        co_return fail(notFound(key));
    co_return answers.value(key);
}

QCoro::Task<Result<Page<AuditItem>>> FakeOperatorApi::audit(ListQuery query)
{
    ++m_listCalls;
    m_lastQuery = query;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    Page<AuditItem> page;
    for (const AuditItem &item : std::as_const(auditItems)) {
        if (query.text.isEmpty() || query.text == item.id || query.text == item.subject
            || query.text == item.actor)
            page.items.append(item);
    }
    page.total = page.items.size();
    co_return page;
}

QCoro::Task<Result<domain::ActionResult>> FakeOperatorApi::act(domain::ActionRequest request)
{
    m_acts.append(request);
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    const domain::ActionResult result = actResult; // co_return would move it out
    co_return result;
}

QCoro::Task<Result<Page<domain::LockItem>>> FakeOperatorApi::locks(ListQuery query)
{
    ++m_listCalls;
    m_lastQuery = query;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    Page<domain::LockItem> page;
    page.items = lockItems;
    page.total = lockItems.size();
    co_return page;
}

QCoro::Task<Result<QList<domain::InstallationItem>>> FakeOperatorApi::installations()
{
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    const QList<domain::InstallationItem> items = installationItems; // co_return would move it out
    co_return items;
}

QCoro::Task<Result<QList<domain::EngineItem>>> FakeOperatorApi::engines()
{
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    const QList<domain::EngineItem> items = engineItems; // co_return would move it out
    co_return items;
}

QCoro::Task<Result<Page<domain::InteractionItem>>> FakeOperatorApi::interactions(ListQuery query)
{
    ++m_listCalls;
    m_lastQuery = query;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    Page<domain::InteractionItem> page;
    for (const domain::InteractionItem &item : std::as_const(interactionItems)) {
        if (query.states.isEmpty() || query.states.contains(item.state))
            page.items.append(item);
    }
    page.total = page.items.size();
    co_return page;
}

QCoro::Task<Result<domain::InteractionItem>> FakeOperatorApi::interaction(QString id)
{
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    for (const domain::InteractionItem &item : std::as_const(interactionItems)) {
        if (item.id == id) {
            const domain::InteractionItem found = item;
            co_return found;
        }
    }
    co_return fail(notFound(id));
}

QCoro::Task<Result<QList<domain::BackendItem>>> FakeOperatorApi::backends()
{
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    const QList<domain::BackendItem> items = backendItems; // co_return would move it out
    co_return items;
}

QCoro::Task<Result<domain::Explanation>> FakeOperatorApi::explain(QString deliveryId)
{
    ++m_detailCalls;
    auto failure = co_await gate();
    if (failure)
        co_return fail(*failure);
    domain::Explanation answer = explanation;
    answer.id = deliveryId;
    co_return answer;
}

} // namespace signalbox::testing
