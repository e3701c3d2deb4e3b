#include "kernels/cuda/fusion.h"

#include "kernels/cuda/nodes.h"
#include "kernels/cuda/settings.h"

#include <ggml-impl.h>

#include <algorithm>
#include <unordered_map>

namespace heart::cuda {

namespace {

/// The memory that a tensor's elements stand in.
struct Span {
    const char *begin, *end;
    explicit Span(const ggml_tensor* t) : begin(static_cast<const char*>(t->data)), end(begin + ggml_nbytes(t)) {}
    [[nodiscard]] bool meets(const Span& other) const { return begin < other.end && other.begin < end; }
};

class Fuser {
public:
    explicit Fuser(const ggml_cgraph* graph) : graph_(graph), done_(static_cast<std::size_t>(graph->n_nodes), false) {
        for (int i = 0; i < graph->n_nodes; ++i) {
            const ggml_tensor* node = graph->nodes[i];
            place_[node] = i;
            for (const ggml_tensor* source : node->src) {
                if (source != nullptr) readers_[source].push_back(node);
            }
        }
    }

    std::vector<Step> run() {
        std::unordered_map<int, Step> fused;  // by the place of the last node
        for (int i = 0; i < graph_->n_nodes; ++i) {
            const ggml_tensor* node = graph_->nodes[i];
            if (done_[static_cast<std::size_t>(i)]) continue;
            const bool product = is_kind(node, kernels::NodeKind::product) || node->op == GGML_OP_MUL_MAT;
            if (product && products::is_plain_product(node)) {
                if (auto step = fuse_product(node)) fused.emplace(place_.at(step->node), *step);
            } else if (is_kind(node, kernels::NodeKind::attention)) {
                if (auto step = fuse_rotation(node)) fused.emplace(place_.at(step->node), *step);
            } else if (is_kind(node, kernels::NodeKind::draw)) {
                if (auto step = fuse_draw(node)) fused.emplace(place_.at(step->node), *step);
            }
        }
        std::vector<Step> out;
        for (int i = 0; i < graph_->n_nodes; ++i) {
            if (const auto it = fused.find(i); it != fused.end()) {
                out.push_back(it->second);
            } else if (!done_[static_cast<std::size_t>(i)] && !is_view(graph_->nodes[i])) {
                out.push_back({graph_->nodes[i], {}, {}, {}});
            }
        }
        return out;
    }

private:
    /// The one node that reads a result which nobody else is to see; null where there is not exactly one.
    const ggml_tensor* only_reader(const ggml_tensor* t) const {
        const auto it = readers_.find(t);
        if (it == readers_.end() || it->second.size() != 1 || (t->flags & GGML_TENSOR_FLAG_OUTPUT) != 0) return nullptr;
        return it->second.front();
    }

    /// Whether what `source` holds is still there when the node at `last` runs, although the nodes of `fused` between `from`
    /// and `last`, which would have read it in time, do not run.
    bool survives(const ggml_tensor* source, int from, int last, const std::vector<const ggml_tensor*>& fused) const {
        for (int i = from + 1; i < last; ++i) {
            const ggml_tensor* node = graph_->nodes[i];
            const bool writes = !is_view(node) && std::find(fused.begin(), fused.end(), node) == fused.end();
            if (writes && Span(node).meets(Span(source))) return false;
        }
        return true;
    }

    void take(const std::vector<const ggml_tensor*>& nodes) {
        for (const ggml_tensor* node : nodes) done_[static_cast<std::size_t>(place_.at(node))] = true;
    }

    // --- products -----------------------------------------------------------------------------------------------------

    struct Norm {
        const ggml_tensor *norm = nullptr, *weighted = nullptr;
    };

    /// RMS_NORM, MUL before a product, if its x is made so and for it alone.
    Norm norm_before(const ggml_tensor* product) const {
        // The same numbers, however they are looked at: one part of a view would be others.
        const ggml_tensor* weighted = through_views(product->src[1], product);
        if (weighted != nullptr && (weighted->data != product->src[1]->data || weighted->ne[0] != product->src[1]->ne[0] ||
                                    ggml_nelements(weighted) != ggml_nelements(product->src[1]))) {
            return {};
        }
        if (weighted == nullptr || weighted->op != GGML_OP_MUL) return {};
        const ggml_tensor *norm = weighted->src[0], *weight = weighted->src[1];
        if (weight->op != GGML_OP_NONE) return {};
        if (norm->op != GGML_OP_RMS_NORM || only_reader(norm) != weighted || !place_.count(norm)) return {};
        const bool vector = weight->ne[0] == norm->ne[0] && ggml_nelements(weight) == weight->ne[0];
        return vector && norm->src[0]->nb[0] == sizeof(float) && ggml_nrows(norm) == norm->ne[1] ? Norm{norm, weighted}
                                                                                                 : Norm{};
    }

