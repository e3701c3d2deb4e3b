#pragma once

#include "engine/generator.h"
#include "options.h"

#include <nlohmann/json.hpp>

#include <exception>
#include <string>

namespace heart::app {

/// Prints one JSON object on standard output.
void print_json(const nlohmann::ordered_json& object);

/// How an error looks to a program.
[[nodiscard]] nlohmann::ordered_json error_json(const std::exception& error);

/// A note for people, on standard error.
void note(const CommonOptions& options, const std::string& text);

/// Throws what writing would throw for reasons that are known before any work: missing folders, formats, rates.
void check_targets(const AudioOptions& options, std::uint32_t sample_rate);

/// Draws the spectrogram that `options` ask for, if any, and adds its name to `report`.
void write_picture(const audio::Waveform& wave, const AudioOptions& options, const std::string& lyrics,
                   const std::string& title, nlohmann::ordered_json& report);

/// Writes song and spectrogram and says so; adds what was done to `report`.
void write_song(const audio::Waveform& wave, const std::string& path, const AudioOptions& options,
                const CommonOptions& common, const std::string& lyrics, const audio::SongTags& tags,
                nlohmann::ordered_json& report);

/// "12.3" of seconds by phase.
[[nodiscard]] nlohmann::ordered_json timings_json(const engine::Timings& timings);
/// As a table on standard error; `first_audio` of a stream, 0 for others.
void print_timings(const engine::Timings& timings, double audio_seconds, double first_audio = 0);

}  // namespace heart::app
