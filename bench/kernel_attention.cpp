// How far is attention from what the machine can do? Decoding against the speed of reading memory, blocked attention against
// the speed of multiplying, both limits measured in the same run, in turn with the kernels.

#include "kernels/attention.h"
#include "kernels/instruction_set.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace heart::kernels;

constexpr std::size_t kBufferBytes = std::size_t{1} << 30;
constexpr int kRounds = 5;

struct alignas(64) Line {
    std::uint8_t bytes[64];
};

/// Processor time, which other programs on the machine do not lengthen.
double seconds(const std::function<void()>& work) {
    const std::clock_t start = std::clock();
    work();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void on_threads(int nth, const std::function<void(int)>& work) {
    std::vector<std::jthread> others;
    for (int ith = 1; ith < nth; ++ith) others.emplace_back([&work, ith] { work(ith); });
    work(0);
}

#if defined(__x86_64__)
#define HEART_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HEART_CLONES
#endif

HEART_CLONES std::uint64_t read_all(const std::uint64_t* words, std::size_t count) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += words[i];
    return sum;
}

/// Sixteen chains of multiplications and additions in registers; the best vectors of the family.
template <class Floats>
__attribute__((always_inline)) inline float multiply(std::int64_t steps, float factor) {
    Floats sums[16];  // all different, or the compiler multiplies only one
    for (int i = 0; i < 16; ++i) sums[i] = Floats{} + static_cast<float>(i) * factor;
    const Floats a = Floats{} + factor, b = Floats{} + (1.0F - factor);
    for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
        for (Floats& sum : sums) sum = sum * a + b;
    }
    Floats all = {};
    for (const Floats& sum : sums) all += sum;
    return all[0];
}
typedef float Four __attribute__((vector_size(16)));
float multiply_portable(std::int64_t steps, float factor) {
    return multiply<Four>(steps, factor);
}
#if defined(__x86_64__)
typedef float Eight __attribute__((vector_size(32)));
typedef float Sixteen __attribute__((vector_size(64)));
__attribute__((target("avx2,fma"))) float multiply_avx2(std::int64_t steps, float factor) {
    return multiply<Eight>(steps, factor);
}
__attribute__((target("avx512f,fma"))) float multiply_avx512(std::int64_t steps, float factor) {
    return multiply<Sixteen>(steps, factor);
}
#endif

volatile float float_sink;
volatile std::uint64_t word_sink;

/// Floating-point operations in a second, of one thread.
double peak() {
    constexpr std::int64_t kSteps = 4000000;
    double width = 4;
    float (*work)(std::int64_t, float) = multiply_portable;
#if defined(__x86_64__)
    if (instruction_set() == InstructionSet::avx2) width = 8, work = multiply_avx2;
    if (instruction_set() == InstructionSet::avx512) width = 16, work = multiply_avx512;
#endif
    return 2.0 * 16.0 * width * kSteps / seconds([&] { float_sink = work(kSteps, 0.999F); });
}

std::int64_t row_bytes(CacheType type, std::int64_t head_dim) {
    if (type == CacheType::q8_0) return head_dim / 32 * 34;
    return (type == CacheType::f32 ? 4 : 2) * head_dim;
}

const char* name_of_type(CacheType type) {
    constexpr const char* kNames[] = {"f32", "f16", "bf16", "q8_0"};
    return kNames[static_cast<int>(type)];
}

struct Decode {
    CacheType type;
    std::int64_t head_dim, heads, kv_heads, positions, used;
    int nth;
};

/// One step of many layers, whose keys and values lie one behind the other in a buffer far larger than the caches.
void bench_decode(const Decode& d, std::vector<Line>& buffer) {
    const std::int64_t position = d.kv_heads * row_bytes(d.type, d.head_dim), row = d.positions * position, rows = 2;
    const std::int64_t layers = static_cast<std::int64_t>(kBufferBytes) / (2 * rows * row);
    std::vector<float> q(static_cast<std::size_t>(rows * d.heads * d.head_dim), 0.1F), y(q.size());
    std::vector<std::uint16_t> mask(static_cast<std::size_t>(d.positions), 0xFC00);
    std::fill_n(mask.begin(), d.used, std::uint16_t{0});
    const double bytes = static_cast<double>(layers * rows * 2 * d.used * position);
    const auto step = [&](int ith) {
        for (std::int64_t layer = 0; layer < layers; ++layer) {
            const std::uint8_t* k = buffer.front().bytes + layer * 2 * rows * row;
            Attention a;
            a.q = q.data(), a.q_head = d.head_dim, a.q_column = d.head_dim * d.heads, a.q_row = a.q_column;
            a.k = k, a.k_position = position, a.k_head = position / d.kv_heads, a.k_row = row;
            a.v = k + rows * row, a.v_position = position, a.v_head = position / d.kv_heads, a.v_row = row;
            a.type = d.type, a.mask = mask.data(), a.scale = 0.1F, a.head_dim = d.head_dim, a.heads = d.heads;
            a.kv_heads = d.kv_heads, a.positions = d.positions, a.n = 1, a.rows = rows, a.y = y.data();
            attend(a, ith, d.nth);
        }
    };
    const std::size_t words = kBufferBytes / sizeof(std::uint64_t) / static_cast<std::size_t>(d.nth);
    const auto read = [&](int ith) {
        const auto* first = reinterpret_cast<const std::uint64_t*>(buffer.front().bytes);
        word_sink = read_all(first + static_cast<std::size_t>(ith) * words, words);
    };
    double best = 1e9, best_read = 1e9;
    for (int round = 0; round < kRounds; ++round) {
        best = std::min(best, seconds([&] { on_threads(d.nth, step); }) / d.nth);
        best_read = std::min(best_read, seconds([&] { on_threads(d.nth, read); }) / d.nth);
    }
    const double speed = bytes / best, limit = static_cast<double>(kBufferBytes) / best_read;
    std::printf(
        "%-8s decode  %-5s %2d heads of %d, %d of keys: %d of %d positions, %d threads: %.2f GB/s, %.0f %% of %.2f\n",
        std::string(name_of(instruction_set())).c_str(), name_of_type(d.type), static_cast<int>(d.heads),
        static_cast<int>(d.head_dim), static_cast<int>(d.kv_heads), static_cast<int>(d.used), static_cast<int>(d.positions),
        d.nth, speed / 1e9, 100.0 * speed / limit, limit / 1e9);
}

