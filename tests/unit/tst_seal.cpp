// SPDX-License-Identifier: Apache-2.0
#include "base/seal.h"

#include <QFile>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {
const QByteArray kPlace = "installations/slack:T1/bot_token";

Sealer sealer(char fill = 'k')
{
    return *Sealer::withKey(Secret(QByteArray(32, fill)));
}

QString native(const Result<Secret> &opened)
{
    return opened ? u"opened"_s : opened.error().native();
}
} // namespace

class SealTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void whatWasSealed_opens()
    {
        for (const QByteArray &text : {QByteArray("xoxb-1"), QByteArray(5000, 'x'), QByteArray(1, '\0')}) {
            const auto sealed = sealer().seal(Secret(text), kPlace);
            QVERIFY(sealed);
            QVERIFY(!sealed->contains(QString::fromLatin1(text.left(6))));
            const auto opened = sealer().open(*sealed, kPlace);
            QVERIFY(opened);
            QCOMPARE(opened->reveal(), text);
        }
    }

    void theSameSecret_isSealedDifferentlyEachTime()
    {
        QVERIFY(*sealer().seal(Secret("xoxb-1"), kPlace) != *sealer().seal(Secret("xoxb-1"), kPlace));
    }

    void aValueOfAnotherRow_doesNotOpen()
    {
        const QString sealed = *sealer().seal(Secret("xoxb-1"), kPlace);
        QCOMPARE(
            native(sealer().open(sealed, "installations/slack:T2/bot_token")), u"sealed_value_damaged"_s);
    }

    void anotherKey_isNamed()
    {
        const QString sealed = *sealer().seal(Secret("xoxb-1"), kPlace);
        QCOMPARE(native(sealer('z').open(sealed, kPlace)), u"sealed_with_another_key"_s);
        QCOMPARE(native(Sealer().open(sealed, kPlace)), u"sealed_with_another_key"_s);
        QVERIFY(!Sealer().seal(Secret("xoxb-1"), kPlace));
    }

    // Every single character that is changed, and every cut.
    void aChangedValue_doesNotOpen()
    {
        const QString sealed = *sealer().seal(Secret("xoxb-1"), kPlace);
        for (qsizetype i = 0; i < sealed.size(); ++i) {
            QString changed = sealed;
            changed[i] = changed[i] == u'A' ? u'B' : u'A';
            QVERIFY2(!sealer().open(changed, kPlace), qPrintable(changed));
            QVERIFY(!sealer().open(sealed.left(i), kPlace));
        }
        for (const QString &nonsense :
            {u""_s, u"xoxb-1"_s, u"v1::"_s, u"v1:%1:"_s.arg(sealed.section(u':', 1, 1))})
            QCOMPARE(native(sealer().open(nonsense, kPlace)).startsWith(u"sealed_"), true);
        QCOMPARE(native(sealer().open(u"v2"_s + sealed.mid(2), kPlace)), u"sealed_value_damaged"_s);
    }

    void aKeyThatIsTooShort_isRefused()
    {
        QVERIFY(!Sealer::withKey(Secret(QByteArray(31, 'k'))));
        QVERIFY(!Sealer::withKey(Secret()));
    }

    void theKeyFile_isMadeOnceForItsOwnerAlone()
    {
        QTemporaryDir folder;
        const QString path = folder.filePath(u"secret.key"_s);
        const auto refused = Sealer::withKeyFile(path, false);
        QVERIFY(!refused);
        QCOMPARE(refused.error().native(), u"secret_key"_s);
        const auto made = Sealer::withKeyFile(path, true);
        QVERIFY2(made, made ? "" : qPrintable(made.error().toString()));
        const auto permissions = QFileInfo(path).permissions();
        QVERIFY(
            !(permissions & (QFile::ReadGroup | QFile::WriteGroup | QFile::ReadOther | QFile::WriteOther)));
        const QString sealed = *made->seal(Secret("xoxb-1"), kPlace);
        const auto again = Sealer::withKeyFile(path, true);
        QVERIFY(again);
        QCOMPARE(native(again->open(sealed, kPlace)), u"opened"_s);
    }

    void aBadKeyFile_isRefused_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<bool>("open");
        QTest::addColumn<QString>("says");
        QTest::newRow("others may read it") << QByteArray(64, 'a') << true << u"chmod 600"_s;
        QTest::newRow("empty") << QByteArray() << false << u"64 hexadecimal digits"_s;
        QTest::newRow("too short") << QByteArray(62, 'a') << false << u"64 hexadecimal digits"_s;
        QTest::newRow("too long") << QByteArray(66, 'a') << false << u"64 hexadecimal digits"_s;
        QTest::newRow("not hexadecimal") << QByteArray(64, 'g') << false << u"64 hexadecimal digits"_s;
    }
    void aBadKeyFile_isRefused()
    {
        QFETCH(const QByteArray, text);
        QFETCH(const bool, open);
        QFETCH(const QString, says);
        QTemporaryDir folder;
        QFile file(folder.filePath(u"secret.key"_s));
        QVERIFY(file.open(QIODevice::WriteOnly));
        QCOMPARE(file.write(text), text.size());
        file.close();
        auto permissions = QFile::ReadOwner | QFile::WriteOwner;
        if (open)
            permissions |= QFile::ReadGroup;
        QVERIFY(file.setPermissions(permissions));
        const auto refused = Sealer::withKeyFile(file.fileName(), true);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code(), ErrorCode::InvalidInput);
        QCOMPARE(refused.error().native(), u"secret_key"_s);
        QVERIFY2(refused.error().message().contains(says), qPrintable(refused.error().message()));
        QVERIFY(text.isEmpty() || !refused.error().toString().contains(QString::fromLatin1(text)));
    }

    void fingerprints_tellSecretsApart()
    {
        QCOMPARE(fingerprint(Secret("xoxb-1")), fingerprint(Secret("xoxb-1")));
        QVERIFY(fingerprint(Secret("xoxb-1")) != fingerprint(Secret("xoxb-2")));
        QCOMPARE(fingerprint(Secret("xoxb-1")).size(), 32);
        QCOMPARE(fingerprint(Secret()), QString());
    }
};

QTEST_GUILESS_MAIN(SealTest)
#include "tst_seal.moc"
