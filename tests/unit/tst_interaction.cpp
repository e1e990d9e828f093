// SPDX-License-Identifier: Apache-2.0
#include "domain/interaction_card.h"

#include <QSet>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::domain;

namespace {

constexpr std::array kStates{InteractionState::Posting, InteractionState::Open, InteractionState::Answered,
    InteractionState::Expired, InteractionState::Cancelled, InteractionState::Withdrawn};

// Written from DESIGN.md "Interactions", not from the code under test.
const QSet<QString> kAllowed{u"posting open"_s, u"posting answered"_s, u"posting expired"_s,
    u"posting cancelled"_s, u"posting withdrawn"_s, u"open answered"_s, u"open expired"_s,
    u"open cancelled"_s, u"open withdrawn"_s, u"answered withdrawn"_s};

CardFacts card()
{
    CardFacts facts;
    facts.id = u"0192-abc"_s;
    facts.origin = InteractionOrigin::Permission;
    facts.kind = u"edit"_s;
    facts.text = u"Edit <notes> & more"_s;
    facts.choices.options
        = {{u"a1"_s, u"Allow"_s, u"allow_once"_s}, {u"r1"_s, u"Reject"_s, u"reject_once"_s}};
    facts.answerers = u" U1 U2 "_s;
    facts.expiresAt = fromMs(1'764'000'000'000);
    return facts;
}

// The same checks for every card that is shown (contracts/slack.md §4).
void checkLimits(const Json &body)
{
    QVERIFY(!body[u"text"].toString().isEmpty());
    QVERIFY2(body[u"text"].toString().size() <= 4000,
        QByteArray::number(body[u"text"].toString().size()).constData());
    QSet<QString> actions;
    QVERIFY(body[u"blocks"].size() <= 50);
    for (const Json &block : body[u"blocks"].toArray()) {
        QVERIFY(block[u"text"][u"text"].toString().size() <= 3000);
        QVERIFY(block[u"elements"].size() <= 25);
        for (const Json &element : block[u"elements"].toArray()) {
            if (element[u"type"].toString() != u"button")
                continue;
            QVERIFY(element[u"text"][u"text"].toString().size() <= 75);
            QVERIFY(!element[u"text"][u"text"].toString().isEmpty());
            QVERIFY(element[u"value"].toString().size() <= 2000);
            QVERIFY(!actions.contains(element[u"action_id"].toString()));
            actions << element[u"action_id"].toString();
        }
    }
}

} // namespace

class InteractionTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void transitions_areThoseOfTheDesign()
    {
        for (const InteractionState from : kStates) {
            QCOMPARE(interactionState(name(from)), std::optional(from));
            for (const InteractionState to : kStates) {
                const QString pair = name(from) + u' ' + name(to);
                QVERIFY2(mayMove(from, to) == kAllowed.contains(pair), qPrintable(pair));
            }
        }
        QVERIFY(isClaimable(InteractionState::Posting) && isClaimable(InteractionState::Open));
        QVERIFY(!isClaimable(InteractionState::Answered) && !isClaimable(InteractionState::Expired));
    }

    void typedReply_isOneOrAnOrdinaryMessage_data()
    {
        QTest::addColumn<QString>("said");
        QTest::addColumn<int>("number"); // -1: ordinary; 0: a text
        QTest::addColumn<QString>("text");
        const auto row = [](const char *said, int number, const QString &text = {}) {
            QTest::newRow(said) << QString::fromUtf8(said) << number << text;
        };
        row("2", 2);
        row(" 2. ", 2);
        row("#12", 12);
        row("3)", 3);
        row("<@U0BOT> 1", 1);
        row("<@U0BOT|bot>  1", 1);
        row("0", -1);
        row("100", -1);
        row("1 please", -1);
        row("2 3", -1);
        row("", -1);
        row("-1", -1);
        row("1.5", -1);
        row("answer: blue &amp; &lt;red&gt;", 0, u"blue & <red>"_s);
        row("ANSWER:x", 0, u"x"_s);
        row("<@U0BOT> answer: two\nlines", 0, u"two\nlines"_s);
        row("answer:", -1);
        row("my answer: no", -1);
    }
    void typedReply_isOneOrAnOrdinaryMessage()
    {
        QFETCH(QString, said);
        QFETCH(int, number);
        QFETCH(QString, text);
        const auto reply = parseTypedReply(said);
        QCOMPARE(reply.has_value(), number >= 0);
        if (reply) {
            QCOMPARE(reply->number, number);
            QCOMPARE(reply->text, text);
        }
    }

    void choosing_takesNothingThatWasNotOffered()
    {
        InteractionChoices choices = card().choices;
        QCOMPARE(chooseByIndex(choices, 1)->option, u"r1"_s);
        QCOMPARE(chooseById(choices, u"a1"_s)->label, u"Allow"_s);
        QVERIFY(
            !chooseByIndex(choices, 2) && !chooseByIndex(choices, -1) && !chooseById(choices, u"Allow"_s));
        TypedReply reply;
        reply.number = 2;
        QCOMPARE(chooseByReply(choices, reply)->option, u"r1"_s);
        reply.number = 3;
        QVERIFY(!chooseByReply(choices, reply));
        reply.number = 0;
        reply.text = u"blue"_s;
        QVERIFY(!chooseByReply(choices, reply)); // it takes no text
        choices.takesText = true;
        choices.least = 2;
        choices.most = 4;
        QCOMPARE(chooseByReply(choices, reply)->text, u"blue"_s);
        reply.text = u"b"_s;
        QVERIFY(!chooseByReply(choices, reply));
        reply.text = u"black"_s;
        QVERIFY(!chooseByReply(choices, reply));
        const auto again = InteractionChoices::fromJson(choices.toJson());
        QVERIFY(again.options == choices.options && again.takesText && again.least == 2 && again.most == 4);
        InteractionAnswer answer;
        answer.text = u"blue"_s;
        QCOMPARE(InteractionAnswer::fromJson(answer.toJson()).shown(), u"blue"_s);
    }

    void alwaysAllow_isHiddenUnlessPolicyAllowsIt()
    {
        const std::vector<InteractionOption> options{{u"w"_s, u"Always"_s, u"allow_always"_s},
            {u"a"_s, u"Once"_s, u"allow_once"_s}, {u"n"_s, u"Never"_s, u"reject_always"_s}};
        QCOMPARE(permittedOptions(options, true).size(), size_t(3));
        const auto few = permittedOptions(options, false);
        QCOMPARE(few.size(), size_t(2));
        QCOMPARE(few[0].id, u"a"_s);
    }

    void answerers_areNamedOrAnyone()
    {
        QCOMPARE(answerersFor({u"requester"_s}, u"U1"_s), u" U1 "_s);
        QCOMPARE(answerersFor({u"requester"_s, u"U2"_s, u"U1"_s}, u"U1"_s), u" U1 U2 "_s);
        QCOMPARE(answerersFor({u"U9"_s, u"anyone"_s}, u"U1"_s), u"*"_s);
        QCOMPARE(answerersFor({u"requester"_s}, QString()), QString());
        QCOMPARE(answerersFor({u"a b"_s}, u"U1"_s), QString());
    }

    void card_saysWhatWhoAndUntilWhen()
    {
        const Json body = cardBody(card());
        checkLimits(body);
        const QString text = body[u"text"].toString();
        QVERIFY(text.contains(u"Edit &lt;notes&gt; &amp; more"_s) && !text.contains(u"<notes>"_s));
        QVERIFY(text.contains(u"\n1. Allow\n2. Reject\n"_s));
        QVERIFY(text.contains(u"<@U1>, <@U2> may answer"_s));
        QVERIFY(text.contains(u"<!date^1764000000^"_s) && text.contains(u"UTC>"_s));
        const Json &buttons = body[u"blocks"].at(1)[u"elements"];
        QCOMPARE(buttons.size(), size_t(2));
        const auto pressed
            = parseButton(buttons.at(1)[u"action_id"].toString(), buttons.at(1)[u"value"].toString());
        QVERIFY(pressed);
        QCOMPARE(pressed->interactionId, u"0192-abc"_s);
        QCOMPARE(pressed->index, 1);
        QCOMPARE(buttons.at(0)[u"style"].toString(), u"primary"_s);
        QCOMPARE(buttons.at(1)[u"style"].toString(), u"danger"_s);
        QVERIFY(plainCardBody(card())[u"blocks"].isNull());
    }

    void card_staysWithinSlacksLimits()
    {
        CardFacts facts = card();
        facts.text = QString(9000, u'<');
        facts.kind = QString(500, u'&');
        facts.choices.options.clear();
        for (int i = 0; i < 99; ++i)
            facts.choices.options.emplace_back(u"o%1"_s.arg(i), QString(200, u'&') + u'x', u"value"_s);
        facts.answerers = u" U1"_s;
        for (int i = 0; i < 50; ++i)
            facts.answerers += u" U000000000%1"_s.arg(i);
        facts.answerers += u' ';
        checkLimits(cardBody(facts));
        checkLimits(plainCardBody(facts));
        CardEnd end;
        end.state = InteractionState::Answered;
        end.answer.text = QString(3000, u'&');
        end.answeredBy = u"U1"_s;
        checkLimits(endedCardBody(facts, end));
    }

    void endedCard_saysWhatCameOfIt_data()
    {
        QTest::addColumn<QString>("state");
        QTest::addColumn<QString>("by");
        QTest::addColumn<QString>("says");
        QTest::newRow("answered") << u"answered"_s << u"U1"_s << u"*Allow* — answered by <@U1>"_s;
        QTest::newRow("by an operator")
            << u"answered"_s << u"operator:anna <x>"_s << u"answered by an operator (anna &lt;x&gt;)"_s;
        QTest::newRow("expired") << u"expired"_s << QString() << u"Nobody answered in time."_s;
        QTest::newRow("cancelled") << u"cancelled"_s << QString() << u"This question was cancelled."_s;
        QTest::newRow("withdrawn") << u"withdrawn"_s << QString()
                                   << u"The agent does not wait for this any more."_s;
        QTest::newRow("withdrawn after an answer")
            << u"withdrawn"_s << u"U1"_s << u"<@U1> answered *Allow*, but the agent was gone"_s;
    }
    void endedCard_saysWhatCameOfIt()
    {
        QFETCH(QString, state);
        QFETCH(QString, by);
        QFETCH(QString, says);
        CardEnd end;
        end.state = *interactionState(state);
        end.answeredBy = by;
        end.answer = by.isEmpty() ? InteractionAnswer() : *chooseByIndex(card().choices, 0);
        const Json body = endedCardBody(card(), end);
        checkLimits(body);
        QVERIFY2(body[u"text"].toString().contains(says), qPrintable(body[u"text"].toString()));
        QVERIFY(body[u"text"].toString().contains(u"Edit &lt;notes&gt;"_s));
        for (const Json &block : body[u"blocks"].toArray())
            QVERIFY(block[u"type"].toString() != u"actions"); // nothing to press
    }

    void buttons_areOursOrNot()
    {
        QVERIFY(parseButton(buttonActionId(3), buttonValue(u"x:y"_s, 3)));
        QCOMPARE(parseButton(buttonActionId(3), buttonValue(u"x:y"_s, 3))->interactionId, u"x:y"_s);
        QVERIFY(!parseButton(u"other.0"_s, u"x:0"_s));
        QVERIFY(!parseButton(buttonActionId(0), u"x"_s));
        QVERIFY(!parseButton(buttonActionId(0), u":0"_s));
        QVERIFY(!parseButton(buttonActionId(0), u"x:-1"_s));
        QVERIFY(!parseButton(buttonActionId(0), u"x:one"_s));
    }

    void everyRefusal_isTold()
    {
        for (const ClaimOutcome outcome :
            {ClaimOutcome::Unknown, ClaimOutcome::Elsewhere, ClaimOutcome::NotAllowed,
                ClaimOutcome::NoSuchOption, ClaimOutcome::Late, ClaimOutcome::Answered, ClaimOutcome::Closed})
            QVERIFY(!privateNote(outcome).isEmpty());
        QVERIFY(privateNote(ClaimOutcome::Won).isEmpty());
    }
};

QTEST_GUILESS_MAIN(InteractionTest)
#include "tst_interaction.moc"
