#pragma once

#include "audio/waveform.h"
#include "core/cancel.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::audio {

/// File formats that Heart writes.
enum class Container {
    wav,       ///< RIFF/WAVE, uncompressed, up to 4 GB
    flac,      ///< lossless, 16 or 24 bits
    mp3,       ///< MPEG Layer III by LAME, VBR quality V0 (the best; about 245 kbit/s for dense stereo music)
    ogg_opus,  ///< Opus in Ogg (RFC 7845), VBR around 160 kbit/s for stereo
};

/// "WAV", "FLAC", "MP3", "Ogg Opus".
[[nodiscard]] std::string_view container_name(Container container) noexcept;

/// The container that the file ending asks for, in any case: .wav .flac .mp3 .ogg .opus.
/// Throws ErrorCode::usage listing these for anything else.
[[nodiscard]] Container container_of(const std::filesystem::path& path);

/// How WAV and FLAC hold a sample. Integers are rounded to the nearest step without dither: at 24 bits the error is far
/// below anything audible, and at 16 bits a song's own noise hides it, while the same samples always give the same bytes.
enum class SampleFormat { s16, s24, f32 };
/// 2, 3 or 4.
[[nodiscard]] std::size_t sample_bytes(SampleFormat format) noexcept;

/// What the file says about the song; all UTF-8, empty ones are left out.
struct SongTags {
    std::string title, artist, genre, lyrics, comment;
    /// How the song was made: name and value, names unique and made of printable ASCII. Written as HEART_<NAME> each, and
    /// all together as one line of JSON after the comment, because most players show the comment and nothing else.
    std::vector<std::pair<std::string, std::string>> settings;
    std::string cover_png;  ///< the bytes of a PNG file: the picture players show as the front cover
};

struct WriteOptions {
    SampleFormat sample_format = SampleFormat::s24;  ///< WAV: any; FLAC: s16 or s24; MP3 and Ogg Opus ignore it
    const CancelToken* cancel = nullptr;             ///< asked between blocks of 4096 frames; may be null
};

struct WriteReport {
    double gain_db = 0;       ///< how far the song was turned down to fit (see full_scale_gain); 0 when it was not
    std::uint64_t bytes = 0;  ///< size of the file
};

/// Throws what write_audio() would throw for a stereo song at this path, of this rate and format, before long work is
/// spent on it: see check_target() of replace_file.h, container_of(), and the rates a container can hold.
void check_target_format(const std::filesystem::path& path, std::uint32_t sample_rate, SampleFormat format);

/// Most bytes that title, artist, genre, lyrics, comment and settings may have together.
inline constexpr std::size_t kMaxTagBytes = std::size_t{1} << 20;

/// Most bytes of a cover, which does not count among those.
inline constexpr std::size_t kMaxCoverBytes = std::size_t{8} << 20;

/// Throws ErrorCode::limit when so many samples do not fit into a WAV file, whose sizes are 32-bit numbers.
void check_wav_size(std::uint64_t frames, std::size_t channels, SampleFormat format);

/// Writes `wave` and `tags` to `path`, whole or not at all (see replace_file.h). The same input gives the same bytes. The
/// file is composed in memory first, so that one copy of its size is needed beside `wave`, two while tags are put in.
///
/// Everything but WAV with f32 holds the song turned down by full_scale_gain(); WAV with f32 holds the samples as they are.
///
/// Throws ErrorCode::usage (file ending, f32 in FLAC, folder or device as target, no frames, repeated setting names),
/// ErrorCode::not_found (missing folder), ErrorCode::unsupported (sample rate or number of channels that the format cannot
/// hold: nothing is resampled or mixed silently), ErrorCode::malformed (tags that are not UTF-8 or have a NUL,
/// a cover that is no PNG), ErrorCode::limit (WAV beyond 4 GB, too long tags, too large a cover), ErrorCode::io,
/// ErrorCode::memory, ErrorCode::cancelled, and ErrorCode::internal (channels of different length, samples that are not
/// finite).
WriteReport write_audio(const std::filesystem::path& path, const Waveform& wave, const WriteOptions& options,
                        const SongTags& tags);

}  // namespace heart::audio
