// The C interface (include/heart/heart.h) over the engine.

#include "heart/heart.h"

#include "audio/write_file.h"
#include "core/error.h"
#include "engine/generator.h"
#include "hub/demo_model.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

using heart::Error;
using heart::ErrorCode;

struct heart_engine {
    heart::engine::Generator generator;
    std::string label;  // of the model, for the song's settings
};

struct heart_song {
    heart::engine::Song song;
    heart::engine::EngineOptions options;
    std::string label;
};

namespace {

heart_status report(heart_error* error, heart_status status, const char* message) {
    if (error != nullptr) {
        error->status = status;
        const std::size_t n = std::min(std::strlen(message), sizeof error->message - 1);
        std::memcpy(error->message, message, n);
        error->message[n] = '\0';
    }
    return status;
}

/// Runs `work` and turns whatever it throws into a status: nothing may cross into C.
template <typename Work>
heart_status guarded(heart_error* error, const Work& work) noexcept {
    if (error != nullptr) *error = {HEART_OK, ""};
    try {
        work();
        return HEART_OK;
    } catch (const Error& e) {
        return report(error, static_cast<heart_status>(e.code()), e.what());
    } catch (const std::bad_alloc&) {
        return report(error, HEART_MEMORY, "not enough memory");
    } catch (const std::exception& e) {
        return report(error, HEART_INTERNAL, e.what());
    } catch (...) {
        return report(error, HEART_INTERNAL, "unknown failure");
    }
}

void require(bool holds, const char* what) {
    if (!holds) throw Error(ErrorCode::usage, what);
}

std::string text_or(const char* text, const char* otherwise) {
    return text == nullptr ? otherwise : text;
}

std::optional<heart::engine::Reference> reference_of(const heart_song_options& o) {
    constexpr std::size_t kMost = 1 << 16;  // numbers that a model's config can ask for
    if (o.reference_embedding == nullptr) {
        require(o.reference_count == 0, "reference_embedding must not be NULL where reference_count is not 0");
        return std::nullopt;
    }
    require(o.reference_count <= kMost, "reference_count must be at most 65536");
    heart::engine::Reference r;
    r.embedding.assign(o.reference_embedding, o.reference_embedding + o.reference_count);
    r.strength = o.reference_strength;
    r.source = text_or(o.reference_source, "");
    r.model = text_or(o.reference_model, "");
    r.licence = text_or(o.reference_licence, "");
    return r;
}

heart::engine::SongRequest request_of(const heart_song_options& o) {
    heart::engine::SongRequest r;
    r.lyrics = text_or(o.lyrics, "");
    r.tags = text_or(o.tags, "");
    r.max_audio_length_ms = o.max_audio_length_ms;
    r.topk = o.topk;
    r.temperature = o.temperature;
    r.cfg_scale = o.cfg_scale;
    if (o.has_seed != 0) r.seed = o.seed;
    r.take = o.take;
    r.codec_steps = o.codec_steps;
    r.codec_guidance = o.codec_guidance;
    r.first_window_ms = o.first_window_ms;
    r.reference = reference_of(o);
    return r;
}

/// The caller's progress callback, and the stopping it may ask for.
struct Watcher {
    explicit Watcher(const heart_song_options& o) : options(o) {}

    heart::ProgressFn callback() {
        if (options.progress == nullptr) return {};
        return [this](const heart::Progress& p) {
            const heart_progress c{heart::phase_name(p.phase).data(), p.done, p.total, p.audio_seconds};
            if (options.progress(&c, options.user) != 0) token.cancel();
        };
    }

    const heart_song_options& options;
    heart::CancelToken token;
};

/// Makes the song with every block handed to the caller's audio callback first.
heart::engine::Song stream_song(heart::engine::Generator& generator, Watcher& watcher) {
    const heart_song_options& o = watcher.options;
    heart::engine::Song made;
    made.audio.channels.resize(2);
    const auto hear = [&](const heart::engine::AudioBlock& block) {
        if (o.audio(block.stereo.data(), block.stereo.size() / 2, block.sample_rate, o.audio_user) != 0) {
            throw Error(ErrorCode::cancelled, "stopped on request");
        }
        for (std::size_t i = 0; i < block.stereo.size(); ++i) made.audio.channels[i % 2].push_back(block.stereo[i]);
    };
    auto streamed = generator.stream(request_of(o), hear, watcher.callback(), watcher.token);
    made.composition = std::move(streamed.composition);
    made.audio.sample_rate = streamed.sample_rate;
    return made;
}

void check_song_options(const heart_engine* engine, const heart_song_options* options, heart_song** song) {
    require(engine != nullptr && options != nullptr && song != nullptr, "engine, options and song must not be NULL");
    require(options->struct_size == sizeof(heart_song_options), "options must be set up by heart_song_options_init");
    *song = nullptr;
}

}  // namespace

const char* heart_version(void) {
    return HEART_VERSION;
}

const char* heart_status_name(heart_status status) {
    return status == HEART_OK ? "ok" : heart::error_code_name(static_cast<ErrorCode>(status)).data();
}

void heart_engine_options_init(heart_engine_options* options) {
    if (options == nullptr) return;
    *options = {sizeof *options, nullptr, "3B", "auto", "bfloat16", "float32", 0, 0};
}

