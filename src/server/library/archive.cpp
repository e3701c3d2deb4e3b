#include "server/library/archive.h"

#include "audio/replace_file.h"
#include "core/error.h"
#include "formats/json.h"
#include "server/library/files.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::server::library {

namespace fs = std::filesystem;

namespace {

/// The last entry: how many files and bytes came before it, and their hash. An archive that lost its end, or whose content
/// changed, is noticed by it.
constexpr std::string_view kSealName = "heart-backup.json";
constexpr int kSealVersion = 1;
/// What SQLite has written to the database's journal alone belongs to it.
constexpr std::string_view kJournal = "heartmula.db-wal";
constexpr std::uint64_t kMostSealBytes = 4096;
constexpr std::size_t kMostFiles = 4'000'000;
constexpr std::uint64_t kMostAudioBytes = std::uint64_t{4} << 30, kMostCoverBytes = std::uint64_t{8} << 20,
                        kMostPeaksBytes = std::uint64_t{1} << 16;
/// What is left free of a disk.
constexpr std::uint64_t kSpareBytes = std::uint64_t{16} << 20;
constexpr std::size_t kBlockBytes = std::size_t{1} << 18;

/// Folders of an archive, the ending of the files in them, and how large one may be.
struct Part {
    std::string_view folder, ending;
    std::uint64_t most_bytes;
};
constexpr std::array<Part, 3> kParts{Part{kAudioFolder, ".wav", kMostAudioBytes},
                                     Part{kCoverFolder, ".png", kMostCoverBytes},
                                     Part{kPeaksFolder, ".json", kMostPeaksBytes}};

struct FreeReader {
    void operator()(archive* a) const noexcept { archive_read_free(a); }
};
struct FreeWriter {
    void operator()(archive* a) const noexcept { archive_write_free(a); }
};
struct FreeEntry {
    void operator()(archive_entry* e) const noexcept { archive_entry_free(e); }
};

std::string words_of(archive* a) {
    const char* text = archive_error_string(a);
    return text == nullptr ? "no reason given" : text;
}

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

/// Counts and hashes names, sizes and content in their order.
class Seal {
public:
    Seal() { crypto_generichash_init(&state_, nullptr, 0, crypto_generichash_BYTES); }
    void begin(std::string_view name, std::uint64_t bytes) {
        ++files_;
        bytes_ += bytes;
        add(fmt::format("{} {}\n", name, bytes));
    }
    void add(std::string_view bytes) {
        crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    }
    [[nodiscard]] std::string text() {
        unsigned char digest[crypto_generichash_BYTES];
        char hex[2 * sizeof digest + 1];
        crypto_generichash_final(&state_, digest, sizeof digest);
        sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
        return fmt::format(R"({{"version":{},"files":{},"bytes":{},"blake2b":"{}"}})", kSealVersion, files_, bytes_, hex);
    }
    [[nodiscard]] std::uint64_t files() const { return files_; }

private:
    crypto_generichash_state state_{};
    std::uint64_t files_ = 0, bytes_ = 0;
};

/// The most bytes that an entry of this name may have; none for a name that back_up() does not write.
std::optional<std::uint64_t> limit_of(std::string_view name) {
    if (name == kDatabaseFile) return std::uint64_t{1} << 40;
    for (const Part& part : kParts) {
        if (!name.starts_with(part.folder) || !name.ends_with(part.ending)) continue;
        const std::string_view rest = name.substr(part.folder.size());
        if (rest.size() == 1 + 36 + part.ending.size() && rest[0] == '/' && is_song_id(rest.substr(1, 36))) {
            return part.most_bytes;
        }
    }
    return {};
}

// --- writing ------------------------------------------------------------------------------------------------------------

class ArchiveWriter {
public:
    ArchiveWriter(int descriptor, const ArchiveProgress& progress, std::uint64_t total, const CancelToken& cancel)
        : archive_(archive_write_new()), progress_(progress), total_(total), cancel_(cancel) {
        check(archive_write_set_format_pax_restricted(archive_.get()));
        check(archive_write_add_filter_none(archive_.get()));
        check(archive_write_set_bytes_in_last_block(archive_.get(), 1));
        check(archive_write_open_fd(archive_.get(), descriptor));
    }

