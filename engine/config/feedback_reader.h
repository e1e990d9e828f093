// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/table_reader.h"

namespace signalbox::config {

// Reads [installations.feedback] with the tables in it, and the places that differ (contracts/
// spritz-backend.md §10.6). `path` is "installations[i].feedback".
void readFeedback(TableReader &reader, Findings &findings, const toml::node &node, const QString &path,
    InstallationConfig &into);

// What follows from [slack] and [recovery], and for a place from its installation's own table.
void deriveFeedback(Config &config, const Findings &findings);

} // namespace signalbox::config
