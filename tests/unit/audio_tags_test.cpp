#include "audio/png.h"
#include "audio/song_tags.h"
#include "audio/write_file.h"

#include "audio_test_support.h"

#include <attachedpictureframe.h>
#include <flacfile.h>
#include <flacpicture.h>
#include <id3v2tag.h>
#include <infotag.h>
#include <mpegfile.h>
#include <opusfile.h>
#include <tpropertymap.h>
#include <unsynchronizedlyricsframe.h>
#include <wavfile.h>
#include <xiphcomment.h>
#include <nlohmann/json.hpp>

namespace heart::audio {
namespace {

using namespace testing;

const SongTags kTags{"Größe 歌 🎵",      "Heart",
                     "piano, happy",    "[verse]\nEin Lied über dich\n\n[chorus]\nla la la\n",
                     "made for a test", {{"seed", "11"}, {"top_k", "50"}, {"cfg-scale", "1.5 \"quoted\""}}};

std::string utf8(const TagLib::String& text) {
    return text.to8Bit(true);
}

std::string property(const TagLib::PropertyMap& map, const char* key) {
    return map.contains(key) && !map[key].isEmpty() ? utf8(map[key].front()) : "(none)";
}

void expect_tags(const TagLib::PropertyMap& map, const SongTags& tags) {
    EXPECT_EQ(property(map, "TITLE"), tags.title);
    EXPECT_EQ(property(map, "ARTIST"), tags.artist);
    EXPECT_EQ(property(map, "GENRE"), tags.genre);
    EXPECT_EQ(property(map, "LYRICS"), tags.lyrics);
    EXPECT_EQ(property(map, "HEART_SEED"), "11");
    EXPECT_EQ(property(map, "HEART_TOP_K"), "50");
    EXPECT_EQ(property(map, "HEART_CFG_SCALE"), "1.5 \"quoted\"");
    const std::string comment = property(map, "COMMENT");
    const std::size_t line = comment.find('\n');
    ASSERT_NE(line, std::string::npos) << comment;
    EXPECT_EQ(comment.substr(0, line), tags.comment);
    const auto json = nlohmann::ordered_json::parse(comment.substr(line + 1));
    EXPECT_EQ(json.dump(), R"({"seed":"11","top_k":"50","cfg-scale":"1.5 \"quoted\""})");
}

fs::path write_tagged(const TemporaryFolder& folder, const std::string& name, const SongTags& tags = kTags) {
    const Waveform song = tones(20000, 2, 48000, 300, 0.5);
    write_audio(folder / name, song, {}, tags);
    EXPECT_EQ(read_sound(folder / name).wave.frames(), song.frames()) << name;
    return folder / name;
}

TEST(AudioTags, Mp3HasId3v2WithLyricsAndSettingsFrames) {
    const TemporaryFolder folder;
    TagLib::MPEG::File file(write_tagged(folder, "a.mp3").c_str());
    ASSERT_TRUE(file.hasID3v2Tag());
    EXPECT_FALSE(file.hasID3v1Tag());
    EXPECT_FALSE(file.hasAPETag());
    expect_tags(file.properties(), kTags);
    const auto& frames = file.ID3v2Tag()->frameListMap();
    ASSERT_EQ(frames["USLT"].size(), 1U);
    const auto* lyrics = dynamic_cast<const TagLib::ID3v2::UnsynchronizedLyricsFrame*>(frames["USLT"].front());
    ASSERT_NE(lyrics, nullptr);
    EXPECT_EQ(utf8(lyrics->text()), kTags.lyrics);
    EXPECT_EQ(frames["TXXX"].size(), 3U);
    EXPECT_EQ(file.ID3v2Tag()->header()->majorVersion(), 3U);
}

TEST(AudioTags, WavHasId3v2AndInfo) {
    const TemporaryFolder folder;
    TagLib::RIFF::WAV::File file(write_tagged(folder, "a.wav").c_str());
    ASSERT_TRUE(file.hasID3v2Tag());
    ASSERT_TRUE(file.hasInfoTag());
    expect_tags(file.ID3v2Tag()->properties(), kTags);
    EXPECT_EQ(utf8(file.InfoTag()->title()), kTags.title);
    EXPECT_EQ(utf8(file.InfoTag()->artist()), kTags.artist);
    EXPECT_EQ(utf8(file.InfoTag()->genre()), kTags.genre);
    EXPECT_EQ(utf8(file.InfoTag()->comment()), comment_with_settings(kTags));
}

TEST(AudioTags, FlacAndOpusHaveXiphComments) {
    const TemporaryFolder folder;
    TagLib::FLAC::File flac(write_tagged(folder, "a.flac").c_str());
    ASSERT_TRUE(flac.hasXiphComment());
    EXPECT_FALSE(flac.hasID3v2Tag());
    expect_tags(flac.xiphComment()->properties(), kTags);
    for (const char* name : {"a.ogg", "a.opus"}) {
        TagLib::Ogg::Opus::File opus(write_tagged(folder, name).c_str());
        ASSERT_TRUE(opus.isValid());
        expect_tags(opus.properties(), kTags);
        EXPECT_TRUE(opus.tag()->fieldListMap().contains("LYRICS"));
    }
}

TEST(AudioTags, LongLyricsOverManyOggPagesLeaveTheSoundWhole) {
    const TemporaryFolder folder;
    SongTags tags = kTags;
    tags.lyrics.clear();
    for (int line = 0; line < 20000; ++line) tags.lyrics += "line " + std::to_string(line) + " ä\n";
    for (const char* name : {"a.wav", "a.mp3", "a.flac", "a.opus"}) write_tagged(folder, name, tags);
    TagLib::Ogg::Opus::File opus((folder / "a.opus").c_str());
    expect_tags(opus.properties(), tags);
    TagLib::MPEG::File mp3((folder / "a.mp3").c_str());
    expect_tags(mp3.properties(), tags);
}

TEST(AudioTags, WithoutSettingsTheCommentIsAloneAndEmptyTagsAreLeftOut) {
    EXPECT_EQ(comment_with_settings({"", "", "", "", "only this", {}}), "only this");
    EXPECT_EQ(comment_with_settings({"", "", "", "", "", {{"a", "b"}}}), R"({"a":"b"})");
    const TemporaryFolder folder;
    TagLib::FLAC::File flac(write_tagged(folder, "a.flac", {"Title", "", "", "", "", {}}).c_str());
    EXPECT_EQ(flac.xiphComment()->properties().size(), 1U);
    EXPECT_EQ(setting_key("min-p 2.é"), "HEART_MIN_P_2___");
}

TEST(AudioTags, TextThatCannotBeATagIsRefused) {
    const auto code = [](const SongTags& tags) { return error_of([&] { check_tags(tags); }).code(); };
    EXPECT_EQ(code({"\xff", "", "", "", "", {}}), ErrorCode::malformed);
    EXPECT_EQ(code({"", "\xc0\x80", "", "", "", {}}), ErrorCode::malformed);
    EXPECT_EQ(code({"", "", "\xed\xa0\x80", "", "", {}}), ErrorCode::malformed);
    EXPECT_EQ(code({"", "", "", std::string("a\0b", 3), "", {}}), ErrorCode::malformed);
    EXPECT_EQ(code({"", "", "", "", "\x80", {}}), ErrorCode::malformed);
    EXPECT_EQ(code({"", "", "", "", "", {{"seed", "\xff"}}}), ErrorCode::malformed);
    EXPECT_EQ(code({"", "", "", "", "", {{"\xff", ""}}}), ErrorCode::malformed);
    EXPECT_EQ(code({"", "", "", "", "", {{"", "1"}}}), ErrorCode::usage);
    EXPECT_EQ(code({"", "", "", "", "", {{"top_k", "1"}, {"top-k", "2"}}}), ErrorCode::usage);
    EXPECT_EQ(code({"", "", "", std::string(kMaxTagBytes + 1, 'a'), "", {}}), ErrorCode::limit);
    EXPECT_NO_THROW(check_tags(kTags));
    const TemporaryFolder folder;
    const Waveform song = tones(100, 1, 48000, 300, 0.5);
    EXPECT_EQ(error_of([&] {
                  write_audio(folder / "a.wav", song, {}, {"\xff", "", "", "", "", {}});
              }).code(),
              ErrorCode::malformed);
    EXPECT_TRUE(folder.names().empty());
}

/// A PNG of about 3 bytes a pixel.
std::string noisy_png(std::size_t side, std::uint32_t seed = 1) {
    Image image(side, side, {});
    std::uint32_t state = seed;
    const auto next = [&state] { return static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24); };
    for (Rgb& pixel : image.pixels) pixel = {next(), next(), next()};
    const std::vector<char> bytes = encode_png(image);
    return {bytes.begin(), bytes.end()};
}

