#include "audio/song_tags.h"

#include "core/error.h"
#include "core/utf8.h"

#include <set>

#include <flacfile.h>
#include <id3v2framefactory.h>
#include <mpegfile.h>
#include <opusfile.h>
#include <tbytevectorstream.h>
#include <tpropertymap.h>
#include <wavfile.h>
#include <nlohmann/json.hpp>

namespace heart::audio {

namespace {

TagLib::String to_taglib(const std::string& utf8) {
    return {utf8, TagLib::String::UTF8};
}

/// Tags under TagLib's format-independent names.
TagLib::PropertyMap property_map(const SongTags& tags) {
    TagLib::PropertyMap map;
    const auto insert = [&map](const std::string& key, const std::string& value) {
        if (!value.empty()) map.insert(key, TagLib::StringList(to_taglib(value)));
    };
    insert("TITLE", tags.title);
    insert("ARTIST", tags.artist);
    insert("GENRE", tags.genre);
    insert("LYRICS", tags.lyrics);
    insert("COMMENT", comment_with_settings(tags));
    for (const auto& [name, value] : tags.settings) insert(setting_key(name), value);
    return map;
}

void check_text(const std::string& text, std::string_view what) {
    const std::size_t at = find_invalid_utf8(text);
    if (at != std::string::npos) {
        throw Error(ErrorCode::malformed, "the " + std::string(what) + " of the song is not valid UTF-8")
            .found("an invalid byte at offset " + std::to_string(at));
    }
    if (text.find('\0') != std::string::npos) {
        throw Error(ErrorCode::malformed, "the " + std::string(what) + " of the song has a NUL character");
    }
}

template <typename File, typename... SaveArguments>
void put_tags(File& file, const TagLib::PropertyMap& map, SaveArguments... how) {
    ensure(file.isValid(), "TagLib does not recognise the file that was just encoded");
    ensure(file.setProperties(map).isEmpty(), "TagLib could not place every tag");
    ensure(file.save(how...), "TagLib could not save the tags");
}

}  // namespace

std::string setting_key(std::string_view name) {
    std::string key = "HEART_";
    for (const char c : name) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        key += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
    }
    return key;
}

std::string comment_with_settings(const SongTags& tags) {
    if (tags.settings.empty()) return tags.comment;
    nlohmann::ordered_json all = nlohmann::ordered_json::object();
    for (const auto& [name, value] : tags.settings) all[name] = value;
    return tags.comment + (tags.comment.empty() ? "" : "\n") + all.dump();
}

void check_tags(const SongTags& tags) {
    check_text(tags.title, "title");
    check_text(tags.artist, "artist");
    check_text(tags.genre, "genre");
    check_text(tags.lyrics, "lyrics tag");
    check_text(tags.comment, "comment");
    std::size_t bytes =
        tags.title.size() + tags.artist.size() + tags.genre.size() + tags.lyrics.size() + tags.comment.size();
    std::set<std::string> keys;
    for (const auto& [name, value] : tags.settings) {
        check_text(name, "name of a setting");
        check_text(value, "setting '" + name + "'");
        bytes += name.size() + value.size();
        if (name.empty()) throw Error(ErrorCode::usage, "a setting of the song has no name");
        if (!keys.insert(setting_key(name)).second) {
            throw Error(ErrorCode::usage, "the setting '" + name + "' is there twice").found(setting_key(name));
        }
    }
    if (bytes > kMaxTagBytes) {
        throw Error(ErrorCode::limit, "the song's tags are too long")
            .expected("at most " + std::to_string(kMaxTagBytes) + " bytes")
            .found(std::to_string(bytes));
    }
}

std::vector<char> with_tags(std::vector<char> file, Container container, const SongTags& tags) {
    const TagLib::PropertyMap map = property_map(tags);
    if (map.isEmpty()) return file;
    TagLib::ByteVectorStream stream(TagLib::ByteVector(file.data(), static_cast<unsigned int>(file.size())));
    std::vector<char>().swap(file);  // one copy less while TagLib moves the samples
    constexpr bool kReadProperties = false;
    auto* const frames = TagLib::ID3v2::FrameFactory::instance();
    switch (container) {
        case Container::wav: {
            using File = TagLib::RIFF::WAV::File;
            File wav(&stream, kReadProperties);
            put_tags(wav, map, File::AllTags, File::StripOthers, TagLib::ID3v2::v3);
            break;
        }
        case Container::mp3: {
            using File = TagLib::MPEG::File;
            File mp3(&stream, frames, kReadProperties);
            put_tags(mp3, map, File::ID3v2, File::StripOthers, TagLib::ID3v2::v3);
            break;
        }
        case Container::flac: {
            TagLib::FLAC::File flac(&stream, frames, kReadProperties);
            put_tags(flac, map);
            break;
        }
        case Container::ogg_opus: {
            TagLib::Ogg::Opus::File opus(&stream, kReadProperties);
            put_tags(opus, map);
            break;
        }
    }
    const TagLib::ByteVector& tagged = *stream.data();
    return {tagged.data(), tagged.data() + tagged.size()};
}

}  // namespace heart::audio
