#include "server/jobs/engine_song_maker.h"

#include "core/error.h"
#include "server/jobs/job_reference.h"

#include <utility>

namespace heart::server::jobs {

namespace {

engine::SongRequest request_of(const database::Job& job) {
    const database::SongSettings& s = job.settings;
    engine::SongRequest out;
    out.lyrics = s.lyrics;
    out.tags = s.tags;
    out.max_audio_length_ms = s.max_audio_length_ms;
    out.topk = static_cast<int>(s.topk);
    out.temperature = s.temperature;
    out.cfg_scale = s.cfg_scale;
    out.seed = s.seed;
    out.take = static_cast<std::uint32_t>(s.take);
    out.reference = reference_in(job.reference);
    return out;
}

/// Refuses a song that the memory has no room for with the numbers, before anything is loaded.
void check_memory(const engine::Generator& generator, const engine::SongRequest& request) {
    const engine::EngineOptions& o = generator.options();
    const engine::PlanRequest plan{.language_model_type = o.language_model_type,
                                   .codec_type = o.codec_type,
                                   .cache_type = engine::cache_type_of(o),
                                   .songs = 1,
                                   .positions = engine::frames_asked(request),
                                   .cfg_scale = static_cast<float>(request.cfg_scale),
                                   .lazy_load = o.lazy_load,
                                   .streams = true};
    engine::check_fits(engine::plan_memory(generator.checkpoints(), plan), generator.room());
}

}  // namespace

EngineSongMaker::EngineSongMaker(formats::Folder model_folder, engine::EngineOptions options, std::string model_label)
    : folder_(std::move(model_folder)), options_(std::move(options)) {
    const engine::Generator trial(folder_, options_);  // its threads are not those that will compute: see Runner
    const engine::SongPreparer preparer(trial.checkpoints());
    (void)trial.checkpoints().codec();
    const graph::DeviceInfo device = trial.device();
    about_.device = device.description;
    about_.gpu = !device.name.starts_with("cpu");
    about_.model = std::move(model_label);
}

engine::Generator& EngineSongMaker::generator() {
    if (!generator_) generator_ = std::make_unique<engine::Generator>(folder_, options_);
    return *generator_;
}

MadeSong EngineSongMaker::make(const database::Job& job, const std::filesystem::path& journal_file, const MakeHooks& hooks,
                               const CancelToken& cancel) {
    const engine::SongRequest request = request_of(job);
    engine::Generator& made_by = generator();
    engine::check_request(request);
    if (!loaded_) check_memory(made_by, request);
    engine::CodesJournal journal(journal_file,
                                 engine::journal_subject(made_by.checkpoints(), options_, made_by.device().name, request));
    MadeSong song;
    song.wave.channels.resize(2);
    const auto take = [&](const engine::AudioBlock& block) {
        song.wave.sample_rate = block.sample_rate;
        for (std::size_t i = 0; i < block.stereo.size(); ++i) song.wave.channels[i % 2].push_back(block.stereo[i]);
        if (hooks.on_audio) hooks.on_audio(block.stereo, block.sample_rate, block.position);
    };
    const auto watch = [&](const Progress& progress) {
        if (progress.phase == Phase::frames) loaded_ = true;
        if (hooks.progress) hooks.progress(progress);
    };
    const engine::StreamedSong streamed = made_by.stream(request, take, watch, cancel, &journal);
    song.frames = streamed.composition.codes.frames;
    song.recipe = engine::song_settings(streamed.composition, options_, about_.model);
    return song;
}

SongMaker::Status EngineSongMaker::status() const {
    Status out = about_;
    out.model_loaded = loaded_;
    return out;
}

}  // namespace heart::server::jobs
