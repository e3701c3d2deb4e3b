#include "engine/embedder.h"

#include "audio/decibel_mel.h"
#include "core/error.h"
#include "engine/clips.h"
#include "formats/checkpoint.h"
#include "models/heartclap/session.h"
#include "text/sentence_pieces.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace heart::engine {

namespace {

constexpr int kClipsOnGpu = 8;

formats::Json read_config(const formats::Folder& folder) {
    return formats::parse_json(folder.open("config.json").text(), folder.describe() + "/config.json",
                               {.max_bytes = std::size_t{1} << 20});
}

/// The plain mean, in double.
std::vector<float> mean_of(const std::vector<std::vector<float>>& rows) {
    std::vector<double> sum(rows.front().size(), 0.0);
    for (const std::vector<float>& row : rows) {
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += row[i];
    }
    std::vector<float> out;
    for (const double x : sum) out.push_back(static_cast<float>(x / static_cast<double>(rows.size())));
    return out;
}

audio::DecibelMel::Options mel_options(const heartclap::MelConfig& m) {
    return {static_cast<std::uint32_t>(m.sample_rate), static_cast<std::size_t>(m.n_fft), static_cast<std::size_t>(m.hop),
            static_cast<std::size_t>(m.bands)};
}

}  // namespace

/// What is read before any weights: sizes, tokenizer, and where the weights are.
struct Embedder::Files {
    explicit Files(formats::Checkpoint weights) : checkpoint(std::move(weights)) {}

    static std::unique_ptr<Files> read(const formats::Folder& models, const std::string& name) {
        const formats::Folder folder = models.sub(name);
        if (!folder.exists()) {
            throw Error(ErrorCode::not_found, fmt::format("no embedding model in '{}'", models.describe()))
                .expected(name + "/ and the folders that its config.json names")
                .hint("heart pull MuQ-MuLan-large");
        }
        auto out = std::make_unique<Files>(formats::Checkpoint::open(folder));
        const std::string where = folder.describe() + "/config.json";
        const auto beside = heartclap::Companions::parse(out->checkpoint.config(), where);
        const formats::Folder audio = models.sub(beside.audio), text = models.sub(beside.text);
        const formats::Json audio_config = read_config(audio), text_config = read_config(text);
        out->config = heartclap::Config::parse({out->checkpoint.config(), audio_config, text_config, where,
                                                audio.describe() + "/config.json", text.describe() + "/config.json"});
        out->tokenizer = std::make_unique<text::SentencePieceTokenizer>(text::SentencePieceTokenizer::from_json(
            text.open("tokenizer.json").text(), text.describe() + "/tokenizer.json"));
        return out;
    }

    formats::Checkpoint checkpoint;
    heartclap::Config config;
    std::unique_ptr<text::SentencePieceTokenizer> tokenizer;
};

struct Embedder::Loaded {
    Loaded(Files& files, const EmbedderOptions& options, const graph::LoadProgress& progress, const CancelToken& cancel)
        : mel(mel_options(files.config.audio.mel)),
          model(heartclap::Model::load(files.checkpoint, files.config, graph::Device::open(options.device, options.threads),
                                       options.type, progress, cancel)),
          session(*model) {}

    /// Appends a clip's mel frames as the model takes them.
    void see(std::span<const float> clip, std::vector<float>& to) {
        const heartclap::MelConfig& m = model->config().audio.mel;
        for (const float x : mel.compute(clip).values) {
            to.push_back(static_cast<float>((static_cast<double>(x) - m.mean) / m.deviation));
        }
    }

    audio::DecibelMel mel;
    std::unique_ptr<heartclap::Model> model;
    heartclap::Session session;
};

Embedder::Embedder(const formats::Folder& models, const EmbedderOptions& options)
    : options_(options), files_(Files::read(models, options.folder)) {}
Embedder::~Embedder() = default;

std::size_t Embedder::dimension() const {
    return static_cast<std::size_t>(files_->config.latent_dim);
}

std::uint32_t Embedder::sample_rate() const {
    return static_cast<std::uint32_t>(files_->config.audio.mel.sample_rate);
}

