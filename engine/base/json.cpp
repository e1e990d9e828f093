// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <charconv>
#include <cmath>

using namespace Qt::StringLiterals;

namespace signalbox {

namespace {
constexpr size_t kMaxDepth = 64;
const QString kEmptyString;
const Json::Array kEmptyArray;
const Json::Object kEmptyObject;
const Json kNull;
} // namespace

// Receives what Boost.JSON's tokenizer finds. Numbers arrive as text, which is the reason not to use its own
// values.
class JsonBuilder
{
public:
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    using error_code = boost::system::error_code;
    using string_view = boost::json::string_view;

    bool on_document_begin(error_code &) { return true; }
    bool on_document_end(error_code &) { return true; }
    bool on_array_begin(error_code &) { return open(Json(Json::Array())); }
    bool on_array_end(std::size_t, error_code &) { return close(); }
    bool on_object_begin(error_code &) { return open(Json::object()); }
    bool on_object_end(std::size_t, error_code &) { return close(); }
    bool on_string_part(string_view text, std::size_t, error_code &) { return collect(text); }
    bool on_string(string_view text, std::size_t, error_code &)
    {
        collect(text);
        return add(Json(takeText()));
    }
    bool on_key_part(string_view text, std::size_t, error_code &) { return collect(text); }
    bool on_key(string_view text, std::size_t, error_code &)
    {
        collect(text);
        m_keys.back() = takeText();
        return true;
    }
    bool on_number_part(string_view text, error_code &) { return collect(text); }
    bool on_int64(std::int64_t, string_view text, error_code &) { return number(text); }
    bool on_uint64(std::uint64_t, string_view text, error_code &) { return number(text); }
    bool on_double(double, string_view text, error_code &) { return number(text); }
    bool on_bool(bool value, error_code &) { return add(Json(value)); }
    bool on_null(error_code &) { return add(Json()); }
    bool on_comment_part(string_view, error_code &) { return true; }
    bool on_comment(string_view, error_code &) { return true; }

    Json take() { return std::move(m_root); }

private:
    bool collect(string_view text)
    {
        m_text.append(text.data(), static_cast<qsizetype>(text.size()));
        return true;
    }
    QString takeText()
    {
        QString text = QString::fromUtf8(m_text);
        m_text.clear();
        return text;
    }
    bool number(string_view text)
    {
        collect(text);
        Json::Number value(m_text);
        m_text.clear();
        return add(Json(std::move(value)));
    }
    bool open(Json container)
    {
        m_stack.push_back(std::move(container));
        m_keys.emplace_back();
        return true;
    }
    bool close()
    {
        Json done = std::move(m_stack.back());
        m_stack.pop_back();
        m_keys.pop_back();
        return add(std::move(done));
    }
    bool add(Json value)
    {
        if (m_stack.empty()) {
            m_root = std::move(value);
            return true;
        }
        Json &parent = m_stack.back();
        if (auto *array = std::get_if<Json::Array>(&parent.m_value))
            array->push_back(std::move(value));
        else
            std::get<Json::Object>(parent.m_value).emplace_back(std::move(m_keys.back()), std::move(value));
        return true;
    }

