#include "models/heartclap/session.h"

#include "core/error.h"

#include <algorithm>

namespace heart::heartclap {

using graph::Tensor;
using graph::Type;

/// A graph of one of the towers and what it reads.
struct Session::Pass {
    Pass(const Model& model, graph::GraphOptions options, std::int64_t size)
        : length(size), store(model.device()), graph(model.device(), options) {}

    /// The end of both towers. `places` states go into the latent.
    void finish(const TowerWeights& w, const TowerConfig& tower, std::int64_t places, Tensor states) {
        graph.output(heartclap::tower(graph, w, tower, shares, states));
        graph.compile();
        upload(shares, std::vector<float>(static_cast<std::size_t>(places), 1 / static_cast<float>(places)));
    }

    std::vector<float> run(std::span<const float> input) {
        upload(x, input);
        graph.run();
        return graph.read("latent");
    }

    std::int64_t length;
    graph::TensorStore store;
    graph::Graph graph;
    Tensor x, shares;
};

Session::Session(const Model& model, graph::GraphOptions options) : model_(model), options_(options) {}
Session::~Session() = default;

std::vector<float> Session::listen(std::span<const float> mel) {
    const AudioConfig& c = model_.config().audio;
    const auto frames = static_cast<std::int64_t>(mel.size()) / c.mel.bands;
    ensure(frames > 0 && frames * c.mel.bands == static_cast<std::int64_t>(mel.size()), "no whole mel frames");
    const std::vector<float> patches = listeners::mel_patches(mel, c.mel.bands);
    if (!audio_ || audio_->length != frames) {
        audio_.reset();
        auto pass = std::make_unique<Pass>(model_, options_, frames);
        const std::int64_t places = listeners::SubsamplingConfig::frames(frames), half = c.conformer.head_dim() / 2;
        const std::int64_t patch = 9;
        pass->x = pass->store.add("patches", Type::f32, {patch, static_cast<std::int64_t>(patches.size()) / patch});
        pass->shares = pass->store.add("shares", Type::f32, {places});
        const Tensor zero = pass->store.add("zero", Type::f32, {std::max(c.subsampling.channels, c.conformer.dim)});
        const listeners::Rotation rotation{pass->store.add("cos", Type::f32, {half, 1, places}),
                                           pass->store.add("sin", Type::f32, {half, 1, places})};
        pass->store.allocate();
        const Weights& w = model_.weights();
        Tensor states = subsample(pass->graph, w.subsampling, c.subsampling, zero, pass->x, frames);  // [dim, places]
        states = conformer(pass->graph, w.conformer, c.conformer, rotation, zero, states, c.source.state);
        pass->finish(w.audio, c.tower, places, states);
        const auto [cosines, sines] = listeners::rotation_tables(c.conformer, places);
        upload(rotation.cos, cosines);
        upload(rotation.sin, sines);
        audio_ = std::move(pass);
    }
    return audio_->run(patches);
}

std::vector<float> Session::read(std::span<const std::int32_t> ids) {
    const TextConfig& c = model_.config().text;
    ensure(!ids.empty(), "a text without ids");
    const std::vector<float> embeddings = model_.embed(ids);
    const auto tokens = static_cast<std::int64_t>(ids.size());
    if (!text_ || text_->length != tokens) {
        text_.reset();
        auto pass = std::make_unique<Pass>(model_, options_, tokens);
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
