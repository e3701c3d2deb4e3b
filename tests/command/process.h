#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace heart::test {

/// What a finished process left behind.
struct Finished {
    int exit_code = -1;  ///< 128 + signal when a signal ended it
    std::string out, err;
};

struct RunOptions {
    std::string input;                     ///< standard input
    int interrupt_after_ms = 0;            ///< sends SIGINT after that time; 0: never
    std::filesystem::path folder;          ///< working folder; empty: the current one
    std::filesystem::path interrupt_when;  ///< sends SIGINT once this file exists
    /// Standard output is a pipe from which so many bytes are read. Then it is closed, or, when there will be an interrupt,
    /// left standing unread.
    std::optional<std::size_t> pipe_bytes;
};

/// Runs the heart command with these arguments and waits for it.
[[nodiscard]] Finished run_heart(const std::vector<std::string>& arguments, const RunOptions& options = {});

}  // namespace heart::test
