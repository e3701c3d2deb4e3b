// How near quantised products come to what the machine can do: at few columns to reading memory, at many columns to
// multiplying bytes in registers. All numbers are the best of several rounds that take turns, since machines are noisy.
//
//   kernel_quantised [rows cols]      (4096 3072)

#include "core/cancel.h"
#include "core/large_pages.h"
#include "kernels/instruction_set.h"
#include "kernels/machine.h"
#include "kernels/quantised_products.h"
#include "kernels/work_queue.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace heart::kernels;

constexpr std::size_t kBytes = std::size_t{1200} << 20;  ///< of weights: more than any cache
constexpr int kRounds = 4;
constexpr std::int64_t kManyColumns = 1488;

/// Seconds that `work` takes on all threads together, which do the same products one after the other by themselves.
double seconds(int threads, const std::function<void(const Worker&)>& work) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(work, Worker{i, threads});
    work({0, threads});
    for (std::thread& other : others) other.join();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What the machine can do just now.
MachineSpeed machine(int threads) {
    return measure_machine({threads, instruction_set(), 0.1}, {});
}

struct Best {
    double value = 0;
    void take(double v) { value = std::max(value, v); }
};

struct Type {
    WeightType type;
    const char* name;
};

constexpr Type kTypes[] = {{WeightType::q8_0, "q8_0"}, {WeightType::q4_0, "q4_0"}, {WeightType::q4_k, "q4_k"}};

/// Few columns: passes over matrices that lie one behind the other.
void few_columns(const char* data, std::int64_t rows, std::int64_t cols) {
    constexpr int kColumns[] = {1, 2, 4};
    std::printf("\nfew columns, %lld x %lld     GB/s (of plain reading)\n", static_cast<long long>(rows),
                static_cast<long long>(cols));
    const std::vector<float> x(static_cast<std::size_t>(cols) * 4, 0.5F);
    std::vector<float> y(static_cast<std::size_t>(rows) * 4);
    for (const int threads : {1, 2}) {
        Best read, products[3][3];
        for (int round = 0; round < kRounds; ++round) {
            read.take(machine(threads).read_gbps);
            for (std::size_t t = 0; t < 3; ++t) {
                const std::size_t bytes = plain_row_bytes(kTypes[t].type, cols) * static_cast<std::size_t>(rows);
                const std::size_t count = kBytes / bytes;
                for (std::size_t c = 0; c < 3; ++c) {
                    const double taken = seconds(threads, [&](const Worker& me) {
                        for (std::size_t m = 0; m < count; ++m)
                            multiply({{kTypes[t].type, data + m * bytes, rows, cols},
                                      x.data(),
                                      cols,
                                      kColumns[c],
                                      y.data(),
                                      rows},
                                     me);
                    });
                    products[t][c].take(static_cast<double>(count * bytes) / 1e9 / taken);
                }
            }
        }
        std::printf("%d threads: reading %.2f\n", threads, read.value);
        for (std::size_t t = 0; t < 3; ++t) {
            std::printf("  %s ", kTypes[t].name);
            for (std::size_t c = 0; c < 3; ++c)
                std::printf("  %d: %6.2f (%3.0f %%)", kColumns[c], products[t][c].value,
                            100 * products[t][c].value / read.value);
            std::printf("\n");
        }
    }
}

void many_columns(const char* data, std::int64_t rows, std::int64_t cols) {
    std::printf("\n%lld columns, %lld x %lld     GOP/s (of products in registers)\n", static_cast<long long>(kManyColumns),
                static_cast<long long>(rows), static_cast<long long>(cols));
    const std::vector<float> x(static_cast<std::size_t>(cols * kManyColumns), 0.5F);
    std::vector<float> y(static_cast<std::size_t>(rows * kManyColumns));
    for (const int threads : {1, 2}) {
        Best peak, products[3];
        for (int round = 0; round < kRounds; ++round) {
            peak.take(machine(threads).int8_gops);
            for (std::size_t t = 0; t < 3; ++t) {
                const QuantisedProduct p{{kTypes[t].type, data, rows, cols}, x.data(), cols, kManyColumns, y.data(), rows};
                const double taken = seconds(threads, [&](const Worker& me) { multiply(p, me); });
                products[t].take(2.0 * static_cast<double>(rows * cols * kManyColumns) / 1e9 / taken);
            }
        }
        std::printf("%d threads: registers %.0f\n", threads, peak.value);
        for (std::size_t t = 0; t < 3; ++t) {
            std::printf("  %s   %6.0f (%3.0f %%)\n", kTypes[t].name, products[t].value,
                        100 * products[t].value / peak.value);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t rows = argc > 2 ? std::atoll(argv[1]) : 4096, cols = argc > 2 ? std::atoll(argv[2]) : 3072;
    const std::unique_ptr<char, decltype(&std::free)> data(static_cast<char*>(std::aligned_alloc(64, kBytes)), &std::free);
    if (!data || rows < 16 || rows % 16 != 0 || cols < 256 || cols % 256 != 0 || rows * cols > (1 << 29)) {
        std::fprintf(stderr, "usage: kernel_quantised [rows cols], multiples of 16 and 256, and 1.2 GB of memory\n");
        return 1;
    }
    heart::use_large_pages(data.get(), kBytes);  // as a model's weights have
    std::memset(data.get(), 0x2A, kBytes);
    std::printf("instruction set: %s\n", name_of(instruction_set()).data());
    few_columns(data.get(), rows, cols);
    many_columns(data.get(), rows, cols);
}
