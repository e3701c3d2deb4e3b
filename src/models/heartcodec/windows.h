#pragma once

#include "models/heartcodec/config.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace heart::heartcodec {

/// How a song is cut into windows (heartlib modeling_heartcodec.py, detokenize): 29.76 s each, of which the last 4.16 s
/// are computed again at the start of the next, held there by its latents and cross-faded in its sound.
struct WindowPlan {
    static constexpr std::int64_t kWindowCodes = 372;
    static constexpr std::int64_t kHopCodes = 320;
    static constexpr std::int64_t kOverlapCodes = kWindowCodes - kHopCodes;
    static constexpr std::int64_t kWindowLatents = kWindowCodes * kLatentsPerCode;
    static constexpr std::int64_t kOverlapLatents = kOverlapCodes * kLatentsPerCode;

    std::int64_t codes = 0;  ///< of the song
    std::int64_t windows = 0;

    /// For `codes` >= 1. Where the reference forgets the tail ((codes - 104) a multiple of 320, from 424 on), this plan
    /// has the window that holds it.
    [[nodiscard]] static WindowPlan of(std::int64_t codes);

    /// The code frame at place `i` of a window: short songs and last windows are filled by starting over.
    [[nodiscard]] std::int64_t source(std::int64_t window, std::int64_t i) const noexcept {
        return (window * kHopCodes + i) % codes;
    }
    /// Latent frames that a window takes over from the one before.
    [[nodiscard]] static std::int64_t context(std::int64_t window) noexcept { return window == 0 ? 0 : kOverlapLatents; }
    /// Latent frames of a window that are heard in the song.
    [[nodiscard]] std::int64_t heard_latents(std::int64_t window) const noexcept;
};

/// Receives finished audio: interleaved stereo.
using AudioSink = std::function<void(std::span<const float> stereo)>;

/// Joins windows: fades linearly from each into the next over the overlap and hands on samples as soon as they are final.
class Stitcher {
public:
    Stitcher(const WindowPlan& plan, std::int64_t samples_per_code, AudioSink sink);

    /// The next samples of the current window, interleaved stereo.
    void push(std::span<const float> stereo);
    void end_window();

    [[nodiscard]] std::int64_t samples_out() const noexcept { return out_; }

private:
    WindowPlan plan_;
    std::int64_t hop_, overlap_, target_;  // samples of one channel
    AudioSink sink_;
    std::int64_t window_ = 0, at_ = 0, out_ = 0;
    std::vector<float> tail_, next_tail_;  // interleaved: what the next window fades in over
};

}  // namespace heart::heartcodec
