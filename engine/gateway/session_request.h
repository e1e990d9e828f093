// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/session_id.h"
#include "http/message.h"
#include "store/records.h"

#include <optional>

namespace signalbox::gateway {

// What the /v1/sessions routes take (INTERFACE.md "Ingress routes"). Pure. InvalidInput names the member that
// is wrong and never tells its value; Unsupported: the media type.

struct FreshRequest
{
    FreshRequest() = default;
    QString source; // web | cli
    QString installation;
    QString user;
    QString ticket; // empty: none
};

struct PlaceRequest
{
    PlaceRequest() = default;
    QString installation;
    QString place;
    QString thread; // empty: the whole place
    QString user; // empty: not known
    QString ticket; // instead of a place; lookup only
};

struct MessageRequest
{
    MessageRequest() = default;
    QString id; // the sender's own, unique in its session
    QString user;
    QString text; // lines of it, trimmed
};

[[nodiscard]] Result<FreshRequest> parseFresh(const http::Request &request);
[[nodiscard]] Result<PlaceRequest> parseResolve(const http::Request &request);
[[nodiscard]] Result<PlaceRequest> parseLookup(const http::Request &request);
[[nodiscard]] Result<QString> parseTicket(const http::Request &request);
[[nodiscard]] Result<MessageRequest> parseMessage(const http::Request &request);

// The number behind which a log is read: `Last-Event-ID`, else `since`, else 0.
[[nodiscard]] Result<qint64> parseSince(const http::Request &request);

// The session that a message of this place and thread would have. A place without a thread is a direct
// message or, where sessions are per place, all of it; InvalidInput when a thread is missing.
[[nodiscard]] Result<domain::SessionScope> scopeOf(
    const store::InstallationRow &installation, bool perThread, const PlaceRequest &request);

} // namespace signalbox::gateway
