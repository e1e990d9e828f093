// SPDX-License-Identifier: Apache-2.0
#include "store/sql_store_p.h"

namespace signalbox::store {

QCoro::Task<Result<SocketHeld>> SqlStore::holdSocket(HoldSocket hold)
{
    return write<SocketHeld>(Lane::Work, FailPlace::CommitOther,
        [hold](Session &session) { return holdSocketUnit(session, hold); });
}

QCoro::Task<Status> SqlStore::releaseSocket(QString installationId, EngineLife life)
{
    return writeStatus(Lane::Work, FailPlace::CommitOther, [installationId, life](Session &session) {
        return releaseSocketUnit(session, installationId, life);
    });
}

QCoro::Task<Result<PlaceStatus>> SqlStore::placeStatus(QString installationId, QString place, int most)
{
    return read<PlaceStatus>([installationId, place, most](Session &session) {
        return placeStatusUnit(session, installationId, place, most);
    });
}

QCoro::Task<Result<PlaceTurn>> SqlStore::placeTurn(QString deliveryId)
{
    return read<PlaceTurn>([deliveryId](Session &session) { return placeTurnUnit(session, deliveryId); });
}

} // namespace signalbox::store
