// Does a Python studio come over whole, into a new studio and into one that has people already?

#include "audio/song_tags.h"
#include "core/error.h"
#include "library_test_support.h"
#include "server/database/songs.h"
#include "server/database/users.h"
#include "server/library/archive.h"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

namespace heart::test {
namespace {

using namespace server;

/// A studio folder as the Python version left it: users, songs, absolute paths.
class PythonStudioFolder {
public:
    explicit PythonStudioFolder(fs::path folder) : folder_(std::move(folder)) {
        fs::create_directories(folder_ / "audio");
        fs::create_directories(folder_ / "thumbnails");
        sql("CREATE TABLE users (id TEXT PRIMARY KEY, username TEXT UNIQUE NOT NULL, email TEXT UNIQUE NOT NULL, "
            "password_hash TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)");
        sql("CREATE TABLE generations (id TEXT PRIMARY KEY, title TEXT, lyrics TEXT NOT NULL, tags TEXT NOT NULL, "
            "audio_path TEXT NOT NULL, thumbnail_path TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, "
            "duration_ms INTEGER DEFAULT 0, temperature REAL DEFAULT 1.0, topk INTEGER DEFAULT 50, "
            "cfg_scale REAL DEFAULT 1.5, user_id TEXT REFERENCES users(id))");
    }

    void add_user(const std::string& id, const std::string& name, const std::string& email) {
        sql("INSERT INTO users VALUES ('" + id + "', '" + name + "', '" + email +
            "', '$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcdef', '2026-01-18 22:35:00.123456')");
    }
    void add_song(const std::string& id, const std::string& user, const std::string& audio, const std::string& cover = "") {
        sql("INSERT INTO generations VALUES ('" + id + "', 'Old song', '[verse] la', 'pop', '" + audio + "', '" + cover +
            "', '2026-01-19 10:00:00.000001', 0, 0.9, 40, 2.0, " + (user.empty() ? "NULL" : "'" + user + "'") + ")");
    }
    /// 16-bit, as the Python version wrote it.
    std::string write_sound(const std::string& name) const {
        audio::write_audio(folder_ / "audio" / name, sound_of(), {audio::SampleFormat::s16, nullptr}, {});
        return (folder_ / "audio" / name).string();
    }
    std::string write_cover(const std::string& name) const {
        put_file(folder_ / "thumbnails" / name, png_of(12, 12, {3, 200, 100}));
        return (folder_ / "thumbnails" / name).string();
    }
    [[nodiscard]] fs::path file() const { return folder_ / "heartmula.db"; }

private:
    void sql(const std::string& text) {
        soci::session session(*soci::factory_sqlite3(), file().string());
        session << text;
    }

    fs::path folder_;
};

class LibraryImport : public ::testing::Test {
protected:
    library::Imported import() { return library::import_python_studio(db_, folder_ / "data", old_.file(), {}, kNever); }

