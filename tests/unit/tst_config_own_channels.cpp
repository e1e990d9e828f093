// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::config;

namespace {

const QString kBackends = uR"([[backends]]
name = "prod"
kind = "spritz"
registry_url = "https://registry.example.com"
spritz_url = "https://spritz.example.com"
[[backends]]
name = "local"
kind = "acp"
command = ["node", "agent.js"]
)"_s;

QString installation(const QString &channel, const QString &lines)
{
    return u"[[installations]]\nchannel = \"%1\"\n%2"_s.arg(channel, lines);
}

} // namespace

// Installations of our own channels, web and cli, and what is said at the beginning of a conversation.
class ConfigOwnChannelsTest : public QObject
{
    Q_OBJECT
private:
    QTemporaryDir m_home;

    tl::expected<Loaded, QList<Problem>> loadText(const QString &text)
    {
        LoadOptions options;
        options.environment = QProcessEnvironment();
        options.configFile = m_home.filePath(u"box.toml"_s);
        QFile file(options.configFile);
        if (!file.open(QIODevice::WriteOnly) || file.write(text.toUtf8()) < 0)
            qFatal("cannot write the configuration");
        file.close();
        return load(options);
    }

private Q_SLOTS:
    void theyNeedNoTokens();
    void whatDoesNotGoTogetherIsRefused_data();
    void whatDoesNotGoTogetherIsRefused();
};

void ConfigOwnChannelsTest::theyNeedNoTokens()
{
    const QString own = u"tenant = \"acme\"\nbackend = \"local\"\n"_s;
    const auto loaded = loadText(kBackends
        + installation(u"web"_s, own + u"[installations.feedback]\nnew_conversation = \"Hello.\"\n"_s)
        + installation(u"cli"_s, own));
    QVERIFY2(loaded, loaded ? "" : qPrintable(loaded.error().first().toString()));
    QCOMPARE(loaded->config.installations.size(), 2);
    QCOMPARE(loaded->config.installations[0].feedback.newConversation, u"Hello."_s);
    QCOMPARE(loaded->config.installations[1].channel, u"cli"_s);
    QVERIFY(loaded->config.installations[1].feedback.newConversation.isEmpty());
}

void ConfigOwnChannelsTest::whatDoesNotGoTogetherIsRefused_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("complaint");
    const QString own = u"tenant = \"acme\"\nbackend = \"local\"\n"_s;
    const auto row = [](const char *name, const QString &text, const QString &complaint) {
        QTest::newRow(name) << text << complaint;
    };
    row("a token", kBackends + installation(u"web"_s, own + u"bot_token = \"t\"\n"_s),
        u"14:1: installations[0].bot_token is for channel slack, and this one is of channel web"_s);
    row("a signing secret", kBackends + installation(u"cli"_s, own + u"signing_secret = \"t\"\n"_s),
        u"14:1: installations[0].signing_secret is for channel slack, and this one is of channel cli"_s);
    row("any tenant", kBackends + installation(u"cli"_s, QString(own).replace(u"acme"_s, u"*"_s)),
        u"12:1: installations[0].tenant = \"*\" is for channel slack: name the tenant"_s);
    row("a spritz backend", kBackends + installation(u"web"_s, QString(own).replace(u"local"_s, u"prod"_s)),
        u"13:1: installations[0].backend = \"prod\" is of kind spritz, whose registry knows Slack's channels alone; name a backend of kind acp"_s);
    row("no listener", u"[ingress]\nlisten = \"\"\n"_s + kBackends + installation(u"web"_s, own),
        u"13:1: installations[0] takes its messages at /v1/sessions but ingress.listen is off; set ingress.listen"_s);
    row("feedback that is no table", kBackends + installation(u"web"_s, own + u"feedback = 1\n"_s),
        u"14:1: installations[0].feedback must be a table under [installations.feedback], not a whole number"_s);
    row("an unknown feedback",
        kBackends + installation(u"web"_s, own + u"[installations.feedback]\nnew_conversatoin = \"a\"\n"_s),
        u"15:1: unknown key installations[0].feedback.new_conversatoin; did you mean installations[0].feedback.new_conversation?"_s);
}

void ConfigOwnChannelsTest::whatDoesNotGoTogetherIsRefused()
{
    QFETCH(QString, text);
    QFETCH(QString, complaint);
    const auto loaded = loadText(text);
    QVERIFY(!loaded);
    QCOMPARE(loaded.error().size(), 1);
    const QString told = loaded.error().first().toString();
    QVERIFY2(told.endsWith(u"box.toml:"_s + complaint), qPrintable(told));
}

QTEST_GUILESS_MAIN(ConfigOwnChannelsTest)
#include "tst_config_own_channels.moc"
