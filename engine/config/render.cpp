// SPDX-License-Identifier: Apache-2.0
#include "config/render.h"

#include "base/hash.h"
#include "config/duration.h"
#include "config/key_table.h"

using namespace Qt::StringLiterals;

namespace signalbox::config {
namespace {

// A TOML basic string.
QString quoted(const QString &text)
{
    QString out = u"\""_s;
    for (const QChar c : text) {
        if (c == u'"' || c == u'\\') {
            out += u'\\';
            out += c;
        } else if (c < u' ' || c == QChar(0x7f)) {
            out += u"\\u%1"_s.arg(c.unicode(), 4, 16, QChar(u'0'));
        } else {
            out += c;
        }
    }
    return out + u'"';
}

QString rendered(const QString &value)
{
    return quoted(value);
}

QString rendered(int value)
{
    return QString::number(value);
}

QString rendered(qint64 value)
{
    return QString::number(value);
}

QString rendered(bool value)
{
    return value ? u"true"_s : u"false"_s;
}

QString rendered(const QStringList &values)
{
    QStringList parts;
    for (const QString &value : values) {
        parts.append(quoted(value));
    }
    return u'[' + parts.join(u", "_s) + u']';
}

// An agent's environment is where its API keys live: names are shown, values masked.
QString rendered(const StringMap &values)
{
    QStringList parts;
    for (auto entry = values.cbegin(); entry != values.cend(); ++entry) {
        parts.append(quoted(entry.key()) + u" = "_s + quoted(u"***"_s));
    }
    return parts.isEmpty() ? u"{}"_s : u"{ "_s + parts.join(u", "_s) + u" }"_s;
}

QString rendered(const Secret &value)
{
    return value.isEmpty() ? QString() : quoted(u"***"_s);
}

QString rendered(const QList<Secret> &values)
{
    QStringList parts;
    for (qsizetype i = 0; i < values.size(); ++i) {
        parts.append(quoted(u"***"_s));
    }
    return parts.isEmpty() ? QString() : u'[' + parts.join(u", "_s) + u']';
}

// The hash of a token: enough to try guesses against, hence masked like the token.
QString rendered(const QByteArray &value)
{
    return value.isEmpty() ? QString() : quoted(u"***"_s);
}

QString rendered(LogFormat value)
{
    return quoted(value == LogFormat::Json ? u"json"_s : u"text"_s);
}

template <class T>
QString lineOf(const Key<T> &key, const T &value)
{
    const auto visitor = [&key, &value](const auto &target) -> QString {
        using Member = std::decay_t<decltype(target)>;
        if constexpr (std::is_same_v<Member, Reserved>) {
            return {};
        } else if constexpr (std::is_same_v<Member, Millis T::*>) {
            const Millis duration = value.*target;
            return quoted(
                key.rule.emptyMeansNone && duration == Millis(0) ? QString() : formatDuration(duration));
        } else {
            return rendered(value.*target);
        }
    };
    const QString text = std::visit(visitor, key.target);
    return text.isEmpty() ? QString() : key.name + u" = "_s + text + u'\n';
}

template <class T>
QString linesOf(const QString &heading, const Keys<T> &keys, const T &value)
{
    QString out = heading + u'\n';
    for (const Key<T> &key : keys) {
        if constexpr (std::is_same_v<T, BackendConfig>) {
            if (!key.rule.onlyKind.isEmpty() && key.rule.onlyKind != value.kind) {
                continue;
            }
        }
        out += lineOf(key, value);
    }
    return out + u'\n';
}

template <class T>
QString linesOfEach(const QString &table, const Keys<T> &keys, const QList<T> &values)
{
    QString out;
    for (const T &value : values) {
        out += linesOf(u"[["_s + table + u"]]"_s, keys, value);
    }
    return out;
}

QString feedbackTables(const QString &table, const FeedbackConfig &feedback)
{
    const QString status = table + u".status_messages"_s;
    return linesOf(u"[%1.acknowledgement]"_s.arg(table), acknowledgementKeys(), feedback.acknowledgement)
        + linesOf(u"[%1.runtime_starting]"_s.arg(status), startingKeys(), feedback.starting)
        + linesOf(u"[%1.timeout]"_s.arg(status), timeoutKeys(), feedback.timeout)
        + linesOf(u"[%1.error]"_s.arg(status), failureKeys(), feedback.error);
}

QString installationTables(const QList<InstallationConfig> &installations)
{
    const QString feedback = u"installations.feedback"_s;
    const QString places = u"installations.feedback.places"_s;
    QString out;
    for (const InstallationConfig &installation : installations) {
        out += linesOf(u"[[installations]]"_s, installationKeys(), installation);
        if (!feedbackKeys().empty()) {
            out += linesOf(u"[%1]"_s.arg(feedback), feedbackKeys(), installation.feedback);
        }
        out += feedbackTables(feedback, installation.feedback);
        for (const FeedbackConfig &place : installation.feedbackPlaces) {
            out += linesOf(u"[[%1]]"_s.arg(places), feedbackPlaceKeys(), place);
            out += feedbackTables(places, place);
        }
    }
    return out;
}

} // namespace

QString renderConfig(const Config &config)
{
    QString out = linesOf(u"[engine]"_s, engineKeys(), config.engine);
    out += linesOf(u"[ingress]"_s, ingressKeys(), config.ingress);
    out += linesOfEach(u"ingress.tokens"_s, ingressTokenKeys(), config.ingress.tokens);
    out += linesOf(u"[admin]"_s, adminKeys(), config.admin);
    out += linesOfEach(u"admin.tokens"_s, adminTokenKeys(), config.admin.tokens);
    out += linesOf(u"[slack]"_s, slackKeys(), config.slack);
    out += linesOfEach(u"backends"_s, backendKeys(), config.backends);
    out += installationTables(config.installations);
    out += linesOfEach(u"webhooks"_s, webhookKeys(), config.webhooks);
    out += linesOf(u"[recovery]"_s, recoveryKeys(), config.recovery);
    out += linesOf(u"[turn]"_s, turnKeys(), config.turn);
    out += linesOf(u"[locks]"_s, locksKeys(), config);
    out += linesOf(u"[interactions]"_s, interactionsKeys(), config);
    out += linesOf(u"[dedupe]"_s, dedupeKeys(), config);
    out += linesOf(u"[log]"_s, logKeys(), config);
    return out.trimmed() + u'\n';
}

QString configHash(const Config &config)
{
    return QString::fromLatin1(sha256(renderConfig(config).toUtf8()).toHex());
}

} // namespace signalbox::config
