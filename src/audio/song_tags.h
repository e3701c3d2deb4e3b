#pragma once

#include "audio/write_file.h"

#include <string>
#include <string_view>
#include <vector>

namespace heart::audio {

/// The tag under which a setting is written: "top_k" -> "HEART_TOP_K". Everything but letters and digits becomes '_'.
[[nodiscard]] std::string setting_key(std::string_view name);

/// The comment, and after it, on a line of its own, the settings as one JSON object in their order (all values strings).
[[nodiscard]] std::string comment_with_settings(const SongTags& tags);

/// Throws ErrorCode::malformed for text that is not UTF-8 or has a NUL (ID3v2 ends text there), ErrorCode::limit beyond
/// kMaxTagBytes, ErrorCode::usage for a setting without a name or two that would share a key.
void check_tags(const SongTags& tags);

/// `file` with `tags` put in by TagLib: WAV gets an ID3v2 and an INFO chunk, MP3 an ID3v2 tag in front, FLAC and Ogg Opus
/// Xiph comments. ID3v2 is version 2.3, which more programs read than 2.4; lyrics are a USLT frame, settings TXXX frames.
[[nodiscard]] std::vector<char> with_tags(std::vector<char> file, Container container, const SongTags& tags);

}  // namespace heart::audio
