#pragma once

#include "support/fake_http_server.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace heart::test {

/// A hub on loopback that speaks Hugging Face's and ModelScope's protocols, and plain folders: lists, redirects to another
/// host for large files, ranges, ETags. Faults are put in by `fault`.
class FakeHub {
public:
    using Files = std::map<std::string, std::string>;  ///< path to bytes
    enum class Speaks { hugging_face, modelscope, plain };

    explicit FakeHub(Speaks language);

    /// Files of a repository "HeartMuLa/<name>".
    void add(const std::string& name, Files files) { add_at("HeartMuLa/" + name, std::move(files)); }
    /// Of one with this path, "<owner>/<name>", or "<name>" as the oldest have it.
    void add_at(const std::string& path, Files files);

    /// Looked at before a file (or, with an empty path, a list) is answered; an answer that it gives goes out instead.
    std::function<std::optional<FakeAnswer>(const FakeRequest&, const std::string& path)> fault;
    std::string token;                         ///< asked for where it is not empty
    std::atomic<bool> with_ranges = true;      ///< false: whole files only
    std::atomic<std::uint64_t> bytes_sent{0};  ///< of files
    std::atomic<int> leaked_tokens{0};         ///< requests to the host of large files that carry one

    [[nodiscard]] std::string url() const { return hub_.url(); }
    /// Counts of questions for files, by path.
    [[nodiscard]] std::map<std::string, int> asked() const;

private:
    FakeAnswer at_hub(const FakeRequest& request);
    FakeAnswer at_storage(const FakeRequest& request);
    FakeAnswer list(const std::string& path);
    FakeAnswer file(const FakeRequest& request, const std::string& path, const std::string& bytes);
    /// A file by what its address says behind the start: "<repository>" `between` "<path>".
    struct Place {
        std::string repository, path;
    };
    [[nodiscard]] static std::optional<Place> place_in(const std::string& address, const std::string& between);
    [[nodiscard]] std::optional<std::string> find(const Place& place) const;

    Speaks language_;
    std::map<std::string, Files> repositories_;  ///< by path; by name alone in plain folders
    mutable std::mutex mutex_;
    std::map<std::string, int> asked_;
    FakeHttpServer storage_, hub_;  // last: they go first
};

[[nodiscard]] std::string sha256_of(const std::string& bytes);

/// Bytes that no two files share.
[[nodiscard]] std::string noise(std::size_t size, unsigned seed);

}  // namespace heart::test
