#pragma once

#include "models/heartcodec/config.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace heart::heartcodec {

/// How a song is cut into windows (heartlib modeling_heartcodec.py, detokenize): 29.76 s each, of which the last 4.16 s
/// are computed again at the start of the next, held there by its latents and cross-faded in its sound. The first window
/// may be cut shorter, so that its sound is there earlier; it is then filled as a song of that length would be.
struct WindowPlan {
    static constexpr std::int64_t kWindowCodes = 372;
    static constexpr std::int64_t kHopCodes = 320;
    static constexpr std::int64_t kOverlapCodes = kWindowCodes - kHopCodes;
    static constexpr std::int64_t kWindowLatents = kWindowCodes * kLatentsPerCode;
    static constexpr std::int64_t kOverlapLatents = kOverlapCodes * kLatentsPerCode;
    static constexpr std::int64_t kLeastFirstCodes = kOverlapCodes + 1;  ///< it must bring something beside the overlap

    std::int64_t codes = 0;  ///< of the song
    std::int64_t windows = 0;
    std::int64_t first = kWindowCodes;  ///< codes of the first window, kLeastFirstCodes to kWindowCodes

    /// For `codes` >= 1. Where the reference forgets the tail ((codes - 104) a multiple of 320, from 424 on), this plan
    /// has the window that holds it.
    [[nodiscard]] static WindowPlan of(std::int64_t codes, std::int64_t first = kWindowCodes);

    /// The code frame with which a window begins, and the one behind its last when the song goes on beyond it: a window can
    /// be decoded as soon as the codes before its `end` exist, whatever the song's length will be.
    [[nodiscard]] static std::int64_t begin(std::int64_t window, std::int64_t first) noexcept;
    [[nodiscard]] static std::int64_t end(std::int64_t window, std::int64_t first) noexcept;

    /// The code frame at place `i` of a window: short songs, first windows that are cut shorter, and last windows are
    /// filled by starting over.
    [[nodiscard]] std::int64_t source(std::int64_t window, std::int64_t i) const noexcept;
    /// Latent frames that a window takes over from the one before.
    [[nodiscard]] static std::int64_t context(std::int64_t window) noexcept { return window == 0 ? 0 : kOverlapLatents; }
    /// Latent frames of a window that are heard in the song.
    [[nodiscard]] std::int64_t heard_latents(std::int64_t window) const noexcept;
};

/// Receives finished audio: interleaved stereo.
using AudioSink = std::function<void(std::span<const float> stereo)>;

/// Joins windows: fades linearly from each into the next over the overlap and hands on samples as soon as they are final.
/// It need not know which window is the last: what the next would fade in over is held back until there is one, or the end.
class Stitcher {
public:
    /// `first`: codes of the first window, as in the plan.
    Stitcher(std::int64_t first, std::int64_t samples_per_code, AudioSink sink);

    /// The next samples of the current window, interleaved stereo.
    void push(std::span<const float> stereo);
    void end_window();
    /// Behind the last window: hands on what was held back.
    void finish();

    [[nodiscard]] std::int64_t samples_out() const noexcept { return out_; }

private:
    void hand_on(const std::vector<float>& stereo);

    std::int64_t hop_, next_hop_, overlap_;  // samples of one channel
    AudioSink sink_;
    bool fades_in_ = false;
    std::int64_t at_ = 0, out_ = 0;
    std::vector<float> tail_, next_tail_;  // interleaved: what the next window fades in over
};

}  // namespace heart::heartcodec
