#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace soci {
class session;
}

namespace heart::server::database {

/// UTC, milliseconds since 1970.
using TimeMs = std::int64_t;
constexpr TimeMs kHour = 3'600'000;
[[nodiscard]] TimeMs now_ms();
/// "2026-11-28T00:23:40.123Z".
[[nodiscard]] std::string iso_time(TimeMs time);
/// A random (version 4) UUID, 122 bits of the system's entropy: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
[[nodiscard]] std::string new_id();

/// The studio's database: one SQLite file in WAL mode with foreign keys, brought to the newest schema when it is opened
/// (migrations.cpp). All SQL of the server lives in this room; statements are written so that PostgreSQL runs them too, and
/// what differs (search, backup) stands in files of its own.
///
/// Writers take turns on one connection, readers have theirs; all methods may be called from any thread, and wait for the
/// disk. Errors: ErrorCode::io with the engine's words, ErrorCode::malformed for a file that is no database of ours,
/// ErrorCode::unsupported for one of a newer program, ErrorCode::usage for text that is not UTF-8 or holds a NUL and for
/// rows that do not fit the others (an id that is there already, a user who is not).
class Database {
public:
    /// Makes the file (0600) if it is missing. A database of the Python studio (schema without version) is taken over in
    /// place, behind a copy beside it named "<file>.before-heart". `readers`: connections for reading.
    explicit Database(const std::filesystem::path& file, int readers = 4);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    /// Runs `work` inside a transaction that is written when it returns and undone when it throws. `work` must not call the
    /// database but by its session.
    void write(const std::function<void(soci::session&)>& work);
    /// Runs `work` on one unchanging state of the data.
    void read(const std::function<void(soci::session&)>& work) const;

    /// The schema's version.
    [[nodiscard]] int version() const;
    /// A whole, consistent copy while others go on (VACUUM INTO), for this user alone. The file must not be there.
    void copy_to(const std::filesystem::path& file) const;
    /// Answers a trivial query: for readiness probes. Throws.
    void check() const;
    [[nodiscard]] const std::filesystem::path& file() const noexcept;

private:
    class Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace heart::server::database