std::string to_string(const TagLib::ByteVector& bytes) {
    return {bytes.data(), bytes.size()};
}

constexpr const char* kEveryFormat[] = {"a.wav", "a.mp3", "a.flac", "a.opus"};

TEST(AudioTags, TheCoverIsWherePlayersLookForIt) {
    const TemporaryFolder folder;
    SongTags tags = kTags;
    tags.cover_png = noisy_png(40);
    const auto expect_frame = [&](TagLib::ID3v2::Tag* tag) {
        const auto& frames = tag->frameList("APIC");
        ASSERT_EQ(frames.size(), 1U);
        const auto* picture = dynamic_cast<const TagLib::ID3v2::AttachedPictureFrame*>(frames.front());
        ASSERT_NE(picture, nullptr);
        EXPECT_EQ(to_string(picture->picture()), tags.cover_png);
        EXPECT_EQ(utf8(picture->mimeType()), "image/png");
        EXPECT_EQ(picture->type(), TagLib::ID3v2::AttachedPictureFrame::FrontCover);
    };
    const auto expect_block = [&](const TagLib::List<TagLib::FLAC::Picture*>& pictures) {
        ASSERT_EQ(pictures.size(), 1U);
        EXPECT_EQ(to_string(pictures.front()->data()), tags.cover_png);
        EXPECT_EQ(utf8(pictures.front()->mimeType()), "image/png");
        EXPECT_EQ(pictures.front()->type(), TagLib::FLAC::Picture::FrontCover);
        EXPECT_EQ(pictures.front()->width(), 40);
        EXPECT_EQ(pictures.front()->height(), 40);
    };
    TagLib::RIFF::WAV::File wav(write_tagged(folder, "a.wav", tags).c_str());
    expect_frame(wav.ID3v2Tag());
    TagLib::MPEG::File mp3(write_tagged(folder, "a.mp3", tags).c_str());
    expect_frame(mp3.ID3v2Tag());
    TagLib::FLAC::File flac(write_tagged(folder, "a.flac", tags).c_str());
    expect_block(flac.pictureList());
    TagLib::Ogg::Opus::File opus(write_tagged(folder, "a.opus", tags).c_str());
    expect_block(opus.tag()->pictureList());
    expect_tags(opus.properties(), tags);
}

