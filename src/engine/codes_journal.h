#pragma once

#include "engine/checkpoint_set.h"
#include "engine/options.h"
#include "models/heartmula/frame_pass.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace heart::engine {

/// What the codes of a journal follow from.
struct JournalSubject {
    std::string key;  ///< 64 hexadecimal digits that name it
    std::int64_t codebooks = 8;
};

/// The codes of a song that is being made, on the disk frame by frame: what was composed survives the process, and a frame
/// is there whole or not at all. The file is a line of text that names what the codes follow from, and then, for each frame,
/// its codes and a CRC-32 of them and of the frame's number, all little-endian 32-bit numbers.
class CodesJournal {
public:
    /// Opens or makes the file (0600). Whole frames of a journal of this `subject` are taken, up to the first that is not
    /// whole; a journal of anything else starts anew. ErrorCode::io.
    CodesJournal(std::filesystem::path file, const JournalSubject& subject);
    CodesJournal(const CodesJournal&) = delete;
    CodesJournal& operator=(const CodesJournal&) = delete;
    ~CodesJournal();

    /// Those that were there when it was opened.
    [[nodiscard]] const std::vector<heartmula::Frame>& known() const noexcept { return known_; }

    /// The next frame. It is there when the process dies at any moment after this; when the machine does, at most the last
    /// second of work is lost. ErrorCode::io, as for a full disk.
    void append(const heartmula::Frame& frame);

private:
    [[nodiscard]] std::string record_of(std::int64_t number, const heartmula::Frame& frame) const;
    void take_known(const std::string& text, std::size_t at);
    void put(const std::string& bytes, std::int64_t at);

    std::filesystem::path file_;
    std::int64_t codebooks_;
    int descriptor_ = -1;
    std::int64_t end_ = 0;  ///< of what is whole
    std::int64_t frames_ = 0;
    std::vector<heartmula::Frame> known_;
    std::chrono::steady_clock::time_point synced_;
};

/// The subject of a song: request, seed, what enters for reference audio, number types, device, and the language model, of
/// whose weights (too large to read again for each song) sizes and some thousand places are looked at. Throws what opening
/// the checkpoint throws.
[[nodiscard]] JournalSubject journal_subject(const CheckpointSet& set, const EngineOptions& options,
                                             const std::string& device, const SongRequest& request);

}  // namespace heart::engine
