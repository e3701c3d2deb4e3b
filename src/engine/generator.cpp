#include "engine/generator.h"

#include "core/error.h"
#include "core/philox.h"
#include "engine/rendering.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace heart::engine {

namespace {

/// Adds the seconds of its life to a timing.
class Stopwatch {
public:
    explicit Stopwatch(double& sum) : sum_(sum), start_(std::chrono::steady_clock::now()) {}
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
    ~Stopwatch() { sum_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
    double& sum_;
    std::chrono::steady_clock::time_point start_;
};

void report(const ProgressFn& progress, Phase phase, double done, double total, double audio_seconds = 0) {
    if (progress) progress({phase, done, total, audio_seconds});
}

}  // namespace

Generator::Generator(formats::Folder model_folder, EngineOptions options)
    : options_(std::move(options)), set_(std::move(model_folder), options_.version) {
    language_model_device_ = graph::Device::open(options_.language_model_device, options_.threads);
    // An object of its own even where the device is the same: a stream composes and renders at one time.
    codec_device_ = graph::Device::open(options_.codec_device, options_.threads);
}

graph::DeviceInfo Generator::device() const {
    for (graph::DeviceInfo& info : graph::Device::list()) {
        if (info.name == language_model_device_->name()) return std::move(info);
    }
    return {language_model_device_->name(), language_model_device_->name(), 0, 0};
}

const heartmula::LanguageModel& Generator::language_model(const ProgressFn& progress, const CancelToken& cancel) {
    if (!language_model_) {
        if (options_.lazy_load) codec_.reset();
        const Stopwatch watch(timings_.load_language_model);
        language_model_ = heartmula::LanguageModel::load(
            set_.language_model(), language_model_device_, options_.language_model_type,
            [&](std::uint64_t done, std::uint64_t total) {
                report(progress, Phase::load_language_model, static_cast<double>(done), static_cast<double>(total));
            },
            cancel);
    }
    return *language_model_;
}

const heartcodec::Codec& Generator::codec(const ProgressFn& progress, const CancelToken& cancel) {
    if (!codec_) {
        if (options_.lazy_load) language_model_.reset();
        const Stopwatch watch(timings_.load_codec);
        codec_ = heartcodec::Codec::load(
            set_.codec(), codec_device_, options_.codec_type,
            [&](std::uint64_t done, std::uint64_t total) {
                report(progress, Phase::load_codec, static_cast<double>(done), static_cast<double>(total));
            },
            cancel);
    }
    return *codec_;
}

Composition Generator::compose(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel,
                               const FrameFn& on_frame, std::vector<heartmula::Frame> known) {
    const SongPreparer preparer(set_);
    std::vector<PreparedSong> songs{preparer.prepare(request)};
    songs.front().known = std::move(known);
    return std::move(compose_prepared(preparer, std::move(songs), 1, progress, cancel, on_frame).front());
}

std::vector<Composition> Generator::compose_together(std::span<const SongRequest> requests, std::int64_t at_once,
                                                     const ProgressFn& progress, const CancelToken& cancel,
                                                     const FrameFn& on_frame) {
    const SongPreparer preparer(set_);
    std::vector<PreparedSong> songs;
    for (const SongRequest& request : requests) songs.push_back(preparer.prepare(request));
    if (songs.empty()) return {};
    return compose_prepared(preparer, std::move(songs), at_once, progress, cancel, on_frame);
}

std::vector<Composition> Generator::compose_prepared(const SongPreparer& preparer, std::vector<PreparedSong> songs,
                                                     std::int64_t at_once, const ProgressFn& progress,
                                                     const CancelToken& cancel, const FrameFn& on_frame) {
    const heartmula::LanguageModel& model = language_model(progress, cancel);
    Composer composer(model, preparer.ids(), limits_for(songs, at_once), cache_type_of(options_));
    auto out = engine::compose_together(composer, std::move(songs), {progress, on_frame, &cancel});
    timings_.prefill += composer.prompt_seconds();
    timings_.frames += composer.frame_seconds();
    return out;
}

audio::Waveform Generator::render(const Codes& codes, const SongRequest& request, const GivenNoise* noise,
                                  const ProgressFn& progress, const CancelToken& cancel) {
    audio::Waveform wave;
    wave.channels.resize(2);
    const auto collect = [&](std::span<const float> stereo) {
        for (std::size_t i = 0; i < stereo.size(); ++i) wave.channels[i % 2].push_back(stereo[i]);
    };
    render_to(collect, codes, request, noise, progress, cancel);
    wave.sample_rate = static_cast<std::uint32_t>(codec_->config().sample_rate);
    return wave;
}

/// Codes -> sound, block by block.
void Generator::render_to(const heartcodec::AudioSink& sink, const Codes& codes, const SongRequest& request,
                          const GivenNoise* given, const ProgressFn& progress, const CancelToken& cancel) {
    check_request(request);
    const heartcodec::Codec& model = codec(progress, cancel);
    const heartcodec::Config& c = model.config();
    check_codebooks(codes.codebooks, c);
    const heartcodec::DecodeOptions options = decode_options(request);
    const heartcodec::NoiseSource noise = given == nullptr ? drawn_noise(request) : given_noise(*given, codes, c, options);
    const Stopwatch watch(timings_.decode);
    model.decode(codes.values, noise, options, sink, cancel,
                 [&](std::int64_t done, std::int64_t total, std::int64_t samples) {
                     report(progress, Phase::decode, static_cast<double>(done), static_cast<double>(total),
                            static_cast<double>(samples) / static_cast<double>(c.sample_rate));
                 });
}

Song Generator::generate(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel) {
    Song song;
    song.composition = compose(request, progress, cancel);
    song.audio = render(song.composition.codes, song.composition.request, nullptr, progress, cancel);
    return song;
}

Settings song_settings(const Composition& c, const EngineOptions& o, const std::string& model) {
    const SongRequest& r = c.request;
    Settings out{{"model", model},
                 {"version", o.version},
                 {"seed", std::to_string(r.seed.value_or(0))},
                 {"take", std::to_string(r.take)},
                 {"tags", r.tags},
                 {"max_audio_length_ms", std::to_string(r.max_audio_length_ms)},
                 {"topk", std::to_string(r.topk)},
                 {"temperature", fmt::format("{}", r.temperature)},
                 {"cfg_scale", fmt::format("{}", r.cfg_scale)},
                 {"steps", std::to_string(r.codec_steps)},
                 {"guidance", fmt::format("{}", r.codec_guidance)},
                 {"first_window_ms", std::to_string(r.first_window_ms)},
                 {"mula_dtype", type_label(o.language_model_type)},
                 {"kv_dtype", type_label(cache_type_of(o))},
                 {"codec_dtype", type_label(o.codec_type)},
                 {"frames", std::to_string(c.codes.frames)}};
    if (r.reference && r.reference->has_effect()) {
        Settings reference = reference_settings(*r.reference);
        std::move(reference.begin(), reference.end(), std::back_inserter(out));
    }
    return out;
}

}  // namespace heart::engine
