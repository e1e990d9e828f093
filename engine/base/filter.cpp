// SPDX-License-Identifier: Apache-2.0
#include "base/filter.h"

#include "base/duration.h"

#include <QDateTime>

#include <algorithm>
#include <array>

using namespace Qt::StringLiterals;

namespace signalbox {

namespace {

constexpr qsizetype kLongest = 4000;
constexpr qsizetype kLongestWord = 40;
constexpr size_t kMostTerms = 64;

bool isNameStart(QChar c)
{
    return (c >= u'a' && c <= u'z') || (c >= u'A' && c <= u'Z') || c == u'_';
}

bool isName(QChar c)
{
    return isNameStart(c) || (c >= u'0' && c <= u'9') || c == u'.';
}

// Reads one text from left to right.
class Reader
{
public:
    explicit Reader(const QString &text)
        : m_text(text)
    {
    }

    [[nodiscard]] bool skipSpaces()
    {
        while (!atEnd() && peek().isSpace())
            ++m_at;
        return !atEnd();
    }
    [[nodiscard]] Result<Filter::Term> term();

private:
    [[nodiscard]] bool atEnd() const { return m_at >= m_text.size(); }
    [[nodiscard]] QChar peek() const { return m_text[m_at]; }
    [[nodiscard]] bool take(QStringView word)
    {
        if (!QStringView(m_text).mid(m_at).startsWith(word))
            return false;
        m_at += word.size();
        return true;
    }
    [[nodiscard]] tl::unexpected<Error> refuse(const QString &why) const;
    [[nodiscard]] QString fieldName();
    [[nodiscard]] Filter::Op comparison();
    [[nodiscard]] Status readValues(Filter::Term &term);
    [[nodiscard]] Result<QString> value();
    [[nodiscard]] Result<QString> quoted();
    [[nodiscard]] Status readAge(Filter::Term &term) const;

