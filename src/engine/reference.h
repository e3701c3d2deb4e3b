#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace heart::engine {

/// What a song is to take after: the embedding of a piece of audio, and where it comes from. All but embedding and strength
/// is for the song's recipe only.
struct Reference {
    std::vector<float> embedding;   ///< of MuQ-MuLan: as many numbers as the language model takes, of unit length
    double strength = 1;            ///< 0 to 16; the embedding times this enters the model. 0: as without a reference
    std::string source;             ///< a file's name; of a path the recipe has the last part only
    double start = 0, seconds = 0;  ///< the piece of it; without seconds it is not known
    std::string model, licence;     ///< of the model that made the embedding; empty: not known

    /// False for one that changes nothing.
    [[nodiscard]] bool has_effect() const noexcept { return strength != 0; }
};

/// What enters the language model: the embedding times the strength; none without effect.
[[nodiscard]] std::vector<float> entering(const Reference& reference);

/// SHA-256 of an embedding's little-endian 32-bit floats, as 64 hexadecimal digits.
[[nodiscard]] std::string embedding_sha256(std::span<const float> embedding);

/// Settings of a song by name, see song_settings.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// The reference as settings, "reference_...", in a fixed order: what is known of source, start, seconds, model and licence,
/// made printable; the strength; the embedding as base64 of its little-endian 32-bit floats, and its SHA-256.
[[nodiscard]] Settings reference_settings(const Reference& reference);

/// The reference that a song's settings name; with it comes the same song again. None where they name none. Settings may
/// come from a stranger's file: ErrorCode::malformed for an embedding that is no base64 of whole floats or has another
/// SHA-256, and for a strength, start or seconds that are no numbers. Whether the embedding is one for the language model is
/// for `heartmula::check_reference` to say, whether the strength is in its range for `check_request`.
[[nodiscard]] std::optional<Reference> reference_of(const Settings& settings);

}  // namespace heart::engine
