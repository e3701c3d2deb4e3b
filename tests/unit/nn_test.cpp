// Do the shared layers, and the operators under them, compute what their definitions say?

#include "core/error.h"
#include "formats/safetensors.h"
#include "nn/conv.h"
#include "nn/kv_cache.h"
#include "nn/layers.h"
#include "support/device.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace heart::nn {
namespace {

using graph::Shape;
using graph::Type;
using test::test_device;
using Floats = std::vector<float>;
using Doubles = std::vector<double>;

std::size_t count(const Shape& shape) {
    std::int64_t n = 1;
    for (const std::int64_t s : shape) n *= s;
    return static_cast<std::size_t>(n);
}

Floats random_floats(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    Floats out(n);
    for (float& x : out) x = normal(random);
    return out;
}

std::size_t z(std::int64_t n) {
    return static_cast<std::size_t>(n);
}

/// Inputs and a graph over them.
class Bench {
public:
    explicit Bench(int threads = 1, const std::string& on = test_device())
        : device(graph::Device::open(on, threads)), store(device), g(device) {}

    Tensor input(const Shape& shape, const Floats& values, Type type = Type::f32) {
        pending_.push_back({store.add(fmt::format("in{}", pending_.size()), type, shape), values});
        return pending_.back().first;
    }
    Tensor random(const Shape& shape, unsigned seed, Floats* values, Type type = Type::f32) {
        *values = random_floats(count(shape), seed);
        return input(shape, *values, type);
    }
    /// The matrix of a product, in the device's own layout.
    Tensor product(std::int64_t in, std::int64_t out, unsigned seed, Floats* values) {
        *values = random_floats(z(in * out), seed);
        products_.push_back({store.add_product("w", Type::f32, in, out), *values});
        return products_.back().first;
    }
    Tensor integers(const Shape& shape, Type type) { return store.add("ids", type, shape); }

    void upload_all() {
        store.allocate();
        for (auto& [t, values] : pending_) graph::upload_f32(t, values);
        for (auto& [t, values] : products_) graph::upload_rows(t, 0, std::as_bytes(std::span(values)));
    }
    Floats run(Tensor result) {
        g.named(result, "result");
        g.output(result);
        g.compile();
        g.run();
        return g.read("result");
    }

