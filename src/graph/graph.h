#pragma once

#include "graph/device.h"
#include "graph/tensor.h"
#include "graph/tensor_store.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct ggml_context;

namespace heart::graph {

struct GraphOptions {
    /// Keeps the memory of every named node until the graph dies, so that `read` works: for parity tests and debugging.
    bool keep_named = false;
};

/// A persistent computation: built once from operations, compiled, then run as often as wanted. What changes between runs
/// is the contents of store tensors that it reads; the nodes and their addresses never change.
///
/// Operations check shapes and types as they are called and throw ErrorCode::internal naming the operation and both
/// shapes: shapes that come from files have been checked against the configuration before. Shapes in comments are
/// innermost first, like `Shape`.
class Graph {
public:
    explicit Graph(std::shared_ptr<Device> device, GraphOptions options = {}, std::size_t max_nodes = 16384);
    ~Graph();
    Graph(Graph&&) noexcept;
    Graph& operator=(Graph&&) noexcept;

    // --- naming and finishing ---------------------------------------------------------------------------------------

    /// Gives a node the name under which `read` finds it and error messages speak of it.
    Tensor named(Tensor t, const std::string& name);
    /// Makes `t` part of every run and keeps its value after it.
    void output(Tensor t);
    /// Makes the effect of `t` (a write into a store tensor) part of every run, in the order of these calls.
    void effect(Tensor t);
    /// Takes memory and checks that the device can do every node; ErrorCode::unsupported names the first it cannot.
    void compile();
    void run();
    /// The two halves of `run`: between them a device other than the CPU computes on its own. What the graph reads must not
    /// be written meanwhile, and what it writes not be read.
    void start();
    void finish();

    /// A named node's values after a run, as f32; needs `keep_named` or `output`. ErrorCode::not_found without it.
    [[nodiscard]] std::vector<float> read(const std::string& name) const;
    [[nodiscard]] bool has(const std::string& name) const;
    [[nodiscard]] std::size_t scratch_bytes() const;
    [[nodiscard]] int node_count() const;
    [[nodiscard]] const std::shared_ptr<Device>& device() const noexcept { return device_; }

    // --- shape: no arithmetic -----------------------------------------------------------------------------------------

    Tensor reshape(Tensor a, const Shape& shape);  ///< same elements; `a` contiguous
    /// Elements [start, start + length) along `dim`: a view.
    Tensor slice(Tensor a, int dim, std::int64_t start, std::int64_t length);
    /// Splits dimension 0 of [n, columns...] into [n / parts, parts, columns, rows]: a view that also works on a slice.
    Tensor split_heads(Tensor a, std::int64_t heads, std::int64_t columns, std::int64_t rows);
    /// result.dim(axis[i]) = a.dim(i): a view.
    Tensor permute(Tensor a, int axis0, int axis1, int axis2, int axis3);
    Tensor contiguous(Tensor a);  ///< a copy without gaps; `a` itself where it has none
    /// Zeros behind dimension 0 up to a multiple of `step`; `a` itself where it is one. f32.
    Tensor pad(Tensor a, std::int64_t step);
    Tensor concat(Tensor a, Tensor b, int dim);
    Tensor as_type(Tensor a, Type type);

    // --- element-wise; `b` is repeated along dimensions where it has size 1 (or divides a's) ---------------------------

    Tensor add(Tensor a, Tensor b);
    Tensor sub(Tensor a, Tensor b);
    Tensor mul(Tensor a, Tensor b);
    Tensor scale(Tensor a, float factor);
    Tensor silu(Tensor a);
    Tensor sigmoid(Tensor a);
    Tensor relu(Tensor a);
    Tensor gelu(Tensor a);                ///< a Phi(a) with the normal distribution's Phi: the exact one, by erf
    Tensor prelu(Tensor a, float slope);  ///< a where a > 0, else slope * a
    Tensor step(Tensor a);                ///< 1 where a > 0, else 0
    Tensor repeat_to(Tensor a, const Shape& shape);

    // --- rows -----------------------------------------------------------------------------------------------------------

