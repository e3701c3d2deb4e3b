#include "models/heartmula/song_session.h"

#include "core/error.h"
#include "core/philox.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace heart::heartmula {

using graph::Graph;
using graph::Tensor;
using graph::Type;

namespace {

constexpr std::int64_t round_up(std::int64_t n, std::int64_t step) {
    return (n + step - 1) / step * step;
}

}  // namespace

Type default_cache_type(Type dtype) noexcept {
    return dtype == Type::f32 || dtype == Type::f16 ? dtype : Type::bf16;
}

/// One graph and the inputs it reads.
struct SongSession::Pass {
    explicit Pass(const std::shared_ptr<graph::Device>& device, graph::GraphOptions options)
        : inputs(device, 128), graph(device, options) {}

    std::int64_t n = 1;
    bool draws = false;
    graph::TensorStore inputs;
    Graph graph;
    Placement at;                     // of the backbone
    std::vector<Placement> depth_at;  // of each depth step
    Tensor prompt;                    // f32 [dim, n * rows]
    Tensor previous;                  // i32 [codebooks], rows of the audio embedding table
    Tensor noise;                     // f32 [vocabulary, codebooks]
    std::vector<Tensor> tokens;       // i32 [1] each
};

SongSession::SongSession(const LanguageModel& model, const Sampling& sampling, std::int64_t max_positions,
                         const SessionOptions& options)
    : model_(model),
      sampling_(sampling),
      options_(options),
      rows_(is_guided(sampling.cfg_scale) ? 2 : 1),
      store_(model.device()),
      backbone_cache_(store_, "backbone", static_cast<int>(model.config().backbone.layers),
                      model.config().backbone.head_dim(), model.config().backbone.kv_heads,
                      round_up(max_positions, options.length_step), rows_,
                      options.cache_type.value_or(default_cache_type(model.dtype()))),
      depth_cache_(store_, "depth", static_cast<int>(model.config().depth.layers), model.config().depth.head_dim(),
                   model.config().depth.kv_heads, model.config().codebooks, rows_, Type::f32) {
    if (max_positions > model.config().backbone.max_length) {
        throw Error(ErrorCode::limit, "the song is too long for the model")
            .expected(fmt::format("at most {} positions", model.config().backbone.max_length))
            .found(std::to_string(max_positions));
    }
    const Type cache_type = options.cache_type.value_or(default_cache_type(model.dtype()));
    if (model.config().backbone.head_dim() % graph::block_size(cache_type) != 0) {
        throw Error(ErrorCode::unsupported,
                    fmt::format("the KV cache of this model cannot be {}", graph::type_name(cache_type)))
            .expected(fmt::format("heads of a multiple of {} numbers", graph::block_size(cache_type)))
            .found(std::to_string(model.config().backbone.head_dim()));
    }
    store_.allocate();
}

SongSession::~SongSession() = default;

std::uint64_t SongSession::cache_bytes(const Config& c, std::int64_t positions, float cfg_scale, Type cache_type) {
    return nn::KvCache::bytes(static_cast<int>(c.backbone.layers), c.backbone.head_dim(), c.backbone.kv_heads,
                              round_up(positions, SessionOptions{}.length_step), is_guided(cfg_scale) ? 2 : 1, cache_type);
}

const Graph& SongSession::graph() const {
    ensure(pass_ != nullptr, "no frame was drawn yet");
    return pass_->graph;
}

// --- building ---------------------------------------------------------------------------------------------------------

std::unique_ptr<SongSession::Pass> SongSession::make_pass(std::int64_t n, std::int64_t length, bool from_prompt,
                                                          bool draws) const {
    const Config& c = model_.config();
    auto pass = std::make_unique<Pass>(model_.device(), options_.graph);
    pass->n = n;
    pass->draws = draws;
    const std::int64_t columns = n * rows_;
    graph::TensorStore& in = pass->inputs;
    pass->at = {in.add("positions", Type::i32, {columns}),
                in.add("slots", Type::i64, {columns}),
                in.add("mask", Type::f16, {length, n}),
                n,
                rows_,
                length};
    if (from_prompt) {
        pass->prompt = in.add("prompt", Type::f32, {c.backbone.dim, columns});
    } else {
        pass->previous = in.add("previous", Type::i32, {c.codebooks});
    }
    for (std::int64_t step = 0; draws && step < c.codebooks - 1; ++step) {
        const std::int64_t new_positions = step == 0 ? 2 : 1;
        Placement at{in.add("depth_positions", Type::i32, {new_positions * rows_}),
                     in.add("depth_slots", Type::i64, {new_positions * rows_}),
                     step == 0 ? in.add("depth_mask", Type::f16, {2, 2}) : Tensor{},
                     new_positions,
                     rows_,
                     step + 2};
        pass->depth_at.push_back(at);
    }
    if (draws) pass->noise = in.add("noise", Type::f32, {c.audio_vocabulary, c.codebooks});
    in.allocate();

    Graph& g = pass->graph;
    const Tensor x = g.named(from_prompt ? g.scale(pass->prompt, 1.0F) : embed_frame(g, *pass), "backbone_in");
    Tensor h = x;  // [dim, columns]
    if (options_.part != FramePart::depth) {
        h = llama(g, model_.weights().backbone, c.backbone, backbone_cache_, pass->at, x, "");
    }
    g.named(h, "backbone_out");
    g.effect(h);
    if (draws) {
        const Tensor by_row = g.reshape(h, {c.backbone.dim, n, rows_});
        const Tensor last = g.reshape(g.contiguous(g.slice(by_row, 1, n - 1, 1)), {c.backbone.dim, rows_});
        add_draws(g, *pass, g.named(last, "last_hidden"));
    }
    g.compile();
    return pass;
}

