// SPDX-License-Identifier: Apache-2.0
#include "gateway/webhook_signature.h"

#include <QTest>

using namespace signalbox;
using namespace signalbox::gateway;

// Against the vector that the libraries of Standard Webhooks test themselves with.
class WebhookSignatureTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void isThatOfTheStandard();
    void holdsOneForEachSecretInUse();
    void takesPlainSecretsAsTheyAre();
    void changesWithEveryPart();

private:
    static QByteArray sign(const QList<Secret> &secrets,
        const QByteArray &id = "msg_p5jXN8AQM9LWM0D4loKWxJek", qint64 at = 1614265330,
        const QByteArray &body = "{\"test\": 2432232314}")
    {
        return webhookSignature(secrets, id, at, body);
    }
    const Secret m_known{QByteArray("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")};
};

void WebhookSignatureTest::isThatOfTheStandard()
{
    QCOMPARE(sign({m_known}), QByteArray("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

void WebhookSignatureTest::holdsOneForEachSecretInUse()
{
    const QList<QByteArray> both = sign({m_known, Secret("other")}).split(' ');
    QCOMPARE(both.size(), 2);
    QCOMPARE(both[0], sign({m_known}));
    QCOMPARE(both[1], sign({Secret("other")}));
    QVERIFY(sign({}).isEmpty());
}

void WebhookSignatureTest::takesPlainSecretsAsTheyAre()
{
    QVERIFY(sign({Secret("abc")}) != sign({Secret("abd")}));
    // Not base64: the whole text is the key, rather than no key at all.
    QVERIFY(sign({Secret("whsec_***")}) != sign({Secret("")}));
}

void WebhookSignatureTest::changesWithEveryPart()
{
    const QByteArray one = sign({m_known});
    QVERIFY(sign({m_known}, "msg_other") != one);
    QVERIFY(sign({m_known}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265331) != one);
    QVERIFY(sign({m_known}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{}") != one);
}

QTEST_GUILESS_MAIN(WebhookSignatureTest)
#include "tst_webhook_signature.moc"
