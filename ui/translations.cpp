// SPDX-License-Identifier: Apache-2.0
#include "translations.h"

#include <QLibraryInfo>
#include <QTranslator>

// Resources of a static library must be named once, or the linker drops them.
static void registerTranslations()
{
    Q_INIT_RESOURCE(signalbox_translations);
}

namespace signalbox::ui {

using namespace Qt::StringLiterals;

void installTranslations(QCoreApplication &application, const QLocale &locale)
{
    registerTranslations();
    // The last one installed is asked first.
    auto *english = new QTranslator(&application);
    if (english->load(u":/signalbox/translations/signalbox_en.qm"_s))
        QCoreApplication::installTranslator(english);
    auto *qt = new QTranslator(&application);
    if (qt->load(locale, u"qtbase"_s, u"_"_s, QLibraryInfo::path(QLibraryInfo::TranslationsPath)))
        QCoreApplication::installTranslator(qt);
    auto *ours = new QTranslator(&application);
    if (locale.language() != QLocale::English
        && ours->load(locale, u"signalbox"_s, u"_"_s, u":/signalbox/translations"_s)) {
        QCoreApplication::installTranslator(ours);
    }
}

} // namespace signalbox::ui
