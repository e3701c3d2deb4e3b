#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace heart::server::http {

/// Worker threads with one bounded queue.
class WorkerLane {
public:
    /// `abandoned`: the server is stopping; do not begin the work, only tell whoever waits for it.
    using Task = std::function<void(bool abandoned)>;

    WorkerLane(int threads, std::size_t most_waiting);
    WorkerLane(const WorkerLane&) = delete;
    WorkerLane& operator=(const WorkerLane&) = delete;
    ~WorkerLane() { join(); }

    /// False when as many tasks wait as may. Tasks must not throw.
    [[nodiscard]] bool submit(Task task);
    /// For what must run and is bounded by other means; also when the lane abandons.
    void submit_always(Task task);
    /// Tasks that have not begun run as abandoned from now on.
    void abandon();
    /// Runs what is queued and returns when the last task has.
    void join();

private:
    void work();

    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<Task> queue_;
    std::size_t most_waiting_, idle_ = 0;
    bool abandoned_ = false, ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace heart::server::http
