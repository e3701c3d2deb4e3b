#pragma once

#include <chrono>

namespace heart {

/// Seconds from `start` until now.
[[nodiscard]] inline double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The same in milliseconds.
[[nodiscard]] inline double ms_since(std::chrono::steady_clock::time_point start) {
    return 1000 * seconds_since(start);
}

}  // namespace heart
