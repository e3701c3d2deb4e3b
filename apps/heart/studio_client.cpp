#include "studio_client.h"

#include "audio/replace_file.h"
#include "core/error.h"
#include "formats/bytes.h"
#include "formats/json.h"
#include "net/http_client.h"
#include "options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <random>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace heart::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostAnswer = std::size_t{64} << 20, kMostSong = std::size_t{1} << 30;
constexpr std::size_t kMostEvent = 1 << 20, kMostRefusal = 64 << 10;

std::string system_words(const char* what, const fs::path& path) {
    return fmt::format("{} '{}': {}", what, printable(path.string()), std::generic_category().message(errno));
}

/// The studio's own words for why it refuses.
std::string words_of(const std::string& body) {
    StudioJson detail;
    try {
        detail = formats::parse_json(body, "the studio's answer", {.max_bytes = kMostRefusal}).at("detail");
    } catch (const std::exception&) {
        return "";
    }
    if (detail.is_string()) return detail.get<std::string>();
    std::string out;
    if (!detail.is_array()) return out;
    for (const StudioJson& fault : detail) {
        if (!fault.is_object() || !fault.contains("loc") || !fault.contains("msg") || !fault["msg"].is_string()) continue;
        const StudioJson& place = fault["loc"];
        const bool named = place.is_array() && !place.empty() && place.back().is_string();
        out += fmt::format("{}{}{}", out.empty() ? "" : "; ", named ? place.back().get<std::string>() + ": " : "",
                           fault["msg"].get<std::string>());
    }
    return out;
}

[[noreturn]] void throw_refusal(const std::string& server, int status, const std::string& body) {
    constexpr int kBadRequest = 400, kUnauthorized = 401, kNotFound = 404, kUnprocessable = 422;
    const ErrorCode code = status == kBadRequest || status == kUnprocessable ? ErrorCode::usage
                           : status == kNotFound                             ? ErrorCode::not_found
                                                                             : ErrorCode::io;
    const std::string words = printable(words_of(body), 1000);
    Error error(code, fmt::format("{} answered {}{}{}", server, status, words.empty() ? "" : ": ", words));
    if (status == kUnauthorized) error.hint("sign in: heart client login --email E");
    if (status >= 300 && status < 400) error.hint("give the address that it leads to with --server");
    throw error;
}

bool is_good(int status) {
    return status >= 200 && status < 300;
}

}  // namespace

// --- tokens ---

fs::path TokenStore::usual_file() {
    const auto from = [](const char* name) { return fs::path(std::getenv(name) != nullptr ? std::getenv(name) : ""); };
    if (const fs::path config = from("XDG_CONFIG_HOME"); config.is_absolute()) return config / "heart" / "client.json";
    if (const fs::path home = from("HOME"); home.is_absolute()) return home / ".config" / "heart" / "client.json";
    throw Error(ErrorCode::usage, "no place to keep tokens: neither XDG_CONFIG_HOME nor HOME is set").hint("--token-file F");
}

