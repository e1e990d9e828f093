// SPDX-License-Identifier: Apache-2.0
#include "base/seal.h"

#include "base/hash.h"

#include <QFile>
#include <QFileInfo>

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace Qt::StringLiterals;

namespace signalbox {

namespace {

constexpr int kNonceBytes = 12;
constexpr int kTagBytes = 16;
constexpr char kVersion[] = "v1";

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char *bytes(QByteArrayView view)
{
    return reinterpret_cast<const unsigned char *>(view.data());
}

unsigned char *bytes(QByteArray &array)
{
    return reinterpret_cast<unsigned char *>(array.data());
}

QByteArray randomBytes(int count)
{
    QByteArray out(count, Qt::Uninitialized);
    return RAND_bytes(bytes(out), count) == 1 ? out : QByteArray();
}

// What the tag vouches for besides the secret itself.
QByteArray associated(const QByteArray &keyId, QByteArrayView place)
{
    return QByteArray(kVersion) + '|' + keyId + '|' + place.toByteArray();
}

Error unusable(ErrorCode code, const QString &path, const QString &what)
{
    return Error(code, u"the secret key file %1 %2"_s.arg(path, what), u"secret_key"_s);
}

Error damaged()
{
    return Error(
        ErrorCode::Corrupt, u"the sealed value does not open in this place"_s, u"sealed_value_damaged"_s);
}

// In one step that fails when somebody else was faster; then theirs is read.
Status makeKeyFile(const QString &path)
{
    const QByteArray key = randomBytes(static_cast<int>(Sealer::kKeyBytes));
    const QByteArray name = QFile::encodeName(path);
    const QByteArray made = name + ".new." + randomBytes(8).toHex();
    const int file = ::open(made.constData(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || key.isEmpty()) {
        if (file >= 0)
            ::close(file);
        return fail(unusable(ErrorCode::Unavailable, path, u"cannot be made"_s));
    }
    const QByteArray line = key.toHex() + '\n';
    const bool written = ::write(file, line.constData(), static_cast<size_t>(line.size())) == line.size()
        && ::fsync(file) == 0;
    const bool closed = ::close(file) == 0;
    const bool linked
        = written && closed && (::link(made.constData(), name.constData()) == 0 || errno == EEXIST);
    ::unlink(made.constData());
    if (!linked)
        return fail(unusable(ErrorCode::Unavailable, path, u"cannot be made"_s));
    return {};
}

} // namespace

Sealer::Sealer(Secret key)
    : m_key(std::move(key))
    , m_keyId(hmacSha256(m_key.reveal(), "signalbox key id").first(8).toHex())
{
}

Result<Sealer> Sealer::withKey(const Secret &key)
{
    if (key.reveal().size() != kKeyBytes)
        return fail(Error(ErrorCode::InvalidInput, u"a key has 32 bytes"_s, u"secret_key"_s));
    return Sealer(key);
}

Result<Sealer> Sealer::withKeyFile(const QString &path, bool mayMake)
{
    if (mayMake && !QFileInfo::exists(path)) {
        if (auto made = makeKeyFile(path); !made)
            return fail(made.error());
    }
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) {
        return fail(unusable(QFileInfo::exists(path) ? ErrorCode::Unavailable : ErrorCode::InvalidInput, path,
            u"cannot be read: "_s + file.errorString()));
    }
    struct ::stat about
    {
    };
    if (::fstat(file.handle(), &about) != 0 || (about.st_mode & 077) != 0) {
        return fail(unusable(ErrorCode::InvalidInput, path,
            u"can be used by others than its owner; run: chmod 600 "_s + path));
    }
    const QByteArray text = file.read(4096).trimmed();
    const Secret key(QByteArray::fromHex(text));
    if (text.size() != 2 * kKeyBytes || key.reveal().toHex() != text.toLower()) {
        return fail(unusable(ErrorCode::InvalidInput, path,
            u"does not hold a key: 64 hexadecimal digits, as of \"openssl rand -hex 32\""_s));
    }
    return Sealer(key);
}

Result<QString> Sealer::seal(const Secret &secret, QByteArrayView place) const
{
    const Error failed(ErrorCode::Internal, u"a value could not be sealed"_s, u"seal"_s);
    const QByteArray nonce = randomBytes(kNonceBytes);
    const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    if (m_key.isEmpty() || nonce.isEmpty() || !cipher)
        return fail(failed);
    const QByteArray data = associated(m_keyId, place);
    const QByteArray &plain = secret.reveal();
    QByteArray sealed(plain.size(), Qt::Uninitialized);
    QByteArray tag(kTagBytes, Qt::Uninitialized);
    int length = 0;
    const bool done
        = EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(m_key.reveal()), bytes(nonce))
            == 1
        && EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes(data), static_cast<int>(data.size())) == 1
        && EVP_EncryptUpdate(
               cipher.get(), bytes(sealed), &length, bytes(plain), static_cast<int>(plain.size()))
            == 1
        && EVP_EncryptFinal_ex(cipher.get(), bytes(tag), &length) == 1
        && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
    if (!done)
        return fail(failed);
    return QString::fromLatin1(
        QByteArray(kVersion) + ':' + m_keyId + ':' + (nonce + sealed + tag).toBase64());
}

Result<Secret> Sealer::open(const QString &sealed, QByteArrayView place) const
{
    const QStringList parts = sealed.split(u':');
    if (parts.size() != 3 || parts[0] != QLatin1StringView(kVersion))
        return fail(damaged());
    if (m_key.isEmpty() || parts[1].toLatin1() != m_keyId) {
        return fail(Error(
            ErrorCode::Conflict, u"the value was sealed with another key"_s, u"sealed_with_another_key"_s));
    }
    const auto decoded
        = QByteArray::fromBase64Encoding(parts[2].toLatin1(), QByteArray::AbortOnBase64DecodingErrors);
    // One value has one spelling: nothing of it can be changed unseen, not even its padding.
    if (!decoded || (*decoded).size() < kNonceBytes + kTagBytes
        || (*decoded).toBase64() != parts[2].toLatin1())
        return fail(damaged());
    const QByteArray &all = *decoded;
    const QByteArrayView nonce = QByteArrayView(all).first(kNonceBytes);
    QByteArray tag = all.last(kTagBytes);
    const QByteArray body = all.sliced(kNonceBytes, all.size() - kNonceBytes - kTagBytes);
    const QByteArray data = associated(m_keyId, place);
    const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    QByteArray plain(body.size(), Qt::Uninitialized);
    QByteArray rest(kTagBytes, Qt::Uninitialized);
    int length = 0;
    const bool done = cipher
        && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(m_key.reveal()), bytes(nonce))
            == 1
        && EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes(data), static_cast<int>(data.size())) == 1
        && EVP_DecryptUpdate(cipher.get(), bytes(plain), &length, bytes(body), static_cast<int>(body.size()))
            == 1
        && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1
        && EVP_DecryptFinal_ex(cipher.get(), bytes(rest), &length) == 1;
    if (!done)
        return fail(damaged());
    return Secret(plain);
}

QString fingerprint(const Secret &secret)
{
    if (secret.isEmpty())
        return {};
    return QString::fromLatin1(sha256("signalbox fingerprint|" + secret.reveal()).first(16).toHex());
}

} // namespace signalbox
