// SPDX-License-Identifier: Apache-2.0
#include "pasted_reference.h"

#include <QRegularExpression>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

QString referenceIn(const QString &pasted)
{
    // https://team.slack.com/archives/C024BE7LR/p1700000000123456
    static const QRegularExpression permalink(u"/archives/[A-Z0-9]+/p(\\d{10})(\\d{6})"_s);
    const auto match = permalink.match(pasted);
    if (match.hasMatch())
        return match.captured(1) + u'.' + match.captured(2);
    return pasted.trimmed();
}

} // namespace signalbox::ui
