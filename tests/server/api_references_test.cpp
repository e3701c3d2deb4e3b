// Does a sound become a reference, does a song take after it, and do both stay what they were?

#include "engine/reference.h"
#include "server/jobs/job_reference.h"
#include "server/script_program.h"
#include "server/studio_fixture.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <set>
#include <thread>

namespace heart::test {
namespace {

using namespace server;
using api::Json;
namespace fs = std::filesystem;

class ApiReferences : public ::testing::Test {
protected:
    ApiReferences() { program.says(heard({3, 0, 4})); }

    /// What `heart embed` says of one sound.
    static Json heard(const std::vector<float>& embedding) {
        return {{"model", "MuQ-MuLan"},
                {"licence", "CC-BY-NC-4.0"},
                {"dimension", embedding.size()},
                {"inputs", {{{"file", "/proc/self/fd/3"}, {"seconds", 9.5}, {"clips", 1}}}},
                {"embeddings", {embedding}}};
    }
    static std::string field(const std::string& name, const std::string& value, const std::string& more = "") {
        return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" + value + "\r\n";
    }
    static std::string sound(const std::string& bytes = "RIFF\r\nsound", const std::string& name = "song.wav") {
        return field("file", bytes, "; filename=\"" + name + "\"");
    }
    Answer send(const std::string& fields, const std::string& type = "multipart/form-data; boundary=b") {
        http::Headers headers;
        headers.set("Content-Type", type);
        return rooms.ask("POST", "/api/references", token, fields + "--b--\r\n", headers);
    }
    /// The id of a new one.
    std::string add(const std::string& name = "song.wav") {
        const Answer answer = send(sound("RIFF", name));
        EXPECT_EQ(answer.status, 200) << answer.text;
        return answer.json().at("id").get<std::string>();
    }
    Json list(const std::string& who) { return rooms.ask("GET", "/api/references", who).json().at("items"); }
    Answer generate(const Json& more) {
        Json body{{"lyrics", "la"}, {"tags", "pop"}, {"seed", 7}};
        body.update(more);
        return rooms.ask("POST", "/api/generate", token, body);
    }
    std::string job(const Json& more) {
        const Answer answer = generate(more);
        EXPECT_EQ(answer.status, 200) << answer.text;
        return answer.json().at("id").get<std::string>();
    }
    [[nodiscard]] std::optional<engine::Reference> carried(const std::string& id) const {
        return jobs::reference_in(rooms.services->jobs.by_id(id)->reference);
    }

