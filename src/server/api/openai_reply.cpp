#include "server/api/openai_reply.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace heart::server::api {

namespace {

/// OpenAI's words for a status.
std::string_view error_type(int status) {
    switch (status) {
        case 401: return "authentication_error";
        case 403: return "permission_error";
        case 404: return "not_found_error";
        case 429: return "rate_limit_error";
        default: return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

std::string_view error_code(int status) {
    switch (status) {
        case 401: return "invalid_api_key";
        case 404: return "not_found";
        case 429: return "rate_limit_exceeded";
        case 501: return "not_implemented";
        default: return status >= 500 ? "server_error" : "invalid_value";
    }
}

}  // namespace

http::Response in_openai_form(const http::Response& plain) {
    const Json said = Json::parse(std::get<std::string>(plain.body));
    const Json& detail = said.at("detail");
    Json param = nullptr;
    std::string message;
    if (detail.is_string()) {
        message = detail.get<std::string>();
    } else {
        for (const Json& fault : detail) {
            const Json& place = fault.at("loc");
            const std::string name = place.back().is_string() ? place.back().get<std::string>() : place.back().dump();
            if (param.is_null()) param = name;
            message += fmt::format("{}{}: {}", message.empty() ? "" : "; ", name, fault.at("msg").get<std::string>());
        }
    }
    const int status = plain.status == 422 ? 400 : plain.status;
    http::Response out = json_reply(
        {{"error", {{"message", message}, {"type", error_type(status)}, {"param", param}, {"code", error_code(status)}}}},
        status);
    for (const auto& [name, value] : plain.headers.all()) {
        if (!out.headers.find(name)) out.headers.add(name, value);
    }
    return out;
}

}  // namespace heart::server::api
