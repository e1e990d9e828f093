// SPDX-License-Identifier: Apache-2.0
#include "domain/delivery_state.h"

#include <QSet>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace {

constexpr std::array kStates{DeliveryState::Pending, DeliveryState::Running, DeliveryState::Waiting,
    DeliveryState::Completed, DeliveryState::Cancelled, DeliveryState::Dead, DeliveryState::Unconfirmed};

// Written from DESIGN.md ("What a message goes through", steps 1, 3, 5, 7) by name, not from the table under
// test.
const QSet<QString> kAllowed{
    u"pending running"_s, // step 3: takes the session's lock
    u"pending waiting"_s, // step 3: a busy session's messages are queued
    u"pending cancelled"_s, // step 2: ending a session cancels its queued deliveries
    u"waiting pending"_s, // step 3: the next wakes
    u"waiting waiting"_s, // step 5: adopted while it waited for its runtime; now for its reply rows
    u"waiting running"_s, // step 4: a retry whose time has come
    u"waiting completed"_s, // step 7: all reply rows sent
    u"waiting unconfirmed"_s, // step 5: its turn was looked for and not found
    u"waiting dead"_s, // step 7: one refused or dead
    u"waiting cancelled"_s,
    u"running pending"_s, // step 5: handed back; one whose prompt may have left is looked for
    u"running waiting"_s, // step 7: waiting for its outbound rows
    u"running completed"_s, u"running dead"_s, u"running unconfirmed"_s, u"running cancelled"_s,
    u"completed pending"_s, // step 1: ignored, then its mention came
};

} // namespace

class DeliveryStateTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void transitions_areThoseOfTheDesign()
    {
        for (const DeliveryState from : kStates) {
            for (const DeliveryState to : kStates) {
                const QString pair = name(from) + u' ' + name(to);
                QVERIFY2(mayMove(from, to) == kAllowed.contains(pair), qPrintable(pair));
            }
        }
        QCOMPARE(static_cast<qsizetype>(deliveryTransitions().size()), kAllowed.size()); // none twice
        for (const DeliveryTransition &transition : deliveryTransitions())
            QVERIFY(QByteArrayView(transition.why).size() > 10);
    }

    void finalStates_areLeftByAMentionOnly()
    {
        const QStringList finals{u"completed"_s, u"cancelled"_s, u"dead"_s, u"unconfirmed"_s};
        for (const DeliveryState from : kStates) {
            QCOMPARE(isFinal(from), finals.contains(name(from)));
            if (!isFinal(from))
                continue;
            for (const DeliveryState to : kStates)
                QCOMPARE(mayMove(from, to), from == DeliveryState::Completed && to == DeliveryState::Pending);
        }
    }

    void names_roundTrip()
    {
        const QStringList expected{u"pending"_s, u"running"_s, u"waiting"_s, u"completed"_s, u"cancelled"_s,
            u"dead"_s, u"unconfirmed"_s};
        for (size_t i = 0; i < kStates.size(); ++i) {
            QCOMPARE(name(kStates[i]), expected[static_cast<qsizetype>(i)]);
            QVERIFY(deliveryState(name(kStates[i])) == kStates[i]);
        }
        for (const QString &wrong : {u""_s, u"Pending"_s, u"pending "_s, u"ignored"_s})
            QVERIFY(!deliveryState(wrong));
        QCOMPARE(name(WaitsFor::Nothing), QString());
        QCOMPARE(name(WaitsFor::Lock), u"lock"_s);
        QCOMPARE(name(WaitsFor::Runtime), u"runtime"_s);
        QCOMPARE(name(WaitsFor::Person), u"person"_s);
        QCOMPARE(name(WaitsFor::Retry), u"retry"_s);
        QCOMPARE(name(WaitsFor::Token), u"token"_s);
        QCOMPARE(name(WaitsFor::Outbound), u"outbound"_s);
        QCOMPARE(name(Outcome::None), QString());
        QCOMPARE(name(Outcome::Delivered), u"delivered"_s);
        QCOMPARE(name(Outcome::NoReply), u"no_reply"_s);
        QCOMPARE(name(Outcome::Ignored), u"ignored"_s);
        for (const PromptState state : {PromptState::None, PromptState::Sending, PromptState::Accepted})
            QVERIFY(promptState(name(state)) == state);
        QCOMPARE(name(PromptState::None), u"none"_s);
        QVERIFY(!promptState(u""));
        QCOMPARE(name(Stage::None), QString());
        QCOMPARE(name(Stage::Binding), u"binding"_s);
        QCOMPARE(name(Stage::Recovering), u"recovering"_s);
        QCOMPARE(name(Stage::Prompting), u"prompting"_s);
        QCOMPARE(name(Stage::Adopting), u"adopting"_s);
    }

    void blocksSession_untilItsTurnIsOver()
    {
        using enum DeliveryState;
        QVERIFY(blocksSession(Pending, WaitsFor::Nothing));
        QVERIFY(blocksSession(Running, WaitsFor::Nothing));
        for (const WaitsFor what :
            {WaitsFor::Lock, WaitsFor::Runtime, WaitsFor::Person, WaitsFor::Retry, WaitsFor::Token})
            QVERIFY2(blocksSession(Waiting, what), qPrintable(name(what)));
        QVERIFY(!blocksSession(Waiting, WaitsFor::Outbound));
        for (const DeliveryState state : {Completed, Cancelled, Dead, Unconfirmed})
            QVERIFY2(!blocksSession(state, WaitsFor::Nothing), qPrintable(name(state)));
    }

    void lostEngine_neverPromptsTwice()
    {
        QVERIFY(mayPrompt(PromptState::None));
        QVERIFY(!mayPrompt(PromptState::Sending));
        QVERIFY(!mayPrompt(PromptState::Accepted));
    }
};

QTEST_GUILESS_MAIN(DeliveryStateTest)
#include "tst_delivery_state.moc"
