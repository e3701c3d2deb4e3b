#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace heart::server::library {

/// Bounds on a picture from a stranger.
struct PictureLimits {
    std::size_t max_bytes = std::size_t{8} << 20;
    std::size_t max_side = 4096;     ///< pixels; asked before anything is decoded
    std::size_t stored_side = 1024;  ///< larger ones are made smaller
};

/// A PNG or JPEG as an opaque PNG of today's making: nothing that hid in the file goes on. What is transparent becomes
/// black. Throws ErrorCode::limit, ErrorCode::malformed.
[[nodiscard]] std::string normalise_picture(std::string_view file, const PictureLimits& limits = {});

}  // namespace heart::server::library