TokenStore::TokenStore(fs::path file) : file_(std::move(file)), content_(StudioJson::object()) {
    struct stat info {};
    if (::stat(file_.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return;
        throw Error(ErrorCode::io, system_words("cannot read", file_));
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        throw Error(ErrorCode::usage, fmt::format("others may read the tokens in '{}'", printable(file_.string())))
            .hint("chmod 600, and sign in anew if they did");
    }
    content_ = formats::parse_json(formats::Bytes::map_file(file_.string()).text(), file_.string(), {.max_bytes = 1 << 20});
    const bool good = content_.is_object() && (!content_.contains("tokens") || content_["tokens"].is_object()) &&
                      (!content_.contains("server") || content_["server"].is_string());
    if (!good) throw Error(ErrorCode::malformed, fmt::format("'{}' holds no tokens", printable(file_.string())));
}

std::optional<std::string> TokenStore::token(const std::string& server) const {
    const auto tokens = content_.find("tokens");
    if (tokens == content_.end()) return std::nullopt;
    const auto at = tokens->find(server);
    return at != tokens->end() && at->is_string() ? std::optional(at->get<std::string>()) : std::nullopt;
}

std::optional<std::string> TokenStore::last_server() const {
    const auto at = content_.find("server");
    return at == content_.end() ? std::nullopt : std::optional(at->get<std::string>());
}

void TokenStore::keep(const std::string& server, const std::string& token) {
    content_["server"] = server;
    content_["tokens"][server] = token;
    write();
}

bool TokenStore::forget(const std::string& server) {
    if (!token(server)) return false;
    content_["tokens"].erase(server);
    write();
    return true;
}

void TokenStore::write() const {
    std::error_code fault;
    fs::create_directories(file_.parent_path(), fault);
    if (fault) {
        throw Error(ErrorCode::io,
                    fmt::format("cannot make '{}': {}", printable(file_.parent_path().string()), fault.message()));
    }
    // The secret is never in a file that others may read, not for a moment: mkstemp makes it 0600.
    std::string temporary = file_.string() + ".XXXXXX";
    const int handle = ::mkstemp(temporary.data());
    if (handle < 0) throw Error(ErrorCode::io, system_words("cannot write beside", file_));
    const std::string text = content_.dump(2) + "\n";
    const bool written =
        ::write(handle, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(handle) == 0;
    const bool closed = ::close(handle) == 0;
    if (!written || !closed || ::rename(temporary.c_str(), file_.c_str()) != 0) {
        Error error(ErrorCode::io, system_words("cannot write", file_));
        ::unlink(temporary.c_str());
        throw error;
    }
}

// --- addresses ---

std::string server_address(std::string_view text) {
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '?' || c == '#'; };
    const bool web = text.starts_with("http://") || text.starts_with("https://");
    std::string_view host = web ? text.substr(text.find("//") + 2) : "";
    host = host.substr(0, host.find('/'));
    if (host.empty() || host.find('@') != std::string_view::npos || std::any_of(text.begin(), text.end(), odd)) {
        // Not shown: there may be a password in it.
        throw Error(ErrorCode::usage, "--server")
            .expected("an address like https://studio.example.org or http://127.0.0.1:8000");
    }
    while (text.ends_with('/')) text.remove_suffix(1);
    return std::string(text);
}

bool is_readable_on_the_way(std::string_view server) {
    if (!server.starts_with("http://")) return false;
    std::string_view host = server.substr(7);
    host = host.substr(0, host.find('/'));
    if (host == "[::1]" || host.starts_with("[::1]:")) return false;
    host = host.substr(0, host.find(':'));
    const bool numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
    return host != "localhost" && !(numeric && host.starts_with("127."));
}

const std::string& checked_id(const std::string& id) {
    const auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; };
    if (id.empty() || id.size() > 64 || !std::all_of(id.begin(), id.end(), fits)) {
        throw Error(ErrorCode::usage, "an id").expected("letters, digits and dashes").found(printable(id, 80));
    }
    return id;
}

std::string file_name_of(std::string_view title) {
    constexpr std::size_t kMost = 100;
    std::string out = printable(title, kMost);
    for (char& c : out) {
        if (std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos) c = '_';
    }
    while (out.ends_with(' ') || out.ends_with('.')) out.pop_back();
    out.erase(0, std::min(out.find_first_not_of(" .-"), out.size()));
    return out.empty() ? "song" : out;
}

// --- passwords ---

namespace {

/// The terminal shows nothing that is typed while this lives.
class Silence {
public:
    explicit Silence(int terminal) : terminal_(terminal) {
        if (::tcgetattr(terminal_, &before_) != 0) throw Error(ErrorCode::io, "the terminal cannot hide what is typed");
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (::tcsetattr(terminal_, TCSAFLUSH, &silent) != 0) {
            throw Error(ErrorCode::io, "the terminal cannot hide what is typed");
        }
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() { ::tcsetattr(terminal_, TCSAFLUSH, &before_); }

private:
    int terminal_;
    termios before_{};
};

std::string password_from_terminal(const std::string& prompt, const CancelToken& cancel) {
    const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        throw Error(ErrorCode::usage, "no terminal to read the password from")
            .hint("--password-file F, or - for standard input");
    }
    struct Closed {
        int handle;
        ~Closed() { ::close(handle); }
    } const closed{terminal};
    const Silence silence(terminal);
    const auto show = [&](const std::string& text) { return ::write(terminal, text.data(), text.size()) >= 0; };
    std::string out;
    char c = 0;
    bool shown = show(prompt);
    while (true) {
        const ssize_t got = ::read(terminal, &c, 1);
        cancel.check();
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0 || c == '\n') break;
        if (out.size() < 4096) out += c;
    }
    shown = show("\n") && shown;
    if (!shown) throw Error(ErrorCode::io, "the terminal cannot be written to");
    return out;
}

}  // namespace

std::string read_password(const std::string& file, const std::string& prompt, const CancelToken& cancel) {
    std::string text = file.empty() ? password_from_terminal(prompt, cancel) : read_text(file);
    text.resize(std::min(text.find_first_of("\r\n"), text.size()));
    if (text.empty()) throw Error(ErrorCode::usage, "the password is empty");
    return text;
}

// --- exchanges ---

