// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QObject>
#include <QSocketNotifier>

#include <memory>

namespace signalbox::headless {

// SIGTERM and SIGINT as a Qt signal, through a pipe; the second one ends the process at once. One per
// process.
class ProcessSignals : public QObject
{
    Q_OBJECT
public:
    ProcessSignals();
    ~ProcessSignals() override;

    // Also when the signal came before anybody listened.
    [[nodiscard]] bool wasStopRequested() const { return m_requested; }

Q_SIGNALS:
    void stopRequested();

private:
    std::unique_ptr<QSocketNotifier> m_notifier;
    bool m_requested = false;
};

// Raises the soft limit of open descriptors to the hard one. Service managers and shells give 1024, which is
// fewer than the connections that the listeners admit.
void allowManyDescriptors();

// Tells systemd, where there is one: "READY=1", "STOPPING=1".
void notifyServiceManager(const char *state);

} // namespace signalbox::headless
