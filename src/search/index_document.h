#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::search {

/// What the vectors of an index are: two that differ in model or dimension cannot be compared.
struct EmbeddingKind {
    std::string model;           ///< name of the model that made them, as published
    std::string licence;         ///< of that model's weights, which may hold for what they make
    std::int64_t dimension = 0;  ///< 1 to kMostDimensions
};

/// A file whose embedding is in an index.
struct IndexEntry {
    std::string name;              ///< path below the indexed folder, with '/' between parts; UTF-8
    std::uint64_t size = 0;        ///< of the file, bytes
    std::int64_t modified_ns = 0;  ///< its modification time, nanoseconds since 1970

    bool operator==(const IndexEntry&) const = default;
};

inline constexpr std::int64_t kMostEntries = 1'000'000, kMostDimensions = 8192;
inline constexpr std::int64_t kMostNumbers = std::int64_t{1} << 31;  ///< of all entries together, 8 GiB
inline constexpr std::size_t kLongestName = 4096;                    ///< bytes

/// What keeps a text from being the name of an entry, as an error would put it; empty where nothing does. A name is a
/// relative path of valid UTF-8 without empty parts, "." and "..".
[[nodiscard]] std::string_view fault_of_name(std::string_view name) noexcept;

/// What ties index.json to the files beside it.
struct IndexSeals {
    std::string vectors_sha256;
    std::string graph_sha256;                 ///< empty: there is no graph
    std::vector<std::int64_t> graph_changed;  ///< entries in the graph's range that it does not know as they are
};

/// All that index.json says; entry i has row i of vectors.npy.
struct IndexDocument {
    EmbeddingKind kind;
    std::vector<IndexEntry> entries;
    IndexSeals seals;
};

/// The text of index.json. ErrorCode::limit where it would be longer than parse_index_document() reads (256 MiB).
[[nodiscard]] std::string index_document_text(const EmbeddingKind& kind, std::span<const IndexEntry> entries,
                                              const IndexSeals& seals);

/// Reads such a text. Every field is checked but for what needs the other files, and names that repeat. `where` is for
/// messages. ErrorCode::malformed, ::limit, and ::unsupported for another version.
[[nodiscard]] IndexDocument parse_index_document(std::string_view text, const std::string& where);

}  // namespace heart::search
