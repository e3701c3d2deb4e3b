#include "audio/read_file.h"
#include "audio/replace_file.h"
#include "core/error.h"
#include "server/database/python_studio.h"
#include "server/library/archive.h"
#include "server/library/files.h"
#include "server/library/library.h"
#include "server/library/picture.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace heart::server::library {

namespace fs = std::filesystem;

namespace {

/// Adds the user under a name that is free, or finds the account that has the address already. Returns the id by which the
/// studio knows them.
std::string take_in(database::Users& users, database::User user, Imported& imported) {
    if (users.by_id(user.id)) return user.id;
    const std::string name = user.username;
    for (int number = 2;; ++number) {
        switch (users.add(user).taken) {
            case database::Taken::no: ++imported.users; return user.id;
            case database::Taken::email: {
                const auto owner = users.by_email(user.email);
                if (owner) return owner->id;
                break;  // removed a moment ago
            }
            case database::Taken::username: user.username = name + "-" + std::to_string(number); break;
        }
    }
}

/// Where a song's file is: where the old database says, or in `folder` beside it. Only a file of exactly the expected name
/// is taken: a hostile database could name any other.
std::optional<fs::path> find_file(const std::string& stated, const fs::path& old_folder, std::string_view folder,
                                  const std::string& name) {
    for (const fs::path& place : {fs::path(stated), old_folder / folder / name}) {
        if (place.filename() == name && is_plain_file(place)) return place;
    }
    return {};
}

/// Copies the sound as it is, unless it is there already. False when it is none.
bool copy_audio(const fs::path& from, const fs::path& to, bool in_place, database::Song& song, const CancelToken& cancel) {
    std::uint64_t frames = 0;
    double seconds = 0;
    try {
        audio::AudioReader reader(from);
        for (auto block = reader.read(); !block.empty(); block = reader.read()) {
            cancel.check();
            frames += block.size() / reader.channels();
        }
        seconds = static_cast<double>(frames) / reader.sample_rate();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled || error.code() == ErrorCode::io) throw;
        return false;
    }
    if (frames == 0) return false;
    song.duration_ms = std::llround(1000 * seconds);
    if (in_place) return true;
    audio::FileReplacement file(to);
    std::ifstream in(from, std::ios::binary);
    std::vector<char> block(std::size_t{1} << 18);
    while (in) {
        cancel.check();
        in.read(block.data(), static_cast<std::streamsize>(block.size()));
        file.write({block.data(), static_cast<std::size_t>(in.gcount())});
    }
    if (!in.eof()) throw Error(ErrorCode::io, "cannot read '" + from.string() + "' to its end");
    file.commit();
    return true;
}

/// The old cover, or a drawn one.
void take_cover(Library& library, database::Song& song, const std::optional<fs::path>& old) {
    try {
        if (old) return library.set_cover(song, read_whole(*old, PictureLimits{}.max_bytes));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::malformed && error.code() != ErrorCode::limit) throw;
    }
    library.draw_cover(song);
}

}  // namespace

Imported import_python_studio(database::Database& database, const fs::path& data_folder, const fs::path& old_database,
                              const ArchiveProgress& progress, const CancelToken& cancel) {
    std::error_code different;
    if (fs::equivalent(old_database, database.file(), different)) {
        throw Error(ErrorCode::usage, "this is the studio's own database").found("'" + old_database.string() + "'");
    }
    const database::PythonStudio old = database::read_python_studio(old_database);
    const fs::path old_folder = old_database.parent_path();
    database::Users users(database);
    database::Songs songs(database);
    Library library(data_folder);
    Imported imported;

    std::map<std::string, std::string> id_here;
    for (const database::User& user : old.users) {
        cancel.check();
        id_here[user.id] = take_in(users, user, imported);
    }
    const std::uint64_t total = old.songs.size();
    for (std::uint64_t done = 0; done < total; ++done) {
        cancel.check();
        if (progress) progress(done, total);
        database::Song song = old.songs[done];
        if (!is_song_id(song.id) || songs.by_id(song.id)) {
            ++imported.skipped;
            continue;
        }
        const auto audio = find_file(song.audio_path, old_folder, kAudioFolder, song.id + ".wav");
        const auto cover = find_file(song.thumbnail_path, old_folder, kCoverFolder, song.id + ".png");
        song.user_id = song.user_id.empty() ? "" : id_here[song.user_id];
        song.audio_path = std::string(kAudioFolder) + "/" + song.id + ".wav";
        song.thumbnail_path.clear();
        const fs::path target = library.folder() / song.audio_path;
        const bool in_place = audio && fs::equivalent(*audio, target, different);  // an old database inside the data folder
        const bool heard = audio && copy_audio(*audio, target, in_place, song, cancel);
        imported.without_audio += heard ? 0 : 1;
        try {
            take_cover(library, song, cover);
            songs.add(song);  // last: a song that is there is whole
        } catch (...) {
            if (!in_place) library.remove(song);
            throw;
        }
        ++imported.songs;
    }
    if (progress) progress(total, total);
    return imported;
}

}  // namespace heart::server::library
