#include "reference_options.h"

#include "audio/song_tags.h"
#include "core/error.h"
#include "formats/npy.h"
#include "formats/tensor_view.h"
#include "interrupt.h"
#include "progress_bar.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace heart::app {

namespace {

/// True for the endings of songs that Heart writes.
bool names_a_song(const std::filesystem::path& path) {
    const std::string ending = path.extension().string();
    constexpr std::array kEndings{".wav", ".flac", ".mp3", ".ogg", ".opus"};
    return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

engine::Reference reference_of_song(const std::string& path) {
    auto reference = engine::reference_of(audio::read_tags(path).settings);
    if (!reference) {
        throw Error(ErrorCode::not_found, fmt::format("the recipe in '{}' names no reference", path))
            .expected("a song that was made with one");
    }
    return *std::move(reference);
}

engine::Reference reference_of_array(const std::string& path) {
    const formats::ArrayPath file = formats::split_array_path(path);
    auto array = formats::read_float_array(file);
    const auto& s = array.shape;
    if (!(s.size() == 1 || (s.size() == 2 && s[0] == 1))) {
        throw Error(ErrorCode::malformed, fmt::format("'{}' does not hold one embedding", path))
            .expected("[n] or [1, n] numbers, such as [512]")
            .found(formats::shape_text(s));
    }
    engine::Reference out;
    out.embedding = std::move(array.values);
    out.source = file.file.filename().string();
    return out;
}

}  // namespace

void ReferenceOptions::add(CLI::App& verb) {
    const std::string group = "What it takes after";
    verb.add_option(both_names("ref-audio"), audio_, "A piece of music to sound like: an audio file")
        ->type_name("FILE")
        ->group(group);
    verb.add_option(both_names("ref-start"), start_, "Where in the file the piece begins, seconds")
        ->check(CLI::Range(0.0, 86'400.0))
        ->capture_default_str()
        ->group(group);
    verb.add_option(both_names("ref-seconds"), seconds_, "How long it is; the model was trained on 10 seconds")
        ->check(CLI::Range(0.1, 3'600.0))
        ->capture_default_str()
        ->group(group);
    choice_.add(verb, group);
    verb.add_option(both_names("ref-embedding"), embedding_,
                    "Embedding of reference audio by MuQ-MuLan, [512] or [1, 512]; of a song, that in its recipe")
        ->type_name("FILE.npy|FILE.safetensors:KEY|SONG")
        ->group(group);
    strength_option_ = verb.add_option(both_names("ref-strength"), strength_,
                                       "The embedding times this enters the model, 0 to 16; of a song, as in its recipe")
                           ->capture_default_str()
                           ->group(group);
}

/// The embedding of the piece. Of several clips the mean, brought back to unit length: training saw no other (see
/// docs/differences.md).
engine::Reference ReferenceOptions::of_audio(const CommonOptions& common) const {
    engine::Embedder embedder = choice_.open(common);
    const engine::SoundFile sound = engine::open_sound(audio_, embedder.sample_rate());
    ProgressBar bar(!common.quiet);
    auto heard = embedder.embed(engine::excerpt(sound.source, embedder.sample_rate(), start_, seconds_), bar.callback(),
                                interrupt_token(), seconds_);
    bar.finish();
    engine::Reference out;
    out.embedding = engine::normalised(std::move(heard.values));
    out.source = std::filesystem::path(audio_).filename().string();
    out.start = start_;
    out.seconds = heard.seconds;
    out.model = choice_.folder;
    out.licence = choice_.licence(common);
    return out;
}

std::optional<engine::Reference> ReferenceOptions::named(const CommonOptions& common) const {
    if (!audio_.empty() && !embedding_.empty()) {
        throw Error(ErrorCode::usage, "two references").expected("either --ref-audio or --ref-embedding");
    }
    if (!audio_.empty()) return of_audio(common);
    if (embedding_.empty()) return std::nullopt;
    return names_a_song(embedding_) ? reference_of_song(embedding_) : reference_of_array(embedding_);
}

std::optional<engine::Reference> ReferenceOptions::read(const CommonOptions& common) const {
    const bool has_strength = strength_option_ != nullptr && strength_option_->count() > 0;
    std::optional<engine::Reference> out = named(common);
    if (has_strength && !out) {
        throw Error(ErrorCode::usage, "--ref-strength without a reference")
            .hint("name one with --ref-audio or --ref-embedding");
    }
    if (has_strength) out->strength = strength_;
    return out;
}

std::string reference_text(const engine::Reference& r) {
    std::string out = fmt::format("{}, strength {}", r.source.empty() ? "an embedding" : printable(r.source), r.strength);
    if (!r.model.empty()) out += ", by " + printable(r.model);
    if (!r.licence.empty()) out += fmt::format(" ({})", printable(r.licence));
    return out;
}

}  // namespace heart::app
