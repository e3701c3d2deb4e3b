#include "command/process.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace heart::test {

namespace {

std::string read_whole(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// So many bytes, fewer when there are no more.
std::string read_some(int descriptor, std::size_t bytes) {
    std::string out(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t n = read(descriptor, out.data() + done, bytes - done);
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    out.resize(done);
    return out;
}

/// In the child: files in place of the standard streams, then the command.
[[noreturn]] void become_heart(const std::vector<std::string>& arguments, const RunOptions& options,
                               const std::filesystem::path& files, int pipe) {
    const auto redirect = [&](const char* name, int flags, int target) {
        const int fd = open((files / name).c_str(), flags, 0600);
        if (fd < 0 || dup2(fd, target) < 0) _exit(125);
    };
    redirect("in", O_RDONLY, STDIN_FILENO);
    if (pipe < 0) redirect("out", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    else if (dup2(pipe, STDOUT_FILENO) < 0) _exit(125);
    redirect("err", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    if (!options.folder.empty() && chdir(options.folder.c_str()) != 0) _exit(125);
    std::vector<char*> argv{const_cast<char*>(HEART_COMMAND)};
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    execv(HEART_COMMAND, argv.data());
    _exit(126);
}

}  // namespace

Finished run_heart(const std::vector<std::string>& arguments, const RunOptions& options) {
    std::string pattern = (std::filesystem::temp_directory_path() / "heart-run-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    const std::filesystem::path files(pattern);
    std::ofstream(files / "in", std::ios::binary) << options.input;

    int pipe[2] = {-1, -1};
    if (options.pipe_bytes && pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const pid_t child = fork();
    if (child == 0) become_heart(arguments, options, files, pipe[1]);
    if (options.pipe_bytes) close(pipe[1]);
    std::string read_from_pipe = read_some(pipe[0], options.pipe_bytes.value_or(0));
    const bool interrupts = options.interrupt_after_ms > 0 || !options.interrupt_when.empty();
    if (options.pipe_bytes && !interrupts) close(pipe[0]);
    std::this_thread::sleep_for(std::chrono::milliseconds(options.interrupt_after_ms));
    for (int i = 0; !options.interrupt_when.empty() && !std::filesystem::exists(options.interrupt_when) && i < 60'000; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (interrupts) kill(child, SIGINT);
    int status = 0;
    waitpid(child, &status, 0);
    if (options.pipe_bytes && interrupts) close(pipe[0]);
    Finished out{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                 options.pipe_bytes ? std::move(read_from_pipe) : read_whole(files / "out"), read_whole(files / "err")};
    std::filesystem::remove_all(files);
    return out;
}

}  // namespace heart::test
