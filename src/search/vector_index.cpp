#include "search/vector_index.h"

#include "core/error.h"
#include "core/parallel.h"
#include "core/utf8.h"
#include "kernels/float_products.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace heart::search {

namespace {

/// Rows that a thread takes at a time; they lie in one block.
constexpr std::int64_t kRowsAtATime = 1024;
static_assert(VectorRows::kBlockRows % kRowsAtATime == 0);
/// A thread is worth starting for so many numbers.
constexpr std::int64_t kNumbersAThread = 1 << 20;
/// Beyond so many results the graph would look at most vectors anyway.
constexpr std::int64_t kMostFromGraph = 1000;
/// The graph is built anew when more than one in so many entries is not in it as it is now.
constexpr std::int64_t kRenewFrom = 8;

}  // namespace

VectorIndex::VectorIndex(EmbeddingKind kind, const IndexOptions& options)
    : kind_(std::move(kind)), options_(options), rows_(kind_.dimension) {
    if (kind_.model.empty()) throw Error(ErrorCode::usage, "an index of vectors needs the name of their model");
    if (find_invalid_utf8(kind_.model + kind_.licence) != std::string::npos) {
        throw Error(ErrorCode::usage, "the model of an index of vectors and its licence are UTF-8");
    }
    if (kind_.dimension < 1 || kind_.dimension > kMostDimensions) {
        throw Error(ErrorCode::usage, "an index of vectors cannot have this dimension")
            .expected(fmt::format("1 to {}", kMostDimensions))
            .found(fmt::format("{}", kind_.dimension));
    }
}

std::span<const float> VectorIndex::vector(std::int64_t i) const noexcept {
    return {rows_.row(i), static_cast<std::size_t>(kind_.dimension)};
}

bool VectorIndex::contains(std::string_view name, std::uint64_t size, std::int64_t modified_ns) const {
    const auto at = slots_.find(std::string(name));
    if (at == slots_.end()) return false;
    const IndexEntry& entry = entries_[static_cast<std::size_t>(at->second)];
    return entry.size == size && entry.modified_ns == modified_ns;
}

/// The vector divided by its length. In double precision: squares of f32 neither overflow there nor vanish.
std::vector<float> VectorIndex::unit_of(std::span<const float> vector) const {
    if (static_cast<std::int64_t>(vector.size()) != kind_.dimension) {
        throw Error(ErrorCode::mismatch, "a vector has another dimension than the index")
            .expected(fmt::format("{} numbers, as '{}' gives", kind_.dimension, printable(kind_.model)))
            .found(fmt::format("{}", vector.size()));
    }
    double squares = 0.0;
    for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
    const double length = std::sqrt(squares);
    if (!std::isfinite(length) || length == 0.0) {
        throw Error(ErrorCode::usage, "a vector has no direction")
            .expected("finite numbers, not all zero")
            .found(length == 0.0 ? "zeros" : "numbers that are not finite");
    }
    std::vector<float> out(vector.size());
    std::transform(vector.begin(), vector.end(), out.begin(),
                   [&](float x) { return static_cast<float>(static_cast<double>(x) / length); });
    return out;
}

std::int64_t VectorIndex::changed_since_graph() const noexcept {
    return static_cast<std::int64_t>(changed_.size()) + (graph_ ? std::abs(graph_->size() - size()) : 0);
}

/// Notes that the graph knows something else in this place.
void VectorIndex::touch(std::int64_t slot) {
    if (graph_ && slot < graph_->size()) changed_.insert(slot);
}

void VectorIndex::put(const IndexEntry& entry, std::span<const float> vector) {
    if (const std::string_view fault = fault_of_name(entry.name); !fault.empty()) {
        throw Error(ErrorCode::usage, fmt::format("'{}' cannot be in an index", printable(entry.name)))
            .expected("a relative path")
            .found(fault);
    }
    const std::vector<float> unit = unit_of(vector);
    const auto [place, fresh] = slots_.try_emplace(entry.name, size());
    const std::int64_t slot = place->second, most = std::min(kMostEntries, kMostNumbers / kind_.dimension);
    try {
        if (slot >= most) {
            throw Error(ErrorCode::limit, "the index is full").expected(fmt::format("at most {} entries", most));
        }
        rows_.reserve(slot + 1);
        touch(slot);
        if (fresh) entries_.push_back(entry);
        else entries_[static_cast<std::size_t>(slot)] = entry;
    } catch (...) {
        if (fresh) slots_.erase(place);
        throw;
    }
    std::copy(unit.begin(), unit.end(), rows_.row(slot));
}

