// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"
#include "domain/feedback.h"
#include "gateway/feedback_of.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::domain;

Q_DECLARE_METATYPE(signalbox::domain::AckScope)

class FeedbackTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    // contracts/spritz-backend.md §6.5, byte for byte.
    void defaults_areTheGoGatewaysTexts()
    {
        const FeedbackPolicy policy;
        QCOMPARE(policy.startingText.toUtf8(), QByteArray("Still waking up. I will continue here shortly."));
        QCOMPARE(noticeText(policy, Notice::Timeout).toUtf8(),
            QByteArray("I could not recover the channel runtime. Please try again."));
        QCOMPARE(noticeText(policy, Notice::Error).toUtf8(),
            QByteArray("I hit an internal error while processing that request."));
        QCOMPARE(startingDelayFor(policy), std::optional(Millis(5000)));
        QCOMPARE(acknowledgementFor(policy, true, false), u"eyes"_s);
    }

    // They stand in the configuration too, so that --print-config shows them.
    void theConfigurationsDefaults_areTheSame()
    {
        config::InstallationConfig installation;
        installation.feedback.acknowledgement.reaction = u"eyes"_s;
        const FeedbackPolicy made = gateway::feedbackAt(installation, u"C1"_s);
        const FeedbackPolicy policy;
        QCOMPARE(made.startingText, policy.startingText);
        QCOMPARE(made.timeoutText, policy.timeoutText);
        QCOMPARE(made.errorText, policy.errorText);
        QCOMPARE(made.startingDelay, policy.startingDelay);
        QCOMPARE(made.scope, policy.scope);
        QCOMPARE(made.removesReaction, policy.removesReaction);
    }

    void aPlace_hasItsOwn()
    {
        config::InstallationConfig installation;
        installation.feedback.acknowledgement.reaction = u"eyes"_s;
        installation.feedback.error.message = u"oh"_s;
        config::FeedbackConfig quiet = installation.feedback;
        quiet.place = u"C2"_s;
        quiet.acknowledgement.type = u"none"_s;
        quiet.starting.enabled = false;
        quiet.timeout.enabled = false;
        installation.feedbackPlaces << quiet;
        const FeedbackPolicy one = gateway::feedbackAt(installation, u"C1"_s);
        const FeedbackPolicy two = gateway::feedbackAt(installation, u"C2"_s);
        QCOMPARE(acknowledgementFor(one, false, true), u"eyes"_s);
        QCOMPARE(acknowledgementFor(two, false, true), QString());
        QVERIFY(startingDelayFor(one).has_value());
        QVERIFY(!startingDelayFor(two).has_value());
        QCOMPARE(noticeText(two, Notice::Timeout), QString());
        QCOMPARE(noticeText(two, Notice::Error), u"oh"_s);
    }

    void scope_saysWhatIsAcknowledged_data()
    {
        QTest::addColumn<AckScope>("scope");
        QTest::addColumn<bool>("direct");
        QTest::addColumn<bool>("mentioned");
        QTest::addColumn<bool>("reacts");
        const auto row = [](const char *name, AckScope scope, bool direct, bool mentioned, bool reacts) {
            QTest::newRow(name) << scope << direct << mentioned << reacts;
        };
        row("all: direct", AckScope::All, true, false, true);
        row("all: chatter", AckScope::All, false, false, true);
        row("group-all: direct", AckScope::GroupAll, true, false, false);
        row("group-all: chatter", AckScope::GroupAll, false, false, true);
        row("group-mentions: direct", AckScope::GroupMentions, true, true, false);
        row("group-mentions: chatter", AckScope::GroupMentions, false, false, false);
        row("group-mentions: mention", AckScope::GroupMentions, false, true, true);
    }
    void scope_saysWhatIsAcknowledged()
    {
        QFETCH(const AckScope, scope);
        QFETCH(const bool, direct);
        QFETCH(const bool, mentioned);
        QFETCH(const bool, reacts);
        FeedbackPolicy policy;
        policy.scope = scope;
        QCOMPARE(!acknowledgementFor(policy, direct, mentioned).isEmpty(), reacts);
    }

    // Policy may be silent about a failure, but not about what nobody can tell.
    void whatNobodyCanTell_isAlwaysSaid()
    {
        FeedbackPolicy policy;
        policy.tellsError = false;
        policy.tellsTimeout = false;
        QCOMPARE(noticeText(policy, Notice::Error), QString());
        QCOMPARE(noticeText(policy, Notice::Timeout), QString());
        QCOMPARE(noticeText(policy, Notice::Unconfirmed), unconfirmedText());
        QCOMPARE(noticeText(policy, Notice::Refusal), refusalText());
        QCOMPARE(noticeText(policy, Notice::None), QString());
        QCOMPARE(noticePurpose(Notice::Error), noticePurpose(Notice::Timeout));
        QCOMPARE(noticePurpose(Notice::None), QString());
    }
};

QTEST_GUILESS_MAIN(FeedbackTest)
#include "tst_feedback.moc"
