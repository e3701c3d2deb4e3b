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

/// What `heart transcribe --json` says of a sound, or {"error": ...}. It runs as a process of its own, since sounds are
/// strangers', and what breaks it must not break the studio. `sound`: an open file; `input`: its standard input; `check` is
/// called ten times a second, and what that throws ends the process. Throws ErrorCode::internal when it says nothing.
[[nodiscard]] Json run_transcriber(const StudioOptions& options, const std::vector<std::string>& arguments, int sound,
                                   std::string_view input, const std::function<void()>& check);

}  // namespace heart::server::api
