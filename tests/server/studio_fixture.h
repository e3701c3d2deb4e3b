#pragma once

#include "server/api/metrics.h"
#include "server/api/reply.h"
#include "server/api/services.h"
#include "server/api/sound_embedder.h"
#include "server/database/jobs.h"
#include "support/patience.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace heart::test {

/// Makes half a second of "song" at once, or when it is let; lyrics "fail" fail.
class FakeMaker : public server::jobs::SongMaker {
public:
    server::jobs::MadeSong make(const server::database::Job& job, const std::filesystem::path& journal,
                                const server::jobs::MakeHooks& hooks, const CancelToken& cancel) override;
    [[nodiscard]] Status status() const override { return {true, false, "test", "test"}; }

    void hold();     ///< songs from now on wait
    void release();  ///< until this

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false;
};

struct Answer {
    int status = 0;
    server::http::Headers headers;
    std::string text;  ///< of a file: what is in it
    [[nodiscard]] server::api::Json json() const { return server::api::Json::parse(text); }
    [[nodiscard]] std::string detail() const;  ///< "" where there is none
};

/// All rooms of the studio put together in a temporary folder, asked without sockets.
class StudioRooms {
public:
    /// `change` may touch the options before anything is opened.
    explicit StudioRooms(const std::function<void(server::api::StudioOptions&)>& change = {});
    StudioRooms(const StudioRooms&) = delete;
    StudioRooms& operator=(const StudioRooms&) = delete;
    ~StudioRooms();

    /// A new account; the first of a studio is its administrator.
    server::database::User add_user(const std::string& name);
    /// What the user sends along: read anew, so that it holds after a sign-out.
    [[nodiscard]] std::string token_of(const server::database::User& user);
    /// A finished song. `files`: with sound and cover, which takes some time.
    server::database::Song add_song(const server::database::User& user, const std::string& title = "A song",
                                    bool files = false);
    /// A waiting job.
    server::database::Job add_job(const server::database::User& user, const std::string& lyrics = "la");
    /// Waits until the job ended; its state then.
    server::database::JobState await_end(const std::string& id);

    /// `target`: path and query. `token`: empty for none.
    Answer ask(std::string_view method, const std::string& target, const std::string& token = {}, std::string body = {},
               const server::http::Headers& headers = {});
    /// With a JSON body.
    Answer ask(std::string_view method, const std::string& target, const std::string& token, const server::api::Json& body) {
        return ask(method, target, token, body.dump());
    }

    std::filesystem::path folder;
    server::api::StudioOptions options;
    FakeMaker maker;
    CancelToken stopping;
    std::unique_ptr<server::database::Database> database;
    std::unique_ptr<server::accounts::Accounts> accounts;
    std::unique_ptr<server::library::Library> library;
    std::unique_ptr<server::assistant::Assistant> assistant;
    std::unique_ptr<server::jobs::ProgressHub> hub;
    std::unique_ptr<server::jobs::Runner> runner;
    server::api::Metrics metrics;
    std::unique_ptr<server::api::Services> services;
    std::unique_ptr<server::api::SoundEmbedder> embedder;
    server::http::Router router;

private:
    /// Now, but after all that it gave before: what came first stays first, also within one millisecond.
    server::database::TimeMs next_time();
    server::database::TimeMs last_time_ = 0;
};

/// Waits for something that another thread brings about; false when it does not come.
[[nodiscard]] bool comes_true(const std::function<bool()>& condition, std::chrono::milliseconds most = kPatience);

/// A small PNG, of one colour.
[[nodiscard]] std::string small_png();

}  // namespace heart::test