namespace {

net::HttpRequest request_to(const std::string& server, const std::string& token, const std::string& method,
                            const std::string& target) {
    net::HttpRequest out{.method = method, .url = server + target, .headers = {{"Accept", "application/json"}}};
    if (!token.empty()) out.headers.emplace_back("Authorization", "Bearer " + token);
    out.timeout = std::chrono::minutes(2);
    out.max_answer = kMostAnswer;
    return out;
}

/// The answer, sent for again when the line broke.
net::HttpAnswer exchange_again(const net::HttpRequest& request, int tries, const CancelToken& cancel) {
    for (int tried = 1;; ++tried) {
        try {
            return net::exchange(request, cancel);
        } catch (const Error& e) {
            if (tried == tries || e.code() != ErrorCode::io) throw;
        }
        cancel.check();
        std::this_thread::sleep_for(std::chrono::milliseconds(100 * tried));
    }
}

std::string random_key() {
    std::random_device random;
    std::string out;
    for (int i = 0; i < 4; ++i) out += fmt::format("{:08x}", random());
    return out;
}

}  // namespace

StudioJson StudioClient::call(const std::string& method, const std::string& target, const std::string& body,
                              const std::string& key) const {
    net::HttpRequest request = request_to(server_, token_, method, target);
    if (!body.empty()) {
        request.body = body;
        request.headers.emplace_back("Content-Type", "application/json");
    }
    if (!key.empty()) request.headers.emplace_back("Idempotency-Key", key);
    const net::HttpAnswer answer = exchange_again(request, key.empty() ? 1 : 3, cancel_);
    if (!is_good(answer.status)) throw_refusal(server_, answer.status, answer.body);
    StudioJson out = formats::parse_json(answer.body, "the studio's answer", {.max_bytes = kMostAnswer});
    if (!out.is_object()) throw Error(ErrorCode::malformed, "the studio's answer").expected("a JSON object");
    return out;
}

StudioJson StudioClient::post_once(const std::string& target, const StudioJson& body) const {
    return call("POST", target, body.dump(), random_key());
}

std::uint64_t StudioClient::download(const std::string& target, const fs::path& file) const {
    audio::check_target(file);
    net::HttpRequest request = request_to(server_, token_, "GET", target);
    request.timeout = std::chrono::hours(1);
    request.max_answer = kMostSong;
    const net::HttpAnswer answer = net::exchange(request, cancel_);
    if (!is_good(answer.status)) throw_refusal(server_, answer.status, answer.body);
    audio::replace_file(file, answer.body);
    return answer.body.size();
}

bool StudioClient::listen(const std::string& target, const std::function<bool(const StudioJson&)>& on_event) const {
    struct Enough {};
    net::HttpRequest request = request_to(server_, token_, "GET", target);
    request.headers = {{"Accept", "text/event-stream"}, {"Authorization", "Bearer " + token_}};
    request.timeout = std::chrono::hours(24 * 7);
    std::string beginning;  // for the words of a refusal
    EventReader reader;
    request.on_data = [&](std::string_view piece) {
        if (beginning.size() < kMostRefusal) beginning.append(piece.substr(0, kMostRefusal - beginning.size()));
        reader.feed(piece, [&](const std::string& data) {
            const StudioJson event = formats::parse_json(data, "an event", {.max_bytes = kMostEvent});
            if (event.is_object() && !on_event(event)) throw Enough{};
        });
    };
    try {
        const net::HttpAnswer answer = net::exchange(request, cancel_);
        if (!is_good(answer.status)) throw_refusal(server_, answer.status, beginning);
        return true;
    } catch (const Enough&) {
        return false;
    }
}

// --- events ---

void EventReader::feed(std::string_view piece, const std::function<void(const std::string& data)>& on_event) {
    while (!piece.empty()) {
        const std::size_t end = piece.find('\n');
        rest_.append(piece.substr(0, end));
        if (rest_.size() + data_.size() > kMostEvent) throw Error(ErrorCode::limit, "an event is longer than 1 MiB");
        if (end == std::string_view::npos) return;
        piece.remove_prefix(end + 1);
        std::string text;
        text.swap(rest_);
        if (text.ends_with('\r')) text.pop_back();
        line(text, on_event);
    }
}

void EventReader::line(std::string_view text, const std::function<void(const std::string& data)>& on_event) {
    if (text.empty()) {
        std::string data;
        data.swap(data_);
        if (std::exchange(has_data_, false)) on_event(data);
        return;
    }
    if (!text.starts_with("data:")) return;  // comments keep the line alive; other fields are not needed
    text.remove_prefix(5);
    if (text.starts_with(' ')) text.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_ += text;
    has_data_ = true;
}

}  // namespace heart::app
