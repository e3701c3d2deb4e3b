#pragma once

#include "graph/device.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace heart::test {

/// Tests that need an NVIDIA GPU, or its kernels run by the CPU (gpu/emulated): skipped on machines with neither.
class GpuTest : public ::testing::Test {
protected:
    void SetUp() override {
        for (const graph::DeviceInfo& info : graph::Device::list()) {
            if (info.name != "cuda") continue;
            device = graph::Device::open("cuda");
            emulated = info.description.find("emulate") != std::string::npos;
        }
        if (!device) GTEST_SKIP() << "no NVIDIA GPU, or no module for it";
    }

    std::shared_ptr<graph::Device> device;
    bool emulated = false;  ///< a thousand times slower: other sizes that take the same kernels
};

/// |difference| / |expected|, over all numbers; infinite where one is not finite.
inline double relative_error(const std::vector<float>& expected, const std::vector<float>& test) {
    EXPECT_EQ(expected.size(), test.size());
    double error = 0, size = 0;
    for (std::size_t i = 0; i < expected.size() && i < test.size(); ++i) {
        if (!std::isfinite(test[i])) return std::numeric_limits<double>::infinity();
        error += std::pow(static_cast<double>(expected[i]) - test[i], 2);
        size += std::pow(static_cast<double>(expected[i]), 2);
    }
    return std::sqrt(error / size);
}

}  // namespace heart::test
