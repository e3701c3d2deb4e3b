#pragma once

#include "embedder_choice.h"
#include "engine/reference.h"
#include "options.h"

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace heart::app {

/// Options of a song that is to take after a piece of audio.
class ReferenceOptions {
public:
    void add(CLI::App& verb);

    /// What the options name; none where they name nothing. The one place where options become a reference: whatever else
    /// may name one is turned into it here. Throws ErrorCode::usage for a strength without a reference,
    /// ErrorCode::not_found for a song that has none in its recipe, ErrorCode::malformed for an array that is no vector, and
    /// what reading files and embedding throw.
    [[nodiscard]] std::optional<engine::Reference> read(const CommonOptions& common) const;

private:
    [[nodiscard]] std::optional<engine::Reference> named(const CommonOptions& common) const;
    [[nodiscard]] engine::Reference of_audio(const CommonOptions& common) const;

    std::string embedding_, audio_;
    double start_ = 0, seconds_ = 10;
    EmbedderChoice choice_;
    double strength_ = 1;
    const CLI::Option* strength_option_ = nullptr;
};

/// The reference in a few words, for people.
[[nodiscard]] std::string reference_text(const engine::Reference& reference);

}  // namespace heart::app
