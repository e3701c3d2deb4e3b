#pragma once

#include "core/cancel.h"
#include "search/vector_rows.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heart::search {

/// How the building of a graph is watched, and stopped.
struct GraphWatch {
    const CancelToken* cancel = nullptr;
    /// Called on the working threads, one at a time, every few hundred rows; must return quickly and not throw.
    std::function<void(std::int64_t done, std::int64_t total)> progress;
};

/// Which rows are near which: a hierarchical navigable small world graph (Malkov and Yashunin, arXiv:1603.09320), by
/// hnswlib. It finds most of the nearest rows without looking at all of them, and knows nothing of what they are called.
/// Rows are unit vectors; near means a large dot product. They are not copied: the graph keeps pointers into the VectorRows
/// that it was made of, which outlives it. Where a row's numbers change later, searches remain safe and only find worse.
class NeighbourGraph {
public:
    /// Whether this build has hnswlib; without it there are no graphs, and build() and parse() throw ErrorCode::unsupported.
    [[nodiscard]] static bool available() noexcept;

    /// Over rows 0 to count - 1. With several threads the graph depends on how they happened to run. count is at least 1.
    /// Throws ErrorCode::cancelled, ErrorCode::memory.
    [[nodiscard]] static NeighbourGraph build(const VectorRows& rows, std::int64_t count, int threads,
                                              const GraphWatch& watch = {});

    /// From what bytes() gave, believing none of it: every link is checked before the graph is used, so that a hostile file
    /// finds badly and does nothing else. Makes room in `rows` for all rows of the graph, which are at most `most`.
    /// Throws ErrorCode::malformed, ::unsupported, ::limit, ::memory.
    [[nodiscard]] static NeighbourGraph parse(std::span<const std::byte> bytes, VectorRows& rows, std::int64_t most);

    NeighbourGraph(NeighbourGraph&&) noexcept;
    NeighbourGraph& operator=(NeighbourGraph&&) noexcept;
    ~NeighbourGraph();

    /// For parse(). Little-endian: the eight letters "HEARTNG1", u32 rows, u32 links (of a row on a level above the lowest,
    /// where it is twice that), u32 row to begin at; a byte a row, the highest level that it is on; then for each row and
    /// each of its levels from 0 on, u32 how many rows it leads to and that many u32.
    [[nodiscard]] std::string bytes() const;

    /// Rows it was built over.
    [[nodiscard]] std::int64_t size() const noexcept;

    /// Up to `count` rows that are probably the nearest to a unit vector, in no order. May be called on several threads at
    /// once. ErrorCode::memory.
    [[nodiscard]] std::vector<std::int64_t> nearest(const float* query, std::int64_t count) const;

private:
    struct Inside;
    explicit NeighbourGraph(std::unique_ptr<Inside> inside) noexcept;

    std::unique_ptr<Inside> inside_;
};

}  // namespace heart::search
