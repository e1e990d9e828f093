// SPDX-License-Identifier: Apache-2.0
#include "theme_style.h"

#include "theme.h"

#include <QList>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

const auto kSheet = uR"(
QToolTip { background: @base; color: @text; border: 1px solid @control; padding: 4px 6px; }
QMenuBar { background: @window; border-bottom: 1px solid @border; padding: 1px 6px; }
QMenuBar::item { padding: 5px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: @selection; color: @text; }
QMenu { background: @base; border: 1px solid @control; padding: 4px; }
QMenu::item { padding: 6px 28px 6px 26px; border-radius: 4px; color: @text; }
QMenu::item:selected { background: @selection; color: @text; }
QMenu::item:disabled { color: @muted; }
QMenu::separator { height: 1px; background: @border; margin: 4px 6px; }
QStatusBar { background: @window; border-top: 1px solid @border; }
QStatusBar::item { border: none; }
QSplitter::handle { background: @border; }
QSplitter::handle:hover { background: @accent; }
QLineEdit { background: @base; color: @text; border: 1px solid @control; border-radius: 6px; padding: 5px 8px;
  selection-background-color: @accent; selection-color: @accentText; }
QLineEdit:focus { border: 2px solid @accent; padding: 4px 7px; }
QPlainTextEdit { background: @base; color: @text; border: 1px solid @border; border-radius: 6px; padding: 2px;
  selection-background-color: @accent; selection-color: @accentText; }
QPlainTextEdit:focus { border: 1px solid @accent; }
QPushButton { background: @base; color: @text; border: 1px solid @control; border-radius: 6px; padding: 5px 14px; }
QPushButton:hover { background: @hover; }
QPushButton:focus { border: 2px solid @accent; padding: 4px 13px; }
QPushButton:default { background: @accent; color: @accentText; border-color: @accent; }
QPushButton:default:focus { border: 2px solid @text; }
QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 4px; background: transparent; color: @text; }
QToolButton:hover { background: @hover; border-color: @border; }
QToolButton:pressed { background: @selection; }
QToolButton:checked { background: @selection; border-color: @accent; }
QToolButton:focus { border: 1px solid @accent; }
QToolButton:disabled { color: @muted; }
QToolButton#chip { border: 1px solid @chip; border-radius: 11px; padding: 3px 10px 3px 5px; min-height: 16px; background: @base; }
QToolButton#chip:hover { border-color: @control; }
QToolButton#chip:checked { background: @selection; border-color: @accent; color: @text; }
QToolButton#chip:focus { border: 1px solid @accent; }
QToolButton#status { padding: 2px 6px; }
QToolButton#pill { background: @accent; color: @accentText; border: 1px solid @accent; border-radius: 11px; padding: 3px 12px; min-height: 16px; }
QToolButton#pill:focus { border: 1px solid @text; }
QHeaderView { background: @window; }
QHeaderView::section { background: @window; color: @muted; border: none; border-bottom: 1px solid @border;
  padding: 6px 12px; font-weight: 600; }
QHeaderView::section:hover { color: @text; }
QTableView, QTableWidget { background: @base; alternate-background-color: @alternate; border: none; outline: none;
  gridline-color: transparent; selection-background-color: @selection; selection-color: @text; }
QTableView#records, QTableWidget#records { border: 1px solid @border; border-radius: 6px; }
QTableWidget::item { padding: 0 8px; border: none; }
QTableWidget::item:selected { background: @selection; color: @text; padding: 0 8px; border: none; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QListView { background: @base; border: 1px solid @border; border-radius: 6px; outline: none; }
QListView::item { padding: 7px 10px; border-radius: 5px; color: @text; }
QListView::item:selected { background: @selection; color: @text; }
QTabWidget::pane { border: none; border-top: 1px solid @border; }
QTabWidget::tab-bar { left: 8px; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: @muted; padding: 7px 12px; border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: @text; }
QTabBar::tab:selected { color: @text; border-bottom: 2px solid @accent; }
QTabBar::tab:focus { color: @accent; }
QScrollArea { border: none; background: transparent; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: @scroll; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: @control; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QWidget#page, QWidget#detailsBody, QWidget#summary { background: @base; }
QWidget#nav { background: @window; border-right: 1px solid @border; }
QFrame#rule { background: @border; border: none; }
QLabel#heading { font-size: 15pt; font-weight: 600; color: @text; }
QLabel#section { color: @muted; font-weight: 600; }
QLabel#muted { color: @muted; }
QLabel#badge { background: @badge; color: @warn; border: 1px solid @warn; border-radius: 9px; padding: 1px 8px; font-weight: 600; }
QLabel#danger { color: @danger; }
)"_s;

} // namespace

QString styleSheetOf(const Colours &c)
{
    // Longer names first, so that "accent" does not eat the beginning of "accentText".
    const QList<std::pair<QString, QColor>> values{
        {u"@accentText"_s, c.accentText},
        {u"@selection"_s, c.selection},
        {u"@control"_s, c.control},
        {u"@window"_s, c.window},
        {u"@border"_s, c.border},
        {u"@scroll"_s, blend(c.control, c.base, 0.55)},
        {u"@chip"_s, blend(c.control, c.base, 0.5)},
        {u"@accent"_s, c.accent},
        {u"@danger"_s, c.danger},
        {u"@muted"_s, c.muted},
        {u"@hover"_s, c.hover},
        {u"@badge"_s, blend(c.warn, c.window, 0.08)},
        {u"@base"_s, c.base},
        {u"@text"_s, c.text},
        {u"@warn"_s, c.warn},
    };
    QString sheet = kSheet;
    sheet.replace(u"@alternate"_s, c.alternate.name());
    for (const auto &[name, colour] : values)
        sheet.replace(name, colour.name());
    return sheet;
}

} // namespace signalbox::ui
