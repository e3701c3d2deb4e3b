// Who may do what: every route, asked by everyone.

#include "server/accounts/tokens.h"
#include "server/studio_fixture.h"

#include <fstream>
#include <map>
#include <set>
#include <vector>

namespace heart::test {
namespace {

using namespace server;
using api::Json;

/// What the {id} of a route stands for; made anew for each request, of the user "owner".
enum class Thing {
    none,
    song,
    song_with_files,
    embedded_song,
    job,
    failed_job,
    playlist,
    webhook,
    share,
    account,
    invite,
    backup,
    model,
    reference
};

/// The status that each gets.
struct Expected {
    int nobody, other, admin, owner;
};

struct Rule {
    Thing thing = Thing::none;
    Expected expected{};
    std::string body;   ///< of the request; "": none
    std::string query;  ///< behind the path
};

constexpr Expected kOpen{200, 200, 200, 200}, kSignedIn{401, 200, 200, 200}, kOwn{401, 404, 404, 200},
    kAdmin{401, 403, 200, 403}, kBadRequest{422, 422, 422, 422};

/// A route that is not here fails the test: whoever adds one says here who may use it.
const std::map<std::string, Rule>& rules() {
    static const std::string song = R"({"lyrics":"la","tags":"pop"})", name = R"({"name":"n"})", none = "{}",
                             ids = R"({"ids":["x"]})";
    static const std::map<std::string, Rule> table{
        {"POST /api/auth/register", {Thing::none, kBadRequest, none}},
        {"POST /api/auth/login", {Thing::none, kBadRequest, none}},
        {"GET /api/auth/me", {Thing::none, kSignedIn}},
        {"POST /api/auth/password", {Thing::none, {401, 422, 422, 422}, none}},
        {"POST /api/auth/sign-out-everywhere", {Thing::none, kSignedIn}},
        {"POST /api/generate", {Thing::none, kSignedIn, song}},
        {"GET /api/queue", {Thing::none, kSignedIn}},
        {"DELETE /api/queue/{id}", {Thing::job, {401, 403, 403, 200}}},
        {"GET /api/jobs/failures", {Thing::none, kSignedIn}},
        {"GET /api/jobs/{id}", {Thing::job, kOwn}},
        {"DELETE /api/jobs/{id}", {Thing::failed_job, kOwn}},
        {"POST /api/jobs/{id}/retry", {Thing::failed_job, kOwn}},
        {"POST /api/jobs/{id}/move", {Thing::job, kOwn, none}},
        {"GET /api/jobs/{id}/audio", {Thing::job, {401, 404, 404, 404}}},  // nothing is heard of a waiting one
        {"GET /api/events", {Thing::none, kSignedIn}},
        {"WS /ws/progress", {Thing::none, kOpen}},  // tells nothing without a token
        {"GET /api/history", {Thing::none, kSignedIn}},
        {"GET /api/history/{id}", {Thing::song, {401, 403, 403, 200}}},
        {"DELETE /api/history/{id}", {Thing::song, kOwn}},
        {"GET /api/audio/{id}", {Thing::song_with_files, kOwn}},
        {"GET /api/audio/{id}/peaks", {Thing::song_with_files, kOwn}},
        {"GET /api/thumbnail/{id}", {Thing::song_with_files, kOwn}},
        {"GET /api/songs", {Thing::none, kSignedIn}},
        {"PATCH /api/songs/{id}", {Thing::song, kOwn, R"({"favourite":true})"}},
        {"POST /api/songs/delete", {Thing::none, kSignedIn, ids}},
        {"POST /api/songs/restore", {Thing::none, kSignedIn, ids}},
        {"POST /api/songs/purge", {Thing::none, kSignedIn, ids}},
        {"POST /api/songs/{id}/cover", {Thing::song, kOwn, small_png()}},
        {"DELETE /api/songs/{id}/cover", {Thing::song_with_files, kOwn}},
        {"GET /api/songs/{id}/recipe", {Thing::song, kOwn}},
        {"GET /api/songs/{id}/media", {Thing::song, kOwn}},
        {"GET /api/songs/{id}/timings", {Thing::song, kOwn}},
        {"POST /api/songs/{id}/timings", {Thing::song, {401, 404, 404, 501}}},
        {"GET /api/references", {Thing::none, kSignedIn}},
        {"POST /api/references", {Thing::none, {401, 501, 501, 501}}},
        {"DELETE /api/references/{id}", {Thing::reference, kOwn}},
        {"POST /api/songs/{id}/reference", {Thing::song_with_files, {401, 404, 404, 501}}},
        {"GET /api/songs/{id}/embedding", {Thing::song, kOwn}},
        {"POST /api/songs/{id}/embedding", {Thing::song, {401, 404, 404, 501}}},
        {"GET /api/songs/{id}/similar", {Thing::embedded_song, kOwn}},
        {"GET /api/playlists", {Thing::none, kSignedIn}},
        {"POST /api/playlists", {Thing::none, kSignedIn, name}},
        {"GET /api/playlists/{id}", {Thing::playlist, kOwn}},
        {"PATCH /api/playlists/{id}", {Thing::playlist, kOwn, name}},
        {"DELETE /api/playlists/{id}", {Thing::playlist, kOwn}},
        {"PUT /api/playlists/{id}/songs", {Thing::playlist, kOwn, R"({"songs":[]})"}},
        {"POST /api/songs/{id}/shares", {Thing::song, kOwn, none}},
        {"GET /api/songs/{id}/shares", {Thing::song, kOwn}},
        {"DELETE /api/songs/{id}/shares", {Thing::song, kOwn}},
        {"GET /api/shared/{token}", {Thing::share, kOpen}},
        {"POST /api/ai/lyrics", {Thing::none, {401, 503, 503, 503}, R"({"prompt":"rain"})"}},
        {"POST /api/ai/thumbnail", {Thing::none, {401, 503, 503, 503}, R"({"title":"t","tags":"pop"})"}},
        {"GET /api/admin/users", {Thing::none, kAdmin}},
        {"PATCH /api/admin/users/{id}", {Thing::account, kAdmin, R"({"disabled":true})"}},
        {"DELETE /api/admin/users/{id}", {Thing::account, kAdmin}},
        {"GET /api/admin/invites", {Thing::none, kAdmin}},
        {"POST /api/admin/invites", {Thing::none, kAdmin, none}},
        {"DELETE /api/admin/invites/{id}", {Thing::invite, kAdmin}},
        {"GET /api/admin/queue", {Thing::none, kAdmin}},
        {"DELETE /api/admin/queue/{id}", {Thing::job, kAdmin}},
        {"GET /api/admin/disk", {Thing::none, kAdmin}},
        {"POST /api/admin/backup", {Thing::none, kAdmin}},
        {"GET /api/admin/backups", {Thing::none, kAdmin}},
        {"GET /api/admin/backups/{name}", {Thing::backup, kAdmin}},
        {"DELETE /api/admin/backups/{name}", {Thing::backup, kAdmin}},
        {"GET /api/admin/models", {Thing::none, kAdmin}},
        {"POST /api/admin/models/pull", {Thing::none, {401, 403, 404, 403}, R"({"names":["none of these"]})"}},
        {"DELETE /api/admin/models/pull", {Thing::none, {401, 403, 404, 403}}},
        {"GET /api/webhooks", {Thing::none, kSignedIn}},
        {"POST /api/webhooks", {Thing::none, kSignedIn, R"({"url":"https://example.org/"})"}},
        {"DELETE /api/webhooks/{id}", {Thing::webhook, kOwn}},
        {"GET /v1/models", {Thing::none, kSignedIn}},
        {"GET /v1/models/{model}", {Thing::model, kSignedIn}},
        {"POST /v1/audio/speech", {Thing::none, {401, 400, 400, 400}, none}},
        {"POST /v1/audio/transcriptions", {Thing::none, {401, 501, 501, 501}}},
        {"GET /api/status", {Thing::none, kOpen}},
        {"GET /health", {Thing::none, kOpen}},
        {"GET /ready", {Thing::none, kOpen}},
        {"GET /metrics", {Thing::none, kAdmin}},
        {"GET /openapi.json", {Thing::none, kOpen}},
        {"GET /docs", {Thing::none, kOpen}},
        {"GET /docs/docs.js", {Thing::none, kOpen}},
        {"GET /docs/docs.css", {Thing::none, kOpen}},
    };
    return table;
}

class Authorization : public ::testing::Test {
protected:
    Authorization()
        : rooms([](api::StudioOptions& o) {
              o.signed_media = true;
              o.queue.per_user = o.queue.all = 100'000;
          }) {
        admin = rooms.add_user("admin");
        owner = rooms.add_user("owner");
        other = rooms.add_user("other");
        with_files = rooms.add_song(owner, "Heard", true);
    }

    /// The id, token or name of a new one.
    std::string make(Thing thing) {
        const database::TimeMs now = database::now_ms();
        switch (thing) {
            case Thing::none: return "";
            case Thing::model: return "heartmula";
            case Thing::song: return rooms.add_song(owner).id;
            case Thing::song_with_files: return with_files.id;
            case Thing::embedded_song: {
                const auto song = rooms.add_song(owner);
                EXPECT_TRUE(rooms.services->likeness.set_embedding(song.id, {{1.0F}, "m", true}, song.settings.tags, 1.0));
                return song.id;
            }
            case Thing::reference: {
                const std::string id = database::new_id();
                rooms.services->likeness.add_reference(
                    {.id = id, .user_id = owner.id, .source = "s", .model = "m", .embedding = {1.0F}});
                return id;
            }
            case Thing::job: return rooms.add_job(owner).id;
            case Thing::failed_job: {
                const database::Job job = rooms.add_job(owner);
                EXPECT_TRUE(rooms.runner->cancel(job));
                return job.id;
            }
            case Thing::playlist: {
                const database::Playlist list{.id = database::new_id(), .user_id = owner.id, .name = "p", .created = now};
                rooms.services->songs.add_playlist(list);
                return list.id;
            }
            case Thing::webhook: {
                for (const auto& hook : rooms.services->ledger.webhooks(owner.id)) {
                    (void)rooms.services->ledger.remove_webhook(owner.id, hook.id);
                }
                const std::string id = database::new_id();
                rooms.services->ledger.add_webhook({id, owner.id, "https://example.org/", std::string(43, 's'), now});
                return id;
            }
            case Thing::share: {
                const std::string token = accounts::random_secret();
                rooms.services->ledger.add_share(
                    {accounts::hash_secret(token), rooms.add_song(owner).id, owner.id, now, now + 3'600'000});
                return token;
            }
            case Thing::account: return rooms.add_user("guest" + std::to_string(++guests)).id;
            case Thing::invite: return accounts::hash_secret(rooms.accounts->invite(admin, std::chrono::hours(1)));
            case Thing::backup: {
                const std::string name = "heart-20261128-004512-0123abcd.tar";
                std::filesystem::create_directories(rooms.folder / "backups");
                std::ofstream(rooms.folder / "backups" / name) << "tar";
                return name;
            }
        }
        return "";
    }

    static std::string with_id(const std::string& pattern, const std::string& id) {
        const std::size_t from = pattern.find('{');
        if (from == std::string::npos) return pattern;
        return pattern.substr(0, from) + id + pattern.substr(pattern.find('}') + 1);
    }

    Answer ask(const std::string& route, const std::string& id, const std::string& token) {
        const Rule& rule = rules().at(route);
        const std::size_t space = route.find(' ');
        const std::string method = route.substr(0, space), target = with_id(route.substr(space + 1), id);
        if (method == "WS") return greet(target, token);
        return rooms.ask(method, target + rule.query, token, rule.body);
    }

    /// Whether a socket is let in.
    Answer greet(const std::string& path, const std::string& token) {
        struct Peer : http::WebSocketPeer {
            void send(std::string) override {}
            void close(int, std::string_view) override {}
        };
        http::Request request;
        request.method = "GET";
        request.path = path;
        if (!token.empty()) request.query = {{"token", token}};
        try {
            const auto match = rooms.router.find("GET", path);
            const auto calls = (*match.websocket)(request, std::make_shared<Peer>());
            if (calls.on_end) calls.on_end();
            return {200, {}, ""};
        } catch (...) {
            return {api::error_reply(request, std::current_exception()).status, {}, ""};
        }
    }

    StudioRooms rooms;
    database::User admin, owner, other;
    database::Song with_files;
    int guests = 0;
};

TEST_F(Authorization, EveryRouteHasARuleAndEveryRuleARoute) {
    std::set<std::string> routes, known;
    for (const std::string& route : rooms.router.routes()) routes.insert(route);
    for (const auto& [route, rule] : rules()) known.insert(route);
    for (const std::string& route : routes) EXPECT_TRUE(known.contains(route)) << "who may use " << route << "?";
    for (const std::string& route : known) EXPECT_TRUE(routes.contains(route)) << "there is no " << route;
}

TEST_F(Authorization, EveryoneGetsFromEveryRouteWhatIsTheirs) {
    for (const auto& [route, rule] : rules()) {
        const std::vector<std::tuple<const char*, const database::User*, int>> askers{
            {"nobody", nullptr, rule.expected.nobody},
            {"other", &other, rule.expected.other},
            {"admin", &admin, rule.expected.admin},
            {"owner", &owner, rule.expected.owner}};
        for (const auto& [who, user, expected] : askers) {
            const std::string id = make(rule.thing);
            const Answer answer = ask(route, id, user == nullptr ? "" : rooms.token_of(*user));
            EXPECT_EQ(answer.status, expected) << who << ": " << route << "\n" << answer.text.substr(0, 300);
            if (answer.status == 401) {
                EXPECT_TRUE(answer.headers.find("WWW-Authenticate")) << route;
            }
        }
    }
}

TEST_F(Authorization, WhatIsOfSomeoneElseLooksLikeWhatIsNotThere) {
    for (const auto& [route, rule] : rules()) {
        const bool pinned = route == "GET /api/history/{id}";  // the contract says 403 where there is one
        if (pinned || rule.thing == Thing::none || rule.expected.other < 400) continue;
        std::string id = make(rule.thing), unknown = database::new_id();
        Answer theirs = ask(route, id, rooms.token_of(other));
        Answer nothing = ask(route, unknown, rooms.token_of(other));
        EXPECT_EQ(theirs.status, nothing.status) << route;
        EXPECT_EQ(theirs.text, nothing.text) << route;
    }
}

TEST_F(Authorization, NoRouteTakesATokenThatIsNotGood) {
    database::User gone = rooms.add_user("gone"), blocked = rooms.add_user("blocked"), out = rooms.add_user("out");
    const std::int64_t now = database::now_ms() / 1000;
    const std::string good = rooms.token_of(owner);
    std::string tampered = good;
    tampered.back() = tampered.back() == 'A' ? 'Q' : 'A';
    std::map<std::string, std::string> bad{
        {"tampered", tampered},
        {"expired", accounts::sign_token(rooms.accounts->key(), {.subject = owner.id, .expires = now - 1})},
        {"of another key",
         accounts::sign_token(accounts::SigningKey(std::string(32, 'x')), {.subject = owner.id, .expires = now + 3600})},
        // {"alg":"none","typ":"JWT"} and the good one's claims
        {"unsigned",
         "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + good.substr(good.find('.') + 1, good.rfind('.') - good.find('.'))},
        {"of a user who is gone", rooms.token_of(gone)},
        {"of a disabled user", rooms.token_of(blocked)},
        {"of before the sign-out", rooms.token_of(out)},
        {"no token at all", "la la la"}};
    (void)rooms.services->users.remove(gone.id);
    rooms.services->users.set_disabled(blocked.id, true);
    rooms.accounts->sign_out_everywhere(out);
    for (const auto& [route, rule] : rules()) {
        if (rule.expected.nobody != 401) continue;
        const std::string id = make(rule.thing);
        for (const auto& [what, token] : bad) EXPECT_EQ(ask(route, id, token).status, 401) << route << ", token " << what;
    }
    for (const auto& [what, token] : bad) EXPECT_EQ(ask("WS /ws/progress", "", token).status, 401) << "token " << what;
}

TEST_F(Authorization, EveryRouteIsInTheDescriptionAndNothingElse) {
    const Json described = rooms.ask("GET", "/openapi.json").json();
    std::set<std::string> there, routes;
    for (const auto& [path, methods] : described.at("paths").items()) {
        for (const auto& [method, operation] : methods.items()) {
            std::string upper = method;
            for (char& c : upper) c = static_cast<char>(std::toupper(c));
            there.insert(upper + " " + path);
        }
    }
    for (std::string route : rooms.router.routes()) {
        if (route.starts_with("WS ")) route = "GET " + route.substr(3);
        routes.insert(route);
    }
    EXPECT_EQ(there, routes);
}

}  // namespace
}  // namespace heart::test
