// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/json.h"

#include <QString>

#include <optional>
#include <vector>

namespace signalbox::sandbox {

// One step of what a simulated agent does in a turn.
struct AgentStep
{
    enum class Kind { Pause, Update, AskPermission, ReadFile, Stop, Fail, Mute, Die };
    AgentStep() = default;
    explicit AgentStep(Kind what)
        : kind(what)
    {
    }
    Kind kind = Kind::Pause;
    Millis pause{0};
    Json update; // as in session/update
    QString text; // of Stop: the stop reason; of Fail: the message
};

// The prompt as an agent sees it: the gateway's context block, and what the person wrote after it.
struct AgentPrompt
{
    AgentPrompt() = default;
    QString all;
    QString userText;
    QString messageTs; // of the context block; empty without one
};

[[nodiscard]] AgentPrompt readPrompt(const Json &contentBlocks);

// What to do about a text. Its leading words choose, in any number: "slow 3s ask please" is slow and then
// asks.
//   echo          (or no such word) repeats the text, or tells its length when it is long
//   slow 3s       a tool call that takes so long, then the answer        late 3s   silent for so long, then
//   the answer long 60000    an answer of exactly so many characters                thought   a thought
//   before the answer plan          a plan before the answer                               tool      a tool
//   call before the answer ask           asks for permission first                              forget asks
//   for permission, and after 1.5 s does not want to know it any more                      unknown asks
//   to read a file, waits for the refusal fail          answers with an error       empty    ends without
//   text      refuse   stops with "refusal" half          half an answer, then dies   die      dies after its
//   first frame      crash    dies before any frame mute          never answers               stuck    one
//   frame, then never again       midway   some text and an open tool call, then dies
// Words that the script knows may carry their value as the next word.
[[nodiscard]] std::vector<AgentStep> agentScript(
    const QString &userText, Millis latency, qsizetype chunkChars, int toolNumber);

// A prompt that an agent took and loses.
struct LostPrompt
{
    LostPrompt() = default;
    QString words; // what it does instead of what it was asked, as above
    bool remembered = true; // stands in the conversation's history
};
// Whether this is one of the `percent` of a hundred that are lost, and how: decided by its message_ts alone.
[[nodiscard]] std::optional<LostPrompt> lostPrompt(const QString &messageTs, int percent);

[[nodiscard]] Json textUpdate(const QString &kind, const QString &text);

} // namespace signalbox::sandbox
