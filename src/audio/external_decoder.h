#pragma once

#include "core/child_process.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace heart::audio {

/// Whether a file that begins with these bytes is an MPEG-4 container (ISO/IEC 14496-12: a box 'ftyp' in front): M4A, MP4,
/// with AAC or ALAC inside. 12 bytes are enough.
[[nodiscard]] bool is_mpeg4(std::span<const std::byte> start) noexcept;

/// Sound of an MPEG-4 file, decoded by the program `ffmpeg`, which runs as a process of its own: its decoders never touch
/// our memory, and what it writes is read as raw samples with a header of 24 bytes (.au). The process ends with the object.
class ExternalDecoder {
public:
    /// `file` is open for reading; `name` stands for it in errors. Waits until the program has found the sound.
    /// Throws ErrorCode::unsupported when there is no such program, ErrorCode::malformed when it finds no sound,
    /// ErrorCode::io when the system starts no process.
    ExternalDecoder(int file, std::string name);
    ExternalDecoder(const ExternalDecoder&) = delete;
    ExternalDecoder& operator=(const ExternalDecoder&) = delete;

    [[nodiscard]] std::uint32_t sample_rate() const noexcept { return sample_rate_; }
    [[nodiscard]] std::uint32_t channels() const noexcept { return channels_; }

    /// Fills `out` with interleaved samples, a whole number of frames; returns how many frames there were, fewer than asked
    /// for only at the end. Throws ErrorCode::malformed when the program failed.
    [[nodiscard]] std::size_t read(std::span<float> out);

private:
    std::size_t read_bytes(std::span<unsigned char> out);

    std::string name_;
    std::unique_ptr<ChildProcess> process_;
    std::uint32_t sample_rate_ = 0, channels_ = 0;
};

}  // namespace heart::audio
