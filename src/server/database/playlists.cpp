#include "server/database/query.h"
#include "server/database/songs.h"

#include <fmt/format.h>

#include <string>

namespace heart::server::database {
namespace {

std::vector<Playlist> find_playlists(const Database& db, const char* where, std::string_view value) {
    std::vector<Playlist> found;
    db.read([&](soci::session& session) {
        Query query(session,
                    fmt::format("SELECT l.id, l.user_id, l.name, l.created_at, "
                                "(SELECT COUNT(*) FROM playlist_songs p JOIN generations g ON g.id = p.song_id "
                                "WHERE p.playlist_id = l.id AND g.deleted_at IS NULL) "
                                "FROM playlists l WHERE {} ORDER BY l.created_at, l.id",
                                where),
                    "tttii");
        query.with("value", value);
        while (query.next()) {
            Playlist& list = found.emplace_back();
            list.id = query.text();
            list.user_id = query.text();
            list.name = query.text();
            list.created = query.integer();
            list.songs = query.integer();
        }
    });
    return found;
}

}  // namespace

std::vector<Playlist> Songs::playlists(std::string_view user_id) const {
    return find_playlists(db_, "l.user_id = :value", user_id);
}

std::optional<Playlist> Songs::playlist(std::string_view id) const {
    auto found = find_playlists(db_, "l.id = :value", id);
    if (found.empty()) return {};
    return std::move(found.front());
}

void Songs::add_playlist(const Playlist& playlist) {
    db_.write([&](soci::session& session) {
        Query(session, "INSERT INTO playlists (id, user_id, name, created_at) VALUES (:id, :user, :name, :created)")
            .with("id", playlist.id)
            .with("user", playlist.user_id)
            .with("name", playlist.name)
            .with("created", playlist.created == 0 ? now_ms() : playlist.created)
            .run();
    });
}

bool Songs::rename_playlist(std::string_view user_id, std::string_view id, std::string_view name) {
    bool done = false;
    db_.write([&](soci::session& session) {
        done = Query(session, "UPDATE playlists SET name = :name WHERE id = :id AND user_id = :user")
                   .with("name", name)
                   .with("id", id)
                   .with("user", user_id)
                   .run() == 1;
    });
    return done;
}

bool Songs::remove_playlist(std::string_view user_id, std::string_view id) {
    bool done = false;
    db_.write([&](soci::session& session) {
        done = Query(session, "DELETE FROM playlists WHERE id = :id AND user_id = :user")
                   .with("id", id)
                   .with("user", user_id)
                   .run() == 1;
    });
    return done;
}

bool Songs::set_playlist_songs(std::string_view user_id, std::string_view id, const std::vector<std::string>& songs) {
    bool done = false;
    db_.write([&](soci::session& session) {
        Query mine(session, "SELECT 1 FROM playlists WHERE id = :id AND user_id = :user", "i");
        mine.with("id", id).with("user", user_id);
        if (!mine.next()) return;
        done = true;
        // What lies in the bin was not shown to whoever made this order; it keeps its place for when it comes back.
        Query(session,
              "DELETE FROM playlist_songs WHERE playlist_id = :id AND song_id IN "
              "(SELECT g.id FROM generations g WHERE g.user_id = :user AND g.deleted_at IS NULL)")
            .with("id", id)
            .with("user", user_id)
            .run();
        std::int64_t place = 0;
        for (const std::string& song : songs) {
            Query(session,
                  "INSERT INTO playlist_songs (playlist_id, song_id, place) "
                  "SELECT :id, g.id, :place FROM generations g WHERE g.id = :song AND g.user_id = :user "
                  "ON CONFLICT (playlist_id, song_id) DO NOTHING")
                .with("id", id)
                .with("place", place++)
                .with("song", song)
                .with("user", user_id)
                .run();
        }
    });
    return done;
}

std::vector<std::string> Songs::playlist_songs(std::string_view id) const {
    std::vector<std::string> songs;
    db_.read([&](soci::session& session) {
        Query query(session,
                    "SELECT p.song_id FROM playlist_songs p JOIN generations g ON g.id = p.song_id "
                    "WHERE p.playlist_id = :id AND g.deleted_at IS NULL ORDER BY p.place, p.song_id",
                    "t");
        query.with("id", id);
        while (query.next()) songs.push_back(query.text());
    });
    return songs;
}

}  // namespace heart::server::database
