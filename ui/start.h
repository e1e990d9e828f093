// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QCoro/QCoroTask>

namespace signalbox::ui {

// Lets a coroutine of a widget or model go its way. Such coroutines return no error, take a QPointer to their
// object before the first await and look at it after each one, so that nothing has to join them (STYLE 2.6
// rule 2).
inline void start(QCoro::Task<> task)
{
    static_cast<void>(task);
}

} // namespace signalbox::ui
