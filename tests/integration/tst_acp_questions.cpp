// SPDX-License-Identifier: Apache-2.0
#include "async/cancel.h"
#include "support/acp_bench.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::runtimes;
using namespace signalbox::testing;
using How = QuestionAnswer::How;

namespace {

// Keeps what is asked, and answers when the test says so.
class KeptAsker final : public Asker
{
public:
    void ask(const Question &question) override { asked.push_back(question); }
    void withdraw(const QString &connection, const QString &request) override
    {
        withdrawn << connection + u' ' + request;
    }
    std::vector<Question> asked;
    QStringList withdrawn;
};

QuestionAnswer chosen(const QString &option)
{
    QuestionAnswer answer;
    answer.how = How::Chosen;
    answer.option = option;
    return answer;
}

QuestionAnswer plain(How how, const QString &text = {})
{
    QuestionAnswer answer;
    answer.how = how;
    answer.text = text;
    return answer;
}

AcpLimits asking()
{
    AcpLimits limits;
    limits.asksPeople = true;
    return limits;
}

bool answer(Turn &turn, const Question &question, const QuestionAnswer &what)
{
    return turn.answer(question.connection, question.request, what);
}

} // namespace

// What an agent asks a person, from its side of the connection (contracts/acp.md §3 "session/cancel", §5,
// §7).
class AcpQuestionsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void permission_isAskedAndAnswered_data()
    {
        QTest::addColumn<int>("how");
        QTest::addColumn<QString>("option");
        QTest::addColumn<QString>("outcome");
        QTest::addColumn<int>("refused");
        QTest::newRow("chosen") << int(How::Chosen) << u"id-allow_once"_s << u"selected:id-allow_once"_s << 0;
        QTest::newRow("unknown option is never sent")
            << int(How::Chosen) << u"id-made-up"_s << u"selected:id-reject_once"_s << 0;
        QTest::newRow("a text is no option")
            << int(How::Written) << QString() << u"selected:id-reject_once"_s << 0;
        QTest::newRow("refused") << int(How::Refused) << QString() << u"selected:id-reject_once"_s << 1;
        QTest::newRow("cancelled") << int(How::Cancelled) << QString() << u"cancelled:"_s << 0;
    }
    void permission_isAskedAndAnswered()
    {
        QFETCH(int, how);
        QFETCH(QString, option);
        QFETCH(QString, outcome);
        QFETCH(int, refused);
        Bench bench(u"permission"_s, asking());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        const auto result = promptLater(**turn);
        QTRY_COMPARE(asker->asked.size(), size_t(1));
        const Question question = asker->asked.front();
        QVERIFY(!question.isForm);
        QCOMPARE(question.choices.options.size(), size_t(4));
        QCOMPARE(question.choices.options[0].kind, u"allow_always"_s); // as the agent has it
        QVERIFY(!question.text.isEmpty());
        QVERIFY(!(*turn)->answer(u"another connection"_s, question.request, chosen(option)));
        QVERIFY(!(*turn)->answer(question.connection, u"99"_s, chosen(option)));
        QuestionAnswer said = chosen(option);
        said.how = static_cast<How>(how);
        QVERIFY(answer(**turn, question, said));
        QVERIFY(!answer(**turn, question, said)); // once
        QTRY_VERIFY(result->has_value());
        QCOMPARE(int((*result)->end), int(TurnEnd::Ended));
        QCOMPARE((*result)->text, outcome);
        QCOMPARE((*result)->permissionsRefused, refused);
        QVERIFY(asker->withdrawn.isEmpty());
    }

    void withoutAnAsker_itIsRefusedAtOnce()
    {
        Bench bench(u"permission"_s);
        const Opened turn = bench.open();
        QVERIFY(turn);
        const Run run = prompt(**turn);
        QCOMPARE(run.result.text, u"selected:id-reject_once"_s);
        QCOMPARE(run.result.permissionsRefused, 1);
    }

    void questions_areToldApartByTheirRequests()
    {
        Bench bench(u"asks"_s, asking());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        const auto result = promptLater(**turn);
        QTRY_COMPARE(asker->asked.size(), size_t(2)); // at once, for the same tool call
        QCOMPARE(asker->asked[0].request, u"\"first\""_s);
        QCOMPARE(asker->asked[1].request, u"7"_s);
        QCOMPARE(asker->asked[0].connection, asker->asked[1].connection);
        QVERIFY(asker->asked[0].text.contains(u"Run it"_s) && asker->asked[0].text.contains(u"rm x"_s));
        QCOMPARE(asker->asked[0].kind, u"execute"_s);
        QVERIFY(answer(**turn, asker->asked[1], chosen(u"id-allow_once"_s)));
        QVERIFY(answer(**turn, asker->asked[0], chosen(u"id-reject_once"_s)));
        QTRY_VERIFY(result->has_value());
        QCOMPARE((*result)->text, u"selected:id-reject_once selected:id-allow_once"_s);
    }

    void clocks_standStillWhileAPersonIsAsked()
    {
        Bench bench(u"asks"_s, asking());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        const auto result = promptLater(**turn, clocksOf(10'000, 300, 400, 5000));
        QTRY_COMPARE(asker->asked.size(), size_t(2));
        // Longer than both of its clocks, with one answer in between.
        async::blockOn(async::delay(Millis(700)), kLimit);
        QVERIFY(answer(**turn, asker->asked[0], chosen(u"id-allow_once"_s)));
        async::blockOn(async::delay(Millis(700)), kLimit);
        QVERIFY(!result->has_value());
        QVERIFY(answer(**turn, asker->asked[1], chosen(u"id-allow_once"_s)));
        QTRY_VERIFY(result->has_value());
        QCOMPARE(int((*result)->end), int(TurnEnd::Ended));
        QVERIFY(bench.lines(u"cancels"_s).isEmpty());
    }

    void clocks_goOnAfterTheAnswer()
    {
        Bench bench(u"asksandsticks"_s, asking());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        const auto result = promptLater(**turn, clocksOf(10'000, 300, 0, 300));
        QTRY_COMPARE(asker->asked.size(), size_t(1));
        QVERIFY(answer(**turn, asker->asked[0], chosen(u"id-allow_once"_s)));
        QTRY_VERIFY(result->has_value());
        QCOMPARE(int((*result)->end), int(TurnEnd::IdleTimeout));
    }

    void cancel_answersEverythingAtOnce()
    {
        Bench bench(u"asks"_s, asking());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        async::CancelSource source;
        auto kept = std::make_shared<std::optional<TurnResult>>();
        keepResult((*turn)->prompt(
                       u"question"_s, clocksOf(10'000, 10'000, 0, 10'000), [] { return true; }, [] {},
                       source.token()),
            kept);
        QTRY_COMPARE(asker->asked.size(), size_t(2));
        source.cancel();
        QCOMPARE(asker->withdrawn.size(), 2);
        QVERIFY(!answer(**turn, asker->asked[0], chosen(u"id-allow_once"_s)));
        QTRY_VERIFY(kept->has_value());
        QCOMPARE(int((*kept)->end), int(TurnEnd::Cancelled));
        QCOMPARE((*kept)->text, u"cancelled: cancelled:"_s);
    }

    void agentsOwnCancel_withdrawsTheQuestion()
    {
        Bench bench(u"forgets"_s, asking());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        const auto result = promptLater(**turn);
        QTRY_VERIFY(result->has_value());
        QCOMPARE((*result)->text, u"code -32800"_s);
        QCOMPARE(asker->asked.size(), size_t(1));
        QCOMPARE(asker->withdrawn, QStringList(asker->asked[0].connection + u" 5"_s));
        QVERIFY(!answer(**turn, asker->asked[0], chosen(u"id-allow_once"_s)));
    }

    void lostAgent_takesNoAnswer()
    {
        Bench bench(u"asksanddies"_s, asking());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        const auto result = promptLater(**turn);
        QTRY_COMPARE(asker->asked.size(), size_t(1));
        QVERIFY(::kill(static_cast<pid_t>(bench.backend->processId()), SIGKILL) == 0);
        QTRY_VERIFY(result->has_value());
        QCOMPARE(int((*result)->end), int(TurnEnd::Lost));
        QVERIFY(!answer(**turn, asker->asked[0], chosen(u"id-allow_once"_s)));
        // Another life of the connection has other questions.
        const Opened next = bench.open();
        QVERIFY(next);
        (*next)->setAsker(asker);
        const auto again = promptLater(**next);
        QTRY_COMPARE(asker->asked.size(), size_t(2));
        QCOMPARE(asker->asked[1].request, asker->asked[0].request);
        QVERIFY(asker->asked[1].connection != asker->asked[0].connection);
        QVERIFY(!answer(**next, asker->asked[0], chosen(u"id-allow_once"_s)));
        QVERIFY(answer(**next, asker->asked[1], chosen(u"id-allow_once"_s)));
        QTRY_VERIFY(again->has_value());
    }

    void form_isAskedWhereACardCanShowIt_data()
    {
        QTest::addColumn<QString>("mode");
        QTest::addColumn<int>("how");
        QTest::addColumn<QString>("what");
        QTest::addColumn<QString>("said");
        const QString decline = uR"({"action":"decline"})"_s;
        QTest::newRow("choice") << u"form"_s << int(How::Chosen) << u"v1"_s
                                << uR"({"action":"accept","content":{"colour":"blue"}})"_s;
        QTest::newRow("declined choice") << u"form"_s << int(How::Chosen) << u"decline"_s << decline;
        QTest::newRow("nobody") << u"form"_s << int(How::Cancelled) << QString()
                                << uR"({"action":"cancel"})"_s;
        QTest::newRow("refused") << u"form"_s << int(How::Refused) << QString() << decline;
        QTest::newRow("text") << u"formtext"_s << int(How::Written) << u"red"_s
                              << uR"({"action":"accept","content":{"colour":"red"}})"_s;
    }
    void form_isAskedWhereACardCanShowIt()
    {
        QFETCH(QString, mode);
        QFETCH(int, how);
        QFETCH(QString, what);
        QFETCH(QString, said);
        Bench bench(mode, asking());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        const auto result = promptLater(**turn);
        QTRY_COMPARE(asker->asked.size(), size_t(1));
        QVERIFY(asker->asked[0].isForm);
        QCOMPARE(asker->asked[0].text, u"Which one?\nColour"_s);
        QCOMPARE(asker->asked[0].choices.takesText, mode == u"formtext");
        QuestionAnswer given = plain(static_cast<How>(how), what);
        given.option = what;
        QVERIFY(answer(**turn, asker->asked[0], given));
        QTRY_VERIFY(result->has_value());
        QCOMPARE((*result)->text, said);
    }

    void form_thatNoCardCanShow_isDeclined_data()
    {
        QTest::addColumn<QString>("mode");
        QTest::addColumn<bool>("asks");
        QTest::addColumn<QString>("said");
        QTest::newRow("a pattern") << u"formhard"_s << true << uR"({"action":"decline"})"_s;
        QTest::newRow("a page") << u"formurl"_s << true << u"code -32602"_s;
        QTest::newRow("not advertised") << u"form"_s << false << u"code -32601"_s;
    }
    void form_thatNoCardCanShow_isDeclined()
    {
        QFETCH(QString, mode);
        QFETCH(bool, asks);
        QFETCH(QString, said);
        Bench bench(mode, asks ? asking() : AcpLimits());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const auto asker = std::make_shared<KeptAsker>();
        (*turn)->setAsker(asker);
        const Run run = prompt(**turn);
        QCOMPARE(run.result.text, said);
        QVERIFY(asker->asked.empty());
    }
};

QTEST_GUILESS_MAIN(AcpQuestionsTest)
#include "tst_acp_questions.moc"
