#pragma once

#include "kernels/attention_families.h"

#include <cstdint>

// What both attention kernels are made of, as templates over a family's vectors V (see attention_portable.cpp for what a V
// has). All in an unnamed namespace: each family's file compiles it for itself.

namespace heart::kernels {
namespace {

// Number types of the cache: `load` widens V::kWidth numbers from element i of a row on, `load_half` eight into a register
// of 16.

struct F32Source {
    static constexpr int kBlock = 1;
    static std::int64_t row_bytes(std::int64_t head_dim) { return 4 * head_dim; }
    template <class V>
    static typename V::Floats load(const std::uint8_t* row, std::int64_t i) {
        return V::load(reinterpret_cast<const float*>(row) + i);
    }
    template <class V>
    static typename V::Floats load_half(const std::uint8_t* row, std::int64_t i) {
        return V::load_half(reinterpret_cast<const float*>(row) + i);
    }
};

struct F16Source {
    static constexpr int kBlock = 1;
    static std::int64_t row_bytes(std::int64_t head_dim) { return 2 * head_dim; }
    template <class V>
    static typename V::Floats load(const std::uint8_t* row, std::int64_t i) {
        return V::widen_f16(row + 2 * i);
    }
    template <class V>
    static typename V::Floats load_half(const std::uint8_t* row, std::int64_t i) {
        return V::widen_f16_half(row + 2 * i);
    }
};

struct Bf16Source {
    static constexpr int kBlock = 1;
    static std::int64_t row_bytes(std::int64_t head_dim) { return 2 * head_dim; }
    template <class V>
    static typename V::Floats load(const std::uint8_t* row, std::int64_t i) {
        return V::widen_bf16(row + 2 * i);
    }
    template <class V>
    static typename V::Floats load_half(const std::uint8_t* row, std::int64_t i) {
        return V::widen_bf16_half(row + 2 * i);
    }
};

struct Q8Source {
    static constexpr int kBlock = 32;
    static std::int64_t row_bytes(std::int64_t head_dim) { return head_dim / 32 * 34; }
    template <class V>
    static typename V::Floats load(const std::uint8_t* row, std::int64_t i) {
        const std::uint8_t* block = row + i / 32 * 34;
        return V::mul(V::set_f16(block), V::widen_int8(block + 2 + i % 32));
    }
    template <class V>
    static typename V::Floats load_half(const std::uint8_t*, std::int64_t) {
        return V::set(0.0F);  // rows are whole blocks of 32
    }
};

/// Calls `use(r, numbers)` for kCount registers from element i on, a multiple of what they hold or of 32. One at a time, so
/// that no more than one of them needs a register.
template <class V, class Source, int kCount, class Use>
__attribute__((always_inline)) inline void for_registers(const std::uint8_t* row, std::int64_t i, Use use) {
    constexpr std::int64_t kRun = kCount * V::kWidth;
    if constexpr (Source::kBlock > 1 && (kRun % 32 == 0 || 32 % kRun == 0)) {
        const std::uint8_t* block = row + i / 32 * 34;
        const std::int64_t first = kRun % 32 == 0 ? 0 : i % 32;
        auto scale = V::set_f16(block);
#pragma GCC unroll 8
        for (int r = 0; r < kCount; ++r) {
            const std::int64_t place = r * V::kWidth % 32;
            if (place == 0 && r > 0) scale = V::set_f16(block += 34);
            use(r, V::mul(scale, V::widen_int8(block + 2 + first + place)));
        }
    } else {
#pragma GCC unroll 8
        for (int r = 0; r < kCount; ++r) use(r, Source::template load<V>(row, i + r * V::kWidth));
    }
}

/// Calls `body` with the source of `type`.
template <class Body>
void with_source(CacheType type, Body body) {
    switch (type) {
        case CacheType::f32: return body(F32Source());
        case CacheType::f16: return body(F16Source());
        case CacheType::bf16: return body(Bf16Source());
        case CacheType::q8_0: return body(Q8Source());
    }
}

/// e^x for x <= 0, to 1 ulp; below e^-87.7 it is 0. Not-a-number stays.
template <class V>
typename V::Floats exp(typename V::Floats x) {
    // x = n ln 2 + r. Adding 1.5 * 2^23 rounds to whole n and leaves n in the low bits.
    const auto shift = V::set(12582912.0F);
    x = V::max(V::set(-88.0F), x);
    const auto shifted = V::fma(x, V::set(1.44269504F), shift);
    const auto n = V::sub(shifted, shift);
    auto r = V::fma(n, V::set(-0.693145751953125F), x);  // 17 bits: the product is exact
    r = V::fma(n, V::set(-1.42860677e-6F), r);
    // Of all polynomials 1 + r + r^2 q(r), q of degree 4, the one with the smallest relative error: 0.004 ulp.
    auto p = V::fma(V::set(0.00138145406F), r, V::set(0.00836874545F));
    p = V::fma(p, r, V::set(0.041668389F));
    p = V::fma(p, r, V::set(0.166665211F));
    p = V::fma(p, r, V::set(0.49999994F));
    p = V::fma(p, V::mul(r, r), r);
    const auto power = V::power_of_two(shifted);
    return V::fma(p, power, power);
}

/// One bit for each of up to 64 positions: does the mask let this column look there?
inline std::uint64_t visible_bits(const std::uint16_t* mask, std::int64_t count) {
    const std::uint64_t all = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    if (mask == nullptr) return all;
    constexpr std::uint16_t kHidden = 0xFC00;  // -inf
    unsigned open = 0, shut = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        open |= mask[i];
        shut |= mask[i] ^ kHidden;
    }
    if (open == 0) return all;
    if (shut == 0) return 0;
    std::uint64_t bits = 0;
    for (std::int64_t i = 0; i < count; ++i) bits |= std::uint64_t{mask[i] != kHidden} << i;
    return bits;
}

/// The mask of a column from position `start` on; null where it looks everywhere.
inline const std::uint16_t* mask_of(const Attention& a, std::int64_t row, std::int64_t column, std::int64_t start) {
    return a.mask == nullptr ? nullptr : a.mask + row * a.mask_row + column * a.mask_column + start;
}

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
    return a < b ? a : b;
}

}  // namespace
}  // namespace heart::kernels
