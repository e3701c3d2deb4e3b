#include "server/database/migrations.h"

#include "server/database/python_studio.h"
#include "server/database/query.h"
#include "server/database/song_search.h"

#include <fmt/format.h>

#include <iterator>
#include <string>

namespace heart::server::database {
namespace {

/// "Hear": PRAGMA application_id of our files.
constexpr std::int64_t kApplication = 0x48656172;

// Times are UTC milliseconds, but for created_at of users and generations: those two tables keep the names and meanings
// that the Python studio gave them, with ours beside. Text in created_at is UTC.
constexpr const char* kFirstSchema[] = {
    "CREATE TABLE users (id TEXT PRIMARY KEY NOT NULL, username TEXT UNIQUE NOT NULL, email TEXT UNIQUE NOT NULL, "
    "password_hash TEXT NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, "
    "admin INTEGER NOT NULL DEFAULT 0, disabled INTEGER NOT NULL DEFAULT 0, token_generation BIGINT NOT NULL DEFAULT 0)",

    // `number` never changes and is never given twice: what searching knows a song by. Long text stands last, so that the
    // rest of a row is read without it.
    "CREATE TABLE generations (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, title TEXT, "
    "audio_path TEXT NOT NULL, thumbnail_path TEXT, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, "
    "duration_ms BIGINT NOT NULL DEFAULT 0, temperature DOUBLE PRECISION NOT NULL DEFAULT 1.0, "
    "topk BIGINT NOT NULL DEFAULT 50, cfg_scale DOUBLE PRECISION NOT NULL DEFAULT 1.5, "
    "user_id TEXT REFERENCES users (id) ON DELETE CASCADE, "
    "request_id TEXT NOT NULL DEFAULT '', seed BIGINT NOT NULL DEFAULT 0, take BIGINT NOT NULL DEFAULT 0, "
    "max_audio_length_ms BIGINT NOT NULL DEFAULT 120000, frames BIGINT NOT NULL DEFAULT 0, "
    "favourite INTEGER NOT NULL DEFAULT 0, rating INTEGER NOT NULL DEFAULT 0, deleted_at BIGINT, "
    "sort_title TEXT NOT NULL DEFAULT '', tags TEXT NOT NULL, lyrics TEXT NOT NULL, recipe TEXT NOT NULL DEFAULT '')",
    // Each holds all that finding a page in its order takes.
    "CREATE INDEX idx_user_generations ON generations (user_id, created_at DESC, deleted_at, favourite)",
    "CREATE INDEX idx_user_titles ON generations (user_id, sort_title, created_at DESC, deleted_at, favourite)",
    "CREATE INDEX idx_user_durations ON generations (user_id, duration_ms DESC, created_at DESC, deleted_at, favourite)",
    "CREATE INDEX idx_bin ON generations (deleted_at) WHERE deleted_at IS NOT NULL",

    "CREATE TABLE jobs (id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "request_id TEXT NOT NULL, title TEXT NOT NULL, lyrics TEXT NOT NULL, tags TEXT NOT NULL, "
    "max_audio_length_ms BIGINT NOT NULL, temperature DOUBLE PRECISION NOT NULL, topk BIGINT NOT NULL, "
    "cfg_scale DOUBLE PRECISION NOT NULL, seed BIGINT NOT NULL, take BIGINT NOT NULL, "
    "state TEXT NOT NULL CHECK (state IN ('pending', 'processing', 'completed', 'failed', 'cancelled')), "
    "reason TEXT NOT NULL DEFAULT '', attempts BIGINT NOT NULL DEFAULT 0, cancel_asked INTEGER NOT NULL DEFAULT 0, "
    "place DOUBLE PRECISION NOT NULL, created_at BIGINT NOT NULL, started_at BIGINT, finished_at BIGINT, "
    "announced INTEGER NOT NULL DEFAULT 1)",
    "CREATE INDEX idx_jobs_user ON jobs (user_id, state, place)",
    "CREATE INDEX idx_jobs_state ON jobs (state)",
    "CREATE INDEX idx_jobs_unannounced ON jobs (finished_at) WHERE announced = 0",

    // When each user was last served, counted in starts: two starts never tie, whatever the clock says.
    "CREATE TABLE turns (user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "last_turn BIGINT NOT NULL)",

