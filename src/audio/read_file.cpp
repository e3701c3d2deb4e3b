#include "audio/read_file.h"

#include "audio/external_decoder.h"
#include "audio/sndfile_handle.h"
#include "core/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::audio {

namespace {

std::string quoted(const std::filesystem::path& path) {
    return "'" + path.string() + "'";
}

/// A file descriptor that is closed with the object.
class Descriptor {
public:
    explicit Descriptor(const std::filesystem::path& path)
        : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {  // a pipe without a writer must not hold us
        if (number_ >= 0) return;
        const bool missing = errno == ENOENT || errno == ENOTDIR;
        throw Error(missing ? ErrorCode::not_found : ErrorCode::io, "cannot read " + quoted(path))
            .found(std::generic_category().message(errno));
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(number_); }

    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

void check_size(const Descriptor& file, const std::filesystem::path& path, const ReadLimits& limits) {
    struct stat info {};
    if (::fstat(file.number(), &info) != 0) {
        throw Error(ErrorCode::io, "cannot look at " + quoted(path)).found(std::generic_category().message(errno));
    }
    if (!S_ISREG(info.st_mode)) throw Error(ErrorCode::usage, quoted(path) + " is not an ordinary file");
    if (static_cast<std::uint64_t>(info.st_size) > limits.max_bytes) {
        throw Error(ErrorCode::limit, "the audio file is too large")
            .expected("at most " + std::to_string(limits.max_bytes) + " bytes")
            .found(std::to_string(info.st_size));
    }
}

bool is_read(int format) {
    switch (format & SF_FORMAT_TYPEMASK) {
        case SF_FORMAT_WAV:
        case SF_FORMAT_WAVEX:
        case SF_FORMAT_RF64:
        case SF_FORMAT_FLAC:
        case SF_FORMAT_OGG:
        case SF_FORMAT_MPEG: return true;
        default: return false;
    }
}

[[noreturn]] void refuse_format() {
    throw Error(ErrorCode::unsupported, "this audio format is not read").expected("WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus");
}

bool begins_as_mpeg4(int file) {
    std::array<std::byte, 12> start{};
    const ssize_t n = ::pread(file, start.data(), start.size(), 0);
    return n > 0 && is_mpeg4(std::span(start).first(static_cast<std::size_t>(n)));
}

void check_header(const SF_INFO& info, const ReadLimits& limits) {
    if (info.channels < 1 || info.samplerate < 1) throw Error(ErrorCode::malformed, "the audio file states no channels");
    if (static_cast<std::uint32_t>(info.channels) > limits.max_channels) {
        throw Error(ErrorCode::limit, "the audio file has too many channels")
            .expected("at most " + std::to_string(limits.max_channels))
            .found(std::to_string(info.channels));
    }
    const auto rate = static_cast<std::uint32_t>(info.samplerate);
    if (rate < limits.min_sample_rate || rate > limits.max_sample_rate) {
        throw Error(ErrorCode::limit, "the audio file's sample rate is out of range")
            .expected(std::to_string(limits.min_sample_rate) + " to " + std::to_string(limits.max_sample_rate) + " Hz")
            .found(std::to_string(rate) + " Hz");
    }
}

}  // namespace

class AudioReader::Inside {
public:
    Inside(const std::filesystem::path& path, const ReadLimits& limits)
        : path_(path), max_seconds_(limits.max_seconds), descriptor_(path) {
        check_size(descriptor_, path, limits);
        if (begins_as_mpeg4(descriptor_.number())) {
            if (!limits.external_decoder) refuse_format();
            external_.emplace(descriptor_.number(), quoted(path));
            info_.channels = static_cast<int>(external_->channels());
            info_.samplerate = static_cast<int>(std::min(external_->sample_rate(), std::uint32_t{1} << 30));
        } else {
            open_with_sndfile();
        }
        check_header(info_, limits);
        most_frames_ = static_cast<std::uint64_t>(std::max(0.0, max_seconds_) * info_.samplerate);
        block_.resize(kBlockFrames * channels());
    }

