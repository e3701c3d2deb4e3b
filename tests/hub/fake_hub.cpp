#include "hub/fake_hub.h"

#include "formats/digest.h"

#include <nlohmann/json.hpp>

#include <random>
#include <span>

namespace heart::test {

using nlohmann::json;

namespace {

constexpr std::size_t kLarge = 4096;  // from here on files lie in the storage, as LFS has it

FakeAnswer json_answer(const json& body) {
    return {.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = body.dump()};
}

std::string digest_of(formats::Digest::Kind kind, const std::string& bytes) {
    formats::Digest digest(kind);
    digest.update(std::as_bytes(std::span(bytes)));
    return digest.hex();
}

std::string git_blob_of(const std::string& bytes) {
    return digest_of(formats::Digest::Kind::sha1, "blob " + std::to_string(bytes.size()) + '\0' + bytes);
}

/// What stands behind `start`, cut at the query.
std::string behind(const std::string& target, const std::string& start) {
    return target.substr(start.size(), target.find('?') - start.size());
}

}  // namespace

std::string sha256_of(const std::string& bytes) {
    return digest_of(formats::Digest::Kind::sha256, bytes);
}

std::string noise(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

FakeHub::FakeHub(Speaks language)
    : language_(language),
      storage_([this](const FakeRequest& r) { return at_storage(r); }),
      hub_([this](const FakeRequest& r) { return at_hub(r); }) {}

void FakeHub::add(const std::string& name, Files files) {
    const std::lock_guard lock(mutex_);
    repositories_[name] = std::move(files);
}

std::map<std::string, int> FakeHub::asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
}

std::optional<std::string> FakeHub::find(const std::string& name, const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto repository = repositories_.find(name);
    if (repository == repositories_.end()) return std::nullopt;
    const auto file = repository->second.find(path);
    return file == repository->second.end() ? std::nullopt : std::optional(file->second);
}

FakeAnswer FakeHub::list(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto repository = repositories_.find(name);
    if (repository == repositories_.end()) return {.status = 404, .body = "no"};
    json entries = json::array();
    for (const auto& [path, bytes] : repository->second) {
        if (language_ == Speaks::modelscope) {
            entries.push_back({{"Type", "blob"}, {"Path", path}, {"Size", bytes.size()}, {"Sha256", sha256_of(bytes)}});
            continue;
        }
        json entry{{"type", "file"}, {"path", path}, {"size", bytes.size()}, {"oid", git_blob_of(bytes)}};
        if (bytes.size() >= kLarge) entry["lfs"] = {{"oid", sha256_of(bytes)}, {"size", bytes.size()}};
        entries.push_back(entry);
    }
    if (language_ == Speaks::modelscope) return json_answer({{"Code", 200}, {"Data", {{"Files", entries}}}});
    entries.push_back({{"type", "directory"}, {"path", "assets"}, {"size", 0}, {"oid", "0"}});
    return json_answer(entries);
}

FakeAnswer FakeHub::at_hub(const FakeRequest& request) {
    const std::string& target = request.target;
    if (!token.empty()) {
        const bool modelscope = language_ == Speaks::modelscope;
        const std::string given = modelscope ? request.header("cookie") : request.header("authorization");
        if (given != (modelscope ? "m_session_id=" : "Bearer ") + token) return {.status = 401, .body = "no"};
    }
    const std::string lists = language_ == Speaks::modelscope ? "/api/v1/models/HeartMuLa/" : "/api/models/HeartMuLa/";
    if (language_ != Speaks::plain && target.starts_with(lists)) {
        if (fault) {
            if (auto answer = fault(request, "")) return *answer;
        }
        const std::string rest = behind(target, lists);
        return list(rest.substr(0, rest.find('/')));
    }
    const std::string files = language_ == Speaks::plain        ? "/"
                              : language_ == Speaks::modelscope ? "/models/HeartMuLa/"
                                                                : "/HeartMuLa/";
    if (!target.starts_with(files)) return {.status = 404, .body = "no"};
    const std::string rest = behind(target, files);
    const std::string name = rest.substr(0, rest.find('/'));
    const std::string resolve = language_ == Speaks::modelscope ? "/resolve/master/"
                                : language_ == Speaks::plain    ? "/"
                                                                : "/resolve/main/";
    if (rest.compare(name.size(), resolve.size(), resolve) != 0) return {.status = 404, .body = "no"};
    const std::string path = rest.substr(name.size() + resolve.size());
    const std::optional<std::string> bytes = find(name, path);
    if (!bytes) return {.status = 404, .body = "no"};
    if (language_ != Speaks::plain && bytes->size() >= kLarge) {
        return {.status = 302,
                .headers = {{"Location", storage_.url("/" + name + "/" + path + "?signed=yes")}},
                .body = "there"};
    }
    return file(request, path, *bytes);
}

FakeAnswer FakeHub::at_storage(const FakeRequest& request) {
    if (!request.header("authorization").empty() || !request.header("cookie").empty()) ++leaked_tokens;
    const std::string rest = behind(request.target, "/");
    const std::string name = rest.substr(0, rest.find('/'));
    const std::optional<std::string> bytes = find(name, rest.substr(name.size() + 1));
    if (!bytes) return {.status = 404, .body = "no"};
    return file(request, rest.substr(name.size() + 1), *bytes);
}

FakeAnswer FakeHub::file(const FakeRequest& request, const std::string& path, const std::string& bytes) {
    {
        const std::lock_guard lock(mutex_);
        ++asked_[path];
    }
    if (fault) {
        if (auto answer = fault(request, path)) return *answer;
    }
    FakeAnswer answer{.status = 200, .headers = {{"ETag", '"' + sha256_of(bytes) + '"'}}, .body = bytes};
    if (request.method == "HEAD") {
        answer.raw = "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"" + sha256_of(bytes) +
                     "\"\r\nContent-Length: " + std::to_string(bytes.size()) + "\r\n\r\n";
        return answer;
    }
    const std::string range = request.header("range");
    if (with_ranges && range.starts_with("bytes=")) {
        const std::size_t dash = range.find('-');
        const std::size_t begin = std::stoul(range.substr(6, dash - 6)), last = std::stoul(range.substr(dash + 1));
        if (begin >= bytes.size()) return {.status = 416, .body = "no"};
        answer.status = 206;
        answer.body = bytes.substr(begin, last - begin + 1);
        answer.headers.emplace_back("Content-Range", "bytes " + std::to_string(begin) + "-" +
                                                         std::to_string(begin + answer.body.size() - 1) + "/" +
                                                         std::to_string(bytes.size()));
    }
    bytes_sent += answer.body.size();
    return answer;
}

}  // namespace heart::test
