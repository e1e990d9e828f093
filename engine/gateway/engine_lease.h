// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "base/clock.h"
#include "store/store.h"

#include <QObject>

#include <functional>

namespace signalbox::gateway {

// The engine's one sign of life (DESIGN.md "Liveness is one thing"): its lease, renewed at a third of its
// length, and with it the locks it holds. Engine thread.
class EngineLease : public QObject
{
    Q_OBJECT
public:
    EngineLease(store::Store &store, const Clock &clock, Millis lease, Millis lockTtl);

    // Raises the incarnation and frees the work of former lives.
    [[nodiscard]] QCoro::Task<Result<store::Registered>> begin(store::EngineRegistration registration);
    void startRenewing();
    // Called when the lease has ended before it was renewed (a frozen process, a database that was away):
    // ends every turn and agent process that this life held. Another life begins after it (DESIGN.md
    // "Liveness is one thing").
    // othersTakeOver: other engines may share the database, so a lease that ran out while the database was
    // away counts as ended. Alone with its database, an engine keeps what it runs until it hears.
    void onLapse(std::function<QCoro::Task<>()> letGo, bool othersTakeOver)
    {
        m_letGo = std::move(letGo);
        m_othersTakeOver = othersTakeOver;
    }
    // Stops renewing, hands back what still runs, lets the lease end. Nothing may act from then on. Also
    // without begin().
    [[nodiscard]] QCoro::Task<> end();

    [[nodiscard]] const store::EngineLife &life() const { return m_life; }
    // Whether a prompt or a post may leave: asked in the same function as the write. Counts by
    // CLOCK_BOOTTIME, so a frozen process or a suspended machine does not act on a lease that has run out.
    [[nodiscard]] bool mayAct() const;
    // The same for what a life of this engine has claimed: nothing that a lapsed life held leaves in the
    // next.
    [[nodiscard]] bool mayAct(const store::EngineLife &claimer) const;
    [[nodiscard]] bool isLapsed() const;

Q_SIGNALS:
    // Another life of this engine has begun elsewhere: this one must stop at once.
    void replaced();
    // A lapsed engine acts again, in another life.
    void revived();

private:
    [[nodiscard]] QCoro::Task<bool> renewOnce();
    [[nodiscard]] QCoro::Task<bool> beginAgain();
    // Of one life, however often: the database knows it by its token.
    [[nodiscard]] QCoro::Task<Result<store::Registered>> registerLife();
    void beReplaced();
    [[nodiscard]] QCoro::Task<> renewLoop();
    store::Store &m_store;
    const Clock &m_clock;
    Millis m_lease;
    Millis m_lockTtl;
    store::EngineRegistration m_registration;
    std::function<QCoro::Task<>()> m_letGo;
    store::EngineLife m_life;
    int m_lives = 0; // of this process
    bool m_othersTakeOver = true;
    bool m_lapsed = false; // this life is over, and what it held is let go of
    Millis m_leaseEndsBoot{0};
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
