// SPDX-License-Identifier: Apache-2.0
#include "http/field_names_p.h"

#include <array>
#include <vector>

namespace signalbox::http {

namespace {

// By length, because that alone leaves one or two to compare.
class CommonNames
{
public:
    CommonNames()
    {
        for (const char *name : {"Host", "Date", "Vary", "Allow", "Accept", "Cookie", "Expect", "Origin",
                 "Server", "Upgrade", "Connection", "User-Agent", "Keep-Alive", "Retry-After", "Content-Type",
                 "Authorization", "Cache-Control", "Content-Length", "Accept-Encoding", "Accept-Language",
                 "Idempotency-Key", "Transfer-Encoding", "X-Slack-Signature", "X-Slack-Request-Timestamp"}) {
            const QByteArray text(name);
            m_byLength[static_cast<size_t>(text.size())].push_back(text);
            m_byLength[static_cast<size_t>(text.size())].push_back(text.toLower());
        }
    }
    [[nodiscard]] const QByteArray *find(QByteArrayView name) const
    {
        if (static_cast<size_t>(name.size()) >= m_byLength.size())
            return nullptr;
        for (const QByteArray &known : m_byLength[static_cast<size_t>(name.size())]) {
            if (memcmp(known.constData(), name.data(), static_cast<size_t>(name.size())) == 0)
                return &known;
        }
        return nullptr;
    }

private:
    std::array<std::vector<QByteArray>, 32> m_byLength;
};

bool isName(QByteArrayView name, QByteArrayView lower)
{
    return name.size() == lower.size()
        && qstrnicmp(name.data(), name.size(), lower.data(), lower.size()) == 0;
}

} // namespace

QByteArray fieldName(QByteArrayView name)
{
    static const CommonNames names;
    const QByteArray *known = names.find(name);
    return known ? *known : name.toByteArray();
}

bool isSafeField(QByteArrayView name, QByteArrayView value)
{
    if (name.isEmpty())
        return false;
    for (const char c : name) {
        if (static_cast<unsigned char>(c) <= ' ' || c == ':' || c == 0x7f)
            return false;
    }
    return std::none_of(
        value.begin(), value.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool isFramingField(QByteArrayView name)
{
    switch (name.size()) {
    case 10:
        return isName(name, "connection");
    case 14:
        return isName(name, "content-length");
    case 17:
        return isName(name, "transfer-encoding");
    default:
        return false;
    }
}

} // namespace signalbox::http
