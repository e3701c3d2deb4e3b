#include "search/neighbour_graph.h"

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/float_products.h"

#include <fmt/format.h>

// Its own distances are not used, and their file defines functions in the global namespace.
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <random>
#include <string_view>
#include <utility>

namespace heart::search {

namespace {

using Id = hnswlib::tableint;
using Hnsw = hnswlib::HierarchicalNSW<float>;

constexpr std::string_view kMagic = "HEARTNG1";
/// Links of a row on each level above the lowest; rows tried while a new one's links are chosen; rows kept while searching.
constexpr std::size_t kLinks = 16, kBuildWidth = 200, kSearchWidth = 192;
/// A level holds about a sixteenth of the one below: a million rows have five or six.
constexpr int kMostLevels = 15;
constexpr std::int64_t kRowsInABatch = 256;

/// What hnswlib holds of a row is where its numbers are.
const float* numbers(const void* point) {
    const float* out = nullptr;
    std::memcpy(&out, point, sizeof out);  // points stand at any address
    return out;
}

float distance(const void* a, const void* b, const void* width) {
    float dot = 0.0F;
    kernels::dot_products(numbers(a), *static_cast<const std::int64_t*>(width), numbers(b), 0, 1, &dot);
    return 1.0F - dot;
}

class PointerSpace final : public hnswlib::SpaceInterface<float> {
public:
    explicit PointerSpace(std::int64_t width) : width_(width) {}
    std::size_t get_data_size() override { return sizeof(const float*); }
    hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
    void* get_dist_func_param() override { return &width_; }

private:
    std::int64_t width_;
};

/// Levels as the paper draws them (section 4, line 4 of algorithm 1), the same for every graph.
std::vector<std::uint8_t> draw_levels(std::int64_t count) {
    std::mt19937_64 random(0x48454152);
    std::vector<std::uint8_t> out(static_cast<std::size_t>(count));
    const double scale = 1.0 / std::log(static_cast<double>(kLinks));
    for (std::uint8_t& level : out) {
        const double uniform = static_cast<double>((random() >> 11) + 1) * 0x1p-53;  // above 0, at most 1
        level = static_cast<std::uint8_t>(std::min<double>(-std::log(uniform) * scale, kMostLevels));
    }
    return out;
}

/// Reads 32-bit numbers from bytes that may end anywhere.
class Words {
public:
    explicit Words(std::span<const std::byte> bytes) : rest_(bytes) {}

    std::span<const std::byte> take(std::size_t bytes) {
        if (rest_.size() < bytes) throw Error(ErrorCode::malformed, "a graph of neighbours ends too early");
        const auto out = rest_.first(bytes);
        rest_ = rest_.subspan(bytes);
        return out;
    }
    std::uint32_t next() {
        std::uint32_t out = 0;
        std::memcpy(&out, take(sizeof out).data(), sizeof out);
        return out;
    }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

private:
    std::span<const std::byte> rest_;
};

void append(std::string& out, std::uint32_t word) {
    out.append(reinterpret_cast<const char*>(&word), sizeof word);
}

}  // namespace

/// hnswlib's graph, with all rows in their places before the first link is made: its own addPoint() draws levels from a
/// generator that threads share without a lock, and writes the row to begin at while others read it.
struct NeighbourGraph::Inside {
    Inside(const VectorRows& rows, const std::vector<std::uint8_t>& levels)
        : space(rows.width()), hnsw(&space, levels.size(), kLinks, kBuildWidth) {
        for (Id id = 0; id < levels.size(); ++id) {
            std::memset(hnsw.get_linklist0(id), 0, hnsw.size_data_per_element_);
            const float* row = rows.row(id);
            std::memcpy(hnsw.getDataByInternalId(id), &row, sizeof row);
            hnsw.setExternalLabel(id, id);
            if (levels[id] > 0) {
                hnsw.linkLists_[id] = static_cast<char*>(std::calloc(levels[id], hnsw.size_links_per_element_));
                if (hnsw.linkLists_[id] == nullptr) throw std::bad_alloc();
            }
            hnsw.element_levels_[id] = levels[id];
            hnsw.cur_element_count = std::size_t{id} + 1;
        }
        hnsw.ef_ = kSearchWidth;
    }

    void begin_at(Id id) {
        hnsw.enterpoint_node_ = id;
        hnsw.maxlevel_ = hnsw.element_levels_[id];
    }

    /// Links one row with those that are linked already (algorithm 1 of the paper).
    void insert(Id id) {
        const std::unique_lock own(hnsw.link_list_locks_[id]);
        const void* point = hnsw.getDataByInternalId(id);
        Id at = hnsw.enterpoint_node_;
        int level = hnsw.maxlevel_;
        for (float least = to(point, at); level > hnsw.element_levels_[id]; --level) {
            for (bool closer = true; std::exchange(closer, false);) {
                for (const Id other : links_while_building(at, level)) {
                    const float d = to(point, other);
                    if (d < least) least = d, at = other, closer = true;
                }
            }
        }
        for (; level >= 0; --level) {
            auto candidates = hnsw.searchBaseLayer(at, point, level);
            at = hnsw.mutuallyConnectNewElement(point, id, candidates, level, false);
        }
    }

    [[nodiscard]] std::span<const Id> links(Id id, int level) const {
        const auto* list = hnsw.get_linklist_at_level(id, level);
        return {list + 1, *list & 0xFFFFU};  // the other half marks what was deleted: nothing is
    }

    [[nodiscard]] std::vector<Id> links_while_building(Id id, int level) {
        const std::lock_guard lock(hnsw.link_list_locks_[id]);
        const auto now = links(id, level);
        return {now.begin(), now.end()};
    }

