#pragma once

#include "server/database/jobs.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::server::database {

/// A finished song, in the table "generations".
struct Song {
    std::string id;       ///< that of its job
    std::string user_id;  ///< empty: from an old database, of nobody
    std::string request_id;
    SongSettings settings;
    std::string audio_path;      ///< relative to the data folder: "audio/<id>.wav"
    std::string thumbnail_path;  ///< relative; empty: none
    std::int64_t duration_ms = 0, frames = 0;
    std::string recipe;  ///< JSON object: every setting that made it; empty for songs of an old database
    bool favourite = false;
    int rating = 0;  ///< 1..5; 0: none
    TimeMs created = 0;
    std::optional<TimeMs> deleted;  ///< in the bin since
    /// How well the sound goes with the tags, about -1 to 1; see Likeness, which alone sets it. None where nobody has found
    /// out, or where the tags were changed since.
    std::optional<double> tag_similarity;
};

struct SongQuery {
    std::string user_id;  ///< empty: songs of nobody
    std::string search;   ///< words; each must be somewhere in title, tags or lyrics, without regard to case, in any script
    bool favourites = false, deleted = false;
    std::optional<std::string> playlist_id;
    /// tag_similarity: the best first, songs without one last.
    enum class Order { newest, oldest, title, longest, tag_similarity } order = Order::newest;
    std::int64_t offset = 0, limit = 20;
};

struct SongPage {
    std::vector<Song> songs;
    std::int64_t total = 0;
};

struct Playlist {
    std::string id, user_id, name;
    TimeMs created = 0;
    std::int64_t songs = 0;
};

/// Finished songs, their search, and playlists. A song in the bin is found only by asking for it. An empty `user_id` stands
/// for nobody, whose songs came from an old database: endpoints must not let it in from outside.
class Songs {
public:
    explicit Songs(Database& database) : db_(database) {}

    /// Adds the song and completes its job in one transaction: neither is ever there without the other. False, and nothing
    /// done, when the job is not processing any more.
    bool add_finished(const Song& song);
    void add(const Song& song);  ///< without a job: imported ones

    [[nodiscard]] std::optional<Song> by_id(std::string_view id) const;  ///< also from the bin: see `deleted`
    /// Throws ErrorCode::limit for a search of more than 1,000 bytes or 32 words.
    [[nodiscard]] SongPage find(const SongQuery& query) const;

    /// What the owner may change; none: stays.
    struct Change {
        std::optional<std::string> title, tags, lyrics;
        std::optional<bool> favourite;
        std::optional<int> rating;
    };
    bool change(std::string_view user_id, std::string_view id, const Change& change);
    void set_thumbnail(std::string_view id, std::string_view path);

    /// When its lines are sung, as JSON; none where nobody has found out, or where the lyrics were changed since.
    [[nodiscard]] std::optional<std::string> timings(std::string_view id) const;
    /// False, and nothing done, when the song's lyrics are not these any more.
    bool set_timings(std::string_view id, std::string_view lyrics, std::string_view lines);

    /// Into the bin or out of it; returns how many were theirs and moved.
    std::int64_t set_deleted(std::string_view user_id, const std::vector<std::string>& ids, bool deleted);
    /// For good, with the jobs that made them. Returns what was removed, for its files: these songs of the user, in the bin
    /// or not; or all that are in the bin since before `before`.
    std::vector<Song> purge(std::string_view user_id, const std::vector<std::string>& ids);
    std::vector<Song> purge_before(TimeMs before);
    [[nodiscard]] std::int64_t count() const;

    [[nodiscard]] std::vector<Playlist> playlists(std::string_view user_id) const;
    [[nodiscard]] std::optional<Playlist> playlist(std::string_view id) const;
    void add_playlist(const Playlist& playlist);
    bool rename_playlist(std::string_view user_id, std::string_view id, std::string_view name);
    bool remove_playlist(std::string_view user_id, std::string_view id);
    /// The whole list in its new order; ids that are not this user's songs, or come twice, are left out. Songs in the bin
    /// stay in the list, unseen. False: no such list.
    bool set_playlist_songs(std::string_view user_id, std::string_view id, const std::vector<std::string>& songs);
    [[nodiscard]] std::vector<std::string> playlist_songs(std::string_view id) const;

private:
    Database& db_;
};

}  // namespace heart::server::database
