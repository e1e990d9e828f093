// SPDX-License-Identifier: Apache-2.0
#include "sandbox/agent_script.h"

#include "base/hash.h"

#include <array>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr Millis kPatience{1500}; // of a permission that is not waited for
constexpr qsizetype kEchoLimit = 2000;
constexpr qsizetype kMaxLong = 10'000'000;

std::optional<Millis> parseDuration(QStringView word)
{
    qsizetype digits = 0;
    while (digits < word.size() && word.at(digits).isDigit())
        ++digits;
    const qint64 value = word.first(digits).toLongLong();
    const QStringView unit = word.sliced(digits);
    if (digits == 0)
        return std::nullopt;
    if (unit == u"ms")
        return Millis(value);
    if (unit == u"m")
        return Millis(value * 60'000);
    if (unit == u"s" || unit.isEmpty())
        return Millis(value * 1000);
    return std::nullopt;
}

// Reads words from the left without touching the spaces of what follows.
class Words
{
public:
    explicit Words(QStringView text)
        : m_rest(text.trimmed())
    {
    }
    [[nodiscard]] QStringView peek() const
    {
        qsizetype end = 0;
        while (end < m_rest.size() && !m_rest.at(end).isSpace())
            ++end;
        return m_rest.first(end);
    }
    void skip() { m_rest = m_rest.sliced(peek().size()).trimmed(); }
    [[nodiscard]] QStringView rest() const { return m_rest; }

private:
    QStringView m_rest;
};

class ScriptWriter
{
public:
    ScriptWriter(Millis latency, qsizetype chunkChars, int toolNumber)
        : m_chunkChars(std::max<qsizetype>(1, chunkChars))
        , m_tool(u"call_%1"_s.arg(toolNumber))
    {
        if (latency > Millis(0))
            pause(latency);
    }

    std::vector<AgentStep> write(const QString &text)
    {
        Words words(text);
        while (!m_done && !m_literal && takeWord(words)) { }
        if (!m_done) {
            if (m_answer.isEmpty())
                m_answer = echo(words.rest());
            say(m_answer);
            stop(u"end_turn"_s);
        }
        return std::move(m_steps);
    }

private:
    [[nodiscard]] static QString echo(QStringView text)
    {
        if (text.isEmpty())
            return u"Hello! Say something and I repeat it."_s;
        if (text.size() > kEchoLimit)
            return u"I have read %1 characters."_s.arg(text.size());
        return u"You said: "_s + text.toString();
    }

    bool takeWord(Words &words)
    {
        const QString word = words.peek().toString().toLower();
        return takeValueWord(word, words) || takePlainWord(word, words) || takeEnd(word);
    }

    bool takeValueWord(const QString &word, Words &words)
    {
        if (word != "slow"_L1 && word != "late"_L1 && word != "long"_L1)
            return false;
        Words ahead = words;
        ahead.skip();
        const QStringView value = ahead.peek();
        bool isNumber = false;
        const qlonglong number = value.toLongLong(&isNumber);
        const auto duration = parseDuration(value);
        if (word == "long"_L1 ? !isNumber : !duration)
            return false; // just a word of the text
        ahead.skip();
        words = ahead;
        if (word == "long"_L1) {
            m_answer = filler(std::clamp<qsizetype>(number, 1, kMaxLong));
        } else if (word == "late"_L1) {
            pause(*duration);
        } else {
            tool(u"in_progress"_s);
            pause(*duration);
            toolUpdate(u"completed"_s);
        }
        return true;
    }

    bool takePlainWord(const QString &word, Words &words)
    {
        if (word == "echo"_L1) {
            words.skip();
            m_answer = echo(words.rest());
            m_literal = true;
            return true;
        }
        if (word == "thought"_L1) {
            update(textUpdate(u"agent_thought_chunk"_s, u"Let me think about that."_s));
        } else if (word == "plan"_L1) {
            plan();
        } else if (word == "tool"_L1) {
            tool(u"in_progress"_s);
            toolUpdate(u"completed"_s);
        } else if (word == "ask"_L1) {
            tool(u"pending"_s);
            m_steps.emplace_back(AgentStep::Kind::AskPermission).text = m_tool;
        } else if (word == "forget"_L1) {
            tool(u"pending"_s);
            AgentStep &ask = m_steps.emplace_back(AgentStep::Kind::AskPermission);
            ask.text = m_tool;
            ask.pause = kPatience;
        } else if (word == "unknown"_L1) {
            m_steps.emplace_back(AgentStep::Kind::ReadFile);
        } else {
            return false;
        }
        words.skip();
        return true;
    }

    // Words after which nothing is read.
    bool takeEnd(const QString &word)
    {
        if (word == "fail"_L1) {
            m_steps.emplace_back(AgentStep::Kind::Fail).text = u"the simulated agent was told to fail"_s;
        } else if (word == "empty"_L1) {
            stop(u"end_turn"_s);
        } else if (word == "refuse"_L1) {
            stop(u"refusal"_s);
        } else if (word == "mute"_L1) {
            m_steps.emplace_back(AgentStep::Kind::Mute);
        } else if (word == "stuck"_L1) {
            say(u"One moment"_s);
            m_steps.emplace_back(AgentStep::Kind::Mute);
        } else if (word == "crash"_L1) {
            m_steps.emplace_back(AgentStep::Kind::Die);
        } else if (word == "die"_L1) {
            tool(u"in_progress"_s);
            m_steps.emplace_back(AgentStep::Kind::Die);
        } else if (word == "half"_L1) {
            say(u"This is the first half of"_s);
            m_steps.emplace_back(AgentStep::Kind::Die);
        } else if (word == "midway"_L1) {
            say(u"This is the first half of"_s);
            tool(u"in_progress"_s);
            m_steps.emplace_back(AgentStep::Kind::Die);
        } else {
            return false;
        }
        m_done = true;
        return true;
    }

    void pause(Millis time) { m_steps.emplace_back(AgentStep::Kind::Pause).pause = time; }
    void update(Json json) { m_steps.emplace_back(AgentStep::Kind::Update).update = std::move(json); }
    void stop(const QString &reason) { m_steps.emplace_back(AgentStep::Kind::Stop).text = reason; }

    void say(const QString &text)
    {
        for (qsizetype from = 0; from < text.size();) {
            qsizetype size = std::min(m_chunkChars, text.size() - from);
            // A surrogate pair stays in one chunk.
            if (from + size < text.size() && text.at(from + size - 1).isHighSurrogate())
                ++size;
            update(textUpdate(u"agent_message_chunk"_s, text.sliced(from, size)));
            from += size;
        }
    }

    void tool(const QString &status)
    {
        update(Json::object({{u"sessionUpdate"_s, u"tool_call"_s}, {u"toolCallId"_s, m_tool},
            {u"title"_s, u"Edit notes.txt"_s}, {u"kind"_s, u"edit"_s}, {u"status"_s, status}}));
    }

    void toolUpdate(const QString &status)
    {
        update(Json::object(
            {{u"sessionUpdate"_s, u"tool_call_update"_s}, {u"toolCallId"_s, m_tool}, {u"status"_s, status}}));
    }

    void plan()
    {
        Json entries = Json::array();
        for (const QString &content : {u"Read the request"_s, u"Answer it"_s}) {
            entries.append(Json::object({{u"content"_s, content}, {u"priority"_s, u"medium"_s},
                {u"status"_s, entries.size() == 0 ? u"completed"_s : u"in_progress"_s}}));
        }
        update(Json::object({{u"sessionUpdate"_s, u"plan"_s}, {u"entries"_s, entries}}));
    }

    // Lines of 80 characters with their number, so that a lost or doubled part shows.
    [[nodiscard]] static QString filler(qsizetype size)
    {
        QString text;
        text.reserve(size + 80);
        for (int line = 1; text.size() < size; ++line)
            text += u"%1 "_s.arg(line, 7, 10, QLatin1Char('0')) + QString(71, QLatin1Char('.')) + u'\n';
        text.truncate(size - 1);
        return text + u'!'; // never ends in white space, which a channel may cut
    }

    std::vector<AgentStep> m_steps;
    QString m_answer;
    qsizetype m_chunkChars;
    QString m_tool;
    bool m_done = false;
    bool m_literal = false; // what follows is text, not words
};

// Cuts a leading <spritz-…> or <signalbox-…> element; its text is answered.
std::optional<QString> takeElement(QStringView &text, QString &name)
{
    if (!text.startsWith(u"<spritz-") && !text.startsWith(u"<signalbox-"))
        return std::nullopt;
    const qsizetype open = text.indexOf(u'>');
    if (open < 0)
        return std::nullopt;
    name = text.sliced(1, open - 1).toString();
    const QString close = u"</"_s + name + u'>';
    const qsizetype end = text.indexOf(close, open);
    if (end < 0)
        return std::nullopt;
    const QString inner = text.sliced(open + 1, end - open - 1).toString();
    text = text.sliced(end + close.size());
    while (text.startsWith(u'\n'))
        text = text.sliced(1);
    return inner;
}
} // namespace

