// Do administrators see and rule the studio, without ever locking it?

#include "server/studio_fixture.h"

#include <filesystem>
#include <fstream>
#include <thread>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace server;
using api::Json;

class ApiAdmin : public ::testing::Test {
protected:
    ApiAdmin() : root(rooms.add_user("root")), ada(rooms.add_user("ada")), token(rooms.token_of(root)) {}

    Answer change(const database::User& by, const database::User& whom, const Json& body) {
        return rooms.ask("PATCH", "/api/admin/users/" + whom.id, rooms.token_of(by), body);
    }

    StudioRooms rooms{[](api::StudioOptions& o) { o.accounts.registration = accounts::Registration::invite; }};
    database::User root, ada;
    std::string token;
};

TEST_F(ApiAdmin, SeesAccountsWithoutTheirHashes) {
    const Answer answer = rooms.ask("GET", "/api/admin/users", token);
    const Json items = answer.json().at("items");
    ASSERT_EQ(items.size(), 2U);
    // In order of their making, and two made within one millisecond in any order.
    const Json& first = items[0].at("username") == "root" ? items[0] : items[1];
    const Json& second = items[0].at("username") == "root" ? items[1] : items[0];
    EXPECT_EQ(first.at("username"), "root");
    EXPECT_EQ(first.at("admin"), true);
    EXPECT_EQ(second.at("username"), "ada");
    EXPECT_EQ(second.at("admin"), false);
    EXPECT_EQ(second.at("disabled"), false);
    EXPECT_EQ(answer.text.find("password"), std::string::npos);
}

TEST_F(ApiAdmin, ChangesRightsOfOthersOnly) {
    EXPECT_EQ(change(root, root, Json{{"admin", false}}).status, 403);
    EXPECT_EQ(change(root, root, Json{{"disabled", true}}).status, 403);
    EXPECT_EQ(rooms.ask("DELETE", "/api/admin/users/" + root.id, token).status, 403);
    EXPECT_EQ(change(root, ada, Json{{"admin", true}}).json().at("admin"), true);
    EXPECT_EQ(change(ada, root, Json{{"admin", false}}).json().at("admin"), false);
    EXPECT_EQ(change(root, ada, Json{{"admin", false}}).status, 403) << "not an administrator any more";
}

TEST_F(ApiAdmin, OneAlwaysRemainsWhenTwoTakeEachOthersRightsAtOnce) {
    for (int round = 0; round < 20; ++round) {
        rooms.services->users.set_admin(root.id, true);
        rooms.services->users.set_admin(ada.id, true);
        std::thread other([&] { (void)change(ada, root, Json{{"admin", false}}); });
        (void)change(root, ada, Json{{"admin", false}});
        other.join();
        EXPECT_TRUE(rooms.services->users.by_id(root.id)->admin || rooms.services->users.by_id(ada.id)->admin);
    }
}

TEST_F(ApiAdmin, ADisabledAccountIsOutAndItsSongsDoNotWait) {
    const std::string hers = rooms.token_of(ada);
    const auto job = rooms.add_job(ada);
    ASSERT_EQ(rooms.ask("GET", "/api/auth/me", hers).status, 200);
    ASSERT_EQ(change(root, ada, Json{{"disabled", true}}).status, 200);
    EXPECT_EQ(rooms.ask("GET", "/api/auth/me", hers).status, 401);
    EXPECT_EQ(rooms.services->jobs.by_id(job.id)->state, database::JobState::cancelled);
    ASSERT_EQ(change(root, ada, Json{{"disabled", false}}).status, 200);
    EXPECT_EQ(rooms.ask("GET", "/api/auth/me", hers).status, 401) << "an old token stays void";
    EXPECT_EQ(rooms.ask("GET", "/api/auth/me", rooms.token_of(ada)).status, 200);
}

TEST_F(ApiAdmin, ADeletedAccountLeavesNothingBehind) {
    const auto song = rooms.add_song(ada, "Gone", true), mine = rooms.add_song(root, "Mine", true);
    const std::string hers = rooms.token_of(ada);
    rooms.add_job(ada);
    ASSERT_EQ(rooms.ask("DELETE", "/api/admin/users/" + ada.id, token).status, 200);
    EXPECT_EQ(rooms.ask("GET", "/api/auth/me", hers).status, 401);
    EXPECT_FALSE(rooms.services->songs.by_id(song.id));
    EXPECT_FALSE(fs::exists(rooms.folder / song.audio_path));
    EXPECT_FALSE(fs::exists(rooms.folder / song.thumbnail_path));
    EXPECT_TRUE(fs::exists(rooms.folder / mine.audio_path));
    EXPECT_TRUE(rooms.services->jobs.in_turn().empty());
    EXPECT_EQ(rooms.ask("DELETE", "/api/admin/users/" + ada.id, token).status, 404);
}

TEST_F(ApiAdmin, AnAccountCanBeDeletedWhileItsSongIsMade) {
    rooms.maker.hold();
    rooms.runner->start();
    const auto job = rooms.add_job(ada);
    ASSERT_TRUE(comes_true([&] { return rooms.runner->current() == job.id; }));
    ASSERT_EQ(rooms.ask("DELETE", "/api/admin/users/" + ada.id, token).status, 200);
    rooms.maker.release();
    ASSERT_TRUE(comes_true([&] { return !rooms.runner->current(); }));
    EXPECT_FALSE(rooms.services->songs.by_id(job.id));
    EXPECT_FALSE(fs::exists(rooms.folder / "audio" / (job.id + ".wav")));
}

