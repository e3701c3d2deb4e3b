#include "output.h"

#include "audio/replace_file.h"
#include "audio/spectrogram.h"
#include "audio/write_file.h"
#include "core/error.h"
#include "interrupt.h"
#include "text/lyrics.h"

#include <fmt/format.h>

#include <cstdio>

namespace heart::app {

using Json = nlohmann::ordered_json;

void print_json(const Json& object) {
    fmt::print("{}\n", object.dump(2, ' ', false, Json::error_handler_t::replace));
}

Json error_json(const std::exception& error) {
    const auto* typed = dynamic_cast<const Error*>(&error);
    if (typed == nullptr) return {{"error", {{"code", "internal"}, {"message", printable(error.what())}}}};
    Json out{{"code", error_code_name(typed->code())}, {"message", typed->message()}};
    if (!typed->expected_text().empty()) out["expected"] = typed->expected_text();
    if (!typed->found_text().empty()) out["found"] = typed->found_text();
    if (!typed->hint_text().empty()) out["hint"] = typed->hint_text();
    return {{"error", out}};
}

void note(const CommonOptions& options, const std::string& text) {
    if (!options.quiet) fmt::print(stderr, "{}\n", text);
}

void check_targets(const AudioOptions& options, std::uint32_t sample_rate) {
    if (!options.save_path.empty()) audio::check_target_format(options.save_path, sample_rate, options.format());
    if (options.spectrogram.empty()) return;
    audio::check_target(options.spectrogram);
    if (!options.spectrogram.ends_with(".png") && !options.spectrogram.ends_with(".PNG")) {
        throw Error(ErrorCode::usage, "--spectrogram draws PNG files")
            .expected("a name ending in .png")
            .found(options.spectrogram);
    }
}

namespace {

/// Nobody says when a section begins: the markers are spread over the song by the lines of words between them.
std::vector<audio::SectionMark> place_sections(const std::string& lyrics, double seconds) {
    const auto sections = text::find_sections(lyrics);
    std::vector<audio::SectionMark> out;
    out.reserve(sections.size());
    const auto lines = static_cast<double>(std::count(lyrics.begin(), lyrics.end(), '\n') + 1);
    for (const text::Section& s : sections) out.push_back({s.name, seconds * static_cast<double>(s.line) / lines});
    return out;
}

}  // namespace

void write_picture(const audio::Waveform& wave, const AudioOptions& options, const std::string& lyrics,
                   const std::string& title, Json& report) {
    if (options.spectrogram.empty()) return;
    audio::write_spectrogram(options.spectrogram, wave, place_sections(lyrics, wave.seconds()), title);
    report["spectrogram"] = options.spectrogram;
}

void write_song(const audio::Waveform& wave, const std::string& path, const AudioOptions& options,
                const CommonOptions& common, const std::string& lyrics, const audio::SongTags& tags, Json& report) {
    const auto done = audio::write_audio(path, wave, {options.format(), &interrupt_token()}, tags);
    report["path"] = path;
    report["seconds"] = wave.seconds();
    report["sample_rate"] = wave.sample_rate;
    report["bytes"] = done.bytes;
    report["peak"] = audio::peak(wave);
    report["gain_db"] = done.gain_db;
    if (done.gain_db < 0) {
        note(common, fmt::format("The song was too loud for its format and was turned down by {:.1f} dB.", -done.gain_db));
    }
    write_picture(wave, options, lyrics, tags.title, report);
}

Json timings_json(const engine::Timings& t) {
    return {{"load_language_model", t.load_language_model},
            {"prefill", t.prefill},
            {"frames", t.frames},
            {"load_codec", t.load_codec},
            {"decode", t.decode},
            {"total", t.total()}};
}

void print_timings(const engine::Timings& t, double audio_seconds, double first_audio) {
    const std::pair<const char*, double> rows[] = {{"load HeartMuLa", t.load_language_model},
                                                   {"read the prompt", t.prefill},
                                                   {"compose frames", t.frames},
                                                   {"load HeartCodec", t.load_codec},
                                                   {"render audio", t.decode}};
    for (const auto& [name, seconds] : rows) fmt::print(stderr, "  {:<16} {:8.2f} s\n", name, seconds);
    if (t.at_once > 0) fmt::print(stderr, "  {:<16} {:8.2f} s\n", "two at once", -t.at_once);
    fmt::print(stderr, "  {:<16} {:8.2f} s for {:.1f} s of audio (RTF {:.3f})\n", "all", t.total(), audio_seconds,
               audio_seconds > 0 ? t.total() / audio_seconds : 0.0);
    if (first_audio > 0) fmt::print(stderr, "  {:<16} {:8.2f} s\n", "first audio after", first_audio);
}

}  // namespace heart::app
