// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

namespace signalbox::ui {

// What an operator pastes to find something: an id, a ts, a place, or a Slack permalink, of which the ts is
// taken.
[[nodiscard]] QString referenceIn(const QString &pasted);

} // namespace signalbox::ui
