// Does a sound become text in the forms that OpenAI's clients know, in a process that cannot harm the studio?

#include "server/script_program.h"
#include "server/studio_fixture.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace heart::test {
namespace {

using namespace server;
using api::Json;
namespace fs = std::filesystem;

class ApiTranscription : public ::testing::Test {
protected:
    ApiTranscription() {
        program.prints(
            R"({"text":" la <la>","language":"en","seconds":2.5,"segments":[{"start":0.5,"end":2,"text":" la <la>",)"
            R"("language":"en","words":[{"word":" la","start":0.5,"end":1,"probability":0.9}]}],"chunks":[]})");
    }

    static std::string field(const std::string& name, const std::string& value, const std::string& more = "") {
        return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" + value + "\r\n";
    }
    static std::string sound(const std::string& bytes = "RIFF\r\nsound") {
        return field("file", bytes, "; filename=\"song.wav\"");
    }
    Answer send(const std::string& fields, const std::string& type = "multipart/form-data; boundary=b") {
        http::Headers headers;
        headers.set("Content-Type", type);
        return rooms.ask("POST", "/v1/audio/transcriptions", token, fields + "--b--\r\n", headers);
    }
    static std::string said(const Answer& answer, const char* name) {
        const Json error = answer.json().at("error");
        return error.at(name).is_null() ? "" : error.at(name).get<std::string>();
    }

