// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/items.h"

#include <QTableWidget>
#include <QWidget>

class QLabel;
class QPlainTextEdit;
class QSplitter;

namespace signalbox::ui {

class TimeText;

// The attempts of a delivery with what was sent and received, and its outbound messages. UI thread.
class AttemptsView final : public QWidget
{
    Q_OBJECT
public:
    // Longer summaries are cut and say so: a text field must never freeze the window.
    static constexpr int kLongestText = 64 * 1024;

    explicit AttemptsView(const TimeText *time, QWidget *parent = nullptr);
    void setDetail(const domain::DeliveryDetail &detail);
    void setOrientation(Qt::Orientation orientation);

private:
    void build();
    void fillAttempts();
    void fillOutbound();
    void showChosen();
    const TimeText *m_time;
    QList<domain::AttemptItem> m_attempts;
    QList<domain::OutboundItem> m_outbound;
    QSplitter *m_splitter;
    QLabel *m_attemptsTitle;
    QLabel *m_outboundTitle;
    QTableWidget *m_attemptTable;
    QTableWidget *m_outboundTable;
    QPlainTextEdit *m_sent;
    QPlainTextEdit *m_received;
};

} // namespace signalbox::ui
