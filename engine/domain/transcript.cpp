// SPDX-License-Identifier: Apache-2.0
#include "domain/transcript.h"

#include "domain/prompt_text.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::domain {

void Transcript::take(const Json &update, const QString &text)
{
    const QString &kind = update[u"sessionUpdate"].toString();
    if (kind == u"tool_call" || kind == u"tool_call_update") {
        takeTool(update);
        return;
    }
    const bool user = kind == u"user_message_chunk";
    if (!user && kind != u"agent_message_chunk")
        return;
    const auto wanted = user ? TranscriptItem::Kind::User : TranscriptItem::Kind::Agent;
    const bool begins = user && !contextMessageTs(text).isEmpty();
    if (m_items.empty() || m_items.back().kind != wanted || begins)
        m_items.emplace_back().kind = wanted;
    m_items.back().text += text;
}

void Transcript::takeTool(const Json &update)
{
    const QString &id = update[u"toolCallId"].toString();
    const QString &status = update[u"status"].toString();
    // An agent may count its calls anew with every connection: a call that begins is one of this turn, even
    // if an older turn had one of that id. What only tells more of a call may belong to an older turn.
    const bool begins = update[u"sessionUpdate"].toString() == u"tool_call";
    const auto end = !begins ? m_items.rend()
                             : std::find_if(m_items.rbegin(), m_items.rend(), [](const TranscriptItem &item) {
                                   return item.kind == TranscriptItem::Kind::User;
                               });
    const auto known = std::find_if(m_items.rbegin(), end, [&](const TranscriptItem &item) {
        return item.kind == TranscriptItem::Kind::Tool && item.toolCall == id;
    });
    const bool isNew = known == end; // asked before the vector grows
    TranscriptItem *item = isNew ? &m_items.emplace_back() : &*known;
    if (isNew) {
        item->kind = TranscriptItem::Kind::Tool;
        item->toolCall = id;
        item->open = true;
    }
    if (!status.isEmpty())
        item->open = status != u"completed" && status != u"failed" && status != u"cancelled";
}

Adoption findAnswer(const Transcript &transcript, const QString &messageTs)
{
    Adoption adoption;
    const auto &items = transcript.items();
    const auto ours = std::find_if(items.rbegin(), items.rend(), [&](const TranscriptItem &item) {
        return item.kind == TranscriptItem::Kind::User && contextMessageTs(item.text) == messageTs;
    });
    if (ours == items.rend() || messageTs.isEmpty())
        return adoption;
    adoption.verdict = Adoption::Verdict::Unfinished;
    bool open = false;
    const TranscriptItem *last = nullptr;
    for (auto item = ours.base(); item != items.end() && item->kind != TranscriptItem::Kind::User; ++item) {
        last = &*item;
        open = open || (item->kind == TranscriptItem::Kind::Tool && item->open);
        if (item->kind == TranscriptItem::Kind::Agent)
            adoption.text += item->text;
    }
    const bool spoke = last && last->kind == TranscriptItem::Kind::Agent && !last->text.trimmed().isEmpty();
    if (spoke && !open)
        adoption.verdict = Adoption::Verdict::Answered;
    return adoption;
}

} // namespace signalbox::domain
