#include "hub/fetcher.h"

#include "core/error.h"
#include "formats/bytes.h"
#include "formats/digest.h"
#include "hub/part_file.h"
#include "net/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace heart::hub {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

namespace {

/// The server sends whole files only.
struct NoRanges {};

/// A try that brought nothing, and may the next time; `after` where the server says when.
struct Failure {
    std::string why;
    std::optional<milliseconds> after;
};

std::string checksum_of(const fs::path& path, const RemoteFile& file, const CancelToken& cancel) {
    using Kind = formats::Digest::Kind;
    const formats::Bytes bytes = formats::Bytes::map_file(path);
    const bool git = file.checksum.kind == Checksum::Kind::git_blob;
    formats::Digest digest(git ? Kind::sha1 : Kind::sha256);
    if (git) {
        const std::string head = fmt::format("blob {}", file.size) + '\0';
        digest.update(std::as_bytes(std::span(head)));
    }
    constexpr std::size_t kPiece = std::size_t{8} << 20;
    for (std::span<const std::byte> rest = bytes.view(); !rest.empty();) {
        cancel.check();
        const auto piece = rest.first(std::min(kPiece, rest.size()));
        digest.update(piece);
        bytes.release(piece);
        rest = rest.subspan(piece.size());
    }
    return digest.hex();
}

/// An answer must have the status `good`. Throws a Failure when it may come to that.
void check_status(const net::HttpAnswer& answer, int good, const std::string& what) {
    if (answer.status == good) return;
    if (answer.status == 429 || answer.status >= 500) {
        Failure again{fmt::format("status {}", answer.status), {}};
        const std::string_view after = answer.header("retry-after");
        if (!after.empty() && after.size() < 4 && after.find_first_not_of("0123456789") == std::string_view::npos) {
            again.after = std::chrono::seconds(std::stoi(std::string(after)));
        }
        throw again;
    }
    refuse_status(answer.status, fmt::format("'{}'", what));
}

/// The answer to a question for [begin, end).
void check_part(const net::HttpAnswer& answer, std::uint64_t begin, std::uint64_t end, std::uint64_t size,
                const std::string& what) {
    if (answer.status == 200) throw NoRanges{};
    if (answer.status == 416) throw Error(ErrorCode::mismatch, fmt::format("'{}' is shorter than its list says", what));
    check_status(answer, 206, what);
    const std::string asked = fmt::format("bytes {}-{}/{}", begin, end - 1, size);
    if (answer.header("content-range") != asked) {
        throw Error(ErrorCode::mismatch, fmt::format("the server sends another part of '{}' than was asked for", what))
            .expected(asked)
            .found(printable(answer.header("content-range"), 100));
    }
}

}  // namespace

bool is_whole(const fs::path& path, const RemoteFile& file, const CancelToken& cancel) {
    std::error_code failed;
    if (!fs::is_regular_file(path, failed) || fs::file_size(path, failed) != file.size || failed) return false;
    if (file.checksum.kind == Checksum::Kind::none || file.size == 0) return true;
    return checksum_of(path, file, cancel) == file.checksum.hex;
}

namespace {

/// One file on its way.
struct Coming {
    const Wanted* wanted = nullptr;
    std::unique_ptr<PartFile> part;
    std::uint64_t next = 0;       ///< piece that nobody has taken yet
    std::uint64_t under_way = 0;  ///< pieces that somebody works on
    bool whole_only = false;      ///< the server sends no pieces
    bool tried_again = false;     ///< its checksum was wrong once
};

class Fetch {
public:
    Fetch(const Source& source, const std::vector<Wanted>& files, const FetchOptions& options, const FetchProgress& progress,
          const CancelToken& cancel)
        : source_(source), files_(files), options_(options), progress_(progress), cancel_(cancel) {
        for (const Wanted& wanted : files) total_ += wanted.file.size;
    }

    void run();

private:
    struct Piece {
        Coming* file;
        std::uint64_t number;
    };

    void look_at_what_is_there();
    void work() noexcept;
    [[nodiscard]] std::optional<Piece> next_piece();
    void bring(const Piece& piece);
    void bring_part(Coming& file, std::uint64_t& at, std::uint64_t end);
    void bring_whole(Coming& file);
    [[nodiscard]] net::HttpRequest question(const RemoteFile& remote) const;
    template <typename Check>
    [[nodiscard]] std::optional<Failure> try_once(net::HttpRequest& request, const Check& check_answer);
    void keep(Coming& file, std::uint64_t& at, std::uint64_t end, std::string_view bytes);
    void wait_after(const RemoteFile& remote, int failures, const Failure& failure);
    void settle(Coming& file);
    void pause(milliseconds time);
    void add(std::int64_t bytes, bool checking = false);

    const Source& source_;
    const std::vector<Wanted>& files_;
    const FetchOptions& options_;
    const FetchProgress& progress_;
    const CancelToken& cancel_;

