// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/key_table.h"
#include "config/loader.h"

#include <algorithm>
#include <toml++/toml.h>

namespace signalbox::config {

// Reads one file's tables into the value structs, by the tables of key_table.h. Every deviation becomes a
// finding; a value with a finding is not stored.
class TableReader
{
public:
    TableReader(QString file, const LoadOptions &options, Findings &findings);

    // `path` is the table's name, for findings. `nested` are its keys that somebody else reads.
    template <class T>
    void read(const toml::table &table, const QString &path, const Keys<T> &keys, T &into,
        const QStringList &nested = {});
    // Appends one T for each table in the array.
    template <class T>
    void readArray(const toml::node &node, const QString &path, const Keys<T> &keys, QList<T> &into,
        const QStringList &nested = {});

    [[nodiscard]] Position positionOf(const toml::key &key) const;
    void wrongType(const toml::node &node, const Position &at, const QString &path, const QString &expected);

private:
    struct Entry
    {
        QString path;
        Position at;
        const toml::node &node;
        const Rule &rule;
    };

    template <class T>
    void store(const Key<T> &key, const Entry &entry, T &into);
    void unknown(const Entry &entry, const QStringList &known);
    // False when the secret was given already: `given` maps a secret to how this table spelled it.
    [[nodiscard]] bool claimSecret(const Entry &entry, const QString &secret, QHash<QString, QString> &given);

    // One for each type of a key; nothing when a finding was made.
    [[nodiscard]] std::optional<QString> readText(const Entry &entry);
    [[nodiscard]] std::optional<qint64> readInteger(const Entry &entry);
    [[nodiscard]] std::optional<bool> readFlag(const Entry &entry);
    [[nodiscard]] std::optional<Millis> readDuration(const Entry &entry);
    [[nodiscard]] std::optional<QStringList> readList(const Entry &entry);
    [[nodiscard]] std::optional<StringMap> readMap(const Entry &entry);
    // `spelling` is the part after the key's name: "", "_env", "_file", "_keychain", "_sha256".
    [[nodiscard]] std::optional<QByteArray> readSecret(const Entry &entry, const QString &spelling);
    // The SHA-256 of a token, from any of its spellings.
    [[nodiscard]] std::optional<QByteArray> readToken(const Entry &entry, const QString &spelling);
    [[nodiscard]] std::optional<QByteArray> readSecretFile(const Entry &entry, const QString &name);
    [[nodiscard]] std::optional<QByteArray> readKeychain(const Entry &entry, const QString &name);
    void readReserved(const Entry &entry, const Reserved &reserved);

    [[nodiscard]] bool checkChoice(const Entry &entry, const QString &value);
    [[nodiscard]] bool checkFormat(const Entry &entry, QString &value);
    void add(const Entry &entry, const QString &message, const QString &suggestion = {});

    QString m_file;
    QString m_folder;
    const LoadOptions &m_options;
    Findings &m_findings;
};

[[nodiscard]] QString fromToml(std::string_view text);

template <class T>
bool isToken(const Key<T> &key)
{
    return std::holds_alternative<QByteArray T::*>(key.target);
}

template <class T>
bool isSecret(const Key<T> &key)
{
    const Reserved *reserved = std::get_if<Reserved>(&key.target);
    return isToken(key) || std::holds_alternative<Secret T::*>(key.target)
        || (reserved != nullptr && reserved->isSecret);
}

template <class T>
void TableReader::read(
    const toml::table &table, const QString &path, const Keys<T> &keys, T &into, const QStringList &nested)
{
    QHash<QString, QString> secrets;
    for (auto &&[key, node] : table) {
        const QString name = fromToml(key.str());
        static const Rule kNoRule;
        const Entry place{path + u'.' + name, positionOf(key), node, kNoRule};
        m_findings.place(place.path, place.at);
        if (nested.contains(name)) {
            continue;
        }
        const auto known = std::find_if(keys.cbegin(), keys.cend(), [&name](const Key<T> &candidate) {
            return name == candidate.name
                || (isSecret(candidate)
                    && secretSpellings(candidate.name, isToken(candidate)).contains(name));
        });
        if (known == keys.cend()) {
            QStringList names = nested;
            for (const Key<T> &candidate : keys) {
                names.append(candidate.name);
            }
            unknown(place, names);
        } else if (!isSecret(*known) || claimSecret(place, known->name, secrets)) {
            store(*known, Entry{place.path, place.at, node, known->rule}, into);
        }
    }
}

template <class T>
void TableReader::store(const Key<T> &key, const Entry &entry, T &into)
{
    const QString spelling = entry.path.mid(entry.path.lastIndexOf(u'.') + 1 + key.name.size());
    const auto assign = [&into](auto member, auto &&value) {
        if (value) {
            into.*member = *value;
        }
    };
    const auto visitor = [&](const auto &target) {
        using Member = std::decay_t<decltype(target)>;
        if constexpr (std::is_same_v<Member, QString T::*>) {
            assign(target, readText(entry));
        } else if constexpr (std::is_same_v<Member, int T::*>) {
            if (const auto value = readInteger(entry)) {
                into.*target = static_cast<int>(*value);
            }
        } else if constexpr (std::is_same_v<Member, qint64 T::*>) {
            assign(target, readInteger(entry));
        } else if constexpr (std::is_same_v<Member, bool T::*>) {
            assign(target, readFlag(entry));
        } else if constexpr (std::is_same_v<Member, Millis T::*>) {
            assign(target, readDuration(entry));
        } else if constexpr (std::is_same_v<Member, QStringList T::*>) {
            assign(target, readList(entry));
        } else if constexpr (std::is_same_v<Member, StringMap T::*>) {
            assign(target, readMap(entry));
        } else if constexpr (std::is_same_v<Member, Secret T::*>) {
            if (const auto value = readSecret(entry, spelling)) {
                into.*target = Secret(*value);
            }
        } else if constexpr (std::is_same_v<Member, QList<Secret> T::*>) {
            for (const QString &value : readList(entry).value_or(QStringList())) {
                (into.*target).append(Secret(value.toUtf8()));
            }
        } else if constexpr (std::is_same_v<Member, QByteArray T::*>) {
            assign(target, readToken(entry, spelling));
        } else if constexpr (std::is_same_v<Member, LogFormat T::*>) {
            if (const auto value = readText(entry)) {
                into.*target = *value == QStringLiteral("json") ? LogFormat::Json : LogFormat::Text;
            }
        } else {
            readReserved(entry, target);
        }
    };
    std::visit(visitor, key.target);
}

template <class T>
void TableReader::readArray(const toml::node &node, const QString &path, const Keys<T> &keys, QList<T> &into,
    const QStringList &nested)
{
    const toml::array *array = node.as_array();
    const bool allTables = array != nullptr
        && std::all_of(
            array->cbegin(), array->cend(), [](const toml::node &element) { return element.is_table(); });
    if (!allTables) {
        wrongType(node, m_findings.positionOf(path), path,
            QStringLiteral("a list of tables, each under [[%1]]").arg(path));
        return;
    }
    for (const toml::node &element : *array) {
        const toml::table *table = element.as_table();
        const QString name = path + u'[' + QString::number(into.size()) + u']';
        const toml::source_position at = table->source().begin;
        m_findings.place(name, Position{m_file, static_cast<int>(at.line), static_cast<int>(at.column)});
        T value;
        read(*table, name, keys, value, nested);
        into.append(value);
    }
}

} // namespace signalbox::config
