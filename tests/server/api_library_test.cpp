// Does the library find, change, delete, bring back, list and share one's songs?

#include "server/accounts/tokens.h"
#include "server/api/files.h"
#include "server/studio_fixture.h"

#include <fstream>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace server;
using api::Json;

class ApiLibrary : public ::testing::Test {
protected:
    ApiLibrary() : ada(rooms.add_user("ada")), ben(rooms.add_user("ben")), token(rooms.token_of(ada)) {}

    std::vector<std::string> titles(const std::string& query) {
        std::vector<std::string> out;
        const Json page = rooms.ask("GET", "/api/songs" + query, token).json();
        for (const Json& song : page.at("items")) out.push_back(song.at("title").get<std::string>());
        return out;
    }
    static std::string of(const Json& object, const char* name) { return object.at(name).get<std::string>(); }

    StudioRooms rooms;
    database::User ada, ben;
    std::string token;
};

using Titles = std::vector<std::string>;

TEST_F(ApiLibrary, ListsOnlyWhatIsAskedFor) {
    const auto first = rooms.add_song(ada, "Birch");
    rooms.add_song(ada, "Alder");
    rooms.add_song(ben, "Cedar");
    EXPECT_EQ(titles("?order=title"), (Titles{"Alder", "Birch"}));
    EXPECT_EQ(titles("?order=title&page=2&page_size=1"), (Titles{"Birch"}));
    EXPECT_EQ(titles("?search=BIRCH"), (Titles{"Birch"}));
    EXPECT_EQ(titles("?search=%25"), (Titles{}));
    EXPECT_EQ(titles("?favourites=true"), (Titles{}));
    ASSERT_EQ(rooms.ask("PATCH", "/api/songs/" + first.id, token, Json{{"favourite", true}}).status, 200);
    EXPECT_EQ(titles("?favourites=true"), (Titles{"Birch"}));
}

TEST_F(ApiLibrary, RefusesQueriesThatAreOutOfRange) {
    for (const char* query :
         {"?page=0", "?page_size=101", "?page_size=0", "?order=loudest", "?deleted=perhaps", "?page=x"}) {
        EXPECT_EQ(rooms.ask("GET", std::string("/api/songs") + query, token).status, 422) << query;
    }
    EXPECT_EQ(rooms.ask("GET", "/api/songs?search=" + std::string(500, 'a'), token).status, 200);
    EXPECT_EQ(rooms.ask("GET", "/api/songs?search=" + std::string(501, 'a'), token).status, 422);
    EXPECT_EQ(rooms.ask("GET", "/api/songs?page=1099511627776&page_size=100", token).status, 200);
}

TEST_F(ApiLibrary, AFormatThatCannotHoldTheSongIsRefusedWithTheReason) {
    auto song = rooms.add_song(ada, "Odd");
    const audio::Waveform wave{.sample_rate = 2400, .channels = {std::vector<float>(2400, 0.1F), std::vector<float>(2400)}};
    rooms.library->keep(song, wave, {}, rooms.stopping);
    EXPECT_EQ(rooms.ask("GET", "/api/audio/" + song.id).status, 200);
    const Answer refused = rooms.ask("GET", "/api/audio/" + song.id + "?format=opus");
    EXPECT_EQ(refused.status, 422);
    EXPECT_NE(refused.detail().find("cannot be had as opus"), std::string::npos) << refused.text;
    EXPECT_NE(refused.detail().find("2400"), std::string::npos) << refused.text;
}

TEST_F(ApiLibrary, ChangesWhatIsNamedAndNothingElse) {
    const auto song = rooms.add_song(ada, "Before");
    const Answer answer = rooms.ask("PATCH", "/api/songs/" + song.id, token, Json{{"title", "After"}, {"rating", 4}});
    ASSERT_EQ(answer.status, 200) << answer.text;
    EXPECT_EQ(answer.json().at("title"), "After");
    EXPECT_EQ(answer.json().at("rating"), 4);
    EXPECT_EQ(answer.json().at("tags"), song.settings.tags);
    EXPECT_EQ(answer.json().at("lyrics"), song.settings.lyrics);
    EXPECT_EQ(answer.json().at("favourite"), false);
}

