#include "graph/weights.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heart::graph {

namespace {

using formats::TensorView;

Shape innermost_first(const std::vector<std::uint64_t>& shape) {
    return Shape(shape.rbegin(), shape.rend());
}

}  // namespace

std::uint64_t element_count(const Shape& shape) noexcept {
    std::uint64_t n = 1;
    for (const std::int64_t s : shape) n *= static_cast<std::uint64_t>(s);
    return n;
}

std::vector<float> read_all(const TensorView& tensor) {
    std::vector<float> out(tensor.elements());
    formats::read_as_f32(tensor, 0, out);
    return out;
}

void WeightPlan::matrix(Tensor& slot, const std::string& name, std::vector<Published> stacked, Use use) {
    ensure(!stacked.empty(), "a matrix needs a source");
    std::int64_t out = 0;
    for (const Published& p : stacked) out += static_cast<std::int64_t>(p.shape.at(0));
    const auto in = static_cast<std::int64_t>(stacked.front().shape.at(1));
    entries_.push_back({&slot, nullptr, name, use, {in, out}, std::move(stacked), {}});
}

void WeightPlan::vector(Tensor& slot, Published source) {
    const Shape shape = innermost_first(source.shape);
    const std::string name = source.name;
    entries_.push_back({&slot, nullptr, name, Use::vector, shape, {std::move(source)}, {}});
}

void WeightPlan::table(Tensor& slot, Published source) {
    const Shape shape = innermost_first(source.shape);
    const std::string name = source.name;
    entries_.push_back({&slot, nullptr, name, Use::table, shape, {std::move(source)}, {}});
}

void WeightPlan::derived(Tensor& slot, const std::string& name, Use use, Shape shape, std::vector<Published> sources,
                         Derive derive) {
    entries_.push_back({&slot, nullptr, name, use, std::move(shape), std::move(sources), std::move(derive)});
}

void WeightPlan::convolution(Tensor& slot, const std::string& name, std::int64_t taps, std::int64_t in, std::int64_t out,
                             std::vector<Published> sources, Derive derive) {
    derived(slot, name, Use::sensitive, {taps * in, out}, std::move(sources), std::move(derive));
    entries_.back().taps = taps;
}

void WeightPlan::scalar(float& slot, Published source) {
    const std::string name = source.name;
    entries_.push_back({nullptr, &slot, name, Use::vector, {1}, {std::move(source)}, {}});
}

void WeightPlan::in_file(Published source) {
    const std::string name = source.name;
    entries_.push_back({nullptr, nullptr, name, Use::vector, {}, {std::move(source)}, {}});
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

}  // namespace heart::graph
