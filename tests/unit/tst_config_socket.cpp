// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"
#include "config/render.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::config;

namespace {
const QString kStart = uR"([ingress]
listen = ""
[[backends]]
name = "local"
kind = "acp"
command = ["node", "agent.js"]
[[installations]]
backend = "local"
tenant = "T1"
)"_s; // nine lines
} // namespace

// Installations with transport = "socket" (contracts/slack.md §2): what they need and what they do not.
class ConfigSocketTest : public QObject
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
    void anAppToken_isAllTheyNeed()
    {
        const auto loaded = loadText(kStart
            + u"channel = \"slack\"\ntransport = \"socket\"\nbot_token = \"xoxb-1\"\napp_token = \"xapp-1\"\n"_s);
        QVERIFY2(loaded, loaded ? "" : qPrintable(loaded.error().first().toString()));
        const InstallationConfig &installation = loaded->config.installations.first();
        QCOMPARE(installation.transport, u"socket"_s);
        QCOMPARE(installation.appToken.reveal(), QByteArray("xapp-1"));
        const QString shown = renderConfig(loaded->config);
        QVERIFY(shown.contains(u"app_token = \"***\""_s));
        QVERIFY(!shown.contains(u"xapp-1"_s));
    }

    void whatDoesNotGoTogether_isRefusedWithItsPlace_data()
    {
        QTest::addColumn<QString>("lines");
        QTest::addColumn<QString>("complaint");
        const auto row = [](const char *name, const QString &lines, const QString &complaint) {
            QTest::newRow(name) << lines << complaint;
        };
        const QString slack = u"channel = \"slack\"\nbot_token = \"xoxb-1\"\n"_s;
        const QString socket = slack + u"transport = \"socket\"\n"_s;
        row("no app token", socket, u"box.toml:7:1: installations[0] has no app_token"_s);
        row("a bot's token", socket + u"app_token = \"xoxb-2\"\n"_s,
            u"box.toml:13:1: installations[0].app_token is no app-level token"_s);
        row("over http", slack + u"app_token = \"xapp-1\"\n"_s,
            u"box.toml:12:1: installations[0].app_token is for transport = \"socket\""_s);
        row("another channel", u"channel = \"web\"\ntransport = \"socket\"\n"_s,
            u"box.toml:11:1: installations[0].transport = \"socket\" is for channel slack"_s);
        row("another channel's token", u"channel = \"web\"\napp_token = \"xapp-1\"\n"_s,
            u"box.toml:11:1: installations[0].app_token is for channel slack"_s);
        row("no such transport", slack + u"transport = \"pigeon\"\n"_s,
            u"box.toml:12:1: installations[0].transport must be one of \"http\", \"socket\""_s);
    }

    void whatDoesNotGoTogether_isRefusedWithItsPlace()
    {
        QFETCH(const QString, lines);
        QFETCH(const QString, complaint);
        const auto loaded = loadText(kStart + lines);
        QVERIFY(!loaded);
        QStringList all;
        for (const Problem &problem : loaded.error()) {
            all << problem.toString();
            QVERIFY(!all.last().contains(u"xapp-1"_s) && !all.last().contains(u"xoxb-2"_s));
        }
        QVERIFY2(all.join(u'\n').contains(complaint), qPrintable(all.join(u'\n')));
    }
};

QTEST_GUILESS_MAIN(ConfigSocketTest)
#include "tst_config_socket.moc"
