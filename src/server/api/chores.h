#pragma once

#include "server/api/services.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace heart::server::api {

/// What has to be done once a day, on a thread of its own: songs leave the bin for good after 30 days, idempotency keys are
/// forgotten after one, the cache is brought below its limit, journals of codes go with their songs.
class Chores {
public:
    explicit Chores(Services& services) : services_(services) {}
    Chores(const Chores&) = delete;
    Chores& operator=(const Chores&) = delete;
    ~Chores() { stop(); }

    void start();
    void stop();
    /// All of it, now. What fails is logged and tried again the next day.
    void run();

private:
    void remove_journals();

    Services& services_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace heart::server::api
