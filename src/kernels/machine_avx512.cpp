// Compiled with AVX-512 flags: nothing here may leave inline functions behind that other files could pick up.

#include "kernels/machine_loops.h"

#include <immintrin.h>

namespace heart::kernels {

namespace {

constexpr int kSums = 16;  // two units with a latency of four or five cycles each are busy from ten on
constexpr std::size_t kStreams = 4;

/// Four streams a quarter of the block apart keep more reads on their way than one does.
std::uint64_t read(const void* data, std::size_t bytes, std::size_t ahead) {
    const char* p = static_cast<const char*>(data);
    const std::size_t stream = bytes / kStreams;
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (std::size_t i = 0; i < stream; i += 64) {
        const char* q = p + i;
        _mm_prefetch(q + ahead, _MM_HINT_T0);
        _mm_prefetch(q + stream + ahead, _MM_HINT_T0);
        _mm_prefetch(q + 2 * stream + ahead, _MM_HINT_T0);
        _mm_prefetch(q + 3 * stream + ahead, _MM_HINT_T0);
        a = _mm512_add_epi64(a, _mm512_load_si512(q));
        b = _mm512_add_epi64(b, _mm512_load_si512(q + stream));
        c = _mm512_add_epi64(c, _mm512_load_si512(q + 2 * stream));
        d = _mm512_add_epi64(d, _mm512_load_si512(q + 3 * stream));
    }
    const __m512i sum = _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d));
    alignas(64) std::uint64_t lanes[8];
    _mm512_store_si512(lanes, sum);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3] + lanes[4] + lanes[5] + lanes[6] + lanes[7];
}

float multiply_add(std::int64_t rounds) {
    __m512 sum[kSums];
    for (int i = 0; i < kSums; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i));
    const __m512 x = _mm512_set1_ps(0.5F), y = _mm512_set1_ps(0.25F);
    for (std::int64_t r = 0; r < rounds; ++r) {
        for (int i = 0; i < kSums; ++i) sum[i] = _mm512_fmadd_ps(sum[i], x, y);
    }
    for (int i = 1; i < kSums; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
    return _mm512_cvtss_f32(sum[0]);
}

std::int32_t multiply_add_int8(std::int64_t rounds) {
    const __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(-2);
    __m512i a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x;  // an array would be moved about
    for (std::int64_t r = 0; r < rounds; ++r) {
        a = _mm512_dpbusd_epi32(a, x, y);
        b = _mm512_dpbusd_epi32(b, x, y);
        c = _mm512_dpbusd_epi32(c, x, y);
        d = _mm512_dpbusd_epi32(d, x, y);
        e = _mm512_dpbusd_epi32(e, x, y);
        f = _mm512_dpbusd_epi32(f, x, y);
        g = _mm512_dpbusd_epi32(g, x, y);
        h = _mm512_dpbusd_epi32(h, x, y);
        i = _mm512_dpbusd_epi32(i, x, y);
        j = _mm512_dpbusd_epi32(j, x, y);
        __asm__ volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h), "+v"(i), "+v"(j));
    }
    const __m512i low = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)), e);
    const __m512i high = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32(f, g), _mm512_add_epi32(h, i)), j);
    return _mm512_cvtsi512_si32(_mm512_add_epi32(low, high));
}

}  // namespace

MachineLoops machine_loops_avx512() {
    return {read, multiply_add, kSums * 16 * 2.0, multiply_add_int8, 10 * 64 * 2.0};
}

}  // namespace heart::kernels
