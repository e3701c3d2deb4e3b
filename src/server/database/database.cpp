#include "server/database/database.h"

#include "server/database/migrations.h"
#include "server/database/query.h"
#include "server/database/sqlite.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace heart::server::database {
namespace {

using SessionPtr = std::unique_ptr<soci::session>;

/// Runs `work` between BEGIN and COMMIT; whatever it throws undoes it and goes on, SOCI's errors as ours.
void in_transaction(soci::session& session, const char* begin, const std::function<void(soci::session&)>& work) {
    try {
        Query(session, begin).run();
        try {
            work(session);
            Query(session, "COMMIT").run();
        } catch (...) {
            try {
                Query(session, "ROLLBACK").run();
            } catch (const soci::soci_error&) {  // SQLite has undone it by itself; the first error says why
            }
            throw;
        }
    } catch (const soci::soci_error& error) {
        throw sqlite::typed_error(error);
    }
}

}  // namespace

class Database::Inside {
public:
    Inside(std::filesystem::path file, int readers) : file_(std::move(file)) {
        sqlite::make_private_file(file_);
        try {
            writer_ = sqlite::open(file_, sqlite::Access::write);
            migrate(*writer_, file_);
            for (int i = 0; i < std::max(readers, 1); ++i) free_.push_back(sqlite::open(file_, sqlite::Access::read));
        } catch (const soci::soci_error& error) {
            throw sqlite::typed_error(error);
        }
    }

    void write(const std::function<void(soci::session&)>& work) {
        const std::lock_guard lock(writing_);
        in_transaction(*writer_, "BEGIN IMMEDIATE", work);
    }

    /// Lends a reader's connection.
    void lend(const std::function<void(soci::session&)>& work) {
        const Lease lease(*this);
        work(*lease.session);
    }

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

private:
    struct Lease {
        explicit Lease(Inside& from) : owner(from) {
            std::unique_lock lock(owner.reading_);
            owner.freed_.wait(lock, [&] { return !owner.free_.empty(); });
            session = std::move(owner.free_.back());
            owner.free_.pop_back();
        }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() {
            {
                const std::lock_guard lock(owner.reading_);
                owner.free_.push_back(std::move(session));  // has room: it came from there
            }
            owner.freed_.notify_one();
        }
        Inside& owner;
        SessionPtr session;
    };

    std::filesystem::path file_;
    std::mutex writing_, reading_;
    std::condition_variable freed_;
    SessionPtr writer_;
    std::vector<SessionPtr> free_;
};

Database::Database(const std::filesystem::path& file, int readers) : inside_(std::make_unique<Inside>(file, readers)) {}
Database::~Database() = default;

void Database::write(const std::function<void(soci::session&)>& work) {
    inside_->write(work);
}

void Database::read(const std::function<void(soci::session&)>& work) const {
    inside_->lend([&](soci::session& session) { in_transaction(session, "BEGIN", work); });
}

int Database::version() const {
    int version = 0;
    read([&](soci::session& session) { version = schema_version(session); });
    return version;
}

void Database::copy_to(const std::filesystem::path& file) const {
    try {
        // A connection of its own: a copy takes long, and those for reading may not make one.
        const SessionPtr session = sqlite::open(inside_->file(), sqlite::Access::write);
        sqlite::copy(*session, file);
    } catch (const soci::soci_error& error) {
        throw sqlite::typed_error(error);
    }
}

void Database::check() const {
    read([](soci::session& session) {
        Query query(session, "SELECT COUNT(*) FROM settings", "i");
        if (!query.next()) throw Error(ErrorCode::io, "the database does not answer");
    });
}

const std::filesystem::path& Database::file() const noexcept {
    return inside_->file();
}

}  // namespace heart::server::database
