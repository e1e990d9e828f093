// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QByteArrayView>
#include <QString>

namespace signalbox {

// Makes ids and random bytes. Thread-safe. Handed in so that tests can make them predictable.
class IdGenerator
{
public:
    virtual ~IdGenerator() = default;
    // A UUIDv7 as 36 lower-case characters: ordered by time, so that tables grow at their end.
    [[nodiscard]] virtual QString next() = 0;
    [[nodiscard]] virtual QByteArray randomBytes(int count) = 0;
};

class SystemIdGenerator final : public IdGenerator
{
public:
    explicit SystemIdGenerator(const Clock &clock);
    [[nodiscard]] QString next() override;
    [[nodiscard]] QByteArray randomBytes(int count) override;

private:
    const Clock &m_clock;
};

// A UUIDv5 of `name` in Signalbox's own namespace: the same name gives the same id for ever (client_msg_id of
// an outbound message, contracts/slack.md §3 "Idempotency").
[[nodiscard]] QString uuidV5(QByteArrayView name);

} // namespace signalbox
