#include "audio/external_decoder.h"

#include "core/error.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace heart::audio {

namespace {

constexpr std::size_t kHeaderBytes = 24;
constexpr std::uint32_t kMagic = 0x2e736e64, kFloat32 = 6;  // of an .au stream

std::uint32_t big_endian(const unsigned char* bytes) {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
           std::uint32_t{bytes[3]};
}

[[noreturn]] void no_program() {
    throw Error(ErrorCode::unsupported, "this audio format is read by the program ffmpeg, which is not installed")
        .expected("WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus, or ffmpeg on the PATH for M4A")
        .hint("install ffmpeg, or convert the file");
}

/// The file is named by its descriptor, so that no name becomes an option or a protocol; -f and the list of protocols keep
/// a file from choosing other readers or fetching anything.
std::unique_ptr<ChildProcess> start(int file) {
    try {
        return std::make_unique<ChildProcess>(
            std::vector<std::string>{"ffmpeg", "-nostdin",  "-v",  "quiet", "-protocol_whitelist",
                                     "file",   "-f",        "mov", "-i",    "file:/dev/fd/3",
                                     "-map",   "0:a:0",     "-vn", "-sn",   "-dn",
                                     "-c:a",   "pcm_f32be", "-f",  "au",    "pipe:1"},
            file);
    } catch (const Error& e) {
        if (e.code() == ErrorCode::not_found) no_program();
        throw;
    }
}

}  // namespace

bool is_mpeg4(std::span<const std::byte> start) noexcept {
    return start.size() >= 12 && std::memcmp(start.data() + 4, "ftyp", 4) == 0;
}

ExternalDecoder::ExternalDecoder(int file, std::string name) : name_(std::move(name)), process_(start(file)) {
    std::array<unsigned char, kHeaderBytes> header{};
    if (read_bytes(header) < header.size() || big_endian(header.data()) != kMagic) {
        throw Error(ErrorCode::malformed, name_ + " is not an audio file that can be read")
            .expected("an M4A or MP4 file with sound")
            .found("nothing that ffmpeg can decode");
    }
    const std::uint32_t data = big_endian(header.data() + 4), encoding = big_endian(header.data() + 12);
    sample_rate_ = big_endian(header.data() + 16);
    channels_ = big_endian(header.data() + 20);
    constexpr std::uint32_t kMostHeader = 65'536, kMostChannels = 1024;
    const bool known = encoding == kFloat32 && data >= kHeaderBytes && data <= kMostHeader;
    if (!known || channels_ < 1 || channels_ > kMostChannels || sample_rate_ < 1) {
        throw Error(ErrorCode::malformed, "ffmpeg wrote no samples that are known")
            .expected("32-bit floats in an .au stream");
    }
    std::vector<unsigned char> annotation(data - kHeaderBytes);
    (void)read_bytes(annotation);
}

std::size_t ExternalDecoder::read_bytes(std::span<unsigned char> out) {
    return process_->read({reinterpret_cast<char*>(out.data()), out.size()});
}

std::size_t ExternalDecoder::read(std::span<float> out) {
    auto* bytes = reinterpret_cast<unsigned char*>(out.data());
    const std::size_t frame = channels_ * sizeof(float), wanted = out.size_bytes() / frame * frame;
    const std::size_t frames = read_bytes({bytes, wanted}) / frame;
    if (frames * frame < wanted && process_->wait() != 0) {
        throw Error(ErrorCode::malformed, "the sound in " + name_ + " cannot be decoded").found("ffmpeg gave up");
    }
    for (std::size_t i = 0; i < frames * channels_; ++i) {
        out[i] = std::bit_cast<float>(big_endian(bytes + i * sizeof(float)));
    }
    return frames;
}

}  // namespace heart::audio
