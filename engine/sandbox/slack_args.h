// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.h"

#include <QString>

#include <optional>
#include <utility>
#include <vector>

namespace signalbox::sandbox {

// The arguments of one Web API call, whether they came as a form, as JSON or in the query (contracts/slack.md
// §3).
class SlackArgs
{
public:
    // nullopt with `error` set to Slack's code when the body is not what its content type says.
    [[nodiscard]] static std::optional<SlackArgs> read(const http::Request &request, QString &error);

    [[nodiscard]] bool has(QStringView name) const { return find(name) != nullptr; }
    [[nodiscard]] QString text(QStringView name) const;
    [[nodiscard]] bool flag(QStringView name, bool fallback = false) const;
    [[nodiscard]] int number(QStringView name, int fallback) const;
    // A structured argument: JSON as it is, or a string that holds JSON. Null when absent; nullopt when
    // unreadable.
    [[nodiscard]] std::optional<Json> structure(QStringView name) const;
    // "missing_charset" or "superfluous_charset", as Slack warns of the content type; or empty.
    [[nodiscard]] const QString &warning() const { return m_warning; }

private:
    [[nodiscard]] const Json *find(QStringView name) const;
    std::vector<std::pair<QString, Json>> m_values;
    QString m_warning;
};

// Decodes application/x-www-form-urlencoded.
[[nodiscard]] std::vector<std::pair<QString, QString>> decodeForm(QByteArrayView body);
// Encodes it, as browsers and Slack do.
[[nodiscard]] QByteArray encodeForm(const std::vector<std::pair<QString, QString>> &fields);

} // namespace signalbox::sandbox