    std::shared_ptr<graph::Device> device;
    graph::TensorStore store;
    Graph g;

private:
    std::vector<std::pair<Tensor, Floats>> pending_, products_;
};

void expect_near(const Doubles& expected, const Floats& test, double tolerance, const std::string& what) {
    ASSERT_EQ(expected.size(), test.size()) << what;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(test[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << what << " at " << i;
    }
}

// --- attention ----------------------------------------------------------------------------------------------------------

struct AttentionCase {
    std::int64_t d, heads, kv_heads, n, positions, rows;
    bool causal;

    [[nodiscard]] std::string text() const {
        return fmt::format("d {} heads {}/{} n {} positions {} rows {} {}", d, heads, kv_heads, n, positions, rows,
                           causal ? "causal" : "free");
    }
};

/// softmax(q k^T / sqrt(d) + mask) v by the book: q [rows][n][heads][d], k and v [rows][kv_heads][positions][d].
Doubles slow_attention(const AttentionCase& c, const Floats& q, const Floats& k, const Floats& v) {
    Doubles out(z(c.d * c.heads * c.n * c.rows));
    for (std::int64_t r = 0; r < c.rows; ++r) {
        for (std::int64_t i = 0; i < c.n; ++i) {
            for (std::int64_t h = 0; h < c.heads; ++h) {
                const std::int64_t shared = h / (c.heads / c.kv_heads);
                const std::int64_t seen = c.causal ? c.positions - c.n + i + 1 : c.positions;
                const std::size_t query = z(((r * c.n + i) * c.heads + h) * c.d);
                Doubles weight(z(seen));
                double sum = 0;
                for (std::int64_t p = 0; p < seen; ++p) {
                    double dot = 0;
                    for (std::int64_t e = 0; e < c.d; ++e) {
                        dot += static_cast<double>(q[query + z(e)]) *
                               k[z(((r * c.kv_heads + shared) * c.positions + p) * c.d + e)];
                    }
                    sum += weight[z(p)] = std::exp(dot / std::sqrt(static_cast<double>(c.d)));
                }
                for (std::int64_t p = 0; p < seen; ++p) {
                    for (std::int64_t e = 0; e < c.d; ++e) {
                        out[query + z(e)] +=
                            weight[z(p)] / sum * v[z(((r * c.kv_heads + shared) * c.positions + p) * c.d + e)];
                    }
                }
            }
        }
    }
    return out;
}

using Attend = Tensor (*)(Graph&, Tensor, Tensor, Tensor, Tensor);

Floats run_attention(Attend attend, const AttentionCase& c, int threads, Floats* q, Floats* k, Floats* v) {
    Bench b(threads);
    const Tensor tq = b.random({c.d, c.heads, c.n, c.rows}, 1, q);
    const Tensor tk = b.random({c.d, c.positions, c.kv_heads, c.rows}, 2, k);
    const Tensor tv = b.random({c.d, c.positions, c.kv_heads, c.rows}, 3, v);
    Tensor mask;
    if (c.causal) {
        Floats m(z(c.positions * c.n));
        for (std::int64_t i = 0; i < c.n; ++i) {
            for (std::int64_t p = c.positions - c.n + i + 1; p < c.positions; ++p) {
                m[z(i * c.positions + p)] = -std::numeric_limits<float>::infinity();
            }
        }
        mask = b.input({c.positions, c.n}, m, Type::f16);
    }
    b.upload_all();
    return b.run(attend(b.g, tq, tk, tv, mask));
}

std::vector<AttentionCase> attention_cases() {
    std::vector<AttentionCase> out;
    for (const std::int64_t d : {8, 16, 32, 64, 128, 384}) {
        out.push_back({d, 4, 2, 1, 9, 1, false});
        out.push_back({d, 4, 2, 1, 33, 2, false});
        out.push_back({d, 3, 1, 5, 5, 1, true});
        out.push_back({d, 6, 2, 7, 20, 2, true});
        out.push_back({d, 2, 2, 40, 40, 2, false});
    }
    return out;
}

TEST(Attention, ByProductsFollowsItsDefinition) {
    for (const AttentionCase& c : attention_cases()) {
        Floats q, k, v;
        const Floats test = run_attention(attention_by_products, c, 2, &q, &k, &v);
        expect_near(slow_attention(c, q, k, v), test, 2e-5, c.text());
    }
}

// The fused kernel may keep keys or shares in half precision.
TEST(Attention, FollowsItsDefinition) {
    for (const AttentionCase& c : attention_cases()) {
        Floats q, k, v;
        const Floats test = run_attention(attention, c, 2, &q, &k, &v);
        expect_near(slow_attention(c, q, k, v), test, 2e-3, c.text());
    }
}

// Each row sees as many positions as it has: its result is that of a shorter cache, on our kernels and on ggml's.
TEST(Attention, RowsMayHaveMasksOfTheirOwn) {
    constexpr std::int64_t kPositions = 128, kLengths[] = {5, 128, 64};
    for (const char* device : {"cpu", "cpu-ggml"}) {
        for (const Attend attend : {&attention, &attention_by_products}) {
            AttentionCase c{32, 4, 2, 1, kPositions, 3, false};
            Bench b(2, device);
            Floats q, k, v, m;
            const Tensor tq = b.random({c.d, c.heads, 1, 3}, 1, &q), tk = b.random({c.d, kPositions, 2, 3}, 2, &k);
            const Tensor tv = b.random({c.d, kPositions, 2, 3}, 3, &v);
            for (const std::int64_t length : kLengths) {
                for (std::int64_t p = 0; p < kPositions; ++p) {
                    m.push_back(p < length ? 0.0F : -std::numeric_limits<float>::infinity());
                }
            }
            const Tensor mask = b.input({kPositions, 1, 1, 3}, m, Type::f16);
            b.upload_all();
            const Floats all = b.run(attend(b.g, tq, tk, tv, mask));
            for (std::int64_t row = 0; row < 3; ++row) {
                c.rows = 1, c.positions = kLengths[row];
                Floats keys, values;
                for (std::int64_t h = 0; h < 2; ++h) {
                    const auto from = (row * 2 + h) * kPositions * c.d, to = from + c.positions * c.d;
                    keys.insert(keys.end(), k.begin() + from, k.begin() + to);
                    values.insert(values.end(), v.begin() + from, v.begin() + to);
                }
                const auto part = [&](const Floats& x) {
                    return Floats(x.begin() + row * 128, x.begin() + (row + 1) * 128);
                };
                expect_near(slow_attention(c, part(q), keys, values), part(all), 2e-3,
                            fmt::format("{} row {}", device, row));
            }
        }
    }
}

TEST(Attention, DoesNotDependOnTheNumberOfThreads) {
    for (const AttentionCase& c : attention_cases()) {
        Floats q, k, v;
        const Floats one = run_attention(attention, c, 1, &q, &k, &v);
        EXPECT_EQ(run_attention(attention, c, 3, &q, &k, &v), one) << c.text();
    }
}

// --- convolutions ---------------------------------------------------------------------------------------------------------

struct ConvCase {
    std::int64_t in, out, kernel, dilation, time, lanes;
    [[nodiscard]] std::string text() const {
        return fmt::format("{}->{} kernel {} dilation {} time {} lanes {}", in, out, kernel, dilation, time, lanes);
    }
};

const std::string kBothWays[] = {test_device(), "cpu-ggml"};  // our kernels, and products of ggml's

/// taps [out][kernel][in], x [time][lanes][in] -> [time - context][lanes][out]
Doubles slow_conv(const ConvCase& c, const Floats& taps, const Floats& bias, const Floats& x) {
    const std::int64_t context = (c.kernel - 1) * c.dilation;
    Doubles out;
    for (std::int64_t t = context; t < c.time; ++t) {
        for (std::int64_t lane = 0; lane < c.lanes; ++lane) {
            for (std::int64_t o = 0; o < c.out; ++o) {
                double sum = bias[z(o)];
                for (std::int64_t k = 0; k < c.kernel; ++k) {
                    const std::int64_t from = t - (c.kernel - 1 - k) * c.dilation;
                    for (std::int64_t i = 0; i < c.in; ++i) {
                        sum += static_cast<double>(taps[z((o * c.kernel + k) * c.in + i)]) *
                               x[z((from * c.lanes + lane) * c.in + i)];
                    }
                }
                out.push_back(sum);
            }
        }
    }
    return out;
}

TEST(Conv1d, ValidFollowsItsDefinition) {
    for (const ConvCase& c : {ConvCase{3, 5, 1, 1, 4, 1}, ConvCase{4, 2, 3, 1, 9, 1}, ConvCase{4, 6, 7, 3, 30, 2},
                              ConvCase{1, 8, 5, 1, 6, 2}, ConvCase{8, 1, 7, 9, 55, 2}}) {
        for (const std::string& on : kBothWays) {
            Bench b(2, on);
            Floats taps, bias, x;
            const Conv1d conv{b.product(c.kernel * c.in, c.out, 1, &taps), b.random({c.out}, 2, &bias), c.kernel,
                              c.dilation};
            const Tensor tx = b.random({c.in, c.time * c.lanes}, 3, &x);
            b.upload_all();
            EXPECT_EQ(conv.context(), (c.kernel - 1) * c.dilation);
            expect_near(slow_conv(c, taps, bias, x), b.run(conv1d_valid(b.g, conv, tx, c.lanes)), 1e-4, c.text() + on);
        }
    }
}

TEST(Conv1d, SlopeAndSumFollowInOnePass) {
    for (const std::string& on : kBothWays) {
        const ConvCase c{4, 6, 3, 2, 12, 2};
        const std::int64_t columns = (c.time - 4) * c.lanes;
        Bench b(2, on);
        Floats taps, bias, x, added;
        const Conv1d conv{b.product(c.kernel * c.in, c.out, 1, &taps), b.random({c.out}, 2, &bias), c.kernel, c.dilation};
        const Tensor tx = b.random({c.in, c.time * c.lanes}, 3, &x);
        const Tensor add = b.random({c.out, columns}, 4, &added);
        b.upload_all();
        Doubles expected = slow_conv(c, taps, bias, x);
        for (std::size_t i = 0; i < expected.size(); ++i) {
            if (expected[i] < 0) expected[i] *= 0.25;
            expected[i] += added[i];
        }
        expect_near(expected, b.run(conv1d_valid(b.g, conv, tx, c.lanes, {0.25F, add})), 1e-4, on);
    }
}

// A signal fed tile by tile gives what the whole signal gives behind zeros.
TEST(Conv1d, RemembersThePastBetweenTiles) {
    for (const std::int64_t lanes : {1, 2}) {
        for (const std::int64_t tile : {1, 2, 5, 10}) {  // shorter and longer than the context
            const ConvCase c{3, 4, 3, 2, 10, lanes};
            const std::int64_t context = (c.kernel - 1) * c.dilation;
            Bench b;
            Floats taps, bias, ignored;
            const Conv1d conv{b.product(c.kernel * c.in, c.out, 1, &taps), b.random({c.out}, 2, &bias), c.kernel,
                              c.dilation};
            const Tensor tx = b.random({c.in, tile * lanes}, 3, &ignored);
            const Tensor memory = b.input({c.in, context * lanes}, Floats(z(c.in * context * lanes)));
            b.upload_all();
            const Tensor y = b.g.named(conv1d_causal(b.g, conv, memory, tx, lanes), "y");
            b.g.output(y);
            b.g.compile();
            const Floats x = random_floats(z(c.in * c.time * lanes), 9);
            Floats joined;
            for (std::size_t at = 0; at < x.size(); at += z(c.in * tile * lanes)) {
                graph::upload(tx, std::span(x).subspan(at, z(c.in * tile * lanes)));
                b.g.run();
                const Floats part = b.g.read("y");
                joined.insert(joined.end(), part.begin(), part.end());
            }
            Floats behind_zeros(z(c.in * context * lanes));
            behind_zeros.insert(behind_zeros.end(), x.begin(), x.end());
            ConvCase whole = c;
            whole.time += context;
            expect_near(slow_conv(whole, taps, bias, behind_zeros), joined, 1e-4,
                        fmt::format("{} lanes, tiles of {}", lanes, tile));
        }
    }
}

TEST(Upsample, FollowsTheTransposedConvolution) {
    for (const std::int64_t lanes : {1, 2}) {
        for (const std::int64_t stride : {2, 3, 5}) {
            constexpr std::int64_t in = 4, out = 3, tile = 3, tiles = 2;
            Bench b;
            Floats taps, bias, ignored;  // taps [stride][out][before, now][in]
            Upsample up;
            up.stride = stride;
            up.blocks = {b.product(2 * in, out * stride, 1, &taps), b.random({out * stride}, 3, &bias), 2, 1};
            const Tensor tx = b.random({in, tile * lanes}, 4, &ignored);
            const Tensor memory = b.input({in, lanes}, Floats(z(in * lanes)));
            b.upload_all();
            const Tensor y = b.g.named(upsample(b.g, up, memory, tx, lanes), "y");
            b.g.output(y);
            b.g.compile();
            const Floats x = random_floats(z(in * tile * tiles * lanes), 5);
            Floats test;
            for (std::int64_t i = 0; i < tiles; ++i) {
                graph::upload(tx, std::span(x).subspan(z(i * in * tile * lanes), z(in * tile * lanes)));
                b.g.run();
                const Floats part = b.g.read("y");
                test.insert(test.end(), part.begin(), part.end());
            }
            // Each input spreads 2 * stride taps from its own time on; what falls behind the end is dropped.
            const std::int64_t time = tile * tiles;
            Doubles expected(z(time * stride * lanes * out));
            for (std::int64_t t = 0; t < time * stride; ++t) {
                for (std::int64_t lane = 0; lane < lanes; ++lane) {
                    for (std::int64_t o = 0; o < out; ++o)
                        expected[z((t * lanes + lane) * out + o)] = bias[z(t % stride * out + o)];
                }
            }
            for (std::int64_t t = 0; t < time; ++t) {
                for (std::int64_t tap = 0; tap < 2 * stride && t * stride + tap < time * stride; ++tap) {
                    const std::int64_t side = tap < stride ? 1 : 0;
                    for (std::int64_t lane = 0; lane < lanes; ++lane) {
                        for (std::int64_t o = 0; o < out; ++o) {
                            double& to = expected[z(((t * stride + tap) * lanes + lane) * out + o)];
                            for (std::int64_t i = 0; i < in; ++i) {
                                to += static_cast<double>(taps[z(((tap % stride * out + o) * 2 + side) * in + i)]) *
                                      x[z((t * lanes + lane) * in + i)];
                            }
                        }
                    }
                }
            }
            expect_near(expected, test, 1e-4, fmt::format("{} lanes, stride {}", lanes, stride));
        }
    }
}

// --- our own operators
// ------------------------------------------------------------------------------------------------------

/// a then b along `dim`, element by element; sizes innermost first.
Doubles slow_concat(const Floats& a, const Shape& as, const Floats& b, const Shape& bs, std::size_t dim) {
    Shape s = as;
    s[dim] += bs[dim];
    Doubles out;
    for (std::int64_t i3 = 0; i3 < s[3]; ++i3) {
        for (std::int64_t i2 = 0; i2 < s[2]; ++i2) {
            for (std::int64_t i1 = 0; i1 < s[1]; ++i1) {
                for (std::int64_t i0 = 0; i0 < s[0]; ++i0) {
                    Shape i{i0, i1, i2, i3};
                    const bool second = i[dim] >= as[dim];
                    const Shape& from = second ? bs : as;
                    if (second) i[dim] -= as[dim];
                    out.push_back((second ? b : a)[z(((i[3] * from[2] + i[2]) * from[1] + i[1]) * from[0] + i[0])]);
                }
            }
        }
    }
    return out;
}

TEST(Concat, JoinsAlongEveryDimension) {
    for (const int threads : {1, 3}) {
        for (std::size_t dim = 0; dim < 4; ++dim) {
            const Shape as{5, 4, 3, 2};
            Shape bs = as;
            bs[dim] = 7;
            Bench b(threads);
            Floats va, vb;
            const Tensor ta = b.random(as, 1, &va), tb = b.random(bs, 2, &vb);
            b.upload_all();
            expect_near(slow_concat(va, as, vb, bs, dim), b.run(b.g.concat(ta, tb, static_cast<int>(dim))), 0,
                        fmt::format("dimension {}, {} threads", dim, threads));
        }
    }
}

TEST(Concat, JoinsViews) {
    for (const int threads : {1, 3}) {
        Bench b(threads);
        Floats va, vb;
        const Tensor ta = b.random({6, 5, 4, 1}, 1, &va), tb = b.random({3, 3, 4, 2}, 2, &vb);
        b.upload_all();
        const Tensor a = b.g.permute(b.g.slice(b.g.slice(ta, 0, 2, 3), 2, 1, 3), 0, 2, 1, 3);  // [3, 3, 5, 1]
        const Tensor c = b.g.slice(b.g.slice(tb, 3, 1, 1), 2, 3, 1);                           // [3, 3, 1, 1]
        Floats part_a, part_b;
        for (std::size_t i2 = 0; i2 < 5; ++i2) {
            for (std::size_t i1 = 0; i1 < 3; ++i1) {
                for (std::size_t i0 = 0; i0 < 3; ++i0) part_a.push_back(va[((i1 + 1) * 5 + i2) * 6 + i0 + 2]);
            }
        }
        for (std::size_t i = 0; i < 9; ++i) part_b.push_back(vb[(1 * 4 + 3) * 9 + i]);
        expect_near(slow_concat(part_a, {3, 3, 5, 1}, part_b, {3, 3, 1, 1}, 2), b.run(b.g.concat(a, c, 2)), 0, "views");
    }
}

TEST(Sigmoid, FollowsItsDefinition) {
    Bench b(2);
    Floats x;
    const Tensor tx = b.random({9, 4, 3}, 3, &x);
    b.upload_all();
    Doubles expected;
    for (const float v : x) expected.push_back(1 / (1 + std::exp(-static_cast<double>(v))));
    expect_near(expected, b.run(b.g.sigmoid(tx)), 1e-6, "sigmoid");
}

TEST(Prelu, FollowsItsDefinition) {
    for (const int threads : {1, 3}) {
        for (const float slope : {0.25F, -1.5F, 0.0F}) {
            Bench b(threads);
            Floats x;
            const Tensor tx = b.random({7, 5, 3, 2}, 1, &x);
            b.upload_all();
            Doubles expected;
            for (const float v : x) expected.push_back(v > 0 ? v : slope * v);
            expect_near(expected, b.run(b.g.prelu(tx, slope)), 0, fmt::format("slope {}, {} threads", slope, threads));
        }
        Bench b(threads);  // and of a view
        Floats x;
        const Tensor tx = b.random({8, 6}, 1, &x);
        b.upload_all();
        Doubles expected;
        for (std::size_t row = 2; row < 5; ++row) {
            for (std::size_t i = 3; i < 7; ++i) expected.push_back(std::max(x[row * 8 + i], 0.5F * x[row * 8 + i]));
        }
        expect_near(expected, b.run(b.g.prelu(b.g.slice(b.g.slice(tx, 0, 3, 4), 1, 2, 3), 0.5F)), 0, "a view");
    }
}

// --- other layers
// -------------------------------------------------------------------------------------------------------------

TEST(RmsNorm, FollowsItsDefinition) {
    constexpr float eps = 1e-2F;
    Bench b;
    Floats x, w;
    const Tensor tx = b.random({48, 3}, 1, &x), tw = b.random({48}, 2, &w);
    b.upload_all();
    Doubles expected;
    for (std::size_t row = 0; row < 3; ++row) {
        double squares = 0;
        for (std::size_t i = 0; i < 48; ++i) squares += static_cast<double>(x[row * 48 + i]) * x[row * 48 + i];
        for (std::size_t i = 0; i < 48; ++i) {
            expected.push_back(w[i] * static_cast<double>(x[row * 48 + i]) / std::sqrt(squares / 48 + eps));
        }
    }
    expect_near(expected, b.run(rms_norm(b.g, tx, tw, eps)), 1e-5, "rms_norm");
}

TEST(SwigluMlp, FollowsItsDefinition) {
    constexpr std::size_t dim = 6, hidden = 10, columns = 4;
    Bench b;
    Floats gate_up, down, x;
    const Tensor tg = b.random({dim, 2 * hidden}, 1, &gate_up), td = b.random({hidden, dim}, 2, &down);
    const Tensor tx = b.random({dim, columns}, 3, &x);
    b.upload_all();
    Doubles expected;
    for (std::size_t c = 0; c < columns; ++c) {
        Doubles h(2 * hidden);
        for (std::size_t o = 0; o < 2 * hidden; ++o) {
            for (std::size_t i = 0; i < dim; ++i) h[o] += static_cast<double>(gate_up[o * dim + i]) * x[c * dim + i];
        }
        for (std::size_t o = 0; o < dim; ++o) {
            double sum = 0;
            for (std::size_t i = 0; i < hidden; ++i)
                sum += down[o * hidden + i] * (h[i] / (1 + std::exp(-h[i]))) * h[hidden + i];
            expected.push_back(sum);
        }
    }
    expect_near(expected, b.run(swiglu_mlp(b.g, tg, td, tx)), 1e-4, "swiglu");
}

TEST(Linear, AddsItsBias) {
    Bench b;
    const Tensor w = b.input({2, 3}, {1, 2, 3, 4, 5, 6}), bias = b.input({3}, {10, 20, 30}),
                 x = b.input({2, 2}, {1, 1, 2, 0});
    b.upload_all();
    expect_near({13, 27, 41, 12, 26, 40}, b.run(linear(b.g, w, x, bias)), 1e-6, "linear");
}

TEST(Rotary, TurnsAdjacentPairs) {
    constexpr std::size_t d = 8, heads = 3, columns = 5;
    constexpr double base = 500;
    const std::vector<std::int32_t> positions{0, 1, 7, 100, 3000};
    const Floats factors{1, 2, 4.5F, 32};
    for (const bool with_factors : {false, true}) {
        Bench b;
        Floats x;
        const Tensor tx = b.random({d, heads, columns}, 1, &x), tf = b.input({d / 2}, factors);
        const Tensor tp = b.integers({columns}, Type::i32);
        b.upload_all();
        graph::upload(tp, positions);
        Doubles expected(x.size());
        for (std::size_t at = 0; at < x.size(); at += 2) {
            const std::size_t pair = at % d / 2, column = at / d / heads;
            const double angle = positions[column] * std::pow(base, -2.0 * static_cast<double>(pair) / d) /
                                 (with_factors ? factors[pair] : 1.0F);
            expected[at] = x[at] * std::cos(angle) - x[at + 1] * std::sin(angle);
            expected[at + 1] = x[at] * std::sin(angle) + x[at + 1] * std::cos(angle);
        }
        const Rotary rotary{tp, with_factors ? tf : Tensor{}, static_cast<float>(base)};
        expect_near(expected, b.run(rotary(b.g, tx)), 1e-3, with_factors ? "with factors" : "without factors");
    }
}

TEST(KvCache, GivesBackWhatWasStoredInItsPlace) {
    constexpr std::int64_t d = 4, kv_heads = 2, capacity = 5, rows = 2, length = 3;
    Bench b;
    const KvCache cache(b.store, "kv", 2, d, kv_heads, capacity, rows, Type::f32);
    Floats ignored;
    const Tensor k = b.random({d * kv_heads, rows}, 1, &ignored), v = b.random({d * kv_heads, rows}, 2, &ignored);
    const Tensor slots = b.integers({rows}, Type::i64);
    b.upload_all();
    const auto written = cache.append(b.g, 1, k, v, slots);
    const auto seen = cache.look(b.g, written, {0, rows}, length), second = cache.look(b.g, written, {1, 1}, length);
    EXPECT_EQ(seen.k.shape(), (Shape{d, length, kv_heads, rows}));
    b.g.output(b.g.named(b.g.contiguous(seen.k), "k"));
    b.g.output(b.g.named(b.g.contiguous(seen.v), "v"));
    b.g.output(b.g.named(b.g.contiguous(second.v), "v of row 1"));
    b.g.compile();
    const auto value = [](std::int64_t row, std::int64_t position, std::int64_t element) {
        return static_cast<float>(100 * row + 10 * position + element);
    };
    for (std::int64_t p = 0; p < length; ++p) {
        Floats column;
        for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t e = 0; e < d * kv_heads; ++e) column.push_back(value(r, p, e));
        }
        graph::upload(k, column);
        for (float& x : column) x = -x;
        graph::upload(v, column);
        graph::upload(slots, std::vector<std::int64_t>{cache.slot(0, p), cache.slot(1, p)});
        b.g.run();
    }
    Doubles keys, values;
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t h = 0; h < kv_heads; ++h) {
            for (std::int64_t p = 0; p < length; ++p) {
                for (std::int64_t e = 0; e < d; ++e) keys.push_back(value(r, p, h * d + e));
            }
        }
    }
    for (const double x : keys) values.push_back(-x);
    expect_near(keys, b.g.read("k"), 0, "keys");
    expect_near(values, b.g.read("v"), 0, "values");
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
    expect_near(values, b.g.read("v of row 1"), 0, "values of the second row alone");
    EXPECT_EQ(KvCache::bytes(2, d, kv_heads, capacity, rows, Type::f32), 2ULL * 2 * d * kv_heads * capacity * rows * 4);
    EXPECT_EQ(KvCache::bytes(2, d, kv_heads, capacity, rows, Type::f16), 2ULL * 2 * d * kv_heads * capacity * rows * 2);
}

