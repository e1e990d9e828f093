// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

using namespace Qt::StringLiterals;

namespace signalbox {

QString errorCodeName(ErrorCode code)
{
    switch (code) {
    case ErrorCode::InvalidInput:
        return u"invalid_input"_s;
    case ErrorCode::NotFound:
        return u"not_found"_s;
    case ErrorCode::Conflict:
        return u"conflict"_s;
    case ErrorCode::Unauthorized:
        return u"unauthorized"_s;
    case ErrorCode::Forbidden:
        return u"forbidden"_s;
    case ErrorCode::Cancelled:
        return u"cancelled"_s;
    case ErrorCode::DeadlineExceeded:
        return u"deadline_exceeded"_s;
    case ErrorCode::Unavailable:
        return u"unavailable"_s;
    case ErrorCode::RateLimited:
        return u"rate_limited"_s;
    case ErrorCode::Corrupt:
        return u"corrupt"_s;
    case ErrorCode::Unsupported:
        return u"unsupported"_s;
    case ErrorCode::Internal:
        return u"internal"_s;
    }
    return u"internal"_s;
}

Error::Error(ErrorCode code, QString message)
    : m_code(code)
    , m_message(std::move(message))
{
}

Error::Error(ErrorCode code, QString message, QString native)
    : m_code(code)
    , m_message(std::move(message))
    , m_native(std::move(native))
{
}

bool Error::isRetryable() const
{
    switch (m_code) {
    case ErrorCode::DeadlineExceeded:
    case ErrorCode::Unavailable:
    case ErrorCode::RateLimited:
        return true;
    case ErrorCode::InvalidInput:
    case ErrorCode::NotFound:
    case ErrorCode::Conflict:
    case ErrorCode::Unauthorized:
    case ErrorCode::Forbidden:
    case ErrorCode::Cancelled:
    case ErrorCode::Corrupt:
    case ErrorCode::Unsupported:
    case ErrorCode::Internal:
        return false;
    }
    return false;
}

Error Error::context(const QString &doing) const
{
    Error copy = *this;
    copy.m_context.prepend(doing);
    return copy;
}

Error Error::withRetryAfter(std::chrono::milliseconds wait) const
{
    Error copy = *this;
    copy.m_retryAfter = wait;
    return copy;
}

QString Error::toString() const
{
    QString text;
    for (const QString &doing : m_context)
        text += doing + u": "_s;
    text += m_message;
    if (!m_native.isEmpty())
        text += u" ["_s + m_native + u']';
    return text;
}

} // namespace signalbox
