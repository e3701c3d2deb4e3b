#pragma once

#include <span>
#include <string>
#include <vector>

namespace heart::speech {

/// A word or line with its place in the sound, in seconds.
struct TimedText {
    std::string text;
    double start = 0, end = 0;
};

struct TimedLine : TimedText {
    std::vector<TimedText> words;  ///< may be empty
};

/// Lyrics that a player shows as they are sung: "[mm:ss.xx]text" a line. Words that have times stand behind "<mm:ss.xx>"
/// each, as in the enhanced format of A2 Media Player. Line breaks within a text become spaces.
[[nodiscard]] std::string to_lrc(std::span<const TimedLine> lines);

/// SubRip subtitles: number, "hh:mm:ss,mmm --> hh:mm:ss,mmm", text, an empty line.
[[nodiscard]] std::string to_srt(std::span<const TimedLine> lines);

/// WebVTT: the same without numbers, with "hh:mm:ss.mmm", behind its first line. `<`, `>` and `&` are escaped.
[[nodiscard]] std::string to_vtt(std::span<const TimedLine> lines);

}  // namespace heart::speech
