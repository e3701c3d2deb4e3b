// Can administrators have checkpoints downloaded, see how far it is, and stop it?

#include "hub/fake_hub.h"
#include "server/studio_fixture.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace server;
using api::Json;

class ApiModels : public ::testing::Test {
protected:
    ApiModels() : token(rooms.token_of(rooms.add_user("root"))) {
        files = {{"config.json", "{}"}, {"model.safetensors", noise(200'000, 1)}};
        hub.add("HeartMuLaGen", {{"tokenizer.json", "{}"}, {"gen_config.json", "{}"}});
        hub.add("HeartMuLa-oss-3B-happy-new-year", files);
        hub.add("HeartCodec-oss-20260123", files);
        rooms.options.models_source = hub.url();
    }
    Json models() { return rooms.ask("GET", "/api/admin/models", token).json(); }
    Answer order(const Json& body = Json::object()) { return rooms.ask("POST", "/api/admin/models/pull", token, body); }
    /// The download's state once it has ended.
    Json ended() {
        const auto is_over = [this] {
            const Json phase = models().at("pull").at("phase");
            return phase == "done" || phase == "failed" || phase == "cancelled";
        };
        EXPECT_TRUE(comes_true(is_over));
        return models().at("pull");
    }

    FakeHub hub{FakeHub::Speaks::hugging_face};
    FakeHub::Files files;
    StudioRooms rooms;
    std::string token;
};

TEST_F(ApiModels, TheRecommendedOnesArriveAndAreThenSeen) {
    const Json before = models();
    EXPECT_TRUE(before.at("pull").is_null());
    EXPECT_EQ(before.at("items")[0].at("name"), "HeartMuLaGen");
    EXPECT_EQ(before.at("items")[0].at("present"), false);
    EXPECT_EQ(before.at("items")[1].at("licence"), "Apache-2.0");
    const Answer begun = order();
    ASSERT_EQ(begun.status, 202) << begun.text;
    EXPECT_EQ(begun.json().at("pull").at("names").size(), 3U);
    EXPECT_EQ(ended().at("phase"), "done") << ended();
    const Json after = models();
    for (const Json& item : after.at("items")) {
        const bool wanted = item.at("recommended").get<bool>() || item.at("folder") == "HeartMuLa-oss-3B";
        EXPECT_EQ(item.at("present"), wanted) << item;
    }
    std::ifstream in(rooms.folder / "ckpt/HeartMuLa-oss-3B/model.safetensors", std::ios::binary);
    EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(in), {}) == files.at("model.safetensors"));
    EXPECT_EQ(rooms.ask("GET", "/api/admin/models", token).text.find(rooms.folder.string()), std::string::npos)
        << "paths of the server are its own";
}

TEST_F(ApiModels, OneAtATimeAndItCanBeStopped) {
    std::atomic<bool> hold = true;
    hub.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        while (hold && path == "model.safetensors") std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return std::nullopt;
    };
    ASSERT_EQ(order().status, 202);
    ASSERT_TRUE(comes_true([&] { return models().at("pull").at("phase") == "fetching"; }));
    EXPECT_EQ(order().status, 409);
    EXPECT_EQ(rooms.ask("DELETE", "/api/admin/models/pull", token).status, 200);
    EXPECT_EQ(ended().at("phase"), "cancelled");
    hold = false;
    EXPECT_EQ(rooms.ask("DELETE", "/api/admin/models/pull", token).status, 404);
    ASSERT_EQ(order().status, 202) << "and begun again";
    EXPECT_EQ(ended().at("phase"), "done");
}

TEST_F(ApiModels, FailingIsToldWithItsReason) {
    hub.fault = [](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path != "config.json") return std::nullopt;
        return FakeAnswer{.status = 403, .body = "no"};
    };
    ASSERT_EQ(order(Json{{"names", {"HeartCodec-oss-20260123"}}}).status, 202);
    const Json state = ended();
    EXPECT_EQ(state.at("phase"), "failed");
    EXPECT_NE(state.at("reason").get<std::string>().find("not open to everybody"), std::string::npos) << state;
}

TEST_F(ApiModels, WhatIsNotFreeNeedsItsLicenceAccepted) {
    hub.add_at("OpenMuQ/MuQ-MuLan-large", {{"config.json", "{}"}, {"pytorch_model.bin", noise(5000, 2)}});
    hub.add_at("OpenMuQ/MuQ-large-msd-iter", {{"config.json", "{}"}});
    hub.add_at("FacebookAI/xlm-roberta-base", {{"config.json", "{}"}, {"tokenizer.json", "{}"}});
    const Json names = Json::array({"MuQ-MuLan-large"});
    for (const Json& word : {Json(nullptr), Json(""), Json("MIT"), Json("cc-by-nc-4.0")}) {
        const Answer refused = order({{"names", names}, {"accept_licence", word}});
        ASSERT_EQ(refused.status, 422) << refused.text;
        const Json fault = refused.json().at("detail").at(0);
        EXPECT_EQ(fault.at("loc"), Json::array({"body", "accept_licence"}));
        EXPECT_NE(fault.at("msg").get<std::string>().find("CC-BY-NC-4.0 (no commercial use)"), std::string::npos) << fault;
    }
    EXPECT_EQ(order({{"names", names}}).status, 422);
    EXPECT_EQ(order({{"names", names}, {"accept_licence", true}}).status, 422);
    EXPECT_TRUE(models().at("pull").is_null()) << "nothing has begun";
    EXPECT_TRUE(hub.asked().empty());
    ASSERT_EQ(order({{"names", names}, {"accept_licence", "CC-BY-NC-4.0"}}).status, 202);
    EXPECT_EQ(ended().at("phase"), "done") << ended();
    EXPECT_TRUE(fs::exists(rooms.folder / "ckpt/MuQ-MuLan/pytorch_model.bin"));
    EXPECT_TRUE(fs::exists(rooms.folder / "ckpt/MuQ-MuLan/LICENCE.txt"));
}

TEST_F(ApiModels, EveryEntryHasItsLicenceAndWhatItMeans) {
    int not_free = 0;
    const Json all = models();
    for (const Json& item : all.at("items")) {
        const bool is_free = item.at("licence") != "CC-BY-NC-4.0";
        EXPECT_EQ(item.at("licence_note").is_null(), is_free) << item;
        if (!is_free) ++not_free;
    }
    EXPECT_EQ(not_free, 2);
}

TEST_F(ApiModels, OnlyAdministratorsAcceptLicences) {
    const std::string other = rooms.token_of(rooms.add_user("ada"));
    const Json body{{"names", {"MuQ-MuLan-large"}}, {"accept_licence", "CC-BY-NC-4.0"}};
    EXPECT_EQ(rooms.ask("POST", "/api/admin/models/pull", other, body).status, 403);
    EXPECT_EQ(rooms.ask("POST", "/api/admin/models/pull", "", body).status, 401);
}

TEST_F(ApiModels, NamesAreThoseOfTheCatalogue) {
    EXPECT_EQ(order(Json{{"names", {"../../etc"}}}).status, 404);
    EXPECT_EQ(order(Json{{"names", "HeartMuLa-oss-3B"}}).status, 422);
    EXPECT_EQ(order(Json{{"names", {7}}}).status, 422);
}

}  // namespace
}  // namespace heart::test
