// Does a song learn when its lines are sung, and forget it when they are others?

#include "server/script_program.h"
#include "server/studio_fixture.h"

#include <fmt/format.h>

#include <fstream>

namespace heart::test {
namespace {

using namespace server;
using api::Json;
namespace fs = std::filesystem;

class ApiTimings : public ::testing::Test {
protected:
    ApiTimings() { program.says({{"lines", {{{"text", "rain on the window"}, {"start", 0.1}, {"end", 0.4}}}}}); }

    Answer find(const std::string& id) { return rooms.ask("POST", "/api/songs/" + id + "/timings", token); }
    Answer timings(const std::string& id, const std::string& query = "") {
        return rooms.ask("GET", "/api/songs/" + id + "/timings" + query, token);
    }
    std::string state(const std::string& id) { return timings(id).json().at("state").get<std::string>(); }
    /// The state that comes at last.
    std::string end(const std::string& id) {
        EXPECT_TRUE(comes_true([&] {
            const std::string now = state(id);
            return now == "done" || now == "failed";
        }));
        return state(id);
    }
    database::Song song_with(const std::string& lyrics) {
        const database::Song song = rooms.add_song(ada, "Rain", true);
        EXPECT_EQ(rooms.ask("PATCH", "/api/songs/" + song.id, token, Json{{"lyrics", lyrics}}).status, 200);
        return song;
    }

