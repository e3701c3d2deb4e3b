#pragma once

// What the CUDA module can do, for those who build graphs and may not have the module at hand.

#include <ggml.h>

#include <cstddef>
#include <cstdint>

namespace heart::cuda {

inline constexpr int kMostAttentionColumns = 2;  // for decoding; more are products of matrices
inline constexpr int kMostHeadDim = 384;
inline constexpr int kMostSplits = 256;          // parts of 64 positions that a cache is read in
inline constexpr std::int64_t kCounters = 4096;  // blocks of attention that may count each other

inline constexpr int kMostDrawn = 16384;  // logits that a token may be drawn from in one kernel

/// Query heads of one key head that a block of attention takes.
[[nodiscard]] inline int attention_group(std::int64_t group) {
    return group <= 2 ? 2 : group == 3 ? 3 : 4;
}

/// Whether the attention of kernels/attention.h runs as one kernel; mask may be null.
[[nodiscard]] inline bool can_attend(const ggml_tensor* q, const ggml_tensor* k, const ggml_tensor* v,
                                     const ggml_tensor* mask) {
    const bool plain = k->type == GGML_TYPE_F32 || k->type == GGML_TYPE_F16 || k->type == GGML_TYPE_BF16;
    const bool types = q->type == GGML_TYPE_F32 && k->type == v->type && (plain || k->type == GGML_TYPE_Q8_0) &&
                       (mask == nullptr || mask->type == GGML_TYPE_F16);
    const auto one_piece = [](const ggml_tensor* t) { return t->nb[0] == ggml_type_size(t->type); };
    const auto on_words = [](const ggml_tensor* t) {  // heads are read in words of up to 16 bytes
        return t->nb[1] % 16 == 0 && t->nb[2] % 16 == 0 && t->nb[3] % 16 == 0;
    };
    const std::int64_t group = q->ne[1] / k->ne[2], in_block = attention_group(group);
    const std::int64_t blocks = q->ne[2] * q->ne[3] * k->ne[2] * ((group + in_block - 1) / in_block);
    return types && one_piece(q) && one_piece(k) && one_piece(v) && (!plain || (on_words(k) && on_words(v))) &&
           q->ne[0] % 4 == 0 && q->ne[0] <= kMostHeadDim && blocks <= kCounters && k->ne[1] <= 64 * kMostSplits &&
           (q->ne[2] <= kMostAttentionColumns || k->type == GGML_TYPE_Q8_0);
}

}  // namespace heart::cuda
