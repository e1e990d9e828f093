// SPDX-License-Identifier: Apache-2.0
#include "domain/outbound_state.h"

#include <QSet>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace {

constexpr std::array kStates{OutboundState::Pending, OutboundState::Sending, OutboundState::Sent,
    OutboundState::Refused, OutboundState::Retry, OutboundState::Unknown, OutboundState::Dead,
    OutboundState::Cancelled};

// Written from DESIGN.md step 6, not from the code under test.
const QSet<QString> kAllowed{
    u"pending sending"_s,
    u"pending cancelled"_s,
    u"sending sent"_s,
    u"sending refused"_s,
    u"sending retry"_s,
    u"sending unknown"_s,
    u"sending dead"_s, // too old, or a second unknown that was not found
    u"retry sending"_s,
    u"retry dead"_s,
    u"retry cancelled"_s,
    u"unknown sent"_s,
    u"unknown sending"_s,
    u"unknown dead"_s,
    u"unknown cancelled"_s,
    // Idempotent calls need no durable "sending", so their result follows the wait directly.
    u"pending sent"_s,
    u"pending refused"_s,
    u"pending retry"_s,
    u"pending dead"_s,
    u"retry sent"_s,
    u"retry refused"_s,
    u"retry retry"_s,
};

} // namespace

class OutboundStateTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void transitions_areThoseOfTheDesign()
    {
        for (const OutboundState from : kStates) {
            for (const OutboundState to : kStates) {
                const QString pair = name(from) + u' ' + name(to);
                QVERIFY2(mayMove(from, to) == kAllowed.contains(pair), qPrintable(pair));
            }
        }
    }

    void finalStates_areNeverLeft()
    {
        const QStringList finals{u"sent"_s, u"refused"_s, u"dead"_s, u"cancelled"_s};
        for (const OutboundState from : kStates) {
            QCOMPARE(isFinal(from), finals.contains(name(from)));
            for (const OutboundState to : kStates)
                QVERIFY(!isFinal(from) || !mayMove(from, to));
        }
    }

    void names_roundTrip()
    {
        const QStringList expected{u"pending"_s, u"sending"_s, u"sent"_s, u"refused"_s, u"retry"_s,
            u"unknown"_s, u"dead"_s, u"cancelled"_s};
        for (size_t i = 0; i < kStates.size(); ++i) {
            QCOMPARE(name(kStates[i]), expected[static_cast<qsizetype>(i)]);
            QVERIFY(outboundState(name(kStates[i])) == kStates[i]);
        }
        using Kind = OutboundKind;
        for (const auto &[kind, text] : {std::pair(Kind::Reply, u"reply"_s),
                 std::pair(Kind::Status, u"status"_s), std::pair(Kind::Notice, u"notice"_s),
                 std::pair(Kind::Reaction, u"reaction"_s), std::pair(Kind::Card, u"card"_s)}) {
            QCOMPARE(name(kind), text);
            QVERIFY(outboundKind(text) == kind);
        }
        using Op = OutboundOp;
        for (const auto &[op, text] : {std::pair(Op::Post, u"post"_s), std::pair(Op::React, u"react"_s),
                 std::pair(Op::Unreact, u"unreact"_s), std::pair(Op::Edit, u"edit"_s)}) {
            QCOMPARE(name(op), text);
            QVERIFY(outboundOp(text) == op);
        }
        QVERIFY(!outboundState(u"") && !outboundKind(u"post") && !outboundOp(u"reply"));
    }

    void idempotence()
    {
        QVERIFY(!isIdempotent(OutboundOp::Post));
        QVERIFY(isIdempotent(OutboundOp::React) && isIdempotent(OutboundOp::Unreact)
            && isIdempotent(OutboundOp::Edit));
    }
};

QTEST_GUILESS_MAIN(OutboundStateTest)
#include "tst_outbound_state.moc"