    std::mutex mutex_;  // of the following
    std::condition_variable changed_;
    std::vector<std::unique_ptr<Coming>> coming_;
    std::exception_ptr failure_;
    std::uint64_t total_ = 0;
    std::int64_t done_ = 0;
    CancelToken stop_;  ///< of all threads: the caller's wish, or a failure of one
};

void Fetch::add(std::int64_t bytes, bool checking) {
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    if (progress_) progress_(static_cast<std::uint64_t>(std::max<std::int64_t>(done_, 0)), total_, checking);
}

void Fetch::look_at_what_is_there() {
    for (const Wanted& wanted : files_) {
        cancel_.check();
        if (is_whole(wanted.target, wanted.file, cancel_)) {
            add(static_cast<std::int64_t>(wanted.file.size));
            continue;
        }
        auto file = std::make_unique<Coming>();
        file->wanted = &wanted;
        const std::string version = wanted.file.checksum.hex.empty() ? wanted.file.etag : wanted.file.checksum.hex;
        file->part = std::make_unique<PartFile>(wanted.target, wanted.file.size, options_.piece_bytes, version);
        add(static_cast<std::int64_t>(file->part->bytes_there()));
        coming_.push_back(std::move(file));
    }
}

void Fetch::run() {
    look_at_what_is_there();
    std::vector<std::thread> threads;
    const int count = std::clamp(options_.connections, 1, 16);
    threads.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    {
        std::unique_lock lock(mutex_);
        constexpr milliseconds kLook{50};  // for the caller's token
        while (!coming_.empty() && !failure_ && !cancel_.cancelled()) changed_.wait_for(lock, kLook);
    }
    stop_.cancel();
    changed_.notify_all();
    for (std::thread& thread : threads) thread.join();
    cancel_.check();
    if (failure_) std::rethrow_exception(failure_);
}

void Fetch::work() noexcept {
    try {
        while (const auto piece = next_piece()) bring(*piece);
    } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_ && !stop_.cancelled()) failure_ = std::current_exception();
        stop_.cancel();
    }
    changed_.notify_all();
}

/// Files one after the other, so that whole ones come early; none when all are whole or the work stops.
std::optional<Fetch::Piece> Fetch::next_piece() {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (stop_.cancelled() || coming_.empty()) return std::nullopt;
        for (const auto& file : coming_) {
            if (file->whole_only) {
                if (file->under_way > 0) continue;
                file->under_way = 1;
                return Piece{file.get(), 0};
            }
            while (file->next < file->part->pieces() && file->part->has(file->next)) ++file->next;
            if (file->next < file->part->pieces()) {
                ++file->under_way;
                return Piece{file.get(), file->next++};
            }
            // All pieces were there already, or it is empty: somebody must give it its name.
            if (file->under_way == 0) {
                file->under_way = 1;
                return Piece{file.get(), file->part->pieces()};
            }
        }
        constexpr milliseconds kLook{50};
        changed_.wait_for(lock, kLook);
    }
}

void Fetch::bring(const Piece& piece) {
    Coming& file = *piece.file;
    try {
        if (file.whole_only) {
            bring_whole(file);
        } else if (piece.number < file.part->pieces()) {
            std::uint64_t at = file.part->begin_of(piece.number);
            const std::uint64_t begin = at;
            try {
                bring_part(file, at, file.part->end_of(piece.number));
            } catch (...) {
                add(-static_cast<std::int64_t>(at - begin));  // of a piece that is not whole nothing is kept
                throw;
            }
            file.part->note(piece.number);
        }
    } catch (const NoRanges&) {
        const std::lock_guard lock(mutex_);
        file.whole_only = true;
    }
    bool last = false;
    {
        const std::lock_guard lock(mutex_);
        bool complete = true;
        for (std::uint64_t n = 0; n < file.part->pieces(); ++n) complete = complete && file.part->has(n);
        last = complete && file.under_way == 1;  // who is last looks at the whole; nobody takes a piece of it any more
        if (!last) --file.under_way;
    }
    if (last) {
        add(0, true);
        settle(file);
        add(0);
    }
    changed_.notify_all();
}

void Fetch::pause(milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [this] { return stop_.cancelled(); });
    stop_.check();
}

net::HttpRequest Fetch::question(const RemoteFile& remote) const {
    net::HttpRequest request{.url = remote.url, .headers = headers_of(source_), .timeout = milliseconds(0)};
    request.follow_redirects = true;
    request.stall = options_.stall;
    return request;
}

void Fetch::keep(Coming& file, std::uint64_t& at, std::uint64_t end, std::string_view bytes) {
    if (bytes.size() > end - at) {
        throw Error(ErrorCode::mismatch, fmt::format("'{}' is longer than its list says", file.wanted->file.path));
    }
    file.part->write(at, bytes.data(), bytes.size());
    at += bytes.size();
    add(static_cast<std::int64_t>(bytes.size()));
}

