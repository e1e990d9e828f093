// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <QProcess>
#include <QTemporaryDir>

namespace signalbox::testing {

// A PostgreSQL server of one test's own, on a unix socket in a temporary folder, which the test may stop and
// start: for what happens while the database is away. Ends with the test, also when the test crashes. initdb
// refuses root, so a test that runs as root uses the account "postgres". Blocking; thread of creation.
class PostgresCluster
{
public:
    PostgresCluster();
    ~PostgresCluster();
    // Whether the server's programs are installed.
    [[nodiscard]] static bool isInstalled();

    // Makes the cluster with one empty database.
    [[nodiscard]] Status create();
    [[nodiscard]] Status start();
    // Connections are closed by the server, as in a restart; what was not committed is gone.
    void stop();
    // As pg_ctl stop -m immediate: nothing is finished, the next start recovers.
    void crash();

    // As engine.database takes it.
    [[nodiscard]] QString url() const;

private:
    [[nodiscard]] static QString binaries();
    void launch(QProcess &process, const QString &program, const QStringList &arguments) const;
    void end(int signal);
    QTemporaryDir m_folder;
    QProcess m_server;
};

} // namespace signalbox::testing
