#pragma once

#include "server/api/services.h"
#include "server/api/validation.h"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::api {

/// Whether there is a transcriptor: the program, and its model in the models' folder.
[[nodiscard]] bool can_transcribe(const StudioOptions& options);

/// What `heart transcribe --json` says of a sound, or {"error": ...}; see program_answer.
[[nodiscard]] Json run_transcriber(const StudioOptions& options, const std::vector<std::string>& arguments, int sound,
                                   std::string_view input, const std::function<void()>& check);

}  // namespace heart::server::api
