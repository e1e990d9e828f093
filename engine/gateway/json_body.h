// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "http/message.h"

#include <QStringList>

namespace signalbox::gateway {

// Bodies of /v1 routes, read strictly. Errors name the member that is wrong and never tell what it holds.

[[nodiscard]] tl::unexpected<Error> wrongMember(const QString &member, const QString &what);
// Whether every database takes it as one line of text.
[[nodiscard]] bool isStorable(const QString &text);
// A text of one line; empty when it is missing and may be.
[[nodiscard]] Result<QString> textOf(const Json &json, const QString &member, qsizetype most, bool needed);
// The body as an object with none but these members, each at most once. Unsupported: the media type.
[[nodiscard]] Result<Json> objectOf(const http::Request &request, const QStringList &members);

} // namespace signalbox::gateway
