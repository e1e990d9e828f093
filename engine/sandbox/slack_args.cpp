// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slack_args.h"

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
QString decodePart(QByteArrayView part)
{
    QByteArray bytes = part.toByteArray();
    bytes.replace('+', ' ');
    return QString::fromUtf8(QByteArray::fromPercentEncoding(bytes));
}
} // namespace

std::vector<std::pair<QString, QString>> decodeForm(QByteArrayView body)
{
    std::vector<std::pair<QString, QString>> fields;
    qsizetype from = 0;
    while (from < body.size()) {
        qsizetype end = body.indexOf('&', from);
        if (end < 0)
            end = body.size();
        const QByteArrayView field = body.sliced(from, end - from);
        from = end + 1;
        if (field.isEmpty())
            continue;
        const qsizetype equals = field.indexOf('=');
        if (equals < 0)
            fields.emplace_back(decodePart(field), QString());
        else
            fields.emplace_back(decodePart(field.first(equals)), decodePart(field.sliced(equals + 1)));
    }
    return fields;
}

QByteArray encodeForm(const std::vector<std::pair<QString, QString>> &fields)
{
    QByteArray body;
    for (const auto &[name, value] : fields) {
        if (!body.isEmpty())
            body += '&';
        body += name.toUtf8().toPercentEncoding() + '='
            + value.toUtf8().toPercentEncoding("", "~").replace("%20", "+");
    }
    return body;
}

std::optional<SlackArgs> SlackArgs::read(const http::Request &request, QString &error)
{
    SlackArgs args;
    const auto addForm = [&args](QByteArrayView form) {
        for (auto &[name, value] : decodeForm(form))
            args.m_values.emplace_back(std::move(name), Json(std::move(value)));
    };
    addForm(request.rawQuery);
    const QByteArray type = request.headers.value("Content-Type");
    const QByteArray kind = type.split(';').value(0).trimmed().toLower();
    const bool charset = type.toLower().contains("charset");
    if (kind == "application/json") {
        const auto json = Json::parse(request.body);
        if (!json || !json->isObject()) {
            error = json ? u"json_not_object"_s : u"invalid_json"_s;
            return std::nullopt;
        }
        for (const auto &[name, value] : json->toObject())
            args.m_values.emplace_back(name, value);
        if (!charset)
            args.m_warning = u"missing_charset"_s;
    } else if (kind == "application/x-www-form-urlencoded") {
        addForm(request.body);
        if (charset)
            args.m_warning = u"superfluous_charset"_s;
    } else if (!request.body.isEmpty()) {
        error = kind.isEmpty() ? u"missing_post_type"_s : u"invalid_post_type"_s;
        return std::nullopt;
    }
    return args;
}

const Json *SlackArgs::find(QStringView name) const
{
    for (const auto &[key, value] : m_values) {
        if (key == name)
            return &value;
    }
    return nullptr;
}

QString SlackArgs::text(QStringView name) const
{
    const Json *value = find(name);
    if (value == nullptr)
        return {};
    if (value->isNumber())
        return QString::fromUtf8(value->toBytes());
    return value->toString();
}

bool SlackArgs::flag(QStringView name, bool fallback) const
{
    const Json *value = find(name);
    if (value == nullptr)
        return fallback;
    if (value->isBool())
        return value->toBool();
    const QString word = text(name);
    return word == "1"_L1 || word == "true"_L1;
}

int SlackArgs::number(QStringView name, int fallback) const
{
    bool ok = false;
    const int value = text(name).toInt(&ok);
    return ok ? value : fallback;
}

std::optional<Json> SlackArgs::structure(QStringView name) const
{
    const Json *value = find(name);
    if (value == nullptr)
        return Json();
    if (!value->isString())
        return *value;
    if (value->toString().isEmpty())
        return Json();
    const auto parsed = Json::parse(value->toString().toUtf8());
    if (!parsed)
        return std::nullopt;
    return *parsed;
}

} // namespace signalbox::sandbox
