#include "models/hearttranscriptor/session.h"

#include "core/error.h"
#include "formats/tensor_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace heart::hearttranscriptor {

using graph::Graph;
using graph::Tensor;
using graph::Type;

namespace {

constexpr std::int64_t kLengthStep = 256;                  // slots by which graphs grow
constexpr std::uint16_t kSeen = 0x0000, kHidden = 0xfc00;  // 0 and -inf as f16

std::int64_t pool_size(const DecoderConfig& d, std::int64_t beams) {
    return d.positions * beams;
}

}  // namespace

/// A graph of the decoder and what it reads.
struct Session::Pass {
    Pass(const Model& model, const nn::KvCache& self, const CrossCache& cross, std::int64_t columns, std::int64_t wanted,
         std::int64_t looked_at, graph::GraphOptions options, CrossAttention* kept = nullptr)
        : store(model.device()), graph(model.device(), options), length(looked_at) {
        const DecoderConfig& d = model.config().decoder;
        x = store.add("x", Type::f32, {d.dim, columns});
        slots = store.add("slots", Type::i64, {columns});
        mask = store.add("mask", Type::f16, {length, columns});
        if (wanted > 0) places = store.add("wanted", Type::i32, {wanted});
        store.allocate();
        Tensor y = decoder(graph, model.weights(), d, self, cross, {slots, mask, length}, x, kept);  // [dim, columns]
        if (wanted > 0) {
            if (wanted != columns) y = graph.get_rows(y, places);  // [dim, wanted]
            logits = graph.mul_mat(model.weights().head, y);       // [vocabulary, wanted]
            graph.output(graph.named(logits, "logits"));
        }
        graph.compile();
        mask_values.resize(static_cast<std::size_t>(length * columns));
    }

    /// What column `column` looks at.
    void see(std::size_t column, std::span<const std::int64_t> seen) {
        const auto row = std::span(mask_values).subspan(column * static_cast<std::size_t>(length));
        for (const std::int64_t slot : seen) row[static_cast<std::size_t>(slot)] = kSeen;
    }
    void see_nothing() { std::fill(mask_values.begin(), mask_values.end(), kHidden); }

    graph::TensorStore store;
    Graph graph;
    std::int64_t length;
    Tensor x, slots, mask, places, logits;
    std::vector<std::uint16_t> mask_values;
};

Session::Session(const Model& model, std::int64_t beams, graph::GraphOptions options)
    : model_(model),
      beams_(beams),
      options_(options),
      store_(model.device()),
      mel_(store_.add("mel", Type::f32, {model.config().encoder.mel_bands, model.config().encoder.mel_frames()})),
      zero_(store_.add("zero", Type::f32, {std::max(model.config().encoder.mel_bands, model.config().encoder.dim)})),
      cross_(add_cross_cache(store_, model.config(), model.cache_type())),
      self_(store_, "self", static_cast<int>(model.config().decoder.layers), model.config().decoder.head_dim(),
            model.config().decoder.heads, pool_size(model.config().decoder, beams), 1, model.cache_type()),
      encoder_(model.device(), options) {
    ensure(beams > 0, "a session has at least one beam");
    store_.allocate();
    const Tensor out = listeners::whisper_encoder(encoder_, model.weights().encoder, model.config().encoder, zero_, mel_);
    fill_cross_cache(encoder_, model.weights(), cross_, out);
    encoder_.compile();
}

Session::~Session() = default;

std::uint64_t Session::cache_bytes(const Config& c, std::int64_t beams, Type type) {
    const DecoderConfig& d = c.decoder;
    const std::int64_t columns = pool_size(d, beams) + c.encoder.positions;
    return 2 * graph::type_bytes(type, static_cast<std::uint64_t>(d.layers * d.dim * columns));
}

void Session::listen(std::span<const float> mel) {
    ensure(mel.size() == static_cast<std::size_t>(mel_.elements()), "mel frames of another size than the encoder's");
    upload(mel_, mel);
    encoder_.run();
    histories_.clear();
}

std::int64_t Session::looked_at(std::int64_t slots) const {
    const std::int64_t steps = (slots + kLengthStep - 1) / kLengthStep;
    return std::min(steps * kLengthStep, self_.capacity());
}

