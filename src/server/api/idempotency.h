#pragma once

#include "server/api/services.h"

#include <cstdint>
#include <functional>
#include <string>

namespace heart::server::api {

/// Answers a request at most once for its Idempotency-Key: the same request again gets the same answer (and the header
/// "Idempotency-Replayed"), another one with that key 422, one that comes while the first is under way 409. Without a key,
/// `work` simply runs.
///
/// `work` gets a function that makes the n-th id of what it creates. With a key these ids are the same again when
/// the process dies before it answers, so that `work` finds what it made and answers that.
[[nodiscard]] http::Response answer_once(
    const Services& services, const database::User& user, const http::Request& request,
    const std::function<http::Response(const std::function<std::string(std::int64_t)>& id_of)>& work);

}  // namespace heart::server::api
