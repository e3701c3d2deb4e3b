#include "audio/mono_reader.h"

namespace heart::audio {

MonoReader::MonoReader(const std::filesystem::path& path, std::uint32_t sample_rate, const ReadLimits& limits)
    : reader_(path, limits), resampler_(reader_.sample_rate(), sample_rate) {}

std::span<const float> MonoReader::read() {
    out_.clear();
    const std::size_t channels = reader_.channels();
    while (out_.empty() && !ended_) {
        const std::span<const float> block = reader_.read();
        ended_ = block.empty();
        if (ended_) {
            resampler_.finish(out_);
            break;
        }
        mono_.resize(block.size() / channels);
        for (std::size_t i = 0; i < mono_.size(); ++i) {
            float sum = 0;
            for (std::size_t c = 0; c < channels; ++c) sum += block[i * channels + c];
            mono_[i] = sum / static_cast<float>(channels);
        }
        resampler_.process(mono_, out_);
    }
    return out_;
}

}  // namespace heart::audio