TEST_F(ApiAdmin, InvitesAreShownOnceUsedOnceAndWithdrawn) {
    const auto invite = [&] {
        return rooms.ask("POST", "/api/admin/invites", token, Json{{"expires_in_hours", 720}}).json();
    };
    const Json used = invite(), withdrawn = invite();
    const std::string code = used.at("code").get<std::string>();
    EXPECT_EQ(rooms.ask("GET", "/api/admin/invites", token).text.find(code), std::string::npos);
    ASSERT_EQ(rooms.ask("DELETE", "/api/admin/invites/" + withdrawn.at("id").get<std::string>(), token).status, 200);
    const auto enter = [&](const std::string& name, const Json& from) {
        const Json body{
            {"username", name}, {"email", name + "@x.org"}, {"password", "a good one"}, {"invite", from.at("code")}};
        return rooms.ask("POST", "/api/auth/register", "", body).status;
    };
    EXPECT_EQ(enter("ben", withdrawn), 403);
    EXPECT_EQ(enter("ben", used), 200);
    EXPECT_EQ(enter("cleo", used), 403);
    const Json list = rooms.ask("GET", "/api/admin/invites", token).json();
    for (const Json& item : list.at("items")) {
        EXPECT_FALSE(item.at("used_by").is_null());
    }
}

TEST_F(ApiAdmin, InvitesHaveALife) {
    EXPECT_EQ(rooms.ask("POST", "/api/admin/invites", token, Json{{"expires_in_hours", 0}}).status, 422);
    EXPECT_EQ(rooms.ask("POST", "/api/admin/invites", token, Json{{"expires_in_hours", 721}}).status, 422);
    EXPECT_EQ(rooms.ask("DELETE", "/api/admin/invites/nothing", token).status, 404);
}

TEST_F(ApiAdmin, SeesAndCancelsEveryonesJobs) {
    const auto hers = rooms.add_job(ada), mine = rooms.add_job(root);
    const Json queue = rooms.ask("GET", "/api/admin/queue", token).json();
    ASSERT_EQ(queue.at("items").size(), 2U);
    std::map<std::string, std::string> owners;
    for (const Json& item : queue.at("items")) {
        owners[item.at("id").get<std::string>()] = item.at("user").at("username").get<std::string>();
    }
    EXPECT_EQ(owners.at(hers.id), "ada");
    EXPECT_EQ(owners.at(mine.id), "root");
    EXPECT_EQ(rooms.ask("DELETE", "/api/admin/queue/" + hers.id, token).status, 200);
    EXPECT_EQ(rooms.services->jobs.by_id(hers.id)->state, database::JobState::cancelled);
    EXPECT_EQ(rooms.ask("DELETE", "/api/admin/queue/" + hers.id, token).status, 404);
}

TEST_F(ApiAdmin, SeesWhatTakesSpace) {
    rooms.add_song(ada, "Heavy", true);
    const Json disk = rooms.ask("GET", "/api/admin/disk", token).json();
    EXPECT_EQ(disk.at("songs"), 1);
    EXPECT_GT(disk.at("audio_bytes").get<std::uint64_t>(), 24'000U * 2 * 3);
    EXPECT_GT(disk.at("cover_bytes").get<std::uint64_t>(), 0U);
    EXPECT_GT(disk.at("database_bytes").get<std::uint64_t>(), 0U);
    EXPECT_GT(disk.at("free_bytes").get<std::uint64_t>(), 0U);
}

TEST_F(ApiAdmin, WritesListsSendsAndDeletesABackup) {
    rooms.add_song(ada, "Kept", true);
    const Answer made = rooms.ask("POST", "/api/admin/backup", token);
    ASSERT_EQ(made.status, 200) << made.text;
    const std::string name = made.json().at("name").get<std::string>();
    const Json list = rooms.ask("GET", "/api/admin/backups", token).json().at("items");
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].at("name"), name);
    const Answer sent = rooms.ask("GET", "/api/admin/backups/" + name, token);
    ASSERT_EQ(sent.status, 200);
    EXPECT_EQ(sent.text.size(), made.json().at("bytes").get<std::size_t>());
    EXPECT_EQ(sent.text.substr(257, 5), "ustar");
    EXPECT_EQ(rooms.ask("GET", "/api/admin/disk", token).json().at("backup_bytes"), made.json().at("bytes"));
    EXPECT_EQ(rooms.ask("DELETE", "/api/admin/backups/" + name, token).status, 200);
    EXPECT_EQ(rooms.ask("GET", "/api/admin/backups/" + name, token).status, 404);
}

TEST_F(ApiAdmin, BackupNamesNeverLeaveTheirFolder) {
    fs::create_directories(rooms.folder / "backups");
    const std::string link = "heart-20261128-004512-0123abcd.tar", folder = "heart-20261128-004512-0123abce.tar";
    fs::create_symlink(rooms.folder / "heartmula.db", rooms.folder / "backups" / link);
    fs::create_directory(rooms.folder / "backups" / folder);
    std::ofstream(rooms.folder / "backups" / "other.tar") << "x";
    for (const std::string& name : {link, folder, std::string("other.tar"), std::string("..%2Fheartmula.db"),
                                    std::string("heart-20261128-004512-0123ABCD.tar"), link + "%00", link + ".gz"}) {
        const int status = rooms.ask("GET", "/api/admin/backups/" + name, token).status;
        EXPECT_TRUE(status == 404 || status == 400) << name << ": " << status;
        const int removed = rooms.ask("DELETE", "/api/admin/backups/" + name, token).status;
        EXPECT_TRUE(removed == 404 || removed == 400) << name << ": " << removed;
    }
    EXPECT_TRUE(fs::exists(rooms.folder / "heartmula.db"));
    EXPECT_TRUE(rooms.ask("GET", "/api/admin/backups", token).json().at("items").empty());
}

}  // namespace
}  // namespace heart::test