    std::vector<Json> m_stack;
    std::vector<QString> m_keys;
    QByteArray m_text;
    Json m_root;
};

Json::Json(double value)
{
    if (!std::isfinite(value))
        return; // JSON has no such number
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    m_value = Number(QByteArray(buffer, end - buffer));
}

Result<Json> Json::parse(QByteArrayView utf8)
{
    boost::json::parse_options options;
    options.max_depth = kMaxDepth;
    boost::json::basic_parser<JsonBuilder> parser(options);
    boost::system::error_code error;
    const std::size_t used
        = parser.write_some(false, utf8.data(), static_cast<std::size_t>(utf8.size()), error);
    if (!error && used < static_cast<std::size_t>(utf8.size()))
        error = boost::json::make_error_code(boost::json::error::extra_data);
    if (error)
        return fail(ErrorCode::InvalidInput, u"invalid JSON at byte %1"_s.arg(used));
    return parser.handler().take();
}

bool Json::toBool(bool fallback) const
{
    const bool *value = std::get_if<bool>(&m_value);
    return value ? *value : fallback;
}

std::optional<qint64> Json::toInt() const
{
    const Number *number = std::get_if<Number>(&m_value);
    if (!number)
        return std::nullopt;
    qint64 value = 0;
    const char *end = number->literal.constData() + number->literal.size();
    const auto [stop, error] = std::from_chars(number->literal.constData(), end, value);
    if (error != std::errc() || stop != end)
        return std::nullopt;
    return value;
}

double Json::toDouble(double fallback) const
{
    const Number *number = std::get_if<Number>(&m_value);
    return number ? number->literal.toDouble() : fallback;
}

const QString &Json::toString() const
{
    const QString *value = std::get_if<QString>(&m_value);
    return value ? *value : kEmptyString;
}

const Json::Array &Json::toArray() const
{
    const Array *value = std::get_if<Array>(&m_value);
    return value ? *value : kEmptyArray;
}

const Json::Object &Json::toObject() const
{
    const Object *value = std::get_if<Object>(&m_value);
    return value ? *value : kEmptyObject;
}

const Json &Json::operator[](QStringView key) const
{
    const Object &members = toObject();
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
        if (member->first == key)
            return member->second;
    }
    return kNull;
}

bool Json::contains(QStringView key) const
{
    for (const Member &member : toObject()) {
        if (member.first == key)
            return true;
    }
    return false;
}

const Json &Json::at(size_t index) const
{
    const Array &items = toArray();
    return index < items.size() ? items[index] : kNull;
}

size_t Json::size() const
{
    return isArray() ? toArray().size() : toObject().size();
}

Json &Json::set(const QString &key, Json value)
{
    if (!isObject())
        m_value = Object();
    auto &members = std::get<Object>(m_value);
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
        if (member->first == key) {
            member->second = std::move(value);
            return *this;
        }
    }
    members.emplace_back(key, std::move(value));
    return *this;
}

Json &Json::append(Json value)
{
    if (!isArray())
        m_value = Array();
    std::get<Array>(m_value).push_back(std::move(value));
    return *this;
}

namespace {

void writeString(QByteArray &out, const QString &text, Json::Escape escape)
{
    static constexpr char kHex[] = "0123456789abcdef";
    const QByteArray utf8 = text.toUtf8();
    out += '"';
    for (const char c : utf8) {
        const auto byte = static_cast<unsigned char>(c);
        const bool html = escape == Json::Escape::Html && (c == '<' || c == '>' || c == '&');
        switch (c) {
        case '"':
            out += "\\\"";
            continue;
        case '\\':
            out += "\\\\";
            continue;
        case '\n':
            out += "\\n";
            continue;
        case '\r':
            out += "\\r";
            continue;
        case '\t':
            out += "\\t";
            continue;
        default:
            break;
        }
        if (byte < 0x20 || html) {
            out += "\\u00";
            out += kHex[byte >> 4];
            out += kHex[byte & 0x0f];
        } else {
            out += c;
        }
    }
    out += '"';
}

void write(QByteArray &out, const Json &json, Json::Escape escape)
{
    if (json.isNull()) {
        out += "null";
    } else if (json.isBool()) {
        out += json.toBool() ? "true" : "false";
    } else if (json.isNumber()) {
        out += json.toBytes();
    } else if (json.isString()) {
        writeString(out, json.toString(), escape);
    } else if (json.isArray()) {
        out += '[';
        bool first = true;
        for (const Json &item : json.toArray()) {
            if (!std::exchange(first, false))
                out += ',';
            write(out, item, escape);
        }
        out += ']';
    } else if (json.isObject()) {
        out += '{';
        bool first = true;
        for (const auto &[key, value] : json.toObject()) {
            if (!std::exchange(first, false))
                out += ',';
            writeString(out, key, escape);
            out += ':';
            write(out, value, escape);
        }
        out += '}';
    }
}

} // namespace

QByteArray Json::toBytes(Escape escape) const
{
    QByteArray out;
    if (const Number *number = std::get_if<Number>(&m_value))
        return number->literal;
    signalbox::write(out, *this, escape);
    return out;
}

} // namespace signalbox
