#include "graph/tensor_store.h"

#include "core/error.h"
#include "core/large_pages.h"
#include "formats/safetensors.h"
#include "graph/ggml_types.h"
#include "kernels/nodes.h"
#include "kernels/planes.h"
#include "kernels/winograd.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace heart::graph {

struct TensorStore::Memory {
    ContextPtr context;
    BufferPtr buffer;
};

ContextPtr make_context(std::size_t tensors, bool with_graph) {
    ggml_init_params params{};
    params.mem_size =
        tensors * ggml_tensor_overhead() + (with_graph ? ggml_graph_overhead_custom(tensors, false) : 0) + 1024;
    params.no_alloc = true;
    ContextPtr out(ggml_init(params));
    if (!out) throw Error(ErrorCode::memory, "cannot describe a graph");
    return out;
}

TensorStore::TensorStore(std::shared_ptr<Device> device, std::size_t max_tensors)
    : device_(std::move(device)), memory_(std::make_unique<Memory>()) {
    memory_->context = make_context(max_tensors, false);
}

TensorStore::~TensorStore() = default;
TensorStore::TensorStore(TensorStore&&) noexcept = default;
TensorStore& TensorStore::operator=(TensorStore&&) noexcept = default;

Tensor TensorStore::add(const std::string& name, Type type, const Shape& shape) {
    ensure(!memory_->buffer, "a tensor was added to a store that is already allocated");
    ensure(!shape.empty() && shape.size() <= GGML_MAX_DIMS, "tensors have 1 to 4 dimensions");
    for (const std::int64_t n : shape) ensure(n > 0, "tensor sizes are positive");
    ensure(shape[0] % block_size(type) == 0, "rows of quantised tensors are whole blocks");
    ggml_tensor* t = ggml_new_tensor(memory_->context.get(), to_ggml(type), static_cast<int>(shape.size()), shape.data());
    ggml_set_name(t, name.c_str());
    return Tensor(t);
}

Tensor TensorStore::add_product(const std::string& name, Type type, std::int64_t in, std::int64_t out) {
    const auto known = kernels::weight_type(to_ggml(type));
    const auto marked = [&](std::int64_t rows, kernels::ProductLayout layout) {
        const Tensor t = add(name, type, {in, rows});
        kernels::mark_product(t.raw(), layout, out);
        return t;
    };
    if (known && device_->kernels() == Kernels::cpu && kernels::can_interleave(*known, in)) {
        constexpr std::int64_t kStrip = kernels::kStripRows;
        return marked((out + kStrip - 1) / kStrip * kStrip, kernels::ProductLayout::strips);
    }
    if (known && device_->kernels() == Kernels::cuda && kernels::can_split(*known, in)) {
        return marked(out, kernels::ProductLayout::planes);
    }
    return add(name, type, {in, out});
}

Tensor TensorStore::add_convolution(const std::string& name, Type type, std::int64_t taps, std::int64_t in,
                                    std::int64_t out) {
    const bool winograd = device_->kernels() == Kernels::cpu && type == Type::f32 && kernels::has_winograd(taps, in, out);
    if (!winograd) return add_product(name, type, taps * in, out);
    const Tensor t = add(name, type, {in, kernels::kWinogradMatrices * out});
    kernels::mark_product(t.raw(), kernels::ProductLayout::winograd, out);
    return t;
}

void TensorStore::allocate(Fill fill) {
    if (ggml_get_first_tensor(memory_->context.get()) == nullptr) return;
    const std::size_t wanted = bytes();
    memory_->buffer.reset(ggml_backend_alloc_ctx_tensors(memory_->context.get(), device_->backend()));
    if (!memory_->buffer) {
        throw Error(ErrorCode::memory, fmt::format("not enough memory on {}", device_->name()))
            .expected(fmt::format("{:.0f} MB more", static_cast<double>(wanted) / 1e6));
    }
    // Weights are read whole for every frame.
    ggml_backend_buffer_t buffer = memory_->buffer.get();
    if (ggml_backend_buffer_is_host(buffer)) {
        use_large_pages(ggml_backend_buffer_get_base(buffer), ggml_backend_buffer_get_size(buffer));
    }
    if (fill == Fill::zero) ggml_backend_buffer_clear(memory_->buffer.get(), 0);
}

std::size_t TensorStore::bytes() const {
    if (memory_->buffer) return ggml_backend_buffer_get_size(memory_->buffer.get());
    return ggml_backend_alloc_ctx_tensors_from_buft_size(memory_->context.get(),
                                                         ggml_backend_get_default_buffer_type(device_->backend()));
}

