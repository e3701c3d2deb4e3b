// Does every accepted job come to exactly one end, whatever happens on the way?

#include "core/error.h"
#include "server/database/users.h"
#include "server/jobs/runner.h"

#include <gtest/gtest.h>
#include <algorithm>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace server;
using database::Job;
using database::JobState;
using jobs::JobProgress;

/// Makes "songs" as it is told: each frame waits for a permit, so that a test decides what happens when.
class ScriptedMaker : public jobs::SongMaker {
public:
    jobs::MadeSong make(const Job& job, const fs::path& journal, const jobs::MakeHooks& hooks,
                        const CancelToken& cancel) override {
        {
            const std::lock_guard lock(mutex_);
            made_.push_back(job.settings.title);
        }
        changed_.notify_all();
        if (job.settings.title == "too large") throw Error(ErrorCode::memory, "it does not fit").found("8 GB");
        if (job.settings.title == "odd") throw std::runtime_error("not one of ours");
        for (int frame = 1; frame <= 40; ++frame) {
            std::unique_lock lock(mutex_);
            while (permits_ == 0 && !cancel.cancelled()) changed_.wait_for(lock, std::chrono::milliseconds(1));
            cancel.check();
            --permits_;
            lock.unlock();
            std::ofstream(journal, std::ios::app) << frame << '\n';
            if (hooks.progress) hooks.progress({Phase::frames, static_cast<double>(frame), 40, frame * 0.08});
            const std::vector<float> block(2 * 192, 0.1F);
            if (hooks.on_audio) hooks.on_audio(block, 2400, (frame - 1) * 192);
        }
        jobs::MadeSong out;
        out.frames = 40;
        out.wave.sample_rate = 48000;
        out.wave.channels.assign(2, std::vector<float>(48000, 0.1F));
        out.recipe = {{"seed", std::to_string(job.settings.seed)}};
        return out;
    }
    Status status() const override { return {true, false, "test", "test"}; }

    void permit(int frames) {
        {
            const std::lock_guard lock(mutex_);
            permits_ += frames;
        }
        changed_.notify_all();
    }
    std::vector<std::string> made() const {
        const std::lock_guard lock(mutex_);
        return made_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    int permits_ = 0;
    std::vector<std::string> made_;
};

/// A studio without sockets, in a folder of its own.
class RunnerTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-runner-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        open();
        for (const char* name : {"anna", "ben"}) {
            database::User user;
            user.id = database::new_id();
            user.username = name;
            user.email = std::string(name) + "@example.org";
            user.password_hash = "-";
            user.created = database::now_ms();
            ASSERT_EQ(database::Users(*db).add(user).taken, database::Taken::no);
            users[name] = user.id;
        }
    }
    void TearDown() override {
        close();
        fs::remove_all(folder);
    }

    /// As a new process does.
    void open() {
        db = std::make_unique<database::Database>(folder / "heartmula.db");
        files = std::make_unique<library::Library>(folder);
        hub = std::make_unique<jobs::ProgressHub>();
        runner = std::make_unique<jobs::Runner>(*db, *files, maker, *hub, jobs::RunnerOptions{folder / "codes", 3, {5, 8}});
        runner->on_ended([this](const Job& job) {
            {
                const std::lock_guard lock(mutex);
                ended.push_back(job.settings.title + " " + std::string(state_name(job.state)));
            }
            changed.notify_all();
        });
    }
    void close() {
        runner.reset();
        hub.reset();
        files.reset();
        db.reset();
    }

    Job job(const std::string& user, const std::string& title) {
        Job out;
        out.id = database::new_id();
        out.request_id = out.id;
        out.user_id = users.at(user);
        out.settings.title = title;
        out.settings.lyrics = "la";
        out.settings.tags = "pop";
        out.settings.max_audio_length_ms = 3200;
        // Who asks first is who comes first: within one millisecond nobody would be.
        last_created = std::max(last_created + 1, database::now_ms());
        out.created = last_created;
        ids[title] = out.id;
        return out;
    }
    void add(const std::string& user, const std::string& title) {
        ASSERT_EQ(runner->add({job(user, title)}), database::Jobs::Refused::no);
    }
    Job row(const std::string& title) { return *database::Jobs(*db).by_id(ids.at(title)); }

    void wait_until(const std::function<bool()>& holds) {
        for (int i = 0; i < 300'000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ASSERT_TRUE(holds());
    }
    void wait_for_end(const std::string& what) {
        std::unique_lock lock(mutex);
        ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(300), [&] {
            return std::find(ended.begin(), ended.end(), what) != ended.end();
        })) << what;
    }

    fs::path folder;
    database::TimeMs last_created = 0;
    ScriptedMaker maker;
    std::unique_ptr<database::Database> db;
    std::unique_ptr<library::Library> files;
    std::unique_ptr<jobs::ProgressHub> hub;
    std::unique_ptr<jobs::Runner> runner;
    std::map<std::string, std::string> users, ids;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> ended;
};

