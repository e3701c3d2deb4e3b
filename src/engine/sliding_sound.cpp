#include "engine/sliding_sound.h"

#include "audio/log_mel.h"
#include "core/error.h"

#include <algorithm>

namespace heart::engine {

std::span<const float> SlidingSound::from(std::uint64_t first) {
    constexpr std::size_t kWindow = audio::LogMel::kSamples;
    ensure(first >= begin_, "a sliding window moves on");
    while (!source_ended_ && length() <= first + kWindow) {  // one more than the window, to know whether it is the last
        const std::span<const float> more = source_();
        source_ended_ = more.empty();
        samples_.insert(samples_.end(), more.begin(), more.end());
        if (length() > first + kWindow || source_ended_) continue;
        const auto behind = static_cast<std::size_t>(std::min<std::uint64_t>(first - begin_, samples_.size()));
        samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(behind));
        begin_ += behind;
    }
    at_end_ = source_ended_ && length() <= first + kWindow;
    if (first >= length()) return {};
    const auto rest = std::span(samples_).subspan(static_cast<std::size_t>(first - begin_));
    return rest.first(std::min(rest.size(), kWindow));
}

}  // namespace heart::engine
