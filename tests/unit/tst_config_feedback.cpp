// SPDX-License-Identifier: Apache-2.0
// [installations.feedback]: contracts/spritz-backend.md §10.6.
#include "config/loader.h"
#include "config/render.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::config;

namespace {

const QString kBase = u"[slack]\n"
                      "signing_secret = \"s\"\n"
                      "ack_reaction = \"wave\"\n"
                      "remove_ack_after_reply = false\n"
                      "[recovery]\n"
                      "status_message_delay = \"7s\"\n"
                      "[[backends]]\n"
                      "name = \"prod\"\n"
                      "kind = \"spritz\"\n"
                      "registry_url = \"https://registry.example.com\"\n"
                      "spritz_url = \"https://spritz.example.com\"\n"
                      "[[installations]]\n"
                      "channel = \"slack\"\n"
                      "tenant = \"T1\"\n"
                      "backend = \"prod\"\n"_s;

tl::expected<Loaded, QList<Problem>> loadText(const QString &text)
{
    QTemporaryDir folder;
    QFile file(folder.filePath(u"signalbox.toml"_s));
    if (!file.open(QIODevice::WriteOnly) || file.write(text.toUtf8()) < 0)
        qFatal("cannot write the configuration");
    file.close();
    LoadOptions options;
    options.configFile = file.fileName();
    options.environment = QProcessEnvironment();
    return load(options);
}

QString complaint(const QString &lines)
{
    const auto loaded = loadText(kBase + lines);
    return loaded ? u"accepted"_s : loaded.error().first().toString().section(u".toml:"_s, 1);
}

} // namespace

class ConfigFeedbackTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void withoutIt_slackAndRecoveryHold()
    {
        const auto loaded = loadText(kBase);
        QVERIFY(loaded);
        const FeedbackConfig &feedback = loaded->config.installations[0].feedback;
        QCOMPARE(feedback.acknowledgement.type, u"reaction"_s);
        QCOMPARE(feedback.acknowledgement.reaction, u"wave"_s);
        QCOMPARE(feedback.acknowledgement.scope, u"all"_s);
        QVERIFY(!feedback.acknowledgement.removeAfterReply);
        QCOMPARE(feedback.starting.delay, Millis(7000));
        QCOMPARE(feedback.starting.message, u"Still waking up. I will continue here shortly."_s);
        QVERIFY(loaded->config.installations[0].feedbackPlaces.isEmpty());
    }

    void anEmptyReaction_isNone()
    {
        QString text = kBase;
        const auto loaded = loadText(text.replace(u"\"wave\""_s, u"\"\""_s));
        QVERIFY(loaded);
        QCOMPARE(loaded->config.installations[0].feedback.acknowledgement.type, u"none"_s);
    }

    // Each value: the place's own, else the installation's, else the general one.
    void aPlace_takesWhatItDoesNotSayFromItsInstallation()
    {
        const auto loaded = loadText(kBase + uR"([installations.feedback.acknowledgement]
reaction = "hourglass"
scope = "group-mentions"
[installations.feedback.status_messages.error]
message = "oh"
[installations.feedback.status_messages.runtime_starting]
delay = "1s"
[[installations.feedback.places]]
place = "C1"
[installations.feedback.places.acknowledgement]
type = "none"
remove_after_reply = true
[installations.feedback.places.status_messages.timeout]
enabled = false
[[installations.feedback.places]]
place = "C2"
status_messages = { runtime_starting = { delay = "2s", message = "brb" } }
)"_s);
        QVERIFY2(loaded, loaded ? "" : qPrintable(loaded.error().first().toString()));
        const InstallationConfig &installation = loaded->config.installations[0];
        QCOMPARE(installation.feedback.acknowledgement.reaction, u"hourglass"_s);
        QVERIFY(installation.feedback.timeout.enabled);
        QCOMPARE(installation.feedbackPlaces.size(), 2);
        const FeedbackConfig &one = installation.feedbackPlaces[0];
        QCOMPARE(one.place, u"C1"_s);
        QCOMPARE(one.acknowledgement.type, u"none"_s);
        QVERIFY(one.acknowledgement.removeAfterReply);
        QCOMPARE(one.acknowledgement.scope, u"group-mentions"_s);
        QVERIFY(!one.timeout.enabled);
        QCOMPARE(one.error.message, u"oh"_s);
        QCOMPARE(one.starting.delay, Millis(1000));
        const FeedbackConfig &two = installation.feedbackPlaces[1];
        QCOMPARE(two.acknowledgement.reaction, u"hourglass"_s);
        QVERIFY(!two.acknowledgement.removeAfterReply);
        QCOMPARE(two.starting.delay, Millis(2000));
        QCOMPARE(two.starting.message, u"brb"_s);
        QVERIFY(two.timeout.enabled);

        // It is printed so that it reads the same again.
        const QString printed = renderConfig(loaded->config);
        QVERIFY(printed.contains(u"message = \"brb\"\n"_s));
        QVERIFY(printed.contains(u"[[installations.feedback.places]]\nplace = \"C1\"\n"_s));
        QVERIFY(printed.contains(u"I could not recover the channel runtime. Please try again."_s));
        QString again = printed;
        const auto reloaded = loadText(again.replace(u"\"***\""_s, u"\"s\""_s));
        QVERIFY2(reloaded, reloaded ? "" : qPrintable(reloaded.error().first().toString()));
        QCOMPARE(renderConfig(reloaded->config), printed);
    }

    void whatIsWrong_isSaidWithItsPlace_data()
    {
        QTest::addColumn<QString>("lines");
        QTest::addColumn<QString>("says");
        const QString table = u"[installations.feedback]\n"_s;
        QTest::newRow("unknown table")
            << table + u"acknowledgment = {}\n"_s
            << u"17:1: unknown key installations[0].feedback.acknowledgment; did you mean "
               "installations[0].feedback.acknowledgement?"_s;
        QTest::newRow("unknown message")
            << table + u"status_messages = { timeuot = {} }\n"_s
            << u"17:21: unknown key installations[0].feedback.status_messages.timeuot; did you mean "
               "installations[0].feedback.status_messages.timeout?"_s;
        QTest::newRow("bad scope") << u"[installations.feedback.acknowledgement]\nscope = \"group\"\n"_s
                                   << u"17:1: installations[0].feedback.acknowledgement.scope must be one of "
                                      "\"all\", \"group-all\", \"group-mentions\", not \"group\""_s;
        QTest::newRow("no place") << u"[[installations.feedback.places]]\n"_s
                                  << u"installations[0].feedback.places[0] has no place"_s;
        QTest::newRow("the same place twice")
            << u"[[installations.feedback.places]]\nplace = \"C1\"\n[[installations.feedback.places]]\nplace "
               u"= "
               u"\"C1\"\n"_s
            << u"two entries of installations[0].feedback.places are for \"C1\""_s;
        QTest::newRow("not a table") << u"feedback = true\n"_s << u"installations[0].feedback"_s;
        QTest::newRow("an empty text")
            << u"[installations.feedback.status_messages.error]\nmessage = \"\"\n"_s
            << u"installations[0].feedback.status_messages.error.message"_s;
    }
    void whatIsWrong_isSaidWithItsPlace()
    {
        QFETCH(const QString, lines);
        QFETCH(const QString, says);
        const QString said = complaint(lines);
        QVERIFY2(said.contains(says), qPrintable(said));
    }
};

QTEST_GUILESS_MAIN(ConfigFeedbackTest)
#include "tst_config_feedback.moc"