    [[nodiscard]] float to(const void* point, Id id) const {
        return hnsw.fstdistfunc_(point, hnsw.getDataByInternalId(id), hnsw.dist_func_param_);
    }

    PointerSpace space;
    Hnsw hnsw;
};

namespace {

/// hnswlib knows standard exceptions only, and what can go wrong in it here is memory.
template <typename Action>
auto translated(Action&& action) {
    try {
        return action();
    } catch (const Error&) {
        throw;
    } catch (const std::bad_alloc&) {
        throw Error(ErrorCode::memory, "not enough memory for the graph of neighbours");
    } catch (const std::exception& e) {
        throw Error(ErrorCode::internal, "the graph of neighbours failed").found(e.what());
    }
}

}  // namespace

NeighbourGraph::NeighbourGraph(std::unique_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
NeighbourGraph::NeighbourGraph(NeighbourGraph&&) noexcept = default;
NeighbourGraph& NeighbourGraph::operator=(NeighbourGraph&&) noexcept = default;
NeighbourGraph::~NeighbourGraph() = default;

bool NeighbourGraph::available() noexcept {
    return true;
}

std::int64_t NeighbourGraph::size() const noexcept {
    return static_cast<std::int64_t>(inside_->hnsw.max_elements_);
}

NeighbourGraph NeighbourGraph::build(const VectorRows& rows, std::int64_t count, int threads, const GraphWatch& watch) {
    ensure(count >= 1, "a graph has rows");
    return translated([&] {
        const std::vector<std::uint8_t> levels = draw_levels(count);
        auto inside = std::make_unique<Inside>(rows, levels);
        // The highest row comes first and is never surpassed: it stays the one to begin at.
        const auto first = static_cast<Id>(std::max_element(levels.begin(), levels.end()) - levels.begin());
        inside->begin_at(first);
        std::mutex mutex;
        std::int64_t done = 0;
        parallel_for((count + kRowsInABatch - 1) / kRowsInABatch, threads, [&](std::int64_t batch) {
            if (watch.cancel) watch.cancel->check();
            const std::int64_t begin = batch * kRowsInABatch, end = std::min(begin + kRowsInABatch, count);
            for (std::int64_t i = begin; i < end; ++i) {
                if (i != first) inside->insert(static_cast<Id>(i));
            }
            if (!watch.progress) return;
            const std::lock_guard lock(mutex);
            watch.progress(done += end - begin, count);
        });
        return NeighbourGraph(std::move(inside));
    });
}

std::string NeighbourGraph::bytes() const {
    const Hnsw& hnsw = inside_->hnsw;
    const auto count = static_cast<Id>(size());
    std::string out(kMagic);
    append(out, count);
    append(out, kLinks);
    append(out, hnsw.enterpoint_node_);
    for (Id id = 0; id < count; ++id) out += static_cast<char>(hnsw.element_levels_[id]);
    for (Id id = 0; id < count; ++id) {
        for (int level = 0; level <= hnsw.element_levels_[id]; ++level) {
            const auto links = inside_->links(id, level);
            append(out, static_cast<std::uint32_t>(links.size()));
            out.append(reinterpret_cast<const char*>(links.data()), links.size_bytes());
        }
    }
    return out;
}

NeighbourGraph NeighbourGraph::parse(std::span<const std::byte> bytes, VectorRows& rows, std::int64_t most) {
    const auto malformed = [](std::string_view what) {
        return Error(ErrorCode::malformed, fmt::format("a graph of neighbours {}", what));
    };
    Words words(bytes);
    if (std::memcmp(words.take(kMagic.size()).data(), kMagic.data(), kMagic.size()) != 0) {
        throw Error(ErrorCode::unsupported, "not a graph of neighbours, or of another version");
    }
    const std::uint32_t count = words.next(), links = words.next(), first = words.next();
    if (links != kLinks) throw Error(ErrorCode::unsupported, "a graph of neighbours with another number of links");
    if (count > most) throw Error(ErrorCode::limit, "a graph of neighbours has too many rows");
    std::vector<std::uint8_t> levels;
    for (const std::byte level : words.take(count)) levels.push_back(static_cast<std::uint8_t>(level));
    if (first >= count) throw malformed("begins nowhere");
    const std::uint8_t highest = *std::max_element(levels.begin(), levels.end());
    if (highest > kMostLevels || levels[first] != highest) throw malformed("does not begin at its highest level");
    rows.reserve(count);
    return translated([&] {
        auto inside = std::make_unique<Inside>(rows, levels);
        Hnsw& hnsw = inside->hnsw;
        for (Id id = 0; id < count; ++id) {
            for (int level = 0; level <= levels[id]; ++level) {
                const std::uint32_t number = words.next();
                if (number > (level == 0 ? hnsw.maxM0_ : hnsw.maxM_)) throw malformed("has a row with too many links");
                auto* list = hnsw.get_linklist_at_level(id, level);
                *list = number;
                for (std::uint32_t i = 1; i <= number; ++i) {
                    list[i] = words.next();
                    if (list[i] >= count) throw malformed("leads to a row that does not exist");
                    if (levels[list[i]] < level) throw malformed("leads to a row that is not on its level");
                }
            }
        }
        if (!words.at_end()) throw malformed("goes on behind its end");
        inside->begin_at(first);
        return NeighbourGraph(std::move(inside));
    });
}

std::vector<std::int64_t> NeighbourGraph::nearest(const float* query, std::int64_t count) const {
    return translated([&] {
        auto found = inside_->hnsw.searchKnn(&query, static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
        std::vector<std::int64_t> out;
        out.reserve(found.size());
        for (; !found.empty(); found.pop()) out.push_back(static_cast<std::int64_t>(found.top().second));
        return out;
    });
}

}  // namespace heart::search
