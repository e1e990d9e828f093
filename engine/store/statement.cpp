// SPDX-License-Identifier: Apache-2.0
#include "store/statement.h"

namespace signalbox::store {

void Statement::toUtf8(QStringView value, QByteArray &into)
{
    into.resize(value.size());
    char *out = into.data();
    char16_t seen = 0;
    for (const QChar c : value) {
        seen |= c.unicode();
        *out++ = static_cast<char>(c.unicode());
    }
    if (seen > 0x7f)
        into = value.toUtf8();
}

} // namespace signalbox::store
