// SPDX-License-Identifier: Apache-2.0
#include "gateway/json_body.h"

#include <QSet>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

tl::unexpected<Error> wrongMember(const QString &member, const QString &what)
{
    return fail(ErrorCode::InvalidInput, member + u' ' + what);
}

bool isStorable(const QString &text)
{
    return text.isValidUtf16() && std::none_of(text.begin(), text.end(), [](QChar c) {
        return c.unicode() < 0x20 || c.unicode() == 0x7f;
    });
}

Result<QString> textOf(const Json &json, const QString &member, qsizetype most, bool needed)
{
    const Json &value = json[member];
    if (value.isNull()) {
        if (needed)
            return wrongMember(member, u"is missing"_s);
        return QString();
    }
    if (!value.isString())
        return wrongMember(member, u"must be a string"_s);
    const QString &text = value.toString();
    if (needed && text.isEmpty())
        return wrongMember(member, u"is empty"_s);
    if (text.size() > most)
        return wrongMember(member, u"is longer than %1 characters"_s.arg(most));
    if (!isStorable(text))
        return wrongMember(member, u"holds control characters"_s);
    return text;
}

Result<Json> objectOf(const http::Request &request, const QStringList &members)
{
    const QByteArray type = request.headers.value("Content-Type");
    const QByteArray media = type.left(type.indexOf(';') < 0 ? type.size() : type.indexOf(';')).trimmed();
    if (!media.isEmpty() && media.compare("application/json", Qt::CaseInsensitive) != 0)
        return fail(ErrorCode::Unsupported, u"the body must be application/json"_s);
    auto json = Json::parse(request.body);
    if (!json)
        return fail(ErrorCode::InvalidInput, u"the body is not JSON"_s);
    if (!json->isObject())
        return fail(ErrorCode::InvalidInput, u"the body must be a JSON object"_s);
    QSet<QString> seen;
    for (const auto &[name, value] : json->toObject()) {
        if (!members.contains(name))
            return fail(ErrorCode::InvalidInput,
                u"the body has an unknown member; it takes "_s + members.join(u", "_s));
        if (seen.contains(name))
            return wrongMember(name, u"stands there twice"_s);
        seen.insert(name);
    }
    return json;
}

} // namespace signalbox::gateway
