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

QString hexTime(qint64 seconds)
{
    return QString::number(static_cast<quint32>(seconds), 16).rightJustified(8, u'0');
}

QString key(QChar kind, qint64 seconds, const QByteArray &hash)
{
    return hexTime(seconds) + kind + QString::fromLatin1(hash.left(26));
}

} // namespace

QString sessionId(const SessionScope &scope)
{
    const QByteArray hash
        = digest({scope.channel, scope.tenant, scope.app, scope.backend, scope.place, scope.thread});
    return u"se_"_s + hexTime(tsSeconds(scope.thread)) + QString::fromLatin1(hash.left(26));
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

QString eventKey(const QString &installation, const QString &eventId, qint64 eventTime)
{
    return key(u'e', eventTime > 0 && eventTime <= 0xffffffffLL ? eventTime : 0, digest({installation, eventId}));
}

QString messageKey(const QString &installation, const QString &place, const QString &ts)
{
    return key(u'm', tsSeconds(ts), digest({installation, place, ts}));
}

qint64 clientMessageBucket(qint64 seconds)
{
    return seconds - seconds % kClientMessageBucketSeconds;
}

QString clientMessageKey(const QString &installation, const QString &clientMsgId, qint64 bucket)
{
    return key(u'c', bucket, digest({installation, clientMsgId}));
}

} // namespace signalbox::domain
