#include "server/library/library.h"

#include "audio/read_file.h"
#include "audio/replace_file.h"
#include "audio/song_tags.h"
#include "audio/write_file.h"
#include "core/error.h"
#include "formats/json.h"
#include "server/library/cover.h"
#include "server/library/files.h"
#include "server/library/peaks.h"
#include "server/library/picture.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

namespace heart::server::library {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kArtist = "Heart Studio";
/// What a song is at most when its samples are held in memory: three times what the model sings, or an import.
constexpr audio::ReadLimits kSongLimits{.max_seconds = 1200, .max_channels = 2};
/// Files that are made at the same time: each takes the memory of a whole song.
constexpr std::size_t kMostMakings = 4;

struct FormatFacts {
    Format format;
    std::string_view name, media_type, ending;
};

constexpr FormatFacts kFormats[] = {
    {Format::wav, "wav", "audio/wav", ".wav"},
    {Format::flac, "flac", "audio/flac", ".flac"},
    {Format::mp3, "mp3", "audio/mpeg", ".mp3"},
    {Format::opus, "opus", "audio/ogg", ".opus"},
};

const FormatFacts& facts_of(Format format) noexcept {
    return kFormats[static_cast<std::size_t>(format)];
}

/// The settings of a stored recipe; what cannot be tags is left out.
std::vector<std::pair<std::string, std::string>> settings_of(const std::string& recipe) {
    constexpr formats::JsonLimits kLimits{std::size_t{1} << 18, 8};
    std::vector<std::pair<std::string, std::string>> settings;
    if (recipe.empty()) return settings;
    try {
        const formats::Json all = formats::parse_json(recipe, "a song's recipe", kLimits);
        if (!all.is_object()) return settings;
        std::set<std::string> keys;
        for (const auto& [name, value] : all.items()) {
            if (name.empty() || !keys.insert(audio::setting_key(name)).second) continue;
            std::string text = value.is_string() ? value.get<std::string>() : value.dump();
            if (text.find('\0') == std::string::npos) settings.emplace_back(name, std::move(text));
        }
    } catch (const Error&) {
        settings.clear();  // an old or strange database; the song itself is fine
    }
    return settings;
}

/// A short hash of texts, as part of a file's name.
std::string hash_of(std::initializer_list<std::string_view> parts) {
    crypto_generichash_state state;
    unsigned char digest[crypto_generichash_BYTES_MIN];
    crypto_generichash_init(&state, nullptr, 0, sizeof digest);
    for (const std::string_view part : parts) {
        const auto length = static_cast<std::uint64_t>(part.size());  // so that no two rows of texts run together
        crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&length), sizeof length);
        crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
    }
    crypto_generichash_final(&state, digest, sizeof digest);
    char hex[2 * sizeof digest + 1];
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    return hex;
}

/// Empty when the file is nothing that can be put into tags.
std::string cover_for_tags(const fs::path& file) {
    try {
        audio::SongTags tags;
        tags.cover_png = read_whole(file, audio::kMaxCoverBytes);
        audio::check_tags(tags);
        return std::move(tags.cover_png);
    } catch (const Error&) {
        return "";  // an old or strange archive; the song itself is fine
    }
}

/// A sample at full scale may have been rounded up while it was written; another file must not be turned down for it.
void undo_rounding(audio::Waveform& wave) {
    constexpr float kStep = 0x1p-23F;
    const float loudest = audio::peak(wave);
    if (loudest <= audio::kFullScale || loudest > audio::kFullScale + kStep) return;
    for (auto& channel : wave.channels) {
        for (float& sample : channel) sample = std::clamp(sample, -audio::kFullScale, audio::kFullScale);
    }
}

