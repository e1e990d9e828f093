// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.h"

#include <memory>

namespace signalbox::http {

// Frames one request with Boost.Beast's parser and holds it to what is stricter here: one decimal
// Content-Length, never together with a transfer coding; one Host; no line ends but CRLF. Reusable after
// reset(). No socket, no time.
class RequestParser
{
public:
    RequestParser();
    ~RequestParser();
    Q_DISABLE_COPY_MOVE(RequestParser)

    void reset();
    // A whole head with its empty line. 0, or the status that refuses it.
    [[nodiscard]] int parseHead(QByteArrayView head);

    // After parseHead().
    [[nodiscard]] Request &request();
    [[nodiscard]] const QByteArray &target() const; // origin form, still encoded, without the query
    [[nodiscard]] bool isHttp11() const;
    [[nodiscard]] bool keepAlive() const;
    [[nodiscard]] bool asksForWebSocket() const;
    [[nodiscard]] QByteArray expectation() const;
    [[nodiscard]] bool isDone() const; // head and body complete
    // The announced length; 0 without a body, -1 when chunked.
    [[nodiscard]] qint64 contentLength() const;

    // Bounds a chunked body; call before the first body byte.
    void limitBody(qint64 bytes);
    // Takes body bytes; returns how many. The caller offers the rest again, with more. `status` is set when
    // the body is refused.
    [[nodiscard]] qsizetype putBody(QByteArrayView bytes, int &status);

private:
    class Frame;
    std::unique_ptr<Frame> m_frame;
};

} // namespace signalbox::http
