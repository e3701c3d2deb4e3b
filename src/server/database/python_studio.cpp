#include "server/database/python_studio.h"

#include "core/utf8.h"
#include "server/database/query.h"
#include "server/database/rows.h"
#include "server/database/sqlite.h"
#include "server/database/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace heart::server::database {
namespace {

std::set<std::string> columns_of(soci::session& session, const char* table) {
    std::set<std::string> names;
    Query query(session, "SELECT name FROM pragma_table_info(:table)", "t");
    query.with("table", table);
    while (query.next()) names.insert(query.text());
    return names;
}

/// SQLite lets any bytes into a text column; ours hold UTF-8 without NUL.
std::string clean(std::string_view text) {
    std::string kept;
    kept.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const Utf8Char c = decode_utf8(text, i);
        if (c.length == 0) {
            append_utf8(kept, 0xfffd);
        } else if (c.code != 0) {
            append_utf8(kept, c.code);
        }
        i += std::max<std::size_t>(c.length, 1);
    }
    return kept;
}

/// The folder that a file of this name has here, or nothing if the name makes no sense as one of the studio's files.
std::string path_here(const std::string& folder, const std::string& old) {
    const std::string name = old.substr(old.find_last_of("/\\") + 1);
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
    if (name.empty() || name.size() > 200 || name.front() == '.' || !plain) return {};
    return folder + "/" + name;
}

PythonStudio read(soci::session& session) {
    PythonStudio studio;
    std::set<std::string> known;
    Query users(session,
                "SELECT CAST(id AS TEXT), CAST(username AS TEXT), CAST(email AS TEXT), CAST(password_hash AS TEXT), "
                "CAST(created_at AS TEXT) FROM users ORDER BY created_at, id",
                "ttttt");
    while (users.next()) {
        User& user = studio.users.emplace_back();
        user.id = clean(users.text());
        if (user.id.empty()) user.id = new_id();
        user.username = clean(users.text());
        user.email = clean(users.text());
        user.password_hash = clean(users.text());
        user.created = parse_local_text_time(users.text());
        known.insert(user.id);
    }

    // The two columns that the Python studio added late.
    const auto columns = columns_of(session, "generations");
    const char* thumbnail = columns.contains("thumbnail_path") ? "CAST(thumbnail_path AS TEXT)" : "''";
    const char* user_id = columns.contains("user_id") ? "CAST(user_id AS TEXT)" : "''";
    Query songs(session,
                fmt::format("SELECT CAST(id AS TEXT), CAST(title AS TEXT), CAST(lyrics AS TEXT), CAST(tags AS TEXT), "
                            "CAST(audio_path AS TEXT), {}, CAST(created_at AS TEXT), CAST(duration_ms AS INTEGER), "
                            "CAST(temperature AS REAL), CAST(topk AS INTEGER), CAST(cfg_scale AS REAL), {} "
                            "FROM generations ORDER BY created_at, id",
                            thumbnail, user_id),
                "tttttttirirt");
    while (songs.next()) {
        Song& song = studio.songs.emplace_back();
        song.id = clean(songs.text());
        if (song.id.empty()) song.id = new_id();
        song.settings.title = clean(songs.text());
        if (song.settings.title.empty()) song.settings.title = "Generation " + clean(song.id.substr(0, 8));
        song.settings.lyrics = clean(songs.text());
        song.settings.tags = clean(songs.text());
        song.audio_path = clean(songs.text());
        song.thumbnail_path = clean(songs.text());
        song.created = parse_local_text_time(songs.text());
        song.duration_ms = songs.integer();
        song.settings.temperature = songs.real();
        song.settings.topk = songs.integer();
        song.settings.cfg_scale = songs.real();
        song.user_id = clean(songs.text());
        if (!known.contains(song.user_id)) song.user_id.clear();
    }
    return studio;
}

Error no_studio(const char* why) {
    return Error(ErrorCode::malformed, "this is no database of the Python studio that can be taken over").found(why);
}

void check_studio(soci::session& session) {
    if (!is_python_studio(session)) throw no_studio("other tables");
    Query programs(session, "SELECT COUNT(*) FROM sqlite_master WHERE type IN ('trigger', 'view')", "i");
    if (!programs.next() || programs.integer() != 0) throw no_studio("triggers or views");
    Query health(session, "PRAGMA integrity_check(1)", "t");
    if (!health.next() || health.text() != "ok") throw no_studio("a damaged file");
}

}  // namespace

bool is_python_studio(soci::session& session) {
    const auto holds = [&](const char* table, std::initializer_list<const char*> needed) {
        const auto columns = columns_of(session, table);
        return std::all_of(needed.begin(), needed.end(), [&](const char* name) { return columns.contains(name); });
    };
    return holds("users", {"id", "username", "email", "password_hash", "created_at"}) &&
           holds("generations", {"id", "title", "lyrics", "tags", "audio_path", "created_at", "duration_ms", "temperature",
                                 "topk", "cfg_scale"});
}

PythonStudio read_python_studio(const std::filesystem::path& file) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(file, failed)) {
        throw Error(ErrorCode::not_found, "no such database: " + printable(file.string()));
    }
    try {
        const auto session = sqlite::open(file, sqlite::Access::read);
        check_studio(*session);
        return read(*session);
    } catch (const soci::soci_error& error) {
        throw sqlite::typed_error(error);
    }
}

void back_up_python_studio(soci::session& session, const std::filesystem::path& file) {
    check_studio(session);
    std::filesystem::path copy = file.string() + ".before-heart";
    for (int i = 2; std::filesystem::exists(copy); ++i) copy = fmt::format("{}.before-heart-{}", file.string(), i);
    // Under its name only when it is whole.
    const std::filesystem::path part = copy.string() + ".part";
    std::filesystem::remove(part);
    sqlite::copy(session, part);
    std::filesystem::rename(part, copy);
}

PythonStudio take_out_python_studio(soci::session& session) {
    PythonStudio old = read(session);
    Query(session, "DROP TABLE generations").run();
    Query(session, "DROP TABLE users").run();
    return old;
}

void put_in_python_studio(soci::session& session, const PythonStudio& old) {
    bool first = true;
    for (User user : old.users) {
        user.admin = std::exchange(first, false);
        insert_user(session, user);
    }
    for (Song song : old.songs) {
        song.audio_path = path_here("audio", song.audio_path);
        song.thumbnail_path = path_here("thumbnails", song.thumbnail_path);
        insert_song(session, song);
    }
}

}  // namespace heart::server::database
