// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QCoreApplication>
#include <QLocale>

namespace signalbox::ui {

// Installs what the console needs to speak `locale`: Qt's own texts, ours, and the English plurals below
// them, so that "1 message" is right in every language. Call once after the application object exists. The
// translators belong to it.
void installTranslations(QCoreApplication &application, const QLocale &locale = QLocale());

} // namespace signalbox::ui