Json textUpdate(const QString &kind, const QString &text)
{
    return Json::object({{u"sessionUpdate"_s, kind},
        {u"content"_s, Json::object({{u"type"_s, u"text"_s}, {u"text"_s, text}})}});
}

AgentPrompt readPrompt(const Json &contentBlocks)
{
    AgentPrompt prompt;
    for (const Json &block : contentBlocks.toArray()) {
        if (block[u"type"].toString() == "text"_L1)
            prompt.all += block[u"text"].toString();
    }
    QStringView rest(prompt.all);
    QString name;
    while (const auto inner = takeElement(rest, name)) {
        if (!name.endsWith("-channel-context"_L1) || !prompt.messageTs.isEmpty())
            continue;
        if (const auto context = Json::parse(inner->toUtf8()))
            prompt.messageTs = (*context)[u"message_ts"].toString();
    }
    prompt.userText = rest.trimmed().toString();
    return prompt;
}

std::optional<LostPrompt> lostPrompt(const QString &messageTs, int percent)
{
    if (percent <= 0)
        return std::nullopt;
    const QByteArray hash = sha256(messageTs.toUtf8());
    const int share = (static_cast<uchar>(hash[0]) * 256 + static_cast<uchar>(hash[1])) % 100;
    if (share >= percent)
        return std::nullopt;
    static const std::array kWays{
        u"mute"_s, u"crash"_s, u"thought crash"_s, u"thought mute"_s, u"die"_s, u"midway"_s, QString()};
    LostPrompt lost;
    lost.words = kWays[static_cast<uchar>(hash[2]) % kWays.size()];
    lost.remembered = !lost.words.isEmpty();
    if (!lost.remembered)
        lost.words = u"mute"_s;
    return lost;
}

std::vector<AgentStep> agentScript(
    const QString &userText, Millis latency, qsizetype chunkChars, int toolNumber)
{
    return ScriptWriter(latency, chunkChars, toolNumber).write(userText);
}

} // namespace signalbox::sandbox