    std::optional<Step> fuse_product(const ggml_tensor* product) {
        DecodeProduct p = decode_product(product);
        if (!can_decode(p)) return std::nullopt;
        std::vector<const ggml_tensor*> fused{product};
        const ggml_tensor *x = product->src[1], *residual = nullptr;
        int first = place_.at(product);
        if (const Norm before = norm_before(product); before.norm != nullptr) {
            DecodeProduct with = p;
            with.norm_weight = static_cast<const float*>(before.weighted->src[1]->data);
            with.norm_eps = parameter(before.norm, 0);
            with.x = static_cast<const float*>(before.norm->src[0]->data);
            with.x_stride = static_cast<std::int64_t>(before.norm->src[0]->nb[1] / sizeof(float));
            const int from = place_.at(before.norm);
            if (can_decode(with) && !Span(product).meets(Span(before.norm->src[0])) &&
                survives(before.norm->src[0], from, first, {before.norm, before.weighted})) {
                p = with, x = before.norm->src[0], first = from;
                fused.insert(fused.end(), {before.norm, before.weighted});
            }
        }
        const ggml_tensor* last = product;
        const ggml_tensor* after = only_reader(product);
        if (after != nullptr && !done_[static_cast<std::size_t>(place_.at(after))]) {
            DecodeProduct with = p;
            with.y = static_cast<float*>(after->data);
            with.y_stride = after->ne[0];
            if (after->op == GGML_OP_GLU && after->src[1] == nullptr && family_of(after) == Family::elementwise) {
                with.swiglu = true;
            } else if (after->op == GGML_OP_ADD && ggml_are_same_shape(after->src[0], after->src[1])) {
                residual = after->src[0] == product ? after->src[1] : after->src[0];
                with.residual = static_cast<const float*>(residual->data);
                with.residual_stride = static_cast<std::int64_t>(residual->nb[1] / sizeof(float));
            }
            fused.push_back(after);
            const bool adds_in_place =
                residual == nullptr || residual->data == after->data || !Span(after).meets(Span(residual));
            const bool whole = residual == nullptr || (ggml_is_contiguous(residual) && residual->type == GGML_TYPE_F32);
            const bool fits = (with.swiglu || residual != nullptr) && can_decode(with) && adds_in_place && whole &&
                              ggml_is_contiguous(after) && !Span(after).meets(Span(x)) &&
                              survives(x, first, place_.at(after), fused);
            if (fits) {
                p = with, last = after;
            } else {
                fused.pop_back();
            }
        }
        if (fused.size() == 1) return std::nullopt;
        take(fused);
        return Step{last, p, {}, {}};
    }

    // --- rotation -----------------------------------------------------------------------------------------------------

    /// The node with work that a chain of views looks at; null where somebody else looks too.
    const ggml_tensor* through_views(const ggml_tensor* t, const ggml_tensor* reader) const {
        while (true) {
            if (only_reader(t) != reader) return nullptr;
            if (!is_view(t)) return t;
            reader = t;
            t = t->src[0];
            if (t == nullptr) return nullptr;
        }
    }

    static bool turns_alike(const ggml_tensor* a, const ggml_tensor* b) {
        return a->src[1] == b->src[1] && a->src[2] == b->src[2] && a->ne[0] == b->ne[0] && a->ne[2] == b->ne[2] &&
               parameter(a, 5) == parameter(b, 5);
    }

