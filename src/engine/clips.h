#pragma once

#include "engine/sound_source.h"

#include <cstddef>
#include <span>
#include <vector>

namespace heart::engine {

/// Cuts a sound into clips of one length as MuQ-MuLan does (muq_mulan/muq_mulan.py, _get_all_clips): whole ones from the
/// start; what is left over is completed with the sound's own beginning, and where the whole sound is shorter than half a
/// clip it is simply there twice. Holds two clips at most, however long the sound.
class Clips {
public:
    /// `length`: samples of a clip, at least 1.
    Clips(SoundSource source, std::size_t length);

    /// The next clip, valid until the next call; nothing behind the last one, or of a sound without samples.
    [[nodiscard]] std::span<const float> next();

    /// Samples of the sound so far: all there are, once `next` gave nothing.
    [[nodiscard]] std::size_t heard() const noexcept { return heard_; }

private:
    SoundSource source_;
    std::size_t length_, heard_ = 0;
    std::vector<float> beginning_, clip_, ahead_;
    bool ended_ = false;
};

}  // namespace heart::engine
