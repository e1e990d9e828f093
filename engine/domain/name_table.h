// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <array>
#include <optional>
#include <utility>

namespace signalbox::domain {

// Enumerators and the words that are stored and shown for them, in one table per enum.
template <class E, size_t N>
using NameTable = std::array<std::pair<E, const char16_t *>, N>;

template <class E, size_t N>
[[nodiscard]] QString nameIn(const NameTable<E, N> &table, E value)
{
    for (const auto &[entry, text] : table) {
        if (entry == value)
            return QString::fromUtf16(text);
    }
    return {};
}

template <class E, size_t N>
[[nodiscard]] std::optional<E> findIn(const NameTable<E, N> &table, QStringView text)
{
    for (const auto &[entry, known] : table) {
        if (text == QStringView(known))
            return entry;
    }
    return std::nullopt;
}

} // namespace signalbox::domain
