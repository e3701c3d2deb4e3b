#include "server/database/likeness.h"
#include "server/database/python_studio.h"
#include "server/database_support.h"

#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <limits>
#include <regex>
#include <set>
#include <thread>

namespace heart::test {
namespace {

using server::database::Database;
using server::database::Songs;
using server::database::Users;
namespace fs = std::filesystem;

constexpr int kIo = static_cast<int>(ErrorCode::io);
constexpr int kMalformed = static_cast<int>(ErrorCode::malformed);
constexpr int kUnsupported = static_cast<int>(ErrorCode::unsupported);

/// Runs statements on a file as any program would.
void raw(const fs::path& file, const std::vector<std::string>& statements) {
    soci::session session(*soci::factory_sqlite3(), "dbname=" + file.string());
    for (const std::string& statement : statements) session << statement;
}

std::string ask_text(const fs::path& file, const std::string& sql) {
    soci::session session(*soci::factory_sqlite3(), "dbname=" + file.string());
    std::string value;
    soci::indicator state = soci::i_ok;
    session << sql, soci::into(value, state);
    return value;
}

unsigned rights(const fs::path& file) {
    struct stat facts {};
    EXPECT_EQ(::stat(file.c_str(), &facts), 0) << file;
    return facts.st_mode & 0777;
}

/// Makes the newest database one of the second schema.
void undo_third_schema(const fs::path& file) {
    raw(file, {"DROP TABLE kept_references", "DROP TABLE song_embeddings", "DROP TABLE embedding_orders",
               "ALTER TABLE jobs DROP COLUMN reference", "DROP INDEX idx_user_similarities",
               "ALTER TABLE generations DROP COLUMN tag_similarity", "PRAGMA user_version = 2"});
}

/// The time zone of this process, for as long as this lives.
class TimeZone {
public:
    explicit TimeZone(const char* zone) {
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
    TimeZone(const TimeZone&) = delete;
    TimeZone& operator=(const TimeZone&) = delete;
    ~TimeZone() {
        ::unsetenv("TZ");
        ::tzset();
    }
};

/// A database as the Python studio makes it.
void make_python_studio(const fs::path& file, bool late_columns = true) {
    raw(file, {
                  "CREATE TABLE users (id TEXT PRIMARY KEY, username TEXT UNIQUE NOT NULL, email TEXT UNIQUE NOT NULL, "
                  "password_hash TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",
                  "CREATE TABLE generations (id TEXT PRIMARY KEY, title TEXT, lyrics TEXT NOT NULL, tags TEXT NOT NULL, "
                  "audio_path TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, duration_ms INTEGER DEFAULT 0, "
                  "temperature REAL DEFAULT 1.0, topk INTEGER DEFAULT 50, cfg_scale REAL DEFAULT 1.5)",
                  "CREATE INDEX idx_created_at ON generations(created_at DESC)",
              });
    if (!late_columns) return;
    raw(file, {
                  "ALTER TABLE generations ADD COLUMN thumbnail_path TEXT",
                  "ALTER TABLE generations ADD COLUMN user_id TEXT REFERENCES users(id)",
                  "CREATE INDEX idx_user_generations ON generations(user_id, created_at DESC)",
                  "INSERT INTO users VALUES ('u2', 'Bob', 'bob@example.org', '$2b$12$bob', '2026-01-19 10:00:00.500000')",
                  "INSERT INTO users VALUES ('u1', 'Ann', 'ann@example.org', '$2b$12$ann', '2026-01-18 22:35:01.123456')",
                  "INSERT INTO generations (id, title, lyrics, tags, audio_path, thumbnail_path, created_at, duration_ms, "
                  "temperature, topk, cfg_scale, user_id) VALUES ('s1', 'Ünï', 'la', 'pop', "
                  "'/home/ann/web/backend/../data/audio/s1.wav', '/home/ann/web/backend/../data/thumbnails/s1.png', "
                  "'2026-07-19 12:00:00', 61000, 0.7, 20, 2.5, 'u1')",
                  "INSERT INTO generations (id, title, lyrics, tags, audio_path, user_id) "
                  "VALUES ('s2', NULL, 'di', 'rock', '/data/..', NULL)",
                  "INSERT INTO generations (id, title, lyrics, tags, audio_path, user_id) "
                  "VALUES ('s3', 'Gone', 'x' || char(0) || CAST(x'ff' AS TEXT), 'rock', 'C:\\studio\\audio\\s3.wav', 'u9')",
              });
}

TEST(DatabaseOpen, ANewFileIsMadeForThisUserAlone) {
    const TemporaryFolder folder;
    const fs::path file = folder.file("with space = and ünï.db");
    const Database db(file);
    EXPECT_GE(db.version(), 1);
    EXPECT_EQ(db.file(), file);
    db.check();
    for (const char* ending : {"", "-wal", "-shm"}) EXPECT_EQ(rights(file.string() + ending), 0600U) << ending;
}

TEST(DatabaseOpen, RightsOfOthersAreTakenAway) {
    const TemporaryFolder folder;
    { const Database db(folder.file("a.db")); }
    fs::permissions(folder.file("a.db"), fs::perms(0664));
    const Database db(folder.file("a.db"));
    EXPECT_EQ(rights(folder.file("a.db")), 0600U);
}

TEST(DatabaseOpen, ContentIsThereWhenItIsOpenedAgain) {
    const TemporaryFolder folder;
    {
        Database db(folder.file("a.db"));
        server::database::User user;
        user.username = "ann";
        user.email = "ann@example.org";
        EXPECT_EQ(Users(db).add(user).taken, server::database::Taken::no);
    }
    Database db(folder.file("a.db"));
    EXPECT_EQ(Users(db).count(), 1);
}

TEST(DatabaseOpen, TheFirstSchemaIsLedOnToTheNewest) {
    const TemporaryFolder folder;
    const auto file = folder.file("a.db");
    int newest = 0;
    {
        Database db(file);
        newest = db.version();
        server::database::User user;
        user.username = "ann";
        user.email = "ann@example.org";
        EXPECT_EQ(Users(db).add(user).taken, server::database::Taken::no);
    }
    undo_third_schema(file);
    raw(file, {"DROP TABLE timings", "PRAGMA user_version = 1"});  // what came behind the first schema
    const Database db(file);
    EXPECT_EQ(db.version(), newest);
    EXPECT_EQ(ask_text(file, "SELECT username FROM users"), "ann");
    EXPECT_EQ(ask_text(file, "SELECT COUNT(*) FROM timings"), "0");
}

TEST(DatabaseOpen, JobsAndSongsOfTheSecondSchemaStayAsTheyAre) {
    const TemporaryFolder folder;
    const auto file = folder.file("a.db");
    {
        Database db(file);
        server::database::User user;
        user.id = user.username = user.email = "ann";
        EXPECT_EQ(Users(db).add(user).taken, server::database::Taken::no);
        server::database::Song song;
        song.id = "song";
        song.user_id = "ann";
        song.settings.title = "Rain";
        song.recipe = "{}";
        Songs(db).add(song);
        EXPECT_TRUE(Songs(db).set_timings("song", "", "[1]"));
        server::database::Job job;
        job.id = "job";
        job.user_id = "ann";
        job.settings.title = "Snow";
        EXPECT_EQ(server::database::Jobs(db).add({job}, {}), server::database::Jobs::Refused::no);
    }
    undo_third_schema(file);
    Database db(file);
    EXPECT_EQ(db.version(), 3);
    const auto song = Songs(db).by_id("song");
    ASSERT_TRUE(song);
    EXPECT_EQ(song->settings.title, "Rain");
    EXPECT_EQ(song->recipe, "{}");
    EXPECT_FALSE(song->tag_similarity);
    EXPECT_EQ(Songs(db).timings("song"), "[1]");
    const auto job = server::database::Jobs(db).start_next();
    ASSERT_TRUE(job);
    EXPECT_EQ(job->settings.title, "Snow");
    EXPECT_EQ(job->reference, "");
    server::database::Likeness likeness(db);
    EXPECT_TRUE(likeness.set_embedding("song", {{1.0F}, "m", true}, "", 0.5));
    EXPECT_EQ(Songs(db).by_id("song")->tag_similarity, 0.5);
    EXPECT_TRUE(likeness.references("ann").empty());
}

TEST(DatabaseOpen, WhatIsNoneOfOursIsRefusedAndLeftAlone) {
    const TemporaryFolder folder;
    const auto garbage = folder.file("garbage.db");
    std::ofstream(garbage) << std::string(10'000, 'x');
    EXPECT_EQ(thrown([&] { const Database db(garbage); }), kMalformed);
    std::ifstream again(garbage);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(again), {}), std::string(10'000, 'x'));

    const auto other = folder.file("other.db");
    raw(other, {"CREATE TABLE bookmarks (url TEXT)"});
    EXPECT_EQ(thrown([&] { const Database db(other); }), kMalformed);
    raw(other, {"PRAGMA user_version = 1"});
    EXPECT_EQ(thrown([&] { const Database db(other); }), kMalformed);
    EXPECT_EQ(ask_text(other, "SELECT group_concat(name) FROM sqlite_master"), "bookmarks");
    EXPECT_EQ(ask_text(other, "PRAGMA journal_mode"), "delete");
}

TEST(DatabaseOpen, ANewerProgramsDatabaseIsRefused) {
    const TemporaryFolder folder;
    { const Database db(folder.file("a.db")); }
    raw(folder.file("a.db"), {"PRAGMA user_version = 1000"});
    EXPECT_EQ(thrown([&] { const Database db(folder.file("a.db")); }), kUnsupported);
}

TEST(DatabaseOpen, ATruncatedFileIsRefusedOrReportedAsDamaged) {
    const TemporaryFolder folder;
    const auto file = folder.file("a.db");
    { const Database db(file); }
    const auto size = fs::file_size(file);
    for (const auto part : {std::uintmax_t{50}, std::uintmax_t{5000}, size / 2}) {
        const auto cut = folder.file(fmt::format("cut{}.db", part));
        fs::copy_file(file, cut);
        fs::resize_file(cut, part);
        const int code = thrown([&] {
            const Database db(cut);
            (void)db.version();
            long long count = 0;
            db.read([&](soci::session& session) { session << "SELECT COUNT(*) FROM jobs", soci::into(count); });
            std::string health;
            db.read([&](soci::session& session) { session << "PRAGMA integrity_check", soci::into(health); });
            if (health != "ok") throw Error(ErrorCode::malformed, health);
        });
        EXPECT_EQ(code, kMalformed) << part;
    }
}

TEST(DatabaseOpen, PathsThatCannotBeOpenedAreErrorsOfTheSystem) {
    const TemporaryFolder folder;
    EXPECT_EQ(thrown([&] { const Database db(folder.file("no/such/folder.db")); }), kIo);
    EXPECT_EQ(thrown([&] { const Database db(folder.path()); }), kIo);
    EXPECT_EQ(thrown([&] { const Database db(folder.file("quo\"te.db")); }), static_cast<int>(ErrorCode::usage));
}

/// Runs `work` in a child process as a user without special rights; its exit status.
template <typename Work>
int as_ordinary_user(Work&& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(100);
        ::_exit(work());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(DatabaseOpen, AReadOnlyFolderIsAnErrorOfTheSystem) {
    const TemporaryFolder folder;
    fs::permissions(folder.path(), fs::perms(0555));
    EXPECT_EQ(as_ordinary_user([&] { return thrown([&] { const Database db(folder.file("a.db")); }); }), kIo);
    fs::permissions(folder.path(), fs::perms(0755));
}

TEST(DatabaseOpen, TwoThatOpenANewFileAtOnceBothWork) {
    const TemporaryFolder folder;
    std::vector<std::thread> threads;
    std::vector<int> codes(4, -1);
    for (int& code : codes) {
        threads.emplace_back([&] { code = thrown([&] { Database(folder.file("a.db"), 1).check(); }); });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(codes, std::vector<int>(4, 0));
}

TEST(DatabaseOpen, ThePythonStudiosDatabaseIsTakenOver) {
    const TimeZone zone("Europe/Vienna");
    const TemporaryFolder folder;
    const auto file = folder.file("heartmula.db");
    make_python_studio(file);
    {
        Database db(file);
        const auto users = Users(db).all();
        ASSERT_EQ(users.size(), 2U);
        EXPECT_EQ(users[0].id, "u1");
        EXPECT_TRUE(users[0].admin);
        EXPECT_FALSE(users[1].admin);
        EXPECT_EQ(users[0].password_hash, "$2b$12$ann");
        EXPECT_EQ(server::database::iso_time(users[0].created), "2026-01-18T21:35:01.123Z");

        Songs songs(db);
        const auto first = songs.by_id("s1");
        ASSERT_TRUE(first);
        EXPECT_EQ(first->user_id, "u1");
        EXPECT_EQ(first->settings.title, "Ünï");
        EXPECT_EQ(first->audio_path, "audio/s1.wav");
        EXPECT_EQ(first->thumbnail_path, "thumbnails/s1.png");
        EXPECT_EQ(server::database::iso_time(first->created), "2026-07-19T10:00:00.000Z");  // summer time
        EXPECT_EQ(first->duration_ms, 61'000);
        EXPECT_EQ(first->settings.temperature, 0.7);
        EXPECT_EQ(first->settings.topk, 20);
        EXPECT_EQ(first->settings.cfg_scale, 2.5);
        const auto second = songs.by_id("s2");
        ASSERT_TRUE(second);
        EXPECT_EQ(second->user_id, "");
        EXPECT_EQ(second->settings.title, "Generation s2");
        EXPECT_EQ(second->audio_path, "");
        const auto third = songs.by_id("s3");
        ASSERT_TRUE(third);
        EXPECT_EQ(third->user_id, "");
        EXPECT_EQ(third->settings.lyrics, "x\xEF\xBF\xBD");
        EXPECT_EQ(third->audio_path, "audio/s3.wav");
        server::database::SongQuery query;
        query.user_id = "u1";
        query.search = "UNI";
        EXPECT_EQ(songs.find(query).total, 1);
        query.user_id = "";
        query.search = "";
        EXPECT_EQ(songs.find(query).total, 2);
    }
    // The old tables as they were, readable by what reads them.
    EXPECT_EQ(ask_text(file, "SELECT created_at FROM generations WHERE id = 's1'"), "2026-07-19 10:00:00.000000");
    EXPECT_EQ(ask_text(file, "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(ask_text(file, "SELECT COUNT(*) FROM pragma_foreign_key_check"), "0");
    const auto copy = folder.file("heartmula.db.before-heart");
    EXPECT_EQ(rights(copy), 0600U);
    EXPECT_EQ(ask_text(copy, "SELECT audio_path FROM generations WHERE id = 's1'"),
              "/home/ann/web/backend/../data/audio/s1.wav");
    EXPECT_EQ(ask_text(copy, "PRAGMA user_version"), "0");

    Database again(file);
    EXPECT_EQ(Songs(again).count(), 3);
    EXPECT_FALSE(fs::exists(folder.file("heartmula.db.before-heart-2")));
}

TEST(DatabaseOpen, ThePythonStudiosFirstSchemaIsTakenOverToo) {
    const TemporaryFolder folder;
    const auto file = folder.file("heartmula.db");
    make_python_studio(file, false);
    raw(file, {"INSERT INTO generations (title, lyrics, tags, audio_path) VALUES ('no id', 'l', 't', '/x/a.wav')"});
    Database db(file);
    server::database::SongQuery query;
    const auto page = Songs(db).find(query);
    ASSERT_EQ(page.total, 1);
    EXPECT_EQ(page.songs[0].id.size(), 36U);
}

TEST(DatabaseOpen, AnEarlierCopyIsNeverOverwritten) {
    const TemporaryFolder folder;
    const auto file = folder.file("heartmula.db");
    make_python_studio(file);
    std::ofstream(file.string() + ".before-heart") << "precious";
    std::ofstream(file.string() + ".before-heart-2.part") << "of a try that was killed";
    const Database db(file);
    EXPECT_EQ(fs::file_size(file.string() + ".before-heart"), 8U);
    EXPECT_EQ(ask_text(file.string() + ".before-heart-2", "SELECT COUNT(*) FROM users"), "2");
}

TEST(DatabaseOpen, APythonStudioWithProgramsInsideIsRefused) {
    const TemporaryFolder folder;
    const auto file = folder.file("heartmula.db");
    make_python_studio(file);
    raw(file, {"CREATE TRIGGER t AFTER DELETE ON users BEGIN DELETE FROM generations; END"});
    EXPECT_EQ(thrown([&] { const Database db(file); }), kMalformed);
    EXPECT_EQ(ask_text(file, "SELECT COUNT(*) FROM generations"), "3");
    EXPECT_EQ(ask_text(file, "PRAGMA user_version"), "0");
}

TEST(DatabaseOpen, ReadingAPythonStudioChangesNothing) {
    const TemporaryFolder folder;
    const auto file = folder.file("old.db");
    make_python_studio(file);
    std::ifstream before(file);
    const std::string bytes(std::istreambuf_iterator<char>(before), {});
    const auto studio = server::database::read_python_studio(file);
    EXPECT_EQ(studio.users.size(), 2U);
    ASSERT_EQ(studio.songs.size(), 3U);
    std::set<std::string> paths;
    for (const auto& song : studio.songs) paths.insert(song.audio_path);
    EXPECT_TRUE(paths.contains("/home/ann/web/backend/../data/audio/s1.wav"));
    std::ifstream after(file);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(after), {}), bytes);
    EXPECT_EQ(thrown([&] { (void)server::database::read_python_studio(folder.file("none.db")); }),
              static_cast<int>(ErrorCode::not_found));
    EXPECT_FALSE(fs::exists(folder.file("none.db")));
    { const Database ours(folder.file("ours.db")); }
    std::ofstream(folder.file("garbage.db")) << std::string(5000, 'x');
    EXPECT_EQ(thrown([&] { (void)server::database::read_python_studio(folder.file("garbage.db")); }), kMalformed);
}

class DatabaseFile : public DatabaseTest {};

TEST_F(DatabaseFile, AThrowUndoesTheWholeTransaction) {
    add_user("ann");
    EXPECT_THROW(db_->write([](soci::session& session) {
        session << "DELETE FROM users";
        throw std::runtime_error("no");
    }),
                 std::runtime_error);
    EXPECT_EQ(users_.count(), 1);
    EXPECT_EQ(thrown([&] { db_->write([](soci::session& session) { session << "SELECT nonsense"; }); }),
              static_cast<int>(ErrorCode::internal));
    add_user("bob");
    EXPECT_EQ(users_.count(), 2);
}

TEST_F(DatabaseFile, ReadersSeeOneUnchangingState) {
    add_user("ann");
    db_->read([&](soci::session& session) {
        int before = 0, after = 0;
        session << "SELECT COUNT(*) FROM users", soci::into(before);
        std::thread([&] { add_user("bob"); }).join();
        session << "SELECT COUNT(*) FROM users", soci::into(after);
        EXPECT_EQ(before, 1);
        EXPECT_EQ(after, 1);
    });
    EXPECT_EQ(users_.count(), 2);
}

TEST_F(DatabaseFile, ReadersCannotWrite) {
    EXPECT_NE(thrown([&] { db_->read([](soci::session& session) { session << "DELETE FROM users"; }); }), 0);
}

TEST_F(DatabaseFile, ErrorsNeverCarryWhatWasBound) {
    add_user("ann");
    server::database::User twice;
    twice.id = "ann";
    twice.username = "secret-name";
    twice.email = "secret@example.org";
    twice.password_hash = "secret-hash";
    try {
        (void)users_.add(twice);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::usage);
        EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
    }
}

TEST_F(DatabaseFile, ACopyIsWholeWhileOthersWrite) {
    add_user("ann");
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        for (int i = 0; !stop; ++i) songs_.add(song("ann", std::to_string(i)));
    });
    std::vector<int> codes;
    for (int i = 0; i < 5; ++i) {
        codes.push_back(thrown([&] { db_->copy_to(folder_.file(fmt::format("copy{}.db", i))); }));
    }
    stop = true;
    writer.join();
    ASSERT_EQ(codes, std::vector<int>(5, 0));
    for (int i = 0; i < 5; ++i) {
        const auto copy = folder_.file(fmt::format("copy{}.db", i));
        EXPECT_EQ(rights(copy), 0600U);
        Database opened(copy);
        EXPECT_EQ(Users(opened).count(), 1);
        long long texts = -1;
        opened.read([&](soci::session& session) { session << "SELECT COUNT(*) FROM song_texts", soci::into(texts); });
        EXPECT_EQ(texts, Songs(opened).count());
    }
    EXPECT_EQ(thrown([&] { db_->copy_to(folder_.file("copy0.db")); }), kIo);
    EXPECT_EQ(thrown([&] { db_->copy_to(folder_.file("none/copy.db")); }), kIo);
}

TEST_F(DatabaseFile, AFullDiskIsAnErrorOfTheSystemAndUndoesTheWrite) {
    add_user("ann");
    EXPECT_EQ(thrown([&] {
                  db_->write([&](soci::session& session) {
                      session << "PRAGMA max_page_count = 1";
                      session << "INSERT INTO settings (name, value) VALUES ('big', hex(zeroblob(1000000)))";
                  });
              }),
              kIo);
    db_->write([&](soci::session& session) { session << "PRAGMA max_page_count = 1000000"; });
    EXPECT_EQ(ask("SELECT COUNT(*) FROM settings"), 0);
    add_user("bob");
}

TEST(DatabaseTimes, AreWrittenAsTheStandardSays) {
    EXPECT_EQ(server::database::iso_time(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(server::database::iso_time(1'795'825'420'123), "2026-11-28T00:23:40.123Z");
    EXPECT_EQ(server::database::iso_time(-1), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(server::database::iso_time(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999Z");
    EXPECT_EQ(server::database::iso_time(std::numeric_limits<std::int64_t>::min()), "0000-01-01T00:00:00.000Z");
}

TEST(DatabaseTimes, IdsAreRandomUuids) {
    std::set<std::string> ids;
    const std::regex shape("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    for (int i = 0; i < 100; ++i) {
        const auto id = server::database::new_id();
        EXPECT_TRUE(std::regex_match(id, shape)) << id;
        ids.insert(id);
    }
    EXPECT_EQ(ids.size(), 100U);
}

}  // namespace
}  // namespace heart::test
