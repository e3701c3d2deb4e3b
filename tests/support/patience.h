#pragma once

#include <chrono>
#include <ctime>

namespace heart::test {

/// How long a test waits for what should come soon: what never comes is told from what comes late, on any machine.
inline constexpr std::chrono::milliseconds kPatience = std::chrono::minutes(5);

/// Processor seconds of this process until now: whatever else the machine does.
inline double processor_seconds() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

}  // namespace heart::test
