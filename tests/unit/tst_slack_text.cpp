// SPDX-License-Identifier: Apache-2.0
#include "domain/slack_text.h"

#include <QRandomGenerator>
#include <QRegularExpression>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace {

constexpr QStringView kFence = u"```";
const QString kSmile = QString::fromUcs4(U"\U0001F600", 1);

QString withoutBlanks(QString text)
{
    static const QRegularExpression kBlank(u"\\s+"_s);
    return text.remove(kBlank);
}

int fencesIn(const QString &text)
{
    int count = 0;
    for (qsizetype at = text.indexOf(kFence); at >= 0; at = text.indexOf(kFence, at + kFence.size()))
        ++count;
    return count;
}

bool endsInsideEscape(const QString &text)
{
    static const QRegularExpression kOpenEscape(u"&[a-z]{0,3}$"_s);
    return kOpenEscape.match(text).hasMatch();
}

// Whether the parts from `index` on make up the text from `at` on. A fence that was open at a cut was closed
// with "\n```" and opened again with "```\n"; both, and nothing else, may have been added.
bool makesUp(const QString &bareText, qsizetype at, const QStringList &parts, qsizetype index, bool open)
{
    if (index == parts.size())
        return at == bareText.size() && !open;
    QString part = parts[index];
    if (open) {
        if (!part.startsWith(u"```\n"_s))
            return false;
        part.remove(0, 4);
    }
    const QString whole = withoutBlanks(part);
    const QStringView rest = QStringView(bareText).mid(at);
    if (rest.startsWith(whole) && makesUp(bareText, at + whole.size(), parts, index + 1, false))
        return true;
    if (!part.endsWith(u"\n```"_s))
        return false;
    const QString closed = whole.chopped(3);
    return rest.startsWith(closed) && makesUp(bareText, at + closed.size(), parts, index + 1, true);
}

// What is wrong with these parts of `text`, or an empty string.
QString faultIn(const QString &text, const QStringList &parts, qsizetype limit)
{
    for (qsizetype i = 0; i < parts.size(); ++i) {
        QString part = parts[i];
        if (part.size() > limit)
            return u"part %1 has %2 characters"_s.arg(i).arg(part.size());
        if (part.trimmed().isEmpty())
            return u"part %1 is blank"_s.arg(i);
        if (i + 1 < parts.size() && fencesIn(part) % 2 != 0)
            return u"part %1 leaves a fence open"_s.arg(i);
        if (part.startsWith(u"```\n"_s))
            part.remove(0, 4);
        if (part.endsWith(u"\n```"_s))
            part.chop(4);
        if (!part.isEmpty() && (part.front().isLowSurrogate() || part.back().isHighSurrogate()))
            return u"part %1 cuts a character"_s.arg(i);
        if (i + 1 < parts.size() && endsInsideEscape(part))
            return u"part %1 ends inside an escape"_s.arg(i);
    }
    if (!makesUp(withoutBlanks(text), 0, parts, 0, false))
        return u"the parts do not make up the text"_s;
    return {};
}

QString randomText(QRandomGenerator &random, int pieces)
{
    static const QStringList kPieces{u"word"_s, u" "_s, u" "_s, u"\n"_s, u"\n\n"_s, u"&amp;"_s, u"&lt;"_s,
        u"&gt;"_s, u"a"_s, u"Straße"_s, kSmile, u"\n```\n"_s, u"x = 1;"_s, u"`code`"_s,
        u"longwordwithoutanyblankatallinit"_s, u"\t"_s, u";"_s};
    QString text;
    for (int i = 0; i < pieces; ++i)
        text += kPieces[random.bounded(static_cast<int>(kPieces.size()))];
    return text;
}

} // namespace

class SlackTextTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    // contracts/spritz-backend.md §3.6.
    void promptText_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("bot");
        QTest::addColumn<bool>("mention");
        QTest::addColumn<QString>("expected");
        QTest::newRow("mention cut out") << u"<@UBOT> hello"_s << u"UBOT"_s << true << u"hello"_s;
        QTest::newRow("halves are joined") << u"say <@UBOT> hello"_s << u"UBOT"_s << false << u"say  hello"_s;
        QTest::newRow("no blank is made") << u"a<@UBOT>b"_s << u"UBOT"_s << false << u"ab"_s;
        QTest::newRow("only the first one")
            << u"<@UBOT> and <@UBOT>"_s << u"UBOT"_s << true << u"and <@UBOT>"_s;
        QTest::newRow("others stay") << u"<@U2> <@UBOT> hi"_s << u"UBOT"_s << true << u"<@U2>  hi"_s;
        QTest::newRow("another id that begins alike")
            << u"<@UBOT2> hi"_s << u"UBOT"_s << false << u"<@UBOT2> hi"_s;
        QTest::newRow("known, but absent") << u"  <@U2> hi \n"_s << u"UBOT"_s << true << u"<@U2> hi"_s;
        QTest::newRow("unknown, app_mention")
            << u"<@UBOT> hi <@U2>there"_s << QString() << true << u"hi  there"_s;
        QTest::newRow("unknown, message") << u" <@UBOT> hi "_s << QString() << false << u"<@UBOT> hi"_s;
        QTest::newRow("unknown, nothing but mentions")
            << u"<@UBOT> <@UALICE>"_s << QString() << true << QString();
        QTest::newRow("nothing but the mention") << u" <@UBOT> "_s << u"UBOT"_s << true << QString();
        QTest::newRow("empty") << QString() << u"UBOT"_s << true << QString();
        QTest::newRow("escapes stay")
            << u"a &lt; b &amp;&gt;"_s << u"UBOT"_s << false << u"a &lt; b &amp;&gt;"_s;
    }
    void promptText()
    {
        QFETCH(QString, text);
        QFETCH(QString, bot);
        QFETCH(bool, mention);
        QFETCH(QString, expected);
        QCOMPARE(signalbox::domain::promptText(text, bot, mention, false), expected);
    }

    void promptText_undoesEscapesOnce()
    {
        using signalbox::domain::promptText;
        QCOMPARE(promptText(u"a &lt;b&gt; &amp; c"_s, u"U"_s, false, true), u"a <b> & c"_s);
        QCOMPARE(promptText(u"&amp;lt; &amp;amp;"_s, u"U"_s, false, true), u"&lt; &amp;"_s);
        // A mention that somebody typed in words is escaped by Slack and stays text.
        QCOMPARE(promptText(u"&lt;@UBOT&gt; x"_s, u"UBOT"_s, false, true), u"<@UBOT> x"_s);
    }

    void escape_roundTrips()
    {
        QCOMPARE(escapeForSlack(u"<a> & \"b\" 'c' &amp;"_s), u"&lt;a&gt; &amp; \"b\" 'c' &amp;amp;"_s);
        QCOMPARE(escapeForSlack(QString()), QString());
        for (const QString &text : {u"<!channel> & <@U1>"_s, u"&lt;"_s, u"a & b && c"_s})
            QCOMPARE(signalbox::domain::promptText(escapeForSlack(text), u"U"_s, false, true), text);
    }

    void split_leavesShortTextAlone()
    {
        const QString exact(3500, u'x');
        QCOMPARE(splitForSlack(exact), QStringList{exact});
        QCOMPARE(splitForSlack(u" a \n"_s), QStringList{u" a \n"_s});
        QCOMPARE(splitForSlack(exact + u'y').size(), 2);
    }

    void split_prefersBlankLines_thenLines_thenBlanks()
    {
        const QString half(30, u'a');
        const QString rest(30, u'b');
        const QStringList cut{half + u" c\nd"_s, rest};
        QCOMPARE(splitForSlack(half + u" c\nd\n\n"_s + rest, 50), cut);
        const QStringList atLine{half + u" c"_s, u"d "_s + rest};
        QCOMPARE(splitForSlack(half + u" c\nd "_s + rest, 50), atLine);
        const QStringList atBlank{half + u" cd"_s, rest};
        QCOMPARE(splitForSlack(half + u" cd "_s + rest, 50), atBlank);
        // A break that would leave a tiny part is not taken.
        QCOMPARE(splitForSlack(u"a\n\n"_s + QString(80, u'b'), 50).first().size(), 42);
    }

    void split_sixtyThousandCharacters()
    {
        QString text;
        for (int i = 0; text.size() < 60'000; ++i)
            text += u"Sentence number %1 of a long answer &amp; more. "_s.arg(i)
                + (i % 7 == 0 ? u"\n\n"_s : QString());
        const QStringList parts = splitForSlack(text);
        QCOMPARE(faultIn(text, parts, 3500), QString());
        QVERIFY2(parts.size() >= 18 && parts.size() <= 22, qPrintable(QString::number(parts.size())));
        const QString solid(60'000, u'x');
        QCOMPARE(splitForSlack(solid).join(QString()), solid);
    }

    void split_neverCutsInsideAnEscapeOrACharacter()
    {
        // Every possible place of the cut relative to the escape and to the surrogate pair.
        for (int shift = 0; shift < 12; ++shift) {
            for (const QString &unit : {u"&amp;"_s, u"&lt;"_s, u"&gt;"_s, kSmile}) {
                const QString text = QString(shift, u'x') + unit.repeated(60);
                const QStringList parts = splitForSlack(text, 50);
                QCOMPARE(parts.join(QString()), text);
                QCOMPARE(faultIn(text, parts, 50), QString());
            }
        }
        // An ampersand that begins no escape is no reason to stop.
        const QString bare = QString(39, u'x') + u'&' + QString(60, u'y');
        QCOMPARE(splitForSlack(bare, 50).join(QString()), bare);
    }

    void split_closesAndReopensCodeFences()
    {
        QString code = u"intro\n```\n"_s;
        for (int i = 0; i < 30; ++i)
            code += u"line %1;\n"_s.arg(i);
        code += u"```\noutro"_s;
        const QStringList parts = splitForSlack(code, 100);
        QVERIFY(parts.size() > 3);
        for (const QString &part : parts) {
            QVERIFY2(part.size() <= 100, qPrintable(part));
            QCOMPARE(fencesIn(part) % 2, 0);
        }
        QVERIFY(parts.first().endsWith(u";\n```"_s));
        QVERIFY(parts[1].startsWith(u"```\nline "_s));
        QVERIFY(parts.last().endsWith(u"```\noutro"_s));
        QCOMPARE(faultIn(code, parts, 100), QString());
    }

    void split_makesNoPartOfBlanks()
    {
        const QStringList open = splitForSlack(u"```\n"_s + QString(90, u'c') + QString(200, u'\n'), 60);
        QCOMPARE(open.size(), 2);
        QVERIFY(open.last().endsWith(u'c')); // the text's own fence stays as open as it was
        const QString gap
            = u"```\n"_s + QString(40, u'c') + QString(200, u' ') + QString(10, u'd') + u"\n```"_s;
        const QStringList around = splitForSlack(gap, 60);
        QCOMPARE(faultIn(gap, around, 60), QString());
        for (const QString &part : around)
            QVERIFY2(part.contains(u'c') || part.contains(u'd'), qPrintable(part));
        QVERIFY(splitForSlack(QString(5000, u' ')).isEmpty());
    }

    void split_countsARunOfBackticksAsTheFencesInIt()
    {
        // Four backticks open one fence; a count of overlapping matches would see two and close nothing.
        const QString four = u"````\n"_s + u"code line\n"_s.repeated(12) + u"````"_s;
        const QStringList parts = splitForSlack(four, 60);
        QVERIFY(parts.size() > 2);
        QVERIFY2(parts[1].startsWith(u"```\ncode"_s), qPrintable(parts[1]));
        // A cut never falls into the run itself.
        for (int shift = 0; shift < 8; ++shift) {
            const QString text = QString(38 - shift, u'x') + u"```"_s + QString(60, u'y') + u"```"_s;
            const QStringList cut = splitForSlack(text, 50);
            for (const QString &part : cut)
                QVERIFY2(!part.startsWith(u"`y"_s) && fencesIn(part) % 2 == 0, qPrintable(part));
        }
    }

    void split_randomTexts()
    {
        QRandomGenerator random(20'261'121); // always the same texts
        for (int round = 0; round < 3000; ++round) {
            const QString text = randomText(random, random.bounded(1, 200));
            const qsizetype limit = random.bounded(60, 300);
            const QStringList parts = splitForSlack(text, limit);
            if (text.size() <= limit) {
                QCOMPARE(parts, QStringList{text});
                continue;
            }
            const QString fault = text.trimmed().isEmpty() ? QString() : faultIn(text, parts, limit);
            QVERIFY2(fault.isEmpty(),
                qPrintable(u"round %1, limit %2: %3\n%4\n----\n%5"_s.arg(round).arg(limit).arg(
                    fault, text, parts.join(u"\n----\n"_s))));
        }
    }
};

QTEST_GUILESS_MAIN(SlackTextTest)
#include "tst_slack_text.moc"
