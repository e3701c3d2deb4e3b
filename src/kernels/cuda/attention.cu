// Attention for decoding: a few query columns against a long cache (kernels/attention.h says what it computes). A block takes
// 64 positions of one key head and all query heads that share it; the last block to finish a head joins the parts, always in
// the order of the positions, so that the result does not depend on which was last.

#include "kernels/cuda/nodes.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/rules.h"
#include "kernels/cuda/settings.h"

#include <algorithm>

namespace heart::cuda::attention {

namespace {

constexpr int kWarps = 4;
constexpr int kPartPositions = 64;                    // of a block
constexpr int kPositions = kPartPositions / kWarps;   // of a warp
constexpr int kAtOnce = 4;                            // positions that a warp reads before it computes

struct Operands {
    View q, k, v, mask;
    float* y = nullptr;      // [d, heads, n, rows]
    float* parts = nullptr;  // for each column, head and part: largest score, sum, and d numbers
    unsigned* counters = nullptr;
    float scale = 1;
    int group = 1;        // query heads that share a key head
    int group_parts = 1;  // blocks that share them, each taking kGroup
    int splits = 1;       // parts that the positions are cut into
};

// --- cached numbers -------------------------------------------------------------------------------------------------------

/// `kCount` numbers of a head from `first` on, as f32; zeros from `d` on, which is a multiple of what a lane reads at once.
template <typename T, int kCount>
struct Lane {
    static constexpr int kAligned = kCount % 4 == 0 ? 4 : 2;
    float x[kCount];
    __device__ void load(const char* head, int first, int d) {
        for (int i = 0; i < kCount; i += kAligned) {
            if (first + i >= d) {
                for (int j = 0; j < kAligned; ++j) x[i + j] = 0;
                continue;
            }
            struct alignas(kAligned * sizeof(T)) Word {
                T x[kAligned];
            };
            const Word word = *reinterpret_cast<const Word*>(head + (first + i) * sizeof(T));
            for (int j = 0; j < kAligned; ++j) x[i + j] = to_float(word.x[j]);
        }
    }
};
template <int kCount>
struct Lane<BlockQ8, kCount> {
    float x[kCount];
    __device__ void load(const char* head, int first, int d) {
        for (int i = 0; i < kCount; ++i) {
            const int at = first + i;
            if (at >= d) {
                x[i] = 0;
                continue;
            }
            const BlockQ8& block = reinterpret_cast<const BlockQ8*>(head)[at / 32];
            x[i] = __half2float(block.scale) * static_cast<float>(block.quants[at % 32]);
        }
    }
};

// --- softmax in parts -----------------------------------------------------------------------------------------------------

/// A weighted sum of values whose weights are exp(score - largest).
template <int kCount>
struct Running {
    float largest = -INFINITY, sum = 0;
    float x[kCount] = {};