    /// A file that is not there any more is left out: its song was removed meanwhile.
    void add_file(const std::string& name, const fs::path& path) {
        const Descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (in.number() < 0 && errno == ENOENT) return;
        struct stat info {};
        if (in.number() < 0 || ::fstat(in.number(), &info) != 0) throw_system(path);
        if (!S_ISREG(info.st_mode)) return;
        const auto size = static_cast<std::uint64_t>(info.st_size);
        begin(name, size, info.st_mtim.tv_sec);
        seal_.begin(name, size);
        std::vector<char> block(kBlockBytes);
        for (std::uint64_t left = size; left > 0;) {
            cancel_.check();
            const ssize_t count = ::read(in.number(), block.data(), std::min<std::uint64_t>(left, block.size()));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) throw_system(path);
            if (count == 0) throw Error(ErrorCode::io, "'" + path.string() + "' became shorter while it was read");
            const std::string_view bytes(block.data(), static_cast<std::size_t>(count));
            seal_.add(bytes);
            put(bytes);
            left -= bytes.size();
            done_ += bytes.size();
            if (progress_) progress_(std::min(done_, total_), total_);
        }
    }

    void finish() {
        const std::string text = seal_.text();
        begin(std::string(kSealName), text.size(), 0);
        put(text);
        check(archive_write_close(archive_.get()));
    }

private:
    [[noreturn]] static void throw_system(const fs::path& path) {
        throw Error(ErrorCode::io, "cannot read '" + path.string() + "'").found(std::generic_category().message(errno));
    }

    void check(la_ssize_t result) {
        if (result < ARCHIVE_OK) throw Error(ErrorCode::io, "the archive cannot be written").found(words_of(archive_.get()));
    }

    void begin(const std::string& name, std::uint64_t bytes, std::int64_t time) {
        const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
        archive_entry_set_pathname(entry.get(), name.c_str());
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes));
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), 0600);
        archive_entry_set_mtime(entry.get(), time, 0);
        check(archive_write_header(archive_.get(), entry.get()));
    }

    void put(std::string_view bytes) {
        while (!bytes.empty()) {
            const la_ssize_t written = archive_write_data(archive_.get(), bytes.data(), bytes.size());
            check(written);
            if (written == 0) throw Error(ErrorCode::io, "the archive takes nothing more");
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }

    std::unique_ptr<archive, FreeWriter> archive_;
    const ArchiveProgress& progress_;
    std::uint64_t total_, done_ = 0;
    const CancelToken& cancel_;
    Seal seal_;
};

/// A file that goes away with the object.
struct TemporaryFile {
    fs::path path;
    explicit TemporaryFile(fs::path place) : path(std::move(place)) {}
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        std::error_code ignored;
        fs::remove(path, ignored);
    }
};

/// Names (as in an archive) of all songs' files, in a stable order.
std::vector<std::string> names_in(const fs::path& data_folder, std::uint64_t& bytes) {
    std::vector<std::string> names;
    for (const Part& part : kParts) {
        const fs::path folder = data_folder / part.folder;
        if (!is_plain_folder(folder)) continue;
        std::error_code failed;
        for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
            std::string name = std::string(part.folder) + "/" + entry->path().filename().string();
            const std::optional<std::uint64_t> most = limit_of(name);
            std::error_code unreadable;
            if (!most || !is_plain_file(entry->path())) continue;
            const std::uintmax_t size = fs::file_size(entry->path(), unreadable);
            if (unreadable || size > *most) continue;
            bytes += size;
            names.push_back(std::move(name));
        }
        if (failed) throw Error(ErrorCode::io, "cannot list '" + folder.string() + "'").found(failed.message());
    }
    std::sort(names.begin(), names.end());
    return names;
}

// --- reading ------------------------------------------------------------------------------------------------------------

