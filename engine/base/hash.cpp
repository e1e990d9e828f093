// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace signalbox {

QByteArray sha256(QByteArrayView data)
{
    QByteArray out(EVP_MAX_MD_SIZE, Qt::Uninitialized);
    unsigned int length = 0;
    EVP_Digest(data.data(), static_cast<size_t>(data.size()), reinterpret_cast<unsigned char *>(out.data()), &length,
               EVP_sha256(), nullptr);
    out.truncate(static_cast<qsizetype>(length));
    return out;
}

QByteArray hmacSha256(QByteArrayView key, QByteArrayView data)
{
    QByteArray out(EVP_MAX_MD_SIZE, Qt::Uninitialized);
    unsigned int length = 0;
    // OpenSSL takes a null pointer for "the key of the last call" and fails; an empty key is a key like any other.
    HMAC(EVP_sha256(), key.isEmpty() ? "" : key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char *>(data.data()),
         static_cast<size_t>(data.size()), reinterpret_cast<unsigned char *>(out.data()), &length);
    out.truncate(static_cast<qsizetype>(length));
    return out;
}

bool equalConstantTime(QByteArrayView a, QByteArrayView b)
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), static_cast<size_t>(a.size())) == 0;
}

} // namespace signalbox
