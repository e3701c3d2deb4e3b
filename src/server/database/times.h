#pragma once

#include "server/database/database.h"

#include <string>
#include <string_view>

namespace heart::server::database {

/// "2026-11-28 00:23:40.123000": how the Python studio's columns hold a time; ours are UTC.
[[nodiscard]] std::string text_time(TimeMs time);
/// Reads what text_time writes, also without fraction or with a 'T' between. 0 for anything else.
[[nodiscard]] TimeMs parse_text_time(std::string_view text) noexcept;
/// The same for a time of this machine's time zone, as the Python studio wrote it.
[[nodiscard]] TimeMs parse_local_text_time(std::string_view text) noexcept;

}  // namespace heart::server::database
