// SPDX-License-Identifier: Apache-2.0
#include "runtimes/acp/session_update.h"

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
bool isToolUpdate(const QString &kind)
{
    return kind == u"tool_call" || kind == u"tool_call_update";
}
} // namespace

bool isSignOfWork(const QString &updateKind)
{
    return updateKind == u"agent_message_chunk" || updateKind == u"agent_thought_chunk"
        || isToolUpdate(updateKind) || updateKind == u"plan";
}

bool isReplayedHistory(const QString &updateKind)
{
    return updateKind == u"user_message_chunk" || isSignOfWork(updateKind);
}

Json cancelledOutcome()
{
    return Json::object({{u"outcome"_s, Json::object({{u"outcome"_s, u"cancelled"_s}})}});
}

Json refusedOutcome(const Json &options)
{
    for (const QString &wanted : {u"reject_once"_s, u"reject_always"_s}) {
        for (const Json &option : options.toArray()) {
            if (option[u"kind"].toString() == wanted && option[u"optionId"].isString()) {
                const Json outcome
                    = Json::object({{u"outcome"_s, u"selected"_s}, {u"optionId"_s, option[u"optionId"]}});
                return Json::object({{u"outcome"_s, outcome}});
            }
        }
    }
    return cancelledOutcome();
}

QString MessageText::take(const Json &update)
{
    const QString &kind = update[u"sessionUpdate"].toString();
    if (isToolUpdate(kind)) {
        m_toolBetween = true;
    }
    const Json &content = update[u"content"];
    if (kind != u"agent_message_chunk" || content[u"type"].toString() != u"text") {
        return {};
    }
    const QString &text = content[u"text"].toString();
    if (text.isEmpty()) {
        return {};
    }
    const QString &id = update[u"messageId"].toString();
    const bool isNew = id.isEmpty() && m_messageId.isEmpty() ? m_toolBetween : id != m_messageId;
    const bool gap = m_hasText && isNew;
    m_messageId = id;
    m_toolBetween = false;
    m_hasText = true;
    return gap ? u"\n\n"_s + text : text;
}

} // namespace signalbox::runtimes
