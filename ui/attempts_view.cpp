// SPDX-License-Identifier: Apache-2.0
#include "attempts_view.h"

#include "cells.h"
#include "icons.h"
#include "time_text.h"
#include "words.h"

#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QPlainTextEdit>
#include <QSplitter>
#include <QVBoxLayout>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

QTableWidget *recordTable(const QString &name, const QString &spoken, const QStringList &titles,
    const QList<int> &widths, QWidget *parent)
{
    auto *table = new QTableWidget(0, static_cast<int>(titles.size()), parent);
    table->setObjectName(u"records"_s);
    table->setProperty("table", name);
    table->setAccessibleName(spoken);
    table->setHorizontalHeaderLabels(titles);
    table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    table->horizontalHeader()->setStretchLastSection(true);
    table->horizontalHeader()->setHighlightSections(false);
    table->verticalHeader()->hide();
    table->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    table->verticalHeader()->setDefaultSectionSize(table->fontMetrics().height() + 11);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setSelectionMode(QAbstractItemView::SingleSelection);
    table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table->setShowGrid(false);
    table->setWordWrap(false);
    table->setTabKeyNavigation(false);
    const int unit = table->fontMetrics().averageCharWidth();
    for (int i = 0; i < widths.size(); ++i)
        table->setColumnWidth(i, widths.at(i) * unit);
    return table;
}

QPlainTextEdit *textField(const QString &name, const QString &spoken, QWidget *parent)
{
    auto *field = new QPlainTextEdit(parent);
    field->setObjectName(name);
    field->setAccessibleName(spoken);
    field->setReadOnly(true);
    field->setTabChangesFocus(true);
    field->setFont(monospaceFont());
    field->setPlaceholderText(QCoreApplication::translate("AttemptsView", "Nothing recorded"));
    return field;
}

QLabel *sectionTitle(const QString &text, QWidget *parent)
{
    auto *label = new QLabel(text, parent);
    label->setObjectName(u"section"_s);
    return label;
}

void setCell(QTableWidget *table, int row, int column, const QString &text, const QString &tip = {})
{
    auto *item = table->item(row, column);
    if (!item) {
        item = new QTableWidgetItem;
        table->setItem(row, column, item);
    }
    item->setText(text);
    item->setToolTip(plainTip(tip));
}

void setState(QTableWidget *table, int row, int column, const StateLook &look)
{
    setCell(table, row, column, look.word);
    const QColor colour = colours().tone(look.tone);
    table->item(row, column)->setIcon(QIcon(iconPixmap(look.icon, colour, 16, table->devicePixelRatioF())));
    table->item(row, column)->setForeground(colour);
}

QWidget *column(std::initializer_list<QWidget *> widgets, QWidget *parent)
{
    auto *box = new QWidget(parent);
    auto *layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    for (QWidget *widget : widgets)
        layout->addWidget(widget, qobject_cast<QLabel *>(widget) ? 0 : 1);
    return box;
}

} // namespace

AttemptsView::AttemptsView(const TimeText *time, QWidget *parent)
    : QWidget(parent)
    , m_time(time)
    , m_splitter(new QSplitter(Qt::Horizontal, this))
    , m_attemptsTitle(sectionTitle(QString(), this))
    , m_outboundTitle(sectionTitle(QString(), this))
{
    setObjectName(u"attempts"_s);
    build();
    connect(m_attemptTable, &QTableWidget::currentCellChanged, this, &AttemptsView::showChosen);
    connect(time, &TimeText::changed, this, [this] {
        fillAttempts();
        fillOutbound();
    });
}

void AttemptsView::build()
{
    m_attemptTable = recordTable(u"attempts"_s, tr("Attempts"),
        {tr("#"), tr("What"), tr("Outcome"), tr("Started"), tr("Took"), tr("Target"), tr("Error")},
        {7, 11, 20, 20, 11, 21, 20}, this);
    m_outboundTable = recordTable(u"outbound"_s, tr("Outbound messages"),
        {tr("Kind"), tr("State"), tr("Part"), tr("Tries"), tr("Message ts"), tr("Created"), tr("Error")},
        {13, 20, 11, 11, 28, 20, 18}, this);
    m_sent = textField(u"sent"_s, tr("Sent"), this);
    m_received = textField(u"received"_s, tr("Received"), this);
    m_splitter->addWidget(column({m_attemptsTitle, m_attemptTable, m_outboundTitle, m_outboundTable}, this));
    m_splitter->addWidget(column(
        {sectionTitle(tr("Sent"), this), m_sent, sectionTitle(tr("Received"), this), m_received}, this));
    m_splitter->setChildrenCollapsible(false);
    m_splitter->setStretchFactor(0, 3);
    m_splitter->setStretchFactor(1, 2);
    m_splitter->setHandleWidth(1);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(12, 8, 12, 12);
    layout->addWidget(m_splitter);
    setOrientation(Qt::Horizontal);
}

