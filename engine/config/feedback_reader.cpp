// SPDX-License-Identifier: Apache-2.0
#include "config/feedback_reader.h"

#include <QSet>

using namespace Qt::StringLiterals;

namespace signalbox::config {
namespace {

const QStringList kTables{u"acknowledgement"_s, u"status_messages"_s};

// One table of tables; nothing when it is not there.
const toml::table *tableAt(TableReader &reader, Findings &findings, const toml::table &around,
    std::string_view key, const QString &path)
{
    const toml::node *node = around.get(key);
    if (node == nullptr) {
        return nullptr;
    }
    if (!node->is_table()) {
        reader.wrongType(*node, findings.positionOf(path), path, u"a table under [%1]"_s.arg(path));
    }
    return node->as_table();
}

template <class T>
void readTable(TableReader &reader, Findings &findings, const toml::table &around, std::string_view key,
    const QString &path, const Keys<T> &keys, T &into)
{
    if (const toml::table *table = tableAt(reader, findings, around, key, path)) {
        reader.read(*table, path, keys, into);
    }
}

// The keys that a place has as well as its installation.
void readTables(TableReader &reader, Findings &findings, const toml::table &table, const QString &path,
    FeedbackConfig &into)
{
    readTable(reader, findings, table, "acknowledgement", path + u".acknowledgement"_s, acknowledgementKeys(),
        into.acknowledgement);
    const QString status = path + u".status_messages"_s;
    const toml::table *messages = tableAt(reader, findings, table, "status_messages", status);
    if (messages == nullptr) {
        return;
    }
    struct None
    {
    } none;
    reader.read(*messages, status, Keys<None>(), none, {u"runtime_starting"_s, u"timeout"_s, u"error"_s});
    readTable(reader, findings, *messages, "runtime_starting", status + u".runtime_starting"_s,
        startingKeys(), into.starting);
    readTable(reader, findings, *messages, "timeout", status + u".timeout"_s, timeoutKeys(), into.timeout);
    readTable(reader, findings, *messages, "error", status + u".error"_s, failureKeys(), into.error);
}

void readPlaces(TableReader &reader, Findings &findings, const toml::node &node, const QString &path,
    InstallationConfig &into)
{
    const toml::array *array = node.as_array();
    if (array == nullptr) {
        reader.wrongType(node, findings.positionOf(path), path,
            u"a list of tables, each under [[installations.feedback.places]]"_s);
        return;
    }
    QSet<QString> named;
    for (const toml::node &element : *array) {
        const QString name = u"%1[%2]"_s.arg(path).arg(into.feedbackPlaces.size());
        const toml::table *table = element.as_table();
        if (table == nullptr) {
            reader.wrongType(element, findings.positionOf(path), name, u"a table"_s);
            return;
        }
        FeedbackConfig place = into.feedback; // what it does not say is the installation's
        reader.read(*table, name, feedbackPlaceKeys(), place, kTables);
        readTables(reader, findings, *table, name, place);
        if (place.place.isEmpty()) {
            findings.addAt(
                name + u".place"_s, u"%1 has no place"_s.arg(name), u"the id of a channel, like C012345"_s);
        } else if (named.contains(place.place)) {
            findings.addAt(name + u".place"_s, u"two entries of %1 are for \"%2\""_s.arg(path, place.place));
        }
        named.insert(place.place);
        into.feedbackPlaces.append(place);
    }
}

} // namespace

void readFeedback(TableReader &reader, Findings &findings, const toml::node &node, const QString &path,
    InstallationConfig &into)
{
    const toml::table *table = node.as_table();
    if (table == nullptr) {
        reader.wrongType(node, findings.positionOf(path), path, u"a table under [installations.feedback]"_s);
        return;
    }
    reader.read(*table, path, feedbackKeys(), into.feedback, kTables + QStringList{u"places"_s});
    readTables(reader, findings, *table, path, into.feedback);
    if (const toml::node *places = table->get("places")) {
        readPlaces(reader, findings, *places, path + u".places"_s, into);
    }
}

void deriveFeedback(Config &config, const Findings &findings)
{
    const auto derive = [&](FeedbackConfig &feedback, const QString &path, const FeedbackConfig &around) {
        const QString ack = path + u".acknowledgement"_s;
        if (!findings.isPlaced(ack + u".reaction"_s)) {
            feedback.acknowledgement.reaction = around.acknowledgement.reaction;
        }
        if (feedback.acknowledgement.reaction.isEmpty()) {
            feedback.acknowledgement.type = u"none"_s;
        }
        if (!findings.isPlaced(ack + u".remove_after_reply"_s)) {
            feedback.acknowledgement.removeAfterReply = around.acknowledgement.removeAfterReply;
        }
        if (!findings.isPlaced(path + u".status_messages.runtime_starting.delay"_s)) {
            feedback.starting.delay = around.starting.delay;
        }
    };
    FeedbackConfig general;
    general.acknowledgement.reaction = config.slack.ackReaction;
    general.acknowledgement.removeAfterReply = config.slack.removeAckAfterReply;
    general.starting.delay = config.recovery.statusMessageDelay;
    for (qsizetype i = 0; i < config.installations.size(); ++i) {
        InstallationConfig &installation = config.installations[i];
        const QString path = u"installations[%1].feedback"_s.arg(i);
        derive(installation.feedback, path, general);
        for (qsizetype k = 0; k < installation.feedbackPlaces.size(); ++k) {
            derive(
                installation.feedbackPlaces[k], u"%1.places[%2]"_s.arg(path).arg(k), installation.feedback);
        }
    }
}

} // namespace signalbox::config
