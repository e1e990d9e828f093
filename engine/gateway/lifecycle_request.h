// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.h"
#include "store/records.h"

namespace signalbox::gateway {

// What POST /v1/lifecycle takes (contracts/spritz-backend.md §7 and the additions of INTERFACE.md, or a
// CloudEvent 1.0 in structured or binary mode whose data is that same object). Pure.

// The report without ids of ours; `backend` may be empty. InvalidInput names the member that is wrong and
// never tells its value; Unsupported: the media type.
[[nodiscard]] Result<store::LifecycleReport> parseLifecycle(const http::Request &request);

} // namespace signalbox::gateway
