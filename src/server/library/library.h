#pragma once

#include "audio/waveform.h"
#include "core/cancel.h"
#include "server/database/songs.h"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::server::library {

/// What songs are downloaded as.
enum class Format { wav, flac, mp3, opus };
[[nodiscard]] std::optional<Format> format_named(std::string_view name) noexcept;  ///< "wav", "flac", "mp3", "opus"
[[nodiscard]] std::string_view media_type(Format format) noexcept;                 ///< "audio/wav", ...
[[nodiscard]] std::string_view file_ending(Format format) noexcept;                ///< ".wav", ...

/// The songs' files, below one data folder (0700):
///
///     audio/<id>.wav         as it was made: 24 bits, tags, lyrics, recipe and cover inside
///     thumbnails/<id>.png    its cover
///     peaks/<id>.json        its loudness over time, for drawing
///     cache/<id>.<hash>.mp3  made on demand, and again when they are gone; small covers, too
///
/// Every file is whole or not there. From any thread; two that ask for one missing file make it once, and a few different
/// ones are made at the same time.
///
/// Files are found by the song's id alone, never by a path that a database holds. An id that is no UUID in small letters is
/// ErrorCode::usage; a symbolic link in place of a file is no file of ours, one in place of a folder ErrorCode::io.
class Library {
public:
    explicit Library(const std::filesystem::path& data_folder, std::uint64_t cache_bytes = std::uint64_t{4} << 30);

    /// Writes the files of a song that was just made and fills in its `audio_path`, `thumbnail_path`,
    /// `duration_ms` and `recipe`. Those of an earlier try are replaced. `recipe`: every setting by name, see
    /// engine::song_settings.
    void keep(database::Song& song, const audio::Waveform& wave,
              const std::vector<std::pair<std::string, std::string>>& recipe, const CancelToken& cancel);

    /// The song's file in this format, made if it has to be; its tags are what the database says now. Throws
    /// ErrorCode::not_found when there is no audio.
    [[nodiscard]] std::filesystem::path audio_file(const database::Song& song, Format format, const CancelToken& cancel);
    [[nodiscard]] std::optional<std::filesystem::path> cover_file(const database::Song& song) const;
    /// The cover with at most `side` pixels a side, made if it has to be; as it is where that fails.
    [[nodiscard]] std::optional<std::filesystem::path> small_cover_file(const database::Song& song, std::size_t side);
    /// {"seconds":..., "peaks":[0..1 ...], "loudness":[0..1 ...]}: the largest sample in each of 800 parts, and how loud
    /// each of 200 is beside the loudest. Made from the audio when it is missing. ErrorCode::not_found.
    [[nodiscard]] std::string peaks(const database::Song& song);

    /// A cover of one's own (PNG or JPEG within 8 MiB and 4096 pixels a side; stored as a 1024-pixel PNG at most).
    /// ErrorCode::malformed, ::limit.
    void set_cover(database::Song& song, std::string_view image);
    /// Draws the procedural one again.
    void draw_cover(database::Song& song);

    /// All files of a song that is gone. Missing ones are no error.
    void remove(const database::Song& song) noexcept;

    struct Usage {
        std::uint64_t audio = 0, covers = 0, cache = 0, free = 0;  ///< bytes; free: of the disk
        std::uint64_t songs = 0;
    };
    [[nodiscard]] Usage usage() const;
    /// Brings the cache below its limit, longest unused first, and removes what broken writes left.
    void tidy();

    [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

private:
    class Turn;  ///< of the only thread that works on a file
    /// What goes into a song's files as tags.
    struct Inscription;

    [[nodiscard]] std::filesystem::path file(std::string_view folder, const std::string& id, std::string_view ending) const;
    [[nodiscard]] Inscription inscription_of(const database::Song& song) const;
    [[nodiscard]] std::filesystem::path master(const database::Song& song, const CancelToken& cancel);
    void store_cover(database::Song& song, std::string_view png);
    void shrink_cache(const std::filesystem::path& keep);

    std::filesystem::path folder_;
    std::uint64_t cache_bytes_;
    std::mutex mutex_;  ///< of the following
    std::condition_variable freed_;
    std::set<std::string> busy_;                     ///< files that are being made
    std::map<std::string, std::string> up_to_date_;  ///< id: state of a master whose tags were found to be right
};

}  // namespace heart::server::library
