#pragma once

#include "search/index_document.h"
#include "search/neighbour_graph.h"
#include "search/vector_rows.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace heart::search {

struct Match {
    std::string name;
    float similarity = 0;  ///< cosine: -1 to 1, but for rounding

    bool operator==(const Match&) const = default;
};

struct IndexOptions {
    /// Up to so many entries a search looks at every vector; an index of more is given a graph when it is saved.
    std::int64_t exact_up_to = 100'000;
    int threads = 1;  ///< of searches, and of building graphs
};

/// Embeddings of files, searched by cosine similarity. Vectors are divided by their length on entry, as queries are, so that
/// similarity is their dot product and the length that an embedding came with plays no part. (The mean over clips of one
/// recording is shorter the less its clips agree; undivided, such recordings would rank behind.) In memory all is f32.
///
/// A search looks at every vector and is exact. Only in an index of more than `exact_up_to` entries that has a graph
/// (search/neighbour_graph.h), candidates come from there; their similarities and order are computed as without it, so that
/// what can happen is that a near one is missed. What changed since the graph was built is looked at one by one.
///
/// Const member functions may be called on several threads at once.
class VectorIndex {
public:
    /// An empty index. ErrorCode::usage for a kind without a model, with a dimension that is out of range, or with
    /// texts that are not UTF-8.
    explicit VectorIndex(EmbeddingKind kind, const IndexOptions& options = {});

    [[nodiscard]] const EmbeddingKind& kind() const noexcept { return kind_; }
    [[nodiscard]] std::int64_t size() const noexcept { return static_cast<std::int64_t>(entries_.size()); }

    /// In no order that means anything; valid until the next change. Entry i has vector(i).
    [[nodiscard]] const std::vector<IndexEntry>& entries() const noexcept { return entries_; }
    /// [dimension], of unit length.
    [[nodiscard]] std::span<const float> vector(std::int64_t i) const noexcept;

    /// Whether this very file, as far as size and time tell, is in it: then it need not be embedded again.
    [[nodiscard]] bool contains(std::string_view name, std::uint64_t size, std::int64_t modified_ns) const;

    /// Adds an entry, or replaces the one of that name. Refused, without a change: ErrorCode::usage for what cannot be a
    /// name (fault_of_name) and for a vector that is zero or not finite; ErrorCode::mismatch for another dimension;
    /// ErrorCode::limit beyond kMostEntries and kMostNumbers; ErrorCode::memory.
    void put(const IndexEntry& entry, std::span<const float> vector);

    /// False where there is none of that name.
    bool remove(std::string_view name);

    /// The k entries most similar to a vector [dimension], the best first, those of equal similarity by name (by its bytes);
    /// all entries where there are fewer. Errors as for put(); ErrorCode::usage for a negative k.
    [[nodiscard]] std::vector<Match> search(std::span<const float> query, std::int64_t k) const;

    /// The same by looking at every vector, whatever there is.
    [[nodiscard]] std::vector<Match> search_exactly(std::span<const float> query, std::int64_t k) const;

    [[nodiscard]] bool has_graph() const noexcept { return graph_.has_value(); }

    /// Writes the index to `folder`, which is made where there is none (its parent is not): index.json (version, kind,
    /// names, sizes, times, SHA-256 of the other files), vectors.npy ([entries, dimension] f32), and graph.bin for more than
    /// `exact_up_to` entries. Each file is there whole or not at all, and an index.json.new bridges the moment between
    /// vectors.npy and index.json: stopped at any point, the folder holds the old index or the new one.
    ///
    /// Builds the graph anew where there is none or more than an eighth of the entries have changed since. That takes long
    /// (measured by bench/vector_search.cpp) and happens first.
    /// Throws ErrorCode::io, ::not_found for a missing parent, ::limit, ::memory, ::cancelled.
    void save(const std::filesystem::path& folder, const GraphWatch& watch = {});

    /// Reads what save() wrote, believing none of it; `expected` has the model and dimension that it must be of.
    /// ErrorCode::not_found where there is no index; ::mismatch for another model or dimension, and for files that were not
    /// written together; ::unsupported for another version; ::malformed, ::limit, ::io, ::memory. A graph that is missing or
    /// wrong is done without.
    [[nodiscard]] static VectorIndex open(const std::filesystem::path& folder, const IndexOptions& options = {},
                                          const std::optional<EmbeddingKind>& expected = std::nullopt);

    /// Whether there is an index in the folder, good or not.
    [[nodiscard]] static bool is_in(const std::filesystem::path& folder);

private:
    struct Candidate {
        float similarity;
        std::int64_t slot;
    };

    [[nodiscard]] std::vector<float> unit_of(std::span<const float> vector) const;
    [[nodiscard]] std::vector<Match> best_of(std::vector<Candidate> all, std::int64_t k) const;
    [[nodiscard]] std::optional<std::vector<Candidate>> graph_candidates(const float* query, std::int64_t k) const;
    void look_at(const float* query, std::int64_t first, std::int64_t last, std::vector<Candidate>& out) const;
    void touch(std::int64_t slot);
    [[nodiscard]] std::int64_t changed_since_graph() const noexcept;
    void renew_graph(const GraphWatch& watch);

    EmbeddingKind kind_;
    IndexOptions options_;
    VectorRows rows_;
    std::vector<IndexEntry> entries_;  ///< entry i has row i
    std::unordered_map<std::string, std::int64_t> slots_;
    std::optional<NeighbourGraph> graph_;
    std::unordered_set<std::int64_t> changed_;  ///< entries in the graph's range that it does not know as they are
};

}  // namespace heart::search
