#include "engine/lyrics_score.h"

#include "core/child_process.h"
#include "core/error.h"
#include "core/utf8.h"
#include "text/lyric_units.h"

#include <algorithm>
#include <array>
#include <span>

namespace heart::engine {

namespace {

using speech::Edit;
using Units = std::vector<std::string>;

/// IPA symbols of a text by espeak-ng, stress and length marks left out; nothing where the program is missing or fails.
std::optional<Units> phonemes_of(std::string_view text, const std::string& language) {
    constexpr std::size_t kMost = std::size_t{4} << 20;
    std::string ipa;
    try {
        ChildProcess espeak({"espeak-ng", "-q", "--ipa", "-v", language, "--stdin"}, {}, text);
        std::array<char, 4096> block{};
        for (std::size_t n = espeak.read(block); n > 0 && ipa.size() < kMost; n = espeak.read(block)) {
            ipa.append(block.data(), n);
        }
        if (espeak.wait() != 0) return std::nullopt;
    } catch (const Error&) {
        return std::nullopt;  // a phoneme rate is an extra
    }
    if (find_invalid_utf8(ipa) != std::string::npos) return std::nullopt;
    constexpr std::array<std::uint32_t, 4> kMarks{0x02c8, 0x02cc, 0x02d0, 0x02d1};  // primary, secondary, long, half-long
    Units out;
    bool in_switch = false;  // "(en)": a word of another language begins
    for (std::size_t at = 0; at < ipa.size();) {
        const Utf8Char c = decode_utf8(ipa, at);
        if (c.code == '(') in_switch = true;
        const bool mark = std::find(kMarks.begin(), kMarks.end(), c.code) != kMarks.end();
        if (!in_switch && !mark && c.code > ' ') out.push_back(ipa.substr(at, c.length));
        if (c.code == ')') in_switch = false;
        at += c.length;
    }
    return out;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
}

speech::ErrorCounts compare(const Units& reference, const Units& hypothesis) {
    return speech::count_errors(speech::align_units(reference, hypothesis));
}

/// Gives each edit to the line that its unit of the reference is in; an insertion to the line of the unit before it.
std::vector<LineScore> by_line(const std::vector<std::string>& lines, const std::vector<Units>& units, const Units& all,
                               const Units& heard, bool by_characters) {
    std::vector<LineScore> out;
    std::vector<std::size_t> line_of;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        out.push_back({lines[i], "", {}, {}});
        line_of.insert(line_of.end(), units[i].size(), i);
    }
    std::vector<std::vector<Edit>> edits(lines.size());
    std::size_t line = 0;
    for (const Edit& e : speech::align_units(all, heard)) {
        if (e.kind != Edit::Kind::insertion) line = line_of[e.reference];
        LineScore& score = out[line];
        edits[line].push_back(e);
        const bool sung = e.kind != Edit::Kind::insertion, was_heard = e.kind != Edit::Kind::deletion;
        score.units.push_back({e.kind, sung ? all[e.reference] : "", was_heard ? heard[e.hypothesis] : ""});
        if (was_heard) score.heard += (score.heard.empty() || by_characters ? "" : " ") + heard[e.hypothesis];
    }
    for (std::size_t i = 0; i < lines.size(); ++i) out[i].counts = speech::count_errors(edits[i]);
    return out;
}

}  // namespace

LyricsScore score_lyrics(std::string_view lyrics, std::string_view heard, const std::string& language) {
    const std::vector<std::string> lines = text::sung_lines(lyrics);
    const std::string sung = joined(lines);
    LyricsScore out;
    out.by_characters = text::is_written_without_spaces(sung);
    out.words = compare(text::comparable_words(sung), text::comparable_words(heard));
    out.characters = compare(text::comparable_characters(sung), text::comparable_characters(heard));
    if (out.main().reference_units() == 0) {
        throw Error(ErrorCode::usage, "the lyrics have no words").expected("at least one line of text");
    }
    const auto units_of = [&](std::string_view text) {
        return out.by_characters ? text::comparable_characters(text) : text::comparable_words(text);
    };
    std::vector<Units> units;
    Units all;
    for (const std::string& line : lines) {
        units.push_back(units_of(line));
        all.insert(all.end(), units.back().begin(), units.back().end());
    }
    out.lines = by_line(lines, units, all, units_of(heard), out.by_characters);
    if (!language.empty()) {
        const auto expected = phonemes_of(sung, language), found = phonemes_of(heard, language);
        if (expected && found) out.phonemes = compare(*expected, *found);
    }
    return out;
}

}  // namespace heart::engine
