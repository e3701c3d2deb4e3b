// Attention for decoding: a few query columns against a long cache (kernels/attention.h says what it computes). A block
// takes 64 positions of one key head and all query heads that share it; the last block to finish a head joins the parts,
// always in the order of the positions, so that the result does not depend on which was last.

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/nodes.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/rules.h"
#include "kernels/cuda/settings.h"

#include <algorithm>

namespace heart::cuda::attention {

namespace {

constexpr int kWarps = 4;
constexpr int kPartPositions = 64;  // of a block
constexpr int kAtOnce = 4;          // positions that some lanes read before they compute

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

    /// Scores of -inf are of positions that are not seen, whatever their values are.
    template <typename Values>
    __device__ void add(const float (&score)[kAtOnce], const Values (&values)[kAtOnce]) {
        float next = largest;
        for (const float s : score) next = fmaxf(next, s);
        bool seen = false;
        for (const float s : score) seen = seen || s != -INFINITY;
        if (!seen) return;
        const float keep = expf(largest - next);
        sum *= keep;
        for (float& e : x) e *= keep;
        for (int a = 0; a < kAtOnce; ++a) {
            if (score[a] == -INFINITY) continue;
            const float weight = expf(score[a] - next);
            sum += weight;
            for (int i = 0; i < kCount; ++i) x[i] = fmaf(weight, values[a].x[i], x[i]);
        }
        largest = next;
    }
};

/// How much each of `count` parts, {largest, sum, ...} `stride` floats apart, weighs in their union: by one warp.
__device__ void weigh(const float* parts, int count, std::int64_t stride, float* weights, float* total, float* largest) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    float most = -INFINITY, sum = 0;
    for (int i = lane; i < count; i += 32) most = fmaxf(most, parts[i * stride]);
    most = warp_max(most);
    for (int i = lane; i < count; i += 32) {
        const float own = parts[i * stride];
        weights[i] = own == -INFINITY ? 0.0F : expf(own - most);
        sum = fmaf(weights[i], parts[i * stride + 1], sum);
    }
    sum = warp_sum(sum);
    if (lane == 0) *total = sum, *largest = most;
}

/// Element e of the union. Parts that see nothing weigh nothing and hold zeros: without a branch, all are read at once.
__device__ float joined(const float* parts, int count, std::int64_t stride, const float* weights, int e) {
    float sum = 0;
#pragma unroll 8
    for (int i = 0; i < count; ++i) {
        sum = fmaf(weights[i], parts[i * stride + 2 + e], sum);
    }
    return sum;
}

/// What a block has in shared memory beside the parts of its lanes.
template <int kGroup>
struct Join {
    float weights[kGroup][kMostSplits];
    float total[kGroup], largest[kGroup];
    bool last;
};

// --- the kernel -----------------------------------------------------------------------------------------------------------

/// What a thread works on: some lanes of a warp share a position, and the warps' groups of lanes share the positions.
template <int kCount, int kLanes>
struct Share {
    static constexpr int kParts = kWarps * 32 / kLanes, kRounds = kPartPositions / kParts;
    int lane = static_cast<int>(threadIdx.x) % kLanes, part = static_cast<int>(threadIdx.x) / kLanes;
    int first = lane * kCount;  // element of the head
};

