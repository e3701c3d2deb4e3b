#include "audio/encode.h"

#include "audio/samples.h"
#include "audio/sndfile_handle.h"
#include "core/error.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>

namespace heart::audio {

namespace {

/// Most frames per call: libvorbis overflows the stack on long buffers, and the token is asked this often.
constexpr std::size_t kBlockFrames = 4096;

/// A growing file in memory for libsndfile. No exception may cross the C library, so that running out of memory is noted
/// and reported afterwards.
struct MemoryFile {
    std::vector<char> bytes;
    std::size_t position = 0;
    bool out_of_memory = false;
};

MemoryFile& memory_file(void* user) {
    return *static_cast<MemoryFile*>(user);
}

sf_count_t file_length(void* user) {
    return static_cast<sf_count_t>(memory_file(user).bytes.size());
}

sf_count_t file_position(void* user) {
    return static_cast<sf_count_t>(memory_file(user).position);
}

sf_count_t seek_file(sf_count_t offset, int whence, void* user) {
    MemoryFile& file = memory_file(user);
    const sf_count_t origin = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file_position(user) : file_length(user);
    if (origin + offset < 0) return -1;
    file.position = static_cast<std::size_t>(origin + offset);
    return origin + offset;
}

sf_count_t read_file(void* out, sf_count_t count, void* user) {
    MemoryFile& file = memory_file(user);
    if (count <= 0 || file.position >= file.bytes.size()) return 0;
    const std::size_t length = std::min(static_cast<std::size_t>(count), file.bytes.size() - file.position);
    std::memcpy(out, file.bytes.data() + file.position, length);
    file.position += length;
    return static_cast<sf_count_t>(length);
}

sf_count_t write_file(const void* in, sf_count_t count, void* user) {
    MemoryFile& file = memory_file(user);
    if (count <= 0) return 0;
    const std::size_t length = static_cast<std::size_t>(count);
    try {
        if (file.position + length > file.bytes.size()) file.bytes.resize(file.position + length);
    } catch (const std::exception&) {
        file.out_of_memory = true;
        return 0;
    }
    std::memcpy(file.bytes.data() + file.position, in, length);
    file.position += length;
    return count;
}

int sndfile_format(Container container, SampleFormat format) {
    const int subtype = format == SampleFormat::s16   ? SF_FORMAT_PCM_16
                        : format == SampleFormat::s24 ? SF_FORMAT_PCM_24
                                                      : SF_FORMAT_FLOAT;
    switch (container) {
        case Container::wav: return SF_FORMAT_WAV | subtype;  // plain WAVE, not EXTENSIBLE: every program reads it
        case Container::flac: return SF_FORMAT_FLAC | subtype;
        case Container::mp3: return SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
        case Container::ogg_opus: return SF_FORMAT_OGG | SF_FORMAT_OPUS;
    }
    throw Error(ErrorCode::internal, "an audio container is not handled");
}

[[noreturn]] void throw_encoder(SNDFILE* file, const MemoryFile& target, Container container) {
    if (target.out_of_memory) throw std::bad_alloc();
    throw Error(ErrorCode::internal, "the encoder for " + std::string(container_name(container)) + " failed")
        .found(sf_strerror(file));
}

/// Sets what the encoder does. Must come before the first sample.
void set_quality(SNDFILE* file, Container container, std::size_t channels) {
    bool done = true;
    if (container == Container::mp3) {
        double level = 0.0;  // libsndfile hands ten times this to LAME: V0
        int mode = SF_BITRATE_MODE_VARIABLE;
        // In this order: setting the mode applies the level anew, and fails while there is none.
        done = sf_command(file, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level) == SF_TRUE &&
               sf_command(file, SFC_SET_BITRATE_MODE, &mode, sizeof mode) == SF_TRUE;
    } else if (container == Container::ogg_opus) {
        // libsndfile maps 1 ... 0 linearly to 6 ... 256 kbit/s per channel; mono gets a little more per channel.
        const double kbit_per_channel = channels == 1 ? 96 : 80;
        double level = 1 - (kbit_per_channel - 6) / (256 - 6);
        done = sf_command(file, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level) == SF_TRUE;
    } else if (container == Container::wav) {
        // Float WAV would get a PEAK chunk with the time of day, and the same song would give different bytes.
        sf_command(file, SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
    }
    ensure(done, "libsndfile refused an encoder setting");
}

/// One block, interleaved. Integers are made here because libsndfile scales by 2^15 - 1 when it writes floats and by 2^-15
/// when it reads them, which would lose more than half a step.
class BlockWriter {
public:
    BlockWriter(const Waveform& wave, SNDFILE* file, SampleFormat format, bool lossy, double gain)
        : wave_(wave), file_(file), gain_(gain) {
        if (!lossy && format != SampleFormat::f32) bits_ = format == SampleFormat::s16 ? 16 : 24;
        const std::size_t samples = kBlockFrames * wave.channels.size();
        if (bits_ > 0) integers_.resize(samples);
        else floats_.resize(samples);
    }

    /// False when libsndfile took fewer frames than offered.
    [[nodiscard]] bool write(std::size_t first, std::size_t count) {
        const std::size_t channels = wave_.channels.size();
        const auto frames = static_cast<sf_count_t>(count);
        for (std::size_t c = 0; c < channels; ++c) {
            for (std::size_t i = 0; i < count; ++i) {
                const double sample = static_cast<double>(wave_.channels[c][first + i]) * gain_;
                if (bits_ > 0) integers_[i * channels + c] = to_integer(sample);
                else floats_[i * channels + c] = static_cast<float>(sample);
            }
        }
        if (bits_ > 0) return sf_writef_int(file_, integers_.data(), frames) == frames;
        return sf_writef_float(file_, floats_.data(), frames) == frames;
    }

private:
    /// Nearest step of bits_ bits, in the upper bits of the 32 that libsndfile takes.
    [[nodiscard]] int to_integer(double sample) const { return nearest_step(sample, bits_) * (1 << (32 - bits_)); }

    const Waveform& wave_;
    SNDFILE* file_;
    double gain_;
    int bits_ = 0;  ///< 0: write floats
    std::vector<int> integers_;
    std::vector<float> floats_;
};

}  // namespace

std::vector<char> encode(const Waveform& wave, Container container, SampleFormat format, double gain,
                         const CancelToken* cancel) {
    SF_INFO info{};
    info.samplerate = static_cast<int>(wave.sample_rate);
    info.channels = static_cast<int>(wave.channels.size());
    info.format = sndfile_format(container, format);
    if (sf_format_check(&info) == SF_FALSE) {
        throw Error(ErrorCode::unsupported,
                    "the installed libsndfile cannot write " + std::string(container_name(container)))
            .hint("libsndfile 1.1 or later built with MPEG and Ogg support is needed; .wav always works");
    }
    MemoryFile target;
    SF_VIRTUAL_IO io{file_length, seek_file, read_file, write_file, file_position};
    SndfileHandle file(sf_open_virtual(&io, SFM_WRITE, &info, &target));
    if (file == nullptr) throw_encoder(nullptr, target, container);
    set_quality(file.get(), container, wave.channels.size());

    const bool lossy = container == Container::mp3 || container == Container::ogg_opus;
    BlockWriter blocks(wave, file.get(), format, lossy, gain);
    for (std::size_t first = 0; first < wave.frames(); first += kBlockFrames) {
        if (cancel != nullptr) cancel->check();
        const std::size_t count = std::min(kBlockFrames, wave.frames() - first);
        if (!blocks.write(first, count)) throw_encoder(file.get(), target, container);
    }
    // The encoders flush, and headers get their final sizes, while closing.
    const int closed = sf_close(file.release());
    if (target.out_of_memory) throw std::bad_alloc();
    if (closed != SF_ERR_NO_ERROR) {
        throw Error(ErrorCode::internal, "the encoder could not end the file").found(sf_error_number(closed));
    }
    return std::move(target.bytes);
}

}  // namespace heart::audio