    __device__ void add(float score, const float (&value)[kCount]) {
        if (score == -INFINITY) return;  // not seen: whatever the value is
        const float next = fmaxf(largest, score);
        const float keep = expf(largest - next), weight = expf(score - next);
        sum = sum * keep + weight;
        for (int i = 0; i < kCount; ++i) x[i] = x[i] * keep + weight * value[i];
        largest = next;
    }
};

/// Joins `count` parts, each {largest, sum, x[d]} `stride` floats behind the one before: element e of the sum, unscaled by
/// the weights' sum, and that sum.
__device__ float2 joined(const float* part, int count, std::int64_t stride, int e) {
    float largest = -INFINITY;
    for (int i = 0; i < count; ++i) largest = fmaxf(largest, part[i * stride]);
    float2 out{0, 0};
    for (int i = 0; i < count; ++i) {
        if (part[i * stride] == -INFINITY) continue;
        const float weight = expf(part[i * stride] - largest);
        out.x += weight * part[i * stride + 2 + e];
        out.y += weight * part[i * stride + 1];
    }
    return out;
}
__device__ float largest_of(const float* part, int count, std::int64_t stride) {
    float largest = -INFINITY;
    for (int i = 0; i < count; ++i) largest = fmaxf(largest, part[i * stride]);
    return largest;
}

/// Grid: parts of the positions, key heads (times parts of their group), columns of all rows.
template <typename T, int kCount, int kGroup>
__global__ void __launch_bounds__(kWarps * 32) attend(Operands o) {
    extern __shared__ float shared[];  // [warps][group][2 + d]
    __shared__ bool last;
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
    const int d = o.q.ne[0], heads = o.q.ne[1], split = static_cast<int>(blockIdx.x);
    const int kv_head = static_cast<int>(blockIdx.y) / o.group_parts;
    const int first_head = kv_head * o.group + static_cast<int>(blockIdx.y) % o.group_parts * kGroup;
    const int head_count = min(kGroup, (kv_head + 1) * o.group - first_head);
    const int column = static_cast<int>(blockIdx.z) % o.q.ne[2], row = static_cast<int>(blockIdx.z) / o.q.ne[2];
    const int mine = lane * kCount, begin = split * kPartPositions + warp * kPositions;

    float q[kGroup][kCount] = {};
    for (int g = 0; g < head_count; ++g) {
        const auto* from = reinterpret_cast<const float*>(o.q.data + (first_head + g) * o.q.nb[1] + column * o.q.nb[2] +
                                                          row * o.q.nb[3]);
        for (int i = 0; i < kCount; ++i) q[g][i] = mine + i < d ? from[mine + i] * o.scale : 0.0F;
    }
    float mask = -INFINITY;  // of position begin + lane
    if (lane < kPositions && begin + lane < o.k.ne[1]) {
        mask = o.mask.data == nullptr
                   ? 0.0F
                   : __half2float(*reinterpret_cast<const __half*>(o.mask.data + (begin + lane) * o.mask.nb[0] +
                                                                   column * o.mask.nb[1] + row % o.mask.ne[3] * o.mask.nb[3]));
    }
    const unsigned seen = __ballot_sync(kAllLanes, mask != -INFINITY);

    const char* keys = o.k.data + kv_head * o.k.nb[2] + row * o.k.nb[3];
    const char* values = o.v.data + kv_head * o.v.nb[2] + row * o.v.nb[3];
    Running<kCount> running[kGroup];
    for (int first = 0; first < kPositions; first += kAtOnce) {
        if ((seen >> first & ((1U << kAtOnce) - 1)) == 0) continue;
        Lane<T, kCount> k[kAtOnce], v[kAtOnce];
        for (int a = 0; a < kAtOnce; ++a) {
            const std::int64_t position = min(begin + first + a, o.k.ne[1] - 1);
            k[a].load(keys + position * o.k.nb[1], mine, d);
            v[a].load(values + position * o.v.nb[1], mine, d);
        }
        for (int a = 0; a < kAtOnce; ++a) {
            const float hidden = __shfl_sync(kAllLanes, mask, first + a);
            for (int g = 0; g < kGroup; ++g) {
                float dot = 0;
                for (int i = 0; i < kCount; ++i) dot = fmaf(q[g][i], k[a].x[i], dot);
                dot = warp_sum(dot);
                running[g].add(hidden == -INFINITY ? hidden : dot + hidden, v[a].x);
            }
        }
    }

    const int part_size = 2 + d;
    for (int g = 0; g < head_count; ++g) {
        float* to = shared + (warp * kGroup + g) * part_size;
        if (lane == 0) to[0] = running[g].largest, to[1] = running[g].sum;
        for (int i = 0; i < kCount; ++i) {
            if (mine + i < d) to[2 + mine + i] = running[g].x[i];
        }
    }
    __syncthreads();
    const std::int64_t head = static_cast<std::int64_t>(blockIdx.z) * heads + first_head;
    float* parts = o.parts + head * o.splits * part_size;  // of head g: g * splits * part_size further on
    for (int i = static_cast<int>(threadIdx.x); i < head_count * d; i += kWarps * 32) {
        const int g = i / d, e = i % d;
        const float* of_warps = shared + g * part_size;
        const float2 sums = joined(of_warps, kWarps, kGroup * part_size, e);
        if (o.splits == 1) {
            o.y[(head + g) * d + e] = sums.y > 0 ? sums.x / sums.y : 0.0F * sums.x;
            continue;
        }
        float* to = parts + (static_cast<std::int64_t>(g) * o.splits + split) * part_size;
        if (e == 0) to[0] = largest_of(of_warps, kWarps, kGroup * part_size), to[1] = sums.y;
        to[2 + e] = sums.x;
    }
    if (o.splits == 1) return;

    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        unsigned* counter = o.counters + blockIdx.z * gridDim.y + blockIdx.y;
        last = atomicAdd(counter, 1) == static_cast<unsigned>(o.splits) - 1;
        if (last) *counter = 0;
    }
    __syncthreads();
    if (!last) return;
    __threadfence();
    for (int i = static_cast<int>(threadIdx.x); i < head_count * d; i += kWarps * 32) {
        const int g = i / d, e = i % d;
        const float2 sums = joined(parts + static_cast<std::int64_t>(g) * o.splits * part_size, o.splits, part_size, e);
        o.y[(head + g) * d + e] = sums.y > 0 ? sums.x / sums.y : 0.0F * sums.x;
    }
}

// --- which ----------------------------------------------------------------------------------------------------------------

int splits_of(const ggml_tensor* k) {
    return static_cast<int>((k->ne[1] + kPartPositions - 1) / kPartPositions);
}

template <typename T, int kCount, int kGroup>
void launch(const Context& c, const Operands& o) {
    const dim3 grid(static_cast<unsigned>(o.splits), static_cast<unsigned>(o.k.ne[2] * o.group_parts),
                    static_cast<unsigned>(o.q.ne[2] * o.q.ne[3]));
    const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(kWarps * kGroup * (2 + o.q.ne[0]));
    attend<T, kCount, kGroup><<<grid, kWarps * 32, bytes, c.stream>>>(o);
}

template <typename T, int kCount>
void launch_group(const Context& c, const Operands& o) {
    if (attention_group(o.group) == 2) return launch<T, kCount, 2>(c, o);
    launch<T, kCount, 4>(c, o);
}

template <typename T>
void launch_width(const Context& c, const Operands& o) {
    if (o.q.ne[0] <= 64) return launch_group<T, 2>(c, o);
    if (o.q.ne[0] <= 128) return launch_group<T, 4>(c, o);
    launch_group<T, 12>(c, o);
}

}  // namespace

