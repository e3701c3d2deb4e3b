#include "server/api/log.h"

#include "server/database/database.h"

#include <atomic>
#include <string>

#include <unistd.h>

namespace heart::server::api {

namespace {

std::atomic<LogLevel> lowest{LogLevel::info};

const char* name_of(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::info: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: return "error";
        case LogLevel::off: break;
    }
    return "";
}

}  // namespace

void set_log_level(LogLevel level) noexcept {
    lowest = level;
}

void log(LogLevel level, std::string_view event, const nlohmann::ordered_json& fields) {
    if (level < lowest.load() || level == LogLevel::off) return;
    nlohmann::ordered_json line{
        {"time", database::iso_time(database::now_ms())}, {"level", name_of(level)}, {"event", event}};
    for (const auto& [name, value] : fields.items()) line[name] = value;
    std::string text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    text += '\n';
    // One call, so that lines of several threads stay whole. Where nobody reads any more there is nobody to tell.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace heart::server::api
