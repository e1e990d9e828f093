// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"

#include <QWidget>

class QLabel;
class QToolButton;

namespace signalbox::ui {

class TimeText;

// The status bar's content: connection, engine, database, addresses, what needs a person, how fast commits
// are. The one owner of connection trouble. UI thread.
class StatusLine final : public QWidget
{
    Q_OBJECT
public:
    StatusLine(const TimeText *time, QWidget *parent = nullptr);
    void setConnection(admin::ConnectionState state, const QString &reason);
    void setStatus(const domain::EngineStatus &status);
    [[nodiscard]] QString connectionText() const;

Q_SIGNALS:
    void needsPersonRequested();
    void timeZoneToggled();

protected:
    void changeEvent(QEvent *event) override;

private:
    void showConnection();
    void showTime();
    const TimeText *m_time;
    admin::ConnectionState m_state = admin::ConnectionState::Disconnected;
    QString m_reason;
    QString m_notReady;
    bool m_seen = false;
    QLabel *m_icon;
    QLabel *m_connection;
    QLabel *m_sandbox;
    QToolButton *m_person;
    QLabel *m_engine;
    QLabel *m_addresses;
    QLabel *m_commit;
    QLabel *m_skew;
    QToolButton *m_zone;
};

} // namespace signalbox::ui
