#pragma once

#include "audio/png.h"
#include "audio/waveform.h"
#include "server/library/library.h"

#include "../unit/audio_test_support.h"

#include <string>

namespace heart::test {

namespace fs = std::filesystem;
using audio::testing::error_of;
using audio::testing::file_bytes;
using audio::testing::put_file;
using audio::testing::read_sound;
using audio::testing::TemporaryFolder;
using server::database::Song;
using server::library::Format;
using server::library::Library;

inline const CancelToken kNever;
inline constexpr Format kFormats[] = {Format::wav, Format::flac, Format::mp3, Format::opus};

/// A song's id with this number in it.
inline std::string id_of(unsigned number) {
    std::string digits = std::to_string(number);
    return "f81d4fae-7dec-41d0-a765-" + std::string(12 - digits.size(), '0') + digits;
}

inline Song song_of(unsigned number) {
    Song song;
    song.id = id_of(number);
    song.settings.title = "Größe " + std::to_string(number);
    song.settings.tags = "piano, calm";
    song.settings.lyrics = "[verse]\nla la\n[chorus]\nlo lo\n";
    song.recipe = R"({"seed":"11","top_k":"50"})";
    return song;
}

inline const std::vector<std::pair<std::string, std::string>> kRecipe{{"seed", "11"}, {"top_k", "50"}};

/// Half a second, quiet first and loud then.
inline audio::Waveform sound_of(double level = 0.8) {
    audio::Waveform wave = audio::testing::tones(24'000, 2, 48000, 300, level);
    for (auto& channel : wave.channels) {
        for (std::size_t i = 0; i < channel.size() / 2; ++i) channel[i] *= 0.1F;
    }
    return wave;
}

inline Song kept(Library& library, unsigned number) {
    Song song = song_of(number);
    library.keep(song, sound_of(), kRecipe, kNever);
    return song;
}

inline std::string png_of(std::size_t width, std::size_t height, audio::Rgb colour) {
    const std::vector<char> bytes = audio::encode_png(audio::Image(width, height, colour));
    return {bytes.begin(), bytes.end()};
}

/// Every file below the folder, with its path from there.
inline std::vector<std::string> files_below(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_directory()) names.push_back(fs::relative(entry.path(), folder).generic_string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace heart::test
