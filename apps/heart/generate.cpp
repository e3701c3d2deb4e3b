#include "audio/replace_file.h"
#include "core/error.h"
#include "core/philox.h"
#include "engine/generator.h"
#include "hub/demo_model.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "reference_options.h"
#include "stream_output.h"
#include "text/lyrics.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace heart::app {

namespace {

struct GenerateOptions {
    CommonOptions common;
    AudioOptions audio;
    StreamOptions stream;
    ReferenceOptions reference;
    engine::SongRequest request;
    std::string lyrics_file, lyrics_text, tags, save_codes;
    std::uint64_t seed = 0;
    bool has_seed = false, has_save_path = false, timings = false;
    std::uint32_t takes = 1;
    std::int64_t batch = 0;  // takes composed at once; 0: as many as are worth it and fit
};

/// Fills in the request's words; without any, the built-in example's.
void read_words(GenerateOptions& o) {
    if (o.lyrics_file.empty() && o.lyrics_text.empty() && o.tags.empty()) {
        o.request.lyrics = hub::example_lyrics();
        o.request.tags = hub::example_tags();
        note(o.common, "No --lyrics and no --tags: using the built-in example.");
        return;
    }
    if (!o.lyrics_file.empty()) {
        try {
            o.request.lyrics = read_text(o.lyrics_file);
        } catch (Error& e) {
            if (e.code() == ErrorCode::not_found)
                throw Error(e).hint("--lyrics names a file; --lyrics-text takes the words themselves");
            throw;
        }
    }
    if (!o.lyrics_text.empty()) o.request.lyrics = o.lyrics_text;
    o.request.tags = read_tags(o.tags);
}

/// The first line of words, or else the tags.
std::string default_title(const engine::SongRequest& r) {
    std::size_t at = 0;
    while (at < r.lyrics.size()) {
        std::size_t end = r.lyrics.find_first_of("\r\n", at);
        if (end == std::string::npos) end = r.lyrics.size();
        const std::string line = r.lyrics.substr(at, end - at);
        const std::size_t first = line.find_first_not_of(" \t");
        if (first != std::string::npos && line[first] != '[') return printable(line.substr(first), 80);
        at = end + 1;
    }
    return printable(r.tags, 80);
}

/// "song.wav", take 2 of several -> "song-2.wav".
std::string path_of_take(const std::string& path, std::uint32_t take, std::uint32_t takes) {
    if (takes == 1 || path.empty()) return path;
    std::filesystem::path p(path);
    p.replace_filename(fmt::format("{}-{}{}", p.stem().string(), take + 1, p.extension().string()));
    return p.string();
}

audio::SongTags tags_of(const GenerateOptions& o, const engine::Composition& c, const engine::EngineOptions& engine) {
    audio::SongTags tags;
    tags.title = o.audio.title.empty() ? default_title(c.request) : o.audio.title;
    tags.artist = "Heart " HEART_VERSION;
    tags.genre = c.request.tags;
    tags.lyrics = c.request.lyrics;
    tags.settings = song_settings(c, engine, o.common.model_label());
    tags.settings.emplace_back("heart", HEART_VERSION);
    return tags;
}

std::uint32_t sample_rate_of(const engine::CheckpointSet& set) {
    return set.codec().config().value("sample_rate", 48000U);
}

/// The files that one take writes.
AudioOptions audio_of_take(const GenerateOptions& o, std::uint32_t take) {
    AudioOptions each = o.audio;
    each.save_path = path_of_take(o.audio.save_path, take, o.takes);
    each.spectrogram = path_of_take(o.audio.spectrogram, take, o.takes);
    return each;
}

/// Refuses what cannot work before anything is loaded.
void check_before_work(const GenerateOptions& o, const engine::CheckpointSet& set, bool renders) {
    engine::check_request(o.request);
    for (std::uint32_t take = 0; take < o.takes; ++take) {
        AudioOptions each = audio_of_take(o, take);
        if (o.stream.on) audio::StreamWriter::check(each.save_path);
        if (o.stream.on || !renders) each.save_path.clear();
        check_targets(each, renders ? sample_rate_of(set) : 48000U);
        if (!o.save_codes.empty()) audio::check_target(path_of_take(o.save_codes, take, o.takes));
    }
}

/// The plan for as many takes at once as are asked for, or else as are worth it and fit.
engine::MemoryPlan plan_takes(const GenerateOptions& o, const engine::Generator& generator, bool renders) {
    constexpr std::int64_t kWorthIt = 4;  // beyond it a CPU is busy with arithmetic, not with reading weights
    const std::int64_t most = o.stream.on ? 1 : std::min<std::int64_t>(o.takes, o.batch > 0 ? o.batch : kWorthIt);
    engine::PlanRequest request{.language_model_type = generator.options().language_model_type,
                                .codec_type = generator.options().codec_type,
                                .cache_type = engine::cache_type_of(generator.options()),
                                .songs = most,
                                .positions = engine::frames_asked(o.request),
                                .cfg_scale = static_cast<float>(o.request.cfg_scale),
                                .lazy_load = generator.options().lazy_load,
                                .with_codec = renders,
                                .streams = o.stream.on};
    const engine::Room room = generator.room();
    engine::MemoryPlan plan = engine::plan_memory(generator.checkpoints(), request);
    while (o.batch == 0 && request.songs > 1 && !engine::fits(plan, room)) {
        --request.songs;
        plan = engine::plan_memory(generator.checkpoints(), request);
    }
    engine::check_fits(plan, room);
    return plan;
}

std::vector<engine::Composition> compose_takes(const GenerateOptions& o, engine::Generator& generator,
                                               std::int64_t at_once) {
    std::vector<engine::SongRequest> requests(o.takes, o.request);
    for (std::uint32_t take = 0; take < o.takes; ++take) requests[take].take = take;
    ProgressBar bar(!o.common.quiet);
    auto takes = generator.compose_together(requests, at_once, bar.callback(), interrupt_token());
    bar.finish();
    return takes;
}

/// Says what was composed, and keeps its codes when that is asked for.
nlohmann::ordered_json report_composition(const GenerateOptions& o, const engine::Composition& c) {
    if (c.limited_by_context) {
        note(o.common, fmt::format("The model's context has room for {:.1f} s of audio behind this prompt.",
                                   static_cast<double>(c.frame_limit) / engine::kFramesPerSecond));
    }
    nlohmann::ordered_json report{{"seed", *c.request.seed},
                                  {"take", c.request.take},
                                  {"frames", c.codes.frames},
                                  {"ended_by_itself", c.ended_by_itself}};
    if (const auto& r = c.request.reference) {
        report["reference"] = {
            {"source", printable(r->source)}, {"strength", r->strength}, {"sha256", engine::embedding_sha256(r->embedding)}};
    }
    if (!o.save_codes.empty()) {
        const std::string path = path_of_take(o.save_codes, c.request.take, o.takes);
        audio::replace_file(path, engine::codes_as_npy(c.codes));
        report["codes"] = path;
        note(o.common, fmt::format("Codes: {}", path));
    }
    return report;
}

/// Writes what is wanted of a take; returns what to report of it.
nlohmann::ordered_json finish_take(const GenerateOptions& o, engine::Generator& generator, const engine::Composition& c,
                                   bool renders) {
    nlohmann::ordered_json report = report_composition(o, c);
    if (renders) {
        ProgressBar bar(!o.common.quiet);
        const audio::Waveform wave = generator.render(c.codes, c.request, nullptr, bar.callback(), interrupt_token());
        bar.finish();
        const AudioOptions each = audio_of_take(o, c.request.take);
        write_song(wave, each.save_path, each, o.common, c.request.lyrics, tags_of(o, c, generator.options()), report);
        note(o.common, fmt::format("Song: {} ({:.1f} s, seed {})", each.save_path, wave.seconds(), *c.request.seed));
    }
    return report;
}

nlohmann::ordered_json stream_take(const GenerateOptions& o, engine::Generator& generator, std::uint32_t take) {
    ProgressBar bar(!o.common.quiet);
    engine::SongRequest request = o.request;
    request.take = take;
    const AudioOptions each = audio_of_take(o, take);
    StreamOutput output(each.save_path, o.stream.written_as(each), sample_rate_of(generator.checkpoints()),
                        !each.spectrogram.empty());
    const auto sink = [&](const engine::AudioBlock& block) { output.put(block); };
    const engine::StreamedSong song = generator.stream(request, sink, bar.callback(), interrupt_token());
    bar.finish();
    const engine::Composition& c = song.composition;
    const audio::SongTags tags = tags_of(o, c, generator.options());
    const audio::StreamReport done = output.finish(tags);

    nlohmann::ordered_json report = report_composition(o, c);
    const double seconds = static_cast<double>(done.frames) / static_cast<double>(song.sample_rate);
    report["path"] = each.save_path;
    report["seconds"] = seconds;
    report["sample_rate"] = song.sample_rate;
    report["bytes"] = done.bytes;
    report["peak"] = done.peak;
    report["clipped_samples"] = done.clipped;
    report["first_audio_seconds"] = song.first_audio_seconds;
    if (done.clipped > 0) {
        note(o.common, fmt::format("{} samples were too loud for their format and were clipped (peak {:.2f}); without "
                                   "--stream the song is turned down instead.",
                                   done.clipped, done.peak));
    }
    write_picture(output.wave(), each, c.request.lyrics, tags.title, report);
    note(o.common, fmt::format("Song: {} ({:.1f} s, seed {}, first audio after {:.1f} s)",
                               each.save_path == audio::StreamWriter::kStandardOutput ? "standard output" : each.save_path,
                               seconds, *c.request.seed, song.first_audio_seconds));
    return report;
}

int generate(GenerateOptions& o) {
    interrupt_token();
    o.stream.check(o.audio, o.common, o.takes);
    if (o.stream.on) ignore_broken_pipes();
    read_words(o);
    o.request.reference = o.reference.read(o.common);
    if (o.request.reference) note(o.common, "Reference: " + reference_text(*o.request.reference));
    if (o.common.model_path.empty()) note(o.common, std::string(hub::demo_model_note()));
    const bool renders = o.save_codes.empty() || o.has_save_path || !o.audio.spectrogram.empty() || o.stream.on;
    o.request.seed = o.has_seed ? o.seed : random_seed();  // all takes share one
    engine::Generator generator(o.common.model_folder(), o.common.engine_options());
    check_before_work(o, generator.checkpoints(), renders);
    const engine::MemoryPlan memory = plan_takes(o, generator, renders);
    if (!o.common.model_path.empty()) note(o.common, "Memory: " + engine::plan_text(memory));
    if (o.stream.on && generator.options().lazy_load) {
        note(o.common, "With --lazy-load the models take turns: the sound begins when the song is composed.");
    }
    nlohmann::ordered_json songs = nlohmann::ordered_json::array();
    double seconds = 0;
    if (o.stream.on) {
        for (std::uint32_t take = 0; take < o.takes; ++take) songs.push_back(stream_take(o, generator, take));
    } else {
        for (const engine::Composition& take : compose_takes(o, generator, memory.songs)) {
            songs.push_back(finish_take(o, generator, take, renders));
        }
    }
    for (const auto& song : songs) seconds += song.at("frames").get<double>() / engine::kFramesPerSecond;
    if (o.timings) print_timings(generator.timings(), seconds, songs.at(0).value("first_audio_seconds", 0.0));
    if (o.common.json) {
        nlohmann::ordered_json out = songs.at(0);
        out["model"] = o.common.model_label();
        out["timings"] = timings_json(generator.timings());
        if (o.takes > 1) {
            out["composed_at_once"] = memory.songs;
            out["songs"] = songs;
        }
        print_json(out);
    }
    return kExitDone;
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
    auto o = std::make_shared<GenerateOptions>();
    CLI::App* verb = app.add_subcommand("generate", "Make a song from lyrics and tags");
    o->common.add_model(*verb);
    auto* file =
        verb->add_option("--lyrics", o->lyrics_file, "File with the lyrics, or - for standard input")->type_name("FILE|-");
    verb->add_option(both_names("lyrics-text"), o->lyrics_text, "The lyrics themselves")->excludes(file);
    verb->add_option("--tags", o->tags, "Comma-separated tags; @FILE or a .txt file is read")->type_name("TEXT|FILE");
    engine::SongRequest& r = o->request;
    verb->add_option(both_names("max-audio-length-ms"), r.max_audio_length_ms, "Longest song, milliseconds")
        ->capture_default_str();
    verb->add_option("--topk", r.topk, "Draw from the k likeliest codes; 1 always takes the likeliest")
        ->capture_default_str();
    verb->add_option("--temperature", r.temperature, "Above 1 more varied, below 1 more predictable")->capture_default_str();
    verb->add_option(both_names("cfg-scale"), r.cfg_scale, "How strongly to follow lyrics and tags")->capture_default_str();
    auto* seed = verb->add_option("--seed", o->seed, "Same seed, same build, same device: same song; default: random");
    verb->add_option("--takes", o->takes, "Songs to make with this seed")->capture_default_str()->check(CLI::Range(1, 1000));
    verb->add_option("--batch", o->batch, "Takes composed at once; default: up to 4, as many as fit into memory")
        ->check(CLI::Range(1, 64));
    verb->add_option("--steps", r.codec_steps, "Euler steps of the codec")->capture_default_str();
    verb->add_option("--guidance", r.codec_guidance, "Guidance of the codec")->capture_default_str();
    add_first_window(*verb, r);
    o->reference.add(*verb);
    o->audio.add(*verb, "song.wav");
    o->stream.add(*verb);
    verb->add_option(both_names("save-codes"), o->save_codes, "Write the codes; without --save-path nothing else is written")
        ->type_name("FILE.npy")
        ->group("What is written");
    o->common.add_engine(*verb);
    verb->add_flag("--timings", o->timings, "Print seconds by phase");
    o->common.add_output(*verb);
    verb->callback([o, seed, verb, &action] {
        o->has_seed = seed->count() > 0;
        o->has_save_path = verb->get_option("--save-path")->count() > 0;
        action = [o] { return generate(*o); };
    });
}

}  // namespace heart::app
