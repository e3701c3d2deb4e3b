#include "core/child_process.h"

#include "core/error.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace heart {

namespace {

constexpr int kFileInChild = 3;
constexpr int kNotFound = 127;  // what the child of some C libraries exits with when there is no such program

[[noreturn]] void fail(const std::string& program, int error) {
    if (error == ENOENT) throw Error(ErrorCode::not_found, "the program " + printable(program, 60) + " is not installed");
    throw Error(ErrorCode::io, "cannot run " + printable(program, 60)).found(std::generic_category().message(error));
}

/// A descriptor that is closed with the object.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

/// Our environment without what may be a secret.
std::vector<char*> harmless_environment() {
    std::vector<char*> out;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text(*variable);
        const std::string_view name = text.substr(0, text.find('='));
        const auto secret = [&](std::string_view ending) { return name.ends_with(ending); };
        constexpr std::string_view kEndings[] = {"KEY", "TOKEN", "SECRET", "PASSWORD"};
        if (std::none_of(std::begin(kEndings), std::end(kEndings), secret)) out.push_back(*variable);
    }
    out.push_back(nullptr);
    return out;
}

/// An open file in memory that holds `text`, from its beginning.
int memory_file(const std::string& program, std::string_view text) {
    const int file = ::memfd_create("input", MFD_CLOEXEC);
    if (file < 0) fail(program, errno);
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t n = ::write(file, text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const int error = errno;
            ::close(file);
            fail(program, error);
        }
        done += static_cast<std::size_t>(n);
    }
    (void)::lseek(file, 0, SEEK_SET);
    return file;
}

}  // namespace

struct ChildProcess::State {
    std::string program;
    pid_t child = -1;
    int pipe = -1, status = 0;
    bool ended = false;

    ~State() {
        if (pipe >= 0) ::close(pipe);
        if (child < 0 || ended) return;
        ::kill(child, SIGKILL);
        while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
};

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, std::optional<int> file, std::string_view input)
    : state_(std::make_unique<State>()) {
    state_->program = arguments.at(0);
    const Descriptor in(memory_file(state_->program, input));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail(state_->program, errno);
    state_->pipe = ends[0];
    const Descriptor write_end(ends[1]);
    std::vector<std::string> copies = arguments;  // the program may change its own
    std::vector<char*> words(copies.size() + 1, nullptr);
    std::transform(copies.begin(), copies.end(), words.begin(), [](std::string& word) { return word.data(); });
    std::vector<char*> environment = harmless_environment();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.number(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, write_end.number(), STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (file) posix_spawn_file_actions_adddup2(&actions, *file, kFileInChild);
    const int error = ::posix_spawnp(&state_->child, words[0], &actions, nullptr, words.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        state_->child = -1;
        fail(state_->program, error);
    }
}

ChildProcess::~ChildProcess() = default;

std::size_t ChildProcess::read(std::span<char> out, const std::function<void()>& check) {
    constexpr int kCheckEvery = 100;  // ms
    std::size_t done = 0;
    while (done < out.size()) {
        if (check) {
            pollfd ready{.fd = state_->pipe, .events = POLLIN, .revents = 0};
            if (::poll(&ready, 1, kCheckEvery) == 0) {
                check();
                continue;
            }
        }
        const ssize_t n = ::read(state_->pipe, out.data() + done, out.size() - done);
        if (n == 0) break;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(state_->program, errno);
        done += static_cast<std::size_t>(n);
    }
    return done;
}

int ChildProcess::wait() {
    State& s = *state_;
    int status = 0;
    while (!s.ended && ::waitpid(s.child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!s.ended) s.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    s.ended = true;
    if (s.status == kNotFound) fail(s.program, ENOENT);
    return s.status;
}

}  // namespace heart
