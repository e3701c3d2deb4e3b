#pragma once

#include "server/api/services.h"
#include "server/api/validation.h"

#include <string>
#include <string_view>

namespace heart::server::api {

[[nodiscard]] http::Response json_reply(const Json& value, int status = 200);
/// {"detail": text}: thrown, not returned.
[[noreturn]] void refuse(int status, const std::string& detail, http::Headers headers = {});

/// The user whose bearer token came with the request. Throws 401 with WWW-Authenticate and the contract's words: "Not
/// authenticated", "Invalid or expired token", "User not found".
[[nodiscard]] database::User user_of(const Services& services, const http::Request& request);
/// What stands behind "Bearer" (in any case) in the header; none for a missing header or another scheme.
[[nodiscard]] std::optional<std::string_view> bearer_token(const http::Request& request);
/// None without any token; throws like user_of for a bad one.
[[nodiscard]] std::optional<database::User> user_if_any(const Services& services, const http::Request& request);
/// 403 "Administrators only" for anyone else.
[[nodiscard]] database::User admin_of(const Services& services, const http::Request& request);

/// Makes the answer of whatever a handler threw: HttpError, ValidationError, AccountError, AssistantError, heart::Error.
/// What is not expected becomes 500 {"detail":"Internal Server Error"}: nothing of the inside leaves. Below /v1 it has
/// OpenAI's form.
[[nodiscard]] http::Response error_reply(const http::Request& request, std::exception_ptr error);

/// "/api/audio/<id>?exp=...&sig=...": where whoever has the address may fetch the thing ("audio/<id>") for half a day.
[[nodiscard]] std::string media_address(const Services& services, const std::string& thing);
/// Whether the request came by such an address.
[[nodiscard]] bool has_media_proof(const Services& services, const http::Request& request, std::string_view thing);

/// As the contract writes times.
[[nodiscard]] Json time_or_null(const std::optional<database::TimeMs>& time);
// What the contract calls a HistoryItem, a queue item, a user.
[[nodiscard]] Json song_json(const Services& services, const database::Song& song);
[[nodiscard]] Json job_json(const Services& services, const database::Job& job);
[[nodiscard]] Json user_json(const database::User& user);

}  // namespace heart::server::api
