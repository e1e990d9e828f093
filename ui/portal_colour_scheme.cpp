// SPDX-License-Identifier: Apache-2.0
#include "portal_colour_scheme.h"

#include <QCoreApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCall>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QPointer>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kService = "org.freedesktop.portal.Desktop";
constexpr auto kPath = "/org/freedesktop/portal/desktop";
constexpr auto kInterface = "org.freedesktop.portal.Settings";
const auto kGroup = u"org.freedesktop.appearance"_s;
const auto kKey = u"color-scheme"_s;

// Read() wraps its answer in a variant within a variant.
uint unwrap(QVariant value)
{
    while (value.canConvert<QDBusVariant>())
        value = value.value<QDBusVariant>().variant();
    return value.toUInt();
}

} // namespace

PortalColourScheme *PortalColourScheme::instance()
{
    static QPointer<PortalColourScheme> scheme;
    if (!scheme)
        scheme = new PortalColourScheme(QCoreApplication::instance());
    return scheme;
}

PortalColourScheme::PortalColourScheme(QObject *parent)
    : QObject(parent)
{
    ask();
}

void PortalColourScheme::ask()
{
    // Connecting to a bus that is named but absent may take its time; a session without one is told at once.
    if (qEnvironmentVariableIsEmpty("DBUS_SESSION_BUS_ADDRESS")
        && qEnvironmentVariableIsEmpty("XDG_RUNTIME_DIR"))
        return;
    auto bus = QDBusConnection::sessionBus();
    if (!bus.isConnected())
        return;
    bus.connect(QLatin1StringView(kService), QLatin1StringView(kPath), QLatin1StringView(kInterface),
        u"SettingChanged"_s, this, SLOT(settingChanged(QString, QString, QDBusVariant)));
    auto call = QDBusMessage::createMethodCall(
        QLatin1StringView(kService), QLatin1StringView(kPath), QLatin1StringView(kInterface), u"Read"_s);
    call << kGroup << kKey;
    auto *watcher = new QDBusPendingCallWatcher(bus.asyncCall(call), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this, [this, watcher] {
        const QDBusPendingReply<QVariant> reply = *watcher;
        if (!reply.isError())
            setScheme(unwrap(reply.value()));
        watcher->deleteLater();
    });
}

void PortalColourScheme::setScheme(uint scheme)
{
    if (scheme == m_scheme)
        return;
    m_scheme = scheme;
    Q_EMIT changed();
}

void PortalColourScheme::settingChanged(const QString &group, const QString &key, const QDBusVariant &value)
{
    if (group == kGroup && key == kKey)
        setScheme(unwrap(QVariant::fromValue(value)));
}

} // namespace signalbox::ui
