#pragma once

#include "engine/reference.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace heart::app {

/// Options of a song that is to take after a piece of audio.
class ReferenceOptions {
public:
    void add(CLI::App& verb);

    /// What the options name; none where they name nothing. The one place where options become a reference: whatever else
    /// may name one is turned into it here. Throws ErrorCode::usage for a strength without a reference,
    /// ErrorCode::not_found for a song that has none in its recipe, ErrorCode::malformed for an array that is no vector, and
    /// what reading files throws.
    [[nodiscard]] std::optional<engine::Reference> read() const;

private:
    [[nodiscard]] std::optional<engine::Reference> named() const;

    std::string embedding_;
    double strength_ = 1;
    const CLI::Option* strength_option_ = nullptr;
};

/// The reference in a few words, for people.
[[nodiscard]] std::string reference_text(const engine::Reference& reference);

}  // namespace heart::app
