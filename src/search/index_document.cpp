#include "search/index_document.h"

#include "core/error.h"
#include "core/utf8.h"
#include "formats/config_reader.h"
#include "formats/json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace heart::search {

namespace {

using formats::Json;

constexpr std::string_view kFormat = "heart vector index";
constexpr std::int64_t kVersion = 1;
constexpr formats::JsonLimits kLimits{.max_bytes = std::size_t{256} << 20, .max_depth = 4};

std::string json_text(std::string_view text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string digest(const formats::ConfigReader& reader, const char* key) {
    std::string out = reader.string(key);
    const bool hex =
        std::all_of(out.begin(), out.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (hex && out.size() == 64) return out;
    throw Error(ErrorCode::malformed, fmt::format("{}: '{}'", reader.where(), key))
        .expected("64 hexadecimal digits")
        .found(printable(out, 80));
}

IndexEntry entry_of(Json& row, std::size_t number, const std::string& where) {
    const auto malformed = [&](std::string_view found) {
        return Error(ErrorCode::malformed, fmt::format("{}: entry {}", where, number))
            .expected("a name, the size of a file, and its time in nanoseconds")
            .found(found);
    };
    const auto fits = [](const Json& n) {  // into 64 bits with a sign
        return n.is_number_integer() && !(n.is_number_unsigned() && n.get<std::uint64_t>() > std::uint64_t{INT64_MAX});
    };
    if (!row.is_array() || row.size() != 3 || !row[0].is_string() || !row[1].is_number_unsigned() || !fits(row[2])) {
        throw malformed(printable(row.dump(-1, ' ', true), 80));
    }
    IndexEntry out{std::move(row[0].get_ref<std::string&>()), row[1].get<std::uint64_t>(), row[2].get<std::int64_t>()};
    if (const std::string_view fault = fault_of_name(out.name); !fault.empty()) throw malformed(fault);
    return out;
}

}  // namespace

std::string_view fault_of_name(std::string_view name) noexcept {
    if (name.size() > kLongestName) return "a name of more than 4096 bytes";
    if (find_invalid_utf8(name) != std::string_view::npos) return "a name that is not valid UTF-8";
    if (name.find('\0') != std::string_view::npos) return "a name with a zero byte";
    for (std::size_t at = 0; at <= name.size();) {
        const std::string_view part = name.substr(at, name.find('/', at) - at);
        if (part.empty()) return "an empty name, or one with an empty part";
        if (part == "." || part == "..") return "a name that leads out of its folder, or nowhere";
        at += part.size() + 1;
    }
    return "";
}

std::string index_document_text(const EmbeddingKind& kind, std::span<const IndexEntry> entries, const IndexSeals& seals) {
    std::string out;
    auto to = std::back_inserter(out);
    fmt::format_to(to, "{{\n\"format\": \"{}\",\n\"version\": {},\n\"model\": {},\n\"licence\": {},\n\"dimension\": {},\n",
                   kFormat, kVersion, json_text(kind.model), json_text(kind.licence), kind.dimension);
    fmt::format_to(to, "\"vectors_sha256\": \"{}\",\n", seals.vectors_sha256);
    if (!seals.graph_sha256.empty()) fmt::format_to(to, "\"graph_sha256\": \"{}\",\n", seals.graph_sha256);
    if (!seals.graph_changed.empty()) fmt::format_to(to, "\"graph_changed\": {},\n", Json(seals.graph_changed).dump());
    out += "\"entries\": [";
    std::string_view between = "\n";
    for (const IndexEntry& e : entries) {
        fmt::format_to(to, "{}[{}, {}, {}]", std::exchange(between, ",\n"), json_text(e.name), e.size, e.modified_ns);
    }
    out += "\n]\n}\n";
    if (out.size() <= kLimits.max_bytes) return out;
    throw Error(ErrorCode::limit, "the list of an index is too long")
        .expected(fmt::format("at most {} bytes", kLimits.max_bytes))
        .found(fmt::format("{} bytes", out.size()));
}

IndexDocument parse_index_document(std::string_view text, const std::string& where) {
    Json json = formats::parse_json(text, where, kLimits);
    const formats::ConfigReader reader(json, where);
    if (reader.string("format") != kFormat) {
        throw Error(ErrorCode::malformed, where + " is not the list of an index").expected(kFormat);
    }
    if (const auto version = reader.integer("version", 0, INT32_MAX); version != kVersion) {
        throw Error(ErrorCode::unsupported, where + " is of another version of Heart")
            .expected(fmt::format("version {}", kVersion))
            .found(fmt::format("version {}", version));
    }
    IndexDocument out;
    out.kind = {reader.string("model"), reader.string("licence"), reader.integer("dimension", 1, kMostDimensions)};
    if (out.kind.model.empty()) throw Error(ErrorCode::malformed, where + " does not name its model");
    out.seals.vectors_sha256 = digest(reader, "vectors_sha256");
    const auto entries = json.find("entries");
    if (entries == json.end() || !entries->is_array()) {
        throw Error(ErrorCode::malformed, where + ": 'entries'").expected("a list");
    }
    const auto count = static_cast<std::int64_t>(entries->size());
    if (count > kMostEntries) {
        throw Error(ErrorCode::limit, where + " has too many entries")
            .expected(fmt::format("at most {}", kMostEntries))
            .found(fmt::format("{}", count));
    }
    if (reader.has("graph_sha256")) out.seals.graph_sha256 = digest(reader, "graph_sha256");
    if (reader.has("graph_changed")) {
        out.seals.graph_changed = reader.integers("graph_changed", entries->size(), 0, std::max<std::int64_t>(count - 1, 0));
    }
    out.entries.reserve(entries->size());
    for (Json& row : *entries) out.entries.push_back(entry_of(row, out.entries.size(), where));
    return out;
}

}  // namespace heart::search
