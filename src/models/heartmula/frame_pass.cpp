#include "models/heartmula/frame_pass.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace heart::heartmula {

using graph::Graph;
using graph::Tensor;
using graph::Type;

namespace {

std::int64_t rows_of(std::span<const Lane> lanes) {
    std::int64_t rows = 0;
    for (const Lane& lane : lanes) rows += lane.rows();
    return rows;
}

/// Rows of the cache that belong together because they follow one another.
std::vector<nn::KvCache::Rows> cache_runs(std::span<const Lane> lanes) {
    std::vector<nn::KvCache::Rows> runs;
    for (const Lane& lane : lanes) {
        if (!runs.empty() && lane.cache_row == runs.back().first + runs.back().count) {
            runs.back().count += lane.rows();
        } else {
            runs.push_back({lane.cache_row, lane.rows()});
        }
    }
    return runs;
}

/// More nodes and views than a pass has: each run of rows adds its own to each layer.
std::size_t most_nodes(const Config& c, const PassShape& shape) {
    const auto runs = static_cast<std::int64_t>(cache_runs(shape.lanes).size()), draws = shape.draws;
    const std::int64_t backbone = c.backbone.layers * (56 + 16 * runs);
    const std::int64_t depth = draws == 0 ? 0 : c.codebooks * (c.depth.layers * 64 + 64 + 40 * draws);
    return static_cast<std::size_t>(1024 + backbone + depth);
}

constexpr std::uint16_t kSeen = 0, kHidden = 0xFC00;  // f16: 0 and -inf

/// Position `start` sees itself and what is before it, and so on for the ones behind it: [n][length].
void fill_causal(std::span<std::uint16_t> mask, std::int64_t length, std::int64_t start) {
    for (std::size_t at = 0; at < mask.size(); at += static_cast<std::size_t>(length), ++start) {
        const auto column = mask.subspan(at, static_cast<std::size_t>(length));
        const auto seen = static_cast<std::ptrdiff_t>(std::min(start + 1, length));
        std::fill(column.begin(), column.begin() + seen, kSeen);
        std::fill(column.begin() + seen, column.end(), kHidden);
    }
}

}  // namespace

FramePass::FramePass(const LanguageModel& model, const Caches& caches, PassShape shape, FramePart part,
                     graph::GraphOptions options)
    : model_(model),
      caches_(caches),
      shape_(std::move(shape)),
      rows_(rows_of(shape_.lanes)),
      drawn_rows_(rows_of(drawing())),
      inputs_(model.device(), 128),
      graph_(model.device(), options, most_nodes(model.config(), shape_)) {
    add_inputs();
    fill_constants();
    build(part);
}

std::span<const Lane> FramePass::drawing() const {
    return std::span(shape_.lanes).last(static_cast<std::size_t>(shape_.draws));
}

// --- inputs -----------------------------------------------------------------------------------------------------------

void FramePass::add_inputs() {
    const Config& c = model_.config();
    const auto lanes = static_cast<std::int64_t>(shape_.lanes.size());
    const bool hears_prompt = shape_.prompt > 0;
    const std::int64_t n = hears_prompt ? shape_.prompt : 1, positions = n * rows_;
    at_ = {inputs_.add("positions", Type::i32, {positions}),
           inputs_.add("slots", Type::i64, {positions}),
           inputs_.add("mask", Type::f16, {shape_.length, n, 1, hears_prompt ? 1 : rows_}),
           n,
           hears_prompt ? 1 : rows_,
           hears_prompt && rows_ == 2,
           shape_.length,
           cache_runs(shape_.lanes)};
    mask_.resize(static_cast<std::size_t>(at_.mask.elements()));
    if (hears_prompt) {
        at_.runs = {{shape_.lanes.front().cache_row, 1}};
        prompt_ = inputs_.add("prompt", Type::f32, {c.backbone.dim, at_.columns()});
    }
    tokens_ = inputs_.add("tokens", Type::i32, {lanes, c.codebooks});
    for (std::int64_t step = 0; shape_.draws > 0 && step < c.codebooks - 1; ++step) {
        const std::int64_t new_positions = step == 0 ? 2 : 1;
        depth_at_.push_back({inputs_.add("depth_positions", Type::i32, {new_positions * drawn_rows_}),
                             inputs_.add("depth_slots", Type::i64, {new_positions * drawn_rows_}),
                             step == 0 ? inputs_.add("depth_mask", Type::f16, {2, 2}) : Tensor{},
                             new_positions,
                             drawn_rows_,
                             false,
                             step + 2,
                             {{0, drawn_rows_}}});
    }
    if (shape_.draws > 0) {
        noise_ = inputs_.add("noise", Type::f32, {c.audio_vocabulary, shape_.draws, c.codebooks});
        cfg_scale_ = inputs_.add("cfg_scale", Type::f32, {1, shape_.draws});
        inverse_temperature_ = inputs_.add("inverse_temperature", Type::f32, {1, shape_.draws});
    }
    inputs_.allocate();
}

