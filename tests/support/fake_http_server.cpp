#include "support/fake_http_server.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <optional>
#include <sstream>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace heart::test {

namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// A socket bound to a random port of 127.0.0.1.
int bound_socket(std::uint16_t& port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        close(fd);
        fail("bind");
    }
    port = ntohs(address.sin_port);
    return fd;
}

bool send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

/// Reads more into `buffer`; false when the client goes.
bool read_more(int socket, std::string& buffer) {
    char piece[4096];
    const ssize_t got = recv(socket, piece, sizeof(piece), 0);
    if (got <= 0) return false;
    buffer.append(piece, static_cast<std::size_t>(got));
    return true;
}

/// None when the client goes, or speaks something else.
std::optional<FakeRequest> read_request(int socket) {
    std::string buffer;
    std::size_t end = std::string::npos;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
        if (!read_more(socket, buffer) || std::isupper(static_cast<unsigned char>(buffer[0])) == 0) return std::nullopt;
    }
    FakeRequest request;
    std::istringstream head(buffer.substr(0, end));
    head >> request.method >> request.target;
    std::string line;
    std::getline(head, line);
    while (std::getline(head, line)) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        std::string name = line.substr(0, colon);
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
        const std::size_t value = line.find_first_not_of(' ', colon + 1);
        request.headers.emplace_back(name, value == std::string::npos ? "" : line.substr(value));
    }
    const std::string length = request.header("content-length");
    const std::size_t wanted = length.empty() ? 0 : std::stoul(length);
    request.body = buffer.substr(end + 4);
    while (request.body.size() < wanted) {
        if (!read_more(socket, request.body)) return std::nullopt;
    }
    return request;
}

void send_answer(int socket, const FakeAnswer& answer) {
    if (!answer.raw.empty()) {
        send_all(socket, answer.raw);
    } else if (!answer.hang) {
        std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Word\r\nConnection: close\r\n";
        for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
        if (!answer.endless) text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
        if (send_all(socket, text + "\r\n" + answer.body)) {
            while (answer.endless && send_all(socket, answer.body)) {
            }
        }
    }
    std::string rest;
    while (answer.hang && read_more(socket, rest)) {
    }
    shutdown(socket, SHUT_WR);
    while (read_more(socket, rest)) {  // closing earlier could throw away what the client has not read yet
    }
}

}  // namespace

std::string FakeRequest::header(std::string_view small_name) const {
    const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == small_name; });
    return found == headers.end() ? std::string() : found->second;
}

FakeHttpServer::FakeHttpServer(std::function<FakeAnswer(const FakeRequest&)> script) : script_(std::move(script)) {
    listener_ = bound_socket(port_);
    if (listen(listener_, 64) != 0) {
        close(listener_);
        fail("listen");
    }
    accepting_ = std::thread([this] { accept_all(); });
}

FakeHttpServer::FakeHttpServer(FakeAnswer answer)
    : FakeHttpServer([always = std::move(answer)](const FakeRequest&) { return always; }) {}

FakeHttpServer::~FakeHttpServer() {
    shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    close(listener_);
    for (const Connection& c : connections_) shutdown(c.socket, SHUT_RDWR);
    for (Connection& c : connections_) {
        c.thread.join();
        close(c.socket);
    }
}

std::string FakeHttpServer::url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

std::vector<FakeRequest> FakeHttpServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

bool FakeHttpServer::wait_for_requests(std::size_t count, std::chrono::milliseconds most) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return requests_.size() >= count; });
}

void FakeHttpServer::accept_all() {
    for (;;) {
        const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        connections_.push_back({socket, std::thread([this, socket] { serve(socket); })});
    }
}

void FakeHttpServer::serve(int socket) {
    const std::optional<FakeRequest> request = read_request(socket);
    if (!request) {
        shutdown(socket, SHUT_RDWR);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(*request);
    }
    changed_.notify_all();
    send_answer(socket, script_(*request));
}

std::uint16_t unused_port() {
    std::uint16_t port = 0;
    close(bound_socket(port));
    return port;
}

}  // namespace heart::test
