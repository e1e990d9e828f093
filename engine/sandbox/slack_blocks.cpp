// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slack_blocks.h"

#include <QSet>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr size_t kMaxBlocks = 50;
constexpr qsizetype kMaxSectionText = 3000;
constexpr size_t kMaxSectionFields = 10;
constexpr qsizetype kMaxFieldText = 2000;
constexpr qsizetype kMaxHeaderText = 150;
constexpr size_t kMaxActions = 25;
constexpr size_t kMaxContext = 10;
constexpr qsizetype kMaxButtonText = 75;
constexpr qsizetype kMaxButtonValue = 2000;
constexpr qsizetype kMaxId = 255;
constexpr qsizetype kMaxMarkdown = 12'000;
// Measured by others on the real service, not documented (contracts/slack.md §4).
constexpr qsizetype kMaxRendered = 13'200;

class BlockCheck
{
public:
    SlackRefusal run(const Json &blocks)
    {
        if (!blocks.isArray())
            return SlackRefusal(u"invalid_blocks_format"_s);
        if (blocks.size() > kMaxBlocks)
            return refuse(u"no more than 50 items allowed"_s, u"/blocks"_s);
        for (size_t i = 0; i < blocks.size() && m_refusal.error.isEmpty(); ++i)
            block(blocks.at(i), u"/blocks/%1"_s.arg(i));
        if (m_refusal.error.isEmpty() && m_rendered > kMaxRendered)
            return SlackRefusal(u"msg_blocks_too_long"_s);
        return m_refusal;
    }

private:
    SlackRefusal refuse(const QString &why, const QString &pointer)
    {
        if (m_refusal.error.isEmpty())
            m_refusal = SlackRefusal(u"invalid_blocks"_s, u"%1 [json-pointer:%2]"_s.arg(why, pointer));
        return m_refusal;
    }

    void textObject(const Json &text, qsizetype limit, const QString &pointer)
    {
        const QString &type = text[u"type"].toString();
        if (type != "plain_text"_L1 && type != "mrkdwn"_L1)
            refuse(u"unsupported type: "_s + type, pointer + u"/type"_s);
        const qsizetype length = text[u"text"].toString().size();
        if (length == 0)
            refuse(u"must be more than 0 characters"_s, pointer + u"/text"_s);
        if (length > limit)
            refuse(u"must be less than %1 characters"_s.arg(limit + 1), pointer + u"/text"_s);
        m_rendered += length;
    }

    void element(const Json &element, const QString &pointer)
    {
        const QString &type = element[u"type"].toString();
        if (type.isEmpty())
            refuse(u"missing required field: type"_s, pointer);
        if (element[u"action_id"].toString().size() > kMaxId)
            refuse(u"must be less than 256 characters"_s, pointer + u"/action_id"_s);
        if (type != "button"_L1)
            return;
        if (element[u"text"][u"type"].toString() != "plain_text"_L1)
            refuse(u"unsupported type"_s, pointer + u"/text/type"_s);
        textObject(element[u"text"], kMaxButtonText, pointer + u"/text"_s);
        if (element[u"value"].toString().size() > kMaxButtonValue)
            refuse(u"must be less than 2001 characters"_s, pointer + u"/value"_s);
    }

    void section(const Json &block, const QString &pointer)
    {
        if (!block.contains(u"text") && !block.contains(u"fields"))
            refuse(u"missing required field: text"_s, pointer);
        if (block.contains(u"text"))
            textObject(block[u"text"], kMaxSectionText, pointer + u"/text"_s);
        if (block[u"fields"].size() > kMaxSectionFields)
            refuse(u"no more than 10 items allowed"_s, pointer + u"/fields"_s);
        for (size_t i = 0; i < block[u"fields"].size(); ++i)
            textObject(block[u"fields"].at(i), kMaxFieldText, pointer + u"/fields/%1"_s.arg(i));
    }

    void elements(const Json &block, size_t limit, bool texts, const QString &pointer)
    {
        const Json &list = block[u"elements"];
        if (!list.isArray() || list.size() == 0)
            refuse(u"must be more than 0 items"_s, pointer + u"/elements"_s);
        if (list.size() > limit)
            refuse(u"no more than %1 items allowed"_s.arg(limit), pointer + u"/elements"_s);
        for (size_t i = 0; i < list.size(); ++i) {
            const QString at = pointer + u"/elements/%1"_s.arg(i);
            if (texts && list.at(i)[u"type"].toString() != "image"_L1)
                textObject(list.at(i), kMaxSectionText, at);
            else
                element(list.at(i), at);
        }
    }

    void block(const Json &block, const QString &pointer)
    {
        static constexpr QStringView kOthers[]
            = {u"divider", u"image", u"input", u"file", u"rich_text", u"video", u"table", u"context_actions"};
        const QString &type = block[u"type"].toString();
        const QString &id = block[u"block_id"].toString();
        if (id.size() > kMaxId)
            refuse(u"must be less than 256 characters"_s, pointer + u"/block_id"_s);
        if (!id.isEmpty() && m_ids.contains(id))
            refuse(u"block_id must be unique"_s, pointer + u"/block_id"_s);
        m_ids.insert(id);
        if (type == "section"_L1) {
            section(block, pointer);
        } else if (type == "header"_L1) {
            textObject(block[u"text"], kMaxHeaderText, pointer + u"/text"_s);
            m_rendered += 100;
        } else if (type == "context"_L1) {
            elements(block, kMaxContext, true, pointer);
        } else if (type == "actions"_L1) {
            elements(block, kMaxActions, false, pointer);
        } else if (type == "markdown"_L1) {
            m_rendered += block[u"text"].toString().size();
            if (block[u"text"].toString().size() > kMaxMarkdown)
                refuse(u"must be less than 12001 characters"_s, pointer + u"/text"_s);
        } else if (std::find(std::begin(kOthers), std::end(kOthers), QStringView(type))
            == std::end(kOthers)) {
            refuse(u"unsupported type: "_s + type, pointer + u"/type"_s);
        }
    }

    SlackRefusal m_refusal;
    QSet<QString> m_ids;
    qsizetype m_rendered = 0;
};

bool isScalar(const Json &value)
{
    return value.isString() || value.isNumber() || value.isBool();
}

bool isFlatObject(const Json &value)
{
    return value.isObject()
        && std::all_of(value.toObject().begin(), value.toObject().end(),
            [](const auto &member) { return isScalar(member.second); });
}
} // namespace

SlackRefusal checkBlocks(const Json &blocks)
{
    return BlockCheck().run(blocks);
}

SlackRefusal checkMetadata(const Json &metadata)
{
    if (!metadata.isObject() || metadata[u"event_type"].toString().isEmpty()
        || !metadata[u"event_payload"].isObject())
        return SlackRefusal(u"invalid_metadata_format"_s);
    for (const auto &[name, value] : metadata[u"event_payload"].toObject()) {
        const bool flatList = value.isArray()
            && std::all_of(value.toArray().begin(), value.toArray().end(),
                [](const Json &item) { return isScalar(item) || isFlatObject(item); });
        if (!isScalar(value) && !isFlatObject(value) && !flatList)
            return SlackRefusal(u"invalid_metadata_schema"_s, name);
    }
    return SlackRefusal();
}

} // namespace signalbox::sandbox
