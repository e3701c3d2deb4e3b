#pragma once

#include "formats/bytes.h"

#include <cstdint>
#include <functional>
#include <string>

namespace heart::engine {

/// SHA-256 of a file (FIPS 180-4) as 64 hexadecimal digits. `passed` is called behind each piece with its bytes; what it
/// throws stops the work. Pages are let go of behind the reading.
[[nodiscard]] std::string sha256(const formats::Bytes& file, const std::function<void(std::uint64_t bytes)>& passed = {});

}  // namespace heart::engine
