#include "audio/stream_writer.h"

#include "audio/replace_file.h"
#include "audio/samples.h"
#include "audio/song_tags.h"
#include "audio/wav_header.h"
#include "core/error.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::audio {

namespace {

constexpr std::size_t kChannels = 2;
/// A pipe that poll() calls writable takes so much without making the writer wait.
constexpr std::size_t kPieceBytes = 4096;
/// How often a writer that waits for a slow reader looks whether it shall stop.
constexpr int kLookMs = 100;

std::string name_of(const std::filesystem::path& path) {
    return path == StreamWriter::kStandardOutput ? "standard output" : "'" + path.string() + "'";
}

[[noreturn]] void throw_system(const std::filesystem::path& path, int error_number) {
    if (error_number == EPIPE) {
        throw Error(ErrorCode::io, "whoever read the stream from " + name_of(path) + " went away")
            .hint("the song ends here; was the player closed?");
    }
    throw Error(ErrorCode::io, "cannot write " + name_of(path)).found(std::generic_category().message(error_number));
}

void append_number(std::vector<char>& out, std::uint32_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

/// What TagLib puts behind the samples of a WAV file.
std::vector<char> tag_chunks(const SongTags& tags, std::uint32_t sample_rate, SampleFormat format) {
    constexpr std::uint64_t kFrames = 2;  // any sound will do
    std::vector<char> file = wav_header(sample_rate, kChannels, format, kFrames);
    file.resize(file.size() + kFrames * kChannels * sample_bytes(format));
    const auto size = static_cast<std::ptrdiff_t>(file.size());
    file = with_tags(std::move(file), Container::wav, tags);
    return {file.begin() + size, file.end()};
}

}  // namespace

void StreamWriter::check(const std::filesystem::path& path) {
    if (path != kStandardOutput) {
        check_target(path);
    } else if (::isatty(STDOUT_FILENO) == 1) {
        throw Error(ErrorCode::usage, "standard output is a terminal, which cannot play sound")
            .hint("pipe it into a player: heart generate --stream --save-path - | aplay");
    }
}

StreamWriter::StreamWriter(std::filesystem::path path, StreamFormat format, std::uint32_t sample_rate,
                           const CancelToken& cancel)
    : path_(std::move(path)), format_(format), sample_rate_(sample_rate), cancel_(cancel) {
    check(path_);
}

StreamWriter::~StreamWriter() {
    if (descriptor_ < 0 || to_standard_output()) return;
    ::close(descriptor_);
    std::error_code ignored;
    if (!finished_) std::filesystem::remove(path_, ignored);
}

void StreamWriter::open() {
    descriptor_ = STDOUT_FILENO;
    if (!to_standard_output()) {
        path_ = std::filesystem::weakly_canonical(path_);  // what is behind a symbolic link is written, and removed
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (descriptor_ < 0) throw_system(path_, errno);
    }
    struct stat info {};
    const bool is_file = ::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode);
    // A file that was opened for appending (>>) takes everything at its end.
    seekable_ = is_file && (::fcntl(descriptor_, F_GETFL) & O_APPEND) == 0;
    if (seekable_) start_ = ::lseek(descriptor_, 0, SEEK_CUR);
    if (format_.wav) put(wav_header(sample_rate_, kChannels, format_.samples, std::nullopt));
}

void StreamWriter::write(std::span<const float> stereo) {
    if (descriptor_ < 0) open();
    const std::uint64_t frames = report_.frames + stereo.size() / kChannels;
    if (format_.wav) check_wav_size(frames, kChannels, format_.samples);
    const std::size_t bytes = sample_bytes(format_.samples);
    const int bits = static_cast<int>(8 * bytes);
    block_.clear();
    for (const float sample : stereo) {
        if (!std::isfinite(sample)) throw Error(ErrorCode::internal, "a sample is not a finite number");
        report_.peak = std::max(report_.peak, std::abs(sample));
        if (format_.samples == SampleFormat::f32) {
            append_number(block_, std::bit_cast<std::uint32_t>(sample), bytes);
        } else {
            report_.clipped += is_clipped(sample, bits) ? 1 : 0;
            append_number(block_, static_cast<std::uint32_t>(nearest_step(sample, bits)), bytes);
        }
    }
    put(block_);
    report_.frames = frames;
}

void StreamWriter::put(std::span<const char> bytes) {
    report_.bytes += bytes.size();
    while (!bytes.empty()) {
        cancel_.check();
        pollfd ready{descriptor_, POLLOUT, 0};
        if (::poll(&ready, 1, kLookMs) == 0) continue;
        const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kPieceBytes));
        if (written >= 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
        else if (errno != EINTR && errno != EAGAIN) throw_system(path_, errno);
    }
}

StreamReport StreamWriter::finish(const SongTags& tags) {
    ensure(descriptor_ >= 0, "a stream has sound");
    if (format_.wav && seekable_) complete_wav(tags);
    if (!to_standard_output() && ::fsync(descriptor_) != 0) throw_system(path_, errno);
    finished_ = true;
    return report_;
}

void StreamWriter::complete_wav(const SongTags& tags) {
    check_tags(tags);
    const std::vector<char> chunks = tag_chunks(tags, sample_rate_, format_.samples);
    put(chunks);
    const std::vector<char> header = wav_header(sample_rate_, kChannels, format_.samples, report_.frames, chunks.size());
    if (::pwrite(descriptor_, header.data(), header.size(), start_) != static_cast<ssize_t>(header.size())) {
        throw_system(path_, errno);
    }
}

}  // namespace heart::audio
