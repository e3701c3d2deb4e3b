#pragma once

#include <cstdlib>
#include <string>

namespace heart::test {

/// The device that tests of graphs and models run on: the CPU, or what HEART_TEST_DEVICE names, so that the same tests hold
/// a GPU to the same vectors.
[[nodiscard]] inline std::string test_device() {
    const char* name = std::getenv("HEART_TEST_DEVICE");
    return name == nullptr ? "cpu" : name;
}

}  // namespace heart::test
