// Does a GPU compute what the definition says, at the shapes and in the number types of the published models? Skipped on
// machines without one.

#include "core/philox.h"
#include "formats/tensor_view.h"
#include "gpu/gpu_test.h"
#include "graph/graph.h"
#include "graph/quantise.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace heart::test {
namespace {

using graph::Graph;
using graph::Shape;
using graph::Tensor;
using graph::Type;
using Floats = std::vector<float>;

std::size_t z(std::int64_t n) {
    return static_cast<std::size_t>(n);
}

Floats random_floats(std::int64_t n, unsigned seed) {
    Floats out(z(n));
    fill_normal({seed}, out);
    return out;
}

formats::DType dtype_of(Type type) {
    switch (type) {
        case Type::f16: return formats::DType::f16;
        case Type::bf16: return formats::DType::bf16;
        case Type::q8_0: return formats::DType::q8_0;
        case Type::q4_0: return formats::DType::q4_0;
        case Type::q4_k: return formats::DType::q4_k;
        case Type::q5_k: return formats::DType::q5_k;
        case Type::q6_k: return formats::DType::q6_k;
        default: return formats::DType::f32;
    }
}

/// The numbers as they are in a type.
Floats rounded(Floats values, std::int64_t row, Type type) {
    std::vector<std::byte> bytes(graph::type_bytes(type, values.size()));
    graph::convert_rows(type, row, values, bytes);
    formats::read_as_f32({dtype_of(type), {values.size()}, bytes, {}}, 0, values);
    return values;
}

class GraphGpu : public GpuTest {
protected:
    /// W x on a device, W [in, out] random numbers as they are in type `as`, held in a type; x [in, columns].
    Floats product(const std::shared_ptr<graph::Device>& on, Type type, std::int64_t in, std::int64_t out, const Floats& x,
                   Type as) const {
        graph::TensorStore store(on);
        const auto columns = static_cast<std::int64_t>(x.size()) / in;
        const Tensor w = store.add_product("w", type, in, out), tx = store.add("x", Type::f32, {in, columns});
        store.allocate();
        graph::upload_rows(w, 0, weights(type, in, out, as));
        upload(tx, x);
        Graph g(on);
        g.output(g.named(g.mul_mat(w, tx), "y"));
        g.compile();
        g.run();
        return g.read("y");
    }

    /// Rows of a random matrix; the latest two are kept, since making them takes longer than all the rest.
    static const std::vector<std::byte>& weights(Type type, std::int64_t in, std::int64_t out, Type as) {
        static std::map<std::tuple<Type, std::int64_t, std::int64_t, Type>, std::vector<std::byte>> made;
        const std::tuple key{type, in, out, as};
        if (const auto it = made.find(key); it != made.end()) return it->second;
        if (made.size() > 1) made.clear();
        const Floats values = rounded(random_floats(in * out, 5), in, as);
        std::vector<std::byte> rows(graph::type_bytes(type, values.size()));
        graph::convert_rows(type, in, values, rows);
        return made[key] = std::move(rows);
    }

    std::shared_ptr<graph::Device> cpu = graph::Device::open("cpu", 2);
};

struct TypeError {
    Type type;
    double most;  ///< relative error that rounding x to the type's partner may bring
};
constexpr std::array kProductTypes{TypeError{Type::f32, 4e-6},  TypeError{Type::f16, 5e-4},  TypeError{Type::bf16, 4e-3},
                                   TypeError{Type::q8_0, 4e-3}, TypeError{Type::q4_0, 5e-3}, TypeError{Type::q4_k, 5e-3},
                                   TypeError{Type::q5_k, 5e-3}, TypeError{Type::q6_k, 5e-3}};

TEST_F(GraphGpu, ProductsOfAnyNumberOfColumns) {
    for (const auto& [type, most] : kProductTypes) {
        std::vector<std::pair<std::int64_t, std::int64_t>> sizes{{64, 64}, {256, 133}, {8192, 72}, {512, 1029}};
        if (!emulated) sizes.insert(sizes.end(), {{3072, 1024}, {8192, 304}, {512, 8197}});
        for (const auto& [in, out] : sizes) {
            if (in % graph::block_size(type) != 0) continue;
            const Floats x = random_floats(in * 90, 9), expected = product(cpu, Type::f32, in, out, x, type);
            for (const std::int64_t columns : {1, 2, 7, 16, 33, 90}) {
                const Floats part(x.begin(), x.begin() + in * columns);
                const double error = relative_error(Floats(expected.begin(), expected.begin() + out * columns),
                                                    product(device, type, in, out, part, type));
                EXPECT_LE(error, most) << fmt::format("{} [{}, {}] x {}", graph::type_name(type), in, out, columns);
            }
        }
    }
}

TEST_F(GraphGpu, AColumnDoesNotFeelItsNeighbours) {
    const std::int64_t in = 3072, out = emulated ? 168 : 5120;
    const Floats all = random_floats(in * 20, 3);
    for (const auto& [type, most] : kProductTypes) {
        const Floats together = product(device, type, in, out, all, type);
        for (const std::int64_t column : {0, 1, 9, 19}) {
            const Floats one(all.begin() + column * in, all.begin() + (column + 1) * in);
            const Floats alone = product(device, type, in, out, one, type);
            EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + column * out)) << graph::type_name(type);
        }
    }
}

