// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace signalbox {

namespace {
// Fetched once: OpenSSL 3 looks an algorithm up under a lock at each use otherwise.
const EVP_MD *sha256Algorithm()
{
    static const EVP_MD *const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return algorithm;
}

// One for each thread, keyed anew at each use.
EVP_MAC_CTX *hmacContext()
{
    struct Context
    {
        Context()
        {
            EVP_MAC *hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
            value = EVP_MAC_CTX_new(hmac);
            EVP_MAC_free(hmac);
            char digest[] = "SHA256";
            const OSSL_PARAM parameters[]{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                OSSL_PARAM_construct_end()};
            EVP_MAC_CTX_set_params(value, parameters);
        }
        ~Context() { EVP_MAC_CTX_free(value); }
        Context(const Context &) = delete;
        Context &operator=(const Context &) = delete;
        EVP_MAC_CTX *value = nullptr;
    };
    thread_local Context context;
    return context.value;
}

} // namespace

QByteArray sha256(QByteArrayView data)
{
    QByteArray out(EVP_MAX_MD_SIZE, Qt::Uninitialized);
    unsigned int length = 0;
    EVP_Digest(data.data(), static_cast<size_t>(data.size()), reinterpret_cast<unsigned char *>(out.data()),
        &length, sha256Algorithm(), nullptr);
    out.truncate(static_cast<qsizetype>(length));
    return out;
}

QByteArray hmacSha256(QByteArrayView key, QByteArrayView data)
{
    QByteArray out(EVP_MAX_MD_SIZE, Qt::Uninitialized);
    size_t length = 0;
    EVP_MAC_CTX *context = hmacContext();
    // OpenSSL takes a null pointer for "the key of the last call"; an empty key is a key like any other.
    const auto *secret = reinterpret_cast<const unsigned char *>(key.isEmpty() ? "" : key.data());
    EVP_MAC_init(context, secret, static_cast<size_t>(key.size()), nullptr);
    EVP_MAC_update(
        context, reinterpret_cast<const unsigned char *>(data.data()), static_cast<size_t>(data.size()));
    EVP_MAC_final(
        context, reinterpret_cast<unsigned char *>(out.data()), &length, static_cast<size_t>(out.size()));
    out.truncate(static_cast<qsizetype>(length));
    return out;
}

bool equalConstantTime(QByteArrayView a, QByteArrayView b)
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), static_cast<size_t>(a.size())) == 0;
}

} // namespace signalbox
