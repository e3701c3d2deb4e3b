// What the kernels for products of float weights reach on this machine, one thread, beside what the machine itself reaches
// in the same moments (rates are the best, percentages the median of rounds): multiply-adds between registers, and a plain
// read loop over a buffer far larger than the caches.
//
//   kernel_products [decode|flow|prefill|convolution ...]      HEART_INSTRUCTION_SET chooses the family

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/float_products.h"
#include "kernels/instruction_set.h"

namespace {

using namespace heart::kernels;

constexpr std::size_t kBufferBytes = std::size_t{1} << 29U;

/// Seconds that this thread has run; what others do on a shared machine counts less than with a clock on the wall.
double now() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

volatile float g_sink;

struct AlignedFree {
    void operator()(void* p) const { std::free(p); }
};
using Buffer = std::unique_ptr<float, AlignedFree>;

/// Memory for `floats` numbers, written once so that the pages exist; small values whatever the type read into them.
Buffer make_buffer(std::size_t floats) {
    Buffer buffer(static_cast<float*>(std::aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64)));
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < floats; ++i) {
        state = state * 1664525U + 1013904223U;
        const std::uint32_t bits = 0x2C002C00U | (state >> 8U & 0x83FF83FFU);  // two f16, two bf16, one f32
        std::memcpy(buffer.get() + i, &bits, sizeof bits);
    }
    return buffer;
}

#if defined(__x86_64__)
/// Ten independent chains of multiply-adds of one vector type.
#define HEART_PEAK(name, isa, Vec, lanes)                                                        \
    __attribute__((target(isa), noinline)) double name() {                                       \
        typedef float Vec __attribute__((vector_size(lanes * 4)));                               \
        constexpr int kRounds = 4'000'000;                                                       \
        const Vec a = Vec{} + 0.999F, b = Vec{} + 0.001F;                                        \
        Vec c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b;      \
        const double start = now();                                                              \
        for (int i = 0; i < kRounds; ++i) {                                                      \
            c0 = c0 * a + b, c1 = c1 * a + b, c2 = c2 * a + b, c3 = c3 * a + b, c4 = c4 * a + b; \
            c5 = c5 * a + b, c6 = c6 * a + b, c7 = c7 * a + b, c8 = c8 * a + b, c9 = c9 * a + b; \
            __asm__("" : "+x"(c0), "+x"(c1), "+x"(c2), "+x"(c3), "+x"(c4));                      \
            __asm__("" : "+x"(c5), "+x"(c6), "+x"(c7), "+x"(c8), "+x"(c9));                      \
        }                                                                                        \
        const double seconds = now() - start;                                                    \
        const Vec sum = c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9;                         \
        g_sink = sum[0];                                                                         \
        return 2.0 * lanes * 10 * kRounds / seconds;                                             \
    }
HEART_PEAK(peak_avx512, "avx512f,fma", V16, 16)
HEART_PEAK(peak_avx2, "avx2,fma", V8, 8)
HEART_PEAK(peak_portable, "sse2", V4, 4)
#endif

double peak_once() {
#if defined(__x86_64__)
    if (instruction_set() == InstructionSet::avx512) return peak_avx512();
    if (instruction_set() == InstructionSet::avx2) return peak_avx2();
    return peak_portable();
#else
    return 1.0;
#endif
}

/// Reads as many streams side by side as asked for, from as many parts of the buffer.
template <std::size_t kStreams>
__attribute__((noinline)) double read_streams(const float* p, std::size_t floats) {
    typedef float Vec __attribute__((vector_size(64), aligned(64)));
    const auto* v = reinterpret_cast<const Vec*>(p);
    const std::size_t part = floats / 16 / kStreams / 2 * 2;
    Vec even = {}, odd = {};
    const double start = now();
    for (std::size_t i = 0; i < part; i += 2) {
        for (std::size_t s = 0; s < kStreams; ++s) {
            even += v[s * part + i];
            odd += v[s * part + i + 1];
        }
    }
    const double seconds = now() - start;
    g_sink = even[0] + odd[0];
    return static_cast<double>(part * kStreams * sizeof(Vec)) / seconds;
}

double read_bandwidth(const float* p, std::size_t floats) {
    return std::max(read_streams<1>(p, floats), read_streams<4>(p, floats));
}

struct Bench {
    const char* group;
    WeightType type;
    std::int64_t rows, inputs, taps, shift, columns;
};

