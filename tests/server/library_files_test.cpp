// Are a song's files what they should be, made once, whole, and only where they belong?

#include "audio/song_tags.h"
#include "core/error.h"
#include "formats/json.h"
#include "library_test_support.h"

#include <nlohmann/json.hpp>

#include <atomic>
#include <barrier>
#include <set>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::test {
namespace {

ErrorCode code_of(Library& library, const Song& song, Format format = Format::mp3) {
    return error_of([&] { static_cast<void>(library.audio_file(song, format, kNever)); }).code();
}

struct stat stat_of(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info;
}

TEST(LibraryFiles, KeepingASongWritesItsFilesAndFillsItIn) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    const Song song = kept(library, 1);
    EXPECT_EQ(song.audio_path, "audio/" + song.id + ".wav");
    EXPECT_EQ(song.thumbnail_path, "thumbnails/" + song.id + ".png");
    EXPECT_EQ(song.duration_ms, 500);
    EXPECT_EQ(song.recipe, R"({"seed":"11","top_k":"50"})");
    EXPECT_EQ(files_below(folder / "data"),
              (std::vector<std::string>{song.audio_path, "peaks/" + song.id + ".json", song.thumbnail_path}));
    EXPECT_EQ(stat_of(folder / "data").st_mode & 0777U, 0700U);
    EXPECT_EQ(stat_of(folder / "data/audio").st_mode & 0777U, 0700U);
    const auto sound = read_sound(library.folder() / song.audio_path);
    EXPECT_EQ(sound.info.format & SF_FORMAT_SUBMASK, SF_FORMAT_PCM_24);
    EXPECT_EQ(sound.wave.frames(), 24'000U);
}

TEST(LibraryFiles, EveryFormatHasTheSoundAndAllThatIsKnownOfTheSong) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    const Song song = kept(library, 1);
    const std::string cover = file_bytes(library.cover_file(song).value());
    for (const Format format : kFormats) {
        SCOPED_TRACE(std::string(file_ending(format)));
        const fs::path path = library.audio_file(song, format, kNever);
        EXPECT_EQ(path.extension(), file_ending(format));
        EXPECT_EQ(read_sound(path).wave.frames(), 24'000U);
        const audio::SongTags tags = audio::read_tags(path);
        EXPECT_EQ(tags.title, song.settings.title);
        EXPECT_EQ(tags.artist, "Heart Studio");
        EXPECT_EQ(tags.genre, song.settings.tags);
        EXPECT_EQ(tags.lyrics, song.settings.lyrics);
        EXPECT_EQ(tags.settings, kRecipe);
        EXPECT_TRUE(tags.cover_png == cover);
    }
}

TEST(LibraryFiles, FlacHasTheVerySamplesOfTheMasterHoweverLoud) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    Song song = song_of(1);
    library.keep(song, sound_of(1.7), kRecipe, kNever);
    const auto master = read_sound(library.audio_file(song, Format::wav, kNever)).wave;
    EXPECT_NEAR(audio::peak(master), audio::kFullScale, 1e-6);
    EXPECT_TRUE(read_sound(library.audio_file(song, Format::flac, kNever)).wave.channels == master.channels);
}

TEST(LibraryFiles, NamesOfFormats) {
    using namespace server::library;
    for (const Format format : kFormats) EXPECT_EQ(format_named(std::string(file_ending(format)).substr(1)), format);
    EXPECT_FALSE(format_named("exe").has_value());
    EXPECT_FALSE(format_named("").has_value());
    EXPECT_EQ(media_type(Format::mp3), "audio/mpeg");
    EXPECT_EQ(media_type(Format::opus), "audio/ogg");
}

TEST(LibraryFiles, AFileIsMadeOnceAndAgainWhenItIsGone) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    const Song song = kept(library, 1);
    const fs::path first = library.audio_file(song, Format::mp3, kNever);
    const auto number = stat_of(first).st_ino;
    const auto made = stat_of(first).st_mtim;
    EXPECT_EQ(library.audio_file(song, Format::mp3, kNever), first);
    EXPECT_EQ(stat_of(first).st_ino, number);
    EXPECT_EQ(stat_of(first).st_mtim.tv_nsec, made.tv_nsec) << "being used must not look like being changed";
    const std::string bytes = file_bytes(first);
    fs::remove(first);
    EXPECT_EQ(library.audio_file(song, Format::mp3, kNever), first);
    EXPECT_TRUE(file_bytes(first) == bytes);
}

