#pragma once

#include <cstdint>
#include <span>

namespace heart::audio {

/// Replaces the serial number of the one logical stream in an Ogg file (RFC 3533), which libsndfile draws at random, by a
/// number made from the file's other bytes: the same song gives the same bytes, and different songs still have different
/// numbers, as joining Ogg files end to end asks for. Throws ErrorCode::internal when `file` is not a row of Ogg pages.
void make_ogg_serial_repeatable(std::span<char> file);

/// Puts `serial` into every page and renews the pages' checksums. Throws like make_ogg_serial_repeatable().
void set_ogg_serial(std::span<char> file, std::uint32_t serial);

}  // namespace heart::audio
