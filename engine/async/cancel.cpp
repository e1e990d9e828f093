// SPDX-License-Identifier: Apache-2.0
#include "async/cancel.h"

namespace signalbox::async {

void CancelState::fire()
{
    if (m_on)
        return;
    m_on = true;
    Q_EMIT cancelled();
}

CancelSource::CancelSource()
    : m_state(std::make_shared<CancelState>())
{
}

void CancelSource::follow(const CancelToken &parent)
{
    if (parent.isCancelled())
        m_state->fire();
    else if (parent.state())
        QObject::connect(parent.state(), &CancelState::cancelled, m_state.get(), &CancelState::fire);
}

} // namespace signalbox::async
