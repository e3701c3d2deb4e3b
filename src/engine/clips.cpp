#include "engine/clips.h"

#include "core/error.h"

#include <algorithm>
#include <utility>

namespace heart::engine {

Clips::Clips(SoundSource source, std::size_t length) : source_(std::move(source)), length_(length) {
    ensure(length > 0, "clips without length");
}

std::span<const float> Clips::next() {
    if (ended_) return {};
    clip_.swap(ahead_);
    ahead_.clear();
    while (clip_.size() < length_ && !ended_) {
        const auto piece = source_();
        ended_ = piece.empty();
        clip_.insert(clip_.end(), piece.begin(), piece.end());
        heard_ += piece.size();
    }
    if (clip_.size() > length_) {  // a source may give more than a clip at once
        ahead_.assign(clip_.begin() + static_cast<std::ptrdiff_t>(length_), clip_.end());
        clip_.resize(length_);
    }
    if (clip_.size() == length_) {
        if (beginning_.empty()) beginning_ = clip_;
        return clip_;
    }
    if (clip_.empty()) return {};
    if (beginning_.empty()) beginning_ = clip_;
    const std::size_t missing = std::min(beginning_.size(), length_ - clip_.size());
    clip_.insert(clip_.end(), beginning_.begin(), beginning_.begin() + static_cast<std::ptrdiff_t>(missing));
    return clip_;
}

}  // namespace heart::engine
