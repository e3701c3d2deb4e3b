#include "server/database/sqlite.h"

#include "server/database/query.h"

#include <fcntl.h>
#include <soci/sqlite3/soci-sqlite3.h>

// Behind SOCI's header, which includes it in a namespace in version 4.0, and not at all from 4.1 on.
#include <sqlite3.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace heart::server::database::sqlite {
namespace {

/// A file descriptor.
class File {
public:
    File(const std::filesystem::path& file, int flags) : fd_(::open(file.c_str(), flags | O_CLOEXEC, 0600)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
};

Error system_error(const std::filesystem::path& file, const char* what) {
    const int number = errno;
    return Error(ErrorCode::io, std::string(what) + " '" + printable(file.string()) + "'")
        .found(std::generic_category().message(number));
}

void sync(const std::filesystem::path& file) {
    const File opened(file, O_RDONLY);
    if (opened.fd() < 0 || ::fsync(opened.fd()) != 0) throw system_error(file, "cannot write");
}

/// SOCI reads "key=value key=value", and takes values in quotes as they are.
std::string connect_text(const std::filesystem::path& file) {
    const std::string name = std::filesystem::absolute(file).string();
    if (name.find('"') != std::string::npos || name.find('\0') != std::string::npos) {
        throw Error(ErrorCode::usage, "the database's path has a quotation mark: " + printable(name));
    }
    return "dbname=\"" + name + "\"";
}

}  // namespace

std::unique_ptr<soci::session> open(const std::filesystem::path& file, Access access) {
    auto session = std::make_unique<soci::session>(*soci::factory_sqlite3(), connect_text(file));
    const auto set = [&](const char* pragma) { Query(*session, pragma).run(); };
    set("PRAGMA busy_timeout = 10000");
    set("PRAGMA trusted_schema = OFF");
    set("PRAGMA cell_size_check = ON");
    set("PRAGMA foreign_keys = ON");
    set("PRAGMA temp_store = MEMORY");
    set("PRAGMA synchronous = NORMAL");  // with WAL: a power cut may undo the last commits, but breaks nothing
    set("PRAGMA journal_size_limit = 67108864");
    if (access == Access::read) set("PRAGMA query_only = ON");
    return session;
}

void make_private_file(const std::filesystem::path& file) {
    const File opened(file, O_RDWR | O_CREAT);
    if (opened.fd() < 0) throw system_error(file, "cannot open the database");
    struct stat facts {};
    if (::fstat(opened.fd(), &facts) != 0) throw system_error(file, "cannot open the database");
    if (!S_ISREG(facts.st_mode)) throw Error(ErrorCode::io, "the database is no file: " + printable(file.string()));
    // SQLite gives -wal and -shm the rights of this file.
    if ((facts.st_mode & 0177) != 0 && ::fchmod(opened.fd(), 0600) != 0) {
        throw system_error(file, "cannot keep others from reading the database");
    }
}

void make_new_private_file(const std::filesystem::path& file) {
    const File opened(file, O_RDWR | O_CREAT | O_EXCL);
    if (opened.fd() < 0) throw system_error(file, "cannot make the file");
}

void copy(soci::session& session, const std::filesystem::path& file) {
    make_new_private_file(file);
    try {
        Query(session, "VACUUM INTO :file").with("file", file.string()).run();
        sync(file);
    } catch (...) {
        std::error_code ignored;
        std::filesystem::remove(file, ignored);
        throw;
    }
}

Error typed_error(const soci::soci_error& error) {
    const std::string words = error.get_error_message();
    const auto* ours = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
    if (ours == nullptr) return Error(ErrorCode::io, "the database failed").found(words);
    switch (ours->result() & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT: return Error(ErrorCode::malformed, "the database file is damaged or none").found(words);
        case SQLITE_NOMEM: return Error(ErrorCode::memory, "the database has not enough memory").found(words);
        case SQLITE_TOOBIG: return Error(ErrorCode::limit, "a value is too large for the database").found(words);
        case SQLITE_CONSTRAINT:
            return Error(ErrorCode::usage, "the database refuses a row that does not fit the others").found(words);
        case SQLITE_BUSY: return Error(ErrorCode::io, "another program holds the database").found(words);
        case SQLITE_FULL: return Error(ErrorCode::io, "the disk is full").found(words);
        case SQLITE_ERROR:
        case SQLITE_MISUSE:
        case SQLITE_RANGE: return Error(ErrorCode::internal, "a statement of the database is wrong").found(words);
        default: return Error(ErrorCode::io, "the database cannot read or write").found(words);
    }
}

}  // namespace heart::server::database::sqlite
