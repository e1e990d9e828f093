// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <QByteArray>
#include <QByteArrayView>
#include <QString>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace signalbox {

// Exact JSON: numbers keep the digits they came with, objects keep the order of their members. QJsonDocument
// does neither, and both are needed: a JSON-RPC id is echoed as it came, and contracts/spritz-backend.md §5.5
// fixes an order. A value type; not thread-safe while written. Parsing is strict (RFC 8259, UTF-8, depth at
// most 64).
class Json
{
public:
    using Member = std::pair<QString, Json>;
    using Array = std::vector<Json>;
    using Object = std::vector<Member>;
    // The literal of a number, unchanged.
    struct Number
    {
        Number() = default;
        explicit Number(QByteArray text)
            : literal(std::move(text))
        {
        }
        bool operator==(const Number &other) const { return literal == other.literal; }
        QByteArray literal;
    };

    Json() = default; // null
    Json(std::nullptr_t) { }
    Json(bool value)
        : m_value(value)
    {
    }
    Json(int value)
        : Json(static_cast<qint64>(value))
    {
    }
    Json(qint64 value)
        : m_value(Number(QByteArray::number(value)))
    {
    }
    Json(double value);
    Json(QString value)
        : m_value(std::move(value))
    {
    }
    Json(const char *) = delete; // would become a bool
    Json(const char16_t *) = delete;
    Json(Number value)
        : m_value(std::move(value))
    {
    }
    Json(Array value)
        : m_value(std::move(value))
    {
    }

    [[nodiscard]] static Json object() { return Json(Object(), 0); }
    [[nodiscard]] static Json object(std::initializer_list<Member> members)
    {
        return Json(Object(members), 0);
    }
    [[nodiscard]] static Json array() { return Json(Array()); }
    // InvalidInput with the offset of the first bad byte; never with any of the text.
    [[nodiscard]] static Result<Json> parse(QByteArrayView utf8);

    [[nodiscard]] bool isNull() const { return std::holds_alternative<std::monostate>(m_value); }
    [[nodiscard]] bool isBool() const { return std::holds_alternative<bool>(m_value); }
    [[nodiscard]] bool isNumber() const { return std::holds_alternative<Number>(m_value); }
    [[nodiscard]] bool isString() const { return std::holds_alternative<QString>(m_value); }
    [[nodiscard]] bool isArray() const { return std::holds_alternative<Array>(m_value); }
    [[nodiscard]] bool isObject() const { return std::holds_alternative<Object>(m_value); }

    // Readers answer the fallback when the value is of another kind.
    [[nodiscard]] bool toBool(bool fallback = false) const;
    [[nodiscard]] std::optional<qint64> toInt() const; // nullopt for fractions and values beyond 64 bits
    [[nodiscard]] double toDouble(double fallback = 0) const;
    [[nodiscard]] const QString &toString() const; // "" for other kinds
    [[nodiscard]] const Array &toArray() const;
    [[nodiscard]] const Object &toObject() const;
    // A member of an object or null; `json[u"event"][u"ts"]` never fails. Of doubled members the last one
    // counts.
    [[nodiscard]] const Json &operator[](QStringView key) const;
    [[nodiscard]] bool contains(QStringView key) const;
    // An element of an array, or null.
    [[nodiscard]] const Json &at(size_t index) const;
    [[nodiscard]] size_t size() const;

    // Sets or replaces a member, of doubled ones the last; a null value becomes an object first.
    Json &set(const QString &key, Json value);
    Json &append(Json value);

    enum class Escape {
        Standard,
        // <, > and & are written as \u003c, \u003e, \u0026, as Go's encoder does (contracts/spritz-backend.md
        // §5.5).
        Html,
    };
    // Compact UTF-8 without a newline.
    [[nodiscard]] QByteArray toBytes(Escape escape = Escape::Standard) const;

    [[nodiscard]] bool operator==(const Json &other) const = default;

private:
    friend class JsonBuilder;
    Json(Object value, int)
        : m_value(std::move(value))
    {
    }
    std::variant<std::monostate, bool, Number, QString, Array, Object> m_value;
};

} // namespace signalbox
