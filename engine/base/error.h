// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>
#include <QStringList>

#include <chrono>
#include <optional>

namespace signalbox {

// The closed list of ways in which a correct program can fail. Edges map it (HTTP status, exit code, texts
// for people).
enum class ErrorCode {
    InvalidInput,
    NotFound,
    Conflict,
    Unauthorized,
    Forbidden,
    Cancelled,
    DeadlineExceeded,
    Unavailable,
    RateLimited,
    Corrupt,
    Unsupported,
    Internal,
};

// The name of a code as it stands in logs and in problem documents ("invalid_input").
[[nodiscard]] QString errorCodeName(ErrorCode code);

// A failure as a value. Deliberately not an aggregate: GCC 12 destroys temporary aggregates twice inside a
// co_await statement. The message is for developers, in English, and never holds what people wrote.
class Error
{
public:
    Error(ErrorCode code, QString message);
    Error(ErrorCode code, QString message, QString native);

    [[nodiscard]] ErrorCode code() const { return m_code; }
    [[nodiscard]] const QString &message() const { return m_message; }
    // The code of the layer below (an SQL state, a Slack error, an HTTP status), or empty.
    [[nodiscard]] const QString &native() const { return m_native; }
    [[nodiscard]] std::optional<std::chrono::milliseconds> retryAfter() const { return m_retryAfter; }
    [[nodiscard]] bool isRetryable() const;

    // Adds what was being done, outermost last, on the way up.
    [[nodiscard]] Error context(const QString &doing) const;
    [[nodiscard]] Error withRetryAfter(std::chrono::milliseconds wait) const;

    // "loading job 42: database is locked [5]"
    [[nodiscard]] QString toString() const;

private:
    ErrorCode m_code;
    QString m_message;
    QString m_native;
    QStringList m_context;
    std::optional<std::chrono::milliseconds> m_retryAfter;
};

} // namespace signalbox
