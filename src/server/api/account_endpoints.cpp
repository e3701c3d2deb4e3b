#include "server/api/reply.h"

namespace heart::server::api {

namespace {

constexpr TextRange kUsername{.least = 3, .most = 50};
constexpr TextRange kOldPassword{.secret = true};
constexpr TextRange kNewPassword{.least = 6, .secret = true};
constexpr TextRange kInvite{.most = 200, .secret = true};

Json token_json(const std::string& token) {
    return {{"access_token", token}, {"token_type", "bearer"}};
}

http::Response entry_reply(const accounts::Accounts::Entry& entry) {
    return json_reply({{"user", user_json(entry.user)}, {"token", token_json(entry.token)}});
}

/// NUL ends a text for many programs; control characters have no place in a name.
void refuse_control_characters(Fields& fields, const std::string& name, const std::string& text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            fields.fault(name, "control characters are not allowed");
            return;
        }
    }
}

http::Response sign_up(const Services& services, const http::Request& request) {
    Fields fields = Fields::of_body(request);
    std::string username = fields.text("username", kUsername);
    std::string email = fields.text("email", {.most = 320});
    const std::string password = fields.text("password", kNewPassword);
    const auto invite = fields.optional_text("invite", kInvite);
    refuse_control_characters(fields, "username", username);
    refuse_control_characters(fields, "email", email);
    fields.finish();
    return entry_reply(
        services.accounts.register_user(std::move(username), std::move(email), password, invite, request.remote_address));
}

http::Response log_in(const Services& services, const http::Request& request) {
    Fields fields = Fields::of_body(request);
    std::string email = fields.text("email");
    const std::string password = fields.text("password", kOldPassword);
    fields.finish();
    return entry_reply(services.accounts.log_in(std::move(email), password, request.remote_address));
}

http::Response change_password(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_body(request);
    const std::string old_password = fields.text("old_password", kOldPassword);
    const std::string new_password = fields.text("new_password", kNewPassword);
    fields.finish();
    return json_reply(token_json(services.accounts.change_password(user, old_password, new_password)));
}

}  // namespace

void add_account_endpoints(http::Router& router, Services& services) {
    const http::RouteOptions hashes{.max_body = std::size_t{64} << 10, .lane = http::Lane::heavy};
    router.add(
        "POST", "/api/auth/register", [&services](const auto& r) { return sign_up(services, r); }, hashes);
    router.add(
        "POST", "/api/auth/login", [&services](const auto& r) { return log_in(services, r); }, hashes);
    router.add("GET", "/api/auth/me",
               [&services](const http::Request& r) { return json_reply(user_json(user_of(services, r))); });
    router.add(
        "POST", "/api/auth/password", [&services](const auto& r) { return change_password(services, r); }, hashes);
    router.add("POST", "/api/auth/sign-out-everywhere", [&services](const http::Request& r) {
        services.accounts.sign_out_everywhere(user_of(services, r));
        return json_reply({{"message", "Signed out everywhere"}});
    });
}

}  // namespace heart::server::api
