#include "audio/resample.h"

#include "core/error.h"

#include <cmath>
#include <new>

#include <soxr.h>

namespace heart::audio {

void Resampler::Free::operator()(soxr* state) const noexcept {
    soxr_delete(state);
}

Resampler::Resampler(std::uint32_t rate_in, std::uint32_t rate_out)
    : ratio_(static_cast<double>(rate_out) / static_cast<double>(rate_in)) {
    ensure(rate_in > 0 && rate_out > 0, "a sample rate is 0");
    if (rate_in == rate_out) return;
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_error_t error = nullptr;
    state_.reset(soxr_create(rate_in, rate_out, 1, &error, nullptr, &quality, nullptr));
    if (state_ == nullptr) throw std::bad_alloc();
}

Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;
Resampler::~Resampler() = default;

void Resampler::process(std::span<const float> in, std::vector<float>& out) {
    if (state_ == nullptr) {
        out.insert(out.end(), in.begin(), in.end());
    } else if (!in.empty()) {
        run(in.data(), in.size(), out);
    }
}

void Resampler::finish(std::vector<float>& out) {
    if (state_ != nullptr) run(nullptr, 0, out);
}

void Resampler::run(const float* in, std::size_t length, std::vector<float>& out) {
    constexpr std::size_t kSpare = 1024;
    std::size_t used = 0, made = 0;
    do {  // a null input says that nothing follows, and is asked again until nothing comes any more
        const std::size_t before = out.size();
        out.resize(before + static_cast<std::size_t>(std::ceil(static_cast<double>(length - used) * ratio_)) + kSpare);
        std::size_t taken = 0;
        const soxr_error_t error = soxr_process(state_.get(), in == nullptr ? nullptr : in + used, length - used, &taken,
                                                out.data() + before, out.size() - before, &made);
        ensure(error == nullptr, "resampling failed");
        out.resize(before + made);
        used += taken;
    } while (used < length || (in == nullptr && made > 0));
}

}  // namespace heart::audio
