#include "server/http/lanes.h"

#include <algorithm>
#include <utility>

namespace heart::server::http {

WorkerLane::WorkerLane(int threads, std::size_t most_waiting) : most_waiting_(most_waiting) {
    for (int i = 0; i < std::max(threads, 1); ++i) threads_.emplace_back([this] { work(); });
}

bool WorkerLane::submit(Task task) {
    {
        const std::lock_guard lock(mutex_);
        // A thread that sleeps will take the next task: what it takes does not wait.
        if (queue_.size() >= most_waiting_ + idle_) return false;
        queue_.push_back(std::move(task));
    }
    more_.notify_one();
    return true;
}

void WorkerLane::submit_always(Task task) {
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(task));
    }
    more_.notify_one();
}

void WorkerLane::abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
}

void WorkerLane::join() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    more_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void WorkerLane::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        more_.wait(lock, [this] { return ending_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return;
        Task task = std::move(queue_.front());
        queue_.pop_front();
        const bool abandoned = abandoned_;
        lock.unlock();
        task(abandoned);
        task = nullptr;  // what it holds may be freed outside of the lock only
        lock.lock();
    }
}

}  // namespace heart::server::http