struct AttentionCase {
    std::int64_t d, heads, kv_heads, n, positions, rows, seen;
    Type type;
};

/// Softmax by the book over the first `seen` positions; what lies behind is not a number.
Floats slow_attention(const AttentionCase& c, const Floats& q, const Floats& k, const Floats& v) {
    Floats out(q.size());
    for (std::int64_t r = 0; r < c.rows; ++r) {
        for (std::int64_t i = 0; i < c.n * c.heads; ++i) {
            const std::size_t query = z((r * c.n * c.heads + i) * c.d);
            const std::int64_t head = r * c.kv_heads + i % c.heads / (c.heads / c.kv_heads);
            std::vector<double> weight(z(c.seen)), sum(z(c.d));
            double total = 0;
            for (std::int64_t p = 0; p < c.seen; ++p) {
                const std::size_t at = z((head * c.positions + p) * c.d);
                double dot = 0;
                for (std::size_t e = 0; e < z(c.d); ++e) dot += static_cast<double>(q[query + e]) * k[at + e];
                total += weight[z(p)] = std::exp(dot / std::sqrt(static_cast<double>(c.d)));
                for (std::size_t e = 0; e < z(c.d); ++e) sum[e] += weight[z(p)] * v[at + e];
            }
            for (std::size_t e = 0; e < z(c.d); ++e) out[query + e] = static_cast<float>(sum[e] / total);
        }
    }
    return out;
}

Floats gpu_attention(const std::shared_ptr<graph::Device>& on, const AttentionCase& c, const Floats& q, Floats k, Floats v) {
    graph::TensorStore store(on);
    const Tensor tq = store.add("q", Type::f32, {c.d, c.heads, c.n, c.rows});
    const Tensor tk = store.add("k", c.type, {c.d, c.positions, c.kv_heads, c.rows});
    const Tensor tv = store.add("v", c.type, {c.d, c.positions, c.kv_heads, c.rows});
    const Tensor mask = store.add("mask", Type::f16, {c.positions, c.n});
    store.allocate();
    Floats hidden(z(c.positions * c.n));
    for (std::size_t i = 0; i < hidden.size(); ++i) {
        hidden[i] = static_cast<std::int64_t>(i) % c.positions < c.seen ? 0.0F : -std::numeric_limits<float>::infinity();
    }
    if (c.type != Type::q8_0) {
        for (std::size_t i = 0; i < k.size(); ++i) {  // what nobody sees must not be felt
            const auto position = static_cast<std::int64_t>(i) / c.d % c.positions;
            if (position >= c.seen) k[i] = v[i] = std::numeric_limits<float>::quiet_NaN();
        }
    }
    upload(tq, q);
    for (const auto& [tensor, values] : {std::pair{tk, &k}, {tv, &v}}) {
        std::vector<std::byte> rows(graph::type_bytes(c.type, values->size()));
        graph::convert_rows(c.type, c.d, *values, rows);
        graph::upload_bytes(tensor, 0, rows);
    }
    upload_f32(mask, hidden);
    Graph g(on);
    EXPECT_TRUE(g.can_attend(tq, tk, tv, mask));
    g.output(g.named(g.attention(tq, tk, tv, mask, 1.0F / std::sqrt(static_cast<float>(c.d))), "y"));
    g.compile();
    g.run();
    return g.read("y");
}

