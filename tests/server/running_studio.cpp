#include "server/running_studio.h"

#include "core/error.h"
#include "support/patience.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

namespace heart::test {

namespace {

[[noreturn]] void become_studio(const std::vector<std::string>& arguments, const std::filesystem::path& errors) {
    const int nothing = ::open("/dev/null", O_RDWR), log = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(nothing, STDOUT_FILENO) < 0 || ::dup2(log, STDERR_FILENO) < 0)
        _exit(125);
    std::vector<char*> argv{const_cast<char*>(HEART_COMMAND)};
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    ::execv(HEART_COMMAND, argv.data());
    _exit(126);
}

/// "http://127.0.0.1:4711" or "https://..." of the line that says where it listens.
std::string url_in(const std::string& text) {
    for (const std::string start : {"http://127.0.0.1:", "https://127.0.0.1:"}) {
        const std::size_t at = text.find(start);
        if (at == std::string::npos) continue;
        const std::size_t end = text.find_first_not_of("0123456789", at + start.size());
        return end == std::string::npos ? "" : text.substr(at, end - at);
    }
    return {};
}

}  // namespace

RunningStudio::RunningStudio(std::filesystem::path data, const std::vector<std::string>& options)
    : errors_(data.string() + ".log") {
    std::vector<std::string> arguments{"serve", "--port", "0", "--data-dir", data.string()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    std::filesystem::remove(errors_);
    pid_ = ::fork();
    if (pid_ == 0) become_studio(arguments, errors_);
    for (int i = 0; i < 60'000; ++i) {
        url_ = url_in(said());
        if (url_.starts_with("https:") || (!url_.empty() && ask({.path = "/health"}))) return;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    kill();
    throw std::runtime_error("the studio did not start: " + said());
}

RunningStudio::~RunningStudio() {
    kill();
}

int RunningStudio::wait_for_end() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void RunningStudio::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_for_end();
}

int RunningStudio::stop() {
    ::kill(pid_, SIGTERM);
    return wait_for_end();
}

std::string RunningStudio::said() const {
    std::ifstream in(errors_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<net::HttpAnswer> RunningStudio::ask(const Ask& ask) const {
    net::HttpRequest request;
    request.method = ask.method;
    request.url = url_ + ask.path;
    request.body = ask.body;
    request.connect_timeout = request.timeout = kPatience;
    if (!ask.body.empty()) request.headers.emplace_back("Content-Type", ask.type);
    if (!ask.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + ask.token);
    if (!ask.key.empty()) request.headers.emplace_back("Idempotency-Key", ask.key);
    try {
        return net::exchange(request, {});
    } catch (const Error&) {
        return std::nullopt;
    }
}

formats::Json RunningStudio::json(const Ask& asked, int status) const {
    const auto answer = ask(asked);
    if (!answer || answer->status != status) {
        throw std::runtime_error(asked.method + " " + asked.path + ": " +
                                 (answer ? std::to_string(answer->status) + " " + answer->body : "no answer"));
    }
    return formats::parse_json(answer->body, asked.path);
}

}  // namespace heart::test
