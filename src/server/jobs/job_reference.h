#pragma once

#include "engine/reference.h"

#include <optional>
#include <string>

namespace heart::server::jobs {

/// A reference as a job carries it: engine::reference_settings as a JSON object of texts.
[[nodiscard]] std::string reference_json(const engine::Reference& reference);

/// The reference in what a job carries, or in a song's recipe (a JSON object too); none where they name none. Throws
/// ErrorCode::malformed for what is damaged.
[[nodiscard]] std::optional<engine::Reference> reference_in(const std::string& settings);

}  // namespace heart::server::jobs