std::span<const float> Session::run(Pass& pass, std::span<const std::int32_t> tokens,
                                    const std::vector<std::int64_t>& positions) {
    const auto dim = static_cast<std::size_t>(model_.config().decoder.dim);
    x_.resize(dim * tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        model_.embed(tokens[i], positions[i], std::span(x_).subspan(i * dim, dim));
    }
    upload(pass.x, x_);
    upload_bytes(pass.mask, 0, std::as_bytes(std::span(pass.mask_values)));
    pass.graph.run();
    if (!pass.logits) return {};
    logits_.resize(static_cast<std::size_t>(pass.logits.elements()));
    download(pass.logits, logits_);
    return logits_;
}

void Session::fill_prompt(Pass& pass, std::span<const std::int32_t> prompt, std::span<const std::int32_t> wanted) {
    std::vector<std::int64_t> slots(prompt.size());
    std::iota(slots.begin(), slots.end(), 0);
    pass.see_nothing();
    for (std::size_t i = 0; i < prompt.size(); ++i) pass.see(i, std::span(slots).first(i + 1));
    upload(pass.slots, slots);
    if (!wanted.empty()) upload(pass.places, wanted);
    histories_ = {slots};
    position_ = next_slot_ = static_cast<std::int64_t>(prompt.size());
}

std::span<const float> Session::start(std::span<const std::int32_t> prompt, std::span<const std::int32_t> wanted) {
    const auto n = static_cast<std::int64_t>(prompt.size());
    if (n < 1 || n > model_.config().decoder.positions) {
        throw Error(ErrorCode::limit, "the text before the transcription does not fit the decoder")
            .expected(fmt::format("1 to {} tokens", model_.config().decoder.positions))
            .found(std::to_string(n));
    }
    ensure(!wanted.empty(), "a prompt is read for logits");
    const auto asked = static_cast<std::int64_t>(wanted.size());
    const bool fits = prompt_ && prompt_->x.dim(1) == n && prompt_->places.dim(0) == asked;
    if (!fits) prompt_ = std::make_unique<Pass>(model_, self_, cross_, n, asked, looked_at(n), options_);
    fill_prompt(*prompt_, prompt, wanted);
    std::vector<std::int64_t> positions(prompt.size());
    std::iota(positions.begin(), positions.end(), 0);
    return run(*prompt_, prompt, positions);
}

std::span<const float> Session::step(std::span<const Continuation> next) {
    const auto n = static_cast<std::int64_t>(next.size());
    ensure(n > 0 && n <= beams_ && room() > 0 && !histories_.empty(), "a step continues sequences that have room");
    const std::int64_t length = looked_at(next_slot_ + n);
    auto& pass = steps_[{n, length}];
    if (!pass) pass = std::make_unique<Pass>(model_, self_, cross_, n, n, length, options_);
    std::vector<std::vector<std::int64_t>> histories;
    std::vector<std::int64_t> slots;
    std::vector<std::int32_t> tokens;
    pass->see_nothing();
    for (std::size_t i = 0; i < next.size(); ++i) {
        histories.push_back(histories_.at(next[i].parent));
        histories.back().push_back(next_slot_);
        slots.push_back(next_slot_++);
        tokens.push_back(next[i].token);
        pass->see(i, histories.back());
    }
    histories_ = std::move(histories);
    upload(pass->slots, slots);
    const std::vector<std::int64_t> positions(next.size(), position_++);
    return run(*pass, tokens, positions);
}

std::vector<std::vector<float>> Session::cross_attention(std::span<const std::int32_t> tokens,
                                                         const std::vector<std::pair<std::int32_t, std::int32_t>>& heads) {
    const auto n = static_cast<std::int64_t>(tokens.size());
    ensure(n > 0 && n <= model_.config().decoder.positions, "a text to align fits the decoder");
    CrossAttention kept{heads, {}};
    Pass pass(model_, self_, cross_, n, 0, looked_at(n), options_, &kept);
    fill_prompt(pass, tokens, {});
    std::vector<std::int64_t> positions(tokens.size());
    std::iota(positions.begin(), positions.end(), 0);
    (void)run(pass, tokens, positions);
    histories_.clear();
    std::vector<std::vector<float>> out;
    for (const Tensor& w : kept.weights) out.push_back(download_f32(w));  // [encoder positions, tokens], innermost first
    return out;
}

}  // namespace heart::hearttranscriptor
