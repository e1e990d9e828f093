// SPDX-License-Identifier: Apache-2.0
#include "runtimes/runtime_backend.h"

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

QCoro::Task<Result<domain::Transcript>> RuntimeBackend::look(Binding, OpenRequest, async::CancelToken)
{
    co_return fail(Error(
        ErrorCode::InvalidInput, u"this backend's conversations cannot be read again"_s, u"cannot_look"_s));
}

QCoro::Task<Status> RuntimeBackend::disconnectTenant(QString, async::CancelToken)
{
    co_return fail(Error(ErrorCode::InvalidInput, u"this backend has no registry"_s, u"no_registry"_s));
}

} // namespace signalbox::runtimes
