// In the place of neighbour_graph.cpp where the building system has no hnswlib.

#include "core/error.h"
#include "search/neighbour_graph.h"

#include <utility>

namespace heart::search {

namespace {

Error absent() {
    return Error(ErrorCode::unsupported, "this build of Heart has no graphs of neighbours")
        .hint("install hnswlib and build again; searches are exact without it");
}

}  // namespace

struct NeighbourGraph::Inside {};

NeighbourGraph::NeighbourGraph(std::unique_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
NeighbourGraph::NeighbourGraph(NeighbourGraph&&) noexcept = default;
NeighbourGraph& NeighbourGraph::operator=(NeighbourGraph&&) noexcept = default;
NeighbourGraph::~NeighbourGraph() = default;

bool NeighbourGraph::available() noexcept {
    return false;
}

std::int64_t NeighbourGraph::size() const noexcept {
    return 0;
}

NeighbourGraph NeighbourGraph::build(const VectorRows& /*rows*/, std::int64_t /*count*/, int /*threads*/,
                                     const GraphWatch& /*watch*/) {
    throw absent();
}

NeighbourGraph NeighbourGraph::parse(std::span<const std::byte> /*bytes*/, VectorRows& /*rows*/, std::int64_t /*most*/) {
    throw absent();
}

std::string NeighbourGraph::bytes() const {
    throw absent();
}

std::vector<std::int64_t> NeighbourGraph::nearest(const float* /*query*/, std::int64_t /*count*/) const {
    throw absent();
}

}  // namespace heart::search
