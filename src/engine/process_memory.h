#pragma once

#include <cstdint>
#include <string>

namespace heart::engine {

/// "VmRSS:" (now) or "VmHWM:" (the most there was) of this process in bytes; 0 where the system does not say.
[[nodiscard]] std::uint64_t process_memory(const std::string& key);

}  // namespace heart::engine
