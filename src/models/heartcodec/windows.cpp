#include "models/heartcodec/windows.h"

#include "core/error.h"

#include <algorithm>
#include <utility>

namespace heart::heartcodec {

WindowPlan WindowPlan::of(std::int64_t codes, std::int64_t first) {
    ensure(codes >= 1, "a song has at least one frame");
    ensure(first >= kLeastFirstCodes && first <= kWindowCodes, "a first window that fits");
    const std::int64_t beyond = std::max<std::int64_t>(codes - first, 0);
    return {codes, 1 + (beyond + kHopCodes - 1) / kHopCodes, first};
}

std::int64_t WindowPlan::begin(std::int64_t window, std::int64_t first) noexcept {
    return window == 0 ? 0 : first - kOverlapCodes + (window - 1) * kHopCodes;
}

std::int64_t WindowPlan::end(std::int64_t window, std::int64_t first) noexcept {
    return first + window * kHopCodes;
}

std::int64_t WindowPlan::source(std::int64_t window, std::int64_t i) const noexcept {
    return window == 0 ? i % std::min(codes, first) : (begin(window, first) + i) % codes;
}

std::int64_t WindowPlan::heard_latents(std::int64_t window) const noexcept {
    return (std::min(end(window, first), codes) - begin(window, first)) * kLatentsPerCode;
}

Stitcher::Stitcher(std::int64_t first, std::int64_t samples_per_code, AudioSink sink)
    : hop_((first - WindowPlan::kOverlapCodes) * samples_per_code),
      next_hop_(WindowPlan::kHopCodes * samples_per_code),
      overlap_(WindowPlan::kOverlapCodes * samples_per_code),
      sink_(std::move(sink)) {}

void Stitcher::push(std::span<const float> stereo) {
    std::vector<float> final_samples;
    for (std::size_t i = 0; i < stereo.size(); i += 2, ++at_) {
        float left = stereo[i], right = stereo[i + 1];
        if (fades_in_ && at_ < overlap_) {  // numpy.linspace(0, 1, overlap), in double as the reference
            const double in = static_cast<double>(at_) / static_cast<double>(overlap_ - 1);
            const auto j = static_cast<std::size_t>(2 * at_);
            left = static_cast<float>(tail_[j] * (1 - in) + left * in);
            right = static_cast<float>(tail_[j + 1] * (1 - in) + right * in);
        }
        std::vector<float>& where = at_ < hop_ ? final_samples : next_tail_;
        where.push_back(left);
        where.push_back(right);
    }
    hand_on(final_samples);
}

void Stitcher::end_window() {
    tail_ = std::exchange(next_tail_, {});
    hop_ = next_hop_;
    fades_in_ = true;
    at_ = 0;
}

void Stitcher::finish() {
    hand_on(std::exchange(tail_, {}));
}

void Stitcher::hand_on(const std::vector<float>& stereo) {
    out_ += static_cast<std::int64_t>(stereo.size() / 2);
    if (!stereo.empty()) sink_(stereo);
}

}  // namespace heart::heartcodec