    "CREATE TABLE playlists (id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "name TEXT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE INDEX idx_playlists_user ON playlists (user_id, created_at)",
    "CREATE TABLE playlist_songs (playlist_id TEXT NOT NULL REFERENCES playlists (id) ON DELETE CASCADE, "
    "song_id TEXT NOT NULL REFERENCES generations (id) ON DELETE CASCADE, place BIGINT NOT NULL, "
    "PRIMARY KEY (playlist_id, song_id))",
    "CREATE INDEX idx_playlist_songs_song ON playlist_songs (song_id)",

    // used_by outlives the account: an invite is never good twice.
    "CREATE TABLE invites (code_hash TEXT PRIMARY KEY NOT NULL, created_by TEXT REFERENCES users (id) ON DELETE CASCADE, "
    "created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_by TEXT)",

    "CREATE TABLE idempotency_keys (user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, key TEXT NOT NULL, "
    "request_hash TEXT NOT NULL, status INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL DEFAULT '', "
    "created_at BIGINT NOT NULL, PRIMARY KEY (user_id, key))",
    "CREATE INDEX idx_idempotency_keys_time ON idempotency_keys (created_at)",

    "CREATE TABLE webhooks (id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "url TEXT NOT NULL, secret TEXT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE INDEX idx_webhooks_user ON webhooks (user_id, created_at)",
    "CREATE TABLE deliveries (id TEXT PRIMARY KEY NOT NULL, "
    "webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE, event TEXT NOT NULL, body TEXT NOT NULL, "
    "attempts BIGINT NOT NULL DEFAULT 0, next_try BIGINT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE INDEX idx_deliveries_due ON deliveries (next_try)",
    "CREATE INDEX idx_deliveries_webhook ON deliveries (webhook_id)",

    "CREATE TABLE shares (token_hash TEXT PRIMARY KEY NOT NULL, "
    "song_id TEXT NOT NULL REFERENCES generations (id) ON DELETE CASCADE, "
    "user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
    "CREATE INDEX idx_shares_song ON shares (song_id)",
    "CREATE INDEX idx_shares_user ON shares (user_id)",

