#pragma once

#include "core/error.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace heart {

/// A second thread that takes what the owning thread puts, in order, through a queue of bounded size. Whatever either side
/// throws ends both: a failure of the thread comes out of the owner's next call, and an owner that is destroyed before
/// `finish()` makes `take()` throw.
template <typename T>
class ConsumerThread {
public:
    /// Runs `work(*this)` on the new thread; it calls `take()` until that gives nothing.
    ConsumerThread(std::size_t capacity, std::function<void(ConsumerThread&)> work)
        : capacity_(capacity), thread_([this, body = std::move(work)] { run(body); }) {}
    ConsumerThread(const ConsumerThread&) = delete;
    ConsumerThread& operator=(const ConsumerThread&) = delete;
    /// Makes the thread stop and waits until it has.
    ~ConsumerThread() {
        {
            const std::lock_guard lock(mutex_);
            abandoned_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    // --- the owner's side ---------------------------------------------------------------------------------------------

    /// Waits while the queue is full. Throws what the thread failed with.
    void put(T value) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return ended_ || queue_.size() < capacity_; });
        if (failure_) std::rethrow_exception(failure_);
        ensure(!ended_, "a consumer takes everything");
        queue_.push_back(std::move(value));
        lock.unlock();
        changed_.notify_all();
    }

    /// Nothing more will be put.
    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        changed_.notify_all();
    }

    /// Whether the thread ended, after waiting for that at most so long.
    [[nodiscard]] bool ended_within(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, time, [&] { return ended_; });
    }

    /// Closes, waits until the thread has ended, and throws what it failed with.
    void finish() {
        close();
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return ended_; });
        if (failure_) std::rethrow_exception(failure_);
    }

    // --- the thread's side --------------------------------------------------------------------------------------------

    /// The next value, waiting for it; none when all are taken and nothing more will come. Throws like `check()`.
    [[nodiscard]] std::optional<T> take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return abandoned_ || closed_ || !queue_.empty(); });
        throw_if_abandoned();
        if (queue_.empty()) return std::nullopt;
        std::optional<T> value(std::move(queue_.front()));
        queue_.pop_front();
        lock.unlock();
        changed_.notify_all();
        return value;
    }

    /// Throws ErrorCode::cancelled when the owner gave up; asked between pieces of long work.
    void check() const {
        const std::lock_guard lock(mutex_);
        throw_if_abandoned();
    }

private:
    void throw_if_abandoned() const {
        if (abandoned_) throw Error(ErrorCode::cancelled, "stopped on request");
    }

    void run(const std::function<void(ConsumerThread&)>& body) {
        std::exception_ptr failure;
        try {
            body(*this);
        } catch (...) {
            failure = std::current_exception();
        }
        {
            const std::lock_guard lock(mutex_);
            failure_ = failure;
            ended_ = true;
        }
        changed_.notify_all();
    }

    std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> queue_;
    bool closed_ = false, abandoned_ = false, ended_ = false;
    std::exception_ptr failure_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace heart
