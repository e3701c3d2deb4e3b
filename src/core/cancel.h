#pragma once

#include "core/error.h"

#include <atomic>

namespace heart {

/// A flag that another thread, or a signal handler, sets to stop work. Long work calls `check()` between frames, Euler
/// steps and tiles, so that stopping takes effect within one of them.
class CancelToken {
public:
    void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

    /// Throws ErrorCode::cancelled once `cancel()` was called.
    void check() const {
        if (cancelled()) throw Error(ErrorCode::cancelled, "stopped on request");
    }

private:
    std::atomic<bool> cancelled_{false};
    static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");
};

}  // namespace heart
