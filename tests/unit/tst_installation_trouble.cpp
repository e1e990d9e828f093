// SPDX-License-Identifier: Apache-2.0
#include "domain/installation_trouble.h"
#include "domain/slack_errors.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

class InstallationTroubleTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    // contracts/slack.md §3: whatever needs a person has words.
    void everyAuthorisationErrorOfSlack_isATrouble()
    {
        const QStringList codes
            = u"account_inactive token_revoked token_expired not_authed invalid_auth missing_scope "
              "not_allowed_token_type no_permission access_denied accesslimited ekm_access_denied "
              "enterprise_is_restricted two_factor_setup_required is_bot team_access_not_granted"_s.split(
                  u' ');
        for (const QString &code : codes) {
            QCOMPARE(classifySlackError(u"chat.postMessage", code), SlackErrorClass::Authorisation);
            QVERIFY2(troubleKind(code).has_value(), qPrintable(code));
            QVERIFY(*troubleKind(code) == TroubleKind::Token || *troubleKind(code) == TroubleKind::Rights);
            QVERIFY(troubleWords(code).endsWith(u'.'));
        }
        QCOMPARE(*troubleKind(u"missing_scope"), TroubleKind::Rights);
        QCOMPARE(*troubleKind(u"invalid_auth"), TroubleKind::Token);
    }

    void whatIsNoTrouble_hasNeitherKindNorWords()
    {
        for (const QString &code : {u""_s, u"channel_not_found"_s, u"ratelimited"_s}) {
            QVERIFY(!troubleKind(code));
            QCOMPARE(troubleWords(code), QString());
        }
    }

    void theOneThatSaysWhy_stays_data()
    {
        QTest::addColumn<QString>("present");
        QTest::addColumn<QString>("next");
        QTest::addColumn<bool>("replaces");
        const auto row = [](const char *present, const char *next, bool replaces) {
            QTest::addRow("%s, then %s", present, next)
                << QString::fromLatin1(present) << QString::fromLatin1(next) << replaces;
        };
        row("", "token_missing", true);
        row("", "app_mismatch", true);
        row("", "", false);
        row("invalid_auth", "invalid_auth", false);
        row("invalid_auth", "token_revoked", true);
        row("token_missing", "invalid_auth", true);
        row("invalid_auth", "token_missing", false);
        row("app_mismatch", "token_missing", false);
        row("app_mismatch", "invalid_auth", false);
        row("app_mismatch", "app_uninstalled", true);
        row("app_uninstalled", "token_revoked", false);
        row("app_uninstalled", "app_mismatch", false);
        row("invalid_auth", "channel_not_found", false);
        row("", "socket_disabled", true);
        row("socket_disabled", "app_token_refused", true);
        row("socket_disabled", "invalid_auth", true);
        row("invalid_auth", "socket_disabled", false);
    }
    void theOneThatSaysWhy_stays()
    {
        QFETCH(const QString, present);
        QFETCH(const QString, next);
        QFETCH(const bool, replaces);
        QCOMPARE(replacesTrouble(present, next), replaces);
    }
};

QTEST_GUILESS_MAIN(InstallationTroubleTest)
#include "tst_installation_trouble.moc"