/// The thread's part of the block's positions, for kGroup query heads from `first_head` on.
template <typename T, int kCount, int kLanes, int kGroup>
__device__ void attend_part(const Operands& o, int kv_head, int first_head, int head_count, Running<kCount> (&out)[kGroup]) {
    using S = Share<kCount, kLanes>;
    const S share;
    const int d = o.q.ne[0], column = static_cast<int>(blockIdx.z) % o.q.ne[2],
              row = static_cast<int>(blockIdx.z) / o.q.ne[2];
    const int begin = static_cast<int>(blockIdx.x) * kPartPositions + share.part;
    float q[kGroup][kCount] = {};
    for (int g = 0; g < head_count; ++g) {
        const auto* from =
            reinterpret_cast<const float*>(o.q.data + (first_head + g) * o.q.nb[1] + column * o.q.nb[2] + row * o.q.nb[3]);
        for (int i = 0; i < kCount; ++i) q[g][i] = share.first + i < d ? from[share.first + i] * o.scale : 0.0F;
    }
    float mask = -INFINITY;  // of the part's position number `lane`
    const int masked = begin + share.lane * S::kParts;
    if (share.lane < S::kRounds && masked < o.k.ne[1]) {
        const char* from = o.mask.data + masked * o.mask.nb[0] + column * o.mask.nb[1] + row % o.mask.ne[3] * o.mask.nb[3];
        mask = o.mask.data == nullptr ? 0.0F : __half2float(*reinterpret_cast<const __half*>(from));
    }
    const char* keys = o.k.data + kv_head * o.k.nb[2] + row * o.k.nb[3];
    const char* values = o.v.data + kv_head * o.v.nb[2] + row * o.v.nb[3];
    for (int round = 0; round < S::kRounds; round += kAtOnce) {
        float hidden[kAtOnce];
        bool seen = false;
        for (int a = 0; a < kAtOnce; ++a) {
            hidden[a] = __shfl_sync(kAllLanes, mask, round + a, kLanes);
            seen = seen || hidden[a] != -INFINITY;
        }
        if (!__any_sync(kAllLanes, seen)) continue;
        Lane<T, kCount> k[kAtOnce], v[kAtOnce];
        for (int a = 0; a < kAtOnce; ++a) {
            const std::int64_t position = min(begin + (round + a) * S::kParts, o.k.ne[1] - 1);
            k[a].load(keys + position * o.k.nb[1], share.first, d);
            v[a].load(values + position * o.v.nb[1], share.first, d);
        }
        for (int g = 0; g < kGroup; ++g) {
            float score[kAtOnce];
            for (int a = 0; a < kAtOnce; ++a) {
                float dot = 0;
                for (int i = 0; i < kCount; ++i) dot = fmaf(q[g][i], k[a].x[i], dot);
                for (int step = kLanes / 2; step > 0; step /= 2) dot += __shfl_xor_sync(kAllLanes, dot, step);
                score[a] = hidden[a] == -INFINITY ? hidden[a] : dot + hidden[a];
            }
            out[g].add(score, v);
        }
    }
}

/// Joins the block's parts, and where it is the last block of its heads, those of all blocks.
template <int kParts, int kGroup>
__device__ void join(const Operands& o, Join<kGroup>& j, const float* shared, std::int64_t head, int head_count) {
    const int d = o.q.ne[0], part_size = 2 + d, warp = static_cast<int>(threadIdx.x / 32);
    const int split = static_cast<int>(blockIdx.x);
    constexpr int kThreads = kWarps * 32;
    for (int g = warp; g < head_count; g += kWarps) {
        weigh(shared + g * part_size, kParts, kGroup * part_size, j.weights[g], &j.total[g], &j.largest[g]);
    }
    __syncthreads();
    float* parts = o.parts + head * o.splits * part_size;  // of head g: g * splits * part_size further on
    const auto result = [&](float sum, int g) { return j.total[g] > 0 ? sum / j.total[g] : 0.0F * j.total[g]; };
    for (int i = static_cast<int>(threadIdx.x); i < head_count * d; i += kThreads) {
        const int g = i / d, e = i % d;
        const float sum = joined(shared + g * part_size, kParts, kGroup * part_size, j.weights[g], e);
        if (o.splits == 1) {
            o.y[(head + g) * d + e] = result(sum, g);
            continue;
        }
        float* to = parts + (static_cast<std::int64_t>(g) * o.splits + split) * part_size;
        if (e == 0) to[0] = j.largest[g], to[1] = j.total[g];
        to[2 + e] = sum;
    }
    if (o.splits == 1) return;

    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        unsigned* counter = o.counters + blockIdx.z * gridDim.y + blockIdx.y;
        j.last = atomicAdd(counter, 1) == static_cast<unsigned>(o.splits) - 1;
        if (j.last) *counter = 0;
    }
    __syncthreads();
    if (!j.last) return;
    __threadfence();
    const auto of_head = [&](int g) { return parts + static_cast<std::int64_t>(g) * o.splits * part_size; };
    for (int g = warp; g < head_count; g += kWarps) {
        weigh(of_head(g), o.splits, part_size, j.weights[g], &j.total[g], &j.largest[g]);
    }
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < head_count * d; i += kThreads) {
        const int g = i / d, e = i % d;
        o.y[(head + g) * d + e] = result(joined(of_head(g), o.splits, part_size, j.weights[g], e), g);
    }
}