bool VectorIndex::remove(std::string_view name) {
    const auto at = slots_.find(std::string(name));
    if (at == slots_.end()) return false;
    const std::int64_t slot = at->second, last = size() - 1;
    slots_.erase(at);
    if (slot != last) {  // the last one takes its place
        touch(slot);
        std::copy_n(rows_.row(last), kind_.dimension, rows_.row(slot));
        slots_.find(entries_.back().name)->second = slot;
        entries_[static_cast<std::size_t>(slot)] = std::move(entries_.back());
    }
    entries_.pop_back();
    changed_.erase(last);
    return true;
}

/// The similarities of entries first to last - 1 (within one block of rows), added to `out`.
void VectorIndex::look_at(const float* query, std::int64_t first, std::int64_t last, std::vector<Candidate>& out) const {
    float similarities[kRowsAtATime];
    kernels::dot_products(query, kind_.dimension, rows_.row(first), kind_.dimension, last - first, similarities);
    for (std::int64_t i = first; i < last; ++i) out.push_back({similarities[i - first], i});
}

/// The best k of the candidates, in order.
std::vector<Match> VectorIndex::best_of(std::vector<Candidate> all, std::int64_t k) const {
    const auto better = [&](const Candidate& a, const Candidate& b) {
        if (a.similarity != b.similarity) return a.similarity > b.similarity;
        return entries_[static_cast<std::size_t>(a.slot)].name < entries_[static_cast<std::size_t>(b.slot)].name;
    };
    const auto end = all.begin() + std::min<std::int64_t>(k, static_cast<std::int64_t>(all.size()));
    std::partial_sort(all.begin(), end, all.end(), better);
    std::vector<Match> out;
    for (auto at = all.begin(); at != end; ++at) {
        out.push_back({entries_[static_cast<std::size_t>(at->slot)].name, at->similarity});
    }
    return out;
}

std::vector<Match> VectorIndex::search_exactly(std::span<const float> query, std::int64_t k) const {
    if (k < 0) throw Error(ErrorCode::usage, "a search cannot have fewer than no results");
    const std::vector<float> unit = unit_of(query);
    if (size() == 0) return {};
    std::vector<float> similarities(entries_.size());
    const std::int64_t dimension = kind_.dimension;
    const auto threads = std::clamp<std::int64_t>(size() * dimension / kNumbersAThread, 1, std::max(options_.threads, 1));
    parallel_for((size() + kRowsAtATime - 1) / kRowsAtATime, static_cast<int>(threads), [&](std::int64_t i) {
        const std::int64_t first = i * kRowsAtATime, count = std::min(kRowsAtATime, size() - first);
        kernels::dot_products(unit.data(), dimension, rows_.row(first), dimension, count, similarities.data() + first);
    });
    std::vector<Candidate> all(entries_.size());
    for (std::int64_t i = 0; i < size(); ++i)
        all[static_cast<std::size_t>(i)] = {similarities[static_cast<std::size_t>(i)], i};
    return best_of(std::move(all), k);
}

/// Where the best k probably are, with their similarities; nothing where the graph is no good for that.
std::optional<std::vector<VectorIndex::Candidate>> VectorIndex::graph_candidates(const float* query, std::int64_t k) const {
    const std::int64_t loose = changed_since_graph();
    if (!graph_ || size() <= options_.exact_up_to || k > kMostFromGraph || loose > size() / 2) return std::nullopt;
    std::vector<Candidate> out;
    for (const std::int64_t slot : graph_->nearest(query, 2 * k)) {
        if (slot < size() && !changed_.contains(slot)) look_at(query, slot, slot + 1, out);
    }
    if (static_cast<std::int64_t>(out.size()) < k) return std::nullopt;  // most of what it found is gone
    for (const std::int64_t slot : changed_) look_at(query, slot, slot + 1, out);
    for (std::int64_t first = graph_->size(); first < size();) {
        const std::int64_t last = std::min(first / kRowsAtATime * kRowsAtATime + kRowsAtATime, size());
        look_at(query, first, last, out);
        first = last;
    }
    return out;
}

std::vector<Match> VectorIndex::search(std::span<const float> query, std::int64_t k) const {
    if (k >= 0 && graph_) {
        const std::vector<float> unit = unit_of(query);
        if (auto candidates = graph_candidates(unit.data(), k)) return best_of(std::move(*candidates), k);
    }
    return search_exactly(query, k);
}

void VectorIndex::renew_graph(const GraphWatch& watch) {
    if (size() <= options_.exact_up_to) {
        graph_.reset();
        changed_.clear();
    } else if (NeighbourGraph::available() && (!graph_ || changed_since_graph() > size() / kRenewFrom)) {
        graph_ = NeighbourGraph::build(rows_, size(), options_.threads, watch);
        changed_.clear();
    }
}

}  // namespace heart::search