    [[nodiscard]] std::uint32_t sample_rate() const { return static_cast<std::uint32_t>(info_.samplerate); }
    [[nodiscard]] std::size_t channels() const { return static_cast<std::size_t>(info_.channels); }
    [[nodiscard]] double seconds_stated() const {
        return std::clamp(static_cast<double>(info_.frames) / info_.samplerate, 0.0, max_seconds_);
    }

    std::span<const float> read() {
        const std::size_t frames = external_ ? external_->read(block_) : read_with_sndfile();
        frames_ += frames;
        if (frames_ > most_frames_) {
            throw Error(ErrorCode::limit, "the sound is too long")
                .expected("at most " + std::to_string(static_cast<std::uint64_t>(max_seconds_)) + " seconds");
        }
        const std::span<const float> samples(block_.data(), frames * channels());
        if (!std::all_of(samples.begin(), samples.end(), [](float sample) { return std::isfinite(sample); })) {
            throw Error(ErrorCode::malformed, "the sound in " + quoted(path_) + " has samples that are no numbers");
        }
        return samples;
    }

private:
    void open_with_sndfile() {
        file_.reset(sf_open_fd(descriptor_.number(), SFM_READ, &info_, SF_FALSE));
        if (file_ == nullptr) {
            throw Error(ErrorCode::malformed, quoted(path_) + " is not an audio file that can be read")
                .expected("WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus")
                .found(sf_strerror(nullptr));
        }
        if (!is_read(info_.format)) refuse_format();
    }

    std::size_t read_with_sndfile() {
        const sf_count_t frames = sf_readf_float(file_.get(), block_.data(), static_cast<sf_count_t>(kBlockFrames));
        if (frames < 0 || (frames == 0 && sf_error(file_.get()) != SF_ERR_NO_ERROR)) {
            throw Error(ErrorCode::malformed, "the sound in " + quoted(path_) + " cannot be decoded")
                .found(sf_strerror(file_.get()));
        }
        return static_cast<std::size_t>(frames);
    }

    std::filesystem::path path_;
    double max_seconds_;
    Descriptor descriptor_;  // closed after libsndfile let go of it
    SF_INFO info_{};
    SndfileHandle file_;
    std::optional<ExternalDecoder> external_;
    std::uint64_t frames_ = 0, most_frames_ = 0;
    std::vector<float> block_;
};

AudioReader::AudioReader(const std::filesystem::path& path, const ReadLimits& limits)
    : inside_(std::make_unique<Inside>(path, limits)) {}

AudioReader::~AudioReader() = default;

std::uint32_t AudioReader::sample_rate() const noexcept {
    return inside_->sample_rate();
}

std::size_t AudioReader::channels() const noexcept {
    return inside_->channels();
}

double AudioReader::seconds_stated() const noexcept {
    return inside_->seconds_stated();
}

std::span<const float> AudioReader::read() {
    return inside_->read();
}

Waveform read_audio(const std::filesystem::path& path, const ReadLimits& limits, const CancelToken& cancel) {
    AudioReader reader(path, limits);
    try {
        Waveform wave;
        wave.sample_rate = reader.sample_rate();
        wave.channels.resize(reader.channels());
        while (true) {
            cancel.check();
            const std::span<const float> block = reader.read();
            if (block.empty()) break;
            for (std::size_t c = 0; c < wave.channels.size(); ++c) {
                for (std::size_t i = c; i < block.size(); i += wave.channels.size()) wave.channels[c].push_back(block[i]);
            }
        }
        if (wave.frames() == 0) throw Error(ErrorCode::malformed, quoted(path) + " has no sound");
        return wave;
    } catch (const std::bad_alloc&) {
        throw Error(ErrorCode::memory, "not enough memory for the sound of " + quoted(path));
    }
}

}  // namespace heart::audio
