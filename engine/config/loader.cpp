// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include "config/coherence.h"
#include "config/feedback_reader.h"
#include "config/key_table.h"
#include "config/suggest.h"
#include "config/table_reader.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QStandardPaths>
#include <QUrl>

using namespace Qt::StringLiterals;

namespace signalbox::config {
namespace {

const QString kFileName = QStringLiteral("signalbox.toml");

// Reads the tables of one file.
class FileReader
{
public:
    FileReader(const QString &file, const LoadOptions &options, Config &config, Findings &findings)
        : m_reader(file, options, findings)
        , m_config(config)
        , m_findings(findings)
    {
    }

    void read(const toml::table &root)
    {
        for (auto &&[key, node] : root) {
            const QString name = fromToml(key.str());
            m_findings.place(name, m_reader.positionOf(key));
            if (!readTable(name, node)) {
                refuse(name);
            }
        }
    }

private:
    bool readTable(const QString &name, const toml::node &node)
    {
        Config &c = m_config;
        return section(name, u"engine"_s, node, engineKeys(), c.engine) || readListener(name, node)
            || section(name, u"slack"_s, node, slackKeys(), c.slack)
            || list(name, u"backends"_s, node, backendKeys(), c.backends) || readInstallations(name, node)
            || list(name, u"webhooks"_s, node, webhookKeys(), c.webhooks)
            || section(name, u"recovery"_s, node, recoveryKeys(), c.recovery)
            || section(name, u"turn"_s, node, turnKeys(), c.turn)
            || section(name, u"locks"_s, node, locksKeys(), c)
            || section(name, u"interactions"_s, node, interactionsKeys(), c)
            || section(name, u"dedupe"_s, node, dedupeKeys(), c)
            || section(name, u"log"_s, node, logKeys(), c);
    }

    template <class T>
    bool section(const QString &name, const QString &wanted, const toml::node &node, const Keys<T> &keys,
        T &into, const QStringList &nested = {})
    {
        if (name != wanted) {
            return false;
        }
        if (const toml::table *table = node.as_table()) {
            m_reader.read(*table, name, keys, into, nested);
        } else {
            m_reader.wrongType(node, m_findings.positionOf(name), name, u"a table under [%1]"_s.arg(name));
        }
        return true;
    }

    template <class T>
    bool list(const QString &name, const QString &wanted, const toml::node &node, const Keys<T> &keys,
        QList<T> &into)
    {
        if (name == wanted) {
            m_reader.readArray(node, name, keys, into);
        }
        return name == wanted;
    }

    bool readInstallations(const QString &name, const toml::node &node)
    {
        if (name != u"installations"_s) {
            return false;
        }
        const qsizetype before = m_config.installations.size();
        m_reader.readArray(node, name, installationKeys(), m_config.installations, {u"feedback"_s});
        for (qsizetype i = before; i < m_config.installations.size(); ++i) {
            const toml::table *table = node.as_array()->get_as<toml::table>(static_cast<size_t>(i - before));
            if (const toml::node *feedback = table == nullptr ? nullptr : table->get("feedback")) {
                readFeedback(m_reader, m_findings, *feedback, u"installations[%1].feedback"_s.arg(i),
                    m_config.installations[i]);
            }
        }
        return true;
    }

    bool readListener(const QString &name, const toml::node &node)
    {
        const QStringList nested{u"tokens"_s};
        const bool isAdmin = name == u"admin"_s;
        ListenerConfig &listener = isAdmin ? m_config.admin : m_config.ingress;
        if (!section(name, u"ingress"_s, node, ingressKeys(), listener, nested)
            && !section(name, u"admin"_s, node, adminKeys(), listener, nested)) {
            return false;
        }
        const toml::table *table = node.as_table();
        if (const toml::node *tokens = table == nullptr ? nullptr : table->get("tokens")) {
            m_reader.readArray(*tokens, name + u".tokens"_s, isAdmin ? adminTokenKeys() : ingressTokenKeys(),
                listener.tokens);
        }
        return true;
    }

    void refuse(const QString &name)
    {
        if (reservedTables().contains(name)) {
            m_findings.add(name, m_findings.positionOf(name),
                u"[%1] is not supported by this version"_s.arg(name), u"leave it out"_s);
            return;
        }
        static const QStringList kTables{u"engine"_s, u"ingress"_s, u"admin"_s, u"slack"_s, u"backends"_s,
            u"installations"_s, u"webhooks"_s, u"recovery"_s, u"turn"_s, u"locks"_s, u"interactions"_s,
            u"dedupe"_s, u"log"_s};
        QString meant = nearest(name, kTables);
        for (const QString &key : allKeys()) {
            if (meant.isEmpty() && key.endsWith(u'.' + name)) {
                meant = key;
            }
        }
        m_findings.add(name, m_findings.positionOf(name), u"unknown key %1"_s.arg(name),
            meant.isEmpty() ? QString() : u"did you mean %1?"_s.arg(meant));
    }

