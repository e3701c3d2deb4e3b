#pragma once

// Kernels of CUDA C++ on the CPU: a launch's blocks run one after the other, the threads of a block as fibers of one thread
// that go on until they meet others: at a barrier of the block, or where lanes of a warp exchange numbers. What is undefined
// on a GPU ends the program here, with what was seen: lanes that meet at different operations, or wait for others that never
// come. Slow and obvious: this is how kernels are tested where there is no GPU, not a way to use them.

#include <cstddef>
#include <functional>

namespace heart::emulated {

struct Index {
    unsigned x = 0, y = 0, z = 0;
};
struct Extent {
    unsigned x = 1, y = 1, z = 1;
    Extent() = default;
    Extent(unsigned x_, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
    [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(x) * y * z; }
};

}  // namespace heart::emulated

/// Of the thread that runs, by the names under which kernels read them.
extern heart::emulated::Index threadIdx, blockIdx;
extern heart::emulated::Extent blockDim, gridDim;

namespace heart::emulated {

inline constexpr unsigned kWarpLanes = 32;
inline constexpr std::size_t kMostShared = 227 << 10;  ///< bytes that a launch may ask for; an H200's

/// Of the threads and blocks that do not wait for each other. A kernel whose threads do not wait for what they read from
/// others gives other results in the other order.
enum class Order { first_to_last, last_to_first };

/// The latter with HEART_EMULATED_ORDER=reverse in the environment.
[[nodiscard]] Order wanted_order();

/// Runs a kernel, which reads its arguments from where the function keeps them. Launches of several threads wait for each
/// other.
void run_blocks(Extent grid, Extent block, std::size_t shared_bytes, const std::function<void()>& kernel,
                Order order = wanted_order());

/// What the launch asked for, for the block that runs: not-a-number before anything is written.
[[nodiscard]] void* launched_shared_memory();

/// Until all threads of the block are here; those that have returned count as here.
void meet_block();

inline constexpr std::size_t kLaneBytes = 32;
using LaneBytes = std::byte[kLaneBytes];

/// Until all lanes of the warp are here, each with some bytes of its own: those of all, to be read before the next but one
/// exchange. `operation` says what for: all lanes must be here for the same.
[[nodiscard]] const LaneBytes* exchange(const char* operation, const void* mine, std::size_t bytes);

// Copies that a thread asks for and goes on: here nothing has arrived before the thread waits for it.

void copy_later(void* to, const void* from, std::size_t bytes);
/// What was asked for since the last end is a group.
void end_copies();
/// Until all of the thread's groups but the latest `still` are there.
void wait_for_copies(std::size_t still);

}  // namespace heart::emulated
