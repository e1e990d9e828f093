// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QDebug>

namespace signalbox {

// A value that must not be seen: it prints as ***, in debug output and in test failures alike.
class Secret
{
public:
    Secret() = default;
    explicit Secret(QByteArray value)
        : m_value(std::move(value))
    {
    }
    [[nodiscard]] bool isEmpty() const { return m_value.isEmpty(); }
    // The value itself; only where it leaves for its purpose (a signature, an Authorization header).
    [[nodiscard]] const QByteArray &reveal() const { return m_value; }
    [[nodiscard]] bool operator==(const Secret &other) const;

private:
    QByteArray m_value;
};

QDebug operator<<(QDebug debug, const Secret &secret);

} // namespace signalbox