TEST(LibraryFiles, ManyWhoAskAtOnceGetOneFileEach) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    std::vector<Song> songs;
    for (unsigned i = 0; i < 3; ++i) songs.push_back(kept(library, i));
    constexpr int kThreads = 12;
    std::barrier start(kThreads);
    std::atomic<int> wrong = 0;
    std::mutex mutex;
    std::set<ino_t> numbers;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            start.arrive_and_wait();
            try {
                const fs::path path = library.audio_file(songs[static_cast<std::size_t>(t % 3)], Format::flac, kNever);
                if (read_sound(path).wave.frames() != 24'000) ++wrong;
                const std::lock_guard lock(mutex);
                numbers.insert(stat_of(path).st_ino);
            } catch (const std::exception&) {
                ++wrong;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(numbers.size(), 3U) << "a file was made twice";
    EXPECT_EQ(files_below(folder / "data/cache").size(), 3U);
}

TEST(LibraryFiles, WhoWaitsForAnothersFileCanStopWaiting) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    const Song song = kept(library, 1);
    CancelToken token;
    token.cancel();
    EXPECT_EQ(error_of([&] { static_cast<void>(library.audio_file(song, Format::opus, token)); }).code(),
              ErrorCode::cancelled);
    EXPECT_TRUE(files_below(folder / "data/cache").empty());
    EXPECT_NO_THROW(static_cast<void>(library.audio_file(song, Format::opus, kNever))) << "the file is free again";
}

TEST(LibraryFiles, TagsFollowWhatTheDatabaseSaysInTheMasterToo) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    Song song = kept(library, 1);
    for (const Format format : kFormats) static_cast<void>(library.audio_file(song, format, kNever));
    const auto sound = read_sound(library.audio_file(song, Format::wav, kNever)).wave;
    song.settings.title = "Another";
    song.settings.lyrics = "[verse]\nother words\n";
    song.settings.tags = "rock";
    for (const Format format : kFormats) {
        const fs::path path = library.audio_file(song, format, kNever);
        const audio::SongTags tags = audio::read_tags(path);
        EXPECT_EQ(tags.title, "Another");
        EXPECT_EQ(tags.lyrics, song.settings.lyrics);
        EXPECT_EQ(tags.genre, "rock");
        EXPECT_EQ(tags.settings, kRecipe);
        EXPECT_FALSE(tags.cover_png.empty());
    }
    const fs::path master = library.audio_file(song, Format::wav, kNever);
    EXPECT_TRUE(read_sound(master).wave.channels == sound.channels);
    const auto number = stat_of(master).st_ino;
    EXPECT_EQ(stat_of(library.audio_file(song, Format::wav, kNever)).st_ino, number) << "written again for nothing";
    Library later(folder / "data");
    EXPECT_EQ(stat_of(later.audio_file(song, Format::wav, kNever)).st_ino, number) << "written again for nothing";
}

TEST(LibraryFiles, ANewCoverIsInEveryFormat) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    Song song = kept(library, 1);
    for (const Format format : kFormats) static_cast<void>(library.audio_file(song, format, kNever));
    library.set_cover(song, png_of(20, 20, {200, 10, 10}));
    const std::string cover = file_bytes(library.cover_file(song).value());
    for (const Format format : kFormats) {
        EXPECT_TRUE(audio::read_tags(library.audio_file(song, format, kNever)).cover_png == cover);
    }
}

