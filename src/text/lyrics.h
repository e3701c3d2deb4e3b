#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace heart::text {

/// A section of a song, as its lyrics mark it.
struct Section {
    std::string name;      ///< what stands between the brackets, without surrounding white space: "Chorus 2"
    std::size_t line = 0;  ///< of the marker, counted from 0
};

/// The section markers of the lyrics in order: lines that hold nothing but one pair of square brackets with a name inside,
/// and white space. Lines end at LF, CR LF or CR. The lyrics themselves are never changed: the model reads the markers too.
/// Throws ErrorCode::malformed when the lyrics are not UTF-8.
[[nodiscard]] std::vector<Section> find_sections(std::string_view lyrics);

}  // namespace heart::text
