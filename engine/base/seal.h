// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/secret.h"

#include <QByteArrayView>
#include <QString>

namespace signalbox {

// Seals small secrets for a database (DESIGN.md "Security and privacy"): AES-256-GCM, a random 96-bit nonce
// for each value, and the value's place as associated data, so that a sealed value opens in its own row
// alone. Thread-safe.
class Sealer
{
public:
    static constexpr qsizetype kKeyBytes = 32;

    // Of no key: seals nothing, and opens nothing.
    Sealer() = default;
    // InvalidInput unless the key has kKeyBytes.
    [[nodiscard]] static Result<Sealer> withKey(const Secret &key);
    // The key in a file of 64 hexadecimal digits that nobody but its owner may read. `mayMake`: one that is
    // not there is made, mode 0600. InvalidInput, native "secret_key", saying what is wrong with the file;
    // Unavailable, with the same native, when it cannot be read or made. Blocks: only at start.
    [[nodiscard]] static Result<Sealer> withKeyFile(const QString &path, bool mayMake);

    // "v1:<key id>:<base64 of nonce, ciphertext and tag>". `place` names the table, the row and the column.
    [[nodiscard]] Result<QString> seal(const Secret &secret, QByteArrayView place) const;
    // Conflict, native "sealed_with_another_key"; Corrupt, native "sealed_value_damaged": changed, cut, or of
    // another place.
    [[nodiscard]] Result<Secret> open(const QString &sealed, QByteArrayView place) const;

private:
    explicit Sealer(Secret key);
    Secret m_key;
    QByteArray m_keyId; // tells keys apart and tells nothing else of them
};

// Tells two secrets of much entropy apart, without telling anything else of them: 32 hexadecimal digits.
[[nodiscard]] QString fingerprint(const Secret &secret);

} // namespace signalbox
