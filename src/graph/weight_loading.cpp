#include "graph/weight_loading.h"

#include "core/error.h"
#include "core/parallel.h"
#include "graph/quantise.h"
#include "kernels/winograd.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace heart::graph {

namespace {

using formats::DType;
using formats::TensorView;
using Use = WeightPlan::Use;

constexpr std::int64_t kRowsAtATime = 64;  // a multiple of what kernels interleave

std::optional<Type> type_of(DType type) {
    switch (type) {
        case DType::f32: return Type::f32;
        case DType::f16: return Type::f16;
        case DType::bf16: return Type::bf16;
        case DType::q8_0: return Type::q8_0;
        case DType::q4_0: return Type::q4_0;
        case DType::q4_k: return Type::q4_k;
        case DType::q5_k: return Type::q5_k;
        case DType::q6_k: return Type::q6_k;
        default: return std::nullopt;
    }
}

/// The quantised type that all sources share.
std::optional<Type> quantised_source(const WeightPlan::Entry& entry, const TensorLookup& lookup) {
    std::optional<Type> shared;
    for (const Published& p : entry.sources) {
        const TensorView* source = lookup ? lookup(p.name) : nullptr;
        const std::optional<Type> type = source == nullptr ? std::nullopt : type_of(source->dtype);
        if (!type || !is_quantised(*type) || (shared && *shared != *type)) return std::nullopt;
        shared = type;
    }
    return shared;
}

/// A weight's rows as they will be stored, whatever they are made from.
class RowSource {
public:
    RowSource(const WeightPlan::Entry& entry, const TensorLookup& lookup, Type type)
        : type_(type), width_(entry.shape.at(0)) {
        for (const Published& p : entry.sources) sources_.push_back(lookup(p.name));
        if (!entry.derive) return;
        derived_.resize(element_count(entry.shape));
        entry.derive(sources_, derived_);
    }

    /// Rows [first, first + count) in the plain layout of the type.
    void read(std::int64_t first, std::int64_t count, std::span<std::byte> out) const {
        if (!derived_.empty()) {
            const auto from = static_cast<std::size_t>(first * width_);
            return convert_rows(type_, width_, std::span(derived_).subspan(from, static_cast<std::size_t>(count * width_)),
                                out);
        }
        std::int64_t start = 0;  // of a source, in rows of the whole
        const std::uint64_t row_bytes = type_bytes(type_, static_cast<std::uint64_t>(width_));
        for (const TensorView* source : sources_) {
            const std::int64_t rows = static_cast<std::int64_t>(source->elements()) / width_;
            const std::int64_t from = std::max(first, start), to = std::min(first + count, start + rows);
            if (from < to) {
                const auto part = out.subspan(static_cast<std::size_t>(from - first) * row_bytes,
                                              static_cast<std::size_t>(to - from) * row_bytes);
                read_source(*source, from - start, part);
            }
            start += rows;
        }
    }

private:
    void read_source(const TensorView& source, std::int64_t first, std::span<std::byte> out) const {
        const std::uint64_t row_bytes = type_bytes(type_, static_cast<std::uint64_t>(width_));
        if (type_of(source.dtype) == type_) {
            std::memcpy(out.data(), source.data.data() + static_cast<std::uint64_t>(first) * row_bytes, out.size());
            return;
        }
        std::vector<float> values(out.size() / row_bytes * static_cast<std::size_t>(width_));
        formats::read_as_f32(source, static_cast<std::uint64_t>(first * width_), values);
        convert_rows(type_, width_, values, out);
    }

    Type type_;
    std::int64_t width_;
    std::vector<const TensorView*> sources_;
    std::vector<float> derived_;
};

void fill_slot(const WeightPlan::Entry& entry, const TensorLookup& lookup, int threads) {
    const Tensor slot = *entry.slot;
    const RowSource source(entry, lookup, slot.type());
    const std::int64_t width = entry.shape.at(0);
    const auto rows = static_cast<std::int64_t>(element_count(entry.shape)) / width;
    const std::uint64_t row_bytes = type_bytes(slot.type(), static_cast<std::uint64_t>(width));
    const std::int64_t step = entry.taps > 1 ? rows : kRowsAtATime;
    parallel_for((rows + step - 1) / step, threads, [&](std::int64_t i) {
        const std::int64_t first = i * step, count = std::min(step, rows - first);
        std::vector<std::byte> plain(static_cast<std::size_t>(count) * row_bytes);
        source.read(first, count, plain);
        upload_rows(slot, first, plain);
    });
}

Tensor describe(TensorStore& store, const WeightPlan::Entry& e, Type type) {
    if (e.taps > 1) return store.add_convolution(e.name, type, e.taps, e.shape.at(0) / e.taps, e.shape.at(1));
    const bool is_product = e.use == Use::product || e.use == Use::sensitive;
    return is_product ? store.add_product(e.name, type, e.shape.at(0), e.shape.at(1)) : store.add(e.name, type, e.shape);
}

/// On the device where it takes the most: our CPU kernels have more matrices of a convolution than it has taps.
std::uint64_t stored_bytes(const WeightPlan::Entry& e, Type type) {
    std::uint64_t elements = element_count(e.shape);
    if (e.taps > 1 && type == Type::f32 && kernels::has_winograd(e.taps, e.shape.at(0) / e.taps, e.shape.at(1)))
        elements = elements / kernels::kWinogradTaps * kernels::kWinogradMatrices;
    return type_bytes(type, elements);
}

}  // namespace

Type stored_type(const WeightPlan::Entry& entry, const WeightTypes& types, const TensorLookup& lookup) {
    switch (entry.use) {
        case Use::vector: return Type::f32;
        case Use::table:
        case Use::sensitive: return types.wide;
        case Use::product: break;
    }
    if (const auto kept = entry.derive ? std::nullopt : quantised_source(entry, lookup)) return *kept;
    return fitting_type(types.product, entry.shape.at(0), types.wide);
}

std::uint64_t planned_bytes(const WeightPlan& plan, const WeightTypes& types, const TensorLookup& lookup) {
    std::uint64_t sum = 0;
    for (const WeightPlan::Entry& e : plan.entries()) {
        if (e.slot != nullptr) sum += stored_bytes(e, stored_type(e, types, lookup));
    }
    return sum;
}

std::unique_ptr<TensorStore> load_weights(const WeightPlan& plan, const TensorLookup& lookup, const std::string& where,
                                          const std::shared_ptr<Device>& device, const WeightTypes& types,
                                          const LoadProgress& progress, const CancelToken& cancel) {
    plan.check(lookup, where);
    auto store = std::make_unique<TensorStore>(device, plan.entries().size() + 1);
    std::uint64_t total = 0, done = 0;
    for (const WeightPlan::Entry& e : plan.entries()) {
        if (e.slot == nullptr) continue;
        const Type type = stored_type(e, types, lookup);
        *e.slot = describe(*store, e, type);
        for (const Published& p : e.sources) total += lookup(p.name)->data.size();
    }
    store->allocate(TensorStore::Fill::undefined);
    for (const WeightPlan::Entry& e : plan.entries()) {
        if (e.scalar_slot != nullptr) formats::read_as_f32(*lookup(e.name), 0, std::span(e.scalar_slot, 1));
        if (e.slot == nullptr) continue;
        cancel.check();
        fill_slot(e, lookup, device->threads());
        for (const Published& p : e.sources) {
            const TensorView& source = *lookup(p.name);
            source.file.release(source.data);
            done += source.data.size();
        }
        if (progress) progress(done, total);
    }
    return store;
}

}  // namespace heart::graph
