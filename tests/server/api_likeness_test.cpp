// Is it found out what songs are like, behind all that is more urgent, once, and for their owners only?

#include "server/script_program.h"
#include "server/studio_fixture.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <thread>

namespace heart::test {
namespace {

using namespace server;
using api::Json;
namespace fs = std::filesystem;

class ApiLikeness : public ::testing::Test {
protected:
    ApiLikeness() { program.says(heard({0.6F, 0.8F}, {{0, 1}})); }

    /// What `heart embed` says of one sound, and of a text behind it.
    static Json heard(const std::vector<float>& sound, const std::optional<std::vector<float>>& text = {}) {
        Json out{{"model", "MuQ-MuLan"},
                 {"licence", "CC-BY-NC-4.0"},
                 {"dimension", sound.size()},
                 {"inputs", {{{"file", "/proc/self/fd/3"}, {"seconds", 0.5}, {"clips", 1}}}},
                 {"embeddings", {sound}}};
        if (text) {
            out["inputs"].push_back({{"text", "piano"}});
            out["embeddings"].push_back(*text);
        }
        return out;
    }
    Answer find(const std::string& id) { return rooms.ask("POST", "/api/songs/" + id + "/embedding", token); }
    Json state(const std::string& id) { return rooms.ask("GET", "/api/songs/" + id + "/embedding", token).json(); }
    /// The state that comes at last.
    std::string end(const std::string& id) {
        EXPECT_TRUE(comes_true([&] {
            const Json now = state(id).at("state");
            return now == "done" || now == "failed";
        }));
        return state(id).at("state").get<std::string>();
    }
    Json song_json(const std::string& id) { return rooms.ask("GET", "/api/history/" + id, token).json(); }
    /// A song that is in the space, without a sound.
    std::string placed(const database::User& user, std::vector<float> where, std::optional<double> similarity = {},
                       const std::string& model = "MuQ-MuLan") {
        const auto song = rooms.add_song(user);
        EXPECT_TRUE(rooms.services->likeness.set_embedding(song.id, {std::move(where), model, true}, song.settings.tags,
                                                           similarity));
        return song.id;
    }
    std::vector<std::pair<std::string, double>> similar(const std::string& id, const std::string& query = "") {
        std::vector<std::pair<std::string, double>> out;
        const Json found = rooms.ask("GET", "/api/songs/" + id + "/similar" + query, token).json();
        for (const Json& item : found.at("items")) {
            out.emplace_back(item.at("song_id").get<std::string>(), item.at("similarity").get<double>());
        }
        return out;
    }
    std::string make_song() {
        const Answer asked = rooms.ask("POST", "/api/generate", token, Json{{"lyrics", "la"}, {"tags", "piano"}});
        EXPECT_EQ(asked.status, 200) << asked.text;
        return asked.json().at("id").get<std::string>();
    }

