#include "audio/wav_header.h"

#include <string_view>
#include <utility>

namespace heart::audio {

namespace {

constexpr std::uint32_t kUnknown = 0xFFFFFFFF;
constexpr int kPadBytes = 24;  // libsndfile's room for a chunk of peaks, which would hold the time of day

class Bytes {
public:
    void name(std::string_view four) { out_.insert(out_.end(), four.begin(), four.end()); }
    void number(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
    }
    std::vector<char> take() { return std::move(out_); }

private:
    std::vector<char> out_;
};

}  // namespace

std::vector<char> wav_header(std::uint32_t sample_rate, std::size_t channels, SampleFormat format,
                             std::optional<std::uint64_t> frames, std::uint64_t behind) {
    const bool is_float = format == SampleFormat::f32;
    const std::uint64_t frame_bytes = channels * sample_bytes(format);
    // "WAVE" and the chunks fmt, for floats fact and PAD, and data, each with a head of 8 bytes.
    const std::uint64_t rest = 4 + 8 + 16 + (is_float ? 8 + 4 + 8 + kPadBytes : 0) + 8;
    const std::uint64_t data = frames ? *frames * frame_bytes : kUnknown;

    Bytes out;
    out.name("RIFF");
    out.number(frames ? rest + data + behind : kUnknown, 4);
    out.name("WAVE");
    out.name("fmt ");
    out.number(16, 4);
    out.number(is_float ? 3 : 1, 2);  // IEEE float, PCM
    out.number(channels, 2);
    out.number(sample_rate, 4);
    out.number(sample_rate * frame_bytes, 4);
    out.number(frame_bytes, 2);
    out.number(8 * sample_bytes(format), 2);
    if (is_float) {
        out.name("fact");
        out.number(4, 4);
        out.number(frames.value_or(kUnknown), 4);
        out.name("PAD ");
        out.number(kPadBytes, 4);
        for (int i = 0; i < kPadBytes; ++i) out.number(0, 1);
    }
    out.name("data");
    out.number(data, 4);
    return out.take();
}

}  // namespace heart::audio