/// Grid: parts of the positions, key heads (times parts of their group), columns of all rows.
template <typename T, int kCount, int kLanes, int kGroup>
__global__ void __launch_bounds__(kWarps * 32) attend(Operands o) {
    using S = Share<kCount, kLanes>;
    auto* shared = launched_shared<float>();  // [parts][group][2 + d]
    __shared__ Join<kGroup> j;
    const int d = o.q.ne[0], part_size = 2 + d;
    const int kv_head = static_cast<int>(blockIdx.y) / o.group_parts;
    const int first_head = kv_head * o.group + static_cast<int>(blockIdx.y) % o.group_parts * kGroup;
    const int head_count = min(kGroup, (kv_head + 1) * o.group - first_head);
    let_next_start();
    wait_for_inputs();
    Running<kCount> running[kGroup];
    attend_part<T, kCount, kLanes>(o, kv_head, first_head, head_count, running);
    const S share;
    for (int g = 0; g < head_count; ++g) {
        float* to = shared + (share.part * kGroup + g) * part_size;
        if (share.lane == 0) to[0] = running[g].largest, to[1] = running[g].sum;
        for (int i = 0; i < kCount; ++i) {
            if (share.first + i < d) to[2 + share.first + i] = running[g].x[i];
        }
    }
    __syncthreads();
    join<S::kParts>(o, j, shared, static_cast<std::int64_t>(blockIdx.z) * o.q.ne[1] + first_head, head_count);
}

// --- which ----------------------------------------------------------------------------------------------------------------

int splits_of(const ggml_tensor* k) {
    return static_cast<int>((k->ne[1] + kPartPositions - 1) / kPartPositions);
}

template <typename T, int kCount, int kLanes, int kGroup>
void launch(const Context& c, const Operands& o) {
    const dim3 grid(static_cast<unsigned>(o.splits), static_cast<unsigned>(o.k.ne[2] * o.group_parts),
                    static_cast<unsigned>(o.q.ne[2] * o.q.ne[3]));
    const auto numbers = static_cast<std::size_t>(Share<kCount, kLanes>::kParts * kGroup * (2 + o.q.ne[0]));
    launch_early(c, attend<T, kCount, kLanes, kGroup>, grid, kWarps * 32, sizeof(float) * numbers, o);
}

template <typename T, int kCount, int kLanes>
void launch_group(const Context& c, const Operands& o) {
    switch (attention_group(o.group)) {
        case 2: return launch<T, kCount, kLanes, 2>(c, o);
        case 3: return launch<T, kCount, kLanes, 3>(c, o);
        default: launch<T, kCount, kLanes, 4>(c, o);
    }
}

template <typename T>
void launch_width(const Context& c, const Operands& o) {
    if (o.q.ne[0] <= 64) return launch_group<T, 8, 8>(c, o);
    if (o.q.ne[0] <= 128) return launch_group<T, 16, 8>(c, o);
    launch_group<T, 12, 32>(c, o);
}

}  // namespace

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
