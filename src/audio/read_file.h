#pragma once

#include "audio/waveform.h"
#include "core/cancel.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace heart::audio {

/// Bounds on an audio file from a stranger.
struct ReadLimits {
    std::uint64_t max_bytes = std::uint64_t{4} << 30;  ///< of the file
    double max_seconds = 3600;                         ///< of sound; an hour of stereo at 48 kHz takes 1.4 GB as samples
    std::uint32_t max_channels = 8;
    std::uint32_t min_sample_rate = 1000, max_sample_rate = 768'000;
    /// M4A and MP4 go through the program `ffmpeg`, where it is installed (see ExternalDecoder); else they are refused.
    bool external_decoder = false;
};

/// Decodes an audio file block by block: WAV, FLAC, MP3, Ogg Vorbis and Ogg Opus, and M4A where the limits allow another
/// program, told apart by their content, whatever the file is called. The memory it takes does not depend on the length of
/// the sound.
class AudioReader {
public:
    /// Most frames that read() gives at once.
    static constexpr std::size_t kBlockFrames = 4096;

    /// Throws ErrorCode::not_found, ErrorCode::usage for a folder, a device or the like, ErrorCode::io,
    /// ErrorCode::malformed for what is not an audio file or is broken at its start, ErrorCode::unsupported for an audio
    /// format that is not listed above, ErrorCode::limit for what a header states beyond `limits`.
    explicit AudioReader(const std::filesystem::path& path, const ReadLimits& limits = {});
    AudioReader(const AudioReader&) = delete;
    AudioReader& operator=(const AudioReader&) = delete;
    ~AudioReader();

    [[nodiscard]] std::uint32_t sample_rate() const noexcept;
    [[nodiscard]] std::size_t channels() const noexcept;
    /// Seconds of sound that the header promises; 0 where it does not say.
    [[nodiscard]] double seconds_stated() const noexcept;

    /// The next frames, interleaved, at most kBlockFrames; valid until the next call. Empty at the end. A file that stops
    /// short of what its header promised just ends there. Throws ErrorCode::malformed when the decoder gives up or a sample
    /// is not a finite number, ErrorCode::limit when more sound comes than the limits allow: a header may have lied.
    [[nodiscard]] std::span<const float> read();

private:
    class Inside;
    std::unique_ptr<Inside> inside_;
};

/// The whole file as samples. `cancel` is asked between blocks. Nothing is resampled, mixed or turned down; floats beyond
/// [-1, 1] stay. Throws what AudioReader throws, ErrorCode::malformed for a file without sound, ErrorCode::memory,
/// ErrorCode::cancelled.
[[nodiscard]] Waveform read_audio(const std::filesystem::path& path, const ReadLimits& limits, const CancelToken& cancel);

}  // namespace heart::audio
