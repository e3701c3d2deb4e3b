#include "graph/weights.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heart::graph {

namespace {

using formats::TensorView;

constexpr std::size_t kPieceElements = std::size_t{4} << 20;  // converted at a time: 16 MB of f32

Shape innermost_first(const std::vector<std::uint64_t>& shape) {
    return Shape(shape.rbegin(), shape.rend());
}

std::uint64_t count(const Shape& shape) {
    std::uint64_t n = 1;
    for (const std::int64_t s : shape) n *= static_cast<std::uint64_t>(s);
    return n;
}

bool same_type(formats::DType from, Type to) {
    return (from == formats::DType::f32 && to == Type::f32) || (from == formats::DType::f16 && to == Type::f16) ||
           (from == formats::DType::bf16 && to == Type::bf16);
}

/// Copies one published tensor into `slot` from element `first` on, converting in pieces so that no second copy of a
/// large tensor ever exists.
void copy_source(const TensorView& source, Tensor slot, std::size_t first) {
    if (same_type(source.dtype, slot.type())) {
        return upload_bytes(slot, type_bytes(slot.type(), first), source.data);
    }
    std::vector<float> piece;
    const std::size_t n = source.elements();
    for (std::size_t at = 0; at < n; at += kPieceElements) {
        piece.resize(std::min(kPieceElements, n - at));
        formats::read_as_f32(source, at, piece);
        upload_f32_part(slot, first + at, piece);
    }
}

void fill_slot(const WeightPlan::Entry& entry, const TensorLookup& lookup) {
    if (!entry.derive) {
        std::size_t first = 0;
        for (const Published& p : entry.sources) {
            const TensorView& source = *lookup(p.name);
            copy_source(source, *entry.slot, first);
            first += source.elements();
        }
        return;
    }
    std::vector<const TensorView*> sources;
    for (const Published& p : entry.sources) sources.push_back(lookup(p.name));
    std::vector<float> out(count(entry.shape));
    entry.derive(sources, out);
    upload_f32(*entry.slot, out);
}

}  // namespace

std::vector<float> read_all(const TensorView& tensor) {
    std::vector<float> out(tensor.elements());
    formats::read_as_f32(tensor, 0, out);
    return out;
}

void WeightPlan::matrix(Tensor& slot, const std::string& name, std::vector<Published> stacked) {
    ensure(!stacked.empty(), "a matrix needs a source");
    std::int64_t out = 0;
    for (const Published& p : stacked) out += static_cast<std::int64_t>(p.shape.at(0));
    const auto in = static_cast<std::int64_t>(stacked.front().shape.at(1));
    entries_.push_back({&slot, nullptr, name, true, {in, out}, std::move(stacked), {}});
}

void WeightPlan::vector(Tensor& slot, Published source) {
    const Shape shape = innermost_first(source.shape);
    const std::string name = source.name;
    entries_.push_back({&slot, nullptr, name, false, shape, {std::move(source)}, {}});
}

void WeightPlan::derived(Tensor& slot, const std::string& name, bool as_matrix, Shape shape, std::vector<Published> sources,
                         Derive derive) {
    entries_.push_back({&slot, nullptr, name, as_matrix, std::move(shape), std::move(sources), std::move(derive)});
}

void WeightPlan::scalar(float& slot, Published source) {
    const std::string name = source.name;
    entries_.push_back({nullptr, &slot, name, false, {1}, {std::move(source)}, {}});
}

void WeightPlan::in_file(Published source) {
    const std::string name = source.name;
    entries_.push_back({nullptr, nullptr, name, false, {}, {std::move(source)}, {}});
}

std::vector<Published> WeightPlan::published() const {
    std::vector<Published> out;
    for (const Entry& e : entries_) {
        for (const Published& p : e.sources) {  // several weights may be made from one tensor
            const bool known = std::any_of(out.begin(), out.end(), [&](const Published& q) { return q.name == p.name; });
            if (!known) out.push_back(p);
        }
    }
    return out;
}

void WeightPlan::check(const TensorLookup& lookup, const std::string& where) const {
    for (const Entry& entry : entries_) {
        for (const Published& p : entry.sources) {
            const TensorView* found = lookup(p.name);
            if (found == nullptr) {
                throw Error(ErrorCode::not_found, fmt::format("{}: tensor '{}' is missing", where, p.name))
                    .expected(formats::shape_text(p.shape))
                    .hint("is the checkpoint complete, and is config.json its own?");
            }
            if (found->shape != p.shape) {
                throw Error(ErrorCode::mismatch, fmt::format("{}: tensor '{}' has another shape", where, p.name))
                    .expected(formats::shape_text(p.shape))
                    .found(formats::shape_text(found->shape))
                    .hint("config.json and the tensors disagree");
            }
            if (!formats::is_floating_point(found->dtype)) {
                throw Error(ErrorCode::mismatch, fmt::format("{}: tensor '{}' has another type", where, p.name))
                    .expected("F32, F16, BF16 or F64")
                    .found(std::string(formats::dtype_name(found->dtype)));
            }
        }
    }
}

std::uint64_t WeightPlan::bytes(Type matrix_type) const {
    std::uint64_t sum = 0;
    for (const Entry& e : entries_) {
        if (e.slot != nullptr) sum += type_bytes(e.as_matrix ? matrix_type : Type::f32, count(e.shape));
    }
    return sum;
}

std::unique_ptr<TensorStore> load_weights(const WeightPlan& plan, const TensorLookup& lookup, const std::string& where,
                                          const std::shared_ptr<Device>& device, Type matrix_type,
                                          const LoadProgress& progress, const CancelToken& cancel) {
    plan.check(lookup, where);
    auto store = std::make_unique<TensorStore>(device, plan.entries().size() + 1);
    std::uint64_t total = 0, done = 0;
    for (const WeightPlan::Entry& e : plan.entries()) {
        if (e.slot == nullptr) continue;
        *e.slot = store->add(e.name, e.as_matrix ? matrix_type : Type::f32, e.shape);
        for (const Published& p : e.sources) total += lookup(p.name)->data.size();
    }
    store->allocate(TensorStore::Fill::undefined);
    for (const WeightPlan::Entry& e : plan.entries()) {
        if (e.scalar_slot != nullptr) formats::read_as_f32(*lookup(e.name), 0, std::span(e.scalar_slot, 1));
        if (e.slot == nullptr) continue;
        cancel.check();
        fill_slot(e, lookup);
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
