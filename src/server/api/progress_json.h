#pragma once

#include "server/api/validation.h"
#include "server/jobs/progress_hub.h"

#include <string>

namespace heart::server::api {

/// What is told for people, in the words of the Python studio.
[[nodiscard]] std::string progress_message(const jobs::JobProgress& progress);

/// A ProgressUpdate: the contract's five fields, then those that came later.
[[nodiscard]] Json progress_json(const jobs::JobProgress& progress);

}  // namespace heart::server::api