TEST(AudioTags, ACoverAloneIsPutInToo) {
    const TemporaryFolder folder;
    SongTags tags;
    tags.cover_png = noisy_png(8);
    for (const char* name : kEveryFormat) EXPECT_EQ(read_tags(write_tagged(folder, name, tags)).cover_png, tags.cover_png);
}

TEST(AudioTags, ALargeCoverLeavesTheSoundWholeAndOneTooLargeIsRefused) {
    const TemporaryFolder folder;
    SongTags tags = kTags;
    tags.cover_png = noisy_png(1000);  // 3 MB; write_tagged() reads the sound back
    ASSERT_LT(tags.cover_png.size(), kMaxCoverBytes);
    for (const char* name : kEveryFormat) EXPECT_EQ(read_tags(write_tagged(folder, name, tags)).cover_png, tags.cover_png);
    tags.cover_png.resize(kMaxCoverBytes, 'x');
    EXPECT_NO_THROW(check_tags(tags));
    tags.cover_png += 'x';
    EXPECT_EQ(error_of([&] { check_tags(tags); }).code(), ErrorCode::limit);
}

TEST(AudioTags, ACoverThatIsNoPngIsRefused) {
    const auto code = [](std::string cover) {
        SongTags tags;
        tags.cover_png = std::move(cover);
        return error_of([&] { check_tags(tags); }).code();
    };
    EXPECT_EQ(code("GIF89a, and long enough to be a picture of some kind"), ErrorCode::malformed);
    EXPECT_EQ(code("\x89PNG\r\n\x1a\n"), ErrorCode::malformed);
    EXPECT_EQ(code(noisy_png(8).substr(0, 20)), ErrorCode::malformed);
}

