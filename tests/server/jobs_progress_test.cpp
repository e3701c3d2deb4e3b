// Does everyone hear how their own jobs advance, forwards only, and nothing else?

#include "server/jobs/live_song.h"
#include "server/jobs/progress_hub.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

using namespace server::jobs;
using server::database::JobState;

JobProgress news(const std::string& id, const std::string& user, JobState state, std::int64_t progress = 0) {
    JobProgress out;
    out.id = id;
    out.user_id = user;
    out.state = state;
    out.phase = state == JobState::pending ? JobPhase::waiting : JobPhase::composing;
    out.progress = progress;
    out.total_frames = 100;
    return out;
}

/// Remembers what it hears.
struct Ear {
    std::vector<JobProgress> heard;
    ProgressHub::Listener listener() {
        return [this](const JobProgress& p) { heard.push_back(p); };
    }
};

TEST(ProgressHub, TellsOwnersOnly) {
    ProgressHub hub;
    Ear anna, ben;
    const auto a = hub.listen("anna", anna.listener()), b = hub.listen("ben", ben.listener());
    hub.report(news("1", "anna", JobState::pending));
    hub.report(news("2", "ben", JobState::processing, 5));
    ASSERT_EQ(anna.heard.size(), 1U);
    EXPECT_EQ(anna.heard[0].id, "1");
    ASSERT_EQ(ben.heard.size(), 1U);
    EXPECT_EQ(ben.heard[0].id, "2");
}

TEST(ProgressHub, TellsWhoComesLateHowThingsStandAndNothingOld) {
    ProgressHub hub;
    hub.report(news("1", "anna", JobState::processing, 40));
    hub.report(news("2", "anna", JobState::pending));
    hub.report(news("3", "anna", JobState::processing, 9));
    hub.report(news("3", "anna", JobState::completed, 100));
    hub.report(news("4", "ben", JobState::processing, 1));
    Ear late;
    const auto s = hub.listen("anna", late.listener());
    ASSERT_EQ(late.heard.size(), 2U) << "what has ended is history, and Ben's is Ben's";
    EXPECT_EQ(late.heard[0].progress, 40);
    EXPECT_EQ(late.heard[1].id, "2");
}

TEST(ProgressHub, NeverGoesBackWithinAnAttempt) {
    ProgressHub hub;
    Ear ear;
    const auto s = hub.listen("anna", ear.listener());
    auto p = news("1", "anna", JobState::processing, 50);
    p.composed_seconds = 4;
    hub.report(p);
    p = news("1", "anna", JobState::processing, 1);
    p.phase = JobPhase::loading;
    hub.report(p);
    EXPECT_EQ(ear.heard.back().progress, 50);
    EXPECT_EQ(ear.heard.back().phase, JobPhase::composing);
    EXPECT_EQ(ear.heard.back().composed_seconds, 4);
    hub.report(news("1", "anna", JobState::pending));
    EXPECT_EQ(ear.heard.back().progress, 0) << "it waits again";
    EXPECT_EQ(ear.heard.back().phase, JobPhase::waiting);
    EXPECT_EQ(hub.of("1")->progress, 0);
    EXPECT_FALSE(hub.of("2"));
}

TEST(ProgressHub, IsSilentBehindTheEndOfListening) {
    ProgressHub hub;
    Ear ear;
    auto s = hub.listen("anna", ear.listener());
    auto moved = std::move(s);
    EXPECT_EQ(hub.listeners(), 1U);
    moved.end();
    moved.end();
    EXPECT_EQ(hub.listeners(), 0U);
    hub.report(news("1", "anna", JobState::pending));
    EXPECT_TRUE(ear.heard.empty());
}

TEST(ProgressHub, SubscriptionsMayOutliveIt) {
    ProgressHub::Subscription s;
    {
        ProgressHub hub;
        s = hub.listen("anna", [](const JobProgress&) {});
    }
    s.end();
}

TEST(ProgressHubOnThreads, ManyListenAndLeaveWhileOthersReport) {
    ProgressHub hub;
    std::atomic<bool> done{false};
    std::thread reporter([&] {
        for (std::int64_t i = 0; i < 2000; ++i) hub.report(news(std::to_string(i % 7), "anna", JobState::processing, i));
        done = true;
    });
    std::vector<std::thread> listeners;
    for (int t = 0; t < 3; ++t) {
        listeners.emplace_back([&] {
            while (!done) {
                std::int64_t last = -1;
                auto s = hub.listen("anna", [&](const JobProgress& p) {
                    if (p.id != "3") return;
                    EXPECT_GE(p.progress, last);
                    last = p.progress;
                });
                std::this_thread::yield();
            }
        });
    }
    reporter.join();
    for (auto& t : listeners) t.join();
    EXPECT_EQ(hub.listeners(), 0U);
}

// --- sound ---------------------------------------------------------------------------------------------------------------

TEST(LiveSong, GivesWhatWasAppendedFromAnyPlaceOn) {
    LiveSong song;
    EXPECT_EQ(song.sample_rate(), 0U);
    std::string out;
    EXPECT_TRUE(song.read(0, 100, out)) << "there will be something";
    EXPECT_TRUE(out.empty());
    song.append(std::vector<float>{0.5F, -0.5F, 2.0F, -2.0F}, 48000);
    EXPECT_EQ(song.sample_rate(), 48000U);
    EXPECT_EQ(song.bytes(), 8U);
    EXPECT_TRUE(song.read(0, 100, out));
    EXPECT_EQ(out, std::string("\x00\x40\x00\xC0\xFF\x7F\x00\x80", 8)) << "little-endian; what is too loud clips";
    std::string rest;
    EXPECT_TRUE(song.read(4, 7, rest));
    EXPECT_EQ(rest, out.substr(4)) << "whole pairs only";
    song.end();
    rest.clear();
    EXPECT_TRUE(song.read(4, 4, rest));
    EXPECT_FALSE(song.read(8, 4, rest)) << "it has ended";
    EXPECT_FALSE(song.read(1000, 4, rest));
}

TEST(LiveSong, WakesUntilItIsAskedNotTo) {
    LiveSong song;
    int first = 0, second = 0;
    const auto a = song.on_change([&] { ++first; });
    (void)song.on_change([&] { ++second; });
    song.append(std::vector<float>{0, 0}, 48000);
    song.forget(a);
    song.end();
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 2);
}

}  // namespace
}  // namespace heart::test
