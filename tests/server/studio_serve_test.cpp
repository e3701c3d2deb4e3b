// Does `heart serve` start, refuse, remember and stop as it should?

#include "command/process.h"
#include "server/running_studio.h"
#include "support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using formats::Json;

/// Between two looks: whoever asks without a pause takes the time from what it waits for.
void breathe() {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

class Serve : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-serve-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    [[nodiscard]] std::string data() const { return (folder / "data").string(); }
    static std::string register_user(const RunningStudio& studio, const std::string& name, const Json& more = Json::object(),
                                     int status = 200) {
        Json body{{"username", name}, {"email", name}, {"password", "secret-" + name}};
        body.update(more);
        const Json answer = studio.json({.method = "POST", .path = "/api/auth/register", .body = body.dump()}, status);
        return status == 200 ? answer.at("token").at("access_token").get<std::string>()
                             : answer.at("detail").get<std::string>();
    }

    fs::path folder;
};

TEST_F(Serve, RefusesAFolderThatAnotherProcessHas) {
    const RunningStudio studio(data());
    const Finished second = run_heart({"serve", "--port", "0", "--data-dir", data()});
    EXPECT_EQ(second.exit_code, 2);
    EXPECT_NE(second.err.find("another process uses the data folder"), std::string::npos) << second.err;
}

TEST_F(Serve, RefusesToBeReachedByOthersWithoutTls) {
    const Finished open = run_heart({"serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", data()});
    EXPECT_EQ(open.exit_code, 2);
    EXPECT_NE(open.err.find("--allow-public"), std::string::npos) << open.err;
}

TEST_F(Serve, RefusesSecretsThatEverybodyKnowsOrThatAreShort) {
    for (const char* secret : {"heartmula-secret-key-change-in-production", "t1ny-5ecret"}) {
        setenv("JWT_SECRET_KEY", secret, 1);
        const Finished refused = run_heart({"serve", "--port", "0", "--data-dir", data()});
        unsetenv("JWT_SECRET_KEY");
        EXPECT_EQ(refused.exit_code, 2) << secret << refused.err;
        EXPECT_EQ(refused.err.find(secret), std::string::npos) << "and does not repeat them";
    }
}

TEST_F(Serve, RefusesAMissingModelFolder) {
    const Finished refused =
        run_heart({"serve", "--port", "0", "--data-dir", data(), "--model-path", (folder / "no").string()});
    EXPECT_EQ(refused.exit_code, 1) << refused.err;
    EXPECT_NE(refused.err.find("no"), std::string::npos);
}

TEST_F(Serve, SaysThatTheDemoModelIsOne) {
    const RunningStudio studio(data());
    EXPECT_NE(studio.said().find("built-in demo model"), std::string::npos);
}

TEST_F(Serve, KeepsItsSecretToItself) {
    std::string token;
    {
        const RunningStudio studio(data());
        token = register_user(studio, "ada");
    }
    struct stat info {};
    ASSERT_EQ(stat((data() + "/signing-key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    ASSERT_EQ(stat(data().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700U);
    const RunningStudio again(data());
    EXPECT_EQ(again.json({.path = "/api/auth/me", .token = token}).at("username"), "ada") << "tokens outlive a restart";
}

TEST_F(Serve, StopsInGoodOrderAndGoesOnWithTheSongAfterwards) {
    std::string token, id;
    {
        RunningStudio studio(data(), {"--threads", "1"});
        token = register_user(studio, "ada");
        const Json body{{"lyrics", "la"}, {"tags", "piano"}, {"max_audio_length_ms", 30'000}};
        id = studio.json({.method = "POST", .path = "/api/generate", .body = body.dump(), .token = token}).at("id");
        while (studio.json({.path = "/api/jobs/" + id, .token = token}).at("progress") < 20) breathe();
        EXPECT_EQ(studio.stop(), 0);
        EXPECT_NE(studio.said().find("\"stopped\""), std::string::npos);
    }
    const RunningStudio again(data(), {"--threads", "1"});
    for (int i = 0; i < 60'000; ++i, breathe()) {
        const Json job = again.json({.path = "/api/jobs/" + id, .token = token});
        ASSERT_NE(job.at("status"), "failed") << job;
        if (job.at("status") == "completed") break;
    }
    EXPECT_EQ(again.json({.path = "/api/history/" + id, .token = token}).at("id"), id);
}

TEST_F(Serve, RegistrationCanBeClosedOrByInvite) {
    {
        const RunningStudio studio(data(), {"--registration", "closed"});
        register_user(studio, "first");  // whoever sets it up
        EXPECT_EQ(register_user(studio, "second", Json::object(), 403), "Registration is closed");
    }
    const RunningStudio studio(data(), {"--registration", "invite"});
    EXPECT_EQ(register_user(studio, "second", Json::object(), 403), "An invite is needed to register");
    EXPECT_EQ(register_user(studio, "second", {{"invite", "guessed"}}, 403), "This invite is not valid any more");
}

TEST_F(Serve, SignedMediaIsForTheOwnerAndForSignedAddresses) {
    const RunningStudio studio(data(), {"--signed-media", "--threads", "1"});
    const std::string ada = register_user(studio, "ada"), ben = register_user(studio, "ben");
    const Json body{{"lyrics", "la"}, {"tags", "piano"}, {"max_audio_length_ms", 10'000}};
    const std::string id =
        studio.json({.method = "POST", .path = "/api/generate", .body = body.dump(), .token = ada}).at("id");
    for (int i = 0; i < 60'000; ++i, breathe()) {
        if (studio.json({.path = "/api/jobs/" + id, .token = ada}).at("status") == "completed") break;
    }
    const Json song = studio.json({.path = "/api/history/" + id, .token = ada});
    EXPECT_EQ(studio.ask({.path = "/api/audio/" + id})->status, 401);
    EXPECT_EQ(studio.ask({.path = "/api/audio/" + id, .token = ben})->status, 404);
    EXPECT_EQ(studio.ask({.path = "/api/audio/" + id, .token = ada})->status, 200);
    const auto address = song.at("audio_url").get<std::string>();
    EXPECT_EQ(studio.ask({.path = address})->status, 200);
    EXPECT_EQ(studio.ask({.path = address + "x"})->status, 401);
    EXPECT_EQ(studio.ask({.path = "/api/thumbnail/" + id + address.substr(address.find('?'))})->status, 401)
        << "an address is good for one thing";
    EXPECT_EQ(studio.ask({.path = song.at("thumbnail_url").get<std::string>()})->status, 200);
}

TEST_F(Serve, StartScriptRefusesWhatItDoesNotKnow) {
    const std::string script = std::string(HEART_SOURCE_DIR) + "/start.sh";
    const auto run = [&](const std::string& arguments) {
        return std::system((script + " " + arguments + " > /dev/null 2>&1").c_str());
    };
    EXPECT_EQ(WEXITSTATUS(run("--bogus")), 1);
    EXPECT_EQ(WEXITSTATUS(run("--model-path")), 1);
    EXPECT_EQ(WEXITSTATUS(run("--model-path /nowhere")), 1);
    EXPECT_EQ(WEXITSTATUS(run("--help")), 0);
}

}  // namespace
}  // namespace heart::test