void expect_same(const SongTags& found, const SongTags& wanted) {
    EXPECT_EQ(found.title, wanted.title);
    EXPECT_EQ(found.artist, wanted.artist);
    EXPECT_EQ(found.genre, wanted.genre);
    EXPECT_EQ(found.lyrics, wanted.lyrics);
    EXPECT_EQ(found.comment, wanted.comment);
    EXPECT_EQ(found.settings, wanted.settings);
    EXPECT_TRUE(found.cover_png == wanted.cover_png);
}

TEST(AudioTags, WhatWasWrittenIsReadBack) {
    const TemporaryFolder folder;
    SongTags tags = kTags, bare{"Title", "", "", "", "", {}}, settings_only{"", "", "", "", "", {{"a", "b"}}};
    tags.cover_png = noisy_png(8);
    for (const char* name : kEveryFormat) {
        for (const SongTags* wanted : {&tags, &bare, &settings_only}) {
            SCOPED_TRACE(name);
            expect_same(read_tags(write_tagged(folder, name, *wanted)), *wanted);
        }
    }
}

TEST(AudioTags, ReplacedTagsAreThoseOfAFileWrittenWithThem) {
    const TemporaryFolder folder;
    SongTags before = kTags, after{"Other", "Heart", "", "[verse]\nnew", "", {{"seed", "12"}}};
    before.cover_png = noisy_png(64, 1);
    after.cover_png = noisy_png(32, 2);
    for (const char* name : kEveryFormat) {
        SCOPED_TRACE(name);
        const fs::path path = write_tagged(folder, name, before);
        const Waveform sound = read_sound(path).wave;
        replace_tags(path, after);
        expect_same(read_tags(path), after);
        EXPECT_TRUE(read_sound(path).wave.channels == sound.channels);
        replace_tags(path, {});
        expect_same(read_tags(path), {});
        EXPECT_TRUE(read_sound(path).wave.channels == sound.channels);
    }
    EXPECT_EQ(folder.names().size(), 4U) << "something was left over";
}

TEST(AudioTags, TagsOfWhatIsNoAudioFileAreRefusedAndItStaysAsItIs) {
    const TemporaryFolder folder;
    EXPECT_EQ(error_of([&] { static_cast<void>(read_tags(folder / "none.wav")); }).code(), ErrorCode::not_found);
    EXPECT_EQ(error_of([&] { static_cast<void>(read_tags(folder / "none.txt")); }).code(), ErrorCode::usage);
    const std::string text = "no RIFF and no Ogg and no FLAC: only words, more than forty of them perhaps";
    for (const char* name : {"a.wav", "a.flac", "a.opus"}) {
        put_file(folder / name, text);
        EXPECT_EQ(error_of([&] { static_cast<void>(read_tags(folder / name)); }).code(), ErrorCode::malformed) << name;
        EXPECT_EQ(error_of([&] { replace_tags(folder / name, kTags); }).code(), ErrorCode::malformed) << name;
        EXPECT_EQ(file_bytes(folder / name), text);
    }
}

TEST(AudioTags, AStrangersCommentIsNoRecipe) {
    const TemporaryFolder folder;
    const char* const comments[] = {
        "{}{", R"({"seed":7})", R"({"":"nameless"})", R"({"a-b":"1","a_b":"2"})", R"({"a":"nul \u0000"})", "[[[[[[[[",
    };
    for (const char* comment : comments) {
        const SongTags tags{"Title", "", "", "", comment, {}};
        expect_same(read_tags(write_tagged(folder, "a.flac", tags)), tags);
    }
}

}  // namespace
}  // namespace heart::audio
