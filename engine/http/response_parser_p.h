// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.h"

#include <memory>

namespace signalbox::http {

// Frames one response with Boost.Beast's parser. Interim answers (1xx) are read over. Reusable after reset().
class ResponseParser
{
public:
    enum class Outcome { NeedMore, Done, Bad, TooLarge };

    ResponseParser();
    ~ResponseParser();
    Q_DISABLE_COPY_MOVE(ResponseParser)

    void reset(bool toHead, qint64 maxBodyBytes);
    // Takes bytes; `used` says how many. The caller offers the rest again, with more.
    [[nodiscard]] Outcome put(QByteArrayView bytes, qsizetype &used);
    // The peer has closed: Done when that ends the body, else Bad.
    [[nodiscard]] Outcome putEof();

    [[nodiscard]] bool gotAnything() const;
    // After Done.
    [[nodiscard]] bool keepAlive() const;
    [[nodiscard]] Response takeResponse();

private:
    class Frame;
    std::unique_ptr<Frame> m_frame;
};

} // namespace signalbox::http
