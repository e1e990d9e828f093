// SPDX-License-Identifier: Apache-2.0
#include "http/field_names_p.h"
#include "http/request_parser_p.h"

#include <boost/beast/http/basic_parser.hpp>
#include <optional>

namespace signalbox::http {

namespace beast = boost::beast;
using beast::http::field;
using ErrorCodeOut = boost::system::error_code;

namespace {

// The shortest rest of a chunked body, "0", CRLF, CRLF. Boost 1.81 asserts when it is offered less of the
// last chunk twice; remove when basic_parser::parse_chunk_header no longer does.
constexpr qsizetype kShortestChunkHeader = 5;
constexpr quint64 kMaxLength = 1'000'000'000'000'000; // anything above is too large for every route

QByteArrayView view(beast::string_view text)
{
    return QByteArrayView(text.data(), static_cast<qsizetype>(text.size()));
}

// What Beast lets pass or does not tell apart: several Content-Length fields, other transfer codings.
struct Framing
{
    Framing() = default;
    int hosts = 0;
    int lengths = 0;
    int codings = 0;
    bool badLength = false;
    bool hugeLength = false;
    bool unknownCoding = false;
    bool webSocket = false;
};

class Parser final : public beast::http::basic_parser<true>
{
public:
    Parser()
    {
        eager(true);
        header_limit(
            std::numeric_limits<std::uint32_t>::max()); // the connection bounds the head before it gets here
        body_limit(boost::none);
    }

    Request request;
    QByteArray target;
    QByteArray expectation;
    Framing framing;
    bool inHead = true;
    bool http11 = true;
    std::uint64_t chunkLeft = 0;

private:
    void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view rawTarget,
        int version, ErrorCodeOut &) override
    {
        http11 = version >= 11;
        request.method = fieldName(view(method));
        target = view(rawTarget).toByteArray();
    }
    void on_field_impl(
        field name, beast::string_view text, beast::string_view value, ErrorCodeOut &error) override
    {
        if (!inHead)
            return; // trailers are read and dropped
        switch (name) {
        case field::host:
            ++framing.hosts;
            break;
        case field::content_length:
            checkLength(view(value), error);
            break;
        case field::transfer_encoding:
            checkCoding(view(value), error);
            break;
        case field::expect:
            expectation = view(value).toByteArray();
            break;
        case field::upgrade:
            framing.webSocket = view(value).toByteArray().trimmed().toLower() == "websocket";
            break;
        default:
            break;
        }
        request.headers.add(fieldName(view(text)), view(value).toByteArray());
    }
    void on_header_impl(ErrorCodeOut &) override { inHead = false; }
    void on_body_init_impl(const boost::optional<std::uint64_t> &length, ErrorCodeOut &) override
    {
        // A large announcement gets its memory as the bytes come.
        constexpr std::uint64_t kAtOnce = 64 * 1024;
        if (length)
            request.body.reserve(static_cast<qsizetype>(std::min(*length, kAtOnce)));
    }
    std::size_t on_body_impl(beast::string_view body, ErrorCodeOut &) override
    {
        request.body.append(view(body));
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t size, beast::string_view extension, ErrorCodeOut &error) override
    {
        chunkLeft = size;
        if (view(extension).contains('\n')) // Beast lets it stand inside quotes
            error = beast::http::make_error_code(beast::http::error::bad_chunk_extension);
    }
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, ErrorCodeOut &) override
    {
        chunkLeft -= body.size();
        request.body.append(view(body));
        return body.size();
    }
    void on_finish_impl(ErrorCodeOut &) override { }
    void on_response_impl(int, beast::string_view, int, ErrorCodeOut &) override { }

    void checkLength(QByteArrayView value, ErrorCodeOut &error)
    {
        ++framing.lengths;
        const bool digits = !value.isEmpty()
            && std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
        framing.badLength = framing.badLength || !digits;
        if (framing.lengths > 1 || framing.badLength)
            error = beast::http::make_error_code(beast::http::error::bad_content_length);
    }
    void checkCoding(QByteArrayView value, ErrorCodeOut &error)
    {
        ++framing.codings;
        framing.unknownCoding = value.size() != 7 || qstrnicmp(value.data(), 7, "chunked", 7) != 0;
        if (framing.codings > 1)
            error = beast::http::make_error_code(beast::http::error::bad_transfer_encoding);
    }
};

bool hasBareLineFeed(QByteArrayView text)
{
    for (qsizetype at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
        if (at == 0 || text[at - 1] != '\r')
            return true;
    }
    return false;
}

// Beast refuses a length over 2^64 as malformed; it is well-formed and too large.
bool announcesHugeLength(QByteArrayView head)
{
    static constexpr QByteArrayView kName = "\ncontent-length:";
    int found = 0;
    bool huge = false;
    for (qsizetype at = head.indexOf('\n'); at >= 0 && at + kName.size() < head.size();
         at = head.indexOf('\n', at + 1)) {
        if (qstrnicmp(head.data() + at, kName.size(), kName.data(), kName.size()) != 0)
            continue;
        ++found;
        const qsizetype end = head.indexOf('\r', at);
        const QByteArray value
            = head.sliced(at + kName.size(), (end < 0 ? head.size() : end) - at - kName.size())
                  .toByteArray()
                  .trimmed();
        const bool digits
            = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
        huge = digits && value.size() >= 20;
    }
    return found == 1 && huge;
}

