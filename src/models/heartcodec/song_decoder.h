#pragma once

#include "models/heartcodec/codec.h"

#include <cstdint>
#include <span>
#include <vector>

namespace heart::heartcodec {

/// Decodes a song whose codes arrive bit by bit. A window is decoded as soon as all its codes exist; what depends on the
/// length of the song waits for `finish()`. The samples are the same however the codes are cut into pieces.
class SongDecoder {
public:
    /// `codec` must outlive the decoder, and nothing else may compute on its device in the meantime. `most_frames`: the
    /// longest the song can become, for `progress` alone. Hands finished interleaved stereo to `sink` in order, as it comes.
    /// Throws ErrorCode::usage for a first window that is too short or too long.
    SongDecoder(const Codec& codec, std::int64_t most_frames, NoiseSource noise, const DecodeOptions& options,
                AudioSink sink, const CancelToken& cancel, DecodeProgress progress = {});

    /// The next frames, [frames][quantizers]; decodes every window that they complete. A code outside its codebook is
    /// clamped into it, as the control ids that the language model can draw in its first frame are.
    void append(std::span<const std::int32_t> frames);

    /// The song is complete: decodes what is left. For at least one frame.
    void finish();

private:
    [[nodiscard]] std::int64_t frames() const noexcept;
    [[nodiscard]] std::int64_t work(const WindowPlan& plan) const;
    [[nodiscard]] std::vector<std::int32_t> window_codes(const WindowPlan& plan, std::int64_t window) const;
    void decode_window(const WindowPlan& plan, std::int64_t window);
    void advance();

    Config config_;
    DecodeOptions options_;
    NoiseSource noise_;
    const CancelToken& cancel_;
    DecodeProgress progress_;
    FlowSolver flow_;
    ScalarDecoder scalar_;
    Stitcher stitcher_;
    std::vector<std::int32_t> codes_;  // [frames][quantizers]
    std::vector<float> latents_;       // of the latest window, as far as it is heard: [frames][latent_channels]
    std::int64_t windows_ = 0;         // decoded
    std::int64_t done_ = 0, total_ = 0;
};

}  // namespace heart::heartcodec