void AttemptsView::setOrientation(Qt::Orientation orientation)
{
    m_splitter->setOrientation(orientation);
    const bool side = orientation == Qt::Horizontal;
    m_splitter->widget(1)->setContentsMargins(side ? 12 : 0, side ? 0 : 8, 0, 0);
    m_splitter->widget(0)->setContentsMargins(0, 0, side ? 12 : 0, side ? 0 : 8);
}

void AttemptsView::setDetail(const domain::DeliveryDetail &detail)
{
    QString chosen;
    if (const int row = m_attemptTable->currentRow(); row >= 0 && row < m_attempts.size())
        chosen = m_attempts.at(row).id;
    m_attempts = detail.attempts;
    m_outbound = detail.outbound;
    fillAttempts();
    fillOutbound();
    int row = static_cast<int>(m_attempts.size()) - 1;
    for (int i = 0; i < m_attempts.size(); ++i) {
        if (m_attempts.at(i).id == chosen)
            row = i;
    }
    if (row >= 0)
        m_attemptTable->setCurrentCell(row, 0);
    showChosen();
}

void AttemptsView::fillAttempts()
{
    m_attemptsTitle->setText(tr("%n attempt(s)", nullptr, static_cast<int>(m_attempts.size())));
    m_attemptTable->setRowCount(static_cast<int>(m_attempts.size()));
    for (int row = 0; row < m_attempts.size(); ++row) {
        const domain::AttemptItem &attempt = m_attempts.at(row);
        setCell(m_attemptTable, row, 0, QLocale().toString(attempt.number));
        setCell(m_attemptTable, row, 1, attemptWhat(attempt.what));
        setState(m_attemptTable, row, 2, attemptOutcome(attempt.outcome));
        setCell(
            m_attemptTable, row, 3, m_time->clockTime(attempt.startedAt), m_time->full(attempt.startedAt));
        const bool ended = !isNever(attempt.endedAt);
        setCell(
            m_attemptTable, row, 4, ended ? TimeText::span(attempt.endedAt - attempt.startedAt) : QString());
        setCell(m_attemptTable, row, 5, attempt.target, attempt.target);
        setCell(m_attemptTable, row, 6, attempt.errorCode, attempt.errorText);
    }
}

void AttemptsView::fillOutbound()
{
    m_outboundTitle->setText(tr("%n outbound message(s)", nullptr, static_cast<int>(m_outbound.size())));
    m_outboundTable->setRowCount(static_cast<int>(m_outbound.size()));
    for (int row = 0; row < m_outbound.size(); ++row) {
        const domain::OutboundItem &item = m_outbound.at(row);
        setCell(m_outboundTable, row, 0, outboundKind(item.kind), item.op);
        setState(m_outboundTable, row, 1, outboundState(item.state));
        if (item.maybeDoubled)
            setCell(m_outboundTable, row, 1, tr("%1, maybe twice").arg(outboundState(item.state).word));
        setCell(m_outboundTable, row, 2, tr("%1 of %2", "part of a message").arg(item.part).arg(item.parts));
        setCell(m_outboundTable, row, 3, QLocale().toString(item.attempts));
        setCell(m_outboundTable, row, 4, item.channelTs, item.id);
        setCell(m_outboundTable, row, 5, m_time->clockTime(item.createdAt), m_time->full(item.createdAt));
        setCell(m_outboundTable, row, 6, item.errorCode);
    }
}

void AttemptsView::showChosen()
{
    const int row = m_attemptTable->currentRow();
    const auto put = [](QPlainTextEdit *field, const QString &text) {
        const QString shown
            = text.size() > kLongestText ? text.left(kLongestText) + u'\n' + tr("… cut here") : text;
        if (field->toPlainText() != shown)
            field->setPlainText(shown);
    };
    const bool valid = row >= 0 && row < m_attempts.size();
    put(m_sent, valid ? m_attempts.at(row).sent : QString());
    put(m_received, valid ? m_attempts.at(row).received : QString());
}

} // namespace signalbox::ui
