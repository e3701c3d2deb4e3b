#pragma once

#include "formats/bytes.h"

#include <string_view>

namespace heart::hub {

/// The demonstration checkpoint that is part of the program (models/demo): the published layout, 12 MB, a small style of
/// synthetic tunes. What runs when no other checkpoint is named.
[[nodiscard]] formats::Folder demo_model();

/// One honest line about it.
[[nodiscard]] std::string_view demo_model_note();

/// Lyrics and tags that show what it can do.
[[nodiscard]] std::string_view example_lyrics();
[[nodiscard]] std::string_view example_tags();

}  // namespace heart::hub