    StudioRooms rooms{[](api::StudioOptions& o) {
        o.models_folder = o.data_folder / "models";
        o.transcribe_command = ScriptProgram::command(o.data_folder, "transcribe");
    }};
    ScriptProgram program{rooms.folder, "transcribe", {"HeartTranscriptor-oss"}};
    database::User ada = rooms.add_user("ada");
    std::string token = rooms.token_of(ada);
};

TEST_F(ApiTimings, LinesHaveTimesOnceTheSongWasHeard) {
    const auto song = rooms.add_song(ada, "Rain", true);  // "[Verse]\nrain on the window"
    EXPECT_EQ(timings(song.id).json(), Json({{"state", "none"}, {"reason", nullptr}, {"lines", Json::array()}}));
    EXPECT_EQ(timings(song.id, "?format=lrc").status, 404);
    const Answer asked = find(song.id);
    ASSERT_EQ(asked.status, 200) << asked.text;
    EXPECT_NE(asked.json().at("state"), "none");
    ASSERT_EQ(end(song.id), "done") << timings(song.id).text;
    EXPECT_EQ(timings(song.id).json().at("lines"),
              Json::parse(R"([{"line":1,"text":"rain on the window","start":0.1,"end":0.4}])"));
    EXPECT_EQ(program.noted("input"), song.settings.lyrics);
    EXPECT_GT(program.noted("sound").size(), 48'000U * 3) << "half a second of two channels of 24 bits";
    EXPECT_TRUE(program.noted("arguments").starts_with("--align=- --format=json --model-path="));
}

TEST_F(ApiTimings, PlayersGetTheirFiles) {
    const auto song = rooms.add_song(ada, "Rain/1", true);
    find(song.id);
    ASSERT_EQ(end(song.id), "done");
    const Answer lrc = timings(song.id, "?format=lrc");
    EXPECT_EQ(lrc.text, "[00:00.10]rain on the window\n");
    EXPECT_EQ(lrc.headers.find("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_TRUE(lrc.headers.find("Content-Disposition")->starts_with("attachment;"));
    EXPECT_EQ(timings(song.id, "?format=srt").text, "1\n00:00:00,100 --> 00:00:00,400\nrain on the window\n\n");
    EXPECT_EQ(timings(song.id, "?format=vtt").text, "WEBVTT\n\n00:00:00.100 --> 00:00:00.400\nrain on the window\n\n");
    EXPECT_EQ(timings(song.id, "?format=ass").status, 422);
}

TEST_F(ApiTimings, LinesKeepTheirNumbersAlsoWhereTheyComeTwice) {
    const auto song = song_with("[Chorus]\r\n la la \n\nla la\n[Verse]\nend");
    const auto line = [](const char* text, double start) { return Json{{"text", text}, {"start", start}, {"end", start}}; };
    program.says({{"lines", {line("la la", 1), line("la la", 2), line("end", 3)}}});
    find(song.id);
    ASSERT_EQ(end(song.id), "done");
    std::vector<int> numbers;
    const Json heard = timings(song.id).json();
    for (const Json& l : heard.at("lines")) numbers.push_back(l.at("line").get<int>());
    EXPECT_EQ(numbers, (std::vector{1, 3, 5}));
}

TEST_F(ApiTimings, OtherWordsHaveNoTimesYet) {
    const auto song = rooms.add_song(ada, "Rain", true);
    find(song.id);
    ASSERT_EQ(end(song.id), "done");
    const auto change = [&](const Json& what) {
        EXPECT_EQ(rooms.ask("PATCH", "/api/songs/" + song.id, token, what).status, 200);
        return state(song.id);
    };
    EXPECT_EQ(change({{"title", "New"}}), "done");
    EXPECT_EQ(change({{"lyrics", song.settings.lyrics}}), "done");
    EXPECT_EQ(change({{"lyrics", "other"}}), "none");
}

TEST_F(ApiTimings, LyricsThatChangeWhileItListensGetNoTimesOfOthers) {
    const auto song = rooms.add_song(ada, "Rain", true);
    program.does(
        fmt::format("while [ ! -e {} ]; do sleep 0.05; done\n"
                    "echo '{{\"lines\":[{{\"text\":\"rain on the window\",\"start\":0,\"end\":1}}]}}'",
                    program.path("go")));
    find(song.id);
    EXPECT_TRUE(comes_true([&] { return program.runs() == 1; })) << "with the lyrics as they were";
    EXPECT_EQ(rooms.ask("PATCH", "/api/songs/" + song.id, token, Json{{"lyrics", "other"}}).status, 200);
    std::ofstream(program.path("go")) << "";
    EXPECT_TRUE(comes_true([&] { return state(song.id) == "none"; }));
}

TEST_F(ApiTimings, AFailureIsToldAndCanBeTriedAgain) {
    const auto song = rooms.add_song(ada, "Rain", true);
    for (const char* end_of_it : {"kill -SEGV $$", "echo '{}'", "echo '{\"error\":{\"message\":\"/secret/place\"}}'; exit 1",
                                  "echo '{\"lines\":[{\"text\":\"not a line of it\",\"start\":0,\"end\":1}]}'"}) {
        program.does(end_of_it);
        find(song.id);
        ASSERT_EQ(end(song.id), "failed") << end_of_it;
        EXPECT_EQ(timings(song.id).json().at("reason"), "The transcriptor failed") << end_of_it;
    }
    program.says({{"lines", {{{"text", "rain on the window"}, {"start", 0}, {"end", 1}}}}});
    find(song.id);
    EXPECT_EQ(end(song.id), "done");
}

TEST_F(ApiTimings, SongsWaitForEachOtherUpToALimit) {
    program.does("sleep 1000");
    const auto first = rooms.add_song(ada, "First", true);
    find(first.id);
    EXPECT_TRUE(comes_true([&] { return state(first.id) == "listening"; }));
    std::string last;
    for (int i = 0; i < 20; ++i) {
        last = rooms.add_song(ada, "Rain").id;
        ASSERT_EQ(find(last).json().at("state"), "waiting");
    }
    EXPECT_EQ(find(last).json().at("state"), "waiting") << "it waits already";
    EXPECT_EQ(find(rooms.add_song(ada, "Rain").id).status, 429);
    const auto ben = rooms.add_user("ben");
    EXPECT_EQ(rooms.ask("POST", "/api/songs/" + rooms.add_song(ben, "Rain").id + "/timings", rooms.token_of(ben)).status,
              200);
}

TEST_F(ApiTimings, WhatCannotBeTimedIsRefused) {
    EXPECT_EQ(find(song_with(" \n").id).status, 400);
    program.remove_model();
    EXPECT_EQ(find(rooms.add_song(ada).id).status, 501);
    EXPECT_EQ(rooms.ask("GET", "/api/status", "").json().at("transcriptor_present"), false);
    EXPECT_EQ(program.runs(), 0U);
}

}  // namespace
}  // namespace heart::test