/// Uploads what never changes: the depth decoder starts anew with every frame.
void FramePass::fill_constants() {
    std::vector<float> scale, inverse;
    for (const Lane& lane : drawing()) {
        scale.push_back(lane.sampling.cfg_scale);
        inverse.push_back(1.0F / lane.sampling.temperature);
    }
    if (shape_.draws > 0) {
        upload(cfg_scale_, scale);
        upload(inverse_temperature_, inverse);
    }
    std::int64_t start = 0;
    for (const Placement& at : depth_at_) {
        std::vector<std::int32_t> positions;
        std::vector<std::int64_t> slots;
        for (std::int64_t row = 0; row < at.rows; ++row) {
            for (std::int64_t i = start; i < start + at.n; ++i) {
                positions.push_back(static_cast<std::int32_t>(i));
                slots.push_back(caches_.depth.slot(row, i));
            }
        }
        upload(at.positions, positions);
        upload(at.slots, slots);
        if (at.mask) {
            std::vector<std::uint16_t> mask(static_cast<std::size_t>(at.mask.elements()));
            fill_causal(mask, at.length, start);
            upload_bytes(at.mask, 0, std::as_bytes(std::span(mask)));
        }
        start += at.n;
    }
}

void FramePass::place(std::span<const std::int64_t> starts) {
    ensure(starts.size() == shape_.lanes.size(), "a position for each lane");
    std::vector<std::int32_t> positions;
    std::vector<std::int64_t> slots;
    const bool mask_each = at_.mask.dim(3) > 1 || shape_.prompt == 0;
    const auto mask_size = static_cast<std::size_t>(at_.n * at_.length);
    for (std::size_t i = 0; i < starts.size(); ++i) {
        ensure(starts[i] + at_.n <= at_.length, "a lane stands inside what is looked at");
        for (std::int64_t r = 0; r < shape_.lanes[i].rows(); ++r) {
            const std::size_t row = positions.size() / static_cast<std::size_t>(at_.n);
            if (mask_each || row == 0)
                fill_causal(std::span(mask_).subspan(row * mask_size, mask_size), at_.length, starts[i]);
            for (std::int64_t p = starts[i]; p < starts[i] + at_.n; ++p) {
                positions.push_back(static_cast<std::int32_t>(p));
                slots.push_back(caches_.backbone.slot(shape_.lanes[i].cache_row + r, p));
            }
        }
    }
    upload(at_.positions, positions);
    upload(at_.slots, slots);
    upload_bytes(at_.mask, 0, std::as_bytes(std::span(mask_)));
}

void FramePass::hear(std::span<const Frame> frames) {
    ensure(frames.size() == shape_.lanes.size(), "a frame for each lane");
    std::vector<std::int32_t> tokens;
    for (std::size_t q = 0; q < static_cast<std::size_t>(model_.config().codebooks); ++q) {
        for (const Frame& frame : frames) tokens.push_back(frame[q]);
    }
    upload(tokens_, tokens);
}

