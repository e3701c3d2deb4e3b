#include "server/database_support.h"

#include <sys/wait.h>

#include <csignal>
#include <ctime>
#include <map>
#include <random>
#include <set>

namespace heart::test {
namespace {

using server::database::Database;
using server::database::Jobs;
using server::database::JobState;
using server::database::Songs;
using server::database::Users;

/// What the child says it was told: one line of at most PIPE_BUF bytes an event, so that lines never mix.
void say(int pipe, char what, const std::string& id) {
    const std::string line = what + id + "\n";
    if (::write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
}

/// Works on the queue until it is killed, and says what it was promised.
[[noreturn]] void work_until_killed(const std::filesystem::path& file, int round, int pipe) {
    try {
        Database db(file, 1);
        Jobs jobs(db);
        Songs songs(db);
        for (const auto& failed : jobs.recover(1'000'000)) say(pipe, 'x', failed.id);
        for (int i = 0;; ++i) {
            std::vector<server::database::Job> some(2);
            for (std::size_t k = 0; k < some.size(); ++k) {
                some[k].id = fmt::format("{}-{}-{}", round, i, k);
                some[k].user_id = i % 2 == 0 ? "ann" : "bob";
                some[k].settings.title = some[k].id;
            }
            if (jobs.add(some, {1'000'000, 1'000'000}) != Jobs::Refused::no) ::_exit(4);
            for (const auto& one : some) say(pipe, 'a', one.id);
            const auto next = jobs.start_next();
            if (!next) ::_exit(5);
            if (i % 4 == 3) {
                jobs.end(next->id, JobState::failed, "no");
                say(pipe, 'f', next->id);
            } else {
                server::database::Song song;
                song.id = next->id;
                song.user_id = next->user_id;
                song.settings.title = next->id;
                if (!songs.add_finished(song)) ::_exit(6);
                say(pipe, 'c', next->id);
            }
        }
    } catch (...) {
        ::_exit(2);
    }
}

/// Whatever the moment at which the process dies: what it was told is so, and each job is there once.
TEST(DatabaseCrash, NothingIsLostOrDoubledWhenTheProcessIsKilledAtAnyMoment) {
    const TemporaryFolder folder;
    const auto file = folder.file("heartmula.db");
    {
        Database db(file);
        for (const char* name : {"ann", "bob"}) {
            server::database::User user;
            user.id = user.username = user.email = name;
            ASSERT_EQ(Users(db).add(user).taken, server::database::Taken::no);
        }
    }
    std::mt19937 random(7);
    std::map<std::string, char> promised;
    for (int round = 0; round < 25; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::close(ends[0]);
            work_until_killed(file, round, ends[1]);
        }
        ::close(ends[1]);
        // Killed a random while after it said the first thing, so that slow machines get as far as fast ones.
        std::string said;
        char buffer[4096];
        ssize_t got = ::read(ends[0], buffer, sizeof buffer);
        if (got > 0) said.append(buffer, static_cast<std::size_t>(got));
        const timespec pause{0, static_cast<long>(random() % 30'000'000)};
        ::nanosleep(&pause, nullptr);
        ASSERT_EQ(::kill(child, SIGKILL), 0);
        while ((got = ::read(ends[0], buffer, sizeof buffer)) > 0) said.append(buffer, static_cast<std::size_t>(got));
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
        for (std::size_t at = 0, end = 0; (end = said.find('\n', at)) != std::string::npos; at = end + 1) {
            promised[said.substr(at + 1, end - at - 1)] = said[at];
        }
    }

    Database db(file);
    Jobs jobs(db);
    Songs songs(db);
    EXPECT_TRUE(jobs.recover(1'000'000).empty());
    ASSERT_GE(promised.size(), 25U) << "each process said something before it died";
    for (const auto& [id, what] : promised) {
        const auto job = jobs.by_id(id);
        ASSERT_TRUE(job) << id << " is lost";
        const bool has_song = songs.by_id(id).has_value();
        EXPECT_EQ(has_song, job->state == JobState::completed) << id;
        if (what == 'c' || what == 'f') {
            EXPECT_EQ(job->state, what == 'c' ? JobState::completed : JobState::failed) << id;
        }
    }
    std::string health;
    long long broken = -1, without_text = -1;
    db.read([&](soci::session& session) {
        session << "PRAGMA integrity_check", soci::into(health);
        session << "SELECT COUNT(*) FROM pragma_foreign_key_check", soci::into(broken);
        session << "SELECT COUNT(*) FROM generations WHERE number NOT IN (SELECT number FROM song_texts)",
            soci::into(without_text);
    });
    EXPECT_EQ(health, "ok");
    EXPECT_EQ(broken, 0);
    EXPECT_EQ(without_text, 0);
    // Both takes of a request, or none.
    long long halves = -1;
    db.read([&](soci::session& session) {
        session << "SELECT COUNT(*) FROM (SELECT 1 FROM jobs GROUP BY substr(id, 1, length(id) - 2) HAVING COUNT(*) <> 2)",
            soci::into(halves);
    });
    EXPECT_EQ(halves, 0);
    std::set<std::string> started;
    while (const auto next = jobs.start_next()) EXPECT_TRUE(started.insert(next->id).second) << next->id;
}

}  // namespace
}  // namespace heart::test
