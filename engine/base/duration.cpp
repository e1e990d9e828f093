// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <array>

using namespace Qt::StringLiterals;

namespace signalbox {
namespace {

struct Unit
{
    const char16_t *suffix;
    qint64 millis;
};

// From the largest to the smallest: formatting takes the first that divides.
constexpr std::array<Unit, 5> kUnits{
    {{u"d", 86'400'000}, {u"h", 3'600'000}, {u"m", 60'000}, {u"s", 1000}, {u"ms", 1}}};
constexpr qint64 kLongest = 100LL * 366 * 86'400'000;

} // namespace

std::optional<Millis> parseDuration(QStringView text)
{
    qsizetype digits = 0;
    while (digits < text.size() && text[digits] >= u'0' && text[digits] <= u'9') {
        ++digits;
    }
    bool ok = false;
    const qint64 count = text.left(digits).toLongLong(&ok);
    if (!ok) {
        return std::nullopt;
    }
    for (const Unit &unit : kUnits) {
        if (text.mid(digits) == QStringView(unit.suffix)) {
            return count > kLongest / unit.millis ? std::nullopt : std::optional(Millis(count * unit.millis));
        }
    }
    return std::nullopt;
}

QString formatDuration(Millis duration)
{
    if (duration.count() == 0) {
        return u"0s"_s;
    }
    for (const Unit &unit : kUnits) {
        if (duration.count() % unit.millis == 0) {
            return QString::number(duration.count() / unit.millis) + QString::fromUtf16(unit.suffix);
        }
    }
    Q_UNREACHABLE(); // The last unit divides everything.
}

} // namespace signalbox