    TableReader m_reader;
    Config &m_config;
    Findings &m_findings;
};

bool readFile(const QString &name, const LoadOptions &options, Config &config, Findings &findings)
{
    QFile file(name);
    if (!file.open(QIODevice::ReadOnly)) {
        findings.add({}, Position{name, 0, 0}, u"cannot read the file: %1"_s.arg(file.errorString()));
        return false;
    }
    const QByteArray text = file.readAll();
    try {
        const toml::table root
            = toml::parse(std::string_view(text.constData(), static_cast<size_t>(text.size())));
        FileReader(name, options, config, findings).read(root);
    } catch (const toml::parse_error &error) { // The parser's only way to refuse.
        const toml::source_position at = error.source().begin;
        findings.add({}, Position{name, static_cast<int>(at.line), static_cast<int>(at.column)},
            u"not valid TOML: %1"_s.arg(fromToml(error.description())));
    }
    return true;
}

// The folder whose signalbox.toml and conf.d apply, and that file.
struct Place
{
    QString file; // empty: none
    QString folder; // empty: none
};

Place placeIn(const QString &folder)
{
    const QDir dir(folder);
    if (dir.exists(kFileName)) {
        return Place{dir.absoluteFilePath(kFileName), dir.absolutePath()};
    }
    return Place{{}, dir.exists(u"conf.d"_s) ? dir.absolutePath() : QString()};
}

Place findPlace(const LoadOptions &options)
{
    const QString fromEnvironment = options.environment.value(u"SIGNALBOX_CONFIG"_s);
    const QString named = options.configFile.isEmpty() ? fromEnvironment : options.configFile;
    if (!named.isEmpty()) {
        const QFileInfo info(named);
        return Place{info.absoluteFilePath(), info.absolutePath()};
    }
    const Place own = placeIn(options.configHome + u"/signalbox"_s);
    if (!own.folder.isEmpty() || options.embedded) {
        return own;
    }
    return placeIn(options.systemConfigDir + u"/signalbox"_s);
}

QString defaultDataDir(const LoadOptions &options)
{
    // systemd separates several state directories by colons; the first is ours.
    const QString state = options.environment.value(u"STATE_DIRECTORY"_s).section(u':', 0, 0);
    if (!state.isEmpty() && !options.embedded) {
        return QDir::cleanPath(state);
    }
    return QDir::cleanPath(options.dataHome + u"/signalbox"_s);
}

// A password inside the URL moves to where it does not print.
void takePasswordOutOfUrl(EngineConfig &engine, Findings &findings)
{
    QUrl url(engine.database, QUrl::StrictMode);
    if (!engine.database.startsWith(u"postgres"_s) || url.password().isEmpty()) {
        return;
    }
    if (!engine.databasePassword.isEmpty()) {
        findings.addAt(u"engine.database"_s, u"engine.database and engine.password both give a password"_s,
            u"keep one of them"_s);
    }
    engine.databasePassword = Secret(url.password(QUrl::FullyDecoded).toUtf8());
    url.setPassword(QString());
    engine.database = url.toString(QUrl::FullyEncoded);
}

// What follows from other values.
void deriveDefaults(Config &config, Findings &findings)
{
    takePasswordOutOfUrl(config.engine, findings);
    for (BackendConfig &backend : config.backends) {
        if (backend.permissions.isEmpty()) {
            backend.permissions = backend.kind == u"acp"_s ? u"ask"_s : u"deny"_s;
        }
        if (backend.registryV2Url.isEmpty()) {
            backend.registryV2Url = backend.registryUrl;
        }
    }
    deriveFeedback(config, findings);
}

} // namespace

LoadOptions::LoadOptions()
    : environment(QProcessEnvironment::systemEnvironment())
    , configHome(QStandardPaths::writableLocation(QStandardPaths::GenericConfigLocation))
    , dataHome(QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation))
    , systemConfigDir(u"/etc"_s)
{
}

tl::expected<Loaded, QList<Problem>> load(const LoadOptions &options)
{
    Findings findings;
    Loaded loaded;
    Config &config = loaded.config;
    config.engine.dataDir = defaultDataDir(options);
    if (options.embedded) {
        config.ingress.listen.clear();
        config.admin.listen.clear();
    }

    const Place place = options.readFiles ? findPlace(options) : Place();
    QStringList files;
    if (!place.file.isEmpty()) {
        files.append(place.file);
    }
    if (!place.folder.isEmpty()) {
        const QDir extras(place.folder + u"/conf.d"_s);
        for (const QString &name : extras.entryList({u"*.toml"_s}, QDir::Files, QDir::Name)) {
            files.append(extras.absoluteFilePath(name));
        }
    }
    for (const QString &file : files) {
        if (readFile(file, options, config, findings)) {
            loaded.filesRead.append(file);
        }
    }

    if (!options.dataDir.isEmpty()) {
        config.engine.dataDir = QDir::cleanPath(QDir::current().absoluteFilePath(options.dataDir));
    }
    config.logFormat = options.logFormat.value_or(config.logFormat);
    deriveDefaults(config, findings);
    checkCoherence(config, findings);
    if (const QList<Problem> problems = findings.problems(); !problems.isEmpty()) {
        return tl::unexpected<QList<Problem>>(problems);
    }
    return loaded;
}

} // namespace signalbox::config