    std::optional<Step> fuse_rotation(const ggml_tensor* attention) {
        RotateAndStore r;
        r.query = through_views(attention->src[0], attention);
        r.store_key = through_views(attention->src[1], attention);
        r.store_value = through_views(attention->src[2], attention);
        if (r.query == nullptr || r.store_key == nullptr || r.store_value == nullptr) return std::nullopt;
        if (r.query->op != GGML_OP_ROPE || r.store_key->op != GGML_OP_SET_ROWS || r.store_value->op != GGML_OP_SET_ROWS) {
            return std::nullopt;
        }
        r.key = through_views(r.store_key->src[0], r.store_key);
        if (r.key == nullptr || r.key->op != GGML_OP_ROPE || !turns_alike(r.query, r.key)) return std::nullopt;
        const std::vector<const ggml_tensor*> fused{r.query, r.key, r.store_key, r.store_value};
        int first = place_.at(attention), last = 0;
        for (const ggml_tensor* node : fused) {
            first = std::min(first, place_.at(node));
            last = std::max(last, place_.at(node));
        }
        const bool kept = survives(r.query->src[0], first, last, fused) && survives(r.key->src[0], first, last, fused) &&
                          survives(r.store_value->src[0], first, last, fused);
        // What is written must not be what is read.
        const bool apart = !Span(r.query).meets(Span(r.key->src[0])) && !Span(r.query).meets(Span(r.store_value->src[0])) &&
                           !Span(r.query).meets(Span(r.query->src[0]));
        if (!kept || !apart || !can_rotate_and_store(r)) return std::nullopt;
        take(fused);
        return Step{graph_->nodes[last], {}, r, {}};
    }

    // --- draws --------------------------------------------------------------------------------------------------------

    /// unconditional + guidance * (conditional - unconditional), before a draw and for it alone.
    struct Guidance {
        const ggml_tensor *sum = nullptr, *step = nullptr, *difference = nullptr;
    };
    Guidance guidance_before(const ggml_tensor* draw) const {
        const ggml_tensor* sum = through_views(draw->src[0], draw);
        if (sum == nullptr || sum->op != GGML_OP_ADD || sum->data != draw->src[0]->data) return {};
        const ggml_tensor *unconditional = sum->src[0], *step = sum->src[1];
        if (step->op != GGML_OP_MUL || only_reader(step) != sum) return {};
        const ggml_tensor *difference = step->src[0], *factor = step->src[1];
        if (difference->op != GGML_OP_SUB || only_reader(difference) != step) return {};
        const ggml_tensor* conditional = difference->src[0];
        const auto columns_apart = [&](const ggml_tensor* t) {  // [n, 1, songs]
            return t->type == GGML_TYPE_F32 && t->nb[0] == sizeof(float) && t->ne[0] == draw->src[0]->ne[0] &&
                   t->ne[1] == 1 && t->ne[2] == draw->src[0]->ne[1] && t->ne[3] == 1;
        };
        const bool same = difference->src[1]->data == unconditional->data && columns_apart(conditional) &&
                          columns_apart(unconditional) && ggml_nelements(factor) == draw->src[0]->ne[1] &&
                          factor->ne[2] == draw->src[0]->ne[1];
        return same ? Guidance{sum, step, difference} : Guidance{};
    }

    static View columns_of(const ggml_tensor* t) {  // [n, 1, songs] as [n, songs]
        View v = view(t);
        v.ne[1] = v.ne[2], v.nb[1] = v.nb[2], v.ne[2] = 1;
        return v;
    }

    std::optional<Step> fuse_draw(const ggml_tensor* draw) {
        if (family_of(draw) != Family::draw) return std::nullopt;
        Draw d = draw_of(draw);
        std::vector<const ggml_tensor*> fused{draw};
        const ggml_tensor* last = draw;
        if (const ggml_tensor* copy = only_reader(draw);
            copy != nullptr && copy->op == GGML_OP_CPY && copy->type == GGML_TYPE_I32 && ggml_is_contiguous(copy)) {
            d.tokens = static_cast<std::int32_t*>(copy->data);
            fused.push_back(copy);
            last = copy;
        }
        if (const Guidance g = guidance_before(draw); g.sum != nullptr) {
            const ggml_tensor *conditional = g.difference->src[0], *unconditional = g.sum->src[0];
            std::vector<const ggml_tensor*> with = fused;
            with.insert(with.end(), {g.sum, g.step, g.difference});
            const int first = place_.at(g.difference), end = place_.at(last);
            if (survives(conditional, first, end, with) && survives(unconditional, first, end, with)) {
                d.logits = columns_of(conditional), d.unconditional = columns_of(unconditional);
                d.guidance = columns_of(g.step->src[1]);
                fused = with;
            }
        }
        if (fused.size() == 1) return std::nullopt;
        take(fused);
        return Step{last, {}, {}, d};
    }

    const ggml_cgraph* graph_;
    std::vector<bool> done_;
    std::unordered_map<const ggml_tensor*, int> place_;
    std::unordered_map<const ggml_tensor*, std::vector<const ggml_tensor*>> readers_;
};

}  // namespace

std::vector<Step> steps_of(const ggml_cgraph* graph) {
    return Fuser(graph).run();
}

}  // namespace heart::cuda
