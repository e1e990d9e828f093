// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDBusVariant>
#include <QObject>

namespace signalbox::ui {

// The desktop's wish for light or dark, from the settings portal (org.freedesktop.appearance color-scheme):
// Qt 6.4 has no hint of its own. Asks without waiting; until the answer comes, and where there is no portal,
// the wish is "none". UI thread; a child of the application.
class PortalColourScheme : public QObject
{
    Q_OBJECT
public:
    [[nodiscard]] static PortalColourScheme *instance();
    [[nodiscard]] bool prefersDark() const { return m_scheme == 1; }
    // 0 no preference, 1 dark, 2 light, as in the portal's interface.
    void setScheme(uint scheme);

Q_SIGNALS:
    void changed();

private Q_SLOTS:
    void settingChanged(const QString &group, const QString &key, const QDBusVariant &value);

private:
    explicit PortalColourScheme(QObject *parent);
    void ask();
    uint m_scheme = 0;
};

} // namespace signalbox::ui