// --- shapes that do not fit
// ---------------------------------------------------------------------------------------------------

TEST(GraphOperations, RefuseWrongShapesByName) {
    Bench b;
    Floats ignored;
    const Tensor a = b.random({4, 3}, 1, &ignored), c = b.random({5, 3}, 2, &ignored),
                 cube = b.random({4, 3, 2}, 3, &ignored);
    const Tensor odd = b.random({3, 2, 5}, 4, &ignored), half = b.random({4, 3}, 5, &ignored, Type::f16);
    const Tensor ids = b.integers({3}, Type::i32), rows64 = b.integers({3}, Type::i64);
    b.upload_all();
    Graph& g = b.g;
    const Tensor turned = g.permute(a, 1, 0, 2, 3);  // [3, 4]: its rows are scattered
    struct Case {
        const char* op;
        std::function<void()> build;
    };
    const Case cases[] = {
        {"reshape",
         [&] {
             (void)g.reshape(a, {5, 3});
         }},
        {"reshape",
         [&] {
             (void)g.reshape(a, {1, 1, 1, 1, 12});
         }},
        {"reshape",
         [&] {
             (void)g.reshape(a, {-4, -3});
         }},
        {"reshape", [&] { (void)g.reshape(a, {}); }},
        {"reshape", [&] { (void)g.reshape(turned, {12}); }},
        {"slice", [&] { (void)g.slice(a, 0, 2, 3); }},
        {"slice", [&] { (void)g.slice(a, 0, -1, 2); }},
        {"slice", [&] { (void)g.slice(a, 0, 0, 0); }},
        {"slice", [&] { (void)g.slice(a, 4, 0, 1); }},
        {"split_heads", [&] { (void)g.split_heads(a, 3, 3, 1); }},
        {"split_heads", [&] { (void)g.split_heads(a, 0, 3, 1); }},
        {"split_heads", [&] { (void)g.split_heads(a, 2, 2, 1); }},
        {"permute", [&] { (void)g.permute(a, 0, 0, 1, 2); }},
        {"permute", [&] { (void)g.permute(a, 0, 1, 2, 4); }},
        {"concat", [&] { (void)g.concat(a, c, 1); }},
        {"concat", [&] { (void)g.concat(a, half, 1); }},
        {"concat", [&] { (void)g.concat(a, a, 4); }},
        {"as_type", [&] { (void)g.as_type(rows64, Type::f32); }},
        {"add", [&] { (void)g.add(a, c); }},
        {"add", [&] { (void)g.add(a, cube); }},
        {"add", [&] { (void)g.add(ids, ids); }},
        {"add", [&] { (void)g.add(turned, turned); }},
        {"sub", [&] { (void)g.sub(a, c); }},
        {"mul", [&] { (void)g.mul(a, c); }},
        {"scale", [&] { (void)g.scale(half, 2); }},
        {"scale", [&] { (void)g.scale(turned, 2); }},
        {"silu", [&] { (void)g.silu(ids); }},
        {"silu", [&] { (void)g.silu(turned); }},
        {"sigmoid", [&] { (void)g.sigmoid(half); }},
        {"relu", [&] { (void)g.relu(half); }},
        {"prelu", [&] { (void)g.prelu(half, 1); }},
        {"prelu", [&] { (void)g.prelu(turned, 1); }},
        {"step", [&] { (void)g.step(ids); }},
        {"repeat_to",
         [&] {
             (void)g.repeat_to(a, {6, 3});
         }},
        {"repeat_to",
         [&] {
             (void)g.repeat_to(a, {4, 3, 1, 1, 2});
         }},
        {"rms_norm", [&] { (void)g.rms_norm(turned, 1); }},
        {"layer_norm", [&] { (void)g.layer_norm(half, 1); }},
        {"soft_max", [&] { (void)g.soft_max(turned, {}, 1); }},
        {"soft_max", [&] { (void)g.soft_max(a, c, 1); }},
        {"soft_max", [&] { (void)g.soft_max(a, g.reshape(ids, {3}), 1); }},
        {"argmax", [&] { (void)g.argmax(cube); }},
        {"argmax", [&] { (void)g.argmax(ids); }},
        {"top_k", [&] { (void)g.top_k(a, 5); }},
        {"top_k", [&] { (void)g.top_k(a, 0); }},
        {"get_rows", [&] { (void)g.get_rows(a, rows64); }},
        {"get_rows", [&] { (void)g.get_rows(cube, ids); }},
        {"set_rows", [&] { (void)g.set_rows(a, a, ids); }},
        {"set_rows", [&] { (void)g.set_rows(a, c, rows64); }},
        {"set_rows", [&] { (void)g.set_rows(a, half, rows64); }},
        {"set_rows", [&] { (void)g.set_rows(cube, a, rows64); }},
        {"mul_mat", [&] { (void)g.mul_mat(a, c); }},
        {"mul_mat", [&] { (void)g.mul_mat(turned, turned); }},
        {"mul_mat", [&] { (void)g.mul_mat(ids, ids); }},
        {"mul_mat", [&] { (void)g.mul_mat(cube, a); }},
        {"flash_attention", [&] { (void)g.flash_attention(a, c, c, {}, 1); }},
        {"flash_attention", [&] { (void)g.flash_attention(a, a, a, a, 1); }},
        {"flash_attention", [&] { (void)g.flash_attention(half, a, a, {}, 1); }},
        {"rotary", [&] { (void)g.rotary(cube, ids, {}, 1); }},
        {"rotary", [&] { (void)g.rotary(odd, ids, {}, 1); }},
        {"rotary",
         [&] {
             (void)g.rotary(g.reshape(a, {4, 1, 3}), ids, g.slice(g.reshape(a, {12}), 0, 0, 1), 1);
         }},
        {"swiglu", [&] { (void)g.swiglu(odd); }},
        {"swiglu", [&] { (void)g.swiglu(half); }},
        {"copy_into", [&] { (void)g.copy_into(a, c); }},
        {"copy_into", [&] { (void)g.copy_into(ids, rows64); }},
    };
    for (std::size_t i = 0; i < std::size(cases); ++i) {
        try {
            cases[i].build();
            ADD_FAILURE() << cases[i].op << ", case " << i << ", was accepted";
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::internal) << e.what();
            EXPECT_TRUE(std::string(e.what()).starts_with(fmt::format("graph operation {}:", cases[i].op)))
                << "case " << i << ": " << e.what();
        }
    }
}

