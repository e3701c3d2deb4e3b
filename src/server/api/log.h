#pragma once

#include <nlohmann/json.hpp>

#include <string_view>

namespace heart::server::api {

enum class LogLevel { debug, info, warning, error, off };

/// Lines below this level are left out. From any thread.
void set_log_level(LogLevel level) noexcept;

/// One line on standard error, a JSON object: {"time","level","event", ...fields}. Who calls keeps secrets out of it:
/// no queries, no header fields, no bodies. From any thread; lines do not mix.
void log(LogLevel level, std::string_view event, const nlohmann::ordered_json& fields = nlohmann::ordered_json::object());

}  // namespace heart::server::api