    StudioRooms rooms{[](api::StudioOptions& o) {
        o.models_folder = o.data_folder / "models";
        o.transcribe_command = ScriptProgram::command(o.data_folder, "transcribe");
        o.max_sound_bytes = 1000;
        o.speech_wait = std::chrono::minutes(5);
    }};
    ScriptProgram program{rooms.folder, "transcribe", {"HeartTranscriptor-oss"}};
    std::string token = rooms.token_of(rooms.add_user("ada"));
};

TEST_F(ApiTranscription, GivesTheTextOfTheSound) {
    const Answer answer = send(field("model", "hearttranscriptor") + sound());
    ASSERT_EQ(answer.status, 200) << answer.text;
    EXPECT_EQ(answer.json(), Json({{"text", "la <la>"}}));
    EXPECT_EQ(program.noted("sound"), "RIFF\r\nsound");
    EXPECT_EQ(program.noted("arguments"),
              "--timestamps=none --model-path=" + (rooms.folder / "models" / "HeartTranscriptor-oss").string() +
                  " /proc/self/fd/3\n");
    EXPECT_EQ(rooms.ask("GET", "/v1/models", token).json().at("data").size(), 2U);
    EXPECT_EQ(rooms.ask("GET", "/v1/models/hearttranscriptor", token).status, 200);
    for (const auto& entry : fs::directory_iterator(rooms.folder)) {
        EXPECT_FALSE(entry.path().filename().string().starts_with("sound-")) << "the sound stays";
    }
}

TEST_F(ApiTranscription, GivesItInEveryForm) {
    const auto in = [&](const std::string& format) { return send(sound() + field("response_format", format)); };
    EXPECT_EQ(in("text").text, "la <la>\n");
    EXPECT_EQ(in("srt").text, "1\n00:00:00,500 --> 00:00:02,000\nla <la>\n\n");
    EXPECT_EQ(in("vtt").text, "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nla &lt;la&gt;\n\n");
    EXPECT_EQ(in("vtt").headers.find("Content-Type"), "text/vtt; charset=utf-8");
    EXPECT_EQ(in("lrc").text, "[00:00.50]la <la>\n");
    EXPECT_TRUE(program.noted("arguments").starts_with("--timestamps=line "));
    const Json verbose = in("verbose_json").json();
    EXPECT_EQ(verbose.at("duration"), 2.5);
    EXPECT_EQ(verbose.at("language"), "en");
    EXPECT_EQ(verbose.at("segments").at(0).at("start"), 0.5);
    EXPECT_FALSE(verbose.contains("words"));
    const Answer words =
        send(sound() + field("response_format", "verbose_json") + field("timestamp_granularities[]", "word") +
             field("timestamp_granularities[]", "segment") + field("language", "German"));
    ASSERT_EQ(words.status, 200) << words.text;
    EXPECT_EQ(words.json().at("words").at(0).at("word"), " la");
    EXPECT_TRUE(program.noted("arguments").starts_with("--timestamps=word --language=German "));
}

TEST_F(ApiTranscription, RefusesWhatItCannotDo) {
    const auto param = [&](const std::string& fields) {
        const Answer answer = send(fields);
        EXPECT_EQ(answer.status, 400) << answer.text;
        return answer.status == 400 ? said(answer, "param") : "";
    };
    EXPECT_EQ(param(""), "file");
    EXPECT_EQ(param(field("file", "no file")), "file");
    EXPECT_EQ(param(sound() + sound()), "file");
    EXPECT_EQ(param(sound("")), "file");
    EXPECT_EQ(param(sound() + field("response_format", "aac")), "response_format");
    EXPECT_EQ(param(sound() + field("language", "en --device=x")), "language");
    EXPECT_EQ(param(sound() + field("prompt", "once upon")), "prompt");
    EXPECT_EQ(param(sound() + field("temperature", "0.5")), "temperature");
    EXPECT_EQ(param(sound() + field("stream", "true")), "stream");
    EXPECT_EQ(param(sound() + field("timestamp_granularities[]", "word")), "timestamp_granularities[]");
    EXPECT_EQ(send(sound() + field("model", "whisper-1")).status, 404);
    EXPECT_EQ(send(sound(), "application/json").status, 415);
    EXPECT_EQ(send(sound(), "multipart/form-data; boundary=other").status, 400);
    EXPECT_EQ(send(sound() + field("language", "en") + field("language", "de")).status, 400);
    EXPECT_EQ(send(field("language", std::string(4097, 'a')) + sound()).status, 400);
    EXPECT_EQ(program.runs(), 0U);
}

TEST_F(ApiTranscription, TakesSoundsUpToTheLimit) {
    EXPECT_EQ(send(sound(std::string(1000, 'x'))).status, 200);
    const Answer larger = send(sound(std::string(1001, 'x')));
    EXPECT_EQ(larger.status, 400);
    EXPECT_EQ(said(larger, "param"), "file");
    EXPECT_EQ(send(sound(std::string(100'000, 'x'))).status, 413);
}

TEST_F(ApiTranscription, SaysWhatIsWrongWithTheSound) {
    program.prints(R"({"error":{"code":"malformed","message":"'/proc/self/fd/3' is not audio"}})", 2);
    const Answer answer = send(sound());
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(said(answer, "message"), "The file is no sound that can be read");
    program.prints(R"({"error":{"code":"not_found","message":"no speech in '/proc/self/fd/3'"}})", 1);
    const Answer silence = send(sound());
    EXPECT_EQ(silence.status, 200);
    EXPECT_EQ(silence.json(), Json({{"text", ""}}));
    program.prints(R"({"error":{"code":"usage","message":"--language","found":"Klingon"}})", 1);
    EXPECT_EQ(said(send(sound()), "message"), "--language: Klingon");
}

TEST_F(ApiTranscription, SurvivesAProcessThatDoesNot) {
    for (const char* end : {"kill -SEGV $$", "exit 3", "echo '{'", "echo '{}'; exit 1", "yes"}) {
        program.does(end);
        const Answer answer = send(sound());
        EXPECT_EQ(answer.status, 500) << end;
        EXPECT_EQ(answer.text.find("/proc"), std::string::npos);
    }
}

TEST_F(ApiTranscription, ThatProcessKnowsNoSecrets) {
    program.does("env > " + program.path("environment") + "\necho '{\"text\":\"\",\"segments\":[]}'");
    setenv("OPENAI_API_KEY", "t0p-5ecret", 1);
    setenv("HEART_TEST_VARIABLE", "is there", 1);
    EXPECT_EQ(send(sound()).status, 200);
    unsetenv("OPENAI_API_KEY");
    unsetenv("HEART_TEST_VARIABLE");
    EXPECT_NE(program.noted("environment").find("HEART_TEST_VARIABLE=is there"), std::string::npos);
    EXPECT_EQ(program.noted("environment").find("t0p-5ecret"), std::string::npos);
}

TEST_F(ApiTranscription, AStoppingServerEndsTheWait) {
    program.does("exec sleep 600");
    Answer answer;
    std::thread asker([&] { answer = send(sound()); });
    EXPECT_TRUE(comes_true([&] { return fs::exists(program.path("sound")); }));
    rooms.stopping.cancel();
    asker.join();
    EXPECT_EQ(answer.status, 503);
}

TEST_F(ApiTranscription, OnlyTwoSoundsAreTakenAtATime) {
    program.does(
        fmt::format("echo x >> {}; while [ ! -e {} ]; do sleep 0.02; done; echo '{{\"text\":\"\",\"segments\":[]}}'",
                    program.path("started"), program.path("go")));
    std::vector<std::thread> askers;
    for (int i = 0; i < 2; ++i) askers.emplace_back([&] { EXPECT_EQ(send(sound()).status, 200); });
    EXPECT_TRUE(comes_true([&] { return program.noted("started").size() == 4; }));
    const Answer third = send(sound());
    EXPECT_EQ(third.status, 429);
    EXPECT_TRUE(third.headers.find("Retry-After"));
    std::ofstream(program.path("go")) << "go";
    for (std::thread& asker : askers) asker.join();
    EXPECT_EQ(send(sound()).status, 200);
}

TEST_F(ApiTranscription, StrangersAreRefusedBeforeTheirSoundIsRead) {
    const auto match = rooms.router.find("POST", "/v1/audio/transcriptions");
    ASSERT_TRUE(match.options.admit);
    http::Request request;
    EXPECT_THROW((void)match.options.admit(request), http::HttpError);
    request.headers.set("Authorization", "Bearer " + token + "x");
    EXPECT_THROW((void)match.options.admit(request), http::HttpError);
    request.headers.set("Authorization", "Bearer " + token);
    EXPECT_NO_THROW((void)match.options.admit(request));
}

TEST_F(ApiTranscription, WithoutAModelThereIsNone) {
    program.remove_model();
    const Answer answer = send(sound());
    EXPECT_EQ(answer.status, 501);
    EXPECT_EQ(said(answer, "code"), "not_implemented");
    EXPECT_EQ(rooms.ask("GET", "/v1/models", token).json().at("data").size(), 1U);
}

}  // namespace
}  // namespace heart::test
