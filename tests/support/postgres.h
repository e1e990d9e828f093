// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <QString>

namespace signalbox::testing {

// A PostgreSQL database of one test's own: fresh on creation, dropped on destruction together with whoever is
// still connected to it. The cluster is the one that SIGNALBOX_TEST_POSTGRES names as
// "postgresql://USER@/DATABASE?host=FOLDER_OF_THE_SOCKET[&port=N]"; packaging/test.sh starts one and sets it.
// Every call opens and closes a connection on the calling thread.
class PostgresDatabase
{
public:
    // True when there is a cluster to create databases in.
    [[nodiscard]] static bool isAvailable();
    // True when a test must fail rather than skip without one: SIGNALBOX_REQUIRE_POSTGRES=1 or CI=true.
    [[nodiscard]] static bool isRequired();

    [[nodiscard]] static Result<PostgresDatabase> create();

    PostgresDatabase(PostgresDatabase &&other) noexcept;
    PostgresDatabase &operator=(PostgresDatabase &&other) noexcept;
    ~PostgresDatabase();

    // As engine.database takes it.
    [[nodiscard]] const QString &url() const { return m_url; }
    [[nodiscard]] const QString &name() const { return m_name; }

private:
    PostgresDatabase(QString name, QString url);
    void drop();

    QString m_name; // empty: moved from
    QString m_url;
};

} // namespace signalbox::testing

// First statement of a test that needs PostgreSQL: fails where it is required, skips where it is not.
#define SIGNALBOX_NEED_POSTGRES()                                                                            \
    do {                                                                                                     \
        if (!signalbox::testing::PostgresDatabase::isAvailable()) {                                          \
            if (signalbox::testing::PostgresDatabase::isRequired()) {                                        \
                QFAIL("PostgreSQL is required, but SIGNALBOX_TEST_POSTGRES is not set");                     \
            }                                                                                                \
            QSKIP("SIGNALBOX_TEST_POSTGRES is not set; packaging/test.sh starts a cluster and sets it");     \
        }                                                                                                    \
    } while (false)
