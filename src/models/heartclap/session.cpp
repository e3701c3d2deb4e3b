#include "models/heartclap/session.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace heart::heartclap {

using graph::Tensor;
using graph::Type;

/// A graph of one of the towers and what it reads.
struct Session::Pass {
    Pass(const Model& model, graph::GraphOptions options, std::int64_t size, std::int64_t count)
        : length(size), rows(count), store(model.device()), graph(model.device(), options) {}

    [[nodiscard]] bool fits(std::int64_t size, std::int64_t count) const { return length == size && rows == count; }

    /// The end of both towers. `places` states go into each latent.
    void finish(const TowerWeights& w, const TowerConfig& tower, std::int64_t places, Tensor states) {
        graph.output(heartclap::tower(graph, w, tower, shares, states));
        graph.compile();
        upload(shares, std::vector<float>(static_cast<std::size_t>(places), 1 / static_cast<float>(places)));
    }

    /// Latents, one behind the other.
    std::vector<float> run(std::span<const float> input) {
        upload(x, input);
        graph.run();
        return graph.read("latent");
    }

    std::int64_t length, rows;  ///< of each sound or text, and of these
    graph::TensorStore store;
    graph::Graph graph;
    Tensor x, shares;
};

Session::Session(const Model& model, graph::GraphOptions options) : model_(model), options_(options) {}
Session::~Session() = default;

std::unique_ptr<Session::Pass> Session::audio_pass(std::int64_t frames, std::int64_t clips) const {
    const AudioConfig& c = model_.config().audio;
    const Weights& w = model_.weights();
    auto pass = std::make_unique<Pass>(model_, options_, frames, clips);
    graph::TensorStore& store = pass->store;
    graph::Graph& g = pass->graph;
    const std::int64_t places = listeners::SubsamplingConfig::frames(frames), half = c.conformer.head_dim() / 2;
    const std::int64_t patch = 9, patches = listeners::patches_of(frames, c.mel.bands);
    pass->x = store.add("patches", Type::f32, {patch, patches, clips});
    pass->shares = store.add("shares", Type::f32, {places});
    const Tensor zero = store.add("zero", Type::f32, {std::max(c.subsampling.channels, c.conformer.dim)});
    const listeners::Rotation rotation{store.add("cos", Type::f32, {half, 1, places}),
                                       store.add("sin", Type::f32, {half, 1, places})};
    store.allocate();
    Tensor states;                              // [dim, places * clips]
    for (std::int64_t i = 0; i < clips; ++i) {  // images are large enough to go one by one
        const std::string prefix = i == 0 ? "" : fmt::format("clip{}.", i);
        const Tensor image = g.reshape(g.slice(pass->x, 2, i, 1), {patch, patches});
        const Tensor clip = subsample(g, w.subsampling, c.subsampling, zero, image, frames, prefix);  // [dim, places]
        states = states ? g.concat(states, clip, 1) : clip;
    }
    states = conformer(g, w.conformer, c.conformer, rotation, zero, states, clips, c.source.state);
    pass->finish(w.audio, c.tower, places, states);
    const auto [cosines, sines] = listeners::rotation_tables(c.conformer, places);
    upload(rotation.cos, cosines);
    upload(rotation.sin, sines);
    return pass;
}

std::vector<std::vector<float>> Session::listen(std::span<const float> mel, std::int64_t clips) {
    const std::int64_t bands = model_.config().audio.mel.bands;
    const auto size = static_cast<std::int64_t>(mel.size());
    ensure(clips > 0 && size > 0 && size % (clips * bands) == 0, "no whole mel frames of clips of one length");
    const std::int64_t frames = size / clips / bands;
    std::vector<float> patches;
    for (std::int64_t i = 0; i < clips; ++i) {
        const auto clip =
            mel.subspan(static_cast<std::size_t>(i * frames * bands), static_cast<std::size_t>(frames * bands));
        const std::vector<float> own = listeners::mel_patches(clip, bands);
        patches.insert(patches.end(), own.begin(), own.end());
    }
    if (!audio_ || !audio_->fits(frames, clips)) {
        audio_.reset();
        audio_ = audio_pass(frames, clips);
    }
    const std::vector<float> latents = audio_->run(patches);
    const auto width = static_cast<std::ptrdiff_t>(model_.config().latent_dim);
    std::vector<std::vector<float>> out;
    for (auto at = latents.begin(); at != latents.end(); at += width) out.emplace_back(at, at + width);
    return out;
}

std::vector<float> Session::read(std::span<const std::int32_t> ids) {
    const TextConfig& c = model_.config().text;
    ensure(!ids.empty(), "a text without ids");
    const std::vector<float> embeddings = model_.embed(ids);
    const auto tokens = static_cast<std::int64_t>(ids.size());
    if (!text_ || !text_->fits(tokens, 1)) {
        text_.reset();
        auto pass = std::make_unique<Pass>(model_, options_, tokens, 1);
        pass->x = pass->store.add("embeddings", Type::f32, {c.encoder.dim, tokens});
        pass->shares = pass->store.add("shares", Type::f32, {tokens});
        pass->store.allocate();
        const Weights& w = model_.weights();
        const Tensor states =
            text_encoder(pass->graph, w.text_encoder, c.encoder, pass->x, c.source.state);  // [dim, tokens]
        pass->finish(w.text, c.tower, tokens, states);
        text_ = std::move(pass);
    }
    return text_->run(embeddings);
}

const graph::Graph& Session::audio_graph() const {
    ensure(audio_ != nullptr, "nothing was listened to yet");
    return audio_->graph;
}

const graph::Graph& Session::text_graph() const {
    ensure(text_ != nullptr, "nothing was read yet");
    return text_->graph;
}

}  // namespace heart::heartclap