    TemporaryFolder folder_;
    PythonStudioFolder old_{folder_ / "old"};
    Library library_{folder_ / "data"};
    database::Database db_{folder_ / "data/heartmula.db"};
    database::Songs songs_{db_};
    database::Users users_{db_};
};

TEST_F(LibraryImport, UsersSongsAndFilesComeOver) {
    old_.add_user(id_of(90), "ada", "ada@example.org");
    old_.add_song(id_of(1), id_of(90), old_.write_sound(id_of(1) + ".wav"), old_.write_cover(id_of(1) + ".png"));
    // A path of another machine: the file is found beside the database. And of nobody, without a cover.
    static_cast<void>(old_.write_sound(id_of(2) + ".wav"));
    old_.add_song(id_of(2), "", "/srv/studio/web/backend/../data/audio/" + id_of(2) + ".wav");
    old_.add_song(id_of(3), id_of(90), "/gone/" + id_of(3) + ".wav");
    const std::string before = file_bytes(old_.file());

    const library::Imported imported = import();
    EXPECT_EQ(imported.users, 1);
    EXPECT_EQ(imported.songs, 3);
    EXPECT_EQ(imported.without_audio, 1);
    EXPECT_EQ(imported.skipped, 0);
    EXPECT_TRUE(file_bytes(old_.file()) == before) << "the old database is only read";

    const auto ada = users_.by_email("ada@example.org");
    ASSERT_TRUE(ada.has_value());
    EXPECT_EQ(ada->id, id_of(90));
    EXPECT_TRUE(ada->password_hash.starts_with("$2b$12$"));
    const auto song = songs_.by_id(id_of(1));
    ASSERT_TRUE(song.has_value());
    EXPECT_EQ(song->user_id, id_of(90));
    EXPECT_EQ(song->settings.title, "Old song");
    EXPECT_EQ(song->settings.topk, 40);
    EXPECT_EQ(song->audio_path, "audio/" + id_of(1) + ".wav");
    EXPECT_EQ(song->duration_ms, 500) << "the old database did not know";
    const audio::SongTags tags = audio::read_tags(library_.audio_file(*song, Format::flac, kNever));
    EXPECT_EQ(tags.title, "Old song");
    EXPECT_TRUE(tags.settings.empty());
    EXPECT_EQ(read_sound(library_.audio_file(*song, Format::wav, kNever)).wave.frames(), 24'000U);
    const auto nobody = songs_.by_id(id_of(2));
    ASSERT_TRUE(nobody.has_value());
    EXPECT_TRUE(nobody->user_id.empty());
    EXPECT_TRUE(library_.cover_file(*nobody).has_value()) << "it gets a drawn one";
    EXPECT_EQ(nobody->thumbnail_path, "thumbnails/" + id_of(2) + ".png");
    EXPECT_NO_THROW(static_cast<void>(library_.audio_file(*nobody, Format::opus, kNever)));
}

TEST_F(LibraryImport, DoingItAgainChangesNothing) {
    old_.add_user(id_of(90), "ada", "ada@example.org");
    old_.add_song(id_of(1), id_of(90), old_.write_sound(id_of(1) + ".wav"));
    static_cast<void>(import());
    database::Songs::Change change;
    change.title = "Renamed since";
    ASSERT_TRUE(songs_.change(id_of(90), id_of(1), change));
    const auto before = files_below(folder_ / "data");
    const library::Imported again = import();
    EXPECT_EQ(again.users, 0);
    EXPECT_EQ(again.songs, 0);
    EXPECT_EQ(again.skipped, 1);
    EXPECT_EQ(songs_.by_id(id_of(1))->settings.title, "Renamed since");
    EXPECT_EQ(files_below(folder_ / "data"), before);
}

TEST_F(LibraryImport, WhoHasAnAccountGetsTheSongsThereAndATakenNameGetsANumber) {
    database::User here;
    here.id = id_of(50);
    here.username = "Ada L.";
    here.email = "ada@example.org";
    here.password_hash = "new hash";
    static_cast<void>(users_.add(here));
    database::User bob = here;
    bob.id = id_of(51);
    bob.username = "bob";
    bob.email = "bob@here.example";
    static_cast<void>(users_.add(bob));
    old_.add_user(id_of(90), "ada", "ada@example.org");
    old_.add_user(id_of(91), "bob", "bob@old.example");
    old_.add_song(id_of(1), id_of(90), old_.write_sound(id_of(1) + ".wav"));
    old_.add_song(id_of(2), id_of(91), old_.write_sound(id_of(2) + ".wav"));
    const library::Imported imported = import();
    EXPECT_EQ(imported.users, 1);
    EXPECT_EQ(imported.songs, 2);
    EXPECT_EQ(songs_.by_id(id_of(1))->user_id, id_of(50));
    EXPECT_EQ(songs_.by_id(id_of(2))->user_id, id_of(91));
    EXPECT_EQ(users_.by_id(id_of(91))->username, "bob-2");
    EXPECT_EQ(users_.by_id(id_of(50))->password_hash, "new hash");
    EXPECT_FALSE(users_.by_id(id_of(91))->admin);
}

TEST_F(LibraryImport, AHostileDatabaseGetsNoFileOfTheMachine) {
    old_.add_user(id_of(90), "eve", "eve@example.org");
    put_file(folder_ / "secret.txt", "secret");
    audio::write_audio(folder_ / "private.wav", sound_of(), {}, {});
    old_.add_song(id_of(1), id_of(90), "/etc/passwd", "/etc/passwd");
    old_.add_song(id_of(2), id_of(90), (folder_ / "secret.txt").string());
    old_.add_song(id_of(3), id_of(90), (folder_ / "private.wav").string());
    fs::create_symlink(folder_ / "secret.txt", folder_ / "old/audio" / (id_of(4) + ".wav"));
    old_.add_song(id_of(4), id_of(90), (folder_ / "old/audio" / (id_of(4) + ".wav")).string());
    put_file(folder_ / "old/audio" / (id_of(5) + ".wav"), "no sound");
    put_file(folder_ / "old/thumbnails" / (id_of(5) + ".png"), "no picture");
    old_.add_song(id_of(5), id_of(90), "", (folder_ / "old/thumbnails" / (id_of(5) + ".png")).string());
    old_.add_song("../../escaped", id_of(90), "/etc/passwd");
    const library::Imported imported = import();
    EXPECT_EQ(imported.songs, 5);
    EXPECT_EQ(imported.without_audio, 5);
    EXPECT_EQ(imported.skipped, 1);
    EXPECT_TRUE(fs::is_empty(folder_ / "data/audio"));
    for (unsigned i = 1; i <= 5; ++i) EXPECT_TRUE(library_.cover_file(*songs_.by_id(id_of(i))).has_value()) << i;
}

TEST_F(LibraryImport, FilesThatLieInTheDataFolderAlreadyStayThere) {
    const std::string name = id_of(1) + ".wav";
    audio::write_audio(folder_ / "data/audio" / name, sound_of(), {audio::SampleFormat::s16, nullptr}, {});
    const std::string bytes = file_bytes(folder_ / "data/audio" / name);
    old_.add_user(id_of(90), "ada", "ada@example.org");
    old_.add_song(id_of(1), id_of(90), (folder_ / "data/audio" / name).string());
    const library::Imported imported = import();
    EXPECT_EQ(imported.songs, 1);
    EXPECT_EQ(imported.without_audio, 0);
    EXPECT_TRUE(file_bytes(folder_ / "data/audio" / name) == bytes);
}

TEST_F(LibraryImport, OtherFilesAreRefused) {
    const auto code = [&](const fs::path& file) {
        return error_of([&] { static_cast<void>(library::import_python_studio(db_, folder_ / "data", file, {}, kNever)); })
            .code();
    };
    EXPECT_EQ(code(folder_ / "none.db"), ErrorCode::not_found);
    put_file(folder_ / "words.db", std::string(5000, 'w'));
    EXPECT_EQ(code(folder_ / "words.db"), ErrorCode::malformed);
    EXPECT_EQ(code(folder_ / "data/heartmula.db"), ErrorCode::usage);
}

TEST_F(LibraryImport, StoppingKeepsWhatWasTakenInAndGoesOnLater) {
    old_.add_user(id_of(90), "ada", "ada@example.org");
    for (unsigned i = 1; i <= 3; ++i) old_.add_song(id_of(i), id_of(90), old_.write_sound(id_of(i) + ".wav"));
    CancelToken token;
    const library::ArchiveProgress stop = [&token](std::uint64_t done, std::uint64_t) {
        if (done == 1) token.cancel();
    };
    EXPECT_EQ(error_of([&] {
                  static_cast<void>(library::import_python_studio(db_, folder_ / "data", old_.file(), stop, token));
              }).code(),
              ErrorCode::cancelled);
    EXPECT_EQ(songs_.count(), 1);
    const library::Imported rest = import();
    EXPECT_EQ(rest.songs, 2);
    EXPECT_EQ(rest.skipped, 1);
    EXPECT_EQ(files_below(folder_ / "data/audio").size(), 3U);
}

}  // namespace
}  // namespace heart::test
