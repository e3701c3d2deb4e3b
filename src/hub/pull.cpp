#include "hub/pull.h"

#include "core/error.h"
#include "hub/local_copies.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::hub {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& what, const std::string& why) {
    throw Error(ErrorCode::io, what).found(why);
}

void make_folder(const fs::path& folder) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (!fs::is_directory(folder)) fail(fmt::format("cannot make the folder '{}'", folder.string()), failed.message());
}

/// Keeps other processes from pulling into the folder.
class FolderLock {
public:
    explicit FolderLock(const fs::path& folder) {
        const fs::path file = folder / ".pull.lock";
        descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (descriptor_ < 0) fail(fmt::format("cannot write into '{}'", folder.string()), std::strerror(errno));
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            ::close(descriptor_);
            fail(fmt::format("cannot pull into '{}'", folder.string()), "another process does");
        }
    }
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    ~FolderLock() { ::close(descriptor_); }

private:
    int descriptor_ = -1;
};

fs::path place_of(const PullRequest& request, const PullItem& item, const RemoteFile& file) {
    return request.folder / item.folder / file.path;
}

fs::path staging_of(const PullRequest& request, const PullItem& item) {
    return request.folder / fmt::format(".pull-{}", item.repository->name);
}

std::uint64_t free_bytes(fs::path folder) {
    std::error_code failed;
    folder = fs::absolute(folder, failed);
    while (!fs::exists(folder, failed) && folder.has_relative_path()) folder = folder.parent_path();
    const fs::space_info space = fs::space(folder, failed);
    return failed ? 0 : space.available;
}

/// Of what is gathered already nothing comes again.
std::uint64_t bytes_gathered(const fs::path& staging) {
    std::uint64_t bytes = 0;
    std::error_code failed;
    for (fs::recursive_directory_iterator entry(staging, failed), end; !failed && entry != end; entry.increment(failed)) {
        struct stat info {};
        if (::lstat(entry->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
            constexpr std::uint64_t kBlock = 512;  // a part has its whole size at once, but not its blocks
            bytes += static_cast<std::uint64_t>(info.st_blocks) * kBlock;
        }
    }
    return bytes;
}

/// Keeps the licence beside what it covers. A file of that name that is no record of ours is somebody's own, and stays.
void keep_licence(const PullRequest& request, const PullItem& item) {
    const std::string name = licence_record_name(*item.repository), record = licence_record(*item.repository);
    const fs::path place = request.folder / item.folder / name, unfinished = staging_of(request, item) / name;
    std::error_code failed;
    if (fs::exists(place, failed)) {
        if (!fs::is_regular_file(place, failed)) return;
        std::string there(record.size() + 1, '\0');
        std::ifstream in(place, std::ios::binary);
        in.read(there.data(), static_cast<std::streamsize>(there.size()));
        there.resize(static_cast<std::size_t>(in.gcount()));
        if (there == record || !licence_of_record(there)) return;
    }
    make_folder(unfinished.parent_path());
    make_folder(place.parent_path());
    std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
    out << record;
    out.close();
    if (!out) fail(fmt::format("cannot write '{}'", unfinished.string()), std::strerror(errno));
    fs::rename(unfinished, place, failed);
    if (failed) fail(fmt::format("cannot put '{}' in its place", place.string()), failed.message());
}

/// Of a checkpoint that is whole.
void keep_licence_if_possible(const PullRequest& request, const PullItem& item) {
    try {
        keep_licence(request, item);
    } catch (const Error&) {
        // It may lie where nothing can be written, and then goes without: that is no reason to fail.
    }
    std::error_code ignored;
    fs::remove(staging_of(request, item), ignored);  // unless something waits in it
}

void check_accepted(const PullRequest& request, const PullPlan& plan) {
    const std::vector<Licence> open = licences_to_accept(request, plan);
    if (open.empty()) return;
    const std::string_view id = open.front().id;
    const auto item =
        std::find_if(plan.items.begin(), plan.items.end(), [&](const PullItem& i) { return i.repository->licence == id; });
    throw Error(ErrorCode::usage,
                fmt::format("{} is published under {} ({}), which nobody has accepted: nothing was fetched",
                            item->repository->name, id, open.front().in_short))
        .expected(fmt::format("--accept-licence {}", id))
        .found(fmt::format("{}", fmt::join(request.accepted_licences, ", ")));
}

void bring(const PullRequest& request, const PullItem& item, const PullProgressFn& progress, const CancelToken& cancel) {
    const fs::path staging = staging_of(request, item);
    std::vector<Wanted> wanted;
    for (const RemoteFile& file : item.missing) {
        Wanted want{file, staging / file.path};
        make_folder(want.target.parent_path());
        std::error_code failed;
        if (!fs::exists(want.target, failed)) {
            if (const auto copy = local_copy(*item.repository, file); copy && is_whole(*copy, file, cancel)) {
                take_copy(*copy, want.target);
            }
        }
        wanted.push_back(std::move(want));
    }
    fetch_all(
        request.source, wanted, request.fetch,
        [&](std::uint64_t done, std::uint64_t total, bool checking) {
            if (progress) progress({std::string(item.repository->name), done, total, checking});
        },
        cancel);
    keep_licence(request, item);  // first: what it covers never stands there without it
    // Nothing but renaming is left, which takes no room.
    for (const Wanted& want : wanted) {
        const fs::path place = place_of(request, item, want.file);
        make_folder(place.parent_path());
        std::error_code failed;
        fs::rename(want.target, place, failed);
        if (failed) fail(fmt::format("cannot put '{}' in its place", place.string()), failed.message());
    }
    std::error_code ignored;
    fs::remove_all(staging, ignored);
}

}  // namespace

