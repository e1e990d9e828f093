// SPDX-License-Identifier: Apache-2.0
#include "config/table_reader.h"

#include "base/hash.h"
#include "config/duration.h"
#include "config/endpoint.h"
#include "config/suggest.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QUrl>

using namespace Qt::StringLiterals;

namespace signalbox::config {
namespace {

QString typeName(const toml::node &node)
{
    switch (node.type()) {
    case toml::node_type::none:
        return u"nothing"_s;
    case toml::node_type::table:
        return u"a table"_s;
    case toml::node_type::array:
        return u"a list"_s;
    case toml::node_type::string:
        return u"a string"_s;
    case toml::node_type::integer:
        return u"a whole number"_s;
    case toml::node_type::floating_point:
        return u"a number with a fraction"_s;
    case toml::node_type::boolean:
        return u"true or false"_s;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
        return u"a date or time"_s;
    }
    return {};
}

QString quoted(const QString &text)
{
    return u'"' + text + u'"';
}

QString listed(const QStringList &values)
{
    QStringList quotedValues;
    for (const QString &value : values) {
        quotedValues.append(quoted(value));
    }
    return quotedValues.join(u", "_s);
}

bool isHttpUrl(const QString &text)
{
    const QUrl url(text, QUrl::StrictMode);
    return url.isValid() && (url.scheme() == u"http"_s || url.scheme() == u"https"_s)
        && !url.host().isEmpty();
}

bool isDatabase(const QString &text)
{
    if (text.startsWith(u"sqlite:"_s)) {
        return text.size() > 7;
    }
    const QUrl url(text, QUrl::StrictMode);
    return url.isValid() && (url.scheme() == u"postgresql"_s || url.scheme() == u"postgres"_s)
        && url.path().size() > 1;
}

QString unsupported(const QString &what)
{
    return what + u" is not supported by this version"_s;
}

} // namespace

QString fromToml(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

TableReader::TableReader(QString file, const LoadOptions &options, Findings &findings)
    : m_file(std::move(file))
    , m_folder(QFileInfo(m_file).absolutePath())
    , m_options(options)
    , m_findings(findings)
{
}

Position TableReader::positionOf(const toml::key &key) const
{
    const toml::source_position at = key.source().begin;
    return Position{m_file, static_cast<int>(at.line), static_cast<int>(at.column)};
}

void TableReader::add(const Entry &entry, const QString &message, const QString &suggestion)
{
    m_findings.add(entry.path, entry.at, message, suggestion);
}

void TableReader::wrongType(
    const toml::node &node, const Position &at, const QString &path, const QString &expected)
{
    m_findings.add(path, at, u"%1 must be %2, not %3"_s.arg(path, expected, typeName(node)));
}

void TableReader::unknown(const Entry &entry, const QStringList &known)
{
    const qsizetype dot = entry.path.lastIndexOf(u'.');
    const QString name = entry.path.mid(dot + 1);
    QString meant = nearest(name, known);
    if (!meant.isEmpty()) {
        meant = entry.path.left(dot + 1) + meant;
    } else {
        for (const QString &key : allKeys()) {
            if (key.endsWith(u'.' + name)) {
                meant = key;
                break;
            }
        }
    }
    add(entry, u"unknown key %1"_s.arg(entry.path),
        meant.isEmpty() ? QString() : u"did you mean %1?"_s.arg(meant));
}

bool TableReader::claimSecret(const Entry &entry, const QString &secret, QHash<QString, QString> &given)
{
    const qsizetype dot = entry.path.lastIndexOf(u'.');
    const QString name = entry.path.mid(dot + 1);
    if (given.contains(secret)) {
        QStringList both{given.value(secret), name};
        both.sort();
        add(entry, u"%1%2 and %3 give one secret twice"_s.arg(entry.path.left(dot + 1), both[0], both[1]),
            u"keep one of them"_s);
        return false;
    }
    given.insert(secret, name);
    m_findings.place(entry.path.left(dot + 1) + secret, entry.at);
    return true;
}

bool TableReader::checkChoice(const Entry &entry, const QString &value)
{
    if (entry.rule.oneOf.isEmpty() || entry.rule.oneOf.contains(value)) {
        return true;
    }
    if (entry.rule.notYet.contains(value)) {
        add(entry, unsupported(u"%1 = %2"_s.arg(entry.path, quoted(value))),
            u"it takes %1"_s.arg(listed(entry.rule.oneOf)));
        return false;
    }
    const QString meant = nearest(value, entry.rule.oneOf);
    add(entry, u"%1 must be one of %2, not %3"_s.arg(entry.path, listed(entry.rule.oneOf), quoted(value)),
        meant.isEmpty() ? QString() : u"did you mean %1?"_s.arg(quoted(meant)));
    return false;
}

bool TableReader::checkFormat(const Entry &entry, QString &value)
{
    switch (entry.rule.format) {
    case Format::Any:
        return true;
    case Format::NonEmpty:
        if (value.trimmed().isEmpty()) {
            add(entry, u"%1 must not be empty"_s.arg(entry.path));
            return false;
        }
        return true;
    case Format::HttpUrl:
        if (!value.isEmpty() && !isHttpUrl(value)) {
            add(entry, u"%1 must be an http or https address"_s.arg(entry.path),
                u"write it like \"https://host.example.com\""_s);
            return false;
        }
        return true;
    case Format::Listen:
        if (!value.isEmpty() && !parseEndpoint(value)) {
            add(entry,
                u"%1 must be an IP address and a port from 0 to 65535, not %2"_s.arg(
                    entry.path, quoted(value)),
                u"write it like \"127.0.0.1:8080\" or \"[::1]:8080\", or \"\" to switch it off"_s);
            return false;
        }
        return true;
    case Format::AbsolutePath:
        if (!QDir::isAbsolutePath(value)) {
            add(entry, u"%1 must be an absolute path, not %2"_s.arg(entry.path, quoted(value)));
            return false;
        }
        value = QDir::cleanPath(value);
        return true;
    case Format::Path:
        if (!value.isEmpty()) {
            value = QDir::cleanPath(QDir(m_folder).absoluteFilePath(value));
        }
        return true;
    case Format::People:
        if (value.isEmpty() || value.contains(u' ') || value.contains(u'*') || value.size() > 255) {
            add(entry,
                u"%1 takes \"requester\", \"anyone\" and ids of users, not %2"_s.arg(
                    entry.path, quoted(value)));
            return false;
        }
        return true;
    case Format::Database:
        if (!isDatabase(value)) {
            // The value is not repeated: a URL may hold a password.
            add(entry, u"%1 must be sqlite:FILE or postgresql://USER@HOST/NAME"_s.arg(entry.path));
            return false;
        }
        return true;
    }
    return true;
}

std::optional<QString> TableReader::readText(const Entry &entry)
{
    const auto text = entry.node.value_exact<std::string_view>();
    if (!text) {
        wrongType(entry.node, entry.at, entry.path, u"a string"_s);
        return std::nullopt;
    }
    QString value = fromToml(*text);
    if (!checkChoice(entry, value) || !checkFormat(entry, value)) {
        return std::nullopt;
    }
    return value;
}

std::optional<qint64> TableReader::readInteger(const Entry &entry)
{
    const auto number = entry.node.value_exact<int64_t>();
    if (!number) {
        wrongType(entry.node, entry.at, entry.path, u"a whole number"_s);
        return std::nullopt;
    }
    if (*number < entry.rule.low || *number > entry.rule.high) {
        add(entry,
            u"%1 must be from %2 to %3, not %4"_s.arg(entry.path)
                .arg(entry.rule.low)
                .arg(entry.rule.high)
                .arg(*number));
        return std::nullopt;
    }
    return *number;
}

std::optional<bool> TableReader::readFlag(const Entry &entry)
{
    const auto flag = entry.node.value_exact<bool>();
    if (!flag) {
        wrongType(entry.node, entry.at, entry.path, u"true or false"_s);
    }
    return flag;
}

std::optional<Millis> TableReader::readDuration(const Entry &entry)
{
    const auto text = entry.node.value_exact<std::string_view>();
    if (!text) {
        const auto number = entry.node.value_exact<int64_t>();
        m_findings.add(entry.path, entry.at,
            u"%1 must be a duration with a unit, not %2"_s.arg(entry.path, typeName(entry.node)),
            number ? u"write \"%1s\" for seconds or \"%1ms\" for milliseconds"_s.arg(*number) : QString());
        return std::nullopt;
    }
    const QString written = fromToml(*text);
    if (written.isEmpty() && entry.rule.emptyMeansNone) {
        return Millis(0);
    }
    const std::optional<Millis> duration = parseDuration(written);
    if (!duration) {
        add(entry, u"%1 must be a duration with a unit, not %2"_s.arg(entry.path, quoted(written)),
            u"write it like \"250ms\", \"5s\", \"3m\", \"24h\" or \"30d\""_s);
        return std::nullopt;
    }
    if (duration->count() < entry.rule.low) {
        add(entry,
            u"%1 must be at least %2, not %3"_s.arg(
                entry.path, formatDuration(Millis(entry.rule.low)), written));
        return std::nullopt;
    }
    if (duration->count() > entry.rule.high) {
        add(entry,
            u"%1 must be at most %2, not %3"_s.arg(
                entry.path, formatDuration(Millis(entry.rule.high)), written));
        return std::nullopt;
    }
    return duration;
}

std::optional<QStringList> TableReader::readList(const Entry &entry)
{
    const bool people = entry.rule.format == Format::People;
    if (people && entry.node.is_string()) {
        const auto one = readText(entry);
        return one ? std::optional(QStringList(*one)) : std::nullopt;
    }
    const toml::array *array = entry.node.as_array();
    const bool allText = array != nullptr && (!people || !array->empty())
        && std::all_of(
            array->cbegin(), array->cend(), [](const toml::node &element) { return element.is_string(); });
    if (!allText) {
        wrongType(entry.node, entry.at, entry.path,
            people ? u"\"requester\", \"anyone\" or a list of user ids"_s : u"a list of strings"_s);
        return std::nullopt;
    }
    QStringList values;
    for (const toml::node &element : *array) {
        QString value = fromToml(element.ref<std::string>());
        if (!checkChoice(entry, value) || (people && !checkFormat(entry, value))) {
            return std::nullopt;
        }
        values.append(value);
    }
    return values;
}

std::optional<StringMap> TableReader::readMap(const Entry &entry)
{
    const toml::table *table = entry.node.as_table();
    if (table == nullptr) {
        wrongType(entry.node, entry.at, entry.path, u"a table of strings"_s);
        return std::nullopt;
    }
    StringMap values;
    for (auto &&[key, node] : *table) {
        const QString name = fromToml(key.str());
        const auto value = node.value_exact<std::string_view>();
        if (!value) {
            wrongType(node, positionOf(key), entry.path + u'.' + name, u"a string"_s);
            continue;
        }
        values.insert(name, fromToml(*value));
    }
    return values;
}

std::optional<QByteArray> TableReader::readSecret(const Entry &entry, const QString &spelling)
{
    const auto text = entry.node.value_exact<std::string_view>();
    if (!text) {
        wrongType(entry.node, entry.at, entry.path, u"a string"_s);
        return std::nullopt;
    }
    const QString value = fromToml(*text);
    if (value.isEmpty()) {
        add(entry, u"%1 must not be empty"_s.arg(entry.path),
            u"leave the key out where there is no secret"_s);
        return std::nullopt;
    }
    if (spelling == u"_file"_s) {
        return readSecretFile(entry, value);
    }
    if (spelling == u"_keychain"_s) {
        return readKeychain(entry, value);
    }
    if (spelling != u"_env"_s) {
        return value.toUtf8();
    }
    const QString variable = m_options.environment.value(value);
    if (variable.isEmpty()) {
        add(entry, u"%1: the environment variable %2 is not set"_s.arg(entry.path, value));
        return std::nullopt;
    }
    return variable.toUtf8();
}

std::optional<QByteArray> TableReader::readSecretFile(const Entry &entry, const QString &name)
{
    constexpr qint64 kLongestSecret = 64 * 1024;
    QFile file(QDir(m_folder).absoluteFilePath(name));
    if (!file.open(QIODevice::ReadOnly)) {
        add(entry, u"%1: cannot read %2: %3"_s.arg(entry.path, file.fileName(), file.errorString()));
        return std::nullopt;
    }
    const QByteArray value = file.read(kLongestSecret + 1).trimmed();
    if (value.isEmpty() || value.size() > kLongestSecret) {
        add(entry, u"%1: %2 is empty or too long for a secret"_s.arg(entry.path, file.fileName()));
        return std::nullopt;
    }
    return value;
}

std::optional<QByteArray> TableReader::readKeychain(const Entry &entry, const QString &name)
{
    const auto value = m_options.sealedSecret ? m_options.sealedSecret(name) : std::nullopt;
    if (!value) {
        add(entry,
            u"%1: there is no value sealed under %2, and this program does not read the system keychain"_s
                .arg(entry.path, quoted(name)),
            u"seal it from the console, or give the secret by %1_env or %1_file"_s.arg(
                entry.path.chopped(9)));
    }
    return value;
}

std::optional<QByteArray> TableReader::readToken(const Entry &entry, const QString &spelling)
{
    const std::optional<QByteArray> value
        = readSecret(entry, spelling == u"_sha256"_s ? QString() : spelling);
    if (!value || spelling != u"_sha256"_s) {
        return value ? std::optional(sha256(*value)) : std::nullopt;
    }
    const QByteArray hash = QByteArray::fromHex(*value);
    if (hash.size() != 32 || hash.toHex() != value->toLower()) {
        add(entry, u"%1 must be a SHA-256 of 64 hexadecimal digits"_s.arg(entry.path),
            u"make it with: printf %s TOKEN | sha256sum"_s);
        return std::nullopt;
    }
    return hash;
}

void TableReader::readReserved(const Entry &entry, const Reserved &reserved)
{
    const auto text = entry.node.value_exact<std::string_view>();
    if (!reserved.hasHarmless || !text || fromToml(*text) != reserved.harmless) {
        add(entry, unsupported(entry.path),
            reserved.hasHarmless ? u"it takes %1"_s.arg(quoted(reserved.harmless)) : u"leave it out"_s);
    }
}

} // namespace signalbox::config
