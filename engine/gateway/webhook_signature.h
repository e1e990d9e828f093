// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/secret.h"

#include <QList>

namespace signalbox::gateway {

// Standard Webhooks: what the header `webhook-signature` of a call holds, one "v1,…" for each secret that is
// in use (two while one is being rotated), over "id.timestamp.body". Secrets are "whsec_" and base64, else
// their bytes as they are. Pure.
[[nodiscard]] QByteArray webhookSignature(
    const QList<Secret> &secrets, const QByteArray &id, qint64 timestampSeconds, const QByteArray &body);

} // namespace signalbox::gateway