TEST(LibraryFiles, ARecipeOfNumbersIsWrittenAsText) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    Song song = song_of(1);
    library.keep(song, sound_of(), kRecipe, kNever);
    song.recipe = R"({"seed":11,"":"nameless","a-b":1,"a_b":2,"temperature":0.5,"list":[1,2]})";
    const auto settings = audio::read_tags(library.audio_file(song, Format::flac, kNever)).settings;
    const std::vector<std::pair<std::string, std::string>> wanted{
        {"a-b", "1"}, {"list", "[1,2]"}, {"seed", "11"}, {"temperature", "0.5"}};
    EXPECT_EQ(settings, wanted);
    for (const char* broken : {"{", "[]", "\"text\"", "nonsense"}) {
        song.recipe = broken;
        EXPECT_NO_THROW(static_cast<void>(library.audio_file(song, Format::flac, kNever))) << broken;
    }
    song.recipe.clear();  // not known any more: what the master says stays
    EXPECT_EQ(audio::read_tags(library.audio_file(song, Format::wav, kNever)).settings.size(), 2U);
    EXPECT_EQ(audio::read_tags(library.audio_file(song, Format::opus, kNever)).settings.size(), 2U);
}

TEST(LibraryFiles, TheCacheStaysBelowItsLimitAndLosesWhatWasLongestUnused) {
    const TemporaryFolder folder;
    std::uint64_t one = 0;
    std::vector<Song> songs;
    {
        Library library(folder / "data");
        for (unsigned i = 0; i < 4; ++i) songs.push_back(kept(library, i));
        one = fs::file_size(library.audio_file(songs[0], Format::flac, kNever));
    }
    fs::remove_all(folder / "data/cache");
    Library library(folder / "data", 3 * one + one / 2);  // flac of the same sound, covers differ a little
    std::vector<fs::path> paths;
    const auto use_at = [](const fs::path& path, time_t second) {
        const timespec times[2] = {{second, 0}, {second, 0}};
        ::utimensat(AT_FDCWD, path.c_str(), times, 0);
    };
    for (unsigned i = 0; i < 3; ++i) {
        paths.push_back(library.audio_file(songs[i], Format::flac, kNever));
        use_at(paths.back(), 1000 + i);
    }
    static_cast<void>(library.audio_file(songs[0], Format::flac, kNever));  // used now
    static_cast<void>(library.audio_file(songs[3], Format::flac, kNever));
    EXPECT_TRUE(fs::exists(paths[0]));
    EXPECT_FALSE(fs::exists(paths[1]));
    EXPECT_LE(library.usage().cache, 3 * one + one / 2);

    Library small(folder / "data", 1);
    const fs::path path = small.audio_file(songs[1], Format::mp3, kNever);
    EXPECT_TRUE(fs::exists(path)) << "what was asked for is given, whatever its size";
    EXPECT_EQ(files_below(folder / "data/cache").size(), 1U);
    small.tidy();
    EXPECT_TRUE(files_below(folder / "data/cache").empty());
}

TEST(LibraryFiles, TidyingRemovesWhatBrokenWritesLeftAndNothingElse) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    const Song song = kept(library, 1);
    for (const char* name : {"audio/.heart-1.part", "cache/.heart-2.part", "thumbnails/.heart-3.part"}) {
        put_file(folder / "data" / name, "half");
        fs::last_write_time(folder / "data" / name, fs::file_time_type::clock::now() - std::chrono::hours(2));
    }
    put_file(folder / "data/audio/.heart-9.part", "being written");
    library.tidy();
    EXPECT_EQ(files_below(folder / "data"), (std::vector<std::string>{"audio/.heart-9.part", song.audio_path,
                                                                      "peaks/" + song.id + ".json", song.thumbnail_path}));
}

TEST(LibraryFiles, RemovingASongTakesAllItsFilesAndNoOthers) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    const Song gone = kept(library, 1), other = kept(library, 2);
    for (const Format format : kFormats) {
        static_cast<void>(library.audio_file(gone, format, kNever));
        static_cast<void>(library.audio_file(other, format, kNever));
    }
    library.remove(gone);
    const auto left = files_below(folder / "data");
    EXPECT_EQ(left.size(), 6U);
    for (const std::string& name : left) EXPECT_NE(name.find(other.id), std::string::npos) << name;
    library.remove(gone);
    EXPECT_EQ(code_of(library, gone), ErrorCode::not_found);
    EXPECT_EQ(code_of(library, gone, Format::wav), ErrorCode::not_found);
    EXPECT_FALSE(library.cover_file(gone).has_value());
    EXPECT_EQ(error_of([&] { static_cast<void>(library.peaks(gone)); }).code(), ErrorCode::not_found);
}

