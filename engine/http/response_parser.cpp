// SPDX-License-Identifier: Apache-2.0
#include "http/field_names_p.h"
#include "http/response_parser_p.h"

#include <boost/beast/http/basic_parser.hpp>
#include <optional>

namespace signalbox::http {

namespace beast = boost::beast;
using beast::http::field;
using ErrorCodeOut = boost::system::error_code;

namespace {

constexpr std::uint32_t kMaxHeadBytes = 64 * 1024;
constexpr int kMaxInterim = 8;
// The shortest rest of a chunked body, "0", CRLF, CRLF. Boost 1.81 asserts when it is offered less of the
// last chunk twice; remove when basic_parser::parse_chunk_header no longer does.
constexpr qsizetype kShortestChunkHeader = 5;

QByteArrayView view(beast::string_view text)
{
    return QByteArrayView(text.data(), static_cast<qsizetype>(text.size()));
}

class Parser final : public beast::http::basic_parser<false>
{
public:
    explicit Parser(bool toHead, qint64 maxBody)
        : m_maxBody(maxBody)
    {
        eager(true);
        header_limit(kMaxHeadBytes);
        body_limit(static_cast<std::uint64_t>(maxBody));
        skip(toHead);
    }
    Response response;
    bool inHead = true;
    std::uint64_t chunkLeft = 0;

private:
    void on_response_impl(int status, beast::string_view, int, ErrorCodeOut &) override
    {
        response.status = status;
    }
    void on_field_impl(
        field name, beast::string_view text, beast::string_view value, ErrorCodeOut &error) override
    {
        if (!inHead)
            return; // trailers are read and dropped
        const bool coded = name == field::transfer_encoding;
        if (coded && (value.size() != 7 || qstrnicmp(value.data(), 7, "chunked", 7) != 0)) {
            error = beast::http::make_error_code(beast::http::error::bad_transfer_encoding);
            return;
        }
        response.headers.add(fieldName(view(text)), view(value).toByteArray());
    }
    void on_header_impl(ErrorCodeOut &) override { inHead = false; }
    void on_body_init_impl(const boost::optional<std::uint64_t> &length, ErrorCodeOut &) override
    {
        // A lie about the length must not cost memory.
        constexpr std::uint64_t kAtOnce = 64 * 1024;
        if (length)
            response.body.reserve(static_cast<qsizetype>(std::min(*length, kAtOnce)));
    }
    std::size_t on_body_impl(beast::string_view body, ErrorCodeOut &error) override
    {
        return append(body, error);
    }
    void on_chunk_header_impl(std::uint64_t size, beast::string_view, ErrorCodeOut &) override
    {
        chunkLeft = size;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, ErrorCodeOut &error) override
    {
        const std::size_t taken = append(body, error);
        chunkLeft -= taken;
        return taken;
    }
    void on_finish_impl(ErrorCodeOut &) override { }
    void on_request_impl(
        beast::http::verb, beast::string_view, beast::string_view, int, ErrorCodeOut &) override
    {
    }

    std::size_t append(beast::string_view body, ErrorCodeOut &error)
    {
        if (response.body.size() + static_cast<qint64>(body.size()) > m_maxBody) {
            error = beast::http::make_error_code(beast::http::error::body_limit);
            return 0;
        }
        response.body.append(view(body));
        return body.size();
    }
    qint64 m_maxBody;
};

} // namespace

class ResponseParser::Frame
{
public:
    std::optional<Parser> parser;
    bool toHead = false;
    qint64 maxBody = 0;
    qint64 headBytes = 0;
    int interim = 0;
    bool started = false;

    void restart() { parser.emplace(toHead, maxBody); }
};

ResponseParser::ResponseParser()
    : m_frame(std::make_unique<Frame>())
{
    reset(false, 0);
}

ResponseParser::~ResponseParser() = default;

void ResponseParser::reset(bool toHead, qint64 maxBodyBytes)
{
    m_frame->toHead = toHead;
    m_frame->maxBody = std::max<qint64>(maxBodyBytes, 0);
    m_frame->headBytes = 0;
    m_frame->interim = 0;
    m_frame->started = false;
    m_frame->restart();
}

ResponseParser::Outcome ResponseParser::put(QByteArrayView bytes, qsizetype &used)
{
    used = 0;
    m_frame->started = m_frame->started || !bytes.isEmpty();
    while (used < bytes.size()) {
        Parser &parser = *m_frame->parser;
        const bool inHead = parser.inHead;
        if (!inHead && parser.chunked() && parser.chunkLeft == 0
            && bytes.size() - used < kShortestChunkHeader)
            return Outcome::NeedMore;
        ErrorCodeOut error;
        const boost::asio::const_buffer rest(bytes.data() + used, static_cast<size_t>(bytes.size() - used));
        const auto taken = static_cast<qsizetype>(parser.put(rest, error));
        used += taken;
        // Fields are taken one by one, so the head as a whole is bounded here.
        if (inHead && parser.inHead)
            m_frame->headBytes += taken;
        if (m_frame->headBytes > kMaxHeadBytes)
            return Outcome::TooLarge;
        if (error == beast::http::error::need_more)
            return bytes.size() - used > kMaxHeadBytes ? Outcome::TooLarge : Outcome::NeedMore;
        if (error == beast::http::error::body_limit || error == beast::http::error::header_limit)
            return Outcome::TooLarge;
        if (error)
            return Outcome::Bad;
        if (!parser.is_done())
            continue;
        if (parser.response.status / 100 != 1)
            return Outcome::Done;
        if (parser.response.status == 101 || ++m_frame->interim > kMaxInterim)
            return Outcome::Bad; // nobody asked for an upgrade
        m_frame->restart();
    }
    return Outcome::NeedMore;
}

ResponseParser::Outcome ResponseParser::putEof()
{
    Parser &parser = *m_frame->parser;
    if (parser.inHead)
        return Outcome::Bad;
    ErrorCodeOut error;
    parser.put_eof(error);
    return error ? Outcome::Bad : Outcome::Done;
}

bool ResponseParser::gotAnything() const
{
    return m_frame->started;
}

bool ResponseParser::keepAlive() const
{
    return m_frame->parser->keep_alive();
}

Response ResponseParser::takeResponse()
{
    return std::move(m_frame->parser->response);
}

} // namespace signalbox::http
