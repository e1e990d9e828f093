// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <QUuid>

#include <array>
#include <atomic>
#include <cstring>
#include <openssl/rand.h>

using namespace Qt::StringLiterals;

namespace signalbox {

namespace {
// Random bytes are drawn in blocks: one OpenSSL call for each id would cost more than the id.
void fillRandom(unsigned char *out, size_t count)
{
    thread_local std::array<unsigned char, 4096> block;
    thread_local size_t used = block.size();
    if (used + count > block.size()) {
        RAND_bytes(block.data(), static_cast<int>(block.size()));
        used = 0;
    }
    std::memcpy(out, block.data() + used, count);
    used += count;
}
} // namespace

SystemIdGenerator::SystemIdGenerator(const Clock &clock)
    : m_clock(clock)
{
}

QString SystemIdGenerator::next()
{
    // A process-wide counter in the 12 bits after the time keeps ids of one millisecond in the order they
    // were made.
    static std::atomic<quint64> last{0};
    const quint64 now = static_cast<quint64>(toMs(m_clock.now())) << 12;
    quint64 seen = last.load(std::memory_order_relaxed);
    quint64 mine = 0;
    do {
        mine = std::max(now, seen + 1);
    } while (!last.compare_exchange_weak(seen, mine, std::memory_order_relaxed));

    std::array<unsigned char, 16> id{};
    const quint64 ms = mine >> 12;
    for (int i = 0; i < 6; ++i)
        id[static_cast<size_t>(i)] = static_cast<unsigned char>(ms >> (40 - 8 * i));
    id[6] = static_cast<unsigned char>(0x70 | ((mine >> 8) & 0x0f));
    id[7] = static_cast<unsigned char>(mine & 0xff);
    fillRandom(id.data() + 8, 8);
    id[8] = static_cast<unsigned char>((id[8] & 0x3f) | 0x80);

    static constexpr char16_t kHex[] = u"0123456789abcdef";
    QString text(36, Qt::Uninitialized);
    auto *out = reinterpret_cast<char16_t *>(text.data());
    for (size_t i = 0; i < id.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = u'-';
        *out++ = kHex[id[i] >> 4];
        *out++ = kHex[id[i] & 0x0f];
    }
    return text;
}

QByteArray SystemIdGenerator::randomBytes(int count)
{
    QByteArray bytes(count, Qt::Uninitialized);
    RAND_bytes(reinterpret_cast<unsigned char *>(bytes.data()), count);
    return bytes;
}

QString uuidV5(QByteArrayView name)
{
    static const QUuid kNamespace(u"8e0f6d3a-52f4-4c53-9f2b-6a1f0f6f7c21"_s);
    return QUuid::createUuidV5(kNamespace, name.toByteArray()).toString(QUuid::WithoutBraces);
}

} // namespace signalbox
