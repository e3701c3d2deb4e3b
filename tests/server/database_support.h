#pragma once

#include "core/error.h"
#include "server/database/database.h"
#include "server/database/jobs.h"
#include "server/database/songs.h"
#include "server/database/users.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace heart::test {

/// A folder that is gone when it is.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "heart-database-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// A new database in a folder of its own.
class DatabaseTest : public testing::Test {
protected:
    TemporaryFolder folder_;
    std::unique_ptr<server::database::Database> db_ =
        std::make_unique<server::database::Database>(folder_.file("heartmula.db"));
    server::database::Users users_{*db_};
    server::database::Jobs jobs_{*db_};
    server::database::Songs songs_{*db_};

    /// A user of this name, whose id it is too.
    std::string add_user(const std::string& name) {
        server::database::User user;
        user.id = name;
        user.username = name;
        user.email = name + "@example.org";
        user.password_hash = "hash";
        EXPECT_EQ(users_.add(user).taken, server::database::Taken::no);
        return name;
    }

    static server::database::Job job(const std::string& user, const std::string& id) {
        server::database::Job made;
        made.id = id;
        made.user_id = user;
        made.request_id = "request of " + id;
        made.settings.title = "title of " + id;
        made.settings.lyrics = "la la";
        made.settings.tags = "pop";
        return made;
    }

    static server::database::Song song(const std::string& user, const std::string& id, const std::string& title = "Title",
                                       const std::string& tags = "pop", const std::string& lyrics = "la la") {
        server::database::Song made;
        made.id = id;
        made.user_id = user;
        made.settings.title = title;
        made.settings.tags = tags;
        made.settings.lyrics = lyrics;
        made.audio_path = "audio/" + id + ".wav";
        return made;
    }

    /// The one integer that this statement gives.
    std::int64_t ask(const std::string& sql) const {
        long long value = 0;
        db_->read([&](soci::session& session) { session << sql, soci::into(value); });
        return value;
    }
};

/// What `call` throws, by code; none: 0.
template <typename Call>
int thrown(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return static_cast<int>(error.code());
    }
    return 0;
}

}  // namespace heart::test
