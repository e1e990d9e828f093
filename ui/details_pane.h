// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"
#include "list_kind.h"
#include "row_summary.h"

#include <QTimer>
#include <QWidget>

#include <map>
#include <vector>

class QLabel;
class QStackedLayout;
class QTabWidget;

namespace signalbox::ui {

class AttemptsView;
class ExplainView;
class FieldGrid;
class MessagePane;
class TimeText;
class TimelineWidget;

// Everything about the chosen row. Shows what the table knows at once and asks the engine for the rest; asks
// again, at most twice a second, when the stream says that it changed. The last content stays while an answer
// is awaited. UI thread; a child of the main window.
class DetailsPane final : public QWidget
{
    Q_OBJECT
public:
    static constexpr Millis kReloadInterval{500};

    DetailsPane(admin::OperatorApi *api, const TimeText *time, QWidget *parent = nullptr);
    // `preview` is what the table knows of it; may be null.
    void show(ViewKind view, const QString &id, const ListRow *preview);
    void clear();
    void apply(const QList<domain::Change> &changes);
    void reload();
    void setOrientation(Qt::Orientation ofTheSplitter);
    void focusContent();
    // Shows what this delivery waits for, beside what is shown already.
    void explain(const QString &deliveryId);
    [[nodiscard]] QString id() const { return m_id; }

Q_SIGNALS:
    void openRow(signalbox::ui::ViewKind view, const QString &id);
    void openDeliveriesOf(const QString &sessionId);

protected:
    void changeEvent(QEvent *event) override;

private:
    // What stands for the rows of one kind of view: its words and its fields.
    struct Part
    {
        std::unique_ptr<RowSummary> summary;
        FieldGrid *fields = nullptr;
    };
    [[nodiscard]] QCoro::Task<> load();
    void build();
    QWidget *buildHead();
    void addPart(std::unique_ptr<RowSummary> summary, std::initializer_list<ViewKind> views);
    void addParts();
    [[nodiscard]] const Part &part() const { return m_parts[m_partOf.at(m_view)]; }
    void follow(const QString &key, const QString &value);
    void showDetail(const RowDetail &detail);
    void showHead(const StateLook &look, const QString &subject);
    void showTabs(bool history);
    void showFields();
    void failWith(const Error &error);

    admin::OperatorApi *m_api;
    const TimeText *m_time;
    ViewKind m_view = ViewKind::Deliveries;
    QString m_id;
    int m_generation = 0;
    bool m_hasContent = false;
    QTimer m_reload;
    RowItem m_item;
    StateLook m_look;
    std::vector<Part> m_parts;
    std::map<ViewKind, size_t> m_partOf;

    QStackedLayout *m_stack = nullptr;
    MessagePane *m_message;
    QLabel *m_stateIcon = nullptr;
    QLabel *m_state = nullptr;
    QLabel *m_subject = nullptr;
    QLabel *m_sentence = nullptr;
    QTabWidget *m_tabs;
    QStackedLayout *m_fields = nullptr;
    TimelineWidget *m_timeline;
    AttemptsView *m_attempts;
    ExplainView *m_explain;
    QWidget *m_summaryPage = nullptr;
    QWidget *m_timelinePage = nullptr;
};

} // namespace signalbox::ui
