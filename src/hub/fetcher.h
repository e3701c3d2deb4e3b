#pragma once

#include "core/cancel.h"
#include "hub/remote.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace heart::hub {

struct FetchOptions {
    int connections = 4;
    std::uint64_t piece_bytes = std::uint64_t{8} << 20;  ///< what is asked for at once, and lost at most when a process dies
    /// Tries of one piece in a row that brought nothing, and the wait behind the first; it doubles up to 30 s.
    int tries = 8;
    std::chrono::milliseconds wait{1000};
    std::chrono::seconds stall{30};  ///< a connection over which nothing comes for so long is tried again
};

struct Wanted {
    RemoteFile file;
    std::filesystem::path target;  ///< in a folder that exists
};

/// Bytes that are there, of all; `checking`: behind the last byte, a file's checksum is computed. From any thread, one call
/// at a time.
using FetchProgress = std::function<void(std::uint64_t done, std::uint64_t total, bool checking)>;

/// Brings files to this machine over several connections at once, in pieces, and gives each its name when it is whole and
/// its checksum right. What an earlier call left of them is not fetched again, and neither is a file that is there: its
/// checksum is looked at.
///
/// Throws ErrorCode::malformed for a file that is wrong also when it was fetched a second time, ErrorCode::usage where a
/// token is missing, ErrorCode::not_found, ErrorCode::io (no answer after all tries, disk full) and ErrorCode::cancelled.
/// What has come by then stays for the next call.
void fetch_all(const Source& source, const std::vector<Wanted>& files, const FetchOptions& options,
               const FetchProgress& progress, const CancelToken& cancel);

/// Whether the file at `path` is this one: of its size, and of its checksum where one is known. ErrorCode::io, ::cancelled.
[[nodiscard]] bool is_whole(const std::filesystem::path& path, const RemoteFile& file, const CancelToken& cancel);

}  // namespace heart::hub
