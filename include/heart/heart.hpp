// Heart for C++: owning handles and exceptions over heart.h. Header-only.
#pragma once

#include "heart.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace heart {

/// What a failed call throws; `what()` is one line.
class Exception : public std::runtime_error {
public:
    explicit Exception(const heart_error& error) : std::runtime_error(error.message), status_(error.status) {}
    [[nodiscard]] heart_status status() const noexcept { return status_; }

private:
    heart_status status_;
};

/// A finished song.
class Song {
public:
    explicit Song(heart_song* song) : song_(song, heart_song_free) {}

    [[nodiscard]] std::uint32_t sample_rate() const { return heart_song_sample_rate(song_.get()); }
    [[nodiscard]] std::size_t channels() const { return heart_song_channels(song_.get()); }
    [[nodiscard]] std::span<const float> channel(std::size_t i) const {
        return {heart_song_channel(song_.get(), i), heart_song_samples(song_.get())};
    }
    [[nodiscard]] std::uint64_t seed() const { return heart_song_seed(song_.get()); }
    [[nodiscard]] bool ended_by_itself() const { return heart_song_ended_by_itself(song_.get()) != 0; }

    void save(const std::string& path, const std::string& title = {}) const {
        heart_error error{};
        if (heart_song_save(song_.get(), path.c_str(), title.empty() ? nullptr : title.c_str(), &error) != HEART_OK) {
            throw Exception(error);
        }
    }

private:
    std::unique_ptr<heart_song, void (*)(heart_song*)> song_;
};

/// What a song is made from; defaults are the reference's.
struct SongOptions : heart_song_options {
    SongOptions() { heart_song_options_init(this); }

    /// Return false to stop.
    std::function<bool(const heart_progress&)> on_progress;
    /// Hears the song while it is made, left and right by turns, on another thread; return false to stop.
    std::function<bool(std::span<const float> stereo, std::uint32_t sample_rate)> on_audio;
    /// Embedding of audio that the song is to take after, in place of `reference_embedding`; empty: that, if any.
    std::vector<float> reference;
};

/// Models and devices.
class Engine {
public:
    explicit Engine(const heart_engine_options* options = nullptr) : engine_(nullptr, heart_engine_close) {
        heart_error error{};
        heart_engine* engine = nullptr;
        if (heart_engine_open(options, &engine, &error) != HEART_OK) throw Exception(error);
        engine_.reset(engine);
    }

    [[nodiscard]] Song generate(SongOptions options) {
        heart_error error{};
        heart_song* song = nullptr;
        if (options.on_progress) {
            options.user = &options.on_progress;
            options.progress = [](const heart_progress* progress, void* user) {
                return (*static_cast<std::function<bool(const heart_progress&)>*>(user))(*progress) ? 0 : 1;
            };
        }
        if (options.on_audio) {
            options.audio_user = &options.on_audio;
            options.audio = [](const float* stereo, size_t frames, std::uint32_t sample_rate, void* user) {
                auto& hear = *static_cast<decltype(options.on_audio)*>(user);
                return hear({stereo, 2 * frames}, sample_rate) ? 0 : 1;
            };
        }
        if (!options.reference.empty()) {
            options.reference_embedding = options.reference.data();
            options.reference_count = options.reference.size();
        }
        if (heart_generate(engine_.get(), &options, &song, &error) != HEART_OK) throw Exception(error);
        return Song(song);
    }

private:
    std::unique_ptr<heart_engine, void (*)(heart_engine*)> engine_;
};

}  // namespace heart
