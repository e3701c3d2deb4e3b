#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace heart::audio {

/// The step of `bits` bits that is nearest to `sample` * 2^(bits - 1), ties to even; what lies beyond full scale is clipped.
[[nodiscard]] inline std::int32_t nearest_step(double sample, int bits) {
    const double steps = std::ldexp(1.0, bits - 1);
    return static_cast<std::int32_t>(std::clamp(std::nearbyint(sample * steps), -steps, steps - 1));
}

/// Whether nearest_step() clips this sample.
[[nodiscard]] inline bool is_clipped(double sample, int bits) {
    const double steps = std::ldexp(1.0, bits - 1), nearest = std::nearbyint(sample * steps);
    return nearest < -steps || nearest > steps - 1;
}

}  // namespace heart::audio
