// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "http/message.h"
#include "store/keyed_call.h"

namespace signalbox::gateway {

// What all /v1 routes of the ingress share (INTERFACE.md "Ingress routes"): whose call it is, what it may
// touch, under which Idempotency-Key it comes, and how it is refused. Pure.

// Who calls: one of [[ingress.tokens]], compared in constant time over all of them; null for anybody else.
[[nodiscard]] const config::TokenConfig *ingressToken(
    const config::Config &config, const http::Request &request);
[[nodiscard]] http::Response unauthorized();
[[nodiscard]] bool isForAll(const config::TokenConfig &token);
// Decided by the token alone, so that the answer tells nothing of what exists.
[[nodiscard]] bool mayUse(const config::TokenConfig &token, const QString &installation);

// The call under its key, scoped to the token; InvalidInput for a key that is too long.
[[nodiscard]] Result<store::KeyedCall> keyedCall(
    const config::TokenConfig &token, const http::Request &request);

// 415 for Unsupported, 422 for a key that came with another request, else by the code. What failed inside is
// 503 with Retry-After or 500, without details.
[[nodiscard]] http::Response refusal(const Error &error);

// Whether the backend has a session for each thread of a place (DESIGN.md step 2).
[[nodiscard]] bool hasSessionPerThread(const config::Config &config, const QString &backend);

} // namespace signalbox::gateway
