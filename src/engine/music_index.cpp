#include "engine/music_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

namespace heart::engine {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kSaveEvery{60};

struct SongFile {
    fs::path path;
    search::IndexEntry entry;
};

std::int64_t nanoseconds(fs::file_time_type time) {
    const auto since = fs::file_time_type::clock::to_sys(time).time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

/// All sound files below a folder, by name.
std::map<std::string, SongFile> songs_below(const fs::path& music, const OnIndexedFile& on_file, const CancelToken& cancel) {
    std::error_code failed;
    fs::recursive_directory_iterator all(music, fs::directory_options::skip_permission_denied, failed);
    if (failed) {
        throw Error(ErrorCode::not_found, fmt::format("cannot read the folder '{}'", printable(music.string(), 4096)))
            .found(failed.message());
    }
    std::map<std::string, SongFile> out;
    for (const fs::directory_entry& file : all) {
        cancel.check();
        std::error_code ignored;
        if (file.is_symlink(ignored) || !file.is_regular_file(ignored) || !is_sound_file(file.path())) continue;
        SongFile song{file.path(),
                      {file.path().lexically_relative(music).generic_string(), file.file_size(ignored),
                       nanoseconds(file.last_write_time(ignored))}};
        if (const auto fault = search::fault_of_name(song.entry.name); !fault.empty()) {
            const Error e(ErrorCode::unsupported, fmt::format("its name cannot be kept: {}", fault));
            on_file(song.entry.name, &e);
            continue;
        }
        out.emplace(song.entry.name, std::move(song));
    }
    return out;
}

std::size_t forget_missing(search::VectorIndex& index, const std::map<std::string, SongFile>& songs) {
    std::vector<std::string> gone;
    for (const search::IndexEntry& e : index.entries()) {
        if (!songs.contains(e.name)) gone.push_back(e.name);
    }
    for (const std::string& name : gone) index.remove(name);
    return gone.size();
}

}  // namespace

bool is_sound_file(const fs::path& path) {
    static constexpr std::array<std::string_view, 11> kEndings{".wav", ".flac", ".mp3", ".ogg",  ".oga", ".opus",
                                                               ".m4a", ".aac",  ".aif", ".aiff", ".w64"};
    std::string ending = path.extension().string();
    for (char& c : ending) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

IndexedFolder index_folder(const fs::path& music, const fs::path& folder, Embedder& embedder,
                           const search::EmbeddingKind& kind, const OnIndexedFile& on_file, const ProgressFn& progress,
                           const CancelToken& cancel) {
    search::VectorIndex index =
        search::VectorIndex::is_in(folder) ? search::VectorIndex::open(folder, {}, kind) : search::VectorIndex(kind);
    const auto songs = songs_below(music, on_file, cancel);
    IndexedFolder out;
    out.removed = forget_missing(index, songs);
    bool changed = out.removed > 0 || !search::VectorIndex::is_in(folder);
    auto saved = Clock::now();
    std::size_t looked_at = 0;
    const auto save = [&] {
        if (changed) index.save(folder, {&cancel, {}});
        changed = false;
        saved = Clock::now();
    };
    for (const auto& [name, song] : songs) {
        ++looked_at;
        if (index.contains(name, song.entry.size, song.entry.modified_ns)) {
            ++out.kept;
            continue;
        }
        try {
            index.put(song.entry, embedder.embed(song.path, {}, cancel).values);
            changed = true;
            ++out.added;
            on_file(name, nullptr);
        } catch (const Error& e) {
            if (e.code() == ErrorCode::cancelled) {
                if (changed) index.save(folder);  // what was embedded is not lost
                throw;
            }
            if (e.code() == ErrorCode::memory) throw;
            // What is in the index of an older state of it would be found and be wrong.
            changed = index.remove(name) || changed;
            ++out.failed;
            on_file(name, &e);
        }
        if (progress) progress({Phase::embed, static_cast<double>(looked_at), static_cast<double>(songs.size()), 0});
        if (Clock::now() - saved > kSaveEvery) save();
    }
    save();
    out.songs = static_cast<std::size_t>(index.size());
    return out;
}

}  // namespace heart::engine
