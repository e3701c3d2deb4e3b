#include "speech/subtitles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace heart::speech {

namespace {

/// One line without spaces around it.
std::string plain(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string lrc_time(double seconds) {
    const long long hundredths = std::llround(std::max(seconds, 0.0) * 100);
    return fmt::format("{:02}:{:02}.{:02}", hundredths / 6000, hundredths / 100 % 60, hundredths % 100);
}

std::string clock_time(double seconds, char before_fraction) {
    const long long ms = std::llround(std::max(seconds, 0.0) * 1000);
    return fmt::format("{:02}:{:02}:{:02}{}{:03}", ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60, before_fraction,
                       ms % 1000);
}

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else out += c;
    }
    return out;
}

}  // namespace

std::string to_lrc(std::span<const TimedLine> lines) {
    std::string out;
    for (const TimedLine& line : lines) {
        out += fmt::format("[{}]", lrc_time(line.start));
        if (line.words.empty()) out += plain(line.text);
        for (const TimedText& word : line.words) {
            // A space in front belongs before the time, so that players without word times still show spaces.
            out += fmt::format("{}<{}>{}", word.text.starts_with(' ') && &word != line.words.data() ? " " : "",
                               lrc_time(word.start), plain(word.text));
        }
        out += '\n';
    }
    return out;
}

std::string to_srt(std::span<const TimedLine> lines) {
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        out += fmt::format("{}\n{} --> {}\n{}\n\n", i + 1, clock_time(lines[i].start, ','), clock_time(lines[i].end, ','),
                           plain(lines[i].text));
    }
    return out;
}

std::string to_vtt(std::span<const TimedLine> lines) {
    std::string out = "WEBVTT\n\n";
    for (const TimedLine& line : lines) {
        out += fmt::format("{} --> {}\n{}\n\n", clock_time(line.start, '.'), clock_time(line.end, '.'),
                           escaped(plain(line.text)));
    }
    return out;
}

}  // namespace heart::speech
