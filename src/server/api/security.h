#pragma once

#include "server/http/message.h"

#include <string>
#include <vector>

namespace heart::server::api {

/// The last touch on every answer: what keeps browsers from doing more with it than is meant, and the cross-origin rules.
/// Closed but for exactly `cors_origins`; a preflight of theirs is answered here, whatever the router said.
void secure(const http::Request& request, http::Response& response, const std::vector<std::string>& cors_origins);

}  // namespace heart::server::api
