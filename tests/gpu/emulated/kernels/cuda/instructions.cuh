#pragma once

// src/kernels/cuda/instructions.cuh on the CPU: what its PTX does, step by step.

#include "kernels/cuda/numbers.cuh"

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

namespace heart::cuda {

inline void wait_for_inputs() {}
inline void let_next_start() {}

template <typename T>
T* launched_shared() {
    return static_cast<T*>(emulated::launched_shared_memory());
}

inline uint4 stream16(const void* p) {
    return *static_cast<const uint4*>(p);
}
inline uint2 stream8(const void* p) {
    return *static_cast<const uint2*>(p);
}

inline void copy_ahead(void* shared, const void* from) {
    emulated::copy_later(shared, from, 16);
}
inline void end_group() {
    emulated::end_copies();
}
template <int kStill>
void wait_for_groups() {
    emulated::wait_for_copies(kStill);
}

/// Number `i` of the two in a word.
template <typename T>
float number_in(unsigned word, int i) {
    T numbers[2];
    std::memcpy(numbers, &word, sizeof word);
    return to_float(numbers[i]);
}

template <typename T>
void multiply_tile(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], T) {
    struct Words {
        unsigned a[4], b[2];
    };
    const Words mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    const emulated::LaneBytes* all = emulated::exchange("mma.m16n8k16", &mine, sizeof mine);
    const unsigned lane = emulated::own_lane();
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned column = lane % 4 * 2 + i % 2;
        for (unsigned k = 0; k < 16; ++k) {
            const unsigned half = k / 8, holder = k % 8 / 2;
            const auto of_a = emulated::given_by<Words>(all, lane / 4 * 4 + holder);
            const auto of_b = emulated::given_by<Words>(all, column * 4 + holder);
            c[i] = fmaf(number_in<T>(of_a.a[half * 2 + i / 2], k % 2), number_in<T>(of_b.b[half], k % 2), c[i]);
        }
    }
}

}  // namespace heart::cuda
