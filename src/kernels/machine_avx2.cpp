// Compiled with AVX2 flags: nothing here may leave inline functions behind that other files could pick up.

#include "kernels/machine_loops.h"

#include <immintrin.h>

namespace heart::kernels {

namespace {

constexpr int kSums = 12;  // of 16 registers; two units with a latency of four or five cycles are busy from ten on
constexpr std::size_t kStreams = 4;

__m256i load(const char* p) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}

/// Four streams a quarter of the block apart keep more reads on their way than one does.
std::uint64_t read(const void* data, std::size_t bytes, std::size_t ahead) {
    const char* p = static_cast<const char*>(data);
    const std::size_t stream = bytes / kStreams;
    __m256i sum[2 * kStreams];
    for (auto& s : sum) s = _mm256_setzero_si256();
    for (std::size_t i = 0; i < stream; i += 64) {
        for (std::size_t j = 0; j < kStreams; ++j) {
            const char* q = p + j * stream + i;
            _mm_prefetch(q + ahead, _MM_HINT_T0);
            sum[2 * j] = _mm256_add_epi64(sum[2 * j], load(q));
            sum[2 * j + 1] = _mm256_add_epi64(sum[2 * j + 1], load(q + 32));
        }
    }
    for (std::size_t j = 1; j < 2 * kStreams; ++j) sum[0] = _mm256_add_epi64(sum[0], sum[j]);
    alignas(32) std::uint64_t lanes[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum[0]);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

float multiply_add(std::int64_t rounds) {
    __m256 sum[kSums];
    for (int i = 0; i < kSums; ++i) sum[i] = _mm256_set1_ps(static_cast<float>(i));
    const __m256 x = _mm256_set1_ps(0.5F), y = _mm256_set1_ps(0.25F);
    for (std::int64_t r = 0; r < rounds; ++r) {
        for (int i = 0; i < kSums; ++i) sum[i] = _mm256_fmadd_ps(sum[i], x, y);
    }
    for (int i = 1; i < kSums; ++i) sum[0] = _mm256_add_ps(sum[0], sum[i]);
    return _mm256_cvtss_f32(sum[0]);
}

/// Without VNNI: 8-bit products, two a 16-bit lane; those, two a 32-bit lane; then the sum.
std::int32_t multiply_add_int8(std::int64_t rounds) {
    constexpr int kIntSums = 8;
    __m256i sum[kIntSums];
    for (int i = 0; i < kIntSums; ++i) sum[i] = _mm256_set1_epi32(i);
    const __m256i y = _mm256_set1_epi8(-2), one = _mm256_set1_epi16(1);
    __m256i x = _mm256_set1_epi8(3);
    for (std::int64_t r = 0; r < rounds; ++r) {
        for (int i = 0; i < kIntSums; ++i) {
            __asm__ volatile("" : "+x"(x));  // the products are not the same every time, for all the compiler knows
            sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), one));
        }
    }
    for (int i = 1; i < kIntSums; ++i) sum[0] = _mm256_add_epi32(sum[0], sum[i]);
    return _mm256_extract_epi32(sum[0], 0);
}

}  // namespace

MachineLoops machine_loops_avx2() {
    return {read, multiply_add, kSums * 8 * 2.0, multiply_add_int8, 8 * 32 * 2.0};
}

}  // namespace heart::kernels