TEST(LibraryFiles, UsageCountsBytesAndSongs) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    EXPECT_EQ(library.usage().songs, 0U);
    const Song a = kept(library, 1);
    static_cast<void>(kept(library, 2));
    const fs::path mp3 = library.audio_file(a, Format::mp3, kNever);
    const Library::Usage usage = library.usage();
    EXPECT_EQ(usage.songs, 2U);
    EXPECT_EQ(usage.cache, fs::file_size(mp3));
    EXPECT_GE(usage.audio, 2U * 24'000 * 6);
    EXPECT_GT(usage.covers, 1000U);
    EXPECT_GT(usage.free, 0U);
}

TEST(LibraryFiles, PeaksFollowTheSoundAndComeBackWhenTheyAreLost) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    const Song song = kept(library, 1);
    const std::string text = library.peaks(song);
    const auto json = formats::parse_json(text, "peaks");
    EXPECT_EQ(json["seconds"].get<double>(), 0.5);
    ASSERT_EQ(json["peaks"].size(), 800U);
    ASSERT_EQ(json["loudness"].size(), 200U);
    EXPECT_NEAR(json["peaks"][700].get<double>(), 0.8, 0.02);
    EXPECT_NEAR(json["peaks"][100].get<double>(), 0.08, 0.01);
    EXPECT_NEAR(json["loudness"][150].get<double>(), 1.0, 0.1);
    EXPECT_NEAR(json["loudness"][20].get<double>(), 0.1, 0.03);
    const fs::path path = folder / "data/peaks" / (song.id + ".json");
    fs::remove(path);
    EXPECT_EQ(library.peaks(song), text);
    for (const std::string& strange : {std::string("<script>"), std::string("{}"), std::string(100'000, '[')}) {
        put_file(path, strange);
        EXPECT_EQ(library.peaks(song), text) << "a strange file is not handed on";
    }
}

TEST(LibraryFiles, ATryThatFailsLeavesNothing) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    Song song = kept(library, 1);
    CancelToken token;
    token.cancel();
    EXPECT_EQ(error_of([&] { library.keep(song, sound_of(), kRecipe, token); }).code(), ErrorCode::cancelled);
    song = kept(library, 1);
    song.settings.title = "not UTF-8: \xff";
    EXPECT_EQ(error_of([&] { library.keep(song, sound_of(), kRecipe, kNever); }).code(), ErrorCode::malformed);
    EXPECT_TRUE(files_below(folder / "data").empty());
    EXPECT_TRUE(song.audio_path.empty());
    EXPECT_EQ(error_of([&] { library.keep(song, {}, kRecipe, kNever); }).code(), ErrorCode::internal);
}

TEST(LibraryFiles, IdsThatAreNoneNeverTouchAPath) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    put_file(folder / "secret.wav", "secret");
    const std::string good = id_of(1);
    const std::string ids[] = {"",
                               ".",
                               "..",
                               "../secret",
                               "../../../../../../etc/passwd",
                               "/etc/passwd",
                               good + "/",
                               good + "x",
                               good.substr(1),
                               "F81D4FAE-7dec-41d0-a765-000000000001",
                               good.substr(0, 35) + "/",
                               std::string(36, 'a'),
                               good.substr(0, 35) + std::string(1, '\0'),
                               "f81d4fae-7dec-41d0-a765-0000000000g1",
                               "f81d4fae_7dec_41d0_a765_000000000001",
                               std::string(100'000, 'a')};
    for (const std::string& id : ids) {
        Song song = song_of(1);
        song.id = id;
        song.audio_path = "../secret.wav";
        const auto code = [](auto action) { return error_of(action).code(); };
        for (const Format format : kFormats) EXPECT_EQ(code_of(library, song, format), ErrorCode::usage) << id;
        EXPECT_EQ(code([&] { library.keep(song, sound_of(), kRecipe, kNever); }), ErrorCode::usage) << id;
        EXPECT_EQ(code([&] { static_cast<void>(library.cover_file(song)); }), ErrorCode::usage) << id;
        EXPECT_EQ(code([&] { static_cast<void>(library.peaks(song)); }), ErrorCode::usage) << id;
        EXPECT_EQ(code([&] { library.set_cover(song, png_of(4, 4, {})); }), ErrorCode::usage) << id;
        EXPECT_EQ(code([&] { library.draw_cover(song); }), ErrorCode::usage) << id;
        library.remove(song);
    }
    EXPECT_EQ(file_bytes(folder / "secret.wav"), "secret");
    EXPECT_TRUE(files_below(folder / "data").empty());
}

TEST(LibraryFiles, PathsOfAHostileDatabaseAreNotFollowed) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    audio::write_audio(folder / "outside.wav", sound_of(), {}, {});
    for (const char* path : {"../outside.wav", "/etc/passwd", "audio/../../outside.wav"}) {
        Song song = song_of(1);
        song.audio_path = path;
        song.thumbnail_path = path;
        for (const Format format : kFormats) EXPECT_EQ(code_of(library, song, format), ErrorCode::not_found);
        EXPECT_FALSE(library.cover_file(song).has_value());
        library.remove(song);
    }
    EXPECT_TRUE(fs::exists(folder / "outside.wav"));
}

TEST(LibraryFiles, LinksOutOfTheFolderAreNotFollowed) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    audio::write_audio(folder / "outside.wav", sound_of(), {}, {});
    put_file(folder / "outside.png", png_of(4, 4, {}));
    put_file(folder / "outside.json", "secret");
    const std::string wav = file_bytes(folder / "outside.wav"), png = file_bytes(folder / "outside.png");
    Song song = song_of(1);
    const auto link = [&] {
        fs::create_symlink(folder / "outside.wav", folder / "data/audio" / (song.id + ".wav"));
        fs::create_symlink(folder / "outside.png", folder / "data/thumbnails" / (song.id + ".png"));
        fs::create_symlink(folder / "outside.json", folder / "data/peaks" / (song.id + ".json"));
    };
    link();
    for (const Format format : kFormats) EXPECT_EQ(code_of(library, song, format), ErrorCode::not_found);
    EXPECT_FALSE(library.cover_file(song).has_value());
    EXPECT_EQ(error_of([&] { static_cast<void>(library.peaks(song)); }).code(), ErrorCode::not_found);
    library.keep(song, sound_of(0.3), kRecipe, kNever);
    library.remove(song);
    link();
    library.set_cover(song, png_of(9, 9, {1, 2, 3}));
    library.remove(song);
    EXPECT_TRUE(file_bytes(folder / "outside.wav") == wav);
    EXPECT_TRUE(file_bytes(folder / "outside.png") == png);
    EXPECT_EQ(file_bytes(folder / "outside.json"), "secret");

    fs::remove_all(folder / "data/audio");
    fs::create_directory(folder / "elsewhere");
    fs::create_directory_symlink(folder / "elsewhere", folder / "data/audio");
    EXPECT_EQ(error_of([&] { library.keep(song, sound_of(), kRecipe, kNever); }).code(), ErrorCode::io);
    EXPECT_EQ(error_of([&] { Library again(folder / "data"); }).code(), ErrorCode::io);
    EXPECT_TRUE(fs::is_empty(folder / "elsewhere"));
}

TEST(LibraryFiles, ASongWhoseMasterIsBrokenOrWhoseCoverIsStrangeIsAnErrorOrPlaysOn) {
    const TemporaryFolder folder;
    Library library(folder / "data");
    const Song song = kept(library, 1), broken = kept(library, 2);
    put_file(folder / "data/thumbnails" / (song.id + ".png"), "no picture");
    for (const Format format : kFormats) {
        const fs::path path = library.audio_file(song, format, kNever);
        EXPECT_TRUE(audio::read_tags(path).cover_png.empty());
    }
    put_file(folder / "data" / broken.audio_path, "no sound at all, but words and words and more words");
    EXPECT_EQ(code_of(library, broken, Format::flac), ErrorCode::malformed);
    EXPECT_NO_THROW(static_cast<void>(library.audio_file(broken, Format::wav, kNever))) << "it is given as it is";
}

}  // namespace
}  // namespace heart::test
