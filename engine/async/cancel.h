// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QObject>

#include <memory>

namespace signalbox::async {

// Shared by a source and its tokens; lives on one thread.
class CancelState : public QObject
{
    Q_OBJECT
public:
    [[nodiscard]] bool isOn() const { return m_on; }
    void fire();
Q_SIGNALS:
    void cancelled();

private:
    bool m_on = false;
};

// Asks work to stop. A default token never fires. Same thread as its source.
class CancelToken
{
public:
    CancelToken() = default;
    explicit CancelToken(std::shared_ptr<CancelState> state)
        : m_state(std::move(state))
    {
    }
    [[nodiscard]] bool isCancelled() const { return m_state && m_state->isOn(); }
    [[nodiscard]] CancelState *state() const { return m_state.get(); }

private:
    std::shared_ptr<CancelState> m_state;
};

class CancelSource
{
public:
    CancelSource();
    [[nodiscard]] CancelToken token() const { return CancelToken(m_state); }
    void cancel() { m_state->fire(); }
    // Fires when `parent` fires.
    void follow(const CancelToken &parent);

private:
    std::shared_ptr<CancelState> m_state;
};

} // namespace signalbox::async
