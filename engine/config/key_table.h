// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"

#include <QStringList>

#include <limits>
#include <variant>
#include <vector>

namespace signalbox::config {

using StringMap = QMap<QString, QString>;

// A key of INTERFACE.md whose part does not exist in this version: refused unless it has the value that
// describes what this version does anyway.
struct Reserved
{
    QString harmless;
    bool hasHarmless = false;
    bool isSecret = false;
};

// Where a key's value goes; the alternative is its type. QByteArray is the SHA-256 of a token.
template <class T>
using Target = std::variant<QString T::*, int T::*, qint64 T::*, bool T::*, Millis T::*, QStringList T::*,
    StringMap T::*, Secret T::*, QList<Secret> T::*, QByteArray T::*, LogFormat T::*, Reserved>;

enum class Format {
    Any,
    NonEmpty,
    HttpUrl, // http or https with a host; empty: not given
    Listen, // see endpoint.h; empty: off
    AbsolutePath,
    Path, // a relative one starts at the folder of the file that names it
    Database, // sqlite:PATH or postgresql://…
    People, // a list: "requester", "anyone", user ids; one of them may stand without its list
};

// What a value must satisfy on its own. Durations and numbers: low to high, in the unit of the key.
struct Rule
{
    Format format = Format::Any;
    QStringList oneOf; // empty: anything
    QStringList notYet; // values of INTERFACE.md that this version refuses
    qint64 low = std::numeric_limits<qint64>::min();
    qint64 high = std::numeric_limits<qint64>::max();
    bool emptyMeansNone = false; // a duration that may be ""
    QString onlyKind; // backends: the kind that knows this key
};

template <class T>
struct Key
{
    QString name;
    Target<T> target;
    Rule rule;
};

// The keys of one table, in the order in which they are printed.
template <class T>
using Keys = std::vector<Key<T>>;

[[nodiscard]] const Keys<EngineConfig> &engineKeys();
[[nodiscard]] const Keys<ListenerConfig> &ingressKeys();
[[nodiscard]] const Keys<ListenerConfig> &adminKeys();
[[nodiscard]] const Keys<TokenConfig> &ingressTokenKeys();
[[nodiscard]] const Keys<TokenConfig> &adminTokenKeys();
[[nodiscard]] const Keys<SlackConfig> &slackKeys();
[[nodiscard]] const Keys<BackendConfig> &backendKeys();
[[nodiscard]] const Keys<InstallationConfig> &installationKeys();
// [installations.feedback] and the tables in it.
[[nodiscard]] const Keys<FeedbackConfig> &feedbackKeys();
[[nodiscard]] const Keys<FeedbackConfig> &feedbackPlaceKeys();
[[nodiscard]] const Keys<AcknowledgementConfig> &acknowledgementKeys();
[[nodiscard]] const Keys<StartingConfig> &startingKeys();
[[nodiscard]] const Keys<TimeoutConfig> &timeoutKeys();
[[nodiscard]] const Keys<FailureConfig> &failureKeys();
[[nodiscard]] const Keys<WebhookConfig> &webhookKeys();
[[nodiscard]] const Keys<RecoveryConfig> &recoveryKeys();
[[nodiscard]] const Keys<TurnConfig> &turnKeys();
// Tables of one or two keys that live in Config itself.
[[nodiscard]] const Keys<Config> &locksKeys();
[[nodiscard]] const Keys<Config> &interactionsKeys();
[[nodiscard]] const Keys<Config> &dedupeKeys();
[[nodiscard]] const Keys<Config> &logKeys();

// Tables of INTERFACE.md whose part does not exist in this version.
[[nodiscard]] const QStringList &reservedTables();
// Every key as "table.key", for suggestions; a key of a table array without its index.
[[nodiscard]] const QStringList &allKeys();

// The ways to write the key of a secret: x, x_env, x_file, x_keychain; x_sha256 besides for a token.
[[nodiscard]] QStringList secretSpellings(const QString &name, bool isToken);

} // namespace signalbox::config
