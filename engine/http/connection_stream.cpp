// SPDX-License-Identifier: Apache-2.0
#include "http/body_stream.h"
#include "http/connection_p.h"
#include "http/response_writer_p.h"

#include <limits>

// Answers without a length: the part of a connection that serves them.

namespace signalbox::http {

namespace {
constexpr qint64 kNever = std::numeric_limits<qint64>::max();
}

void BodyStream::write(const QByteArray &bytes)
{
    if (m_connection && !bytes.isEmpty())
        m_connection->writeToStream(bytes);
}

qint64 BodyStream::pending() const
{
    return m_connection ? m_connection->m_socket->bytesToWrite() : 0;
}

void BodyStream::end()
{
    if (m_connection)
        m_connection->endStream();
}

void BodyStream::detach()
{
    m_connection = nullptr;
    Q_EMIT changed();
}

void Connection::startStream(Response response)
{
    WriteOptions options;
    options.toHead = m_toHead;
    options.http11 = m_http11;
    options.keepAlive = false;
    options.streams = true;
    options.date = m_server->date();
    const QByteArray head = serialize(response, options);
    m_closeAfterWrite = true;
    m_parser.reset();
    m_state = State::Streaming;
    m_deadline = kNever;
    m_stream = std::make_shared<BodyStream>(this);
    m_write.begin(m_server->m_limits, m_server->now(), head.size());
    m_deadline = m_write.at();
    m_socket->write(head);
    m_socket->flush();
    noteFlushed();
    const auto stream = m_stream; // its writer may end it at once
    if (m_toHead)
        endStream();
    else if (stream)
        response.stream(stream);
}

void Connection::writeToStream(const QByteArray &bytes)
{
    if (m_state != State::Streaming)
        return;
    if (m_socket->bytesToWrite() == 0) {
        m_write.begin(m_server->m_limits, m_server->now(), bytes.size());
        m_deadline = m_write.at();
    }
    if (m_http11) {
        m_socket->write(QByteArray::number(bytes.size(), 16) + "\r\n");
        m_socket->write(bytes);
        m_socket->write("\r\n");
    } else {
        m_socket->write(bytes);
    }
    m_socket->flush();
    noteFlushed();
}

void Connection::noteFlushed()
{
    if (m_state == State::Streaming && m_socket->bytesToWrite() == 0)
        streamWritten();
}

// The peer has taken something.
void Connection::streamWritten()
{
    if (m_state != State::Streaming)
        return;
    if (m_socket->bytesToWrite() > 0) {
        m_write.progressed(m_server->now());
        m_deadline = m_write.at();
        return;
    }
    m_deadline = kNever;
    Q_EMIT m_stream->changed();
}

void Connection::endStream()
{
    if (m_state != State::Streaming)
        return;
    if (m_http11 && !m_toHead)
        m_socket->write("0\r\n\r\n");
    m_write.begin(m_server->m_limits, m_server->now(), m_socket->bytesToWrite());
    m_state = State::Writing;
    m_deadline = m_write.at();
    closeStream();
    m_socket->flush();
    if (m_state == State::Writing)
        written();
}

void Connection::closeStream()
{
    if (const auto stream = std::exchange(m_stream, nullptr))
        stream->detach();
}

} // namespace signalbox::http
