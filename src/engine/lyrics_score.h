#pragma once

#include "speech/error_rate.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::engine {

/// What became of a line of the lyrics.
struct LineScore {
    std::string text;   ///< as it stands in the lyrics
    std::string heard;  ///< the words or characters that were heard in its place
    speech::ErrorCounts counts;
    /// Units of the line in order, with what was heard instead; an inserted unit has no `sung`, a dropped one no `heard`.
    struct Unit {
        speech::Edit::Kind kind = speech::Edit::Kind::hit;
        std::string sung, heard;
    };
    std::vector<Unit> units;
};

/// How well a text that was heard matches lyrics.
struct LyricsScore {
    bool by_characters = false;  ///< the lyrics are written without spaces: `lines` count characters, not words
    speech::ErrorCounts words, characters;
    std::optional<speech::ErrorCounts> phonemes;  ///< where espeak-ng is installed and knows the language
    std::vector<LineScore> lines;

    /// The rate of the field for this script: of words, or of characters.
    [[nodiscard]] const speech::ErrorCounts& main() const noexcept { return by_characters ? characters : words; }
};

/// Compares, without section markers and punctuation (see text::comparable_words). `language`: code for the phonemizer;
/// empty: no phonemes. Throws ErrorCode::usage for lyrics without words, ErrorCode::malformed for texts that are not UTF-8,
/// ErrorCode::limit for texts beyond speech::kMostUnits.
[[nodiscard]] LyricsScore score_lyrics(std::string_view lyrics, std::string_view heard, const std::string& language);

}  // namespace heart::engine
