#include "core/error.h"
#include "engine/generator.h"
#include "formats/npy.h"
#include "hub/demo_model.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <optional>

namespace heart::app {

namespace {

struct DecodeOptions {
    CommonOptions common;
    AudioOptions audio;
    engine::SongRequest request;  // seed, steps and guidance of it
    std::string codes, noise;
    std::uint64_t seed = 0;
    bool timings = false;
};

std::optional<engine::GivenNoise> read_noise(const std::string& path) {
    if (path.empty()) return std::nullopt;
    const auto array = formats::read_float_array(formats::split_array_path(path));
    const auto& s = array.shape;
    if (s.size() != 3 || s[1] != 744 || s[2] != 256) {
        throw Error(ErrorCode::malformed, fmt::format("'{}' does not hold codec noise", path))
            .expected("[windows, 744, 256] numbers")
            .found(graph::shape_text({s.begin(), s.end()}));
    }
    return array.values;
}

int decode(DecodeOptions& o) {
    interrupt_token();
    engine::check_request(o.request);
    const engine::Codes codes = engine::read_codes(o.codes);
    const auto noise = read_noise(o.noise);
    if (o.common.model_path.empty()) note(o.common, std::string(hub::demo_model_note()));
    engine::Generator generator(o.common.model_folder(), o.common.engine_options());
    check_targets(o.audio, generator.checkpoints().codec().config().value("sample_rate", 48000U));
    const engine::PlanRequest request{.codec_type = generator.options().codec_type, .with_language_model = false};
    engine::check_fits(engine::plan_memory(generator.checkpoints(), request), generator.room());
    o.request.seed = o.seed;
    ProgressBar bar(!o.common.quiet);
    const audio::Waveform wave =
        generator.render(codes, o.request, noise ? &*noise : nullptr, bar.callback(), interrupt_token());
    bar.finish();

    nlohmann::ordered_json report{{"frames", codes.frames}, {"seed", o.seed}};
    audio::SongTags tags;
    tags.title = o.audio.title;
    tags.settings = {{"seed", std::to_string(o.seed)},
                     {"steps", std::to_string(o.request.codec_steps)},
                     {"guidance", fmt::format("{}", o.request.codec_guidance)},
                     {"first_window_ms", std::to_string(o.request.first_window_ms)},
                     {"model", o.common.model_label()},
                     {"heart", HEART_VERSION}};
    write_song(wave, o.audio.save_path, o.audio, o.common, "", tags, report);
    note(o.common, fmt::format("Audio: {} ({:.1f} s)", o.audio.save_path, wave.seconds()));
    if (o.timings) print_timings(generator.timings(), wave.seconds());
    if (o.common.json) {
        report["timings"] = timings_json(generator.timings());
        print_json(report);
    }
    return kExitDone;
}

}  // namespace

void add_decode(CLI::App& app, Action& action) {
    auto o = std::make_shared<DecodeOptions>();
    CLI::App* verb = app.add_subcommand("decode", "Turn codes into sound");
    o->common.add_model(*verb);
    verb->add_option("--codes", o->codes, "[codebooks, frames] whole numbers")
        ->required()
        ->type_name("FILE.npy|FILE.safetensors:KEY");
    verb->add_option("--noise", o->noise, "[windows, 744, 256] start noise, to reproduce another run")
        ->type_name("FILE.npy|FILE.safetensors:KEY");
    verb->add_option("--seed", o->seed, "Seed of the start noise")->capture_default_str();
    verb->add_option("--steps", o->request.codec_steps, "Euler steps")->capture_default_str();
    verb->add_option("--guidance", o->request.codec_guidance, "Classifier-free guidance, where above 1")
        ->capture_default_str();
    add_first_window(*verb, o->request);
    o->audio.add(*verb, "song.wav");
    o->common.add_engine(*verb);
    verb->add_flag("--timings", o->timings, "Print seconds by phase");
    o->common.add_output(*verb);
    verb->callback([o, &action] { action = [o] { return decode(*o); }; });
}

}  // namespace heart::app
