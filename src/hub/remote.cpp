#include "hub/remote.h"

#include "core/error.h"
#include "formats/bytes.h"
#include "formats/json.h"
#include "hub/licence.h"
#include "net/http_client.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

namespace heart::hub {

namespace fs = std::filesystem;
using formats::Json;

namespace {

constexpr std::size_t kMostFiles = 1000, kMostList = std::size_t{8} << 20;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 40;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::string first_line(const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
}

std::string hugging_face_token() {
    for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
        if (std::string token = environment(name); !token.empty()) return token;
    }
    if (const std::string file = environment("HF_TOKEN_PATH"); !file.empty()) return first_line(file);
    if (const std::string home = environment("HF_HOME"); !home.empty()) return first_line(fs::path(home) / "token");
    const std::string cache = environment("XDG_CACHE_HOME"), home = environment("HOME");
    if (!cache.empty()) return first_line(fs::path(cache) / "huggingface" / "token");
    return home.empty() ? "" : first_line(fs::path(home) / ".cache" / "huggingface" / "token");
}

std::string without_end_slash(std::string text) {
    while (text.ends_with('/')) text.pop_back();
    return text;
}

/// A name, or folders and a name, of visible ASCII: nothing that could leave its folder or surprise a shell.
bool is_safe_path(std::string_view path) {
    if (path.empty() || path.size() > 200 || path.front() == '/' || path.back() == '/') return false;
    const bool plain = std::all_of(path.begin(), path.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-' || c == '/' || c == '+';
    });
    return plain && path.find("..") == std::string_view::npos && path.find("//") == std::string_view::npos &&
           path.find("/.") == std::string_view::npos;
}

bool is_named(std::string_view path, const Repository& repository) {
    return std::find(repository.files.begin(), repository.files.end(), path) != repository.files.end();
}

/// What a model needs: not pictures, texts about it, hidden files. The record of a licence is ours to write.
bool is_wanted(std::string_view path, const Repository& repository) {
    if (path.starts_with('.') || path == licence_record_name(repository)) return false;
    for (const std::string_view ending : {".json", ".safetensors", ".txt", ".model", ".bin", "SHA256SUMS"}) {
        if (path.ends_with(ending)) return true;
    }
    return false;
}

bool is_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string strong_etag(std::string_view etag) {
    return etag.starts_with('"') && etag.size() > 2 ? std::string(etag) : "";
}

void add(std::vector<RemoteFile>& files, RemoteFile file, const Repository& repository) {
    if (repository.only_these && !is_named(file.path, repository)) return;  // what else is there is none of our business
    if (!is_safe_path(file.path)) {
        throw Error(ErrorCode::malformed, fmt::format("the list of {} has a name that is not taken", repository.name))
            .found(printable(file.path, 100));
    }
    if (!is_wanted(file.path, repository)) return;
    if (file.size > kMostBytes || files.size() >= kMostFiles) {
        throw Error(ErrorCode::malformed, fmt::format("the list of {} is of an impossible size", repository.name));
    }
    files.push_back(std::move(file));
}

net::HttpAnswer get(const Source& source, const std::string& method, const std::string& url, const CancelToken& cancel) {
    net::HttpRequest request{.method = method, .url = url, .headers = headers_of(source), .max_answer = kMostList};
    request.follow_redirects = true;
    return net::exchange(request, cancel);
}

/// A member of what should be an object; null for anything else.
const Json& part_of(const Json& object, const char* name) {
    static const Json nothing;
    return object.is_object() && object.contains(name) ? object.at(name) : nothing;
}

std::string text_of(const Json& object, const char* name) {
    const Json& part = part_of(object, name);
    return part.is_string() ? part.get<std::string>() : "";
}

std::uint64_t number_of(const Json& object, const char* name) {
    const Json& part = part_of(object, name);
    return part.is_number_unsigned() ? part.get<std::uint64_t>() : 0;
}

Json list_of(const net::HttpAnswer& answer, const Repository& repository) {
    constexpr formats::JsonLimits kLimits{kMostList, 8};
    return formats::parse_json(answer.body, fmt::format("the list of {}", repository.name), kLimits);
}

