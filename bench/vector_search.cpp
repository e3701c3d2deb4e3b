// How fast are searches among embeddings, against reading all of them once? An index of each size is filled, saved, opened
// and searched; beyond 100,000 entries also by its graph, with how many of the ten best that finds. Wall-clock times: say
// `uptime` beside them.
//
//   bench_vector_search [--threads N] [--dimension D] [entries ...]        default: 1000 10000 100000 200000 of 512 numbers

#include "kernels/machine.h"
#include "search/vector_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace heart;
using search::Match;
using search::VectorIndex;

constexpr std::int64_t kResults = 10;
constexpr std::size_t kQueries = 200;

class Clock {
public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Vectors in clusters, as embeddings of music are: members stand about 45 degrees from their centre. The same for every
/// call, whatever was drawn before.
class Clusters {
public:
    Clusters(std::int64_t dimension, std::int64_t count)
        : dimension_(static_cast<std::size_t>(dimension)), centres_(static_cast<std::size_t>(count)) {
        for (auto& centre : centres_) centre = gaussian();
    }

    std::vector<float> member() {
        std::vector<float> out = gaussian();
        const auto& centre = centres_[random_() % centres_.size()];
        for (std::size_t i = 0; i < out.size(); ++i) out[i] += centre[i];
        return out;
    }

private:
    std::vector<float> gaussian() {
        std::vector<float> out(dimension_);
        for (float& x : out) x = normal_(random_);
        return out;
    }

    std::mt19937_64 random_{7};
    std::normal_distribution<float> normal_;
    std::size_t dimension_;
    std::vector<std::vector<float>> centres_;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

template <typename Search>
double median_seconds(const std::vector<std::vector<float>>& queries, std::vector<std::vector<Match>>& found,
                      Search&& search) {
    std::vector<double> seconds;
    for (const auto& query : queries) {
        const Clock clock;
        found.push_back(search(query));
        seconds.push_back(clock.seconds());
    }
    return median(std::move(seconds));
}

/// The share of the exact results that the others have too.
double recall(const std::vector<std::vector<Match>>& exact, const std::vector<std::vector<Match>>& others) {
    std::size_t hits = 0, all = 0;
    for (std::size_t q = 0; q < exact.size(); ++q) {
        all += exact[q].size();
        for (const Match& m : exact[q]) hits += static_cast<std::size_t>(std::count(others[q].begin(), others[q].end(), m));
    }
    return static_cast<double>(hits) / static_cast<double>(all);
}

double mib(const std::filesystem::path& file) {
    return static_cast<double>(std::filesystem::file_size(file)) / (1 << 20);
}

void measure(std::int64_t entries, std::int64_t dimension, int threads, double read_gbps) {
    Clusters clusters(dimension, std::max<std::int64_t>(entries / 50, 10));
    std::vector<std::vector<float>> queries;
    for (std::size_t i = 0; i < kQueries; ++i) queries.push_back(clusters.member());
    const search::IndexOptions options{.threads = threads};
    VectorIndex made({"bench", "none", dimension}, options);
    double put = 0;
    for (std::int64_t i = 0; i < entries; ++i) {
        const std::vector<float> vector = clusters.member();
        const Clock clock;
        made.put({fmt::format("folder {}/song {}.flac", i % 100, i), 1, i}, vector);
        put += clock.seconds();
    }
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / fmt::format("heart-bench-{}", std::random_device{}());
    const Clock build_clock;
    double built = 0;  // by then the graph was; what is left of saving comes behind it
    made.save(folder, {.progress = [&](std::int64_t, std::int64_t) { built = build_clock.seconds(); }});
    const Clock save_clock;
    made.save(folder);
    const double save = save_clock.seconds();
    const Clock open_clock;
    const VectorIndex index = VectorIndex::open(folder, options);
    const double open = open_clock.seconds();
    fmt::print("{:>7} entries: put {:.3f} s, save {:.3f} s, open {:.3f} s", entries, put, save, open);
    if (index.has_graph()) {
        fmt::print(" (graph built in {:.1f} s, {:.1f} MiB)", built, mib(folder / "graph.bin"));
    }
    std::vector<std::vector<Match>> exact, by_graph;
    const double seconds = median_seconds(queries, exact, [&](const auto& q) { return index.search_exactly(q, kResults); });
    const double gbps = static_cast<double>(entries * dimension) * sizeof(float) / seconds / 1e9;
    fmt::print("\n{:>15}: exact search {:.3f} ms, {:.1f} GB/s, {:.0f} % of reading\n", "", seconds * 1e3, gbps,
               100 * gbps / read_gbps);
    if (index.has_graph()) {
        const double fast = median_seconds(queries, by_graph, [&](const auto& q) { return index.search(q, kResults); });
        fmt::print("{:>15}: search by graph {:.3f} ms, recall@{} {:.4f}\n", "", fast * 1e3, kResults,
                   recall(exact, by_graph));
    }
    std::fflush(stdout);
    std::filesystem::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::int64_t> sizes;
    std::int64_t dimension = 512;
    int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--threads" && i + 1 < argc) threads = std::atoi(argv[++i]);
        else if (word == "--dimension" && i + 1 < argc) dimension = std::atoll(argv[++i]);
        else sizes.push_back(std::atoll(argv[i]));
    }
    if (sizes.empty()) sizes = {1000, 10'000, 100'000, 200'000};
    try {
        for (const std::int64_t size : sizes) {
            // Beside each, since a machine that others use is not always as fast.
            const double read = kernels::measure_machine({.threads = threads, .seconds = 1.0}, {}).read_gbps;
            fmt::print("{}, {} threads, reading {:.1f} GB/s\n", kernels::name_of(kernels::instruction_set()), threads, read);
            measure(size, dimension, threads, read);
        }
    } catch (const std::exception& e) {
        fmt::print(stderr, "{}\n", e.what());
        return 1;
    }
    return 0;
}