    StudioRooms rooms{[](api::StudioOptions& o) {
        o.models_folder = o.data_folder / "models";
        o.embed_command = ScriptProgram::command(o.data_folder, "embed");
        o.max_sound_bytes = 1000;
    }};
    ScriptProgram program{rooms.folder, "embed", {"MuQ-MuLan", "MuQ-large-msd-iter", "xlm-roberta-base"}};
    database::User ada = rooms.add_user("ada"), ben = rooms.add_user("ben");
    std::string token = rooms.token_of(ada);
};

TEST_F(ApiReferences, ASoundBecomesOne) {
    const Answer answer = send(sound() + field("start", "12.5") + field("seconds", "8"));
    ASSERT_EQ(answer.status, 200) << answer.text;
    Json said = answer.json();
    EXPECT_EQ(said.at("source"), "song.wav");
    EXPECT_EQ(said.at("start"), 12.5);
    EXPECT_EQ(said.at("seconds"), 9.5) << "what was heard";
    EXPECT_EQ(said.at("model"), "MuQ-MuLan");
    EXPECT_EQ(said.at("licence"), "CC-BY-NC-4.0");
    EXPECT_EQ(list(token), Json::array({said}));
    EXPECT_EQ(program.noted("sound"), "RIFF\r\nsound");
    EXPECT_EQ(program.noted("arguments"),
              "--model-path=" + (rooms.folder / "models").string() + " --start=12.5 --seconds=8 /proc/self/fd/3\n");
}

TEST_F(ApiReferences, OnlyItsPlaceInTheSpaceIsKept) {
    const std::string id = add();
    const auto kept = rooms.services->likeness.reference(ada.id, id);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->embedding, (std::vector<float>{0.6F, 0, 0.8F})) << "of unit length";
    fs::remove(program.path("sound"));  // the test's own note
    for (const auto& entry : fs::recursive_directory_iterator(rooms.folder)) {
        EXPECT_FALSE(entry.path().filename().string().starts_with("sound-")) << "the sound stays";
    }
}

TEST_F(ApiReferences, TheFirstTenSecondsAreUsual) {
    add();
    EXPECT_NE(program.noted("arguments").find(" --start=0 --seconds=10 "), std::string::npos);
}

TEST_F(ApiReferences, PathsStayWithWhoeverSentThem) {
    EXPECT_EQ(send(sound("RIFF", "C:\\\\Users\\\\ada\\\\my song.mp3")).json().at("source"), "my song.mp3");
    EXPECT_EQ(send(sound("RIFF", "/home/ada/x.wav")).json().at("source"), "x.wav");
}

TEST_F(ApiReferences, ASongBecomesOneToo) {
    const auto song = rooms.add_song(ada, "Rain", true);
    const std::string target = "/api/songs/" + song.id + "/reference";
    const Answer whole = rooms.ask("POST", target, token);
    ASSERT_EQ(whole.status, 200) << whole.text;
    EXPECT_EQ(whole.json().at("source"), "Rain");
    EXPECT_GT(program.noted("sound").size(), 48'000U * 3);
    EXPECT_EQ(rooms.ask("POST", target, token, Json{{"start", 0.1}, {"seconds", 0.2}}).status, 200);
    EXPECT_NE(program.noted("arguments").find(" --start=0.1 --seconds=0.2 "), std::string::npos);
    EXPECT_EQ(rooms.ask("POST", target, token, Json{{"seconds", 0}}).status, 422);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/" + rooms.add_song(ada).id + "/reference", token).status, 404) << "no sound";
    EXPECT_EQ(list(token).size(), 2U);
}

TEST_F(ApiReferences, WhatIsNoRequestIsRefused) {
    const auto loc = [&](const std::string& fields) {
        const Answer answer = send(fields);
        EXPECT_EQ(answer.status, 422) << answer.text;
        return answer.status == 422 ? answer.json().at("detail").at(0).at("loc").at(1) : Json();
    };
    EXPECT_EQ(loc(""), "file");
    EXPECT_EQ(loc(sound() + sound()), "file");
    EXPECT_EQ(loc(sound("")), "file");
    EXPECT_EQ(loc(sound(std::string(1001, 'x'))), "file");
    EXPECT_EQ(loc(sound() + field("start", "-1")), "start");
    EXPECT_EQ(loc(sound() + field("start", "nan")), "start");
    EXPECT_EQ(loc(sound() + field("seconds", "0")), "seconds");
    EXPECT_EQ(loc(sound() + field("seconds", "3601")), "seconds");
    EXPECT_EQ(send(sound(), "application/json").status, 415);
    EXPECT_EQ(send(sound(std::string(100'000, 'x'))).status, 413);
    EXPECT_EQ(program.runs(), 0U);
}

TEST_F(ApiReferences, WhatIsWrongWithTheSoundIsSaid) {
    program.says({{"error", {{"code", "malformed"}, {"message", "'/proc/self/fd/3' is not audio"}}}}, 2);
    EXPECT_EQ(send(sound()).status, 400);
    EXPECT_EQ(send(sound()).detail(), "The file is no sound that can be read");
    program.says({{"error", {{"code", "usage"}, {"message", "the sound ends before"}, {"found", "12.0 s"}}}}, 1);
    EXPECT_EQ(send(sound()).detail(), "the sound ends before: 12.0 s");
    EXPECT_TRUE(list(token).empty());
}

TEST_F(ApiReferences, AProcessThatSaysNonsenseHarmsNothing) {
    Json longer = heard({1, 2}), none = heard({0, 0}), two = heard({1});
    longer["dimension"] = 3;
    two["embeddings"].push_back({1.0});
    for (const Json& said : {longer, none, two, heard({}), Json::object()}) {
        program.says(said);
        EXPECT_EQ(send(sound()).status, 500) << said;
    }
    for (const char* end : {"kill -SEGV $$", "exit 3", "echo '{'", "yes"}) {
        program.does(end);
        EXPECT_EQ(send(sound()).status, 500) << end;
    }
    EXPECT_TRUE(list(token).empty());
    program.says(heard({1}));
    EXPECT_EQ(send(sound()).status, 200);
}

TEST_F(ApiReferences, BeyondTheLimitTheLongestUnusedGoes) {
    const std::string first = add("first"), second = add("second");
    for (int i = 2; i < 50; ++i) add(std::to_string(i));
    EXPECT_EQ(list(token).size(), 50U);
    job({{"reference_id", first}});
    add("one more");
    std::set<std::string> left;
    for (const Json& r : list(token)) left.insert(r.at("id").get<std::string>());
    EXPECT_EQ(left.size(), 50U);
    EXPECT_TRUE(left.contains(first)) << "it was used";
    EXPECT_FALSE(left.contains(second));
}

TEST_F(ApiReferences, NobodyElseHasThem) {
    const std::string id = add(), other = rooms.token_of(ben);
    EXPECT_TRUE(list(other).empty());
    EXPECT_EQ(rooms.ask("DELETE", "/api/references/" + id, other).status, 404);
    const Answer refused =
        rooms.ask("POST", "/api/generate", other, Json{{"lyrics", "la"}, {"tags", ""}, {"reference_id", id}});
    EXPECT_EQ(refused.status, 422);
    EXPECT_EQ(rooms.ask("DELETE", "/api/references/" + id, token).status, 200);
    EXPECT_EQ(rooms.ask("DELETE", "/api/references/" + id, token).status, 404);
}

TEST_F(ApiReferences, AJobCarriesItsOwnCopy) {
    const std::string id = add("mine.flac");
    const Answer asked = generate({{"reference_id", id}, {"reference_strength", 2.5}, {"takes", 2}});
    ASSERT_EQ(asked.status, 200) << asked.text;
    EXPECT_EQ(rooms.ask("DELETE", "/api/references/" + id, token).status, 200);
    const Json answer = asked.json();
    for (const Json& take : answer.at("ids")) {
        const auto reference = carried(take.get<std::string>());
        ASSERT_TRUE(reference);
        EXPECT_EQ(reference->embedding, (std::vector<float>{0.6F, 0, 0.8F}));
        EXPECT_EQ(reference->strength, 2.5);
        EXPECT_EQ(reference->source, "mine.flac");
        EXPECT_EQ(reference->licence, "CC-BY-NC-4.0");
        EXPECT_EQ(rooms.ask("GET", "/api/jobs/" + take.get<std::string>(), token).json().at("reference"),
                  Json::parse(R"({"source":"mine.flac","start":0.0,"seconds":9.5,"model":"MuQ-MuLan",)"
                              R"("licence":"CC-BY-NC-4.0","strength":2.5})"));
    }
}

TEST_F(ApiReferences, WithoutOneAJobCarriesNone) {
    const std::string id = job({{"reference_id", nullptr}});
    EXPECT_FALSE(carried(id));
    EXPECT_TRUE(rooms.ask("GET", "/api/jobs/" + id, token).json().at("reference").is_null());
}

TEST_F(ApiReferences, RequestsForSongsAreChecked) {
    const std::string id = add();
    EXPECT_EQ(generate({{"reference_id", "none of these"}}).json().at("detail").at(0).at("loc").at(1), "reference_id");
    EXPECT_EQ(generate({{"reference_of", "none of these"}}).json().at("detail").at(0).at("loc").at(1), "reference_of");
    EXPECT_EQ(generate({{"reference_of", rooms.add_song(ada).id}}).status, 422) << "it was made without one";
    EXPECT_EQ(generate({{"reference_id", id}, {"reference_of", id}}).status, 422);
    for (const Json& strength : {Json(-0.1), Json(16.1), Json("much"), Json(true)}) {
        EXPECT_EQ(generate({{"reference_id", id}, {"reference_strength", strength}}).status, 422) << strength;
    }
    EXPECT_EQ(generate({{"reference_id", id}, {"reference_strength", 0}}).status, 200);
    EXPECT_EQ(generate({{"reference_id", id}, {"reference_strength", 16}}).status, 200);
    EXPECT_EQ(rooms.services->jobs.queue_of(ada.id).size(), 2U);
}

TEST_F(ApiReferences, TheSameRequestIsAnsweredAgainWhenTheReferenceIsGone) {
    const std::string id = add();
    http::Headers headers;
    headers.set("Idempotency-Key", "once");
    const auto ask = [&] {
        return rooms.ask("POST", "/api/generate", token, Json{{"lyrics", "la"}, {"tags", ""}, {"reference_id", id}}.dump(),
                         headers);
    };
    const Answer first = ask();
    EXPECT_EQ(rooms.ask("DELETE", "/api/references/" + id, token).status, 200);
    const Answer again = ask();
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.text, first.text);
}

TEST_F(ApiReferences, ASongIsMadeAgainWithItAlsoWhenItIsGone) {
    const std::string made = job({{"reference_id", add()}, {"reference_strength", 0.7}});
    rooms.runner->start();
    ASSERT_EQ(rooms.await_end(made), database::JobState::completed);
    for (const Json& r : list(token)) rooms.ask("DELETE", "/api/references/" + r.at("id").get<std::string>(), token);
    const Json recipe = rooms.ask("GET", "/api/songs/" + made + "/recipe", token).json();
    EXPECT_TRUE(recipe.at("settings").contains("reference_embedding"));
    rooms.maker.hold();
    const Answer again = rooms.ask("POST", "/api/generate", token, recipe.at("request"));
    ASSERT_EQ(again.status, 200) << again.text;
    const auto reference = carried(again.json().at("id").get<std::string>());
    ASSERT_TRUE(reference);
    EXPECT_EQ(reference->strength, 0.7);
    EXPECT_EQ(reference->embedding, (std::vector<float>{0.6F, 0, 0.8F}));
    const Json by_job{{"lyrics", "la"}, {"tags", ""}, {"reference_of", again.json().at("id")}, {"reference_strength", 3}};
    const Answer of_job = rooms.ask("POST", "/api/generate", token, by_job);
    ASSERT_EQ(of_job.status, 200) << of_job.text;
    EXPECT_EQ(carried(of_job.json().at("id").get<std::string>())->strength, 3);
    EXPECT_EQ(rooms.ask("POST", "/api/generate", rooms.token_of(ben), by_job).status, 422) << "of somebody else";
}

TEST_F(ApiReferences, ListsOfSongsDoNotCarryTheNumbers) {
    const std::string made = job({{"reference_id", add("mine.wav")}});
    rooms.runner->start();
    ASSERT_EQ(rooms.await_end(made), database::JobState::completed);
    const Json song = rooms.ask("GET", "/api/history/" + made, token).json();
    EXPECT_EQ(song.at("reference").at("source"), "mine.wav");
    EXPECT_EQ(song.at("reference").at("strength"), 1.0);
    EXPECT_FALSE(song.at("recipe").contains("reference_embedding"));
    EXPECT_TRUE(song.at("recipe").contains("reference_sha256"));
}

TEST_F(ApiReferences, ProgramsForOpenAisApiHaveThemToo) {
    rooms.runner->start();
    const std::string id = add();
    Json body{
        {"input", "la"}, {"voice", "pop"}, {"reference_id", id}, {"reference_strength", 2}, {"response_format", "wav"}};
    const Answer answer = rooms.ask("POST", "/v1/audio/speech", token, body);
    ASSERT_EQ(answer.status, 200) << answer.text;
    EXPECT_EQ(carried(std::string(*answer.headers.find("X-Heart-Song")))->strength, 2);
    body["reference_id"] = "none";
    EXPECT_EQ(rooms.ask("POST", "/v1/audio/speech", token, body).status, 400);
}

TEST_F(ApiReferences, WithoutTheModelThatIsSaid) {
    const std::string id = add();
    EXPECT_EQ(rooms.ask("GET", "/api/status").json().at("embedder_present"), true);
    std::filesystem::remove_all(rooms.folder / "models/xlm-roberta-base");
    EXPECT_EQ(rooms.ask("GET", "/api/status").json().at("embedder_present"), false) << "it does not read without that";
    program.remove_model();
    const Answer refused = send(sound());
    EXPECT_EQ(refused.status, 501);
    EXPECT_NE(refused.detail().find("MuQ-MuLan"), std::string::npos);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/" + rooms.add_song(ada, "Rain", true).id + "/reference", token).status, 501);
    EXPECT_EQ(generate({{"reference_id", id}}).status, 200) << "what is kept needs it no more";
}

TEST_F(ApiReferences, OneProcessRunsAtATimeAndFewMayWait) {
    const auto song = rooms.add_song(ada, "Rain", true);
    program.does(fmt::format("while [ ! -e {} ]; do sleep 0.02; done\necho '{}'", program.path("go"), heard({1}).dump()));
    std::vector<std::thread> askers;
    std::atomic<int> refused = 0, done = 0;
    for (int i = 0; i < 4; ++i) {
        askers.emplace_back([&] {
            const Answer answer = rooms.ask("POST", "/api/songs/" + song.id + "/reference", token);
            (answer.status == 429 ? refused : done) += 1;
            EXPECT_TRUE(answer.status == 429 || answer.status == 200) << answer.text;
        });
    }
    EXPECT_TRUE(comes_true([&] { return refused == 1 && program.runs() > 0; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // time for a second one, were it let
    EXPECT_EQ(program.runs(), 1U);
    std::ofstream(program.path("go")) << "go";
    for (std::thread& asker : askers) asker.join();
    EXPECT_EQ(done, 3);
    EXPECT_EQ(program.runs(), 3U);
}

TEST_F(ApiReferences, AStoppingServerEndsTheWait) {
    program.does("exec sleep 600");
    Answer answer;
    std::thread asker([&] { answer = send(sound()); });
    EXPECT_TRUE(comes_true([&] { return program.runs() == 1; }));
    rooms.stopping.cancel();
    asker.join();
    EXPECT_EQ(answer.status, 503);
}

TEST_F(ApiReferences, StrangersAreRefusedBeforeTheirSoundIsRead) {
    const auto match = rooms.router.find("POST", "/api/references");
    ASSERT_TRUE(match.options.admit);
    http::Request request;
    EXPECT_THROW((void)match.options.admit(request), http::HttpError);
    request.headers.set("Authorization", "Bearer " + token);
    const auto first = match.options.admit(request), second = match.options.admit(request);
    EXPECT_THROW((void)match.options.admit(request), http::HttpError) << "two at a time";
    const auto other = rooms.router.find("POST", "/v1/audio/transcriptions");
    EXPECT_THROW((void)other.options.admit(request), http::HttpError) << "whatever they are for";
}

}  // namespace
}  // namespace heart::test