void FramePass::hear_prompt(std::span<const float> embedded) {
    upload(prompt_, embedded);
}

void FramePass::upload_noise(std::span<const float> noise) {
    upload(noise_, noise);
}

// --- the graph --------------------------------------------------------------------------------------------------------

void FramePass::build(FramePart part) {
    Graph& g = graph_;
    const Tensor x = g.named(prompt_ ? g.scale(prompt_, 1.0F) : embed_frames(), "backbone_in");
    Tensor h = x;  // [dim, columns]
    if (part != FramePart::depth)
        h = llama(g, model_.weights().backbone, model_.config().backbone, caches_.backbone, at_, x, "");
    g.named(h, "backbone_out");
    g.effect(h);
    if (shape_.draws > 0) {
        // A prompt's newest position is the last one of its own row, and the uniform row's column stands behind it.
        const Tensor newest = g.slice(h, 1, at_.columns() - drawn_rows_, drawn_rows_);
        add_draws(g.named(g.contiguous(newest), "last_hidden"));  // [dim, drawn rows]
    }
    g.compile();
}

template <typename Alike>
std::vector<FramePass::Run> FramePass::runs_of(std::span<const Lane> lanes, const Alike& alike) {
    std::vector<Run> runs;
    std::int64_t row = 0;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        if (runs.empty() || !alike(lanes[i - 1], lanes[i])) runs.push_back({i, 0, row, lanes[i].rows()});
        ++runs.back().count;
        row += lanes[i].rows();
    }
    return runs;
}

/// Every row of a song hears the same: [n, lanes] -> [n, rows].
Tensor FramePass::spread(Tensor x, std::span<const Lane> lanes) {
    Tensor out;
    for (const Run& run : runs_of(lanes, [](const Lane&a, const Lane&b) { return a.rows() == b.rows(); })) {
        const auto count = static_cast<std::int64_t>(run.count);
        const Tensor part = graph_.slice(x, 1, static_cast<std::int64_t>(run.lane), count);  // [n, count]
        const Tensor each = graph_.reshape(part, {x.dim(0), 1, count});
        const Tensor rows = graph_.repeat_to(each, {x.dim(0), run.rows_each, count});
        const Tensor flat = graph_.reshape(rows, {x.dim(0), run.rows_each * count});
        out = out ? graph_.concat(out, flat, 1) : flat;
    }
    return out;
}

/// Embeddings of the tokens of one codebook: [dim, count].
Tensor FramePass::embed_codebook(std::int64_t codebook, std::int64_t first, std::int64_t count) {
    const std::int64_t vocabulary = model_.config().audio_vocabulary;
    const Tensor table = graph_.slice(model_.weights().audio_embeddings, 1, codebook * vocabulary, vocabulary);
    const Tensor ids = graph_.slice(graph_.slice(tokens_, 1, codebook, 1), 0, first, count);  // [count]
    return graph_.get_rows(table, ids);
}

/// Frames as the backbone hears them: the sum of their tokens' embeddings, in the order of the codebooks.
Tensor FramePass::embed_frames() {
    const std::int64_t lanes = tokens_.dim(0);
    Tensor sum = embed_codebook(0, 0, lanes);  // [dim, lanes]
    for (std::int64_t q = 1; q < tokens_.dim(1); ++q) sum = graph_.add(sum, embed_codebook(q, 0, lanes));
    return spread(sum, shape_.lanes);  // [dim, rows]
}

