// SPDX-License-Identifier: Apache-2.0
#include "gateway/busy_notices.h"

#include "base/log.h"
#include "domain/busy_text.h"

#include <QSet>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcBusy, "signalbox.engine.busy")
constexpr Millis kLook{1000};
constexpr int kMost = 64;
} // namespace

BusyNotices::BusyNotices(
    store::Store &store, EngineLease &lease, const DeliveryDrafts &drafts, const config::Config &config)
    : m_store(store)
    , m_lease(lease)
    , m_drafts(drafts)
    , m_config(config)
    , m_loop("busy notices", kLook)
{
}

void BusyNotices::start()
{
    m_loop.start([this] { return tell(); });
}

store::BusyNotice BusyNotices::notice(const store::BusyWaiter &waiter) const
{
    store::BusyNotice notice;
    notice.deliveryId = waiter.delivery.id;
    if (waiter.toldBefore)
        return notice;
    domain::Busy busy;
    busy.user = waiter.delivery.user;
    busy.holderUser = waiter.holderUser;
    busy.since = waiter.since;
    busy.ahead = waiter.ahead;
    const QString text
        = waiter.channel == u"slack" ? domain::busyTextForSlack(busy) : domain::busyTextPlain(busy);
    notice.drafts.push_back(
        m_drafts.message(waiter.delivery, u"status:busy"_s, domain::OutboundKind::Status, text));
    return notice;
}

QCoro::Task<bool> BusyNotices::tell()
{
    if (!m_lease.mayAct())
        co_return false;
    const auto waiters = co_await m_store.busyWaiters(m_config.recovery.statusMessageDelay, kMost);
    if (!waiters) {
        logWarning(lcBusy, "who waits for a session is not known", {{"code", waiters.error().native()}});
        co_return false;
    }
    if (waiters->empty())
        co_return false;
    std::vector<store::BusyNotice> notices;
    QSet<QString> people; // told by this batch, which the store does not know yet
    for (store::BusyWaiter waiter : *waiters) {
        const QString person = waiter.sessionId + u'|' + waiter.delivery.user;
        waiter.toldBefore = waiter.toldBefore || people.contains(person);
        people.insert(person);
        notices.push_back(notice(waiter));
    }
    const Status told = co_await m_store.tellBusy(std::move(notices));
    if (!told) {
        logWarning(lcBusy, "people who wait could not be told", {{"code", told.error().native()}});
        co_return false;
    }
    if (m_outbound)
        m_outbound();
    co_return static_cast<int>(waiters->size()) == kMost;
}

QCoro::Task<> BusyNotices::stop()
{
    co_await m_loop.stop();
}

} // namespace signalbox::gateway
