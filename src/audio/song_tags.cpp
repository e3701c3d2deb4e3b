#include "audio/song_tags.h"

#include "audio/replace_file.h"
#include "core/error.h"
#include "core/utf8.h"

#include <cerrno>
#include <fstream>
#include <memory>
#include <set>
#include <system_error>

#include <attachedpictureframe.h>
#include <flacfile.h>
#include <flacpicture.h>
#include <id3v2framefactory.h>
#include <id3v2tag.h>
#include <mpegfile.h>
#include <opusfile.h>
#include <tbytevectorstream.h>
#include <tpropertymap.h>
#include <wavfile.h>
#include <xiphcomment.h>
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

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";
constexpr std::size_t kPngHeaderBytes = 33;  // signature and IHDR chunk
constexpr const char* kCoverType = "image/png";

bool is_png(std::string_view bytes) {
    return bytes.size() > kPngHeaderBytes && bytes.starts_with(kPngSignature) && bytes.substr(12, 4) == "IHDR";
}

TagLib::ByteVector to_taglib_bytes(const std::string& bytes) {
    return {bytes.data(), static_cast<unsigned int>(bytes.size())};
}

/// Width or height from the PNG's header.
int big_endian(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return static_cast<int>(value & 0x7FFFFFFF);
}

/// The picture block of FLAC and Xiph comments.
std::unique_ptr<TagLib::FLAC::Picture> flac_picture(const std::string& png) {
    auto picture = std::make_unique<TagLib::FLAC::Picture>();
    picture->setType(TagLib::FLAC::Picture::FrontCover);
    picture->setMimeType(kCoverType);
    picture->setWidth(big_endian(png, 16));
    picture->setHeight(big_endian(png, 20));
    picture->setColorDepth(24);
    picture->setData(to_taglib_bytes(png));
    return picture;
}

void put_cover(TagLib::ID3v2::Tag& tag, const std::string& png) {
    tag.removeFrames("APIC");
    if (png.empty()) return;
    auto frame = std::make_unique<TagLib::ID3v2::AttachedPictureFrame>();
    frame->setType(TagLib::ID3v2::AttachedPictureFrame::FrontCover);
    frame->setMimeType(kCoverType);
    frame->setPicture(to_taglib_bytes(png));
    tag.addFrame(frame.release());  // the tag owns it
}

void put_cover(TagLib::RIFF::WAV::File& file, const std::string& png) {
    put_cover(*file.ID3v2Tag(), png);
}

void put_cover(TagLib::MPEG::File& file, const std::string& png) {
    put_cover(*file.ID3v2Tag(true), png);
}

void put_cover(TagLib::FLAC::File& file, const std::string& png) {
    file.removePictures();
    if (!png.empty()) file.addPicture(flac_picture(png).release());  // the file owns it
}

void put_cover(TagLib::Ogg::Opus::File& file, const std::string& png) {
    file.tag()->removeAllPictures();
    if (!png.empty()) file.tag()->addPicture(flac_picture(png).release());  // the tag owns it
}

template <typename Picture>
std::string png_of(const Picture& picture, TagLib::ByteVector (Picture::*data)() const) {
    const TagLib::ByteVector bytes = (picture.*data)();
    std::string png(bytes.data(), bytes.size());
    return is_png(png) && png.size() <= kMaxCoverBytes ? png : "";
}

std::string cover_of(const TagLib::List<TagLib::FLAC::Picture*>& pictures) {
    for (const auto* picture : pictures) {
        if (std::string png = png_of(*picture, &TagLib::FLAC::Picture::data); !png.empty()) return png;
    }
    return "";
}

std::string cover_of(TagLib::ID3v2::Tag* tag) {
    if (tag == nullptr) return "";
    for (const auto* frame : tag->frameList("APIC")) {
        const auto* picture = dynamic_cast<const TagLib::ID3v2::AttachedPictureFrame*>(frame);
        if (picture == nullptr) continue;
        if (std::string png = png_of(*picture, &TagLib::ID3v2::AttachedPictureFrame::picture); !png.empty()) return png;
    }
    return "";
}

std::string cover_of(TagLib::RIFF::WAV::File& file) {
    return cover_of(file.ID3v2Tag());
}

std::string cover_of(TagLib::MPEG::File& file) {
    return cover_of(file.ID3v2Tag());
}

std::string cover_of(TagLib::FLAC::File& file) {
    return cover_of(file.pictureList());
}

std::string cover_of(TagLib::Ogg::Opus::File& file) {
    return cover_of(file.tag()->pictureList());
}

/// Takes the JSON line that comment_with_settings() adds off the comment.
void split_comment(SongTags& tags) {
    const std::size_t line = tags.comment.rfind('\n');
    const std::size_t start = line == std::string::npos ? 0 : line + 1;
    const auto all = nlohmann::ordered_json::parse(tags.comment.begin() + static_cast<std::ptrdiff_t>(start),
                                                   tags.comment.end(), nullptr, false);
    if (!all.is_object()) return;
    std::vector<std::pair<std::string, std::string>> settings;
    for (const auto& [name, value] : all.items()) {
        if (!value.is_string()) return;
        settings.emplace_back(name, value.get<std::string>());
    }
    try {
        check_tags({"", "", "", "", "", settings});
    } catch (const Error&) {
        return;  // a stranger's settings: they could not be written again
    }
    tags.settings = std::move(settings);
    tags.comment.resize(line == std::string::npos ? 0 : line);
}

/// TagLib takes any bytes for a WAV file that starts like one in the least.
bool starts_as(std::istream& file, Container container) {
    if (container != Container::wav) return true;
    char head[12] = {};
    file.read(head, sizeof head);
    const std::string_view bytes(head, sizeof head);
    return file && bytes.starts_with("RIFF") && bytes.substr(8) == "WAVE";
}

