// SPDX-License-Identifier: Apache-2.0
#include "domain/recovery.h"

#include <algorithm>
#include <array>

namespace signalbox::domain {

namespace {

struct Entry
{
    ReachStep step;
    const char16_t *native;
    Trouble trouble;
};

using enum ReachStep;
using enum Trouble;

constexpr std::array kTable{
    Entry{Exchange, u"unavailable", Unavailable},
    Entry{Exchange, u"unreachable", Unavailable},
    Entry{Exchange, u"timeout", Unavailable},
    Entry{Exchange, u"bad_answer", Unavailable},
    Entry{Exchange, u"http_408", Unavailable},
    Entry{Exchange, u"http_429", Unavailable},
    Entry{Open, u"spritz_not_found", Missing},
    Entry{Open, u"acp_unavailable", NotReady},
    Entry{Open, u"http_400", Refused},
    Entry{Open, u"http_401", Refused},
    Entry{Open, u"http_403", Refused},
    Entry{Open, u"http_409", Refused}, // "channel conversation is ambiguous"
    Entry{Open, u"http_413", Refused},
    Entry{Open, u"http_422", Refused},
    Entry{Open, u"crash_loop", Refused},
    Entry{Open, u"login_needed", Refused},
    Entry{Open, u"unsupported_version", Refused},
};

} // namespace

Trouble classifyTrouble(ReachStep step, QStringView native)
{
    const auto found = std::find_if(kTable.begin(), kTable.end(),
        [&](const Entry &entry) { return entry.step == step && native == QStringView(entry.native); });
    if (found != kTable.end())
        return found->trouble;
    if (step == Open)
        return NotReady;
    return native.startsWith(QStringView(u"http_5")) ? Unavailable : Refused;
}

void RecoveryLadder::reset()
{
    m_notReadySince = Millis(-1);
    m_pause = Millis(0);
}

RecoveryStep RecoveryLadder::next(ReachStep step, Trouble trouble, Millis now)
{
    RecoveryStep result;
    switch (trouble) {
    case Refused:
        return result;
    case Unavailable:
    case Missing:
        reset();
        result.action = RecoveryAction::Refresh;
        return result;
    case NotReady:
        break;
    }
    if (step == Exchange) {
        result.action = RecoveryAction::Refresh;
        return result;
    }
    if (m_notReadySince.count() < 0) {
        m_notReadySince = now;
        m_pause = m_clocks.retryInitial;
    }
    const Millis left = m_notReadySince + m_clocks.retryTimeout - now;
    if (left.count() <= 0) {
        reset();
        result.action = RecoveryAction::Refresh;
        return result;
    }
    result.action = RecoveryAction::OpenAgain;
    result.pause = std::min(m_pause, left);
    m_pause = std::min(m_pause * 2, std::max(m_clocks.retryMost, m_clocks.retryInitial));
    return result;
}

} // namespace signalbox::domain