double Embedder::clip_seconds() const {
    return files_->config.clip_seconds;
}

Embedder::Loaded& Embedder::loaded(const ProgressFn& progress, const CancelToken& cancel) {
    if (!loaded_) {
        const auto on_weights = [&](std::uint64_t done, std::uint64_t total) {
            if (progress) progress({Phase::load_embedder, static_cast<double>(done), static_cast<double>(total), 0});
        };
        loaded_ = std::make_unique<Loaded>(*files_, options_, on_weights, cancel);
    }
    return *loaded_;
}

SoundEmbedding Embedder::embed(const SoundSource& sound, const ProgressFn& progress, const CancelToken& cancel,
                               double seconds) {
    Loaded& model = loaded(progress, cancel);
    SoundEmbedding out;
    Clips clips(sound, static_cast<std::size_t>(files_->config.clip_samples()));
    std::vector<float> mel;  // of the clips of a pass; all have one length, for a shorter one is the whole sound
    int waiting = 0;
    const int of_device = model.model->device()->is_cpu() ? 1 : kClipsOnGpu;
    const int enough = options_.clips_at_once > 0 ? options_.clips_at_once : of_device;
    const auto listen = [&] {
        if (waiting == 0) return;
        cancel.check();
        for (std::vector<float>& latent : model.session.listen(mel, waiting)) out.clips.push_back(std::move(latent));
        mel.clear(), waiting = 0;
        out.seconds = static_cast<double>(clips.heard()) / sample_rate();
        if (progress) progress({Phase::embed, out.seconds, std::max(seconds, out.seconds), out.seconds});
    };
    for (auto clip = clips.next(); clip.size() >= model.mel.least_samples(); clip = clips.next()) {
        model.see(clip, mel);
        if (++waiting == enough) listen();
    }
    listen();
    if (out.clips.empty()) {
        throw Error(ErrorCode::malformed, "the sound is too short to be embedded")
            .expected(fmt::format("at least {} samples at {} Hz", model.mel.least_samples() / 2 + 1, sample_rate()))
            .found(fmt::format("{}", clips.heard()));
    }
    out.values = mean_of(out.clips);
    return out;
}

SoundEmbedding Embedder::embed(const std::filesystem::path& file, const ProgressFn& progress, const CancelToken& cancel) {
    const SoundFile sound = open_sound(file, sample_rate());
    return embed(sound.source, progress, cancel, sound.seconds_stated);
}

std::vector<float> Embedder::embed_text(std::string_view text, const ProgressFn& progress, const CancelToken& cancel) {
    return loaded(progress, cancel).session.read(ids_of(text));
}

std::vector<std::int32_t> Embedder::ids_of(std::string_view text) const {
    return files_->tokenizer->encode(text);
}

SoundSource excerpt(SoundSource sound, std::uint32_t sample_rate, double start, double seconds) {
    const auto first = static_cast<std::uint64_t>(std::llround(start * sample_rate));
    const auto count = static_cast<std::uint64_t>(std::llround(seconds * sample_rate));
    return [=, sound = std::move(sound), at = std::uint64_t{0}]() mutable -> std::span<const float> {
        while (at < first + count) {
            const auto piece = sound();
            if (piece.empty()) {
                if (at > first || count == 0) return {};
                throw Error(ErrorCode::usage, "the sound ends before the part that was asked for")
                    .expected(fmt::format("a start before {:.1f} s", static_cast<double>(at) / sample_rate))
                    .found(fmt::format("{:.1f} s", start));
            }
            const std::uint64_t begin = std::max(at, first), end = std::min(at + piece.size(), first + count);
            const auto part = begin < end ? piece.subspan(begin - at, end - begin) : std::span<const float>();
            at += piece.size();
            if (!part.empty()) return part;
        }
        return {};
    };
}

std::vector<float> normalised(std::vector<float> values) {
    const double length = std::sqrt(similarity(values, values));
    if (length > 0) {
        for (float& x : values) x = static_cast<float>(x / length);
    }
    return values;
}

double similarity(std::span<const float> a, std::span<const float> b) {
    ensure(a.size() == b.size(), "embeddings of two sizes");
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
}

}  // namespace heart::engine
