#pragma once

#include <cstdint>
#include <functional>

namespace heart {

/// Calls body(0) .. body(count - 1), each once, in any order, on up to `threads` threads, the caller's among them. When one
/// throws, no further ones are started and the first exception is thrown here.
void parallel_for(std::int64_t count, int threads, const std::function<void(std::int64_t)>& body);

}  // namespace heart