    "CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)",
};

std::int64_t number(soci::session& session, const std::string& sql) {
    Query query(session, sql, "i");
    return query.next() ? query.integer() : 0;
}

void run(soci::session& session, const std::string& sql) {
    Query(session, sql).run();
}

/// A step and the number of the schema that it makes.
void to_first_schema(soci::session& session) {
    for (const char* statement : kFirstSchema) run(session, statement);
    search::create(session);
    run(session, fmt::format("PRAGMA application_id = {}", kApplication));
}

/// When lines are sung; gone with the song, and with the words that they were found for.
void add_timings(soci::session& session) {
    run(session,
        "CREATE TABLE timings (song_id TEXT PRIMARY KEY NOT NULL REFERENCES generations (id) ON DELETE CASCADE, "
        "lines TEXT NOT NULL, made_at BIGINT NOT NULL)");
}

/// What sounds like what: references that songs are to take after, a job's own copy of one, and what songs are in the same
/// space. `last_use` counts uses, so that two never tie, whatever the clock says. Vectors are base64 of little-endian 32-bit
/// floats.
void add_likeness(soci::session& session) {
    for (const char* statement : {
             "CREATE TABLE kept_references (id TEXT PRIMARY KEY NOT NULL, "
             "user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, source TEXT NOT NULL, "
             "start_seconds DOUBLE PRECISION NOT NULL, seconds DOUBLE PRECISION NOT NULL, model TEXT NOT NULL, "
             "licence TEXT NOT NULL, last_use BIGINT NOT NULL, created_at BIGINT NOT NULL, embedding TEXT NOT NULL)",
             "CREATE INDEX idx_kept_references_user ON kept_references (user_id, last_use)",
             "ALTER TABLE jobs ADD COLUMN reference TEXT NOT NULL DEFAULT ''",

             "CREATE TABLE song_embeddings (song_id TEXT PRIMARY KEY NOT NULL REFERENCES generations (id) ON DELETE "
             "CASCADE, "
             "model TEXT NOT NULL, compared INTEGER NOT NULL, made_at BIGINT NOT NULL, embedding TEXT NOT NULL)",
             "CREATE TABLE embedding_orders (number INTEGER PRIMARY KEY AUTOINCREMENT, "
             "song_id TEXT UNIQUE NOT NULL REFERENCES generations (id) ON DELETE CASCADE, "
             "user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, attempts BIGINT NOT NULL DEFAULT 0, "
             "fault TEXT NOT NULL DEFAULT '', asked_at BIGINT NOT NULL)",
             "CREATE INDEX idx_embedding_orders_user ON embedding_orders (user_id)",
             // Beside the songs, since they are put in order by it.
             "ALTER TABLE generations ADD COLUMN tag_similarity DOUBLE PRECISION",
             "CREATE INDEX idx_user_similarities ON generations (user_id, tag_similarity DESC, created_at DESC, deleted_at, "
             "favourite)",
         }) {
        run(session, statement);
    }
}

constexpr void (*kSteps[])(soci::session&) = {to_first_schema, add_timings, add_likeness};
static_assert(std::size(kSteps) == kNewestSchema);

enum class Kind { fresh, python_studio, ours };

/// What the file is. Throws for what no step leads on from.
Kind kind_of(soci::session& session) {
    const int version = schema_version(session);
    const std::int64_t application = number(session, "PRAGMA application_id");
    const bool empty = number(session, "SELECT COUNT(*) FROM sqlite_master") == 0;
    if (version == 0 && application == 0 && empty) return Kind::fresh;
    if (version == 0 && application == 0 && is_python_studio(session)) return Kind::python_studio;
    if (version <= 0 || application != kApplication) {
        throw Error(ErrorCode::malformed, "the database is of some other program");
    }
    if (version > kNewestSchema) {
        throw Error(ErrorCode::unsupported, "the database was written by a newer version of this program")
            .expected(fmt::format("schema {} or older", kNewestSchema))
            .found(fmt::format("{}", version));
    }
    return Kind::ours;
}

}  // namespace

int schema_version(soci::session& session) {
    return static_cast<int>(number(session, "PRAGMA user_version"));
}

void migrate(soci::session& session, const std::filesystem::path& file) {
    if (kind_of(session) == Kind::python_studio) back_up_python_studio(session, file);
    {
        Query query(session, "PRAGMA journal_mode = WAL", "t");
        if (!query.next() || query.text() != "wal") {
            throw Error(ErrorCode::io, "the database's folder cannot hold a write-ahead log");
        }
    }
    for (;;) {
        run(session, "BEGIN IMMEDIATE");
        try {
            const Kind kind = kind_of(session);  // another program may have been here before
            const int version = schema_version(session);
            if (version == kNewestSchema) {
                search::put_missing(session);
                run(session, "COMMIT");
                return;
            }
            const PythonStudio old = kind == Kind::python_studio ? take_out_python_studio(session) : PythonStudio{};
            kSteps[version](session);
            if (kind == Kind::python_studio) put_in_python_studio(session, old);
            run(session, fmt::format("PRAGMA user_version = {}", version + 1));
            run(session, "COMMIT");
        } catch (...) {
            try {
                run(session, "ROLLBACK");
            } catch (const soci::soci_error&) {  // SQLite has undone it by itself; the first error says why
            }
            throw;
        }
    }
}

}  // namespace heart::server::database
