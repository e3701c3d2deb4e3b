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

void FakeHub::add_at(const std::string& path, Files files) {
    const std::lock_guard lock(mutex_);
    const bool plain = language_ == Speaks::plain;
    repositories_[plain ? path.substr(path.find('/') + 1) : path] = std::move(files);
}

std::map<std::string, int> FakeHub::asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
}

std::optional<FakeHub::Place> FakeHub::place_in(const std::string& address, const std::string& between) {
    const std::size_t at = address.find(between);
    if (at == std::string::npos) return std::nullopt;
    return Place{address.substr(0, at), address.substr(at + between.size())};
}

std::optional<std::string> FakeHub::find(const Place& place) const {
    const std::lock_guard lock(mutex_);
    const auto repository = repositories_.find(place.repository);
    if (repository == repositories_.end()) return std::nullopt;
    const auto file = repository->second.find(place.path);
    return file == repository->second.end() ? std::nullopt : std::optional(file->second);
}

FakeAnswer FakeHub::list(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto repository = repositories_.find(path);
    if (repository == repositories_.end()) return {.status = 404, .body = "no"};
    json entries = json::array();
    for (const auto& [name, bytes] : repository->second) {
        if (language_ == Speaks::modelscope) {
            entries.push_back({{"Type", "blob"}, {"Path", name}, {"Size", bytes.size()}, {"Sha256", sha256_of(bytes)}});
            continue;
        }
        json entry{{"type", "file"}, {"path", name}, {"size", bytes.size()}, {"oid", git_blob_of(bytes)}};
        if (bytes.size() >= kLarge) entry["lfs"] = {{"oid", sha256_of(bytes)}, {"size", bytes.size()}};
        entries.push_back(entry);
    }
    if (language_ == Speaks::modelscope) return json_answer({{"Code", 200}, {"Data", {{"Files", entries}}}});
    entries.push_back({{"type", "directory"}, {"path", "assets"}, {"size", 0}, {"oid", "0"}});
    return json_answer(entries);
}

FakeAnswer FakeHub::at_hub(const FakeRequest& request) {
    const std::string& target = request.target;
    const bool modelscope = language_ == Speaks::modelscope, plain = language_ == Speaks::plain;
    if (!token.empty()) {
        const std::string given = modelscope ? request.header("cookie") : request.header("authorization");
        if (given != (modelscope ? "m_session_id=" : "Bearer ") + token) return {.status = 401, .body = "no"};
    }
    const std::string lists = modelscope ? "/api/v1/models/" : "/api/models/";
    if (!plain && target.starts_with(lists)) {
        if (fault) {
            if (auto answer = fault(request, "")) return *answer;
        }
        const std::string rest = behind(target, lists);
        return list(rest.substr(0, rest.find(modelscope ? "/repo/files" : "/tree/")));
    }
    const std::string files = modelscope ? "/models/" : "/";
    if (!target.starts_with(files)) return {.status = 404, .body = "no"};
    const auto place = place_in(behind(target, files), plain ? "/" : modelscope ? "/resolve/master/" : "/resolve/main/");
    const std::optional<std::string> bytes = place ? find(*place) : std::nullopt;
    if (!bytes) return {.status = 404, .body = "no"};
    if (!plain && bytes->size() >= kLarge) {
        const std::string address = "/" + place->repository + "/-/" + place->path + "?signed=yes";
        return {.status = 302, .headers = {{"Location", storage_.url(address)}}, .body = "there"};
    }
    return file(request, place->path, *bytes);
}

FakeAnswer FakeHub::at_storage(const FakeRequest& request) {
    if (!request.header("authorization").empty() || !request.header("cookie").empty()) ++leaked_tokens;
    const auto place = place_in(behind(request.target, "/"), "/-/");
    const std::optional<std::string> bytes = place ? find(*place) : std::nullopt;
    if (!bytes) return {.status = 404, .body = "no"};
    return file(request, place->path, *bytes);
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
