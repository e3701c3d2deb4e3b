#pragma once

#include "server/api/validation.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::api {

/// What one of our verbs with --json says: an object, which is {"error": ...} where it fails. It runs as a process of its
/// own, since sounds are strangers', and what breaks it must not break the studio. `sound`: an open file, its
/// /proc/self/fd/3; `input`: its standard input; `check` is called ten times a second, and what that throws ends the
/// process. Throws ErrorCode::internal when it says nothing, or more than 16 MiB.
[[nodiscard]] Json program_answer(const std::vector<std::string>& command, std::optional<int> sound, std::string_view input,
                                  const std::function<void()>& check);

/// The file that a program finds its sound in.
inline constexpr const char* kSoundOfProgram = "/proc/self/fd/3";

/// Refuses the request where {"error": ...} blames the sound or what was asked of it (400); ErrorCode::internal for all
/// others.
[[noreturn]] void refuse_sound(const Json& said);

}  // namespace heart::server::api
