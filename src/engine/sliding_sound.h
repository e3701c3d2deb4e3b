#pragma once

#include "engine/sound_source.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace heart::engine {

/// A sound that is looked at through a window of 30 seconds which only moves on: what is behind it is forgotten.
class SlidingSound {
public:
    explicit SlidingSound(const SoundSource& source) : source_(source) {}

    /// Samples [first, first + 30 s), as far as there are any; valid until the next call. `first` never goes back.
    [[nodiscard]] std::span<const float> from(std::uint64_t first);

    /// Whether nothing comes behind the window that `from` gave.
    [[nodiscard]] bool at_end() const noexcept { return at_end_; }
    /// Samples that came so far: all there are, once `at_end`.
    [[nodiscard]] std::uint64_t length() const noexcept { return begin_ + samples_.size(); }

private:
    const SoundSource& source_;
    std::vector<float> samples_;
    std::uint64_t begin_ = 0;  ///< of samples_[0]
    bool source_ended_ = false, at_end_ = false;
};

}  // namespace heart::engine
