// SPDX-License-Identifier: Apache-2.0
// What is learnt of an installation, and what follows when its app or its token is gone.
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using namespace signalbox::testing;

class StoreInstallationsTest : public QObject
{
    Q_OBJECT

private:
    const QString kId = u"in1"_s;

    InstallationRow row(StoreFixture &f)
    {
        const auto read = async::blockOn(f.db().installation(kId));
        if (!read)
            QTest::qFail(qPrintable(read.error().toString()), __FILE__, __LINE__);
        return read ? *read : InstallationRow();
    }
    bool noteTrouble(StoreFixture &f, const QString &code)
    {
        return async::blockOn(f.db().noteTrouble(kId, code)).value_or(false);
    }
    TokenNoted noteToken(StoreFixture &f, const QString &print, bool posted = false)
    {
        NoteToken note;
        note.installationId = kId;
        note.sealed = u"sealed-"_s + print;
        note.print = print;
        note.posted = posted;
        const auto noted = async::blockOn(f.db().noteToken(note));
        if (!noted)
            QTest::qFail(qPrintable(noted.error().toString()), __FILE__, __LINE__);
        return noted ? *noted : TokenNoted();
    }
    Revoked revoke(StoreFixture &f, bool uninstalled, const QString &key, const QString &print = {})
    {
        RevokeInstallation gone;
        gone.installationId = kId;
        gone.eventKey = key;
        gone.keyTtl = Millis(60'000);
        gone.uninstalled = uninstalled;
        gone.print = print;
        gone.disconnect = uninstalled ? u"agent"_s : QString();
        const auto revoked = async::blockOn(f.db().revoke(gone));
        if (!revoked)
            QTest::qFail(qPrintable(revoked.error().toString()), __FILE__, __LINE__);
        return revoked ? *revoked : Revoked();
    }
    std::vector<ClaimedDisconnect> disconnects(StoreFixture &f, Millis patience = Millis(60'000))
    {
        return async::blockOn(f.db().claimDisconnects(10, patience))
            .value_or(std::vector<ClaimedDisconnect>());
    }
    // One reply that was refused for its token and waits, the delivery behind it, and one that is only
    // queued.
    void someWork(StoreFixture &f, const QString &code = u"invalid_auth"_s)
    {
        f.ingest(u"a"_s, u"t1"_s);
        const EngineLife life = f.engine();
        const auto claimed = f.claim(life);
        QCOMPARE(claimed.size(), size_t(1));
        QVERIFY(f.begin(claimed[0]));
        f.finish(claimed[0], domain::DeliveryState::Waiting, {StoreFixture::draft(u"d-a"_s, u"reply:1"_s)});
        const auto rows = f.claimOutbound(life);
        QCOMPARE(rows.size(), size_t(1));
        FinishOutbound finish;
        finish.life = life;
        finish.id = rows[0].id;
        finish.attempts = rows[0].attempts;
        finish.state = domain::OutboundState::Retry;
        finish.errorCode = code;
        finish.dueIn = Millis(300'000);
        QVERIFY(async::blockOn(f.db().finishOutbound(finish)));
        f.ingest(u"b"_s, u"t2"_s);
        QCOMPARE(f.claimOutbound(life).size(), size_t(0));
    }

private Q_SLOTS:
    void aTrouble_isWrittenOnceAndNeverCoveredByLess()
    {
        SIGNALBOX_STORE(f);
        f.ingest(u"a"_s, u"t1"_s);
        QVERIFY(noteTrouble(f, u"token_missing"_s));
        const qint64 rev = row(f).rev;
        QVERIFY(!noteTrouble(f, u"token_missing"_s));
        QCOMPARE(row(f).rev, rev);
        QVERIFY(noteTrouble(f, u"app_mismatch"_s));
        QVERIFY(!noteTrouble(f, u"token_missing"_s));
        QVERIFY(!isNever(row(f).health.troubleAt));
        const auto items = async::blockOn(f.db().installationItems());
        QVERIFY(items);
        QCOMPARE(items->first().trouble, u"app_mismatch"_s);
        QVERIFY(!isNever(items->first().troubleSince));
        QVERIFY(!*async::blockOn(f.db().clearTrouble(kId, u"token_missing"_s)));
        QVERIFY(*async::blockOn(f.db().clearTrouble(kId, u"app_mismatch"_s)));
        QCOMPARE(row(f).health.trouble, QString());
        QVERIFY(isNever(row(f).health.troubleAt));
        const auto unknown = async::blockOn(f.db().noteTrouble(u"nobody"_s, u"app_mismatch"_s));
        QVERIFY(!unknown && unknown.error().code() == ErrorCode::NotFound);
    }

    void aNewToken_endsItsTroublesAndWakesWhatWaited()
    {
        SIGNALBOX_STORE(f);
        someWork(f);
        QVERIFY(noteTrouble(f, u"invalid_auth"_s));
        const TokenNoted noted = noteToken(f, u"p1"_s);
        QVERIFY(noted.news);
        QCOMPARE(noted.woken, 1);
        const InstallationRow known = row(f);
        QCOMPARE(known.health.sealedToken, u"sealed-p1"_s);
        QCOMPARE(known.health.trouble, QString());
        const auto claimed = f.claimOutbound(f.engine(u"e1"_s));
        QCOMPARE(claimed.size(), size_t(1));
        QCOMPARE(claimed[0].installationRev, known.rev);
        QVERIFY(!claimed[0].revoked);
        // The same again is no news.
        QVERIFY(!noteToken(f, u"p1"_s).news);
        QCOMPARE(row(f).rev, known.rev);
    }

    void whatSlackPutOff_isNotWoken()
    {
        SIGNALBOX_STORE(f);
        someWork(f, u"ratelimited"_s);
        QCOMPARE(noteToken(f, u"p1"_s).woken, 0);
    }

    void rights_areProvedByANewTokenOrByAPost()
    {
        SIGNALBOX_STORE(f);
        f.ingest(u"a"_s, u"t1"_s);
        QVERIFY(noteToken(f, u"p1"_s).news);
        QVERIFY(noteTrouble(f, u"missing_scope"_s));
        QVERIFY(!noteToken(f, u"p1"_s).news);
        QCOMPARE(row(f).health.trouble, u"missing_scope"_s);
        QVERIFY(noteToken(f, u"p1"_s, true).news);
        QCOMPARE(row(f).health.trouble, QString());
        QVERIFY(noteTrouble(f, u"missing_scope"_s));
        QVERIFY(noteToken(f, u"p2"_s).news);
        QCOMPARE(row(f).health.trouble, QString());
        QVERIFY(noteTrouble(f, u"app_mismatch"_s));
        QVERIFY(noteToken(f, u"p3"_s).news);
        QCOMPARE(row(f).health.trouble, u"app_mismatch"_s); // says nothing of that
    }

    void uninstalled_endsEverythingThatWaits()
    {
        SIGNALBOX_STORE(f);
        someWork(f);
        QVERIFY(noteToken(f, u"p1"_s).news);
        const Revoked gone = revoke(f, true, u"e-1"_s);
        QVERIFY(gone.news);
        QCOMPARE(gone.outbound, 1);
        QCOMPARE(gone.deliveries, 1);
        const InstallationRow known = row(f);
        QCOMPARE(known.state, u"revoked"_s);
        QCOMPARE(known.health.trouble, u"app_uninstalled"_s);
        QCOMPARE(known.health.sealedToken, QString());
        QCOMPARE(known.health.refusedPrint, u"p1"_s);
        QCOMPARE(f.state(u"d-a"_s), u"dead"_s);
        QCOMPARE(f.state(u"d-b"_s), u"dead"_s);
        QCOMPARE(
            f.sql(u"SELECT error_code FROM deliveries WHERE id = 'd-a'"_s).toString(), u"app_uninstalled"_s);
        QVERIFY(f.sql(u"SELECT error_text FROM deliveries WHERE id = 'd-b'"_s)
                    .toString()
                    .contains(u"no notice"_s));
        QCOMPARE(f.sql(u"SELECT state || ':' || error_code FROM outbound_messages"_s).toString(),
            u"dead:app_uninstalled"_s);
        QVERIFY(f.claim(f.engine(u"e1"_s)).empty());
        // The same event, and another one that says it again.
        QVERIFY(!revoke(f, true, u"e-1"_s).news);
        QVERIFY(!revoke(f, true, u"e-2"_s).news);
        QCOMPARE(row(f).rev, known.rev);
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM disconnects"_s).toInt(), 1);
        QVERIFY(!noteTrouble(f, u"token_revoked"_s));
    }

    void aPromptThatMayHaveLeft_isUnconfirmed()
    {
        SIGNALBOX_STORE(f);
        f.ingest(u"a"_s, u"t1"_s);
        const auto claimed = f.claim(f.engine());
        QVERIFY(f.begin(claimed.at(0)));
        (void)f.engine(); // its next life hands it back
        QCOMPARE(revoke(f, true, u"e-1"_s).deliveries, 1);
        QCOMPARE(f.state(u"d-a"_s), u"unconfirmed"_s);
    }

    void aTurnThatRuns_isLeftAlone()
    {
        SIGNALBOX_STORE(f);
        f.ingest(u"a"_s, u"t1"_s);
        const EngineLife life = f.engine();
        const auto claimed = f.claim(life);
        QCOMPARE(revoke(f, true, u"e-1"_s).deliveries, 0);
        QCOMPARE(f.state(u"d-a"_s), u"running"_s);
        f.finish(
            claimed.at(0), domain::DeliveryState::Waiting, {StoreFixture::draft(u"d-a"_s, u"reply:1"_s)});
        const auto rows = f.claimOutbound(life);
        QCOMPARE(rows.size(), size_t(1));
        QVERIFY(rows[0].revoked);
    }

    void aRevokedToken_waitsForAnother()
    {
        SIGNALBOX_STORE(f);
        someWork(f);
        QVERIFY(noteToken(f, u"p1"_s).news);
        QVERIFY(revoke(f, false, u"e-1"_s).news);
        InstallationRow known = row(f);
        QCOMPARE(known.state, u"active"_s);
        QCOMPARE(known.health.trouble, u"token_revoked"_s);
        QCOMPARE(known.health.refusedPrint, QString()); // the event names no token: ours may be a newer one
        QCOMPARE(f.state(u"d-a"_s), u"waiting:outbound"_s);
        QCOMPARE(f.state(u"d-b"_s), u"pending"_s);
        QVERIFY(!revoke(f, false, u"e-2"_s).news);
        QVERIFY(disconnects(f).empty());
        QVERIFY(noteToken(f, u"p2"_s).news);
        QCOMPARE(row(f).health.trouble, QString());
    }

    void aNewToken_bringsARevokedInstallationBack()
    {
        SIGNALBOX_STORE(f);
        f.ingest(u"a"_s, u"t1"_s);
        QVERIFY(revoke(f, true, u"e-1"_s, u"p1"_s).news);
        QVERIFY(noteToken(f, u"p1"_s).refused);
        QCOMPARE(row(f).state, u"revoked"_s);
        QVERIFY(noteToken(f, u"p2"_s).news);
        QCOMPARE(row(f).state, u"active"_s);
        QCOMPARE(row(f).health.trouble, QString());
        QVERIFY(disconnects(f).empty()); // the registry has it again
        QVERIFY(revoke(f, true, u"e-2"_s).news);
        QCOMPARE(disconnects(f).size(), size_t(1));
    }

    void aLateEvent_saysNothingOfANewerToken()
    {
        SIGNALBOX_STORE(f);
        f.ingest(u"a"_s, u"t1"_s);
        QVERIFY(noteToken(f, u"p1"_s).news);
        RevokeInstallation late;
        late.installationId = kId;
        late.uninstalled = true;
        const qint64 now = f.sql(u"SELECT token_at FROM installations"_s).toLongLong();
        late.eventAt = fromMs(now - 120'000);
        QVERIFY(!async::blockOn(f.db().revoke(late))->news);
        QCOMPARE(row(f).state, u"active"_s);
        late.eventAt = fromMs(now - 1000); // clocks differ
        QVERIFY(async::blockOn(f.db().revoke(late))->news);
    }

    void aRegistry_isToldUntilItKnows()
    {
        SIGNALBOX_STORE(f);
        f.ingest(u"a"_s, u"t1"_s);
        QVERIFY(revoke(f, true, u"e-1"_s).news);
        auto claimed = disconnects(f);
        QCOMPARE(claimed.size(), size_t(1));
        QCOMPARE(claimed[0].backend, u"agent"_s);
        QCOMPARE(claimed[0].tenant, u"T1"_s);
        QCOMPARE(claimed[0].attempts, 1);
        QVERIFY(disconnects(f).empty()); // somebody is at it
        FinishDisconnect finish;
        finish.installationId = kId;
        finish.attempts = 1;
        finish.errorCode = u"http_502"_s;
        finish.dueIn = Millis(-1000);
        QVERIFY(async::blockOn(f.db().finishDisconnect(finish)));
        const auto items = async::blockOn(f.db().installationItems());
        QCOMPARE(items->first().disconnectError, u"http_502"_s);
        QCOMPARE(items->first().disconnectAttempts, 1);
        // Whoever took it may have died: it is due again by itself.
        QCOMPARE(disconnects(f, Millis(-1000)).size(), size_t(1));
        claimed = disconnects(f);
        QCOMPARE(claimed.at(0).attempts, 3);
        finish.attempts = 2; // an answer to an earlier try
        finish.done = true;
        QVERIFY(async::blockOn(f.db().finishDisconnect(finish)));
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM disconnects"_s).toInt(), 1);
        finish.attempts = 3;
        QVERIFY(async::blockOn(f.db().finishDisconnect(finish)));
        QCOMPARE(f.sql(u"SELECT COUNT(*) FROM disconnects"_s).toInt(), 0);
    }

    void everyChange_isInTheFeed()
    {
        SIGNALBOX_STORE(f);
        f.ingest(u"a"_s, u"t1"_s);
        const auto count = [&] {
            return f.sql(u"SELECT COUNT(*) FROM feed WHERE kind = 'installation' AND entity_id = 'in1'"_s)
                .toInt();
        };
        int before = count();
        QVERIFY(async::blockOn(f.db().noteApp(kId, u"A1"_s)));
        QCOMPARE(count(), ++before);
        QVERIFY(async::blockOn(f.db().noteApp(kId, u"A1"_s)));
        QCOMPARE(count(), before);
        QVERIFY(noteTrouble(f, u"token_missing"_s));
        QCOMPARE(count(), ++before);
        QVERIFY(noteToken(f, u"p1"_s).news);
        QCOMPARE(count(), ++before);
        QVERIFY(revoke(f, true, u"e-1"_s).news);
        QCOMPARE(count(), ++before);
        QCOMPARE(row(f).health.seenApp, u"A1"_s);
    }
};

QTEST_GUILESS_MAIN(StoreInstallationsTest)
#include "tst_store_installations.moc"