namespace {

void upload_strips(Tensor tensor, std::int64_t first, std::span<const std::byte> rows, std::size_t row_bytes) {
    const kernels::InterleavedMatrix w = kernels::interleaved_matrix(tensor.raw());
    const auto count = static_cast<std::int64_t>(rows.size() / row_bytes);
    ensure(first % kernels::kStripRows == 0 && first + count <= w.rows &&
               (count % kernels::kStripRows == 0 || first + count == w.rows),
           "upload_rows: whole strips");
    for (std::int64_t r = 0; r < count; r += kernels::kStripRows) {
        auto* strip = static_cast<std::byte*>(tensor.raw()->data) + static_cast<std::size_t>(first + r) * row_bytes;
        kernels::interleave_strip(w.type, w.cols, rows.data() + static_cast<std::size_t>(r) * row_bytes,
                                  std::min(kernels::kStripRows, count - r), strip);
    }
}

void upload_winograd(Tensor tensor, std::span<const std::byte> rows) {
    const std::int64_t in = tensor.dim(0), out = kernels::product_rows(tensor.raw()), count = tensor.dim(1);
    ensure(rows.size() == static_cast<std::size_t>(kernels::kWinogradTaps * in * out) * sizeof(float),
           "upload_rows: all taps of the convolution");
    std::vector<float> taps(rows.size() / sizeof(float)), matrices(static_cast<std::size_t>(in * count));
    std::memcpy(taps.data(), rows.data(), rows.size());
    kernels::winograd_taps(taps.data(), in, out, matrices.data());
    for (std::int64_t r = 0; r < count; r += kernels::kStripRows) {
        kernels::interleave_strip(kernels::WeightType::f32, in, matrices.data() + r * in, kernels::kStripRows,
                                  static_cast<float*>(tensor.raw()->data) + r * in);
    }
}

void upload_planes(Tensor tensor, std::int64_t first, std::span<const std::byte> rows, std::size_t row_bytes) {
    const auto type = *kernels::weight_type(to_ggml(tensor.type()));
    std::vector<std::byte> planes(rows.size());
    kernels::split_rows(type, tensor.dim(0), rows.data(), static_cast<std::int64_t>(rows.size() / row_bytes), planes.data());
    upload_bytes(tensor, static_cast<std::size_t>(first) * row_bytes, planes);
}

}  // namespace

void upload_rows(Tensor tensor, std::int64_t first, std::span<const std::byte> rows) {
    const std::size_t row_bytes = type_bytes(tensor.type(), static_cast<std::uint64_t>(tensor.dim(0)));
    switch (kernels::product_layout(tensor.raw())) {
        case kernels::ProductLayout::strips: return upload_strips(tensor, first, rows, row_bytes);
        case kernels::ProductLayout::planes: return upload_planes(tensor, first, rows, row_bytes);
        case kernels::ProductLayout::winograd: return upload_winograd(tensor, rows);
        case kernels::ProductLayout::plain: return upload_bytes(tensor, static_cast<std::size_t>(first) * row_bytes, rows);
    }
}

void upload_bytes(Tensor tensor, std::size_t offset, std::span<const std::byte> bytes) {
    ensure(offset + bytes.size() <= tensor.bytes(), "upload: inside the tensor");
    ggml_backend_tensor_set(tensor.raw(), bytes.data(), offset, bytes.size());
}

namespace {

template <typename T>
void upload_exact(Tensor tensor, Type type, std::span<const T> values) {
    ensure(tensor.type() == type && static_cast<std::size_t>(tensor.elements()) == values.size(),
           "upload: values of the tensor's type and size");
    upload_bytes(tensor, 0, std::as_bytes(values));
}

template <typename T>
void download_exact(Tensor tensor, Type type, std::span<T> out) {
    ensure(tensor.type() == type && static_cast<std::size_t>(tensor.elements()) == out.size(),
           "download: room for the tensor's type and size");
    ggml_backend_tensor_get(tensor.raw(), out.data(), 0, out.size_bytes());
}

}  // namespace

void upload(Tensor tensor, std::span<const float> values) {
    upload_exact(tensor, Type::f32, values);
}

void upload(Tensor tensor, std::span<const std::int32_t> values) {
    upload_exact(tensor, Type::i32, values);
}

void upload(Tensor tensor, std::span<const std::int64_t> values) {
    upload_exact(tensor, Type::i64, values);
}

void upload_f32_part(Tensor tensor, std::size_t first, std::span<const float> values) {
    const Type type = tensor.type();
    if (type == Type::f32) return upload_bytes(tensor, first * sizeof(float), std::as_bytes(values));
    ensure(type == Type::f16 || type == Type::bf16, "upload_f32: a floating-point tensor");
    std::vector<std::uint16_t> narrow(values.size());
    const auto convert = type == Type::f16 ? formats::f32_to_f16 : formats::f32_to_bf16;
    std::transform(values.begin(), values.end(), narrow.begin(), convert);
    upload_bytes(tensor, first * sizeof(std::uint16_t), std::as_bytes(std::span(narrow)));
}

void upload_f32(Tensor tensor, std::span<const float> values) {
    ensure(static_cast<std::size_t>(tensor.elements()) == values.size(), "upload_f32: as many values as elements");
    upload_f32_part(tensor, 0, values);
}

void fill_zero(Tensor tensor) {
    ggml_backend_tensor_memset(tensor.raw(), 0, 0, tensor.bytes());
}

void download(Tensor tensor, std::span<float> out) {
    download_exact(tensor, Type::f32, out);
}

void download(Tensor tensor, std::span<std::int32_t> out) {
    download_exact(tensor, Type::i32, out);
}

std::vector<float> download_f32(Tensor tensor) {
    std::vector<float> out(static_cast<std::size_t>(tensor.elements()));
    download(tensor, out);
    return out;
}

}  // namespace heart::graph