TEST_F(RunnerTest, MakesASongOfAJob) {
    std::vector<JobProgress> heard;
    const auto listening = hub->listen(users["anna"], [&](const JobProgress& p) { heard.push_back(p); });
    runner->start();
    maker.permit(40);
    add("anna", "one");
    wait_for_end("one completed");
    EXPECT_EQ(row("one").state, JobState::completed);
    const auto song = database::Songs(*db).by_id(ids["one"]);
    ASSERT_TRUE(song);
    EXPECT_EQ(song->frames, 40);
    EXPECT_EQ(song->duration_ms, 1000);
    EXPECT_NE(song->recipe.find("\"seed\""), std::string::npos)
        << "its recipe is known to the library, not to its file alone";
    EXPECT_TRUE(fs::exists(folder / song->audio_path));
    EXPECT_TRUE(fs::exists(folder / "codes" / (ids["one"] + ".codes"))) << "a song keeps its codes";
    EXPECT_EQ(runner->counters().completed, 1U);
    runner->stop();

    ASSERT_GE(heard.size(), 4U);
    EXPECT_EQ(heard.front().state, JobState::pending);
    EXPECT_EQ(heard.front().position, 1);
    EXPECT_EQ(heard.back().state, JobState::completed);
    EXPECT_EQ(heard.back().total_frames, 40);
    for (std::size_t i = 1; i < heard.size(); ++i) {
        EXPECT_GE(heard[i].phase, heard[i - 1].phase);
        EXPECT_GE(heard[i].progress, heard[i - 1].progress);
    }
}

TEST_F(RunnerTest, SoundIsThereWhileTheSongIsMade) {
    runner->start();
    add("anna", "one");
    maker.permit(3);
    wait_until([&] { return runner->live(ids["one"]) && runner->live(ids["one"])->bytes() == 3 * 192 * 4; });
    const auto live = runner->live(ids["one"]);
    EXPECT_FALSE(live->ended());
    EXPECT_FALSE(runner->live("another"));
    maker.permit(37);
    wait_for_end("one completed");
    wait_until([&] { return live->ended(); });
}

TEST_F(RunnerTest, UsersTakeTurns) {
    for (const char* title : {"a1", "a2", "a3"}) add("anna", title);
    for (const char* title : {"b1", "b2"}) add("ben", title);
    maker.permit(200);
    runner->start();
    wait_for_end("a3 completed");
    EXPECT_EQ(maker.made(), (std::vector<std::string>{"a1", "b1", "a2", "b2", "a3"}));
}

TEST_F(RunnerTest, AWaitingJobIsCancelledAtOnce) {
    runner->start();
    add("anna", "one");
    add("anna", "two");
    EXPECT_TRUE(runner->cancel(row("two")));
    EXPECT_EQ(row("two").state, JobState::cancelled);
    EXPECT_FALSE(runner->cancel(row("two"))) << "it has ended";
    maker.permit(40);
    wait_for_end("one completed");
    EXPECT_EQ(maker.made(), std::vector<std::string>{"one"});
}

