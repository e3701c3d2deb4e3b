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

/// Throws ErrorCode::malformed for text that is not UTF-8 or has a NUL (ID3v2 ends text there) and for a cover that does not
/// start as a PNG does, ErrorCode::limit beyond kMaxTagBytes or kMaxCoverBytes, ErrorCode::usage for a setting without a
/// name or two that would share a key.
void check_tags(const SongTags& tags);

/// `file` with `tags` put in by TagLib: WAV gets an ID3v2 and an INFO chunk, MP3 an ID3v2 tag in front, FLAC and Ogg Opus
/// Xiph comments. ID3v2 is version 2.3, which more programs read than 2.4; lyrics are a USLT frame, settings TXXX frames,
/// the cover an APIC frame, in FLAC and Ogg Opus a picture block. Tags of the same kind that are there already are replaced,
/// and so is every picture.
[[nodiscard]] std::vector<char> with_tags(std::vector<char> file, Container container, const SongTags& tags);

/// What the tags of an audio file say, as with_tags() writes them: settings come from the last line of the comment, where
/// their names are whole. Of what a stranger's file has, only text that check_tags() accepts is taken, and only a PNG within
/// kMaxCoverBytes. The format goes by the file ending, see container_of().
/// Throws ErrorCode::not_found, ErrorCode::malformed when the file is not of that format, and like container_of().
[[nodiscard]] SongTags read_tags(const std::filesystem::path& path);

/// Most bytes of a file that replace_tags() takes: it is held in memory.
inline constexpr std::uint64_t kMaxRetagBytes = std::uint64_t{1} << 30;

/// Puts `tags` in place of those the file has; the sound stays as it is. Whole or not at all, like write_audio().
/// Throws like read_tags(), check_tags() and replace_file(), and ErrorCode::limit beyond kMaxRetagBytes.
void replace_tags(const std::filesystem::path& path, const SongTags& tags);

}  // namespace heart::audio
