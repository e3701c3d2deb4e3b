// Does a backup come back as it was, and does restoring take nothing else from anybody?

#include "server/library/archive.h"

#include "core/error.h"
#include "library_test_support.h"
#include "server/database/songs.h"
#include "server/database/users.h"

#include <map>
#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

namespace heart::test {
namespace {

using namespace server;

/// One entry as a tar file holds it.
struct Entry {
    std::string name, content;
    mode_t type = AE_IFREG;
    std::string link;        ///< target of a symbolic link
    std::string hard_link;   ///< target of a hard link
    std::int64_t size = -1;  ///< that the header states; -1: the content's
};

std::vector<Entry> read_tar(const fs::path& path) {
    std::vector<Entry> entries;
    archive* in = archive_read_new();
    archive_read_support_format_tar(in);
    EXPECT_EQ(archive_read_open_filename(in, path.c_str(), 10240), ARCHIVE_OK);
    archive_entry* entry = nullptr;
    while (archive_read_next_header(in, &entry) == ARCHIVE_OK) {
        Entry& out = entries.emplace_back();
        out.name = archive_entry_pathname(entry);
        out.content.resize(static_cast<std::size_t>(archive_entry_size(entry)));
        EXPECT_EQ(archive_read_data(in, out.content.data(), out.content.size()),
                  static_cast<la_ssize_t>(out.content.size()));
    }
    archive_read_free(in);
    return entries;
}

void write_tar(const fs::path& path, const std::vector<Entry>& entries, bool compressed = false) {
    archive* out = archive_write_new();
    archive_write_set_format_pax(out);
    if (compressed) archive_write_add_filter_gzip(out);
    ASSERT_EQ(archive_write_open_filename(out, path.c_str()), ARCHIVE_OK);
    for (const Entry& e : entries) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, e.name.c_str());
        archive_entry_set_filetype(entry, e.type);
        archive_entry_set_perm(entry, 0644);
        if (!e.link.empty()) archive_entry_set_symlink(entry, e.link.c_str());
        if (!e.hard_link.empty()) archive_entry_set_hardlink(entry, e.hard_link.c_str());
        archive_entry_set_size(entry, e.size >= 0 ? e.size : static_cast<la_int64_t>(e.content.size()));
        archive_write_header(out, entry);
        if (!e.content.empty()) archive_write_data(out, e.content.data(), e.content.size());
        archive_entry_free(entry);
    }
    archive_write_free(out);
}

std::map<std::string, std::string> content_of(const fs::path& folder) {
    std::map<std::string, std::string> out;
    for (const std::string& name : files_below(folder)) {
        if (!name.starts_with("heartmula.db")) out[name] = file_bytes(folder / name);
    }
    return out;
}

/// A studio with two songs and a cached file, and its backup. Made once; each test has a copy.
class LibraryArchive : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        studio_ = std::make_unique<TemporaryFolder>();
        Library library(*studio_ / "data");
        database::Database db(*studio_ / "data/heartmula.db");
        database::User user = ada();
        static_cast<void>(database::Users(db).add(user));
        for (unsigned i = 1; i <= 2; ++i) {
            Song song = kept(library, i);
            library.set_cover(song, png_of(8, 8, {200, 100, static_cast<std::uint8_t>(i)}));  // a small one: tests are quick
            song.user_id = user.id;
            song.created = 1000 * i;
            database::Songs(db).add(song);
        }
        static_cast<void>(library.audio_file(song_of(1), Format::mp3, kNever));
        put_file(*studio_ / "data/secret.key", "secret");
        put_file(*studio_ / "data/audio/notes.txt", "not of the studio");
        library::back_up(db, *studio_ / "data", *studio_ / "backup.tar", {}, kNever);
    }
    static void TearDownTestSuite() { studio_.reset(); }

    LibraryArchive() { fs::copy(studio_->path(), folder_.path(), fs::copy_options::recursive); }

    static database::User ada() {
        database::User user;
        user.id = id_of(77);
        user.username = "ada";
        user.email = "ada@example.org";
        user.password_hash = "hash";
        return user;
    }

    ErrorCode code_of(const fs::path& archive) {
        return error_of([&] { library::restore(archive, folder_ / "new", {}, kNever); }).code();
    }
    /// Restoring these entries fails, and nothing is left of it.
    void expect_refused(const std::vector<Entry>& entries, const char* what, ErrorCode code = ErrorCode::malformed) {
        SCOPED_TRACE(what);
        const auto before = files_below(folder_ / "data");
        write_tar(folder_ / "hostile.tar", entries);
        EXPECT_EQ(code_of(folder_ / "hostile.tar"), code);
        EXPECT_FALSE(fs::exists(folder_ / "new"));
        EXPECT_FALSE(fs::exists(folder_ / "escaped"));
        EXPECT_EQ(files_below(folder_ / "data"), before);
        fs::remove(folder_ / "hostile.tar");
    }

    static inline std::unique_ptr<TemporaryFolder> studio_;
    TemporaryFolder folder_;
    fs::path tar_ = folder_ / "backup.tar";
};

