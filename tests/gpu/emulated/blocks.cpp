#include "gpu/emulated/blocks.h"

#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

heart::emulated::Index threadIdx, blockIdx;
heart::emulated::Extent blockDim, gridDim;

namespace heart::emulated {

namespace {

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "emulated GPU: block (%u, %u, %u) of (%u, %u, %u), thread (%u, %u, %u): %s\n", blockIdx.x,
                 blockIdx.y, blockIdx.z, gridDim.x, gridDim.y, gridDim.z, threadIdx.x, threadIdx.y, threadIdx.z,
                 what.c_str());
    std::abort();
}

/// Threads that wait for each other.
struct Group {
    unsigned alive = 0, arrived = 0, times = 0;  ///< times: how often all have met
    const char* operation = nullptr;             ///< for which they are waiting

    /// The latest to arrive, or to return, lets all go on.
    void open_if_complete() {
        if (arrived == 0 || arrived < alive) return;
        arrived = 0;
        ++times;
    }
};

struct Warp {
    Group group;
    LaneBytes bytes[2][kWarpLanes];  ///< in turns: one exchange may be read while the next is written
};

struct Copy {
    void* to;
    const void* from;
    std::size_t bytes;
};
struct Copies {
    std::vector<Copy> asked;
    std::deque<std::vector<Copy>> groups;
};

/// Stacks whose tops do not all fall on the same few places of the processor's cache.
class SpreadStacks {
public:
    boost::context::stack_context allocate() {
        boost::context::stack_context stack = all_.allocate();
        const std::size_t shift = count_++ % 61 * 192;
        stack.sp = static_cast<char*>(stack.sp) - shift;
        stack.size -= shift;
        return stack;
    }
    void deallocate(boost::context::stack_context&) noexcept {}  // they are kept until the program ends

private:
    static constexpr std::size_t kBytes = 64 << 10;
    boost::context::fixedsize_stack all_{kBytes};
    std::size_t count_ = 0;
};

struct Thread {
    boost::context::fiber* fiber = nullptr;  ///< on which it runs, once it has begun
    Group* waits_for = nullptr;
    unsigned since = 0;  ///< the group's `times` when it began to wait
    bool done = false;

    [[nodiscard]] bool can_go_on() const { return !done && (waits_for == nullptr || waits_for->times != since); }
};

/// Runs one block after the other. A fiber takes thread after thread until one waits; then the next of the warp goes on.
class Machine {
public:
    void run_block(const std::function<void()>& kernel, bool backwards) {
        kernel_ = &kernel, backwards_ = backwards;
        threads_.assign(blockDim.count(), {});
        warps_.resize((threads_.size() + kWarpLanes - 1) / kWarpLanes);
        copies_.clear();
        all_ = {};
        for (Warp& warp : warps_) warp.group = {};
        all_.alive = static_cast<unsigned>(threads_.size());
        for (std::size_t i = 0; i < threads_.size(); ++i) ++warps_[i / kWarpLanes].group.alive;
        bool went_on = true;
        while (std::exchange(went_on, false)) {
            for (std::size_t i = 0; i < warps_.size(); ++i) {
                const std::size_t warp = backwards_ ? warps_.size() - 1 - i : i, first = warp * kWarpLanes;
                // The one before the first that is to be asked.
                become(backwards_ ? first : std::min(first + kWarpLanes, threads_.size()) - 1);
                while (leave(scheduler_)) went_on = true;
            }
        }
        if (all_.alive > 0) fail(std::to_string(all_.alive) + " threads of the block wait for others that never come");
    }

    void meet(Group& group, const char* operation) {
        if (group.arrived > 0 && group.operation != operation && std::strcmp(group.operation, operation) != 0) {
            fail(std::string("meets others at ") + operation + ", who are at " + group.operation);
        }
        group.operation = operation;
        Thread& self = threads_[current_];
        self.waits_for = &group, self.since = group.times;
        ++group.arrived;
        group.open_if_complete();
        while (!self.can_go_on()) {
            if (!leave(*self.fiber)) switch_fibers(*self.fiber, scheduler_);
        }
        self.waits_for = nullptr;
    }

    Group& all() { return all_; }
    Warp& warp() { return warps_[current_ / kWarpLanes]; }
    [[nodiscard]] std::size_t lane() const { return current_ % kWarpLanes; }
    Copies& copies() {
        copies_.resize(threads_.size());
        return copies_[current_];
    }

private:
    void become(std::size_t thread) {
        current_ = thread;
        const auto i = static_cast<unsigned>(thread);
        threadIdx = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
    }

