// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"

#include <algorithm>
#include <array>

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {

struct Mapping
{
    const char16_t *native; // a prefix for SQLSTATE classes
    ErrorCode code;
};

// SQLite result codes are decimal numbers, PostgreSQL's are five characters: they never meet.
constexpr std::array kMappings{
    Mapping{u"23505", ErrorCode::Conflict},
    Mapping{u"1555", ErrorCode::Conflict}, // SQLITE_CONSTRAINT_PRIMARYKEY
    Mapping{u"2067", ErrorCode::Conflict}, // SQLITE_CONSTRAINT_UNIQUE
    Mapping{u"23503", ErrorCode::Conflict},
    Mapping{u"787", ErrorCode::Conflict}, // SQLITE_CONSTRAINT_FOREIGNKEY
    Mapping{u"5", ErrorCode::Unavailable}, // SQLITE_BUSY
    Mapping{u"6", ErrorCode::Unavailable}, // SQLITE_LOCKED
    Mapping{u"517", ErrorCode::Unavailable}, // SQLITE_BUSY_SNAPSHOT
    Mapping{u"13", ErrorCode::Unavailable}, // SQLITE_FULL
    Mapping{u"10", ErrorCode::Unavailable}, // SQLITE_IOERR
    Mapping{u"14", ErrorCode::Unavailable}, // SQLITE_CANTOPEN
    Mapping{u"8", ErrorCode::Unavailable}, // SQLITE_READONLY
    Mapping{u"11", ErrorCode::Corrupt}, // SQLITE_CORRUPT
    Mapping{u"26", ErrorCode::Corrupt}, // SQLITE_NOTADB
};
constexpr std::array kUnavailableClasses{u"40", u"08", u"53", u"55", u"57", u"58"};

bool isSqlState(const QString &native)
{
    return native.size() == 5;
}

bool inClass(const QString &native, const char16_t *prefix)
{
    return isSqlState(native) && native.startsWith(QStringView(prefix));
}

} // namespace

Error toError(const QSqlError &error)
{
    const QString native = error.nativeErrorCode();
    const QString text = error.driverText();
    if (error.type() == QSqlError::ConnectionError
        || (native.isEmpty() && error.type() != QSqlError::StatementError))
        return Error(
            ErrorCode::Unavailable, u"database connection failed"_s, native.isEmpty() ? u"08000"_s : native);
    const auto known = std::find_if(kMappings.begin(), kMappings.end(),
        [&](const Mapping &entry) { return native == QStringView(entry.native); });
    if (known != kMappings.end())
        return Error(known->code, text, native);
    for (const char16_t *prefix : kUnavailableClasses) {
        if (inClass(native, prefix))
            return Error(ErrorCode::Unavailable, text, native);
    }
    // QPSQL reports a server that went away in the middle of a statement without a code.
    if (native.isEmpty())
        return Error(ErrorCode::Unavailable, u"database connection lost"_s, u"08006"_s);
    // SQLite's extended codes carry the primary one in their low byte: busy, locked, read-only, I/O, full,
    // cannot open.
    bool number = false;
    const int code = isSqlState(native) ? 0 : native.toInt(&number) & 0xff;
    if (number && (code == 5 || code == 6 || code == 8 || code == 10 || code == 13 || code == 14))
        return Error(ErrorCode::Unavailable, text, native);
    if (number && (code == 11 || code == 26))
        return Error(ErrorCode::Corrupt, text, native);
    return Error(ErrorCode::Internal, text, native);
}

bool mayRunAgain(const Error &error)
{
    const QString &native = error.native();
    return native == QStringView(kRunAgain) || native == u"5" || native == u"6" || native == u"517"
        || inClass(native, u"40") || native == u"55P03" || native == u"25P02" || native == u"23505"
        || isConnectionLost(error);
}

bool isConnectionLost(const Error &error)
{
    const QString &native = error.native();
    return inClass(native, u"08") || native == u"57P01" || native == u"57P02" || native == u"57P03";
}

} // namespace signalbox::store