bool can_run(const ggml_tensor* node) {
    return is_kind(node, kernels::NodeKind::attention) && can_attend(node->src[0], node->src[1], node->src[2], node->src[3]);
}

std::size_t scratch_bytes(const ggml_tensor* node) {
    const ggml_tensor* q = node->src[0];
    const int splits = splits_of(node->src[1]);
    if (splits == 1) return 0;
    return sizeof(float) * static_cast<std::size_t>(q->ne[1] * q->ne[2] * q->ne[3] * splits * (2 + q->ne[0]));
}

void run(const Context& c, const ggml_tensor* node) {
    Operands o;
    o.q = view(node->src[0]), o.k = view(node->src[1]), o.v = view(node->src[2]);
    if (node->src[3] != nullptr) o.mask = view(node->src[3]);
    o.y = static_cast<float*>(node->data);
    o.parts = static_cast<float*>(c.scratch), o.counters = c.counters;
    o.scale = setting_of<kernels::AttentionSetting>(node)->scale;
    o.group = o.q.ne[1] / o.k.ne[2];
    const int in_block = attention_group(o.group);
    o.group_parts = (o.group + in_block - 1) / in_block;
    o.splits = splits_of(node->src[1]);
    switch (node->src[1]->type) {
        case GGML_TYPE_F16: return launch_width<__half>(c, o);
        case GGML_TYPE_BF16: return launch_width<__nv_bfloat16>(c, o);
        case GGML_TYPE_Q8_0: return launch_width<BlockQ8>(c, o);
        default: launch_width<float>(c, o);
    }
}

}  // namespace heart::cuda::attention
