#include "net/http_client.h"

#include "net/public_address.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>

#include <sys/socket.h>

namespace heart::net {

namespace {

constexpr std::size_t kMostHeaderBytes = std::size_t{256} << 10;
constexpr long kMostRedirects = 10;
constexpr int kPollMs = 50;  // how long a cancelled exchange may go unnoticed

template <auto Free>
struct Freeing {
    template <typename T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
using Easy = std::unique_ptr<CURL, Freeing<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, Freeing<curl_multi_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, Freeing<curl_slist_free_all>>;
using UrlParts = std::unique_ptr<CURLU, Freeing<curl_url_cleanup>>;
using CurlText = std::unique_ptr<char, Freeing<curl_free>>;

[[noreturn]] void no_memory() {
    throw Error(ErrorCode::memory, "no memory for an HTTP exchange");
}

void start_curl_once() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (started != CURLE_OK) throw Error(ErrorCode::io, "libcurl does not start");
}

char small(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return small(x) == small(y); });
}

/// RFC 9110: names of methods and headers.
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

/// Nothing that could end the line and begin another header.
bool is_one_line(std::string_view text) noexcept {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
    return CurlText(text).get();
}

/// Scheme, host and port: all of a URL that errors may name. ErrorCode::usage when `url` is none of ours.
std::string checked_origin(const std::string& url) {
    const UrlParts parts(curl_url());
    if (!parts) no_memory();
    const bool visible = std::all_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) > 0x20; });
    if (!visible || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
        throw Error(ErrorCode::usage, "an address is no URL").expected("http://... or https://...");
    }
    const std::string scheme = part_of(parts.get(), CURLUPART_SCHEME), port = part_of(parts.get(), CURLUPART_PORT);
    if (scheme != "http" && scheme != "https") {
        throw Error(ErrorCode::usage, "an address is of no kind that can be fetched")
            .expected("http or https")
            .found(scheme);
    }
    return scheme + "://" + part_of(parts.get(), CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

/// Everything that libcurl's callbacks touch while one exchange runs. They must not throw: what stops them waits here.
class Exchange {
public:
    Exchange(const HttpRequest& request, const CancelToken& cancel)
        : request_(request), cancel_(cancel), origin_(checked_origin(request.url)) {}

    HttpAnswer run();

private:
    enum class Stop { none, too_large, too_many_headers, thrown };

    void set_up(CURL* easy);
    void set_up_method(CURL* easy);
    HeaderList header_list() const;
    CURLcode wait(CURL* easy, CURLM* multi) const;
    [[noreturn]] void fail(CURLcode why) const;
    void take_header_line(std::string_view line);
    void take_status();

    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept;
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept;
    static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept;

    const HttpRequest& request_;
    const CancelToken& cancel_;
    std::string origin_;
    CURL* easy_ = nullptr;
    HeaderList headers_;
    HttpAnswer answer_;
    std::size_t header_bytes_ = 0;
    bool headers_over_ = false, body_begun_ = false;
    bool refused_address_ = false, opened_address_ = false;  // one name may have several
    Stop stop_ = Stop::none;
    std::exception_ptr thrown_;
};

template <typename Value>
void set_option(CURL* easy, CURLoption option, Value value) {
    const CURLcode result = curl_easy_setopt(easy, option, value);
    if (result == CURLE_OUT_OF_MEMORY) no_memory();
    ensure(result == CURLE_OK, "libcurl knows the options that are set");
}

HeaderList Exchange::header_list() const {
    HeaderList list;
    const auto append = [&](const std::string& line) {
        curl_slist* longer = curl_slist_append(list.get(), line.c_str());
        if (longer == nullptr) no_memory();
        (void)list.release();
        list.reset(longer);
    };
    bool has_content_type = false;
    for (const auto& [name, value] : request_.headers) {
        if (!is_token(name) || !is_one_line(value)) {
            throw Error(ErrorCode::usage, "a header of an HTTP request is not one line of text");
        }
        append(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));  // ";": libcurl's way to send an empty one
        has_content_type = has_content_type || equal_ignoring_case(name, "content-type");
    }
    if (!has_content_type) append("Content-Type:");  // libcurl would claim a form
    append("Expect:");                               // libcurl would wait a second for servers that do not know it
    return list;
}