    /// Lets the warp's next thread that can go on do so; false where there is none. Comes back when `own` is to go on.
    bool leave(boost::context::fiber& own) {
        const std::size_t first = current_ / kWarpLanes * kWarpLanes, end = std::min(first + kWarpLanes, threads_.size());
        std::size_t next = current_;
        for (std::size_t i = first; i < end; ++i) {
            if (backwards_) next = (next == first ? end : next) - 1;
            else next = next + 1 == end ? first : next + 1;
            if (!threads_[next].can_go_on()) continue;
            become(next);
            if (threads_[next].fiber == nullptr) threads_[next].fiber = idle_fiber();
            switch_fibers(own, *threads_[next].fiber);
            return true;
        }
        return false;
    }

    void switch_fibers(boost::context::fiber& from, boost::context::fiber& to) {
        switched_from_ = &from;
        boost::context::fiber back = std::move(to).resume();
        *switched_from_ = std::move(back);  // whoever it was that came back here
    }

    boost::context::fiber* idle_fiber() {
        if (idle_.empty()) {
            fibers_.emplace_back(std::allocator_arg, stacks_, [this](boost::context::fiber&& back) {
                *switched_from_ = std::move(back);
                while (true) run_threads();
                return boost::context::fiber();
            });
            return &fibers_.back();
        }
        boost::context::fiber* fiber = idle_.back();
        idle_.pop_back();
        return fiber;
    }

    /// The current thread, and the warp's next ones while they have not begun either.
    void run_threads() {
        boost::context::fiber* const fiber = threads_[current_].fiber;
        while (true) {
            (*kernel_)();
            threads_[current_].done = true;
            for (Group* group : {&warp().group, &all_}) {
                --group->alive;
                group->open_if_complete();
            }
            const std::size_t next = backwards_ ? current_ - 1 : current_ + 1;  // wraps around before the first
            const bool same_warp = next < threads_.size() && next / kWarpLanes == current_ / kWarpLanes;
            if (!same_warp || threads_[next].fiber != nullptr) break;
            become(next);
            threads_[next].fiber = fiber;
        }
        idle_.push_back(fiber);
        switch_fibers(*fiber, scheduler_);
    }

    const std::function<void()>* kernel_ = nullptr;
    bool backwards_ = false;
    std::vector<Thread> threads_;
    std::vector<Warp> warps_;
    std::vector<Copies> copies_;
    Group all_;
    std::size_t current_ = 0;
    boost::context::fiber scheduler_;
    boost::context::fiber* switched_from_ = nullptr;
    SpreadStacks stacks_;
    std::deque<boost::context::fiber> fibers_;
    std::vector<boost::context::fiber*> idle_;
};

Machine& machine = *new Machine;  // its fibers never end, and must not be ended with the program either

struct alignas(16) Shared {
    std::byte bytes[kMostShared];
};
Shared& shared() {
    static const auto memory = std::make_unique<Shared>();
    return *memory;
}

}  // namespace

Order wanted_order() {
    static const char* const order = std::getenv("HEART_EMULATED_ORDER");
    return order != nullptr && std::string(order) == "reverse" ? Order::last_to_first : Order::first_to_last;
}

void run_blocks(Extent grid, Extent block, std::size_t shared_bytes, const std::function<void()>& kernel, Order order) {
    static std::mutex one_launch;
    const std::lock_guard lock(one_launch);
    const bool reverse = order == Order::last_to_first;
    gridDim = grid, blockDim = block;
    for (std::size_t i = 0; i < grid.count(); ++i) {
        const auto at = static_cast<unsigned>(reverse ? grid.count() - 1 - i : i);
        blockIdx = {at % grid.x, at / grid.x % grid.y, at / grid.x / grid.y};
        std::memset(shared().bytes, 0xFF, shared_bytes);
        machine.run_block(kernel, reverse);
    }
}

void* launched_shared_memory() {
    return shared().bytes;
}

void meet_block() {
    machine.meet(machine.all(), "__syncthreads");
}

const LaneBytes* exchange(const char* operation, const void* mine, std::size_t bytes) {
    Warp& warp = machine.warp();
    LaneBytes* of_all = warp.bytes[warp.group.times % 2];
    if (bytes > 0) std::memcpy(of_all[machine.lane()], mine, bytes);
    machine.meet(warp.group, operation);
    return of_all;
}

void copy_later(void* to, const void* from, std::size_t bytes) {
    machine.copies().asked.push_back({to, from, bytes});
}

void end_copies() {
    Copies& own = machine.copies();
    own.groups.push_back(std::exchange(own.asked, {}));
}

void wait_for_copies(std::size_t still) {
    auto& groups = machine.copies().groups;
    for (; groups.size() > still; groups.pop_front()) {
        for (const Copy& copy : groups.front()) std::memcpy(copy.to, copy.from, copy.bytes);
    }
}

}  // namespace heart::emulated