/// Where an archive's files wait until all are there; a folder inside the data folder, which goes away with the object, and
/// with it the data folder if that was made for it.
class Staging {
public:
    explicit Staging(const fs::path& data_folder) : data_folder_(data_folder) {
        std::error_code failed;
        made_folder_ = !fs::is_directory(data_folder, failed);
        if (made_folder_) make_private_folder(data_folder);
        std::string pattern = (data_folder / ".heart-restore-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            const int reason = errno;
            if (made_folder_) ::rmdir(data_folder.c_str());
            throw Error(ErrorCode::io, "cannot make a folder in '" + data_folder.string() + "'")
                .found(std::generic_category().message(reason));
        }
        path_ = pattern;
    }
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;
    ~Staging() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
        if (made_folder_) fs::remove(data_folder_, ignored);  // only while it is empty
    }

    [[nodiscard]] const fs::path& path() const { return path_; }

    /// Moves everything to its place. What was moved is moved back when something cannot be.
    void move_in() {
        std::vector<std::string_view> moved;
        try {
            for (const Part& part : kParts) {
                ::rmdir((data_folder_ / part.folder).c_str());  // an empty one that a server made
                fs::rename(path_ / part.folder, data_folder_ / part.folder);
                moved.push_back(part.folder);
            }
            if (is_plain_file(path_ / kJournal)) fs::rename(path_ / kJournal, data_folder_ / kJournal);
            fs::rename(path_ / kDatabaseFile, data_folder_ / kDatabaseFile);  // last: with it, there is a studio
        } catch (const fs::filesystem_error& error) {
            std::error_code ignored;
            fs::remove(data_folder_ / kJournal, ignored);
            for (const std::string_view folder : moved) fs::rename(data_folder_ / folder, path_ / folder, ignored);
            throw Error(ErrorCode::io, "the restored files cannot be moved to their place").found(error.code().message());
        }
        const Descriptor folder(::open(data_folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (folder.number() >= 0) ::fsync(folder.number());
    }

private:
    fs::path data_folder_, path_;
    bool made_folder_ = false;
};

class ArchiveReader {
public:
    ArchiveReader(const fs::path& path, const ArchiveProgress& progress, const CancelToken& cancel)
        : in_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
          archive_(archive_read_new()),
          progress_(progress),
          cancel_(cancel) {
        if (in_.number() < 0) {
            throw Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot read '" + path.string() + "'")
                .found(std::generic_category().message(errno));
        }
        struct stat info {};
        if (::fstat(in_.number(), &info) != 0 || !S_ISREG(info.st_mode)) {
            throw Error(ErrorCode::usage, "'" + path.string() + "' is not an ordinary file");
        }
        bytes_ = static_cast<std::uint64_t>(info.st_size);
        archive_read_support_format_tar(archive_.get());  // and nothing else: no compression that could be a bomb
        if (archive_read_open_fd(archive_.get(), in_.number(), kBlockBytes) != ARCHIVE_OK) fail(words_of(archive_.get()));
    }

    /// Size of the archive's file.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

    void extract_into(const fs::path& folder, std::uint64_t most_bytes) {
        std::uint64_t left = most_bytes;
        while (archive_entry* entry = next()) {
            const std::string name = checked_name(entry);
            const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
            if (name == kSealName) {
                check_seal(size);
                if (next() != nullptr) fail("something behind the end");
                if (!names_.contains(std::string(kDatabaseFile))) fail("no database");
                return;
            }
            const std::optional<std::uint64_t> most = limit_of(name);
            if (!most) fail("the name " + printable(name, 80));
            if (!names_.insert(name).second) fail("twice " + name);
            if (names_.size() > kMostFiles) throw Error(ErrorCode::limit, "the archive has too many files");
            if (size > *most || size > left) {
                throw Error(ErrorCode::limit, "a file of the archive is too large")
                    .expected(std::to_string(std::min(*most, left)))
                    .found(std::to_string(size));
            }
            left -= size;
            extract(folder / name, name, size);
        }
        fail("no end: is the file cut off?");
    }

private:
    [[noreturn]] static void fail(std::string_view found) {
        throw Error(ErrorCode::malformed, "this is no archive of a studio").found(found);
    }

    archive_entry* next() {
        cancel_.check();
        archive_entry* entry = nullptr;
        const int result = archive_read_next_header(archive_.get(), &entry);
        if (result == ARCHIVE_EOF) return nullptr;
        if (result != ARCHIVE_OK) fail(words_of(archive_.get()));
        return entry;
    }

    /// The entry's name, if it is a plain file that lies in the archive as it is.
    static std::string checked_name(archive_entry* entry) {
        const char* name = archive_entry_pathname(entry);
        if (name == nullptr) fail("a name that is no text");
        if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr ||
            archive_entry_symlink(entry) != nullptr) {
            fail("no plain file: " + printable(name, 80));
        }
        if (archive_entry_sparse_count(entry) != 0) fail("a file with holes: " + printable(name, 80));
        if (archive_entry_size_is_set(entry) == 0 || archive_entry_size(entry) < 0) fail("a file without a size");
        return name;
    }

    /// Hands on the entry's bytes, exactly `size`.
    template <typename Take>
    void read_content(std::uint64_t size, Take take) {
        block_.resize(kBlockBytes);
        while (true) {
            cancel_.check();
            const la_ssize_t count = archive_read_data(archive_.get(), block_.data(), block_.size());
            if (count < 0) fail(words_of(archive_.get()));
            if (count == 0) break;
            if (static_cast<std::uint64_t>(count) > size) fail("more bytes than the header says");
            size -= static_cast<std::uint64_t>(count);
            take(std::string_view(block_.data(), static_cast<std::size_t>(count)));
        }
        if (size != 0) fail("fewer bytes than the header says");
    }

    void extract(const fs::path& target, const std::string& name, std::uint64_t size) {
        seal_.begin(name, size);
        audio::FileReplacement file(target);
        read_content(size, [&](std::string_view bytes) {
            seal_.add(bytes);
            file.write({bytes.data(), bytes.size()});
            done_ += bytes.size();
            if (progress_) progress_(std::min(done_, bytes_), bytes_);
        });
        if (::fchmod(file.descriptor(), 0600) != 0) throw Error(ErrorCode::io, "cannot set a file's permissions");
        file.commit();
    }

    void check_seal(std::uint64_t size) {
        if (size > kMostSealBytes) fail("too long a seal");
        std::string text;
        read_content(size, [&text](std::string_view bytes) { text += bytes; });
        if (text != seal_.text()) {
            throw Error(ErrorCode::malformed, "the archive is damaged or of another version")
                .expected(seal_.text())
                .found(printable(text, 300));
        }
    }

    Descriptor in_;
    std::unique_ptr<archive, FreeReader> archive_;
    const ArchiveProgress& progress_;
    const CancelToken& cancel_;
    std::uint64_t bytes_ = 0, done_ = 0;
    std::set<std::string> names_;
    std::vector<char> block_;
    Seal seal_;
};

