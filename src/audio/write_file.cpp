#include "audio/write_file.h"

#include "audio/encode.h"
#include "audio/ogg_serial.h"
#include "audio/replace_file.h"
#include "audio/song_tags.h"
#include "core/error.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <span>

namespace heart::audio {

namespace {

std::string lower_ascii(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

std::string join(std::span<const std::uint32_t> numbers) {
    std::string out;
    for (const std::uint32_t number : numbers) out += (out.empty() ? "" : ", ") + std::to_string(number);
    return out;
}

void check_rate(std::uint32_t rate, std::span<const std::uint32_t> allowed, Container container) {
    if (std::find(allowed.begin(), allowed.end(), rate) != allowed.end()) return;
    throw Error(ErrorCode::unsupported, std::string(container_name(container)) + " cannot hold this sample rate")
        .expected(join(allowed) + " Hz")
        .found(std::to_string(rate) + " Hz")
        .hint("write .wav or .flac instead, or resample first");
}

void check_channels(std::size_t channels, std::size_t most, Container container) {
    if (channels <= most) return;
    throw Error(ErrorCode::unsupported, std::string(container_name(container)) + " cannot hold so many channels")
        .expected("at most " + std::to_string(most))
        .found(std::to_string(channels));
}

void check_format(const Waveform& wave, Container container, SampleFormat format) {
    static constexpr std::array<std::uint32_t, 5> kOpusRates{48000, 24000, 16000, 12000, 8000};
    static constexpr std::array<std::uint32_t, 9> kMp3Rates{48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000};
    const std::size_t channels = wave.channels.size();
    switch (container) {
        case Container::wav:
            check_channels(channels, 8, container);
            check_wav_size(wave.frames(), channels, format);
            if (wave.sample_rate > 768000) {
                throw Error(ErrorCode::unsupported, "the sample rate is out of range")
                    .expected("at most 768000 Hz")
                    .found(std::to_string(wave.sample_rate) + " Hz");
            }
            return;
        case Container::flac:
            if (format == SampleFormat::f32) {
                throw Error(ErrorCode::usage, "FLAC holds integer samples only")
                    .expected("16 or 24 bits")
                    .found("32-bit float")
                    .hint("float samples fit into .wav");
            }
            check_channels(channels, 8, container);
            if (wave.sample_rate > 655350) {  // the STREAMINFO block has 20 bits, and decoders stop here
                throw Error(ErrorCode::unsupported, "FLAC cannot hold this sample rate")
                    .expected("at most 655350 Hz")
                    .found(std::to_string(wave.sample_rate) + " Hz");
            }
            return;
        case Container::mp3:
            check_channels(channels, 2, container);
            check_rate(wave.sample_rate, kMp3Rates, container);
            return;
        case Container::ogg_opus:
            check_channels(channels, 2, container);  // more would need a channel order that a Waveform does not state
            check_rate(wave.sample_rate, kOpusRates, container);
            return;
    }
    ensure(false, "an audio container is not handled");
}

}  // namespace

std::string_view container_name(Container container) noexcept {
    switch (container) {
        case Container::wav: return "WAV";
        case Container::flac: return "FLAC";
        case Container::mp3: return "MP3";
        case Container::ogg_opus: return "Ogg Opus";
    }
    return "";
}

std::size_t sample_bytes(SampleFormat format) noexcept {
    return format == SampleFormat::s16 ? 2 : format == SampleFormat::s24 ? 3 : 4;
}

Container container_of(const std::filesystem::path& path) {
    const std::string ending = lower_ascii(path.extension().string());
    if (ending == ".wav") return Container::wav;
    if (ending == ".flac") return Container::flac;
    if (ending == ".mp3") return Container::mp3;
    if (ending == ".ogg" || ending == ".opus") return Container::ogg_opus;
    throw Error(ErrorCode::usage, "the file ending of '" + path.string() + "' names no audio format that Heart writes")
        .expected(".wav, .flac, .mp3, .ogg or .opus")
        .found(ending.empty() ? "no ending" : ending);
}

void check_target_format(const std::filesystem::path& path, std::uint32_t sample_rate, SampleFormat format) {
    check_target(path);
    Waveform stereo;
    stereo.sample_rate = sample_rate;
    stereo.channels = {{0.0F}, {0.0F}};
    check_format(stereo, container_of(path), format);
}

void check_wav_size(std::uint64_t frames, std::size_t channels, SampleFormat format) {
    // ID3v2 turns text into UTF-16, and the settings appear twice; headers are small against that.
    constexpr std::uint64_t kRoomForTags = 16 * kMaxTagBytes + kMaxCoverBytes;
    constexpr std::uint64_t kRoomForSamples = std::numeric_limits<std::uint32_t>::max() - kRoomForTags;
    const std::uint64_t most = kRoomForSamples / (sample_bytes(format) * std::max<std::uint64_t>(channels, 1));
    if (frames <= most) return;
    throw Error(ErrorCode::limit, "the song does not fit into a WAV file, which ends at 4 GB")
        .expected("at most " + std::to_string(most) + " frames")
        .found(std::to_string(frames))
        .hint("write .flac instead");
}

WriteReport write_audio(const std::filesystem::path& path, const Waveform& wave, const WriteOptions& options,
                        const SongTags& tags) {
    const Container container = container_of(path);
    check_target(path);
    check_shape(wave);
    if (wave.frames() == 0) throw Error(ErrorCode::usage, "there is no sound to write: the song has 0 frames");
    check_format(wave, container, options.sample_format);
    check_tags(tags);

    double gain = full_scale_gain(wave);  // also finds samples that are not finite
    if (container == Container::wav && options.sample_format == SampleFormat::f32) gain = 1;
    try {
        std::vector<char> bytes = encode(wave, container, options.sample_format, gain, options.cancel);
        bytes = with_tags(std::move(bytes), container, tags);
        if (container == Container::ogg_opus) make_ogg_serial_repeatable(bytes);
        replace_file(path, bytes);
        return {gain_in_db(gain), bytes.size()};
    } catch (const std::bad_alloc&) {
        throw Error(ErrorCode::memory, "not enough memory to write '" + path.string() + "'");
    }
}

}  // namespace heart::audio
