#include "kernels/cuda/fusion.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/rotation.cuh"

#include <algorithm>

namespace heart::cuda {

namespace {

/// Rows of a cache, each holding all key heads of one position.
struct Cache {
    char* data = nullptr;
    std::int64_t row_bytes = 0, rows = 0;
    const std::int64_t* slots = nullptr;  // of each column
};

struct Operands {
    View query, turned, key, value;  // [d, heads, columns], but value [d * key heads, columns]
    Cache keys, values;
    Rotation rotation;
};

/// Grid: query heads, then key heads, then as many heads of values; columns.
template <typename T>
__global__ void rotate_kernel(Operands o) {
    const int column = static_cast<int>(blockIdx.y), heads = o.query.ne[1], key_heads = o.key.ne[1], d = o.rotation.n;
    int head = static_cast<int>(blockIdx.x);
    let_next_start();
    wait_for_inputs();
    if (head < heads) {
        const auto* x = reinterpret_cast<const float*>(o.query.data + head * o.query.nb[1] + column * o.query.nb[2]);
        auto* y = reinterpret_cast<float*>(o.turned.data + head * o.turned.nb[1] + column * o.turned.nb[2]);
        for (int pair = static_cast<int>(threadIdx.x); pair < d / 2; pair += static_cast<int>(blockDim.x)) {
            const float2 turned = o.rotation.turn({x[2 * pair], x[2 * pair + 1]}, pair, column);
            y[2 * pair] = turned.x, y[2 * pair + 1] = turned.y;
        }
        return;
    }
    head -= heads;
    const bool is_key = head < key_heads;
    if (!is_key) head -= key_heads;
    const Cache& cache = is_key ? o.keys : o.values;
    const std::int64_t slot = cache.slots[column];
    if (slot < 0 || slot >= cache.rows) return;
    auto* to = reinterpret_cast<T*>(cache.data + slot * cache.row_bytes) + head * d;
    const char* from = is_key ? o.key.data + head * o.key.nb[1] + column * o.key.nb[2]
                              : o.value.data + head * d * o.value.nb[0] + column * o.value.nb[1];
    const auto* x = reinterpret_cast<const float*>(from);
    for (int pair = static_cast<int>(threadIdx.x); pair < d / 2; pair += static_cast<int>(blockDim.x)) {
        float2 v{x[2 * pair], x[2 * pair + 1]};
        if (is_key) v = o.rotation.turn(v, pair, column);
        to[2 * pair] = from_float<T>(v.x), to[2 * pair + 1] = from_float<T>(v.y);
    }
}

Cache cache_of(const ggml_tensor* store) {
    return {static_cast<char*>(store->data), static_cast<std::int64_t>(store->nb[1]), store->ne[1],
            static_cast<const std::int64_t*>(store->src[1]->data)};
}

/// SET_ROWS of as many rows as there are columns, into a matrix of a plain type.
bool stores_columns(const ggml_tensor* store, std::int64_t columns, ggml_type type) {
    return store->type == type && ggml_nrows(store) == store->ne[1] && store->src[1]->ne[0] == columns &&
           ggml_nelements(store->src[1]) == columns && store->src[0]->nb[0] == sizeof(float);
}

}  // namespace

bool can_rotate_and_store(const RotateAndStore& r) {
    const ggml_type type = r.store_key->type;
    const bool plain = type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16;
    const std::int64_t columns = r.query->ne[2], width = r.key->ne[0] * r.key->ne[1];
    return plain && r.query->ne[3] == 1 && r.key->ne[3] == 1 && r.key->ne[2] == columns && columns < 65536 &&
           stores_columns(r.store_key, columns, type) && stores_columns(r.store_value, columns, type) &&
           r.store_key->ne[0] == width && r.store_value->ne[0] == width;
}

void rotate_and_store(const Context& c, const RotateAndStore& r) {
    Operands o;
    o.query = view(r.query->src[0]), o.turned = view(r.query), o.key = view(r.key->src[0]);
    o.value = view(r.store_value->src[0]);
    o.keys = cache_of(r.store_key), o.values = cache_of(r.store_value);
    o.rotation = rotation_of(r.query);
    const dim3 grid(static_cast<unsigned>(o.query.ne[1] + 2 * o.key.ne[1]), static_cast<unsigned>(o.query.ne[2]));
    const int threads = std::clamp((o.rotation.n / 2 + 31) / 32 * 32, 32, 256);
    switch (r.store_key->type) {
        case GGML_TYPE_F16: return launch_early(c, rotate_kernel<__half>, grid, threads, 0, o);
        case GGML_TYPE_BF16: return launch_early(c, rotate_kernel<__nv_bfloat16>, grid, threads, 0, o);
        default: launch_early(c, rotate_kernel<float>, grid, threads, 0, o);
    }
}

}  // namespace heart::cuda