TEST_F(RunnerTest, ARunningJobIsCancelledAndLeavesNothing) {
    runner->start();
    add("anna", "one");
    maker.permit(2);
    wait_until([&] { return fs::exists(folder / "codes" / (ids["one"] + ".codes")); });
    EXPECT_TRUE(runner->cancel(row("one")));
    wait_for_end("one cancelled");
    EXPECT_EQ(row("one").state, JobState::cancelled);
    EXPECT_FALSE(database::Songs(*db).by_id(ids["one"]));
    EXPECT_FALSE(fs::exists(folder / "codes" / (ids["one"] + ".codes")));
}

TEST_F(RunnerTest, AFailureIsKeptWithItsReasonAndCanBeTriedAgain) {
    runner->start();
    add("anna", "too large");
    wait_for_end("too large failed");
    EXPECT_EQ(row("too large").state, JobState::failed);
    EXPECT_NE(row("too large").reason.find("it does not fit"), std::string::npos);
    add("anna", "odd");
    wait_until([&] { return row("odd").state == JobState::failed; });
    ended.clear();
    EXPECT_EQ(runner->retry(row("too large")), database::Jobs::Refused::no);
    wait_for_end("too large failed");
    maker.permit(40);
    add("anna", "fine");
    wait_for_end("fine completed");
}

TEST_F(RunnerTest, StoppingPutsTheJobBackAndTheNextProcessGoesOn) {
    runner->start();
    add("anna", "one");
    add("anna", "two");
    maker.permit(7);
    wait_until([&] { return runner->live(ids["one"]) && runner->live(ids["one"])->bytes() >= 7 * 192 * 4; });
    runner->stop();
    EXPECT_EQ(row("one").state, JobState::pending);
    EXPECT_EQ(row("one").attempts, 0) << "it was not the job's fault";
    EXPECT_TRUE(fs::exists(folder / "codes" / (ids["one"] + ".codes")));
    close();
    open();
    maker.permit(100);
    runner->start();
    wait_for_end("two completed");
    EXPECT_EQ(maker.made(), (std::vector<std::string>{"one", "one", "two"})) << "it is first again";
    EXPECT_EQ(runner->counters().resumed, 1U);
}

TEST_F(RunnerTest, AJobThatAlwaysKillsTheProcessIsParked) {
    ASSERT_EQ(runner->add({job("anna", "deadly")}), database::Jobs::Refused::no);
    for (int attempt = 1; attempt <= 3; ++attempt) {  // as processes that die in it
        ASSERT_TRUE(database::Jobs(*db).start_next());
        EXPECT_EQ(row("deadly").attempts, attempt);
        if (attempt < 3) {
            ASSERT_TRUE(database::Jobs(*db).recover(3).empty());
        }
    }
    add("anna", "fine");
    maker.permit(40);
    runner->start();
    wait_for_end("deadly failed");
    wait_for_end("fine completed");
    EXPECT_FALSE(row("deadly").reason.empty());
    EXPECT_EQ(maker.made(), std::vector<std::string>{"fine"});
}

TEST_F(RunnerTest, LimitsHoldForUsersAndForAll) {
    for (int i = 0; i < 5; ++i) add("anna", "a" + std::to_string(i));
    EXPECT_EQ(runner->add({job("anna", "a5")}), database::Jobs::Refused::user_limit);
    for (int i = 0; i < 3; ++i) add("ben", "b" + std::to_string(i));
    EXPECT_EQ(runner->add({job("ben", "b3")}), database::Jobs::Refused::full);
}

TEST_F(RunnerTest, JournalsOfJobsThatAreGoneAreRemovedAtTheStart) {
    fs::create_directories(folder / "codes");
    std::ofstream(folder / "codes" / (database::new_id() + ".codes")) << "x";
    std::ofstream(folder / "codes" / "junk") << "x";
    runner->start();
    EXPECT_TRUE(fs::is_empty(folder / "codes"));
}

}  // namespace
}  // namespace heart::test