/// GET /api/models/<path>/tree/<revision>: large files carry their SHA-256, others git's name of them.
std::vector<RemoteFile> hugging_face_files(const Source& source, const Repository& repository, const std::string& path,
                                           const Json& list) {
    if (!list.is_array()) throw Error(ErrorCode::malformed, fmt::format("the list of {} is none", repository.name));
    std::vector<RemoteFile> files;
    for (const Json& entry : list) {
        if (text_of(entry, "type") != "file") continue;
        RemoteFile file;
        file.path = text_of(entry, "path");
        file.size = number_of(entry, "size");
        const std::string sha256 = text_of(part_of(entry, "lfs"), "oid"), blob = text_of(entry, "oid");
        if (is_hex(sha256, 64)) {
            file.checksum = {Checksum::Kind::sha256, sha256};
        } else if (is_hex(blob, 40)) {
            file.checksum = {Checksum::Kind::git_blob, blob};
        }
        file.url = fmt::format("{}/{}/resolve/{}/{}", source.base, path, source.revision, file.path);
        add(files, std::move(file), repository);
    }
    return files;
}

/// GET /api/v1/models/<path>/repo/files: every file carries its SHA-256.
std::vector<RemoteFile> modelscope_files(const Source& source, const Repository& repository, const std::string& path,
                                         const Json& list) {
    const Json& entries = part_of(part_of(list, "Data"), "Files");
    if (!entries.is_array()) throw Error(ErrorCode::malformed, fmt::format("the list of {} is none", repository.name));
    std::vector<RemoteFile> files;
    for (const Json& entry : entries) {
        if (text_of(entry, "Type") != "blob") continue;
        RemoteFile file;
        file.path = text_of(entry, "Path");
        file.size = number_of(entry, "Size");
        if (const std::string sha256 = text_of(entry, "Sha256"); is_hex(sha256, 64)) {
            file.checksum = {Checksum::Kind::sha256, sha256};
        }
        file.url = fmt::format("{}/models/{}/resolve/{}/{}", source.base, path, source.revision, file.path);
        add(files, std::move(file), repository);
    }
    return files;
}

/// A file of a plain folder, by what the server says of it; none when it is not there.
std::optional<RemoteFile> plain_file(const Source& source, const Repository& repository, const std::string& name,
                                     const CancelToken& cancel) {
    RemoteFile file;
    file.path = name;
    file.url = fmt::format("{}/{}/{}", source.base, repository.name, name);
    const net::HttpAnswer answer = get(source, "HEAD", file.url, cancel);
    if (answer.status == 404) return {};
    if (answer.status != 200) refuse_status(answer.status, file.url);
    const std::string length(answer.header("content-length"));
    if (length.empty() || length.size() > 15 || length.find_first_not_of("0123456789") != std::string::npos) {
        throw Error(ErrorCode::unsupported, fmt::format("the server does not tell the size of '{}'", name));
    }
    file.size = std::stoull(length);
    file.etag = strong_etag(answer.header("etag"));
    const std::string_view bare = std::string_view(file.etag).substr(file.etag.empty() ? 0 : 1);
    if (bare.size() == 65 && is_hex(bare.substr(0, 64), 64))
        file.checksum = {Checksum::Kind::sha256, std::string(bare.substr(0, 64))};
    return file;
}

/// The names of the shards that an index lists.
std::set<std::string> shards_of(const std::string& index, const Repository& repository) {
    const Json all = formats::parse_json(index, fmt::format("the index of {}", repository.name), {kMostList, 8});
    const Json& map = part_of(all, "weight_map");
    std::set<std::string> names;
    if (map.is_object()) {
        for (const auto& [tensor, file] : map.items()) {
            if (file.is_string()) names.insert(file.get<std::string>());
        }
    }
    if (names.empty()) throw Error(ErrorCode::malformed, fmt::format("the index of {} lists no files", repository.name));
    return names;
}

std::vector<RemoteFile> plain_files(const Source& source, const Repository& repository, const CancelToken& cancel) {
    std::vector<RemoteFile> files;
    const auto take = [&](const std::string& name) {
        auto file = plain_file(source, repository, name, cancel);
        if (!file)
            throw Error(ErrorCode::not_found, fmt::format("{} has no '{}'", source.base, repository.name))
                .found(fmt::format("no file '{}'", printable(name, 100)));
        add(files, std::move(*file), repository);
    };
    for (const std::string_view name : repository.files) {
        if (name.find('*') == std::string_view::npos) {
            take(std::string(name));
            continue;
        }
        const net::HttpAnswer index = get(source, "GET", files.back().url, cancel);
        if (index.status != 200) refuse_status(index.status, files.back().url);
        for (const std::string& shard : shards_of(index.body, repository)) take(shard);
    }
    return files;
}

std::string address_of_list(const Source& source, const std::string& path) {
    if (source.kind == Source::Kind::modelscope) {
        return fmt::format("{}/api/v1/models/{}/repo/files?Revision={}&Recursive=true", source.base, path, source.revision);
    }
    return fmt::format("{}/api/models/{}/tree/{}?recursive=true", source.base, path, source.revision);
}