/// Waits before the next try, longer each time; throws when there were enough.
void Fetch::wait_after(const RemoteFile& remote, int failures, const Failure& failure) {
    if (failures >= options_.tries) {
        throw Error(ErrorCode::io, fmt::format("'{}' does not come", remote.path))
            .found(fmt::format("{} tries in a row that brought nothing, the last: {}", failures, failure.why))
            .hint("run it again later: what has come is kept");
    }
    constexpr milliseconds kLongest{30'000}, kLongestAsked{120'000};
    const milliseconds wait = std::min(kLongest, options_.wait * (1 << std::min(failures, 10)) / 2);
    pause(failure.after ? std::min(*failure.after, kLongestAsked) : wait);
}

/// One try. None when it did all it should; what is no fault of the network is thrown.
template <typename Check>
std::optional<Failure> Fetch::try_once(net::HttpRequest& request, const Check& check_answer) {
    bool ours = false;  // an error of looking at the answer or keeping it: trying again would not help
    const auto on_data = std::move(request.on_data);
    const auto guarded = [&ours](const auto& work) {
        ours = true;
        work();
        ours = false;
    };
    request.on_head = [&](const net::HttpAnswer& answer) { guarded([&] { check_answer(answer); }); };
    request.on_data = [&](std::string_view bytes) { guarded([&] { on_data(bytes); }); };
    try {
        const net::HttpAnswer answer = net::exchange(request, stop_);
        guarded([&] { check_answer(answer); });  // of one without a body too
        return std::nullopt;
    } catch (const Failure& again) {
        return again;
    } catch (const Error& error) {
        if (ours || error.code() != ErrorCode::io) throw;
        stop_.check();
        return Failure{error.what(), {}};
    }
}

/// [at, end), over as many connections as it takes; `at` says how far it came.
void Fetch::bring_part(Coming& file, std::uint64_t& at, std::uint64_t end) {
    const RemoteFile& remote = file.wanted->file;
    for (int failures = 0; at < end;) {
        const std::uint64_t begin = at;
        net::HttpRequest request = question(remote);
        request.headers.emplace_back("Range", fmt::format("bytes={}-{}", begin, end - 1));
        if (!remote.etag.empty()) request.headers.emplace_back("If-Range", remote.etag);
        request.on_data = [&](std::string_view bytes) { keep(file, at, end, bytes); };
        const auto failure = try_once(
            request, [&](const net::HttpAnswer& answer) { check_part(answer, begin, end, remote.size, remote.path); });
        if (at == end) return;
        failures = at > begin ? 0 : failures + 1;
        wait_after(remote, failures, failure.value_or(Failure{"the connection ended early", {}}));
    }
}

/// For servers without ranges: from the beginning each time.
void Fetch::bring_whole(Coming& file) {
    const RemoteFile& remote = file.wanted->file;
    add(-static_cast<std::int64_t>(file.part->bytes_there()));
    file.part->restart();
    std::uint64_t at = 0;
    for (int failures = 0;;) {
        net::HttpRequest request = question(remote);
        request.on_data = [&](std::string_view bytes) { keep(file, at, remote.size, bytes); };
        const auto failure =
            try_once(request, [&](const net::HttpAnswer& answer) { check_status(answer, 200, remote.path); });
        if (at == remote.size) break;
        add(-static_cast<std::int64_t>(std::exchange(at, 0)));
        wait_after(remote, ++failures, failure.value_or(Failure{"the connection ended early", {}}));
    }
    for (std::uint64_t piece = 0; piece < file.part->pieces(); ++piece) file.part->note(piece);
}

/// The whole file is there: it takes its name, or is fetched once more.
void Fetch::settle(Coming& file) {
    const RemoteFile& remote = file.wanted->file;
    if (!is_whole(file.part->path(), remote, stop_)) {
        if (file.tried_again) {
            throw Error(ErrorCode::malformed, fmt::format("'{}' arrives damaged", remote.path))
                .expected(remote.checksum.hex.empty() ? "its size" : "the checksum " + remote.checksum.hex)
                .found("another one, twice")
                .hint("try another --source");
        }
        add(-static_cast<std::int64_t>(file.part->bytes_there()));
        file.part->restart();
        const std::lock_guard lock(mutex_);
        file.tried_again = true;
        file.next = 0;
        file.under_way = 0;
        return;
    }
    file.part->finish();
    const std::lock_guard lock(mutex_);
    std::erase_if(coming_, [&](const auto& other) { return other.get() == &file; });
}

}  // namespace

void fetch_all(const Source& source, const std::vector<Wanted>& files, const FetchOptions& options,
               const FetchProgress& progress, const CancelToken& cancel) {
    Fetch(source, files, options, progress, cancel).run();
}

}  // namespace heart::hub
