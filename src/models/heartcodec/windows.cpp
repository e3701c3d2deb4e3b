#include "models/heartcodec/windows.h"

#include "core/error.h"

#include <algorithm>
#include <utility>

namespace heart::heartcodec {

WindowPlan WindowPlan::of(std::int64_t codes) {
    ensure(codes >= 1, "a song has at least one frame");
    const std::int64_t beyond = std::max<std::int64_t>(codes - kOverlapCodes, 1);
    return {codes, (beyond + kHopCodes - 1) / kHopCodes};
}

std::int64_t WindowPlan::heard_latents(std::int64_t window) const noexcept {
    return std::min(kWindowLatents, (codes - window * kHopCodes) * kLatentsPerCode);
}

Stitcher::Stitcher(const WindowPlan& plan, std::int64_t samples_per_code, AudioSink sink)
    : plan_(plan),
      hop_(WindowPlan::kHopCodes * samples_per_code),
      overlap_(WindowPlan::kOverlapCodes * samples_per_code),
      target_(plan.codes * samples_per_code),
      sink_(std::move(sink)) {}

void Stitcher::push(std::span<const float> stereo) {
    const bool is_last = window_ + 1 == plan_.windows;
    std::vector<float> final_samples;
    for (std::size_t i = 0; i < stereo.size(); i += 2, ++at_) {
        float left = stereo[i], right = stereo[i + 1];
        if (window_ > 0 && at_ < overlap_) {  // numpy.linspace(0, 1, overlap), in double as the reference
            const double in = static_cast<double>(at_) / static_cast<double>(overlap_ - 1);
            const auto j = static_cast<std::size_t>(2 * at_);
            left = static_cast<float>(tail_[j] * (1 - in) + left * in);
            right = static_cast<float>(tail_[j + 1] * (1 - in) + right * in);
        }
        std::vector<float>& where = at_ < hop_ || is_last ? final_samples : next_tail_;
        where.push_back(left);
        where.push_back(right);
    }
    const auto room = static_cast<std::size_t>(2 * std::max<std::int64_t>(target_ - out_, 0));
    final_samples.resize(std::min(final_samples.size(), room));
    out_ += static_cast<std::int64_t>(final_samples.size() / 2);
    if (!final_samples.empty()) sink_(final_samples);
}

void Stitcher::end_window() {
    tail_ = std::exchange(next_tail_, {});
    ++window_;
    at_ = 0;
}

}  // namespace heart::heartcodec