void Exchange::set_up_method(CURL* easy) {
    if (!is_token(request_.method)) throw Error(ErrorCode::usage, "a method of an HTTP request is no word");
    const std::string& method = request_.method;
    if (!request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
        set_option(easy, CURLOPT_POST, 1L);
        set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
        set_option(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
        if (method != "POST") set_option(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
    } else if (method == "HEAD") {
        set_option(easy, CURLOPT_NOBODY, 1L);
    } else if (method != "GET") {
        set_option(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
    }
}

void Exchange::set_up(CURL* easy) {
    headers_ = header_list();
    set_up_method(easy);
    set_option(easy, CURLOPT_URL, request_.url.c_str());
    set_option(easy, CURLOPT_HTTPHEADER, headers_.get());
    set_option(easy, CURLOPT_USERAGENT, "heart");
    set_option(easy, CURLOPT_NOSIGNAL, 1L);
    set_option(easy, CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer must not hold up cancelling
    set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set_option(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set_option(easy, CURLOPT_FOLLOWLOCATION, request_.follow_redirects ? 1L : 0L);
    set_option(easy, CURLOPT_MAXREDIRS, kMostRedirects);
    set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
    set_option(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
    if (request_.stall.count() > 0) {
        set_option(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes a second
        set_option(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.stall.count()));
    }
    set_option(easy, CURLOPT_WRITEFUNCTION, &Exchange::on_body);
    set_option(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
    set_option(easy, CURLOPT_HEADERFUNCTION, &Exchange::on_header);
    set_option(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
    if (request_.public_addresses_only) {
        set_option(easy, CURLOPT_PROXY, "");  // a proxy would resolve the name itself, and reach what this machine must not
        set_option(easy, CURLOPT_OPENSOCKETFUNCTION, &Exchange::on_open_socket);
        set_option(easy, CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
    }
}

/// Drives the transfer until it ends or is cancelled.
CURLcode Exchange::wait(CURL* easy, CURLM* multi) const {
    if (curl_multi_add_handle(multi, easy) != CURLM_OK) no_memory();
    struct Removing {
        CURLM* multi;
        CURL* easy;
        ~Removing() { curl_multi_remove_handle(multi, easy); }
    } const removing{multi, easy};
    for (;;) {
        cancel_.check();
        int running = 0;
        if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
            if (message->msg == CURLMSG_DONE) return message->data.result;
        }
        if (curl_multi_poll(multi, nullptr, 0, kPollMs, nullptr) != CURLM_OK) return CURLE_FAILED_INIT;
    }
}

/// Libcurl's own words may quote the URL or the other side: only its fixed text for the code is used.
void Exchange::fail(CURLcode why) const {
    switch (stop_) {
        case Stop::thrown: std::rethrow_exception(thrown_);
        case Stop::too_large:
            throw Error(ErrorCode::limit, "the answer of " + origin_ + " is too large")
                .expected(fmt::format("at most {} bytes", request_.max_answer));
        case Stop::too_many_headers:
            throw Error(ErrorCode::limit, "the headers of an answer of " + origin_ + " are too large")
                .expected(fmt::format("at most {} bytes", kMostHeaderBytes));
        case Stop::none: break;
    }
    if (refused_address_ && !opened_address_) {
        throw Error(ErrorCode::usage, "the address " + origin_ + " does not lead to the public internet");
    }
    if (why == CURLE_OUT_OF_MEMORY) no_memory();
    if (why == CURLE_OPERATION_TIMEDOUT) throw TimeoutError(ErrorCode::io, "no answer of " + origin_ + " in time");
    Error error(ErrorCode::io, "no answer of " + origin_);
    error.found(curl_easy_strerror(why));
    throw error;
}

HttpAnswer Exchange::run() {
    cancel_.check();
    const Multi multi(curl_multi_init());
    const Easy easy(curl_easy_init());
    if (!multi || !easy) no_memory();
    easy_ = easy.get();
    set_up(easy.get());
    if (const CURLcode result = wait(easy.get(), multi.get()); result != CURLE_OK || stop_ != Stop::none) fail(result);
    take_status();
    return std::move(answer_);
}

void Exchange::take_status() {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    answer_.status = static_cast<int>(status);
}

std::size_t Exchange::on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    auto& exchange = *static_cast<Exchange*>(self);
    const std::string_view piece(data, size * count);
    const bool first = !std::exchange(exchange.body_begun_, true);
    try {
        exchange.cancel_.check();
        if (exchange.request_.on_data) {
            if (first && exchange.request_.on_head) {
                exchange.take_status();
                exchange.request_.on_head(exchange.answer_);
            }
            exchange.request_.on_data(piece);
            return piece.size();
        }
        if (piece.size() > exchange.request_.max_answer - exchange.answer_.body.size()) {
            exchange.stop_ = Stop::too_large;
            return 0;
        }
        exchange.answer_.body.append(piece);
        return piece.size();
    } catch (...) {
        exchange.stop_ = Stop::thrown;
        exchange.thrown_ = std::current_exception();
        return 0;  // fewer than came: libcurl gives up
    }
}

void Exchange::take_header_line(std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
    if (line.starts_with("HTTP/") && !body_begun_) {  // of the final answer, or of one before it (100, a redirect)
        answer_.headers.clear();
        headers_over_ = false;
        return;
    }
    if (headers_over_) return;  // trailers
    if (line.empty()) {
        headers_over_ = true;
        return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), small);
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
    answer_.headers.emplace_back(std::move(name), value);
}

std::size_t Exchange::on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    auto& exchange = *static_cast<Exchange*>(self);
    const std::string_view line(data, size * count);
    exchange.header_bytes_ += line.size();
    if (exchange.header_bytes_ > kMostHeaderBytes) {
        exchange.stop_ = Stop::too_many_headers;
        return 0;
    }
    try {
        exchange.take_header_line(line);
        return line.size();
    } catch (...) {
        exchange.stop_ = Stop::thrown;
        exchange.thrown_ = std::current_exception();
        return 0;
    }
}

/// Looks at the address that is really going to be connected to, so that no name can change its mind between check and use.
curl_socket_t Exchange::on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept {
    auto& exchange = *static_cast<Exchange*>(self);
    if (purpose != CURLSOCKTYPE_IPCXN || !is_public_address(address->addr)) {
        exchange.refused_address_ = true;
        return CURL_SOCKET_BAD;
    }
    exchange.opened_address_ = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

std::string_view HttpAnswer::header(std::string_view small_name) const noexcept {
    const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == small_name; });
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

HttpAnswer exchange(const HttpRequest& request, const CancelToken& cancel) {
    start_curl_once();
    return Exchange(request, cancel).run();
}

}  // namespace heart::net