struct Blocked {
    const char* name;
    CacheType type;
    std::int64_t head_dim, heads, kv_heads, n, positions, rows;
    bool causal;
};

void bench_blocked(const Blocked& b, std::vector<Line>& buffer) {
    const std::int64_t dim = b.head_dim * b.heads, column = b.causal ? dim : 3 * dim;
    const std::int64_t position = b.causal ? b.kv_heads * row_bytes(b.type, b.head_dim) : 4 * column;
    std::vector<float> q(static_cast<std::size_t>(b.rows * std::max(b.n, b.positions) * column), 0.1F);
    std::vector<float> y(static_cast<std::size_t>(b.rows * b.n * dim));
    std::vector<std::uint16_t> mask(static_cast<std::size_t>(b.n * b.positions), 0);
    double pairs = 0;
    for (std::int64_t c = 0; c < b.n; ++c) {
        const std::int64_t seen = b.causal ? c + b.positions - b.n + 1 : b.positions;
        std::fill(mask.begin() + c * b.positions + seen, mask.begin() + (c + 1) * b.positions, std::uint16_t{0xFC00});
        pairs += static_cast<double>(seen);
    }
    Attention a;
    a.q = q.data(), a.q_head = b.head_dim, a.q_column = column, a.q_row = b.n * column;
    a.k = b.causal ? static_cast<const void*>(buffer.front().bytes) : q.data() + dim;
    a.v = b.causal ? static_cast<const void*>(buffer[kBufferBytes / 128].bytes) : q.data() + 2 * dim;
    a.k_position = a.v_position = position, a.k_head = a.v_head = row_bytes(b.type, b.head_dim);
    a.k_row = a.v_row = b.positions * position;
    a.type = b.type, a.mask = b.causal ? mask.data() : nullptr, a.mask_column = b.positions, a.scale = 0.1F;
    a.head_dim = b.head_dim, a.heads = b.heads, a.kv_heads = b.kv_heads, a.positions = b.positions, a.n = b.n;
    a.rows = b.rows, a.y = y.data();
    double best = 1e9, best_peak = 0;
    for (int round = 0; round < kRounds; ++round) {
        best = std::min(best, seconds([&] { attend(a, 0, 1); }));
        best_peak = std::max(best_peak, peak());
    }
    const double speed = 4.0 * pairs * static_cast<double>(b.rows * dim) / best;
    std::printf("%-8s %-7s %-5s %2d heads of %d, %d of keys: %d by %d positions: %.1f ms, %.1f GFLOP/s, %.0f %% of %.1f\n",
                std::string(name_of(instruction_set())).c_str(), b.name, name_of_type(b.type), static_cast<int>(b.heads),
                static_cast<int>(b.head_dim), static_cast<int>(b.kv_heads), static_cast<int>(b.n),
                static_cast<int>(b.positions), 1e3 * best, speed / 1e9, 100.0 * speed / best_peak, best_peak / 1e9);
}

}  // namespace

/// kernel_attention [instruction set]: the best there is, or the one named.
int main(int argc, char** argv) {
    for (const InstructionSet set : available_instruction_sets()) {
        if (argc > 1 && name_of(set) == argv[1]) use_instruction_set(set);
    }
    std::vector<Line> buffer(kBufferBytes / sizeof(Line));
    for (std::size_t i = 0; i < buffer.size(); ++i)
        std::fill_n(buffer[i].bytes, 64, static_cast<std::uint8_t>(0x30 + i % 16));
    for (const Decode& d :
         {Decode{CacheType::bf16, 128, 24, 8, 3000, 3000, 1}, Decode{CacheType::bf16, 128, 24, 8, 3000, 3000, 2},
          Decode{CacheType::bf16, 128, 32, 8, 3000, 3000, 1}, Decode{CacheType::bf16, 128, 24, 8, 8000, 3000, 1},
          Decode{CacheType::f16, 128, 24, 8, 3000, 3000, 1}, Decode{CacheType::f32, 128, 24, 8, 3000, 3000, 1},
          Decode{CacheType::q8_0, 128, 24, 8, 3000, 3000, 1}, Decode{CacheType::bf16, 384, 8, 4, 8, 8, 1}}) {
        bench_decode(d, buffer);
    }
    for (const Blocked& b : {Blocked{"flow", CacheType::f32, 64, 24, 24, 744, 744, 2, false},
                             Blocked{"flow", CacheType::f32, 128, 12, 12, 744, 744, 2, false},
                             Blocked{"prefill", CacheType::bf16, 128, 24, 8, 64, 64, 2, true},
                             Blocked{"prefill", CacheType::bf16, 128, 24, 8, 256, 256, 2, true},
                             Blocked{"prefill", CacheType::bf16, 128, 24, 8, 256, 3000, 1, true}}) {
        bench_blocked(b, buffer);
    }
}
