// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "config/loader.h"
#include "config/render.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::config;

class ConfigRenderTest : public QObject
{
    Q_OBJECT

private:
    QTemporaryDir m_home;

    tl::expected<Loaded, QList<Problem>> loadText(const QString &text)
    {
        LoadOptions options;
        options.environment = QProcessEnvironment();
        options.environment.insert(QStringLiteral("SLACK_SIGNING_SECRET"), QStringLiteral("s"));
        options.environment.insert(QStringLiteral("SLACK_BOT_TOKEN"), QStringLiteral("t"));
        options.environment.insert(QStringLiteral("WEBSITE_TOKEN"), QStringLiteral("w"));
        options.environment.insert(QStringLiteral("SLACK_APP_TOKEN"), QStringLiteral("xapp-1"));
        options.configFile = m_home.filePath(QStringLiteral("box.toml"));
        QFile file(options.configFile);
        if (!file.open(QIODevice::WriteOnly) || file.write(text.toUtf8()) < 0) {
            qFatal("cannot write %s", qPrintable(options.configFile));
        }
        file.close();
        return load(options);
    }

private Q_SLOTS:
    void rendering_readsBackTheSame();
    void rendering_masksSecrets();
    void lifecycleWebhook_comesBackWithoutItsToken();
    void hash_followsValuesButNotSecrets();
    void readme_showsAConfigurationThatIsAccepted();
};

void ConfigRenderTest::rendering_readsBackTheSame()
{
    const QString text = uR"([engine]
id = "quote \" backslash \\ tab \t bell \u0007 é 🙂"
lease = "90s"
shutdown_grace = "1500ms"
[admin]
allow_insecure_public = true
[slack]
ack_reaction = ""
signing_secret = "s"
[turn]
max_duration = "1h"
adoption_interval = "1500ms"
adoption_timeout = "2m"
[interactions]
ttl = "90m"
[log]
format = "json"
[[ingress.tokens]]
name = "a"
token = "t"
installations = ["x", "y"]
[[admin.tokens]]
name = "b"
role = "viewer"
may = ["edit"]
token = "t"
[[installations]]
channel = "slack"
tenant = "T1"
backend = "prod"
on_unconfirmed = "retry"
interaction_answerers = ["requester", "U7"]
interaction_allow_always = true
[installations.feedback]
new_conversation = "Hello \"you\"."
[[backends]]
name = "prod"
kind = "spritz"
registry_url = "https://registry.example.com"
spritz_url = "https://spritz.example.com"
[[backends]]
name = "local"
kind = "acp"
command = ["node", "agent.js"]
environment = { "odd key" = "a\nb" }
)"_s;
    const auto loaded = loadText(text);
    QVERIFY(loaded);
    const QString first = renderConfig(loaded->config);
    const auto again = loadText(first);
    QVERIFY2(again, qPrintable(first));
    QCOMPARE(renderConfig(again->config), first);
    QCOMPARE(again->config.engine.id, u"quote \" backslash \\ tab \t bell \a é 🙂"_s);
    QCOMPARE(again->config.engine.shutdownGrace, Millis(1500));
    QCOMPARE(again->config.turn.adoptionInterval, Millis(1500));
    QCOMPARE(again->config.turn.adoptionTimeout, Millis(120'000));
    QCOMPARE(again->config.installations[0].onUnconfirmed, u"retry"_s);
    QCOMPARE(again->config.installations[0].interactionAnswerers, QStringList({u"requester"_s, u"U7"_s}));
    QVERIFY(again->config.installations[0].interactionAllowAlways);
    QCOMPARE(again->config.interactionTtl, Millis(5'400'000));
    QCOMPARE(again->config.installations[0].feedback.newConversation, u"Hello \"you\"."_s);
    // What an agent's environment holds may be secret: its names come back, its values do not.
    QCOMPARE(loaded->config.backends[1].environment.value(u"odd key"_s), u"a\nb"_s);
    QCOMPARE(again->config.backends[1].environment.value(u"odd key"_s), u"***"_s);
    QVERIFY(first.contains(u"lease = \"90s\"\n"_s));
    QVERIFY(first.contains(u"history_retention = \"180d\"\n"_s));
}

void ConfigRenderTest::rendering_masksSecrets()
{
    const QString given = uR"([engine]
database = "postgresql://u:hunter2@h/n"
[slack]
signing_secret = "hunter2"
[[admin.tokens]]
name = "a"
role = "admin"
token = "hunter2"
)"_s;
    const auto loaded = loadText(given);
    QVERIFY(loaded);
    const QString text = renderConfig(loaded->config);
    QVERIFY(!text.contains(u"hunter2"_s));
    QVERIFY(!text.contains(QString::fromLatin1(sha256("hunter2").toHex())));
    QVERIFY(text.contains(u"password = \"***\"\n"_s));
    QVERIFY(text.contains(u"signing_secret = \"***\"\n"_s));
    QVERIFY(text.contains(u"token = \"***\"\n"_s));
}