    StudioRooms rooms{[](api::StudioOptions& o) {
        o.models_folder = o.data_folder / "models";
        o.embed_command = ScriptProgram::command(o.data_folder, "embed");
    }};
    ScriptProgram program{rooms.folder, "embed", {"MuQ-MuLan", "MuQ-large-msd-iter", "xlm-roberta-base"}};
    database::User ada = rooms.add_user("ada"), ben = rooms.add_user("ben");
    std::string token = rooms.token_of(ada);
};

TEST_F(ApiLikeness, AFinishedSongIsHeardByItself) {
    rooms.runner->start();
    const std::string id = make_song();
    ASSERT_EQ(rooms.await_end(id), database::JobState::completed);
    ASSERT_EQ(end(id), "done") << state(id);
    EXPECT_NEAR(state(id).at("tag_similarity").get<double>(), 0.8, 1e-6);
    EXPECT_NEAR(song_json(id).at("tag_similarity").get<double>(), 0.8, 1e-6);
    EXPECT_EQ(program.noted("arguments"),
              "--model-path=" + (rooms.folder / "models").string() + " /proc/self/fd/3 --text=-\n");
    EXPECT_EQ(program.noted("input"), "piano") << "no argument, which others on this machine could read";
    EXPECT_GT(program.noted("sound").size(), 48'000U * 3);
}

TEST_F(ApiLikeness, ItIsTheDotProductOfTheMeanAsItIs) {
    program.says(heard({0.3F, 0.4F}, {{0.6F, 0.8F}}));  // clips that differ have a shorter mean
    const auto song = rooms.add_song(ada, "Rain", true);
    EXPECT_EQ(find(song.id).status, 200);
    ASSERT_EQ(end(song.id), "done");
    EXPECT_NEAR(song_json(song.id).at("tag_similarity").get<double>(), 0.5, 1e-6);
}

TEST_F(ApiLikeness, OlderSongsAreHeardWhenAskedAndOnlyOnce) {
    const auto song = rooms.add_song(ada, "Rain", true);
    EXPECT_EQ(state(song.id), Json({{"state", "none"}, {"reason", nullptr}, {"tag_similarity", nullptr}}));
    EXPECT_TRUE(song_json(song.id).at("tag_similarity").is_null());
    EXPECT_NE(find(song.id).json().at("state"), "none");
    ASSERT_EQ(end(song.id), "done");
    EXPECT_EQ(find(song.id).json().at("state"), "done");
    EXPECT_EQ(program.runs(), 1U);
}

TEST_F(ApiLikeness, SongsThatAreMadeGoFirst) {
    rooms.maker.hold();
    rooms.runner->start();
    const std::string made = make_song();
    const auto song = rooms.add_song(ada, "Rain", true);
    EXPECT_EQ(find(song.id).status, 200);
    std::this_thread::sleep_for(std::chrono::milliseconds(700));  // longer than it looks
    EXPECT_EQ(state(song.id).at("state"), "waiting");
    EXPECT_EQ(program.runs(), 0U);
    rooms.maker.release();
    EXPECT_EQ(end(song.id), "done");
    EXPECT_EQ(end(made), "done");
}

TEST_F(ApiLikeness, ASoundThatSomebodyWaitsForGoesFirst) {
    const auto song = rooms.add_song(ada, "Rain", true);
    // Hears songs with their tags for ever, and answers at once for a sound alone.
    program.does(
        fmt::format("case \"$*\" in *--text=*) while [ ! -e {} ]; do sleep 0.02; done; echo '{}';; *) echo '{}';; esac",
                    program.path("go"), heard({1, 0}, {{1, 0}}).dump(), heard({1, 0}).dump()));
    EXPECT_EQ(find(song.id).status, 200);
    EXPECT_TRUE(comes_true([&] { return program.runs() == 1; }));
    EXPECT_EQ(rooms.ask("POST", "/api/songs/" + song.id + "/reference", token).status, 200);
    std::ofstream(program.path("go")) << "go";
    EXPECT_EQ(end(song.id), "done");
    EXPECT_EQ(program.runs(), 3U) << "the song was heard again";
}

TEST_F(ApiLikeness, OtherTagsAreComparedAnew) {
    const auto song = rooms.add_song(ada, "Rain", true);
    find(song.id);
    ASSERT_EQ(end(song.id), "done");
    const auto change = [&](const Json& what) {
        EXPECT_EQ(rooms.ask("PATCH", "/api/songs/" + song.id, token, what).status, 200);
        return state(song.id);
    };
    EXPECT_EQ(change({{"title", "New"}}).at("state"), "done");
    EXPECT_EQ(change({{"tags", song.settings.tags}}).at("state"), "done");
    const Json after = change({{"tags", "guitar"}});
    EXPECT_EQ(after.at("state"), "none");
    EXPECT_TRUE(after.at("tag_similarity").is_null());
    Json text_alone = heard({1, 0});
    text_alone["inputs"] = {{{"text", "guitar"}}};
    program.says(text_alone);
    find(song.id);
    ASSERT_EQ(end(song.id), "done");
    EXPECT_NEAR(song_json(song.id).at("tag_similarity").get<double>(), 0.6, 1e-6);
    EXPECT_EQ(program.noted("arguments").find("/proc/self/fd/3"), std::string::npos) << "the sound is known";
    EXPECT_TRUE(change({{"tags", " "}}).at("tag_similarity").is_null());
    find(song.id);
    EXPECT_EQ(end(song.id), "done");
    EXPECT_EQ(program.runs(), 2U) << "without tags there is nothing to compare";
}

TEST_F(ApiLikeness, AnotherModelHearsTheSongAgain) {
    const auto song = rooms.add_song(ada, "Rain", true);
    ASSERT_TRUE(rooms.services->likeness.set_embedding(song.id, {{1, 0}, "an older one", true}, "other tags", {}));
    program.does(fmt::format("case \"$*\" in */proc/self/fd/3*) echo '{}';; *) echo '{}';; esac",
                             heard({0.6F, 0.8F}, {{0, 1}}).dump(), heard({0, 1}).dump()));
    find(song.id);
    ASSERT_EQ(end(song.id), "done");
    EXPECT_EQ(rooms.services->likeness.embedding(song.id)->model, "MuQ-MuLan");
    EXPECT_NEAR(song_json(song.id).at("tag_similarity").get<double>(), 0.8, 1e-6);
}

TEST_F(ApiLikeness, TagsBeyondTheModelLeaveTheSound) {
    const auto song = rooms.add_song(ada, "Rain", true);
    program.does(
        fmt::format("case \"$*\" in *--text=*) echo '{{\"error\":{{\"code\":\"limit\"}}}}'; exit 1;; *) echo '{}';; esac",
                    heard({1, 0}).dump()));
    find(song.id);
    ASSERT_EQ(end(song.id), "done");
    EXPECT_TRUE(song_json(song.id).at("tag_similarity").is_null());
    EXPECT_EQ(rooms.services->likeness.embedding(song.id)->values, (std::vector<float>{1, 0}));
}

TEST_F(ApiLikeness, AFailureIsToldAndCanBeTriedAgain) {
    const auto song = rooms.add_song(ada, "Rain", true);
    for (const char* end_of_it :
         {"kill -SEGV $$", "echo '{}'", "echo '{\"error\":{\"message\":\"/secret/place\"}}'; exit 1"}) {
        program.does(end_of_it);
        find(song.id);
        ASSERT_EQ(end(song.id), "failed") << end_of_it;
        EXPECT_EQ(state(song.id).at("reason"), "The song could not be embedded") << end_of_it;
    }
    program.says(heard({1, 0}, {{1, 0}}));
    find(song.id);
    EXPECT_EQ(end(song.id), "done");
}

TEST_F(ApiLikeness, ARestartGoesOnWithSongsThatWait) {
    const auto song = rooms.add_song(ada, "Rain", true);
    program.does("exec sleep 600");
    find(song.id);
    EXPECT_TRUE(comes_true([&] { return program.runs() == 1; }));
    EXPECT_EQ(state(song.id).at("state"), "listening");
    rooms.embedder->stop();
    EXPECT_EQ(rooms.services->likeness.order_of(song.id)->attempts, 0) << "stopping in good order is no attempt";
    program.says(heard({1, 0}, {{1, 0}}));
    api::SoundEmbedder next(*rooms.services);
    next.start();
    EXPECT_TRUE(comes_true([&] { return next.state_of(song).phase == api::SoundEmbedder::Phase::done; }));
    EXPECT_EQ(program.runs(), 2U);
}

TEST_F(ApiLikeness, ASongThatBringsTheServerDownIsGivenUp) {
    const auto song = rooms.add_song(ada, "Rain", true);
    ASSERT_TRUE(rooms.services->likeness.order(song.id, ada.id, {}));
    for (int i = 0; i < 3; ++i) (void)rooms.services->likeness.next_order();
    rooms.embedder->start();
    EXPECT_EQ(end(song.id), "failed");
    EXPECT_EQ(program.runs(), 0U);
}

TEST_F(ApiLikeness, SongsInTheBinAreNotHeard) {
    rooms.maker.hold();
    rooms.runner->start();
    make_song();
    const auto song = rooms.add_song(ada, "Rain", true);
    find(song.id);
    EXPECT_EQ(rooms.services->songs.set_deleted(ada.id, {song.id}, true), 1);
    program.does("echo '{}'");
    rooms.embedder->stop();
    rooms.runner->stop();
    for (const auto& job : rooms.services->jobs.queue_of(ada.id)) EXPECT_TRUE(rooms.services->jobs.cancel(job.id));
    api::SoundEmbedder next(*rooms.services);
    next.start();
    EXPECT_TRUE(comes_true([&] { return !rooms.services->likeness.order_of(song.id); }));
    EXPECT_EQ(program.runs(), 0U);
}

TEST_F(ApiLikeness, OnlySoManyMayWait) {
    rooms.maker.hold();
    rooms.runner->start();
    make_song();
    for (int i = 0; i < 100; ++i) ASSERT_EQ(find(rooms.add_song(ada).id).status, 200);
    EXPECT_EQ(find(rooms.add_song(ada).id).status, 429);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/" + rooms.add_song(ben).id + "/embedding", rooms.token_of(ben)).status, 200);
}

TEST_F(ApiLikeness, WithoutTheModelNothingWaits) {
    program.remove_model();
    EXPECT_EQ(find(rooms.add_song(ada).id).status, 501);
    rooms.runner->start();
    const std::string id = make_song();
    ASSERT_EQ(rooms.await_end(id), database::JobState::completed);
    EXPECT_EQ(state(id).at("state"), "none");
}

TEST_F(ApiLikeness, TheNearestComeFirst) {
    const std::string song = placed(ada, {1, 0}), opposite = placed(ada, {-2, 0}), near = placed(ada, {3, 0.1F}),
                      square = placed(ada, {0, 5}), bin = placed(ada, {1, 0});
    placed(ben, {1, 0});
    placed(ada, {1, 0}, {}, "of another model");
    rooms.add_song(ada, "not heard");
    EXPECT_EQ(rooms.services->songs.set_deleted(ada.id, {bin}, true), 1);
    const auto found = similar(song);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].first, near);
    EXPECT_NEAR(found[0].second, 3 / std::sqrt(9.01), 1e-6);
    EXPECT_EQ(found[1], std::pair(square, 0.0));
    EXPECT_EQ(found[2], std::pair(opposite, -1.0));
    EXPECT_EQ(similar(song, "?limit=1"), std::vector{found[0]});
    const Json item = rooms.ask("GET", "/api/songs/" + song + "/similar", token).json().at("items").at(0);
    EXPECT_EQ(item.at("id"), near);
    EXPECT_EQ(item.at("title"), "A song");
    EXPECT_EQ(rooms.ask("GET", "/api/songs/" + song + "/similar?limit=0", token).status, 422);
    EXPECT_EQ(rooms.ask("GET", "/api/songs/" + song + "/similar?limit=101", token).status, 422);
    EXPECT_EQ(rooms.ask("GET", "/api/songs/" + song + "/similar", rooms.token_of(ben)).status, 404);
    EXPECT_EQ(rooms.ask("GET", "/api/songs/" + rooms.add_song(ada).id + "/similar", token).status, 409);
}

TEST_F(ApiLikeness, SongsAreOrderedByHowWellTheyFitTheirTags) {
    const std::string low = placed(ada, {1, 0}, -0.2), best = placed(ada, {1, 0}, 0.7), middle = placed(ada, {1, 0}, 0.1);
    const std::string unknown = rooms.add_song(ada).id, later = placed(ada, {1, 0});
    std::vector<std::string> ids;
    const Json songs = rooms.ask("GET", "/api/songs?order=tag_similarity", token).json();
    for (const Json& item : songs.at("items")) {
        ids.push_back(item.at("id").get<std::string>());
    }
    EXPECT_EQ(ids, (std::vector{best, middle, low, later, unknown}));
}

}  // namespace
}  // namespace heart::test