PullPlan plan_pull(const PullRequest& request, const PullProgressFn& progress, const CancelToken& cancel) {
    const auto is_name = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    };
    if (request.version.empty() || !std::all_of(request.version.begin(), request.version.end(), is_name)) {
        throw Error(ErrorCode::usage, "a version is no name")
            .expected("letters, digits, '-', '_' and '.'")
            .found(request.version);
    }
    PullPlan plan;
    for (const Repository* repository : request.repositories) {
        PullItem item{
            repository, folder_of(*repository, request.version), list_files(request.source, *repository, cancel), {}};
        for (const RemoteFile& file : item.files) item.bytes += file.size;
        std::uint64_t looked = 0;
        for (const RemoteFile& file : item.files) {
            if (progress) progress({std::string(repository->name), looked, item.bytes, true});
            looked += file.size;
            if (is_whole(place_of(request, item, file), file, cancel)) continue;
            item.missing.push_back(file);
            item.bytes_missing += file.size;
        }
        plan.bytes += item.bytes;
        plan.bytes_missing += item.bytes_missing;
        plan.items.push_back(std::move(item));
    }
    plan.bytes_free = free_bytes(request.folder);
    return plan;
}

std::vector<Licence> licences_to_accept(const PullRequest& request, const PullPlan& plan) {
    std::vector<const Repository*> to_fetch;
    for (const PullItem& item : plan.items) {
        if (!item.missing.empty()) to_fetch.push_back(item.repository);
    }
    std::vector<Licence> open = licences_to_accept(to_fetch);
    std::erase_if(open, [&](const Licence& licence) {
        return std::find(request.accepted_licences.begin(), request.accepted_licences.end(), licence.id) !=
               request.accepted_licences.end();
    });
    return open;
}

void run_pull(const PullRequest& request, const PullPlan& plan, const PullProgressFn& progress, const CancelToken& cancel) {
    check_accepted(request, plan);
    make_folder(request.folder);
    const FolderLock lock(request.folder);
    std::uint64_t gathered = 0;
    for (const PullItem& item : plan.items)
        gathered += std::min(bytes_gathered(staging_of(request, item)), item.bytes_missing);
    const std::uint64_t needed = plan.bytes_missing - gathered, room = free_bytes(request.folder);
    if (needed > room) {
        fail(fmt::format("'{}' has no room for the checkpoints: {:.1f} GB are free", request.folder.string(),
                         static_cast<double>(room) / 1e9),
             fmt::format("{:.1f} GB to fetch", static_cast<double>(needed) / 1e9));
    }
    for (const PullItem& item : plan.items) {
        if (item.missing.empty()) keep_licence_if_possible(request, item);
        else bring(request, item, progress, cancel);
    }
}

}  // namespace heart::hub
