// SPDX-License-Identifier: Apache-2.0
#include "gateway/turn_adoption.h"

#include "async/wait.h"
#include "base/log.h"
#include "store/errors.h"

#include <QTimer>

using namespace Qt::StringLiterals;
using signalbox::domain::Adoption;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcDelivery, "signalbox.engine.delivery")
}

QCoro::Task<FoundTurn> TurnAdoption::find(std::shared_ptr<DeliveryWork> work)
{
    FoundTurn found;
    work->deadline = async::CancelSource();
    work->deadline.follow(work->stop);
    // Ends with this frame, which owns the work and the token that it fires.
    QTimer timeout;
    timeout.setSingleShot(true);
    DeliveryWork *raw = work.get();
    QObject::connect(&timeout, &QTimer::timeout, &timeout, [raw] { raw->deadline.cancel(); });
    timeout.start(m_config.turn.adoptionTimeout);
    const async::CancelToken token = work->deadline.token();
    std::optional<QString> before;
    while (!token.isCancelled()) {
        const bool held = co_await note(work, found.lastTrouble);
        if (!held)
            break;
        const Result<Adoption> seen = co_await look(work, token);
        if (!seen) {
            found.lastTrouble = seen.error().native();
        } else {
            ++found.looks;
            found.lastTrouble.clear();
            const bool answered = seen->verdict == Adoption::Verdict::Answered;
            if (answered && before == seen->text) {
                found.answered = true;
                found.text = seen->text;
                break;
            }
            before = answered ? std::optional(seen->text) : std::nullopt;
        }
        const Millis pause = before ? m_config.turn.adoptionInterval : m_config.recovery.sessionRetryInterval;
        const async::Wake wake = co_await async::delay(pause, token);
        if (wake == async::Wake::Cancelled)
            break;
    }
    logInfo(lcDelivery, "an interrupted turn was looked for",
        {{"delivery", work->held.id}, {"answered", found.answered ? u"yes"_s : u"no"_s},
            {"looks", QString::number(found.looks)}, {"trouble", found.lastTrouble}});
    co_return found;
}

QCoro::Task<Result<Adoption>> TurnAdoption::look(std::shared_ptr<DeliveryWork> work, async::CancelToken token)
{
    const Status bound = co_await m_reach.bind(work);
    if (!bound)
        co_return fail(bound.error());
    const auto transcript = co_await work->backend->look(work->binding, work->openRequest(), token);
    if (!transcript)
        co_return fail(transcript.error());
    co_return domain::findAnswer(*transcript, work->delivery.messageTs);
}

// False when the delivery is not ours any more.
QCoro::Task<bool> TurnAdoption::note(std::shared_ptr<DeliveryWork> work, QString errorCode)
{
    store::NoteStage note;
    note.held = work->held;
    note.stage = domain::Stage::Adopting;
    note.waitsForRuntime = true;
    note.errorCode = errorCode;
    const Status noted = co_await m_store.noteStage(std::move(note));
    co_return noted || noted.error().native() != QStringView(store::kStale);
}

} // namespace signalbox::gateway