TEST_F(LibraryArchive, ARestoredStudioIsTheSame) {
    library::restore(tar_, folder_ / "new", {}, kNever);
    auto wanted = content_of(folder_ / "data");
    std::erase_if(wanted, [](const auto& file) {
        return file.first.starts_with("cache/") || file.first == "secret.key" || file.first == "audio/notes.txt";
    });
    EXPECT_EQ(wanted.size(), 6U);
    EXPECT_TRUE(content_of(folder_ / "new") == wanted);
    database::Database db(folder_ / "new/heartmula.db");
    const auto user = database::Users(db).by_email("ada@example.org");
    ASSERT_TRUE(user.has_value());
    EXPECT_EQ(user->password_hash, "hash");
    Library library(folder_ / "new");
    for (const Song& song : {song_of(1), song_of(2)}) {
        const auto back = database::Songs(db).by_id(song.id);
        ASSERT_TRUE(back.has_value());
        EXPECT_EQ(back->settings.title, song.settings.title);
        EXPECT_EQ(back->user_id, ada().id);
        EXPECT_EQ(back->recipe, song.recipe);
        EXPECT_NO_THROW(static_cast<void>(library.audio_file(*back, Format::mp3, kNever)));
    }
    struct stat info {};
    ASSERT_EQ(::stat((folder_ / "new").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
    ASSERT_EQ(::stat((folder_ / "new/heartmula.db").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat(tar_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << "it holds password hashes";
}

TEST_F(LibraryArchive, AnEmptyStudiosFoldersAreNoObstacle) {
    { const Library empty(folder_ / "new"); }
    library::restore(tar_, folder_ / "new", {}, kNever);
    EXPECT_EQ(content_of(folder_ / "new").size(), 6U);
}

TEST_F(LibraryArchive, ABackupOfTheSameStateIsTheSameButForTheDatabase) {
    database::Database db(folder_ / "data/heartmula.db");
    library::back_up(db, folder_ / "data", folder_ / "second.tar", {}, kNever);
    const auto first = read_tar(tar_), second = read_tar(folder_ / "second.tar");
    ASSERT_EQ(first.size(), second.size());
    ASSERT_EQ(first.size(), 8U);
    EXPECT_EQ(first.front().name, "heartmula.db");
    EXPECT_EQ(first.back().name, "heart-backup.json");
    for (std::size_t i = 1; i + 1 < first.size(); ++i) {
        EXPECT_EQ(first[i].name, second[i].name);
        EXPECT_TRUE(first[i].content == second[i].content);
    }
    EXPECT_EQ(content_of(folder_ / "data").count("cache"), 0U);
    for (const std::string& name : files_below(folder_ / "data/cache")) EXPECT_FALSE(name.starts_with(".")) << name;
}

TEST_F(LibraryArchive, ProgressGrowsToItsEnd) {
    database::Database db(folder_ / "data/heartmula.db");
    std::uint64_t last = 0, all = 0;
    const library::ArchiveProgress watch = [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_GE(done, last);
        EXPECT_LE(done, total);
        last = done;
        all = total;
    };
    library::back_up(db, folder_ / "data", folder_ / "second.tar", watch, kNever);
    EXPECT_EQ(last, all);
    EXPECT_GT(all, 0U);
    last = 0;
    library::restore(tar_, folder_ / "new", watch, kNever);
    EXPECT_GT(last, 0U);
}

TEST_F(LibraryArchive, StoppingLeavesNothing) {
    database::Database db(folder_ / "data/heartmula.db");
    const auto before = files_below(folder_ / "data");
    CancelToken token;
    const library::ArchiveProgress stop = [&token](std::uint64_t, std::uint64_t) { token.cancel(); };
    EXPECT_EQ(error_of([&] { library::back_up(db, folder_ / "data", folder_ / "second.tar", stop, token); }).code(),
              ErrorCode::cancelled);
    EXPECT_FALSE(fs::exists(folder_ / "second.tar"));
    EXPECT_EQ(files_below(folder_ / "data"), before);
    CancelToken other;
    const library::ArchiveProgress stop_other = [&other](std::uint64_t, std::uint64_t) { other.cancel(); };
    EXPECT_EQ(error_of([&] { library::restore(tar_, folder_ / "new", stop_other, other); }).code(), ErrorCode::cancelled);
    EXPECT_FALSE(fs::exists(folder_ / "new"));
    EXPECT_EQ(folder_.names(), (std::vector<std::string>{"backup.tar", "data"}));
}

TEST_F(LibraryArchive, AStudioThatIsThereIsNeverOverwritten) {
    const auto before = content_of(folder_ / "data");
    EXPECT_EQ(error_of([&] { library::restore(tar_, folder_ / "data", {}, kNever); }).code(), ErrorCode::usage);
    EXPECT_TRUE(content_of(folder_ / "data") == before);
    fs::create_directories(folder_ / "new/audio");
    put_file(folder_ / "new/audio/mine.wav", "mine");
    EXPECT_EQ(code_of(tar_), ErrorCode::usage);
    fs::remove_all(folder_ / "new");
    fs::create_directories(folder_ / "new");
    put_file(folder_ / "new/heartmula.db-wal", "a journal whose database is lost");
    EXPECT_EQ(code_of(tar_), ErrorCode::usage);
    fs::remove_all(folder_ / "new");
    fs::create_directories(folder_ / "new");
    fs::create_directory_symlink(folder_ / "data/audio", folder_ / "new/audio");
    EXPECT_EQ(code_of(tar_), ErrorCode::usage);
    fs::remove_all(folder_ / "new");
    EXPECT_EQ(error_of([&] { library::restore(folder_ / "none.tar", folder_ / "new", {}, kNever); }).code(),
              ErrorCode::not_found);
    EXPECT_EQ(code_of(folder_ / "data"), ErrorCode::usage);
}

TEST_F(LibraryArchive, CutAnywhereItIsRefused) {
    const std::string whole = file_bytes(tar_);
    std::vector<std::size_t> lengths{0, 1, 511, 512, 513, whole.size() - 1, whole.size() - 513, whole.size() - 1024 - 1};
    for (std::size_t at = 1024; at < whole.size() - 2048; at += 512 * (1 + whole.size() / 512 / 23)) lengths.push_back(at);
    for (const std::size_t length : lengths) {
        put_file(folder_ / "cut.tar", whole.substr(0, length));
        try {
            library::restore(folder_ / "cut.tar", folder_ / "new", {}, kNever);
            // Only the zeros behind the last entry may be missing.
            EXPECT_GT(length + 1536, whole.size()) << length;
            fs::remove_all(folder_ / "new");
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::malformed) << length << ": " << error.what();
        }
        EXPECT_FALSE(fs::exists(folder_ / "new")) << length;
    }
}

TEST_F(LibraryArchive, AChangedByteIsNoticed) {
    const std::string whole = file_bytes(tar_);
    for (std::size_t at = 700; at + 2048 < whole.size(); at += whole.size() / 29) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 0x10);
        put_file(folder_ / "changed.tar", changed);
        try {
            library::restore(folder_ / "changed.tar", folder_ / "new", {}, kNever);
            EXPECT_TRUE(content_of(folder_ / "new").size() == 6) << "only padding or a time may have changed";
            fs::remove_all(folder_ / "new");
        } catch (const Error& error) {
            EXPECT_TRUE(error.code() == ErrorCode::malformed || error.code() == ErrorCode::limit) << error.what();
        }
        EXPECT_FALSE(fs::exists(folder_ / "new"));
    }
    std::vector<Entry> entries = read_tar(tar_);
    entries[1].content[100] = static_cast<char>(entries[1].content[100] ^ 1);
    expect_refused(entries, "one byte of a song");
}

TEST_F(LibraryArchive, HostileEntriesAreRefusedAndNothingIsLeft) {
    const std::vector<Entry> good = read_tar(tar_);
    const auto with = [&good](Entry extra) {
        std::vector<Entry> entries = good;
        entries.insert(entries.begin() + 1, std::move(extra));
        return entries;
    };
    const std::string id = id_of(5), wav = "audio/" + id + ".wav";
    const std::string names[] = {"../escaped",
                                 "/tmp/heart-escaped",
                                 (folder_ / "escaped").string(),
                                 "audio/../../escaped",
                                 "audio/../" + wav,
                                 "./" + wav,
                                 "audio//" + id + ".wav",
                                 "audio/" + id + ".wav/",
                                 "audio/" + id + ".mp3",
                                 "audio/escaped.wav",
                                 "thumbnails/" + id + ".wav",
                                 "cache/" + id + ".mp3",
                                 "AUDIO/" + id + ".wav",
                                 "audio/" + id + "\n.wav",
                                 "audio\\" + id + ".wav",
                                 "heartmula.db-wal",
                                 "heartmula.db/x",
                                 "secret.key",
                                 ".heart-1.part",
                                 "gr\xc3\xb6\xc3\x9f"
                                 "e",
                                 std::string(3000, 'a')};
    for (const std::string& name : names) expect_refused(with({name, "x"}), name.substr(0, 60).c_str());
    expect_refused(with({wav, "", AE_IFLNK, "/etc/passwd"}), "a symbolic link");
    expect_refused(with({wav, "", AE_IFREG, "", "/etc/passwd"}), "a hard link");
    expect_refused(with({wav, "", AE_IFDIR}), "a folder");
    expect_refused(with({"audio", "", AE_IFDIR}), "a folder with a good name");
    expect_refused(with({wav, "", AE_IFIFO}), "a pipe");
    expect_refused(with({wav, "", AE_IFCHR}), "a device");
    expect_refused(with({wav, "", AE_IFBLK}), "a block device");
    expect_refused(with({"audio", "", AE_IFLNK, "/tmp"}), "a link in place of a folder");
    expect_refused(with(good[1]), "a file twice");
    expect_refused(with(good[0]), "the database twice");
    expect_refused(with({wav, "x"}), "a file more than the seal says");
    expect_refused(with({"thumbnails/" + id + ".png", std::string((std::size_t{8} << 20) + 1, 'x')}), "too large a cover",
                   ErrorCode::limit);
    expect_refused(with({"peaks/" + id + ".json", std::string((std::size_t{1} << 16) + 1, 'x')}), "too large peaks",
                   ErrorCode::limit);

    std::vector<Entry> entries = good;
    entries.pop_back();
    expect_refused(entries, "no seal");
    entries = good;
    entries.erase(entries.begin() + 2);
    expect_refused(entries, "a file less");
    entries = good;
    entries.push_back({wav, "x"});
    expect_refused(entries, "something behind the seal");
    entries = good;
    std::swap(entries[1], entries[2]);
    expect_refused(entries, "another order");
    entries = good;
    entries.back().content = std::string(100'000, '{');
    expect_refused(entries, "a strange seal");
    expect_refused({good.back()}, "a seal alone");
    expect_refused({}, "nothing");
}

TEST_F(LibraryArchive, ASizeBeyondTheDiskIsRefusedBeforeItIsWritten) {
    // A header that promises far more than follows.
    std::vector<Entry> entries = read_tar(tar_);
    entries.resize(1);
    write_tar(folder_ / "hostile.tar", entries);
    std::string bytes = file_bytes(folder_ / "hostile.tar");
    const std::size_t header = bytes.find("heartmula.db");
    ASSERT_NE(header, std::string::npos);
    const auto put = [&bytes](std::size_t at, const std::string& text) { bytes.replace(at, text.size(), text); };
    put(header + 124, "77777777777");  // 8 GB in octal digits
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) {
        sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(bytes[header + i]);
    }
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    put(header + 148, std::string(digits, 6) + std::string("\0 ", 2));
    put_file(folder_ / "hostile.tar", bytes);
    const ErrorCode code = code_of(folder_ / "hostile.tar");
    EXPECT_TRUE(code == ErrorCode::limit || code == ErrorCode::malformed);
    EXPECT_FALSE(fs::exists(folder_ / "new"));
}

TEST_F(LibraryArchive, WhatIsNoTarOrNoDatabaseIsRefused) {
    put_file(folder_ / "words.tar", std::string(20'000, 'w'));
    EXPECT_EQ(code_of(folder_ / "words.tar"), ErrorCode::malformed);
    write_tar(folder_ / "packed.tar", read_tar(tar_), true);
    EXPECT_EQ(code_of(folder_ / "packed.tar"), ErrorCode::malformed) << "compressed ones could be bombs";
    EXPECT_FALSE(fs::exists(folder_ / "new"));
}

}  // namespace
}  // namespace heart::test
