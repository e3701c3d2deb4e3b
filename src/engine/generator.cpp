#include "engine/generator.h"

#include "core/error.h"
#include "core/philox.h"
#include "engine/rendering.h"
#include "models/heartmula/song_session.h"
#include "text/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace heart::engine {

namespace {

constexpr double kFrameMs = 80;  // 12.5 frames a second

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

/// [frames][codebooks] -> Codes.
Codes as_codes(const std::vector<heartmula::Frame>& frames) {
    Codes out{static_cast<std::int64_t>(frames.front().size()), static_cast<std::int64_t>(frames.size()), {}};
    for (std::size_t q = 0; q < frames.front().size(); ++q) {
        for (const heartmula::Frame& f : frames) out.values.push_back(f[q]);
    }
    return out;
}

}  // namespace

Generator::Generator(formats::Folder model_folder, EngineOptions options)
    : options_(std::move(options)), set_(std::move(model_folder), options_.version) {
    language_model_device_ = graph::Device::open(options_.language_model_device, options_.threads);
    // An object of its own even where the device is the same: a stream composes and renders at one time.
    codec_device_ = graph::Device::open(options_.codec_device, options_.threads);
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

namespace {

/// How many frames a song may have: as many as were asked for, or as the context has room for.
void set_frame_limit(Composition& c, std::int64_t max_positions) {
    const std::int64_t asked = frames_asked(c.request);
    const std::int64_t room = max_positions - c.prompt_length;
    if (room < 1) {
        throw Error(ErrorCode::limit, "lyrics and tags are too long for the model")
            .expected(fmt::format("at most {} tokens", max_positions - 2))
            .found(fmt::format("{} tokens", c.prompt_length - 1))
            .hint("shorten the lyrics");
    }
    c.limited_by_context = room < asked;
    c.frame_limit = std::min(asked, room);
}

}  // namespace

Composition Generator::compose(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel,
                               const FrameListener& listener) {
    check_request(request);
    Composition out;
    out.request = request;
    if (!out.request.seed) out.request.seed = random_seed();

    const heartmula::GenerationConfig ids = set_.generation_config();
    const text::Prompt prompt =
        text::make_prompt(set_.tokenizer(), {ids.text_bos, ids.text_eos}, request.tags, request.lyrics);
    out.prompt_length = static_cast<std::int64_t>(prompt.length());
    {
        const formats::Checkpoint checkpoint = set_.language_model();
        const auto config = heartmula::Config::parse(checkpoint.config(), checkpoint.describe() + "/config.json");
        set_frame_limit(out, config.backbone.max_length);
    }
    const heartmula::LanguageModel& model = language_model(progress, cancel);
    const heartmula::Config& c = model.config();
    const heartmula::Sampling sampling{request.topk, static_cast<float>(request.temperature),
                                       static_cast<float>(request.cfg_scale)};
    heartmula::SessionOptions session_options;
    session_options.cache_type = cache_type_of(options_);
    heartmula::SongSession session(model, sampling, out.prompt_length + out.frame_limit, session_options);

    std::vector<float> noise(static_cast<std::size_t>(c.codebooks * c.audio_vocabulary));
    const auto draw_noise = [&](std::size_t frame) {
        const auto width = static_cast<std::size_t>(c.audio_vocabulary);
        for (std::size_t q = 0; q < static_cast<std::size_t>(c.codebooks); ++q) {
            fill_gumbel({*out.request.seed, request.take, Draw::token, static_cast<std::uint32_t>(frame),
                         static_cast<std::uint32_t>(q)},
                        std::span(noise).subspan(q * width, width));
        }
        return std::span<const float>(noise);
    };
    std::vector<heartmula::Frame> frames;
    {
        const Stopwatch watch(timings_.prefill);
        report(progress, Phase::prefill, 0, static_cast<double>(out.prompt_length));
        frames.push_back(session.first_frame({prompt.tags, prompt.lyrics}, draw_noise(0), cancel, [&](std::int64_t done) {
            report(progress, Phase::prefill, static_cast<double>(done), static_cast<double>(out.prompt_length));
        }));
    }
    if (listener) listener(frames.back());
    const Stopwatch watch(timings_.frames);
    while (static_cast<std::int64_t>(frames.size()) < out.frame_limit) {
        cancel.check();
        heartmula::Frame next = session.next_frame(frames.back(), draw_noise(frames.size()));
        // As in the reference, an end token counts in any codebook but never in frame 0.
        if (std::any_of(next.begin(), next.end(), [&](std::int32_t token) { return token >= ids.audio_eos; })) {
            out.ended_by_itself = true;
            break;
        }
        frames.push_back(std::move(next));
        if (listener) listener(frames.back());
        const auto n = static_cast<double>(frames.size());
        report(progress, Phase::frames, n, static_cast<double>(out.frame_limit), n * kFrameMs / 1000);
    }
    out.codes = as_codes(frames);
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

std::vector<std::pair<std::string, std::string>> song_settings(const Composition& c, const EngineOptions& o,
                                                               const std::string& model) {
    const SongRequest& r = c.request;
    return {{"model", model},
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
}

}  // namespace heart::engine