/// Where nothing but a few files is taken, all of them have to be there.
void check_complete(const std::vector<RemoteFile>& files, const Repository& repository, const std::string& where) {
    if (!repository.only_these) return;
    for (const std::string_view name : repository.files) {
        if (std::none_of(files.begin(), files.end(), [&](const RemoteFile& file) { return file.path == name; })) {
            throw Error(ErrorCode::not_found, fmt::format("{} is not whole", where))
                .found(fmt::format("no file '{}'", name));
        }
    }
}

/// Gives files without a checksum the one that is known.
void add_known_checksums(std::vector<RemoteFile>& files, const Repository& repository, const std::string& where) {
    for (RemoteFile& file : files) {
        const auto known = std::find_if(repository.known.begin(), repository.known.end(),
                                        [&](const KnownFile& k) { return k.name == file.path; });
        if (known == repository.known.end() || file.checksum.kind != Checksum::Kind::none) continue;
        if (file.size != known->size) {
            throw Error(ErrorCode::malformed, fmt::format("{} has another '{}' than the published one", where, file.path))
                .expected(fmt::format("{} bytes", known->size))
                .found(fmt::format("{} bytes, and no checksum", file.size));
        }
        file.checksum = {Checksum::Kind::sha256, std::string(known->sha256)};
    }
}

}  // namespace

void refuse_status(int status, std::string_view what) {
    if (status == 401 || status == 403) {
        throw Error(ErrorCode::usage, fmt::format("{} is not open to everybody", what))
            .found(fmt::format("status {}", status))
            .hint(
                "accept its terms on its page, and give a token in HF_TOKEN (MODELSCOPE_API_TOKEN), or use another "
                "--source");
    }
    if (status == 404) throw Error(ErrorCode::not_found, fmt::format("{} is not there", what)).found("status 404");
    throw Error(ErrorCode::io, fmt::format("{} cannot be had", what)).found(fmt::format("status {}", status));
}

Source source_named(std::string_view name, std::string_view revision) {
    const auto or_else = [&](const char* fallback) { return std::string(revision.empty() ? fallback : revision); };
    if (name == "huggingface") {
        const std::string endpoint = environment("HF_ENDPOINT");
        return {Source::Kind::hugging_face, without_end_slash(endpoint.empty() ? "https://huggingface.co" : endpoint),
                or_else("main"), hugging_face_token()};
    }
    if (name == "modelscope") {
        const std::string endpoint = environment("MODELSCOPE_ENDPOINT");
        return {Source::Kind::modelscope, without_end_slash(endpoint.empty() ? "https://www.modelscope.cn" : endpoint),
                or_else("master"), environment("MODELSCOPE_API_TOKEN")};
    }
    if (name.starts_with("http://") || name.starts_with("https://")) {
        return {Source::Kind::mirror, without_end_slash(std::string(name)), or_else("main"), ""};
    }
    throw Error(ErrorCode::usage, "no source of this name")
        .expected("huggingface, modelscope, or the address of a mirror (http://..., https://...)")
        .found(printable(name, 100));
}

std::vector<std::pair<std::string, std::string>> headers_of(const Source& source) {
    if (source.token.empty()) return {};
    if (source.kind == Source::Kind::modelscope) return {{"Cookie", fmt::format("m_session_id={}", source.token)}};
    return {{"Authorization", fmt::format("Bearer {}", source.token)}};
}

std::vector<RemoteFile> list_files(const Source& source, const Repository& repository, const CancelToken& cancel) {
    const std::vector<std::string> paths = paths_of(repository);
    std::string path;
    net::HttpAnswer answer;
    for (const std::string& candidate : paths) {
        path = candidate;
        answer = get(source, "GET", address_of_list(source, path), cancel);
        if (answer.status != 404) break;
    }
    const std::string where = fmt::format("{} at {}", answer.status == 404 ? paths.front() : path, source.base);
    std::vector<RemoteFile> files;
    if (source.kind == Source::Kind::mirror && answer.status == 404) {
        files = plain_files(source, repository, cancel);
    } else if (answer.status != 200) {
        refuse_status(answer.status, where);
    } else if (source.kind == Source::Kind::modelscope) {
        files = modelscope_files(source, repository, path, list_of(answer, repository));
    } else {
        files = hugging_face_files(source, repository, path, list_of(answer, repository));
    }
    if (files.empty()) throw Error(ErrorCode::not_found, fmt::format("{} holds no model", where));
    check_complete(files, repository, where);
    add_known_checksums(files, repository, where);
    return files;
}

}  // namespace heart::hub