/// The previous frame as the backbone hears it: the sum of its tokens' embeddings, the same in both rows.
Tensor SongSession::embed_frame(Graph& g, Pass& pass) const {
    const Tensor each = g.get_rows(model_.weights().audio_embeddings, pass.previous);  // [dim, codebooks]
    Tensor sum = g.slice(each, 1, 0, 1);                                               // [dim, 1]
    for (std::int64_t i = 1; i < each.dim(1); ++i) sum = g.add(sum, g.slice(each, 1, i, 1));
    return g.repeat_to(sum, {each.dim(0), rows_});
}

/// Draws all codebooks from the backbone's last hidden state [dim, rows].
void SongSession::add_draws(Graph& g, Pass& pass, Tensor last_hidden) const {
    const Config& c = model_.config();
    const Weights& w = model_.weights();
    const auto draw_token = [&](std::int64_t codebook, Tensor logits) {  // logits [vocabulary, rows]
        g.named(logits, fmt::format("logits{}", codebook));
        const Tensor guided = g.named(guide(g, logits, sampling_.cfg_scale), fmt::format("guided_logits{}", codebook));
        const Tensor token = draw(g, guided, g.slice(pass.noise, 1, codebook, 1), sampling_);  // i32 [1]
        g.output(token);
        pass.tokens.push_back(token);
        return token;
    };
    const auto embed_token = [&](std::int64_t codebook, Tensor token) {  // -> [dim, 1, rows]
        const Tensor table = g.slice(w.audio_embeddings, 1, codebook * c.audio_vocabulary, c.audio_vocabulary);
        return g.repeat_to(g.get_rows(table, token), {c.backbone.dim, 1, rows_});
    };
    Tensor token = draw_token(0, nn::linear(g, w.codebook0_head, last_hidden));
    const Tensor hidden = g.reshape(last_hidden, {c.backbone.dim, 1, rows_});
    Tensor x = g.concat(hidden, embed_token(0, token), 1);  // [dim, 2, rows]: the depth decoder starts from two positions
    for (std::int64_t i = 1; i < c.codebooks; ++i) {
        const Tensor h = depth_step(g, pass, i - 1, x);  // [depth dim, rows]
        token = draw_token(i, nn::linear(g, w.audio_heads[static_cast<std::size_t>(i - 1)], h));
        if (i + 1 < c.codebooks) x = embed_token(i, token);
    }
}

/// One step of the depth decoder: x [dim, n, rows] -> hidden state of the last position [depth dim, rows].
Tensor SongSession::depth_step(Graph& g, Pass& pass, std::int64_t step, Tensor x) const {
    const Config& c = model_.config();
    const std::string prefix = fmt::format("depth_step{}.", step);
    const Placement& at = pass.depth_at[static_cast<std::size_t>(step)];
    const Tensor in = nn::linear(g, model_.weights().projection, g.reshape(x, {c.backbone.dim, at.n * rows_}));
    g.named(in, prefix + "in");                                                                // [depth dim, n * rows]
    const Tensor h = llama(g, model_.weights().depth, c.depth, depth_cache_, at, in, prefix);  // [depth dim, n * rows]
    g.named(h, prefix + "out");
    const Tensor last = g.slice(g.reshape(h, {c.depth.dim, at.n, rows_}), 1, at.n - 1, 1);
    return g.reshape(g.contiguous(last), {c.depth.dim, rows_});
}

// --- running ----------------------------------------------------------------------------------------------------------

namespace {

/// Positions and cache columns of a pass whose first new position is `start`.
void upload_places(const Placement& at, const nn::KvCache& cache, std::int64_t start) {
    std::vector<std::int32_t> positions;
    std::vector<std::int64_t> slots;
    for (std::int64_t row = 0; row < at.rows; ++row) {
        for (std::int64_t i = 0; i < at.n; ++i) {
            positions.push_back(static_cast<std::int32_t>(start + i));
            slots.push_back(cache.slot(row, start + i));
        }
    }
    upload(at.positions, positions);
    upload(at.slots, slots);
}

/// Column i may see positions up to start + i.
void upload_causal_mask(const Placement& at, std::int64_t start) {
    std::vector<float> mask(static_cast<std::size_t>(at.length * at.n), -std::numeric_limits<float>::infinity());
    for (std::int64_t i = 0; i < at.n; ++i) {
        const auto column = mask.begin() + i * at.length;
        std::fill(column, column + std::min(start + i + 1, at.length), 0.0F);
    }
    upload_f32(at.mask, mask);
}

}  // namespace

