// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArrayView>
#include <QString>

namespace signalbox::http {

enum class PlusIs { Plus, Space };

struct Decoded
{
    Decoded() = default;
    QString text;
    bool valid = true; // false: a '%' without two hexadecimal digits, which stays as it came
};

// Percent-decodes bytes as UTF-8; what is not UTF-8 becomes U+FFFD.
[[nodiscard]] inline Decoded percentDecoded(QByteArrayView bytes, PlusIs plus)
{
    Decoded decoded;
    if (!bytes.contains('%') && (plus == PlusIs::Plus || !bytes.contains('+'))) {
        decoded.text = QString::fromUtf8(bytes);
        return decoded;
    }
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9')
            return c - '0';
        const char lower = static_cast<char>(c | 0x20);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    };
    QByteArray out;
    out.reserve(bytes.size());
    for (qsizetype i = 0; i < bytes.size(); ++i) {
        if (bytes[i] == '+' && plus == PlusIs::Space) {
            out += ' ';
        } else if (bytes[i] == '%') {
            const int high = i + 2 < bytes.size() ? digit(bytes[i + 1]) : -1;
            const int low = i + 2 < bytes.size() ? digit(bytes[i + 2]) : -1;
            if (high < 0 || low < 0) {
                decoded.valid = false;
                out += '%';
            } else {
                out += static_cast<char>(high * 16 + low);
                i += 2;
            }
        } else {
            out += bytes[i];
        }
    }
    decoded.text = QString::fromUtf8(out);
    return decoded;
}

} // namespace signalbox::http