/// Throws unless nothing of a studio is there.
void check_is_free(const fs::path& data_folder) {
    for (const char* behind : {"", "-wal", "-shm", "-journal"}) {
        const fs::path file = data_folder / (std::string(kDatabaseFile) + behind);
        struct stat info {};
        if (::lstat(file.c_str(), &info) == 0) {
            throw Error(ErrorCode::usage, "there is a database already")
                .found("'" + file.string() + "'")
                .hint("restore into an empty folder");
        }
    }
    for (const Part& part : kParts) {
        const fs::path folder = data_folder / part.folder;
        struct stat info {};
        std::error_code failed;
        if (::lstat(folder.c_str(), &info) != 0) continue;
        if (!S_ISDIR(info.st_mode) || !fs::is_empty(folder, failed) || failed) {
            throw Error(ErrorCode::usage, "there are songs' files without a database")
                .found("'" + folder.string() + "'")
                .hint("restore into an empty folder");
        }
    }
}

}  // namespace

void back_up(const database::Database& database, const fs::path& data_folder, const fs::path& archive,
             const ArchiveProgress& progress, const CancelToken& cancel) {
    audio::FileReplacement out(archive);
    if (::fchmod(out.descriptor(), 0600) != 0) throw Error(ErrorCode::io, "cannot set the archive's permissions");
    // In a folder that nobody else can look into, and under a name that Library::tidy() removes should this process die.
    make_private_folder(data_folder / kCacheFolder);
    const TemporaryFile copy(data_folder / kCacheFolder / (".heart-" + database::new_id() + ".part"));
    database.copy_to(copy.path);
    cancel.check();
    // The database first: of a song that is made from now on, at most the files are there.
    std::error_code failed;
    std::uint64_t total = fs::file_size(copy.path, failed);
    if (failed) throw Error(ErrorCode::io, "the database's copy is gone").found(failed.message());
    const std::vector<std::string> names = names_in(data_folder, total);
    ArchiveWriter writer(out.descriptor(), progress, total, cancel);
    writer.add_file(std::string(kDatabaseFile), copy.path);
    for (const std::string& name : names) writer.add_file(name, data_folder / name);
    writer.finish();
    out.commit();
}

void restore(const fs::path& archive, const fs::path& data_folder, const ArchiveProgress& progress,
             const CancelToken& cancel) {
    check_is_free(data_folder);
    ArchiveReader reader(archive, progress, cancel);
    Staging staging(data_folder);
    for (const Part& part : kParts) make_private_folder(staging.path() / part.folder);
    std::error_code failed;
    const std::uintmax_t free = fs::space(data_folder, failed).available;
    if (failed) throw Error(ErrorCode::io, "cannot see how much of the disk is free").found(failed.message());
    reader.extract_into(staging.path(), free > kSpareBytes ? free - kSpareBytes : 0);
    {
        const database::Database check(staging.path() / kDatabaseFile, 1);  // throws unless it is one of ours
        check.check();
    }
    staging.move_in();
}

}  // namespace heart::server::library
