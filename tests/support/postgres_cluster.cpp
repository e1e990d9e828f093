// SPDX-License-Identifier: Apache-2.0
#include "support/postgres_cluster.h"

#include <QDeadlineTimer>
#include <QDir>
#include <QFile>

#include <csignal>
#include <pwd.h>
#include <unistd.h>

using namespace Qt::StringLiterals;

namespace signalbox::testing {

namespace {
constexpr int kStartMs = 60'000;
}

PostgresCluster::PostgresCluster()
    : m_folder(u"/tmp/signalbox-pg-XXXXXX"_s) // a socket's path must be short
{
    m_server.setProcessChannelMode(QProcess::MergedChannels);
}

PostgresCluster::~PostgresCluster()
{
    stop();
}

QString PostgresCluster::binaries()
{
    const QDir versions(u"/usr/lib/postgresql"_s);
    const QStringList found
        = versions.entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name | QDir::Reversed);
    return found.isEmpty() ? QString() : versions.filePath(found.first() + u"/bin/"_s);
}

bool PostgresCluster::isInstalled()
{
    return !binaries().isEmpty() && QFile::exists(binaries() + u"initdb"_s);
}

void PostgresCluster::launch(QProcess &process, const QString &program, const QStringList &arguments) const
{
    // Becomes the other program in the same process, so that its id is the server's own.
    QStringList all{u"--pdeathsig"_s, u"INT"_s};
    if (::geteuid() == 0)
        all << u"--reuid"_s << u"postgres"_s << u"--regid"_s << u"postgres"_s << u"--init-groups"_s;
    all << binaries() + program << arguments;
    process.setWorkingDirectory(m_folder.path());
    process.start(u"setpriv"_s, all);
}

Status PostgresCluster::create()
{
    if (::geteuid() == 0) {
        const passwd *user = ::getpwnam("postgres");
        if (!user || ::chown(m_folder.path().toLocal8Bit().constData(), user->pw_uid, user->pw_gid) != 0)
            return fail(ErrorCode::Unavailable, u"there is no account postgres"_s);
    }
    QProcess initdb;
    initdb.setProcessChannelMode(QProcess::MergedChannels);
    launch(initdb, u"initdb"_s,
        {u"-D"_s, m_folder.filePath(u"data"_s), u"-U"_s, u"signalbox"_s, u"-A"_s, u"trust"_s, u"-N"_s,
            u"-E"_s, u"UTF8"_s, u"--locale=C.UTF-8"_s});
    if (!initdb.waitForFinished(kStartMs) || initdb.exitCode() != 0)
        return fail(ErrorCode::Unavailable, QString::fromLocal8Bit(initdb.readAll()));
    return start();
}

Status PostgresCluster::start()
{
    const QStringList arguments{u"-D"_s, m_folder.filePath(u"data"_s), u"-k"_s, m_folder.path(), u"-c"_s,
        u"listen_addresses="_s, u"-c"_s, u"fsync=off"_s, u"-c"_s, u"shared_buffers=16MB"_s};
    launch(m_server, u"postgres"_s, arguments);
    QByteArray said;
    const QDeadlineTimer deadline(kStartMs);
    while (!said.contains("ready to accept connections")) {
        if (deadline.hasExpired()
            || (!m_server.waitForReadyRead(1000) && m_server.state() == QProcess::NotRunning))
            return fail(ErrorCode::Unavailable, QString::fromLocal8Bit(said + m_server.readAll()));
        said += m_server.readAll();
    }
    return {};
}

void PostgresCluster::stop()
{
    end(SIGINT); // PostgreSQL's fast shutdown
}

void PostgresCluster::crash()
{
    end(SIGQUIT);
}

void PostgresCluster::end(int signal)
{
    if (m_server.state() == QProcess::NotRunning)
        return;
    ::kill(static_cast<pid_t>(m_server.processId()), signal);
    if (!m_server.waitForFinished(30'000))
        m_server.kill();
    m_server.waitForFinished(5000);
}

QString PostgresCluster::url() const
{
    return u"postgresql://signalbox@/postgres?host="_s + m_folder.path();
}

} // namespace signalbox::testing