    Tensor rms_norm(Tensor a, float eps);    ///< a / sqrt(mean(a^2) + eps) over dimension 0
    Tensor layer_norm(Tensor a, float eps);  ///< (a - mean) / sqrt(var + eps) over dimension 0
    Tensor soft_max(Tensor a, Tensor mask,
                    float factor);              ///< softmax(a * factor + mask) over dimension 0; mask may be empty
    Tensor argmax(Tensor a);                    ///< [n, rows] -> i32 [rows]
    Tensor top_k(Tensor a, int k);              ///< [n, rows] -> i32 [k, rows], unordered
    Tensor get_rows(Tensor table, Tensor ids);  ///< [n, rows] by i32 [count] -> f32 [n, count]
    Tensor set_rows(Tensor table, Tensor values, Tensor ids);  ///< table[:, ids[i]] = values[:, i]; returns the table

    // --- products ---------------------------------------------------------------------------------------------------------

    /// y = W x over dimension 0: W [in, out, (n2, n3)], x [in, columns, (m2, m3)] -> f32 [out, columns, m2, m3]; W repeats
    /// over dimensions 2 and 3 where x has a multiple. W may be a store's `add_product`.
    Tensor mul_mat(Tensor w, Tensor x);
    /// y = W x + bias + residual, in the product's own pass where the device's kernel does that. x [in, columns] f32, bias
    /// [out] and residual [out, columns] may be absent.
    Tensor affine(Tensor w, Tensor x, Tensor bias, Tensor residual);
    /// A dilated convolution over the columns of x: y[:, n] = prelu(sum over t of W_t x[:, n + t * shift] + bias, slope) +
    /// residual, with W [taps * in, out] and W_t its columns t * in .. (t + 1) * in - 1. The signal begins with the columns
    /// of `past` [in, (taps - 1) * shift], if given, else x does. x [in, columns] f32 -> [out, columns or as many as see all
    /// taps]. bias [out], past, slope and residual [out, columns of y] may be absent.
    struct Convolution {
        std::int64_t taps = 1, shift = 1;
        Tensor bias, past, residual;
        std::optional<float> slope;
    };
    Tensor convolve(Tensor w, Tensor x, const Convolution& c);
    /// Whether `attention` can do it on this device: else compose it of products.
    [[nodiscard]] bool can_attend(Tensor q, Tensor k, Tensor v, Tensor mask) const;
    /// softmax(q k^T * factor + mask) v, query heads sharing key heads in groups. q [d, heads, n, rows] f32, k and v [d,
    /// positions, kv_heads, rows], mask f16 [positions, n, 1, 1 or rows], 0 or -inf, or empty -> [d * heads, n * rows].
    Tensor attention(Tensor q, Tensor k, Tensor v, Tensor mask, float factor);
    /// Whether `flash_attention` is there: Heart's CUDA module has none, and leaves wide attention to products.
    [[nodiscard]] bool can_flash_attend() const { return device_->kernels() != Kernels::cuda; }
    /// softmax(q k^T * factor + mask) v. q [d, n, heads, rows] f32, k and v [d, positions, kv_heads, rows], mask f16
    /// [positions, n, 1, 1 or rows] or empty -> [d, heads, n, rows].
    Tensor flash_attention(Tensor q, Tensor k, Tensor v, Tensor mask, float factor);
    /// Rotates pairs (x[2i], x[2i+1]) of [d, heads, columns] by positions[column] * base^(-2i/d) / factors[i]; `factors`
    /// may be empty.
    Tensor rotary(Tensor a, Tensor positions, Tensor factors, float base);
    /// Whether `draw` is one operation on this device: else compose it.
    [[nodiscard]] bool can_draw(Tensor logits) const;
    /// The first of the largest logits * scale + noise, among logits that are at least the k-th largest of their column:
    /// logits, noise [n, columns], scale [1, columns], all f32 -> i32 [columns].
    Tensor draw(Tensor logits, Tensor noise, Tensor scale, int k);
    /// silu(first half) * second half over dimension 0: [2n, columns] -> [n, columns].
    Tensor swiglu(Tensor a);

    /// Writes `value` into a store tensor of the same shape. Use with `effect`.
    Tensor copy_into(Tensor value, Tensor destination);

private:
    struct Parts;
    /// One of our own CPU operators (src/kernels) as a node.
    using CustomOperator = void (*)(ggml_tensor* dst, int ith, int nth, void* setting);
    Tensor convolve_by_products(Tensor w, Tensor x, const Convolution& c);
    Tensor without_gaps(Tensor a);
    Tensor custom(const Shape& shape, const std::vector<Tensor>& operands, CustomOperator op, void* setting,
                  Type type = Type::f32);
    [[nodiscard]] ggml_context* ctx() const noexcept;

    std::shared_ptr<Device> device_;
    GraphOptions options_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace heart::graph
