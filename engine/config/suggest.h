// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>
#include <QStringList>

namespace signalbox::config {

// The candidate that a person most likely meant by what is written, or empty when none is near.
[[nodiscard]] QString nearest(const QString &written, const QStringList &candidates);

} // namespace signalbox::config