/// Draws a token for each drawing lane from logits [vocabulary, drawn rows], into `tokens_`.
void FramePass::draw_codebook(std::int64_t codebook, Tensor logits) {
    Graph& g = graph_;
    g.named(logits, fmt::format("logits{}", codebook));
    const auto alike = [](const Lane& a, const Lane& b) {
        return a.rows() == b.rows() && a.sampling.topk == b.sampling.topk;
    };
    const Tensor noise = g.slice(noise_, 2, codebook, 1);  // [vocabulary, draws]
    for (const Run& run : runs_of(drawing(), alike)) {
        const auto lane = static_cast<std::int64_t>(run.lane), count = static_cast<std::int64_t>(run.count);
        const std::string name = fmt::format("guided_logits{}{}", codebook, lane == 0 ? "" : fmt::format(".lane{}", lane));
        const Tensor own = g.slice(logits, 1, run.row, count * run.rows_each);  // [vocabulary, rows of the run]
        const Tensor guided = run.rows_each == 2 ? guide(g, own, g.slice(cfg_scale_, 1, lane, count)) : own;
        const Tensor drawn = draw(g, g.named(guided, name), g.slice(noise, 1, lane, count),
                                  g.slice(inverse_temperature_, 1, lane, count), drawing()[run.lane].sampling.topk);
        const Tensor place = g.slice(g.slice(tokens_, 1, codebook, 1), 0, tokens_.dim(0) - shape_.draws + lane, count);
        g.effect(g.copy_into(drawn, place));  // [count]
    }
}

/// Draws all codebooks from the backbone's last hidden states [dim, drawn rows].
void FramePass::add_draws(Tensor last_hidden) {
    Graph& g = graph_;
    const Config& c = model_.config();
    const Weights& w = model_.weights();
    const auto embed_drawn = [&](std::int64_t codebook) {  // -> [dim, 1, drawn rows]
        const Tensor each = embed_codebook(codebook, tokens_.dim(0) - shape_.draws, shape_.draws);
        return g.reshape(spread(each, drawing()), {c.backbone.dim, 1, drawn_rows_});
    };
    draw_codebook(0, nn::linear(g, w.codebook0_head, last_hidden));
    const Tensor hidden = g.reshape(last_hidden, {c.backbone.dim, 1, drawn_rows_});
    Tensor x = g.concat(hidden, embed_drawn(0), 1);  // [dim, 2, drawn rows]: the depth decoder starts from two positions
    for (std::int64_t i = 1; i < c.codebooks; ++i) {
        const Tensor h = depth_step(i - 1, x);  // [depth dim, drawn rows]
        draw_codebook(i, nn::linear(g, w.audio_heads[static_cast<std::size_t>(i - 1)], h));
        if (i + 1 < c.codebooks) x = embed_drawn(i);
    }
}

/// One step of the depth decoder: x [dim, n, drawn rows] -> hidden state of the last position [depth dim, drawn rows].
Tensor FramePass::depth_step(std::int64_t step, Tensor x) {
    Graph& g = graph_;
    const Config& c = model_.config();
    const std::string prefix = fmt::format("depth_step{}.", step);
    const Placement& at = depth_at_[static_cast<std::size_t>(step)];
    const Tensor in = nn::linear(g, model_.weights().projection, g.reshape(x, {c.backbone.dim, at.n * at.rows}));
    g.named(in, prefix + "in");                                                                 // [depth dim, n * rows]
    const Tensor h = llama(g, model_.weights().depth, c.depth, caches_.depth, at, in, prefix);  // [depth dim, n * rows]
    g.named(h, prefix + "out");
    const Tensor last = g.slice(g.reshape(h, {c.depth.dim, at.n, at.rows}), 1, at.n - 1, 1);
    return g.reshape(g.contiguous(last), {c.depth.dim, at.rows});
}

// --- running ----------------------------------------------------------------------------------------------------------

void FramePass::start() {
    graph_.start();
}

std::vector<Frame> FramePass::finish() {
    graph_.finish();
    if (shape_.draws == 0) return {};
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(tokens_.elements()));
    download(tokens_, tokens);
    const std::size_t lanes = shape_.lanes.size(), draws = static_cast<std::size_t>(shape_.draws);
    std::vector<Frame> out(draws);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (i % lanes >= lanes - draws) out[i % lanes - (lanes - draws)].push_back(tokens[i]);
    }
    return out;
}

}  // namespace heart::heartmula
