// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"

#include <QCoro/QCoroTask>
#include <QWidget>

class QLabel;
class QListWidget;
class QListWidgetItem;
class QStackedLayout;

namespace signalbox::ui {

class MessagePane;
class TimeText;

// Why is it stuck? The chain of what waits for what, oldest cause last, and what would move it. Return on a
// line opens what it names. Asks when told to, and again on Retry. UI thread; `api` and `time` outlive it.
class ExplainView final : public QWidget
{
    Q_OBJECT
public:
    ExplainView(admin::OperatorApi *api, const TimeText *time, QWidget *parent = nullptr);
    void explain(const QString &deliveryId);
    void clear();
    [[nodiscard]] QString deliveryId() const { return m_id; }
    void focusChain();

Q_SIGNALS:
    void openDelivery(const QString &id);
    void openSession(const QString &id);

private:
    [[nodiscard]] QCoro::Task<> load(QString id);
    void show(const domain::Explanation &explanation);
    void fill(QListWidgetItem *item) const;
    void follow(const QListWidgetItem *item);

    admin::OperatorApi *m_api;
    const TimeText *m_time;
    QStackedLayout *m_stack;
    MessagePane *m_message;
    QListWidget *m_chain;
    QLabel *m_action;
    QString m_id;
    domain::Explanation m_explanation;
    int m_generation = 0;
};

} // namespace signalbox::ui
