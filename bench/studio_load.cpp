// Load on a running studio: clients that poll as the page does while others listen to events, and connections that only
// stand there. Prints how long answers took; the server's memory where its process is named.
//
//   studio_load --port P --token-file F [--clients 200] [--idle 0] [--slow 0] [--seconds 60] [--pid N]

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

struct Options {
    std::uint16_t port = 8000;
    std::string token_file;
    int clients = 200, idle = 0, slow = 0, seconds = 60, pid = 0;
};

struct Tally {
    std::vector<double> ms;
    std::uint64_t failed = 0, events = 0;
};

class Load {
public:
    Load(Options options, std::vector<std::string> tokens)
        : options_(std::move(options)),
          tokens_(std::move(tokens)),
          end_(Clock::now() + std::chrono::seconds(options_.seconds)) {}

    void run() {
        for (int i = 0; i < options_.idle; ++i) spawn(stand());
        for (int i = 0; i < options_.slow; ++i) spawn(dribble());
        for (int i = 0; i < options_.clients; ++i) {
            spawn(poll(i));
            spawn(listen(i));
        }
        if (options_.pid > 0) spawn(watch_memory());
        io_.run_until(end_ + std::chrono::seconds(2));
        report();
    }

private:
    void spawn(asio::awaitable<void> work) {
        asio::co_spawn(io_, std::move(work), [this](const std::exception_ptr& e) {
            if (e && Clock::now() < end_) ++tally_.failed;
        });
    }

    [[nodiscard]] tcp::endpoint server() const { return {asio::ip::make_address("127.0.0.1"), options_.port}; }
    [[nodiscard]] const std::string& token(int client) const {
        return tokens_[static_cast<std::size_t>(client) % tokens_.size()];
    }

    http::request<http::empty_body> request(const std::string& target, int client) const {
        http::request<http::empty_body> out(http::verb::get, target, 11);
        out.set(http::field::host, "127.0.0.1");
        out.set(http::field::authorization, "Bearer " + token(client));
        return out;
    }

    asio::awaitable<void> rest(std::chrono::milliseconds time) {
        asio::steady_timer timer(io_, time);
        co_await timer.async_wait(use_awaitable);
    }

    /// As the page: the queue each second, and now and then the history.
    asio::awaitable<void> poll(int client) {
        static const char* const targets[] = {"/api/queue", "/api/status", "/api/queue", "/api/history?page=1&page_size=20"};
        tcp::socket socket(io_);
        co_await rest(std::chrono::milliseconds(client * 1000 / std::max(options_.clients, 1)));
        co_await socket.async_connect(server(), use_awaitable);
        beast::flat_buffer buffer;
        for (std::size_t turn = 0; Clock::now() < end_; ++turn) {
            const auto start = Clock::now();
            co_await http::async_write(socket, request(targets[turn % 4], client), use_awaitable);
            http::response<http::string_body> answer;
            co_await http::async_read(socket, buffer, answer, use_awaitable);
            tally_.ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
            if (answer.result_int() != 200) ++tally_.failed;
            co_await rest(std::chrono::seconds(1));
        }
    }

    asio::awaitable<void> listen(int client) {
        tcp::socket socket(io_);
        co_await socket.async_connect(server(), use_awaitable);
        co_await http::async_write(socket, request("/api/events", client), use_awaitable);
        std::string block(4096, '\0');
        while (Clock::now() < end_) {
            const std::size_t got = co_await socket.async_read_some(asio::buffer(block), use_awaitable);
            tally_.events +=
                static_cast<std::uint64_t>(std::count(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got), '{'));
        }
    }

    asio::awaitable<void> stand() {
        tcp::socket socket(io_);
        co_await socket.async_connect(server(), use_awaitable);
        co_await rest(std::chrono::seconds(options_.seconds));
    }

    /// One byte of a request each second, for as long as the server bears it; then again.
    asio::awaitable<void> dribble() {
        while (Clock::now() < end_) {
            tcp::socket socket(io_);
            co_await socket.async_connect(server(), use_awaitable);
            boost::system::error_code gone;
            for (const char c : std::string("GET /api/status HTTP/1.1\r\nHost: slow\r\nX-Slow: ") + std::string(600, 'x')) {
                co_await asio::async_write(socket, asio::buffer(&c, 1), asio::redirect_error(use_awaitable, gone));
                if (gone || Clock::now() >= end_) break;
                co_await rest(std::chrono::seconds(1));
            }
        }
    }

    asio::awaitable<void> watch_memory() {
        while (Clock::now() < end_) {
            std::ifstream status("/proc/" + std::to_string(options_.pid) + "/status");
            for (std::string line; std::getline(status, line);) {
                if (line.starts_with("VmRSS:")) memory_mb_.push_back(std::stod(line.substr(6)) / 1024);
            }
            co_await rest(std::chrono::seconds(5));
        }
    }

    void report() {
        std::sort(tally_.ms.begin(), tally_.ms.end());
        const auto at = [&](double share) {
            return tally_.ms.empty()
                       ? 0.0
                       : tally_.ms[static_cast<std::size_t>(share * static_cast<double>(tally_.ms.size() - 1))];
        };
        fmt::print(
            "{} clients, {} idle, {} slow, {} s: {} answers, {} failed, {} events; ms: p50 {:.2f}, p90 {:.2f}, p99 {:.2f}, "
            "most {:.2f}\n",
            options_.clients, options_.idle, options_.slow, options_.seconds, tally_.ms.size(), tally_.failed, tally_.events,
            at(0.5), at(0.9), at(0.99), at(1));
        if (!memory_mb_.empty()) {
            fmt::print("server's memory, MB: first {:.1f}, most {:.1f}, last {:.1f}\n", memory_mb_.front(),
                       *std::max_element(memory_mb_.begin(), memory_mb_.end()), memory_mb_.back());
        }
    }

    Options options_;
    std::vector<std::string> tokens_;
    Clock::time_point end_;
    asio::io_context io_{1};
    Tally tally_;
    std::vector<double> memory_mb_;
};

}  // namespace

int main(int argc, char** argv) {
    Options o;
    CLI::App app{"Load on a running studio"};
    app.add_option("--port", o.port)->required();
    app.add_option("--token-file", o.token_file, "A bearer token a line")->required();
    app.add_option("--clients", o.clients, "Each polls once a second and listens to events");
    app.add_option("--idle", o.idle, "Connections that say nothing");
    app.add_option("--slow", o.slow, "Connections that send a byte a second");
    app.add_option("--seconds", o.seconds);
    app.add_option("--pid", o.pid, "The server's process, to watch its memory");
    CLI11_PARSE(app, argc, argv);
    std::vector<std::string> tokens;
    std::ifstream in(o.token_file);
    for (std::string line; std::getline(in, line);) tokens.push_back(line);
    if (tokens.empty()) {
        fmt::print(stderr, "studio_load: no tokens in {}\n", o.token_file);
        return 2;
    }
    Load(o, std::move(tokens)).run();
    return 0;
}