TEST(GraphOperations, ReadNamesAMissingNode) {
    Bench b;
    Floats ignored;
    const Tensor a = b.random({4}, 1, &ignored);
    b.upload_all();
    (void)b.run(b.g.silu(a));
    try {
        (void)b.g.read("nothing");
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::not_found);
        EXPECT_NE(std::string(e.what()).find("'nothing'"), std::string::npos);
    }
}

TEST(TensorStore, RefusesWrongUploads) {
    Bench b;
    const Tensor t = b.store.add("t", Type::f32, {4}), ids = b.store.add("i", Type::i32, {4});
    b.store.allocate();
    const auto refused = [](auto action) {
        try {
            action();
        } catch (const Error& e) {
            return e.code() == ErrorCode::internal;
        }
        return false;
    };
    EXPECT_TRUE(refused([&] { graph::upload(t, Floats(5)); }));
    EXPECT_TRUE(refused([&] { graph::upload(ids, Floats(4)); }));
    EXPECT_TRUE(refused([&] { graph::upload_f32(ids, Floats(4)); }));
    EXPECT_TRUE(refused([&] { graph::upload_f32_part(t, 3, Floats(2)); }));
    EXPECT_TRUE(refused([&] { (void)b.store.add("late", Type::f32, {1}); }));
    EXPECT_TRUE(refused([&] { (void)graph::TensorStore(b.device).add("zero", Type::f32, {4, 0}); }));
    EXPECT_TRUE(refused([&] { (void)graph::TensorStore(b.device).add("five", Type::f32, {1, 1, 1, 1, 1}); }));
    graph::upload(t, Floats{1, 2, 3, 4});
    graph::upload_f32_part(t, 2, Floats{7});
    EXPECT_EQ(graph::download_f32(t), (Floats{1, 2, 7, 4}));
}

}  // namespace
}  // namespace heart::nn
