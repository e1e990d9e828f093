// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QByteArrayView>

namespace signalbox::http {

// The name as it came; common names are shared instead of allocated for each message. Thread-safe.
[[nodiscard]] QByteArray fieldName(QByteArrayView name);

// A field that would break the framing when written: an empty name or a control character or line end in it.
[[nodiscard]] bool isSafeField(QByteArrayView name, QByteArrayView value);

// Framing fields are set by the connection, never by handlers and callers.
[[nodiscard]] bool isFramingField(QByteArrayView name);

} // namespace signalbox::http
