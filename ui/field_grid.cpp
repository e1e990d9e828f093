// SPDX-License-Identifier: Apache-2.0
#include "field_grid.h"

#include "cells.h"
#include "flow_layout.h"
#include "icons.h"
#include "time_text.h"

#include <QApplication>
#include <QClipboard>
#include <QEvent>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QToolButton>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

// A column of values is this many average characters wide.
constexpr int kSectionCharacters = 62;
constexpr int kTitleCharacters = 15;

constexpr int kColumnSpacing = 10;
constexpr int kCopyRoom = 30; // the copy button and the space before it

// An id is shown as far as it fits beside its title and its copy button; the middle is what tells the least.
QString elidedId(const QWidget *grid, const QLabel *label, const QString &value)
{
    const int room = grid->fontMetrics().averageCharWidth() * (kSectionCharacters - kTitleCharacters)
        - kColumnSpacing - kCopyRoom;
    return label->fontMetrics().elidedText(value, Qt::ElideMiddle, room);
}

} // namespace

FieldGrid::FieldGrid(QWidget *parent)
    : QWidget(parent)
{
    auto *flow = new FlowLayout(20, 14, this);
    flow->setContentsMargins(12, 8, 12, 12);
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void FieldGrid::beginSection(const QString &title)
{
    auto *box = new QWidget(this);
    m_section = new QGridLayout(box);
    m_section->setContentsMargins(0, 0, 0, 0);
    m_section->setHorizontalSpacing(kColumnSpacing);
    m_section->setVerticalSpacing(1);
    m_section->setColumnStretch(1, 1);
    m_section->setColumnMinimumWidth(0, fontMetrics().averageCharWidth() * kTitleCharacters);
    auto *heading = new QLabel(title, box);
    heading->setObjectName(u"section"_s);
    m_section->addWidget(heading, 0, 0, 1, 2);
    box->setFixedWidth(fontMetrics().averageCharWidth() * kSectionCharacters);
    layout()->addWidget(box);
}

void FieldGrid::add(const QString &key, const QString &title, Look look)
{
    QWidget *box = m_section->parentWidget();
    const int row = m_section->rowCount();
    auto *name = new QLabel(title, box);
    name->setObjectName(u"muted"_s);
    Field field;
    field.look = look;
    field.grid = m_section;
    field.row = row;
    field.name = name;
    field.label = new QLabel(box);
    field.label->setProperty("field", key);
    field.label->setAccessibleName(title);
    field.label->setTextInteractionFlags(look == Look::Link
            ? Qt::LinksAccessibleByKeyboard | Qt::LinksAccessibleByMouse
            : Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    field.label->setFocusPolicy(look == Look::Link ? Qt::StrongFocus : Qt::ClickFocus);
    field.label->setTextFormat(look == Look::Link ? Qt::RichText : Qt::PlainText);
    if (look != Look::Text)
        field.label->setFont(monospaceFont());
    else
        field.label->setWordWrap(true);
    if (look == Look::Text)
        field.label->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    // All rows are equally high, with a copy button or without.
    m_section->setRowMinimumHeight(row, rowHeight());
    m_section->addWidget(name, row, 0, look == Look::Text ? Qt::AlignTop : Qt::AlignVCenter);
    auto *line = new QHBoxLayout;
    line->setSpacing(6);
    line->addWidget(field.label, look == Look::Text ? 1 : 0);
    m_section->addLayout(line, row, 1);
    if (look == Look::Id || look == Look::Link) {
        field.copy = new QToolButton(box);
        field.copy->setIcon(themedIcon(u"copy"_s));
        field.copy->setIconSize(QSize(13, 13));
        field.copy->setStyleSheet(u"padding: 1px;"_s);
        field.copy->setObjectName(u"copy_"_s + key);
        field.copy->setFocusPolicy(Qt::TabFocus);
        field.copy->setToolTip(tr("Copy"));
        field.copy->setAccessibleName(tr("Copy: %1").arg(title));
        field.copy->setFixedHeight(fontMetrics().height() + 4);
        line->addWidget(field.copy);
        connect(field.copy, &QToolButton::clicked, this,
            [this, key] { QApplication::clipboard()->setText(m_fields.value(key).value); });
    }
    if (look != Look::Text)
        line->addStretch();
    connect(field.label, &QLabel::linkActivated, this,
        [this, key] { Q_EMIT linkActivated(key, m_fields.value(key).value); });
    m_fields.insert(key, field);
    render(field);
}

void FieldGrid::set(const QString &key, const QString &value, const QString &tip)
{
    const auto field = m_fields.find(key);
    if (field == m_fields.end())
        return;
    field->label->setToolTip(plainTip(tip.isEmpty() && field->look != Look::Text ? value : tip));
    if (field->value == value && !field->label->text().isEmpty())
        return;
    field->value = value;
    render(*field);
}

void FieldGrid::setShown(const QString &key, bool shown)
{
    const auto field = m_fields.find(key);
    if (field == m_fields.end() || field->shown == shown)
        return;
    field->shown = shown;
    field->grid->setRowMinimumHeight(field->row, shown ? rowHeight() : 0);
    field->name->setVisible(shown);
    field->label->setVisible(shown);
    render(*field);
}

void FieldGrid::setTime(const QString &key, Instant at, const TimeText &time)
{
    set(key, isNever(at) ? QString() : time.clockTime(at), time.full(at));
}

QString FieldGrid::value(const QString &key) const
{
    return m_fields.value(key).value;
}

void FieldGrid::render(const Field &field) const
{
    const bool empty = field.value.isEmpty();
    if (field.copy)
        field.copy->setVisible(!empty && field.shown);
    if (empty)
        field.label->setText(u"–"_s);
    else if (field.look == Look::Link)
        field.label->setText(u"<a href=\"#\" style=\"color:%1\">%2</a>"_s.arg(
            colours().link.name(), elidedId(this, field.label, field.value).toHtmlEscaped()));
    else if (field.look == Look::Text)
        field.label->setText(field.value);
    else
        field.label->setText(elidedId(this, field.label, field.value));
}

void FieldGrid::changeEvent(QEvent *event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange) {
        for (const Field &field : std::as_const(m_fields))
            render(field);
    }
}

} // namespace signalbox::ui
