#pragma once

#include <climits>
#include <cstdint>

namespace heart::cuda {

/// A number's bits, in an order in which larger numbers have larger bits. Not-a-number is beyond all, on the side of its
/// sign.
__device__ inline unsigned ordered(float x) {
    const unsigned bits = __float_as_uint(x);
    return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

/// The number that `ordered` made these bits of.
__device__ inline float number_of(unsigned key) {
    return __uint_as_float((key & 0x80000000U) != 0 ? key & 0x7fffffffU : ~key);
}

/// A key whose maximum is the first of the largest numbers, as torch's argmax has it.
__device__ inline unsigned long long first_of_largest(float x, int index) {
    return static_cast<unsigned long long>(ordered(x)) << 32 | (UINT_MAX - static_cast<unsigned>(index));
}
__device__ inline std::int32_t index_of(unsigned long long key) {
    return static_cast<std::int32_t>(UINT_MAX - static_cast<unsigned>(key & 0xffffffffULL));
}

}  // namespace heart::cuda
