// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sql_store.h"

namespace signalbox::store {

// For the files that hold SqlStore's methods.

template <class T>
QCoro::Task<Result<T>> SqlStore::read(Unit<T> unit)
{
    return write<T>(Lane::Read, FailPlace::None, std::move(unit));
}

template <class T>
QCoro::Task<Result<T>> SqlStore::write(Lane lane, FailPlace place, Unit<T> unit)
{
    async::Completion<Result<T>> done;
    m_executor->post(lane, std::make_unique<UnitJob<T>>(std::move(unit), done, place));
    co_return co_await done.wait();
}

} // namespace signalbox::store
