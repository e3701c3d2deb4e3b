// Are devices found by name, and is a name that nothing answers to refused with what there is?

#include "core/error.h"
#include "graph/device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace heart::test {
namespace {

using graph::Device;

bool has_gpu() {
    const auto all = Device::list();
    return std::any_of(all.begin(), all.end(), [](const graph::DeviceInfo& d) { return d.name != "cpu"; });
}

void expect_refused(const std::string& name, const std::string& found) {
    try {
        (void)Device::open(name);
        ADD_FAILURE() << name << " was opened";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::not_found) << e.what();
        EXPECT_NE(e.expected_text().find("cpu"), std::string::npos) << e.what();
        EXPECT_NE(e.found_text().find(found), std::string::npos) << e.what();
    }
}

TEST(Devices, TheCpuIsAlwaysThere) {
    const auto all = Device::list();
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all.back().name, "cpu");
    EXPECT_GT(all.back().memory_total, 0U);
    const auto device = Device::open("cpu", 2);
    EXPECT_TRUE(device->is_cpu());
    EXPECT_EQ(device->threads(), 2);
    EXPECT_EQ(device->kernels(), graph::Kernels::cpu);
    EXPECT_EQ(Device::open("cpu-ggml")->kernels(), graph::Kernels::ggml);
}

TEST(Devices, AutoIsTheFirstOfTheList) {
    EXPECT_EQ(Device::open("auto")->name(), Device::list().front().name);
}

TEST(Devices, ANameThatNothingAnswersToIsRefused) {
    expect_refused("toaster", "");
    expect_refused("cuda:99", "");
    expect_refused("metal", "no such kind");
    if (!has_gpu()) expect_refused("cuda", "");
}

TEST(Devices, OnlyCudaReplays) {
    const Device::Runs runs = Device::open("cpu")->runs();
    EXPECT_EQ(runs.all, 0U);
    EXPECT_EQ(runs.replayed, 0U);
}

}  // namespace
}  // namespace heart::test