void ConfigRenderTest::lifecycleWebhook_comesBackWithoutItsToken()
{
    const auto loaded = loadText(uR"([[backends]]
name = "local"
kind = "acp"
command = ["x"]
lifecycle_webhook_url = "https://a.example/hook"
lifecycle_webhook_token = "hunter2"
)"_s);
    QVERIFY(loaded);
    QCOMPARE(loaded->config.backends[0].lifecycleWebhookUrl, u"https://a.example/hook"_s);
    QCOMPARE(loaded->config.backends[0].lifecycleWebhookToken, Secret("hunter2"));
    const QString text = renderConfig(loaded->config);
    QVERIFY(text.contains(u"lifecycle_webhook_url = \"https://a.example/hook\"\n"_s));
    QVERIFY(text.contains(u"lifecycle_webhook_token = \"***\"\n"_s));
    QVERIFY(!text.contains(u"hunter2"_s));
}

void ConfigRenderTest::hash_followsValuesButNotSecrets()
{
    Config config;
    config.slack.signingSecret = Secret("a");
    const QString hash = configHash(config);
    QCOMPARE(hash.size(), 64);
    config.slack.signingSecret = Secret("b");
    QCOMPARE(configHash(config), hash);
    config.engine.lease = Millis(16'000);
    QVERIFY(configHash(config) != hash);
}

void ConfigRenderTest::readme_showsAConfigurationThatIsAccepted()
{
    QFile readme(qEnvironmentVariable("SIGNALBOX_SOURCE_DIR") + u"/README.md"_s);
    QVERIFY2(readme.open(QIODevice::ReadOnly), qPrintable(readme.fileName()));
    const QString text = QString::fromUtf8(readme.readAll());
    const QString example = text.section(u"```toml\n"_s, 1, 1).section(u"```"_s, 0, 0);
    QVERIFY(!example.isEmpty());
    const auto loaded = loadText(example);
    QVERIFY2(loaded, loaded ? "" : qPrintable(loaded.error().first().toString()));
    QCOMPARE(loaded->config.installations.size(), 1);
    // Socket Mode is the same desk without a listener.
    const QString socket = text.section(u"```toml\n"_s, 2, 2).section(u"```"_s, 0, 0);
    const QString backends
        = example.mid(example.indexOf(u"[[backends]]")).section(u"[[installations]]"_s, 0, 0);
    const auto quiet = loadText(socket + u'\n' + backends);
    QVERIFY2(quiet, quiet ? "" : qPrintable(quiet.error().first().toString()));
    QCOMPARE(quiet->config.installations.first().transport, u"socket"_s);
    // What the next example adds to the first.
    const QString more = text.section(u"```toml\n"_s, 3, 3).section(u"```"_s, 0, 0);
    const auto both = loadText(example + u'\n' + more);
    QVERIFY2(both, both ? "" : qPrintable(both.error().first().toString()));
    QCOMPARE(both->config.installations.size(), 2);
}

QTEST_GUILESS_MAIN(ConfigRenderTest)
#include "tst_config_render.moc"
