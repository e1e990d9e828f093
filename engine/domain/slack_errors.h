// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

namespace signalbox::domain {

// What an answer of Slack's Web API means for a call (contracts/slack.md §3 "Errors").
enum class SlackErrorClass {
    Permanent, // repeating it will never help
    Authorisation, // the installation's token or rights: needs a person
    Transient, // nothing happened; try again later
    Unknown, // it may have happened
    NoOp, // it had happened already: as good as done
};

// By the method's table, then the common one. An unknown code is permanent: never an endless retry.
[[nodiscard]] SlackErrorClass classifySlackError(QStringView method, QStringView error);

} // namespace signalbox::domain