/// Calls `work` with the TagLib file that fits the container; `source` is a path or a stream. The sound itself is not looked
/// at.
template <typename Source, typename Work>
void with_taglib_file(Source source, Container container, Work work) {
    constexpr bool kReadProperties = false;
    auto* const frames = TagLib::ID3v2::FrameFactory::instance();
    switch (container) {
        case Container::wav: {
            TagLib::RIFF::WAV::File wav(source, kReadProperties);
            return work(wav);
        }
        case Container::mp3: {
            TagLib::MPEG::File mp3(source, frames, kReadProperties);
            return work(mp3);
        }
        case Container::flac: {
            TagLib::FLAC::File flac(source, frames, kReadProperties);
            return work(flac);
        }
        case Container::ogg_opus: {
            TagLib::Ogg::Opus::File opus(source, kReadProperties);
            return work(opus);
        }
    }
    ensure(false, "an audio container is not handled");
}

bool save(TagLib::RIFF::WAV::File& file) {
    using File = TagLib::RIFF::WAV::File;
    return file.save(File::AllTags, File::StripOthers, TagLib::ID3v2::v3);
}

bool save(TagLib::MPEG::File& file) {
    using File = TagLib::MPEG::File;
    return file.save(File::ID3v2, File::StripOthers, TagLib::ID3v2::v3);
}

bool save(TagLib::File& file) {
    return file.save();
}

std::vector<char> put_tags(std::vector<char> file, Container container, const SongTags& tags) {
    TagLib::ByteVectorStream stream(TagLib::ByteVector(file.data(), static_cast<unsigned int>(file.size())));
    std::vector<char>().swap(file);  // one copy less while TagLib moves the samples
    with_taglib_file(static_cast<TagLib::IOStream*>(&stream), container, [&tags](auto& tagged) {
        ensure(tagged.isValid(), "TagLib does not recognise the file that was just encoded");
        ensure(tagged.setProperties(property_map(tags)).isEmpty(), "TagLib could not place every tag");
        put_cover(tagged, tags.cover_png);
        ensure(save(tagged), "TagLib could not save the tags");
    });
    const TagLib::ByteVector& tagged = *stream.data();
    return {tagged.data(), tagged.data() + tagged.size()};
}

[[noreturn]] void throw_unreadable(const std::filesystem::path& path) {
    throw Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot read '" + path.string() + "'")
        .found(std::generic_category().message(errno));
}

std::vector<char> whole_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw_unreadable(path);
    const std::uintmax_t size = std::filesystem::file_size(path);
    if (size > kMaxRetagBytes) {
        throw Error(ErrorCode::limit, "'" + path.string() + "' is too large for its tags to be changed")
            .expected("at most " + std::to_string(kMaxRetagBytes) + " bytes")
            .found(std::to_string(size));
    }
    std::vector<char> bytes(static_cast<std::size_t>(size));
    if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) throw_unreadable(path);
    return bytes;
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
    if (!tags.cover_png.empty() && !is_png(tags.cover_png)) {
        throw Error(ErrorCode::malformed, "the song's cover is not a PNG file");
    }
    if (tags.cover_png.size() > kMaxCoverBytes) {
        throw Error(ErrorCode::limit, "the song's cover is too large")
            .expected("at most " + std::to_string(kMaxCoverBytes) + " bytes")
            .found(std::to_string(tags.cover_png.size()));
    }
    if (bytes > kMaxTagBytes) {
        throw Error(ErrorCode::limit, "the song's tags are too long")
            .expected("at most " + std::to_string(kMaxTagBytes) + " bytes")
            .found(std::to_string(bytes));
    }
}

std::vector<char> with_tags(std::vector<char> file, Container container, const SongTags& tags) {
    if (tags.cover_png.empty() && property_map(tags).isEmpty()) return file;
    return put_tags(std::move(file), container, tags);
}

SongTags read_tags(const std::filesystem::path& path) {
    const Container container = container_of(path);
    std::error_code failed;
    if (!std::filesystem::is_regular_file(path, failed)) {
        throw Error(ErrorCode::not_found, "there is no audio file '" + path.string() + "'");
    }
    SongTags tags;
    with_taglib_file(path.c_str(), container, [&](auto& file) {
        std::ifstream start(path, std::ios::binary);
        if (!starts_as(start, container) || !file.isOpen() || !file.isValid()) {
            throw Error(ErrorCode::malformed, "'" + path.string() + "' is not a file of the format its ending names")
                .expected(std::string(container_name(container)));
        }
        const TagLib::PropertyMap map = file.properties();
        std::size_t room = kMaxTagBytes;
        const auto take = [&map, &room](const char* key, std::string& out) {
            const auto found = map.find(key);
            if (found == map.end() || found->second.isEmpty()) return;
            std::string text = found->second.front().to8Bit(true);
            if (text.size() > room || find_invalid_utf8(text) != std::string::npos || text.find('\0') != std::string::npos) {
                return;
            }
            room -= text.size();
            out = std::move(text);
        };
        take("TITLE", tags.title);
        take("ARTIST", tags.artist);
        take("GENRE", tags.genre);
        take("LYRICS", tags.lyrics);
        take("COMMENT", tags.comment);
        tags.cover_png = cover_of(file);
    });
    split_comment(tags);
    return tags;
}

void replace_tags(const std::filesystem::path& path, const SongTags& tags) {
    check_tags(tags);
    static_cast<void>(read_tags(path));  // throws when the file is not what its ending says
    const Container container = container_of(path);
    std::vector<char> bytes = put_tags(whole_file(path), container, tags);
    replace_file(path, bytes);
}

}  // namespace heart::audio
