// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/secret.h"
#include "http/client.h"

namespace signalbox::slack {

// Shows a message ({"text", "blocks"?}) to one person in a place (chat.postEphemeral), once: it is not looked
// for and not repeated. The error's native() is Slack's word. `client` outlives the call.
[[nodiscard]] QCoro::Task<Status> postEphemeral(http::Client *client, QUrl apiBaseUrl, Secret token,
    QString place, QString thread, QString user, Json message, Millis timeout, async::CancelToken cancel);

} // namespace signalbox::slack