heart_status heart_engine_open(const heart_engine_options* options, heart_engine** engine, heart_error* error) {
    return guarded(error, [&] {
        require(engine != nullptr, "engine must not be NULL");
        *engine = nullptr;
        heart_engine_options defaults;
        heart_engine_options_init(&defaults);
        const heart_engine_options& o = options == nullptr ? defaults : *options;
        require(o.struct_size == sizeof o, "options must be set up by heart_engine_options_init");

        heart::engine::EngineOptions settings;
        settings.version = text_or(o.version, "3B");
        settings.language_model_device = settings.codec_device = text_or(o.device, "auto");
        settings.language_model_type = heart::engine::parse_type(text_or(o.mula_dtype, "bfloat16"));
        settings.codec_type = heart::engine::parse_type(text_or(o.codec_dtype, "float32"));
        settings.lazy_load = o.lazy_load != 0;
        settings.threads = o.threads;
        const bool demo = o.model_path == nullptr;
        const auto folder = demo ? heart::hub::demo_model() : heart::formats::Folder::on_disk(o.model_path);
        const std::string label = demo ? "demo" : std::filesystem::path(o.model_path).filename().string();
        *engine = new heart_engine{heart::engine::Generator(folder, settings), label};
    });
}

void heart_engine_close(heart_engine* engine) {
    delete engine;
}

void heart_song_options_init(heart_song_options* options) {
    if (options == nullptr) return;
    const heart::engine::SongRequest r;
    *options = {sizeof *options,
                nullptr,
                nullptr,
                r.max_audio_length_ms,
                r.topk,
                r.temperature,
                r.cfg_scale,
                0,
                0,
                r.take,
                r.codec_steps,
                r.codec_guidance,
                nullptr,
                nullptr,
                r.first_window_ms,
                nullptr,
                nullptr,
                nullptr,
                0,
                heart::engine::Reference{}.strength,
                nullptr,
                nullptr,
                nullptr};
}

heart_status heart_generate(heart_engine* engine, const heart_song_options* options, heart_song** song, heart_error* error) {
    return guarded(error, [&] {
        check_song_options(engine, options, song);
        Watcher watcher(*options);
        auto made = options->audio != nullptr
                        ? stream_song(engine->generator, watcher)
                        : engine->generator.generate(request_of(*options), watcher.callback(), watcher.token);
        *song = new heart_song{std::move(made), engine->generator.options(), engine->label};
    });
}

heart_status heart_decode(heart_engine* engine, const int32_t* codes, int64_t codebooks, int64_t frames,
                          const heart_song_options* options, heart_song** song, heart_error* error) {
    return guarded(error, [&] {
        check_song_options(engine, options, song);
        require(codes != nullptr && codebooks >= 1 && codebooks <= 64 && frames >= 1 && frames <= 1'000'000,
                "codes must hold 1 to 64 codebooks and 1 to 1000000 frames");
        Watcher watcher(*options);
        heart::engine::Song made;
        made.composition.request = request_of(*options);
        if (options->has_seed == 0) made.composition.request.seed = 0;
        made.composition.codes = {codebooks, frames, {codes, codes + codebooks * frames}};
        made.audio = engine->generator.render(made.composition.codes, made.composition.request, nullptr, watcher.callback(),
                                              watcher.token);
        *song = new heart_song{std::move(made), engine->generator.options(), engine->label};
    });
}

uint32_t heart_song_sample_rate(const heart_song* song) {
    return song == nullptr ? 0 : song->song.audio.sample_rate;
}

size_t heart_song_channels(const heart_song* song) {
    return song == nullptr ? 0 : song->song.audio.channels.size();
}

size_t heart_song_samples(const heart_song* song) {
    return song == nullptr ? 0 : song->song.audio.frames();
}

const float* heart_song_channel(const heart_song* song, size_t channel) {
    return channel < heart_song_channels(song) ? song->song.audio.channels[channel].data() : nullptr;
}

const int32_t* heart_song_codes(const heart_song* song, int64_t* codebooks, int64_t* frames) {
    if (song == nullptr) return nullptr;
    if (codebooks != nullptr) *codebooks = song->song.composition.codes.codebooks;
    if (frames != nullptr) *frames = song->song.composition.codes.frames;
    return song->song.composition.codes.values.data();
}

uint64_t heart_song_seed(const heart_song* song) {
    return song == nullptr ? 0 : song->song.composition.request.seed.value_or(0);
}

int heart_song_ended_by_itself(const heart_song* song) {
    return song != nullptr && song->song.composition.ended_by_itself ? 1 : 0;
}

heart_status heart_song_save(const heart_song* song, const char* path, const char* title, heart_error* error) {
    return guarded(error, [&] {
        require(song != nullptr && path != nullptr, "song and path must not be NULL");
        const auto& c = song->song.composition;
        heart::audio::SongTags tags;
        tags.title = text_or(title, "");
        tags.artist = "Heart " HEART_VERSION;
        tags.genre = c.request.tags;
        tags.lyrics = c.request.lyrics;
        tags.settings = song_settings(c, song->options, song->label);
        heart::audio::write_audio(path, song->song.audio, {}, tags);
    });
}

void heart_song_free(heart_song* song) {
    delete song;
}