TEST_F(ApiLibrary, HoldsTheLimitsOfWordsAtTheirEdge) {
    const auto song = rooms.add_song(ada);
    const auto status = [&](const char* name, Json value) {
        return rooms.ask("PATCH", "/api/songs/" + song.id, token, Json{{name, std::move(value)}}).status;
    };
    EXPECT_EQ(status("title", std::string(500, 'a')), 200);
    EXPECT_EQ(status("title", std::string(501, 'a')), 422);
    EXPECT_EQ(status("title", ""), 422);
    EXPECT_EQ(status("tags", std::string(2000, 'a')), 200);
    EXPECT_EQ(status("tags", std::string(2001, 'a')), 422);
    EXPECT_EQ(status("lyrics", std::string(20'000, 'a')), 200);
    EXPECT_EQ(status("lyrics", std::string(20'001, 'a')), 422);
    EXPECT_EQ(status("rating", 5), 200);
    EXPECT_EQ(status("rating", 6), 422);
    EXPECT_EQ(status("rating", -1), 422);
}

TEST_F(ApiLibrary, BringsBackWhatWasDeletedAndPurgesOnlyTheBin) {
    const auto one = rooms.add_song(ada, "One", true), two = rooms.add_song(ada, "Two");
    const auto theirs = rooms.add_song(ben, "Ben's");
    const Json all{{"ids", {one.id, two.id, theirs.id, "nonsense"}}};
    EXPECT_EQ(rooms.ask("POST", "/api/songs/purge", token, all).json().at("purged"), 0);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/delete", token, all).json().at("deleted"), 2);
    EXPECT_EQ(titles(""), Titles{});
    EXPECT_EQ(titles("?deleted=true&order=title"), (Titles{"One", "Two"}));
    EXPECT_EQ(rooms.ask("PATCH", "/api/songs/" + one.id, token, Json{{"title", "x"}}).status, 404);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/restore", token, Json{{"ids", {two.id}}}).json().at("restored"), 1);
    EXPECT_EQ(titles(""), Titles{"Two"});

    fs::create_directories(api::journal_folder(rooms.options));
    const fs::path journal = api::journal_folder(rooms.options) / (one.id + ".codes");
    std::ofstream(journal) << "codes";
    ASSERT_TRUE(fs::exists(rooms.folder / one.audio_path));
    EXPECT_EQ(rooms.ask("POST", "/api/songs/purge", token, all).json().at("purged"), 1);
    EXPECT_FALSE(fs::exists(rooms.folder / one.audio_path));
    EXPECT_FALSE(fs::exists(rooms.folder / one.thumbnail_path));
    EXPECT_FALSE(fs::exists(journal));
    EXPECT_EQ(titles("?deleted=true"), Titles{});
    EXPECT_TRUE(rooms.services->songs.by_id(theirs.id));
}

TEST_F(ApiLibrary, TakesAtMostAThousandIds) {
    EXPECT_EQ(rooms.ask("POST", "/api/songs/delete", token, Json{{"ids", Json::array_t(1000, "x")}}).status, 200);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/delete", token, Json{{"ids", Json::array_t(1001, "x")}}).status, 422);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/delete", token, Json::object()).status, 422);
}

TEST_F(ApiLibrary, SetsACoverAndDrawsItsOwnAgain) {
    const auto song = rooms.add_song(ada, "Covered", true);
    const auto cover = [&] { return rooms.ask("GET", "/api/thumbnail/" + song.id, token).text; };
    const std::string drawn = cover();
    ASSERT_FALSE(drawn.empty());
    ASSERT_EQ(rooms.ask("POST", "/api/songs/" + song.id + "/cover", token, small_png()).status, 200);
    const std::string own = cover();
    EXPECT_NE(own, drawn);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/" + song.id + "/cover", token, std::string("no picture")).status, 400);
    EXPECT_EQ(cover(), own);
    EXPECT_EQ(rooms.ask("POST", "/api/songs/" + song.id + "/cover", token, std::string((8 << 20) + 1, 'x')).status, 413);
    ASSERT_EQ(rooms.ask("DELETE", "/api/songs/" + song.id + "/cover", token).status, 200);
    EXPECT_EQ(cover(), drawn);
    const Answer small = rooms.ask("GET", "/api/thumbnail/" + song.id + "?side=128", token);
    EXPECT_EQ(small.status, 200);
    EXPECT_LT(small.text.size(), drawn.size() / 4);
    EXPECT_EQ(rooms.ask("GET", "/api/thumbnail/" + song.id + "?side=129", token).status, 422);
}

TEST_F(ApiLibrary, TheRecipeIsWhatGenerateTakes) {
    const auto song = rooms.add_song(ada, "Again");
    const Json recipe = rooms.ask("GET", "/api/songs/" + song.id + "/recipe", token).json();
    EXPECT_EQ(recipe.at("settings").at("topk"), "50");
    EXPECT_EQ(recipe.at("request").at("seed"), 42);
    const Answer again = rooms.ask("POST", "/api/generate", token, recipe.at("request"));
    ASSERT_EQ(again.status, 200) << again.text;
    const auto job = rooms.services->jobs.by_id(of(again.json(), "id"));
    ASSERT_TRUE(job);
    EXPECT_EQ(job->settings.seed, 42U);
    EXPECT_EQ(job->settings.lyrics, song.settings.lyrics);
    EXPECT_EQ(job->settings.title, "Again");
}

TEST_F(ApiLibrary, PlaylistsKeepTheirOrderAndLeaveTheBinOut) {
    const auto one = rooms.add_song(ada, "One"), two = rooms.add_song(ada, "Two"), theirs = rooms.add_song(ben, "Ben's");
    const Json list = rooms.ask("POST", "/api/playlists", token, Json{{"name", "Rainy"}}).json();
    const std::string address = "/api/playlists/" + of(list, "id");
    ASSERT_EQ(rooms.ask("PUT", address + "/songs", token, Json{{"songs", {two.id, theirs.id, one.id}}}).status, 200);
    const auto shown = [&] {
        Titles out;
        const Json list_now = rooms.ask("GET", address, token).json();
        for (const Json& song : list_now.at("songs")) out.push_back(of(song, "title"));
        return out;
    };
    EXPECT_EQ(shown(), (Titles{"Two", "One"}));
    EXPECT_EQ(titles("?order=title&playlist=" + of(list, "id")), (Titles{"One", "Two"}));
    ASSERT_EQ(rooms.ask("POST", "/api/songs/delete", token, Json{{"ids", {two.id}}}).status, 200);
    EXPECT_EQ(shown(), Titles{"One"});
    ASSERT_EQ(rooms.ask("POST", "/api/songs/restore", token, Json{{"ids", {two.id}}}).status, 200);
    EXPECT_EQ(shown(), (Titles{"Two", "One"}));
    EXPECT_EQ(of(rooms.ask("PATCH", address, token, Json{{"name", "Dry"}}).json(), "name"), "Dry");
    EXPECT_EQ(rooms.ask("GET", "/api/songs?playlist=" + of(list, "id"), rooms.token_of(ben)).status, 404);
    EXPECT_EQ(rooms.ask("DELETE", address, token).status, 200);
    EXPECT_EQ(rooms.ask("GET", address, token).status, 404);
    EXPECT_EQ(titles("?order=title"), (Titles{"One", "Two"}));
}

TEST_F(ApiLibrary, PlaylistNamesHaveALength) {
    EXPECT_EQ(rooms.ask("POST", "/api/playlists", token, Json{{"name", std::string(200, 'n')}}).status, 200);
    EXPECT_EQ(rooms.ask("POST", "/api/playlists", token, Json{{"name", std::string(201, 'n')}}).status, 422);
    EXPECT_EQ(rooms.ask("POST", "/api/playlists", token, Json{{"name", ""}}).status, 422);
}

TEST_F(ApiLibrary, ALinkShowsItsSongUntilItIsWithdrawn) {
    const auto song = rooms.add_song(ada, "Shared", true);
    const Answer made = rooms.ask("POST", "/api/songs/" + song.id + "/shares", token, Json{{"expires_in_hours", 1}});
    ASSERT_EQ(made.status, 200) << made.text;
    const std::string url = of(made.json(), "url");
    const Answer seen = rooms.ask("GET", url);
    ASSERT_EQ(seen.status, 200);
    EXPECT_EQ(of(seen.json(), "title"), "Shared");
    EXPECT_FALSE(seen.json().contains("user_id"));
    EXPECT_EQ(rooms.ask("GET", of(seen.json(), "audio")).status, 200);
    EXPECT_EQ(rooms.ask("GET", of(seen.json(), "thumbnail")).status, 200);
    EXPECT_LE(of(seen.json(), "expires_at"), of(made.json(), "expires_at"));
    const Answer list = rooms.ask("GET", "/api/songs/" + song.id + "/shares", token);
    EXPECT_EQ(list.json().at("items").size(), 1U);
    EXPECT_EQ(list.text.find(of(made.json(), "token")), std::string::npos);

    ASSERT_EQ(rooms.ask("DELETE", "/api/songs/" + song.id + "/shares", token).status, 200);
    EXPECT_EQ(rooms.ask("GET", url).status, 404);
}

TEST_F(ApiLibrary, ALinkEndsWithItsTimeItsSongAndItsOwner) {
    const auto share_of = [&](const database::Song& song, database::TimeMs expires) {
        const std::string secret = accounts::random_secret();
        rooms.services->ledger.add_share({accounts::hash_secret(secret), song.id, song.user_id, 0, expires});
        return "/api/shared/" + secret;
    };
    const database::TimeMs now = database::now_ms(), later = now + 3'600'000;
    const auto kept = rooms.add_song(ada), binned = rooms.add_song(ada), of_ben = rooms.add_song(ben);
    const std::string good = share_of(kept, later), old = share_of(kept, now - 1), bin = share_of(binned, later),
                      theirs = share_of(of_ben, later);
    EXPECT_EQ(rooms.ask("GET", good).status, 200);
    EXPECT_EQ(rooms.ask("GET", bin).status, 200);
    EXPECT_EQ(rooms.ask("GET", theirs).status, 200);
    ASSERT_EQ(rooms.services->songs.set_deleted(ada.id, {binned.id}, true), 1);
    rooms.services->users.set_disabled(ben.id, true);
    const std::string unknown = rooms.ask("GET", "/api/shared/nothing").text;
    for (const std::string& url : {old, bin, theirs}) {
        EXPECT_EQ(rooms.ask("GET", url).status, 404);
        EXPECT_EQ(rooms.ask("GET", url).text, unknown);
    }
}

TEST_F(ApiLibrary, LinksHaveALifeAndANumber) {
    const auto song = rooms.add_song(ada);
    const std::string address = "/api/songs/" + song.id + "/shares";
    EXPECT_EQ(rooms.ask("POST", address, token, Json{{"expires_in_hours", 0}}).status, 422);
    EXPECT_EQ(rooms.ask("POST", address, token, Json{{"expires_in_hours", 721}}).status, 422);
    EXPECT_EQ(rooms.ask("POST", address, token, Json{{"expires_in_hours", 720}}).status, 200);
    for (int i = 1; i < 20; ++i) ASSERT_EQ(rooms.ask("POST", address, token, Json::object()).status, 200);
    EXPECT_EQ(rooms.ask("POST", address, token, Json::object()).status, 400);
}

TEST(ApiMedia, ASignedAddressOpensOneThingForAWhile) {
    StudioRooms rooms([](api::StudioOptions& o) { o.signed_media = true; });
    const auto ada = rooms.add_user("ada");
    const auto song = rooms.add_song(ada, "One", true), another = rooms.add_song(ada, "Two", true);
    const Json media = rooms.ask("GET", "/api/songs/" + song.id + "/media", rooms.token_of(ada)).json();
    const std::string audio = media.at("audio").get<std::string>();
    EXPECT_EQ(rooms.ask("GET", audio).status, 200);
    EXPECT_EQ(rooms.ask("GET", "/api/audio/" + song.id).status, 401);
    std::string other_song = audio, other_thing = audio;
    other_song.replace(other_song.find(song.id), song.id.size(), another.id);
    other_thing.replace(other_thing.find("/audio/"), 7, "/thumbnail/");
    EXPECT_EQ(rooms.ask("GET", other_song).status, 401);
    EXPECT_EQ(rooms.ask("GET", other_thing).status, 401);
    const std::string old =
        api::Json(accounts::sign_media(rooms.accounts->key(), "audio/" + song.id, 1000)).get<std::string>();
    EXPECT_EQ(rooms.ask("GET", "/api/audio/" + song.id + "?exp=9999999999&sig=" + old).status, 401);
}

}  // namespace
}  // namespace heart::test