/// Marks the file as used, without changing it.
void touch(const fs::path& file) noexcept {
    const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    ::utimensat(AT_FDCWD, file.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

void write_text(const fs::path& file, std::string_view text) {
    std::error_code ignored;
    if (!is_plain_file(file)) fs::remove(file, ignored);  // the writer would follow a link
    audio::replace_file(file, {text.data(), text.size()});
}

template <typename Work>
void for_each_file(const fs::path& folder, Work work) {
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
        struct stat info {};
        if (::lstat(entry->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) work(entry->path(), info);
    }
}

}  // namespace

std::optional<Format> format_named(std::string_view name) noexcept {
    for (const FormatFacts& facts : kFormats) {
        if (facts.name == name) return facts.format;
    }
    return {};
}

std::string_view media_type(Format format) noexcept {
    return facts_of(format).media_type;
}

std::string_view file_ending(Format format) noexcept {
    return facts_of(format).ending;
}

/// Waits until nobody else works on the file, and not too many work on any.
class Library::Turn {
public:
    Turn(Library& library, std::string key, const CancelToken& cancel) : library_(library), key_(std::move(key)) {
        std::unique_lock lock(library_.mutex_);
        while (library_.busy_.contains(key_) || library_.busy_.size() >= kMostMakings) {
            cancel.check();
            constexpr std::chrono::milliseconds kLook{50};  // for the token; who frees a file wakes us
            library_.freed_.wait_for(lock, kLook);
        }
        library_.busy_.insert(key_);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        {
            const std::lock_guard lock(library_.mutex_);
            library_.busy_.erase(key_);
        }
        library_.freed_.notify_all();
    }

private:
    Library& library_;
    std::string key_;
};

struct Library::Inscription {
    audio::SongTags tags;
    std::string state;  ///< of all of it, as a text
};

Library::Library(const fs::path& data_folder, std::uint64_t cache_bytes) : cache_bytes_(cache_bytes) {
    std::error_code failed;
    if (!fs::is_directory(data_folder, failed)) make_private_folder(data_folder);
    folder_ = fs::canonical(data_folder, failed);
    if (failed) throw Error(ErrorCode::io, "cannot use the folder '" + data_folder.string() + "'").found(failed.message());
    for (const std::string_view folder : {kAudioFolder, kCoverFolder, kPeaksFolder, kCacheFolder}) {
        make_private_folder(folder_ / folder);
    }
}

fs::path Library::file(std::string_view folder, const std::string& id, std::string_view ending) const {
    check_song_id(id);
    const fs::path inside = folder_ / folder;
    if (!is_plain_folder(inside)) {
        throw Error(ErrorCode::io, "the studio's folder '" + std::string(folder) + "' is missing or no folder");
    }
    return inside / (id + std::string(ending));
}

Library::Inscription Library::inscription_of(const database::Song& song) const {
    Inscription out;
    out.tags.title = song.settings.title;
    out.tags.artist = kArtist;
    out.tags.genre = song.settings.tags;
    out.tags.lyrics = song.settings.lyrics;
    out.tags.settings = settings_of(song.recipe);
    const fs::path cover = file(kCoverFolder, song.id, ".png");
    const std::string cover_state = state_of(cover);
    if (!cover_state.empty()) out.tags.cover_png = cover_for_tags(cover);
    out.state = hash_of({"1", out.tags.title, out.tags.artist, out.tags.genre, out.tags.lyrics, song.recipe, cover_state});
    return out;
}

void Library::keep(database::Song& song, const audio::Waveform& wave,
                   const std::vector<std::pair<std::string, std::string>>& recipe, const CancelToken& cancel) {
    const fs::path path = file(kAudioFolder, song.id, ".wav");
    song.audio_path.clear();
    song.thumbnail_path.clear();
    audio::check_shape(wave);
    if (wave.frames() == 0) throw Error(ErrorCode::usage, "there is no sound to keep: the song has 0 frames");
    const Turn turn(*this, song.id + ".wav", cancel);
    remove(song);  // what an earlier try left, its cache too
    try {
        const Peaks peaks = measure_peaks(wave, audio::full_scale_gain(wave));
        cancel.check();
        write_text(file(kPeaksFolder, song.id, ".json"), to_json(peaks));
        draw_cover(song);
        cancel.check();
        audio::SongTags tags = inscription_of(song).tags;
        tags.settings = recipe;
        audio::write_audio(path, wave, {audio::SampleFormat::s24, &cancel}, tags);
    } catch (...) {
        remove(song);
        throw;
    }
    formats::Json settings = formats::Json::object();
    for (const auto& [name, value] : recipe) settings[name] = value;
    song.recipe = settings.dump(-1, ' ', false, formats::Json::error_handler_t::replace);
    song.audio_path = std::string(kAudioFolder) + "/" + song.id + ".wav";
    song.duration_ms = std::llround(1000 * wave.seconds());
}

/// The master with the tags of today. A song whose tags cannot be put in (the disk is full, the text is too long for them)
/// still plays.
fs::path Library::master(const database::Song& song, const CancelToken& cancel) {
    fs::path path = file(kAudioFolder, song.id, ".wav");
    if (!is_plain_file(path)) throw Error(ErrorCode::not_found, "the song has no audio");
    Inscription wanted = inscription_of(song);
    const auto is_up_to_date = [&] {
        const std::lock_guard lock(mutex_);
        const auto known = up_to_date_.find(song.id);
        return known != up_to_date_.end() && known->second == wanted.state + state_of(path);
    };
    if (is_up_to_date()) return path;
    const Turn turn(*this, song.id + ".wav", cancel);
    if (is_up_to_date()) return path;
    try {
        const audio::SongTags now = audio::read_tags(path);
        if (song.recipe.empty()) wanted.tags.settings = now.settings;
        auto sorted = [](auto settings) {
            std::sort(settings.begin(), settings.end());
            return settings;
        };
        const audio::SongTags& w = wanted.tags;
        if (now.title != w.title || now.artist != w.artist || now.genre != w.genre || now.lyrics != w.lyrics ||
            now.cover_png != w.cover_png || sorted(now.settings) != sorted(w.settings)) {
            audio::replace_tags(path, w);
        }
    } catch (const Error& error) {
        if (error.code() == ErrorCode::memory) throw;
    }
    const std::lock_guard lock(mutex_);
    up_to_date_[song.id] = wanted.state + state_of(path);
    return path;
}

fs::path Library::audio_file(const database::Song& song, Format format, const CancelToken& cancel) {
    check_song_id(song.id);
    if (format == Format::wav) return master(song, cancel);
    const fs::path source = file(kAudioFolder, song.id, ".wav");
    if (!is_plain_file(source)) throw Error(ErrorCode::not_found, "the song has no audio");
    Inscription inscription = inscription_of(song);
    const std::string ending = "." + inscription.state + std::string(file_ending(format));
    fs::path path = file(kCacheFolder, song.id, ending);
    const auto is_there = [&path] {
        if (!is_plain_file(path)) return false;
        touch(path);
        return true;
    };
    if (is_there()) return path;
    const Turn turn(*this, path.filename().string(), cancel);
    if (is_there()) return path;
    if (song.recipe.empty()) inscription.tags.settings = audio::read_tags(source).settings;
    audio::Waveform wave = audio::read_audio(source, kSongLimits, cancel);
    undo_rounding(wave);
    std::error_code ignored;
    fs::remove(path, ignored);  // a link or the like
    audio::write_audio(path, wave, {audio::SampleFormat::s24, &cancel}, inscription.tags);
    shrink_cache(path);
    return path;
}

std::optional<fs::path> Library::cover_file(const database::Song& song) const {
    fs::path path = file(kCoverFolder, song.id, ".png");
    if (!is_plain_file(path)) return {};
    return path;
}

std::optional<fs::path> Library::small_cover_file(const database::Song& song, std::size_t side) {
    auto whole = cover_file(song);
    if (!whole) return {};
    const fs::path path =
        file(kCacheFolder, song.id, "." + hash_of({"cover", std::to_string(side), state_of(*whole)}) + ".png");
    if (is_plain_file(path)) {
        touch(path);
        return path;
    }
    try {
        // Without a turn: it takes hundredths of a second, and two that make it make the same.
        write_text(path, normalise_picture(read_whole(*whole, PictureLimits{}.max_bytes), {.stored_side = side}));
        shrink_cache(path);
        return path;
    } catch (const Error&) {
        return whole;  // an old or strange archive, or a full disk: larger than it had to be
    }
}

std::string Library::peaks(const database::Song& song) {
    const fs::path path = file(kPeaksFolder, song.id, ".json");
    const auto stored = [&path]() -> std::optional<std::string> {
        constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 16;
        std::error_code failed;
        if (!is_plain_file(path) || fs::file_size(path, failed) > kMostBytes || failed) return {};
        std::string text = read_whole(path, kMostBytes);
        if (!parse_peaks(text)) return {};
        return text;
    };
    if (auto text = stored()) return *text;
    const fs::path source = file(kAudioFolder, song.id, ".wav");
    if (!is_plain_file(source)) throw Error(ErrorCode::not_found, "the song has no audio");
    const CancelToken never;
    const Turn turn(*this, song.id + ".json", never);
    if (auto text = stored()) return *text;
    std::string text = to_json(measure_peaks(source, never));
    write_text(path, text);
    return text;
}

void Library::store_cover(database::Song& song, std::string_view png) {
    write_text(file(kCoverFolder, song.id, ".png"), png);
    song.thumbnail_path = std::string(kCoverFolder) + "/" + song.id + ".png";
}

void Library::set_cover(database::Song& song, std::string_view image) {
    check_song_id(song.id);
    store_cover(song, normalise_picture(image));
}

void Library::draw_cover(database::Song& song) {
    CoverSubject subject{song.id, song.settings.title, song.settings.tags, song.settings.lyrics, {}};
    if (is_plain_file(file(kAudioFolder, song.id, ".wav")) || is_plain_file(file(kPeaksFolder, song.id, ".json"))) {
        if (auto known = parse_peaks(peaks(song))) subject.loudness = std::move(known->loudness);
    }
    store_cover(song, library::draw_cover(subject));
}

void Library::remove(const database::Song& song) noexcept {
    if (!is_song_id(song.id)) return;
    try {
        std::error_code ignored;
        fs::remove(file(kAudioFolder, song.id, ".wav"), ignored);
        fs::remove(file(kCoverFolder, song.id, ".png"), ignored);
        fs::remove(file(kPeaksFolder, song.id, ".json"), ignored);
        for_each_file(folder_ / kCacheFolder, [&](const fs::path& path, const struct stat&) {
            if (path.filename().string().starts_with(song.id + ".")) fs::remove(path, ignored);
        });
        const std::lock_guard lock(mutex_);
        up_to_date_.erase(song.id);
    } catch (const std::exception&) {  // no folder, no memory: then there is nothing that can be removed
    }
}

Library::Usage Library::usage() const {
    Usage usage;
    const auto sum = [this](std::string_view folder, std::uint64_t& bytes) {
        for_each_file(folder_ / folder, [&bytes](const fs::path&, const struct stat& info) {
            bytes += static_cast<std::uint64_t>(info.st_size);
        });
    };
    sum(kAudioFolder, usage.audio);
    sum(kCoverFolder, usage.covers);
    sum(kCacheFolder, usage.cache);
    for_each_file(folder_ / kAudioFolder, [&usage](const fs::path& path, const struct stat&) {
        usage.songs += path.extension() == ".wav" && is_song_id(path.stem().string()) ? 1 : 0;
    });
    std::error_code failed;
    const fs::space_info disk = fs::space(folder_, failed);
    usage.free = failed ? 0 : disk.available;
    return usage;
}

void Library::shrink_cache(const fs::path& keep) {
    struct Cached {
        std::pair<std::int64_t, std::int64_t> used;
        std::uint64_t bytes;
        fs::path path;
    };
    std::vector<Cached> files;
    std::uint64_t all = 0;
    for_each_file(folder_ / kCacheFolder, [&](const fs::path& path, const struct stat& info) {
        const auto read = std::pair<std::int64_t, std::int64_t>(info.st_atim.tv_sec, info.st_atim.tv_nsec);
        const auto made = std::pair<std::int64_t, std::int64_t>(info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
        files.push_back({std::max(read, made), static_cast<std::uint64_t>(info.st_size), path});
        all += files.back().bytes;
    });
    if (all <= cache_bytes_) return;
    std::sort(files.begin(), files.end(), [](const Cached& a, const Cached& b) { return a.used < b.used; });
    for (const Cached& file : files) {
        if (all <= cache_bytes_) return;
        std::error_code failed;
        if (file.path == keep || file.path.filename().string().starts_with(".")) continue;  // asked for, being written
        if (fs::remove(file.path, failed)) all -= file.bytes;
    }
}

void Library::tidy() {
    // Whoever writes longer than this has died.
    const auto old = std::chrono::duration_cast<std::chrono::seconds>(
                         (std::chrono::system_clock::now() - std::chrono::hours(1)).time_since_epoch())
                         .count();
    for (const std::string_view folder : {kAudioFolder, kCoverFolder, kPeaksFolder, kCacheFolder}) {
        for_each_file(folder_ / folder, [old](const fs::path& path, const struct stat& info) {
            const std::string name = path.filename().string();
            std::error_code ignored;
            if (name.starts_with(".heart-") && name.ends_with(".part") && info.st_mtim.tv_sec < old)
                fs::remove(path, ignored);
        });
    }
    shrink_cache({});
}

}  // namespace heart::server::library
