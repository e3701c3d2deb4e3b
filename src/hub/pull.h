#pragma once

#include "hub/fetcher.h"
#include "hub/licence.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace heart::hub {

/// What is to be brought here: checkpoints of one source, into the published layout below one folder.
struct PullRequest {
    std::vector<const Repository*> repositories;
    std::filesystem::path folder = "ckpt";
    std::string version = "3B";  ///< the language model's folder: HeartMuLa-oss-<version>
    Source source;
    FetchOptions fetch;
    std::vector<std::string> accepted_licences;  ///< identifiers, to which somebody said yes
};

/// One checkpoint of a plan.
struct PullItem {
    const Repository* repository = nullptr;
    std::string folder;  ///< below the request's; "" for the request's itself
    std::vector<RemoteFile> files, missing;
    std::uint64_t bytes = 0, bytes_missing = 0;
};

struct PullPlan {
    std::vector<PullItem> items;
    std::uint64_t bytes = 0, bytes_missing = 0;
    std::uint64_t bytes_free = 0;  ///< of the disk
};

struct PullProgress {
    std::string what;  ///< name of the checkpoint
    std::uint64_t done = 0, total = 0;
    bool checking = false;  ///< checksums are computed
};
using PullProgressFn = std::function<void(const PullProgress&)>;

/// Asks the source what there is, and looks at what is here: whole files need not be fetched. Throws what list_files()
/// throws, and ErrorCode::usage for a version that is no name.
[[nodiscard]] PullPlan plan_pull(const PullRequest& request, const PullProgressFn& progress, const CancelToken& cancel);

/// Under which licences that are not free there is something to fetch, and nobody has accepted them yet.
[[nodiscard]] std::vector<Licence> licences_to_accept(const PullRequest& request, const PullPlan& plan);

/// Brings what is missing, and keeps a record of its licence beside every checkpoint. Files gather in `.pull-<name>` inside
/// the folder, and take their places when the last one is whole: until then, and after any failure, the folder has what it
/// had. A later call goes on where this one stopped.
///
/// Throws what fetch_all() throws, and before any work ErrorCode::usage for a licence that has to be accepted first, and
/// ErrorCode::io when the disk has no room, or while another process pulls into this folder.
void run_pull(const PullRequest& request, const PullPlan& plan, const PullProgressFn& progress, const CancelToken& cancel);

}  // namespace heart::hub