void SongSession::place(Pass& pass, std::int64_t start) const {
    upload_places(pass.at, backbone_cache_, start);
    upload_causal_mask(pass.at, start);
    for (std::size_t step = 0; step < pass.depth_at.size(); ++step) {
        const Placement& at = pass.depth_at[step];
        upload_places(at, depth_cache_, step == 0 ? 0 : static_cast<std::int64_t>(step) + 1);
        if (at.mask) upload_causal_mask(at, 0);
    }
}

Frame SongSession::read_frame(const Pass& pass) const {
    Frame frame;
    for (const Tensor token : pass.tokens) {
        std::int32_t id = 0;
        download(token, std::span(&id, 1));
        frame.push_back(id);
    }
    return frame;
}

Frame SongSession::first_frame(const PromptIds& prompt, std::span<const float> noise, const CancelToken& cancel,
                               const PrefillProgress& progress) {
    ensure(length_ == 0, "the first frame is drawn once");
    const std::int64_t total = prompt.length();
    ensure(total <= backbone_cache_.capacity(), "the prompt fits the session");
    const std::vector<float> x = model_.embed_prompt(prompt, rows_);
    const std::int64_t dim = model_.config().backbone.dim;

    for (std::int64_t start = 0; start < total; start += options_.prompt_piece) {
        cancel.check();
        const std::int64_t n = std::min(options_.prompt_piece, total - start);
        const bool draws = start + n == total && options_.part != FramePart::backbone;
        pass_ = make_pass(n, std::min(round_up(start + n, options_.length_step), backbone_cache_.capacity()), true, draws);
        place(*pass_, start);
        for (std::int64_t row = 0; row < rows_; ++row) {
            const auto part = std::span(x).subspan(static_cast<std::size_t>((row * total + start) * dim),
                                                   static_cast<std::size_t>(n * dim));
            upload_f32_part(pass_->prompt, static_cast<std::size_t>(row * n * dim), part);
        }
        if (draws) upload(pass_->noise, noise);
        pass_->graph.run();
        length_ = start + n;
        if (progress) progress(length_);
    }
    return read_frame(*pass_);
}

void SongSession::pretend_prompt(std::int64_t length) {
    ensure(length_ == 0 && length > 0 && length <= backbone_cache_.capacity(), "a prompt comes first and fits the session");
    const Config& c = model_.config();
    const std::int64_t n = std::min(options_.prompt_piece, length);
    graph::TensorStore inputs(model_.device(), 8);
    const Tensor k = inputs.add("k", Type::f32, {c.backbone.kv_dim(), n * rows_});
    const Tensor v = inputs.add("v", Type::f32, {c.backbone.kv_dim(), n * rows_});
    const Placement at{
        inputs.add("positions", Type::i32, {n * rows_}), inputs.add("slots", Type::i64, {n * rows_}), {}, n, rows_, n};
    inputs.allocate();
    std::vector<float> values(static_cast<std::size_t>(k.elements()));
    fill_normal({}, values);
    upload(k, values);
    upload(v, values);
    Graph g(model_.device());
    for (int layer = 0; layer < static_cast<int>(c.backbone.layers); ++layer) {
        const nn::KvCache::KeyValue written = backbone_cache_.append(g, layer, k, v, at.slots, n);
        g.effect(written.k);
        g.effect(written.v);
    }
    g.compile();
    for (std::int64_t start = 0; start < length; start += n) {
        upload_places(at, backbone_cache_, std::min(start, length - n));
        g.run();
    }
    length_ = length;
}

Frame SongSession::next_frame(const Frame& previous, std::span<const float> noise) {
    ensure(length_ > 0 && length_ < backbone_cache_.capacity(), "a frame follows the prompt and fits the session");
    const Config& c = model_.config();
    if (!pass_ || pass_->prompt || length_ >= pass_->at.length) {
        const bool draws = options_.part != FramePart::backbone;
        pass_ =
            make_pass(1, std::min(round_up(length_ + 1, options_.length_step), backbone_cache_.capacity()), false, draws);
        place(*pass_, length_);
    } else {
        upload_places(pass_->at, backbone_cache_, length_);
        upload_f32_part(pass_->at.mask, static_cast<std::size_t>(length_), std::array{0.0F});
    }
    std::vector<std::int32_t> rows;
    for (std::size_t i = 0; i < previous.size(); ++i) {
        rows.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(i) * c.audio_vocabulary) + previous[i]);
    }
    upload(pass_->previous, rows);
    if (pass_->draws) upload(pass_->noise, noise);
    pass_->graph.run();
    ++length_;
    return read_frame(*pass_);
}

}  // namespace heart::heartmula