    const QString &m_text;
    qsizetype m_begin = 0; // of the term that is read
    qsizetype m_at = 0;
};

tl::unexpected<Error> Reader::refuse(const QString &why) const
{
    qsizetype end = m_begin;
    while (end < m_text.size() && !m_text[end].isSpace())
        ++end;
    const QString word = m_text.mid(m_begin, std::min(end - m_begin, kLongestWord));
    const QString position = QString::number(m_begin + 1);
    return fail(
        Error(ErrorCode::InvalidInput, u"the filter at %1, \"%2\": %3"_s.arg(position, word, why), position));
}

// Moves behind the field and its sign only when there is one.
QString Reader::fieldName()
{
    if (atEnd() || !isNameStart(peek()))
        return {};
    qsizetype end = m_at;
    while (end < m_text.size() && isName(m_text[end]))
        ++end;
    if (end >= m_text.size() || (m_text[end] != u':' && m_text[end] != u'~'))
        return {};
    const QString name = m_text.mid(m_at, end - m_at);
    m_at = end;
    return name;
}

Filter::Op Reader::comparison()
{
    if (take(u">="))
        return Filter::Op::AtLeast;
    if (take(u"<="))
        return Filter::Op::AtMost;
    if (take(u">"))
        return Filter::Op::Greater;
    if (take(u"<"))
        return Filter::Op::Less;
    return Filter::Op::Is;
}

Result<QString> Reader::quoted()
{
    ++m_at;
    QString text;
    while (!atEnd() && peek() != u'"') {
        if (peek() == u'\\' && m_at + 1 < m_text.size()
            && (m_text[m_at + 1] == u'"' || m_text[m_at + 1] == u'\\')) {
            ++m_at;
        }
        text += m_text[m_at++];
    }
    if (atEnd())
        return refuse(u"the quote does not end"_s);
    ++m_at;
    if (!atEnd() && peek() != u',' && !peek().isSpace())
        return refuse(u"a space or a comma is needed behind the quote"_s);
    return text;
}

Result<QString> Reader::value()
{
    if (!atEnd() && peek() == u'"')
        return quoted();
    const qsizetype begin = m_at;
    while (!atEnd() && !peek().isSpace() && peek() != u',') {
        if (peek() == u'"')
            return refuse(u"a quote must stand around the whole value"_s);
        ++m_at;
    }
    if (m_at == begin)
        return refuse(u"a value is missing"_s);
    return m_text.mid(begin, m_at - begin);
}

Status Reader::readValues(Filter::Term &term)
{
    while (true) {
        auto one = value();
        if (!one)
            return fail(one.error());
        term.values << std::move(*one);
        if (!take(u","))
            return {};
    }
}

Status Reader::readAge(Filter::Term &term) const
{
    if (term.op == Filter::Op::Is || term.op == Filter::Op::Contains)
        return refuse(u"age takes > or < and a span, as age:>10m"_s);
    const auto span = parseDuration(term.values.first());
    if (!span)
        return refuse(u"a span is one whole number with ms, s, m, h or d"_s);
    term.age = *span;
    return {};
}

Result<Filter::Term> Reader::term()
{
    m_begin = m_at;
    Filter::Term term;
    term.negated = take(u"-");
    term.field = fieldName();
    if (!term.field.isEmpty())
        term.op = take(u"~") ? Filter::Op::Contains : Filter::Op::Is;
    if (!term.field.isEmpty() && term.op == Filter::Op::Is && take(u":"))
        term.op = comparison();
    const bool compares = term.op != Filter::Op::Is && term.op != Filter::Op::Contains;
    if (auto read = readValues(term); !read)
        return fail(read.error());
    if (compares && term.values.size() > 1)
        return refuse(u"a comparison takes one value"_s);
    if (term.field == u"age") {
        if (auto read = readAge(term); !read)
            return fail(read.error());
    }
    return term;
}

// --- evaluation

const Json &fieldOf(const Json &item, const QString &name)
{
    const Json *at = &item;
    for (const QString &part : name.split(u'.'))
        at = &(*at)[part];
    return *at;
}

QString textOf(const Json &json)
{
    if (json.isString())
        return json.toString();
    if (json.isBool())
        return json.toBool() ? u"true"_s : u"false"_s;
    return json.isNumber() ? QString::fromUtf8(json.toBytes()) : QString();
}

bool isScalar(const Json &json)
{
    return json.isString() || json.isBool() || json.isNumber();
}

template <class T>
bool compare(Filter::Op op, const T &left, const T &right)
{
    switch (op) {
    case Filter::Op::Is:
        return left == right;
    case Filter::Op::Less:
        return left < right;
    case Filter::Op::AtMost:
        return left <= right;
    case Filter::Op::Greater:
        return left > right;
    case Filter::Op::AtLeast:
        return left >= right;
    case Filter::Op::Contains:
        break;
    }
    return false;
}

bool compareField(const Filter::Term &term, const Json &field, const QString &value)
{
    if (term.op == Filter::Op::Contains)
        return textOf(field).contains(value, Qt::CaseInsensitive);
    bool isNumber = false;
    const double number = value.toDouble(&isNumber);
    if (field.isNumber())
        return isNumber && compare(term.op, field.toDouble(), number);
    return compare(term.op, textOf(field), value);
}

bool isOfAge(const Filter::Term &term, const Json &item, Instant now)
{
    const QDateTime created = QDateTime::fromString(item[u"created_at"].toString(), Qt::ISODateWithMs);
    if (!created.isValid())
        return false;
    return compare(term.op, toMs(now) - created.toMSecsSinceEpoch(), qint64(term.age.count()));
}

// "waiting:lock": the state with what is waited for.
bool isState(const Json &item, const QString &value)
{
    const qsizetype colon = value.indexOf(u':');
    return colon > 0 && item[u"state"].toString() == value.left(colon)
        && item[u"waits_for"].toString() == value.mid(colon + 1);
}

bool matchesAny(const Filter::Term &term, const Json &item)
{
    const Json::Object &members = item.toObject();
    return std::any_of(members.begin(), members.end(), [&term](const Json::Member &member) {
        return member.second.isString() && term.values.contains(member.second.toString());
    });
}

bool holds(const Filter::Term &term, const Json &item, Instant now)
{
    if (term.field.isEmpty())
        return matchesAny(term, item);
    if (term.field == u"age")
        return isOfAge(term, item, now);
    const Json &field = fieldOf(item, term.field);
    if (!isScalar(field))
        return false;
    return std::any_of(term.values.begin(), term.values.end(), [&](const QString &value) {
        return compareField(term, field, value)
            || (term.op == Filter::Op::Is && term.field == u"state" && isState(item, value));
    });
}

} // namespace

Result<Filter> Filter::parse(const QString &text)
{
    if (text.size() > kLongest)
        return fail(ErrorCode::InvalidInput, u"the filter is longer than %1 characters"_s.arg(kLongest));
    Filter filter;
    Reader reader(text);
    while (reader.skipSpaces()) {
        auto term = reader.term();
        if (!term)
            return fail(term.error());
        filter.m_terms.push_back(std::move(*term));
        if (filter.m_terms.size() > kMostTerms)
            return fail(ErrorCode::InvalidInput, u"the filter has more than %1 terms"_s.arg(kMostTerms));
    }
    return filter;
}

bool Filter::matches(const Json &item, Instant now) const
{
    return std::all_of(m_terms.begin(), m_terms.end(),
        [&](const Term &term) { return holds(term, item, now) != term.negated; });
}

} // namespace signalbox
