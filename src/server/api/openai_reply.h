#pragma once

#include "server/api/reply.h"

namespace heart::server::api {

/// What /v1/models calls the transcriptor.
inline constexpr const char* kTranscriptor = "hearttranscriptor";

/// The studio's own answer to an error, put as OpenAI puts it: {"error": {"message", "type", "param", "code"}}; what is 422
/// in the contract is 400 there.
[[nodiscard]] http::Response in_openai_form(const http::Response& plain);

}  // namespace heart::server::api
