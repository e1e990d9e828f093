// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <QString>

#include <vector>

namespace signalbox::domain {

// A loaded conversation as its replay tells it: what people wrote, what the agent said, which tools it
// called.
struct TranscriptItem
{
    enum class Kind { User, Agent, Tool };
    TranscriptItem() = default;
    Kind kind = Kind::User;
    QString text; // of User and Agent
    QString toolCall; // of Tool: its id
    bool open = false; // of Tool: neither completed nor failed
};

class Transcript
{
public:
    // One `update` of a session/update, in the order of the replay. `text` is its content as the transport
    // reads it. A user chunk that begins with a context block begins a message of its own.
    void take(const Json &update, const QString &text);
    [[nodiscard]] const std::vector<TranscriptItem> &items() const { return m_items; }

private:
    void takeTool(const Json &update);
    std::vector<TranscriptItem> m_items;
};

// What became of our prompt, told by our message's ts in its context block and never by position (DESIGN.md
// step 5).
struct Adoption
{
    enum class Verdict {
        Absent, // our message is not there
        Unfinished, // it is, and no finished answer follows
        Answered, // agent text follows as its last item, and no tool call is open
    };
    Adoption() = default;
    Verdict verdict = Verdict::Absent;
    QString text; // of Answered: all the agent said; of Unfinished: what there is of it
};
[[nodiscard]] Adoption findAnswer(const Transcript &transcript, const QString &messageTs);

} // namespace signalbox::domain