const char* name(WeightType type) {
    return type == WeightType::f32 ? "f32" : type == WeightType::f16 ? "f16" : "bf16";
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Walks through `pool` from product to product, so that weights of a memory-bound product never come from the caches.
void measure(const Bench& b, const Buffer& pool) {
    FloatProduct p;
    p.w = {b.type, pool.get(), b.rows, b.inputs * b.taps};
    p.taps = b.taps;
    p.tap_shift = b.shift;
    p.columns = b.columns;
    p.x_stride = b.inputs;
    p.y_stride = b.rows;
    const std::int64_t x_columns = b.columns + p.context();
    const Buffer x = make_buffer(static_cast<std::size_t>(x_columns * b.inputs));
    const Buffer y = make_buffer(static_cast<std::size_t>(b.columns * b.rows));
    const Buffer extra = make_buffer(static_cast<std::size_t>(b.columns * b.rows + b.rows));
    p.x = x.get();
    p.y = y.get();
    if (b.group == std::string_view("convolution")) {
        p.epilogue = {extra.get(), true, 0.1F, b.taps == 1 ? extra.get() : nullptr, b.rows};
    }
    const std::size_t matrix_bytes = plain_row_bytes(b.type, p.w.cols) * static_cast<std::size_t>((b.rows + 15) / 16 * 16);
    const double flops = 2.0 * static_cast<double>(b.rows * p.w.cols * b.columns);
    const bool walk = b.columns <= 16;
    const std::size_t steps =
        walk ? std::max<std::size_t>(1, kBufferBytes / matrix_bytes) : 1 + static_cast<std::size_t>(1e9 / flops);
    double best = 1e30, spent = 0.0;
    std::vector<double> of_peak, of_read;
    for (int round = 0; round < 15 && (round < 3 || spent < 0.7); ++round) {
        const double peak_before = peak_once();
        const double read_before = walk ? read_bandwidth(pool.get(), kBufferBytes / sizeof(float)) : 0.0;
        const double start = now();
        for (std::size_t i = 0; i < steps; ++i) {
            if (walk) p.w.data = reinterpret_cast<const char*>(pool.get()) + i * matrix_bytes;
            multiply(p, {0, 1});
        }
        const double seconds = (now() - start) / static_cast<double>(steps);
        spent += seconds * static_cast<double>(steps);
        best = std::min(best, seconds);
        of_peak.push_back(flops / seconds / std::max(peak_before, peak_once()));
        if (walk) of_read.push_back(static_cast<double>(matrix_bytes) / seconds / read_before);
    }
    std::printf("%-12s %-4s %6lld x %5lld taps %lld shift %2lld columns %6lld  %8.1f GFLOP/s %5.1f %%", b.group,
                name(b.type), static_cast<long long>(b.rows), static_cast<long long>(b.inputs),
                static_cast<long long>(b.taps), static_cast<long long>(b.shift), static_cast<long long>(b.columns),
                flops / best / 1e9, 100.0 * median(of_peak));
    if (walk) {
        std::printf("  %6.2f GB/s %5.1f %% of reading", static_cast<double>(matrix_bytes) / best / 1e9,
                    100.0 * median(of_read));
    }
    std::printf("\n");
    std::fflush(stdout);
}

std::vector<Bench> all_benches() {
    std::vector<Bench> list;
    for (const WeightType type : {WeightType::f32, WeightType::bf16, WeightType::f16}) {
        for (const std::int64_t columns : {1, 2, 4, 12}) {
            list.push_back({"decode", type, 16384, 3072, 1, 1, columns});
            list.push_back({"decode", type, 3072, 8192, 1, 1, columns});
        }
        list.push_back({"decode", type, 1024, 3072, 1, 1, 2});
    }
    for (const auto& [rows, cols] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {1536, 1536}, {4608, 1536}, {8192, 1536}, {1536, 4096}, {9216, 3072}, {3072, 8192}}) {
        list.push_back({"flow", WeightType::f32, rows, cols, 1, 1, 1488});
    }
    for (const std::int64_t columns : {64, 256, 1024}) {
        list.push_back({"prefill", WeightType::bf16, 3072, 3072, 1, 1, columns});
        list.push_back({"prefill", WeightType::bf16, 3072, 8192, 1, 1, columns});
    }
    for (const std::int64_t channels : {1024, 512, 256, 128, 64}) {
        const std::int64_t columns = std::max<std::int64_t>(2000, 500'000 / channels);
        list.push_back({"convolution", WeightType::f32, channels, channels, 7, 2, columns});
        list.push_back({"convolution", WeightType::f32, channels, channels, 7, 18, columns});
        list.push_back({"convolution", WeightType::f32, channels, channels, 1, 1, columns});
    }
    // Tiles of a signal that the caches hold.
    list.push_back({"convolution", WeightType::f32, 128, 128, 1, 1, 600});
    list.push_back({"convolution", WeightType::f32, 64, 64, 1, 1, 1200});
    list.push_back({"convolution", WeightType::f32, 1, 64, 7, 2, 1200});
    list.push_back({"convolution", WeightType::f32, 1, 64, 7, 2, 40000});
    return list;
}

}  // namespace

int main(int argc, char** argv) {
    const Buffer pool = make_buffer(kBufferBytes / sizeof(float) + (std::size_t{64} << 20U));
    std::printf("%s; %.1f GFLOP/s between registers, %.2f GB/s read\n", std::string(name_of(instruction_set())).c_str(),
                std::max(peak_once(), peak_once()) / 1e9, read_bandwidth(pool.get(), kBufferBytes / sizeof(float)) / 1e9);
    for (const Bench& b : all_benches()) {
        const auto asked = [&](const char* a) { return std::string_view(b.group).starts_with(a); };
        if (argc == 1 || std::any_of(argv + 1, argv + argc, asked)) measure(b, pool);
    }
    return 0;
}
