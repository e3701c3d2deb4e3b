#pragma once

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "engine/embedder.h"
#include "search/vector_index.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

namespace heart::engine {

/// What became of a folder's songs.
struct IndexedFolder {
    std::size_t songs = 0;    ///< in the index now
    std::size_t added = 0;    ///< embedded: new ones, and those that changed
    std::size_t kept = 0;     ///< as they were
    std::size_t removed = 0;  ///< no longer in the folder
    std::size_t failed = 0;   ///< cannot be read as sound
};

/// Called for each song that was looked at, by its path below the folder; with what was wrong with it, if anything.
using OnIndexedFile = std::function<void(const std::string& name, const Error* fault)>;

/// Brings the index in `index` up to date with the audio files (by their endings) below `music`: embeds what is new or has
/// another size or time, forgets what is gone. Links are not followed. What was embedded is saved every minute and at the
/// end, and when it is cancelled; the next call goes on from there. `kind` is what the index must be of. `progress` counts
/// songs. A song that cannot be read is told and left out.
/// Throws what VectorIndex::open and ::save throw, ErrorCode::not_found for a folder that is none, ErrorCode::cancelled.
IndexedFolder index_folder(const std::filesystem::path& music, const std::filesystem::path& index, Embedder& embedder,
                           const search::EmbeddingKind& kind, const OnIndexedFile& on_file, const ProgressFn& progress,
                           const CancelToken& cancel);

/// Whether a file's ending is one of sound that Heart reads.
[[nodiscard]] bool is_sound_file(const std::filesystem::path& path);

}  // namespace heart::engine