// "GET / HTTP/2.0" is a version we do not speak, "GET / FTP/1.0" is nonsense.
bool namesAnotherVersion(QByteArrayView head)
{
    const qsizetype end = head.indexOf('\r');
    const QByteArrayView line = end < 0 ? head : head.first(end);
    const qsizetype space = line.lastIndexOf(' ');
    const QByteArrayView version = line.sliced(space + 1);
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return version.size() == 8 && version.startsWith("HTTP/") && digit(version[5]) && version[6] == '.'
        && digit(version[7]) && version != "HTTP/1.0" && version != "HTTP/1.1";
}

} // namespace

class RequestParser::Frame
{
public:
    // Declines what the parser accepted but this server does not.
    [[nodiscard]] int check()
    {
        const Framing &framing = parser->framing;
        const bool http11 = parser->http11;
        if (framing.hosts > 1 || (http11 && framing.hosts == 0))
            return 400;
        if (framing.codings > 0) {
            if (framing.lengths > 0 || !http11)
                return 400;
            if (framing.unknownCoding)
                return 501;
        }
        return splitTarget() ? 0 : 400;
    }

    std::optional<Parser> parser;

private:
    [[nodiscard]] bool splitTarget()
    {
        QByteArray &target = parser->target;
        if (!target.startsWith('/') && target != "*" && !toOriginForm())
            return false;
        const qsizetype query = target.indexOf('?');
        if (query >= 0) {
            parser->request.rawQuery = target.sliced(query + 1);
            target.truncate(query);
        }
        return !target.contains('#');
    }
    [[nodiscard]] bool toOriginForm()
    {
        QByteArray &target = parser->target;
        const QByteArray lower = target.first(std::min<qsizetype>(target.size(), 8)).toLower();
        const qsizetype scheme = lower.startsWith("http://") ? 7 : (lower == "https://" ? 8 : 0);
        if (scheme == 0)
            return false;
        qsizetype end = scheme;
        while (end < target.size() && target[end] != '/' && target[end] != '?')
            ++end;
        if (end == scheme)
            return false;
        const QByteArray rest = target.sliced(end);
        target = rest.startsWith('/') ? rest : '/' + rest;
        return true;
    }
};

RequestParser::RequestParser()
    : m_frame(std::make_unique<Frame>())
{
    reset();
}

RequestParser::~RequestParser() = default;

void RequestParser::reset()
{
    m_frame->parser.emplace();
}

int RequestParser::parseHead(QByteArrayView head)
{
    Parser &parser = *m_frame->parser;
    ErrorCodeOut error;
    const auto used
        = parser.put(boost::asio::const_buffer(head.data(), static_cast<size_t>(head.size())), error);
    if (!error && (parser.inHead || used != static_cast<size_t>(head.size())))
        return 400;
    if (!error)
        return m_frame->check();
    if (error == beast::http::error::bad_version)
        return namesAnotherVersion(head) ? 505 : 400;
    if (error == beast::http::error::bad_content_length && parser.framing.lengths <= 1
        && parser.framing.codings == 0 && !parser.framing.badLength && announcesHugeLength(head))
        return 413;
    return 400;
}

Request &RequestParser::request()
{
    return m_frame->parser->request;
}

const QByteArray &RequestParser::target() const
{
    return m_frame->parser->target;
}

bool RequestParser::isHttp11() const
{
    return m_frame->parser->http11;
}

bool RequestParser::keepAlive() const
{
    return m_frame->parser->keep_alive();
}

bool RequestParser::asksForWebSocket() const
{
    return m_frame->parser->framing.webSocket && m_frame->parser->upgrade();
}

QByteArray RequestParser::expectation() const
{
    return m_frame->parser->expectation;
}

bool RequestParser::isDone() const
{
    return m_frame->parser->is_done();
}

qint64 RequestParser::contentLength() const
{
    const Parser &parser = *m_frame->parser;
    if (parser.chunked())
        return -1;
    const auto length = parser.content_length();
    return length ? static_cast<qint64>(std::min<std::uint64_t>(*length, kMaxLength)) : 0;
}

void RequestParser::limitBody(qint64 bytes)
{
    m_frame->parser->body_limit(static_cast<std::uint64_t>(bytes));
}

qsizetype RequestParser::putBody(QByteArrayView bytes, int &status)
{
    Parser &parser = *m_frame->parser;
    qsizetype taken = 0;
    while (taken < bytes.size() && !parser.is_done()) {
        const bool betweenChunks = parser.chunked() && parser.chunkLeft == 0;
        if (betweenChunks && bytes.size() - taken < kShortestChunkHeader)
            break;
        ErrorCodeOut error;
        const boost::asio::const_buffer rest(bytes.data() + taken, static_cast<size_t>(bytes.size() - taken));
        taken += static_cast<qsizetype>(parser.put(rest, error));
        if (error == beast::http::error::need_more) {
            if (hasBareLineFeed(bytes.sliced(taken)))
                status = 400; // else it would be waited for in vain
            break;
        }
        if (error) {
            status = error == beast::http::error::body_limit ? 413 : 400;
            break;
        }
    }
    return taken;
}

} // namespace signalbox::http
