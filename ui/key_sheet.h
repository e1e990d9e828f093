// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDialog>

namespace signalbox::ui {

class Actions;

// Every key of the console, from the table of actions. UI thread; deletes itself when closed.
class KeySheet final : public QDialog
{
    Q_OBJECT
public:
    KeySheet(const Actions &actions, QWidget *parent);
};

} // namespace signalbox::ui
