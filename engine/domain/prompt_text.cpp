// SPDX-License-Identifier: Apache-2.0
#include "domain/prompt_text.h"

#include "base/json.h"

using namespace Qt::StringLiterals;

namespace signalbox::domain {

namespace {

QString render(const PromptContext &context, const QString &product, const QString &source,
    const QString &deliverer, const QString &text)
{
    Json block = Json::object(
        {{u"source"_s, source}, {u"provider"_s, context.provider}, {u"workspace_id"_s, context.tenant}});
    block.set(u"actor_user_id"_s, context.user);
    block.set(u"channel_id"_s, context.place);
    if (!context.channelType.isEmpty())
        block.set(u"channel_type"_s, context.channelType);
    block.set(u"message_ts"_s, context.messageTs);
    if (!context.threadTs.isEmpty())
        block.set(u"thread_ts"_s, context.threadTs);
    block.set(u"conversation_id"_s, context.place);
    block.set(u"direct_message"_s, context.direct);
    const QString json = QString::fromUtf8(block.toBytes(Json::Escape::Html));
    const QString instructions = deliverer
        + u" will deliver your visible reply. Reply by returning normal assistant text over ACP. Do not call Slack, Discord, Teams, or other provider-channel send tools."_s;
    return u"<%1-channel-context>"_s.arg(product) + json + u"</%1-channel-context>\n\n"_s.arg(product)
        + u"<%1-channel-delivery-instructions>"_s.arg(product) + instructions
        + u"</%1-channel-delivery-instructions>\n\n"_s.arg(product) + text;
}

} // namespace

QString spritzPrompt(const PromptContext &context, const QString &text)
{
    return render(context, u"spritz"_s, u"spritz-slack-gateway"_s, u"Spritz channel gateway"_s, text);
}

QString acpPrompt(const PromptContext &context, const QString &text)
{
    return render(context, u"signalbox"_s, u"signalbox"_s, u"Signalbox"_s, text);
}

QString contextMessageTs(const QString &prompt)
{
    for (const QString &product : {u"spritz"_s, u"signalbox"_s}) {
        const QString begin = u"<%1-channel-context>"_s.arg(product);
        if (!prompt.startsWith(begin))
            continue;
        const qsizetype end = prompt.indexOf(u"</%1-channel-context>"_s.arg(product), begin.size());
        if (end < 0)
            return {};
        const auto block = Json::parse(QStringView(prompt).mid(begin.size(), end - begin.size()).toUtf8());
        return block ? (*block)[u"message_ts"].toString() : QString();
    }
    return {};
}

} // namespace signalbox::domain
