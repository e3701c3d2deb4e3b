#include "server/database/songs.h"

#include "server/database/rows.h"
#include "server/database/song_search.h"
#include "server/database/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

namespace heart::server::database {
namespace {

std::string select_songs(std::string_view rest) {
    return fmt::format("SELECT {} FROM generations g {}", kSongColumns, rest);
}

std::string_view order_of(SongQuery::Order order) {
    switch (order) {
        case SongQuery::Order::oldest: return "g.created_at, g.number";
        case SongQuery::Order::title: return "g.sort_title, g.created_at DESC, g.number DESC";
        case SongQuery::Order::longest: return "g.duration_ms DESC, g.created_at DESC, g.number DESC";
        case SongQuery::Order::tag_similarity: return "g.tag_similarity DESC NULLS LAST, g.created_at DESC, g.number DESC";
        case SongQuery::Order::newest: break;
    }
    return "g.created_at DESC, g.number DESC";
}

/// The table and conditions of a query; `bind_query` gives their values.
std::string from_of(const SongQuery& query, const std::vector<std::string>& words) {
    return fmt::format(
        "FROM generations g WHERE {} AND g.deleted_at IS {}NULL{}{}{}", owned_by(query.user_id), query.deleted ? "NOT " : "",
        query.favourites ? " AND g.favourite = 1" : "",
        query.playlist_id ? " AND g.id IN (SELECT song_id FROM playlist_songs WHERE playlist_id = :playlist)" : "",
        search::condition(words));
}

void bind_query(Query& sql, const SongQuery& query, const std::vector<std::string>& words) {
    bind_owner(sql, query.user_id);
    if (query.playlist_id) sql.with("playlist", *query.playlist_id);
    search::bind(sql, words);
}

std::vector<Song> read_songs(Query& query) {
    std::vector<Song> songs;
    while (query.next()) songs.push_back(read_song(query));
    return songs;
}

std::optional<Song> find_song(soci::session& session, std::string_view id) {
    Query query(session, select_songs("WHERE g.id = :id"), kSongKinds);
    query.with("id", id);
    if (!query.next()) return {};
    return read_song(query);
}

/// Removes songs and the jobs that made them.
void delete_songs(soci::session& session, const std::vector<Song>& songs) {
    for (const Song& song : songs) {
        search::remove(session, song.id);
        Query(session, "DELETE FROM generations WHERE id = :id").with("id", song.id).run();
        Query(session, "DELETE FROM jobs WHERE id = :id AND state = 'completed'").with("id", song.id).run();
    }
}

}  // namespace

SongSettings read_settings(Query& query) {
    SongSettings s;
    s.title = query.text();
    s.lyrics = query.text();
    s.tags = query.text();
    s.max_audio_length_ms = query.integer();
    s.temperature = query.real();
    s.topk = query.integer();
    s.cfg_scale = query.real();
    s.seed = std::bit_cast<std::uint64_t>(query.integer());
    s.take = query.integer();
    return s;
}

Query& bind_settings(Query& query, const SongSettings& s) {
    return query.with("title", s.title)
        .with("lyrics", s.lyrics)
        .with("tags", s.tags)
        .with("length", s.max_audio_length_ms)
        .with("temperature", s.temperature)
        .with("topk", s.topk)
        .with("cfg", s.cfg_scale)
        .with("seed", std::bit_cast<std::int64_t>(s.seed))
        .with("take", s.take);
}

Song read_song(Query& query) {
    Song song;
    song.id = query.text();
    song.user_id = query.text();
    song.request_id = query.text();
    song.settings = read_settings(query);
    if (song.settings.title.empty()) song.settings.title = "Generation " + song.id.substr(0, 8);
    song.audio_path = query.text();
    song.thumbnail_path = query.text();
    song.duration_ms = query.integer();
    song.frames = query.integer();
    song.recipe = query.text();
    song.favourite = query.integer() != 0;
    song.rating = static_cast<int>(query.integer());
    song.created = parse_text_time(query.text());
    song.deleted = query.time();
    if (query.null()) (void)query.real();
    else song.tag_similarity = query.real();
    return song;
}

void insert_song(soci::session& session, const Song& song) {
    Query insert(
        session,
        "INSERT INTO generations (id, user_id, request_id, title, lyrics, tags, max_audio_length_ms, temperature, topk, "
        "cfg_scale, seed, take, audio_path, thumbnail_path, duration_ms, frames, recipe, favourite, rating, created_at, "
        "deleted_at) VALUES (:id, :user, :request, :title, :lyrics, :tags, :length, :temperature, :topk, :cfg, :seed, "
        ":take, :audio, :thumbnail, :duration, :frames, :recipe, :favourite, :rating, :created, :deleted)");
    bind_settings(insert, song.settings)
        .with("id", song.id)
        .with_or_null("user", song.user_id)
        .with("request", song.request_id)
        .with("audio", song.audio_path)
        .with_or_null("thumbnail", song.thumbnail_path)
        .with("duration", song.duration_ms)
        .with("frames", song.frames)
        .with("recipe", song.recipe)
        .with("favourite", song.favourite)
        .with("rating", song.rating)
        .with("created", text_time(song.created == 0 ? now_ms() : song.created))
        .with("deleted", song.deleted)
        .run();
    search::put(session, song.id, song.settings.title, song.settings.tags, song.settings.lyrics);
}

std::string_view owned_by(std::string_view user_id) {
    return user_id.empty() ? "g.user_id IS NULL" : "g.user_id = :user";
}

void bind_owner(Query& query, std::string_view user_id) {
    if (!user_id.empty()) query.with("user", user_id);
}

bool Songs::add_finished(const Song& song) {
    bool added = false;
    db_.write([&](soci::session& session) {
        added = Query(session,
                      "UPDATE jobs SET state = 'completed', reason = '', finished_at = :now, announced = 0 "
                      "WHERE id = :id AND state = 'processing'")
                    .with("now", now_ms())
                    .with("id", song.id)
                    .run() == 1;
        if (added) insert_song(session, song);
    });
    return added;
}

void Songs::add(const Song& song) {
    db_.write([&](soci::session& session) { insert_song(session, song); });
}

std::optional<Song> Songs::by_id(std::string_view id) const {
    std::optional<Song> found;
    db_.read([&](soci::session& session) { found = find_song(session, id); });
    return found;
}

SongPage Songs::find(const SongQuery& query) const {
    const std::vector<std::string> words = search::words(query.search);
    const std::string from = from_of(query, words);
    const std::int64_t limit = std::max<std::int64_t>(query.limit, 0), offset = std::max<std::int64_t>(query.offset, 0);
    SongPage page;
    db_.read([&](soci::session& session) {
        // One walk gives the page's ids and how many there are in all; songs themselves are large and read after that.
        std::vector<std::int64_t> numbers;
        Query walk(session,
                   fmt::format("SELECT g.number, COUNT(*) OVER () {} ORDER BY {} LIMIT :most OFFSET :skip", from,
                               order_of(query.order)),
                   "ii");
        bind_query(walk, query, words);
        walk.with("most", limit).with("skip", offset);
        while (walk.next()) {
            numbers.push_back(walk.integer());
            page.total = walk.integer();
        }
        if (numbers.empty() && (offset > 0 || limit == 0)) {
            Query count(session, "SELECT COUNT(*) " + from, "i");
            bind_query(count, query, words);
            if (count.next()) page.total = count.integer();
        }
        for (const std::int64_t number : numbers) {
            Query song(session, select_songs("WHERE g.number = :number"), kSongKinds);
            song.with("number", number);
            if (song.next()) page.songs.push_back(read_song(song));
        }
    });
    return page;
}

bool Songs::change(std::string_view user_id, std::string_view id, const Change& change) {
    bool changed = false;
    db_.write([&](soci::session& session) {
        auto song = find_song(session, id);
        if (!song || song->user_id != user_id) return;
        changed = true;
        SongSettings& s = song->settings;
        if (change.lyrics && *change.lyrics != s.lyrics) {
            Query(session, "DELETE FROM timings WHERE song_id = :id").with("id", id).run();
        }
        if (change.tags && *change.tags != s.tags) {
            Query(session, "UPDATE generations SET tag_similarity = NULL WHERE id = :id").with("id", id).run();
            Query(session, "UPDATE song_embeddings SET compared = 0 WHERE song_id = :id").with("id", id).run();
        }
        s.title = change.title.value_or(s.title);
        s.tags = change.tags.value_or(s.tags);
        s.lyrics = change.lyrics.value_or(s.lyrics);
        Query(session,
              "UPDATE generations SET title = :title, tags = :tags, lyrics = :lyrics, favourite = :favourite, "
              "rating = :rating WHERE id = :id")
            .with("title", s.title)
            .with("tags", s.tags)
            .with("lyrics", s.lyrics)
            .with("favourite", change.favourite.value_or(song->favourite))
            .with("rating", change.rating.value_or(song->rating))
            .with("id", id)
            .run();
        if (change.title || change.tags || change.lyrics) search::put(session, id, s.title, s.tags, s.lyrics);
    });
    return changed;
}

void Songs::set_thumbnail(std::string_view id, std::string_view path) {
    db_.write([&](soci::session& session) {
        Query(session, "UPDATE generations SET thumbnail_path = :path WHERE id = :id")
            .with_or_null("path", path)
            .with("id", id)
            .run();
    });
}

std::optional<std::string> Songs::timings(std::string_view id) const {
    std::optional<std::string> lines;
    db_.read([&](soci::session& session) {
        Query query(session, "SELECT lines FROM timings WHERE song_id = :id", "t");
        query.with("id", id);
        if (query.next()) lines = query.text();
    });
    return lines;
}

bool Songs::set_timings(std::string_view id, std::string_view lyrics, std::string_view lines) {
    bool set = false;
    db_.write([&](soci::session& session) {
        const auto song = find_song(session, id);
        set = song && song->settings.lyrics == lyrics;
        if (!set) return;
        Query(session,
              "INSERT INTO timings (song_id, lines, made_at) VALUES (:id, :lines, :now) "
              "ON CONFLICT (song_id) DO UPDATE SET lines = excluded.lines, made_at = excluded.made_at")
            .with("id", id)
            .with("lines", lines)
            .with("now", now_ms())
            .run();
    });
    return set;
}

std::int64_t Songs::set_deleted(std::string_view user_id, const std::vector<std::string>& ids, bool deleted) {
    std::int64_t moved = 0;
    const std::optional<TimeMs> time = deleted ? std::optional(now_ms()) : std::nullopt;
    db_.write([&](soci::session& session) {
        for (const std::string& id : ids) {
            Query update(session, fmt::format("UPDATE generations AS g SET deleted_at = :time WHERE g.id = :id AND {} AND "
                                              "g.deleted_at IS {}NULL",
                                              owned_by(user_id), deleted ? "" : "NOT "));
            update.with("time", time).with("id", id);
            bind_owner(update, user_id);
            moved += update.run();
        }
    });
    return moved;
}

std::vector<Song> Songs::purge(std::string_view user_id, const std::vector<std::string>& ids) {
    std::vector<Song> gone;
    db_.write([&](soci::session& session) {
        for (const std::string& id : ids) {
            auto song = find_song(session, id);
            if (!song || song->user_id != user_id) continue;
            gone.push_back(std::move(*song));
            delete_songs(session, {gone.back()});
        }
    });
    return gone;
}

std::vector<Song> Songs::purge_before(TimeMs before) {
    std::vector<Song> gone;
    db_.write([&](soci::session& session) {
        {
            Query query(session, select_songs("WHERE g.deleted_at < :before ORDER BY g.deleted_at, g.id"), kSongKinds);
            query.with("before", before);
            gone = read_songs(query);
        }
        delete_songs(session, gone);
    });
    return gone;
}

std::int64_t Songs::count() const {
    std::int64_t count = 0;
    db_.read([&](soci::session& session) {
        Query query(session, "SELECT COUNT(*) FROM generations WHERE deleted_at IS NULL", "i");
        if (query.next()) count = query.integer();
    });
    return count;
}

}  // namespace heart::server::database