TEST_F(GraphGpu, DecodeAttention) {
    for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8_0}) {
        for (const AttentionCase& sizes : {AttentionCase{128, 24, 8, 1, 512, 2, 301, type},
                                           {128, 24, 8, 1, 3072, 2, 3000, type},
                                           {384, 8, 4, 1, 8, 2, 5, type},
                                           {384, 8, 4, 2, 2, 2, 2, type},
                                           {64, 16, 16, 1, 256, 3, 256, type},
                                           {128, 32, 4, 1, 256, 1, 17, type},
                                           {32, 4, 2, 2, 70, 1, 66, type}}) {
            const AttentionCase& c = sizes;
            const Floats q = random_floats(c.d * c.heads * c.n * c.rows, 1);
            const Floats k = random_floats(c.d * c.positions * c.kv_heads * c.rows, 2);
            const Floats v = random_floats(c.d * c.positions * c.kv_heads * c.rows, 3);
            const double most = type == Type::f32 ? 1e-5 : type == Type::f16 ? 1e-3 : 1e-2;
            EXPECT_LE(relative_error(slow_attention(c, q, k, v), gpu_attention(device, c, q, k, v)), most)
                << fmt::format("{} d {} heads {}/{} n {} positions {} of {} rows {}", graph::type_name(type), c.d, c.heads,
                               c.kv_heads, c.n, c.seen, c.positions, c.rows);
        }
    }
}

Floats convolve(const std::shared_ptr<graph::Device>& on, Type type) {
    constexpr std::int64_t in = 64, out = 96, taps = 7, shift = 6, columns = 500;
    graph::TensorStore store(on);
    const Tensor w = store.add_product("w", type, taps * in, out), x = store.add("x", Type::f32, {in, columns});
    const Tensor past = store.add("past", Type::f32, {in, (taps - 1) * shift}), bias = store.add("bias", Type::f32, {out});
    const Tensor residual = store.add("residual", Type::f32, {out, columns});
    store.allocate();
    const Floats weights = random_floats(taps * in * out, 1);
    std::vector<std::byte> rows(graph::type_bytes(type, weights.size()));
    graph::convert_rows(type, taps * in, weights, rows);
    graph::upload_rows(w, 0, rows);
    unsigned seed = 2;
    for (const Tensor t : {x, past, bias, residual}) upload(t, random_floats(t.elements(), seed++));
    Graph g(on);
    g.output(g.named(g.convolve(w, x, {taps, shift, bias, past, residual, 0.25F}), "y"));
    g.compile();
    g.run();
    return g.read("y");
}

TEST_F(GraphGpu, ConvolutionWithAllThatFollowsIt) {
    EXPECT_LE(relative_error(convolve(cpu, Type::f32), convolve(device, Type::f32)), 1e-6);
    EXPECT_LE(relative_error(convolve(cpu, Type::f32), convolve(device, Type::f16)), 1e-3);
}

TEST_F(GraphGpu, ReplaysAGraphFromTheThirdRunOn) {
    graph::TensorStore store(device);
    const Tensor x = store.add("x", Type::f32, {64});
    store.allocate();
    Graph g(device);
    g.output(g.named(g.add(g.scale(x, 2.0F), x), "y"));
    g.compile();
    const std::uint64_t before = device->runs().replayed;
    for (int run = 0; run < 5; ++run) {
        upload(x, Floats(64, static_cast<float>(run)));
        g.run();
        EXPECT_EQ(g.read("y"), Floats(64, 3.0F * static_cast<float>(run))) << run;
    }
    EXPECT_EQ(device->runs().replayed - before, 3U);
}

TEST_F(GraphGpu, TheLargestAreFoundAmongTies) {
    constexpr std::int64_t n = 8197;
    Floats values = random_floats(n, 4);
    values[77] = values[5000] = 9;  // the first wins
    values[n - 1] = -std::numeric_limits<float>::infinity();
    graph::TensorStore store(device);
    const Tensor x = store.add("x", Type::f32, {n});
    store.allocate();
    upload(x, values);
    Graph g(device);
    const Tensor first = g.argmax(x), largest = g.top_k(x, 50);
    g.output(first);
    g.output(largest);
    g.compile();
    g.run();
    std::array<std::int32_t, 1> best{};
    std::array<std::int32_t, 50> ids{};
    download(first, best);
    download(largest, ids);
    EXPECT_EQ(best[0], 77);
    Floats sorted = values;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
    for (const std::int32_t id : ids) EXPECT_GE(values[z(id)], sorted[49]);
}

}  // namespace
}  // namespace heart::test
