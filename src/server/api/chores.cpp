#include "server/api/chores.h"

#include "core/error.h"
#include "server/api/files.h"
#include "server/api/log.h"

namespace heart::server::api {

namespace {

using namespace std::chrono_literals;

constexpr database::TimeMs kDay = 24LL * 3600 * 1000;
constexpr database::TimeMs kBinLife = 30 * kDay, kKeyLife = kDay;

}  // namespace

void Chores::start() {
    thread_ = std::thread([this] {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            lock.unlock();
            run();
            lock.lock();
            changed_.wait_for(lock, 24h, [this] { return stopping_; });
        }
    });
}

void Chores::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Chores::remove_journals() {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(services_.options.data_folder / "codes", ignored)) {
        const std::string id = entry.path().stem().string();
        const auto job = services_.jobs.by_id(id);
        if (job && job->state != database::JobState::completed) continue;  // it may go on, or be tried again
        if (!services_.songs.by_id(id)) std::filesystem::remove(entry.path(), ignored);
    }
}

void Chores::run() {
    try {
        const database::TimeMs now = database::now_ms();
        for (const database::Song& song : services_.songs.purge_before(now - kBinLife)) remove_files(services_, song);
        services_.ledger.forget_keys_before(now - kKeyLife);
        services_.library.tidy();
        remove_journals();
    } catch (const std::exception& e) {
        log(LogLevel::error, "daily chores failed", {{"why", printable(e.what())}});
    }
}

}  // namespace heart::server::api
