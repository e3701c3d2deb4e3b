#pragma once

#include "audio/waveform.h"
#include "core/cancel.h"
#include "core/progress.h"
#include "server/database/jobs.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace heart::server::jobs {

/// Finished audio of a song that is being made: interleaved stereo, `position` frames behind its beginning.
using AudioSink = std::function<void(std::span<const float> stereo, std::uint32_t sample_rate, std::int64_t position)>;

struct MakeHooks {
    ProgressFn progress;
    AudioSink on_audio;
};

struct MadeSong {
    audio::Waveform wave;
    std::int64_t frames = 0;
    std::vector<std::pair<std::string, std::string>> recipe;  ///< every setting, by name
};

/// Makes one song at a time: what the runner needs of the engine. Calls come from one thread but for `status`.
class SongMaker {
public:
    SongMaker() = default;
    SongMaker(const SongMaker&) = delete;
    SongMaker& operator=(const SongMaker&) = delete;
    virtual ~SongMaker() = default;

    /// Keeps every frame of codes in `journal` as soon as it is drawn, and goes on behind those that are in it: the song is
    /// the one that it would have been without a break. Cancelling takes effect within a frame or an Euler step. Throws
    /// Error.
    [[nodiscard]] virtual MadeSong make(const database::Job& job, const std::filesystem::path& journal,
                                        const MakeHooks& hooks, const CancelToken& cancel) = 0;

    struct Status {
        bool model_loaded = false;
        bool gpu = false;
        std::string device;  ///< the GPU's name; the processor's instructions else
        std::string model;   ///< what makes the songs
    };
    [[nodiscard]] virtual Status status() const = 0;
};

}  // namespace heart::server::jobs
