// SPDX-License-Identifier: Apache-2.0
#include "domain/session_id.h"

#include "base/hash.h"

#include <QByteArrayList>

using namespace Qt::StringLiterals;

namespace signalbox::domain {

namespace {

constexpr qint64 kClientMessageBucketSeconds = 600;

QByteArray digest(std::initializer_list<QStringView> parts)
{
    QByteArray joined;
    for (const QStringView part : parts) {
        joined += part.toUtf8();
        joined += '\0';
    }
    return sha256(joined).toHex();
}

QString hexTime(qint64 seconds, int micros)
{
    return QString::number(static_cast<quint32>(seconds), 16).rightJustified(8, u'0')
        + QString::number(micros, 16).rightJustified(5, u'0');
}

QString hexTime(QStringView ts)
{
    return hexTime(tsSeconds(ts), tsMicros(ts));
}

QString key(const QString &time, QChar kind, const QByteArray &hash)
{
    return time + kind + QString::fromLatin1(hash.left(24));
}

} // namespace

QString sessionId(const SessionScope &scope)
{
    const QByteArray hash
        = digest({scope.channel, scope.tenant, scope.app, scope.backend, scope.place, scope.thread});
    return u"se_"_s + hexTime(scope.thread) + QString::fromLatin1(hash.left(24));
}

bool hasSessionLog(QStringView channel)
{
    return channel == u"web" || channel == u"cli";
}

QString sessionThread(bool perThread, bool direct, const QString &threadTs, const QString &messageTs)
{
    if (!perThread || direct)
        return {};
    return threadTs.isEmpty() ? messageTs : threadTs;
}

qint64 tsSeconds(QStringView ts)
{
    const qsizetype dot = ts.indexOf(u'.');
    bool ok = false;
    const qint64 seconds = (dot < 0 ? ts : ts.left(dot)).toLongLong(&ok);
    return ok && seconds > 0 && seconds <= 0xffffffffLL ? seconds : 0;
}

int tsMicros(QStringView ts)
{
    const qsizetype dot = ts.indexOf(u'.');
    bool ok = false;
    const int micros = dot < 0 ? 0 : ts.mid(dot + 1, 6).toInt(&ok);
    return ok && micros >= 0 && micros < 1'000'000 ? micros : 0;
}

QString eventKey(const QString &installation, const QString &eventId, const QString &ts)
{
    return key(hexTime(ts), u'e', digest({installation, eventId}));
}

QString messageKey(const QString &installation, const QString &place, const QString &ts)
{
    return key(hexTime(ts), u'm', digest({installation, place, ts}));
}

qint64 clientMessageBucket(qint64 seconds)
{
    return seconds - seconds % kClientMessageBucketSeconds;
}

QString clientMessageKey(const QString &installation, const QString &clientMsgId, qint64 bucket)
{
    return key(hexTime(bucket, 0), u'c', digest({installation, clientMsgId}));
}

} // namespace signalbox::domain
