#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::library {

/// What a cover is drawn from: the same subject always gives the same picture.
struct CoverSubject {
    std::string id, title, tags, lyrics;
    std::vector<float> loudness;  ///< of the song over time, 0..1, any number of values
};

/// A square PNG without text: two or three colours hashed from the song, shapes from its loudness and its sections.
[[nodiscard]] std::string draw_cover(const CoverSubject& subject, int pixels = 768);

}  // namespace heart::server::library
