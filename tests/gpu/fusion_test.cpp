// Are nodes that one kernel computes together what they are one by one? At the widths of the published models, where other
// kernels run than on the small checkpoints. Skipped on machines without a GPU.

#include "core/philox.h"
#include "gpu/gpu_test.h"
#include "graph/quantise.h"
#include "nn/layers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::Type;
using Floats = std::vector<float>;

/// A feed-forward layer as the models have it, with its norm before and its sum behind.
class Layer {
public:
    struct Sizes {
        std::int64_t dim, hidden;
    };

    Layer(std::shared_ptr<graph::Device> device, Type type, Sizes sizes, std::int64_t columns)
        : device_(std::move(device)), store_(device_) {
        const auto [dim, hidden] = sizes;
        norm_ = store_.add("norm", Type::f32, {dim});
        x_ = store_.add("x", Type::f32, {dim, columns});
        gate_up_ = store_.add_product("gate_up", type, dim, 2 * hidden);
        down_ = store_.add_product("down", type, hidden, dim);
        store_.allocate();
        fill(gate_up_, type, dim, 2 * hidden, 1);
        fill(down_, type, hidden, dim, 2);
        upload(norm_, normal(dim, 3, 1.0F));
        upload(x_, normal(dim * columns, 4, 1.0F));
    }

    /// `apart`: every node keeps its value, so that none is computed with another.
    Floats run(bool apart) {
        Graph g(device_, {.keep_named = apart});
        const auto named = [&](Tensor t, const char* name) { return apart ? g.named(t, name) : t; };
        const Tensor unit = named(g.rms_norm(x_, 1e-5F), "unit");
        const Tensor weighted = named(g.mul(unit, norm_), "weighted");
        const Tensor both = named(g.mul_mat(gate_up_, weighted), "both");
        const Tensor hidden = named(g.swiglu(both), "hidden");
        const Tensor out = named(g.mul_mat(down_, hidden), "out");
        g.output(g.named(g.add(out, x_), "y"));
        g.compile();
        for (int i = 0; i < 3; ++i) g.run();  // one by one, recorded, replayed
        return g.read("y");
    }

private:
    static Floats normal(std::int64_t n, std::uint64_t seed, float size) {
        Floats out(static_cast<std::size_t>(n));
        fill_normal({seed}, out);
        for (float& x : out) x *= size;
        return out;
    }
    static void fill(Tensor w, Type type, std::int64_t in, std::int64_t out, std::uint64_t seed) {
        const Floats values = normal(in * out, seed, 1.0F / std::sqrt(static_cast<float>(in)));
        std::vector<std::byte> rows(graph::type_bytes(type, values.size()));
        graph::convert_rows(type, in, values, rows);
        graph::upload_rows(w, 0, rows);
    }

    std::shared_ptr<graph::Device> device_;
    graph::TensorStore store_;
    Tensor norm_, x_, gate_up_, down_;
};

class GpuFusion : public GpuTest {
protected:
    /// Those of the published model; or as wide, and as high, one after the other.
    [[nodiscard]] std::vector<Layer::Sizes> sizes() const {
        if (emulated) return {{4096, 96}, {256, 512}};
        return {{3072, 8192}};
    }
};

TEST_F(GpuFusion, FeedForwardIsWhatItsNodesAre) {
    for (const Type type : {Type::bf16, Type::f16, Type::q8_0}) {
        for (const Layer::Sizes& of_layer : sizes()) {
            for (const std::int64_t columns : {1, 2, 4, 8, 16}) {
                if (emulated && (columns == 1 || columns == 4)) continue;  // as 2
                Layer layer(device, type, of_layer, columns);
                const Floats together = layer.run(false), apart = layer.run(true);
                // x is rounded before it is scaled by the norm, or after: the same relative error, in other places.
                EXPECT_LE(relative_error(apart, together), 5e-3)
                    << fmt::format("{} {} -> {} x {}", graph::type_name(type), of_layer.dim, of_layer.hidden, columns);
            }
        }
    }
}

TEST_F(GpuFusion, AColumnDoesNotFeelItsNeighboursInALayer) {
    for (const Layer::Sizes& of_layer : sizes()) {
        Layer many(device, Type::bf16, of_layer, 16), few(device, Type::bf16, of_layer, 2);  // the same numbers begin both
        const Floats together = many.run(false), alone = few.run(false);
        EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin()));
    }
}

}  // namespace
}  // namespace heart::test
