// Addresses that are told how one's jobs ended.

#include "server/accounts/tokens.h"
#include "server/api/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace heart::server::api {

namespace {

constexpr std::size_t kMostWebhooks = 10, kLongestAddress = 2000;

/// What is wrong with an address; empty when nothing is. Where its name leads is looked at when it is called.
std::string fault_of_address(std::string_view url, bool private_ones) {
    const bool https = url.starts_with("https://");
    if (!https && !(private_ones && url.starts_with("http://"))) {
        return private_ones ? "URL should begin with http:// or https://" : "URL should begin with https://";
    }
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '\\' || c == '#'; };
    if (std::any_of(url.begin(), url.end(), odd)) return "URL should have no spaces, control characters, '\\' or '#'";
    std::string_view host = url.substr(https ? 8 : 7);
    host = host.substr(0, host.find_first_of("/?"));
    if (host.find('@') != std::string_view::npos) return "URL should have no user and no password";
    if (host.empty() || host.starts_with(':')) return "URL should name a host";
    return {};
}

Json webhook_json(const database::Ledger::Webhook& hook) {
    return {{"id", hook.id}, {"url", hook.url}, {"created_at", database::iso_time(hook.created)}};
}

http::Response list_webhooks(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Json items = Json::array();
    for (const auto& hook : services.ledger.webhooks(user.id)) items.push_back(webhook_json(hook));
    return json_reply({{"items", items}});
}

http::Response add_webhook(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_body(request);
    std::string url = fields.text("url", {.least = 1, .most = kLongestAddress});
    if (!url.empty()) {
        const std::string fault = fault_of_address(url, services.options.private_webhooks);
        if (!fault.empty()) fields.fault("url", fault);
    }
    fields.finish();
    if (services.ledger.webhooks(user.id).size() >= kMostWebhooks) {
        refuse(400, fmt::format("At most {} webhooks", kMostWebhooks));
    }
    const database::Ledger::Webhook hook{.id = database::new_id(),
                                         .user_id = user.id,
                                         .url = std::move(url),
                                         .secret = accounts::random_secret(),
                                         .created = database::now_ms()};
    services.ledger.add_webhook(hook);
    Json out = webhook_json(hook);
    out["secret"] = hook.secret;  // shown here and never again
    return json_reply(out);
}

http::Response remove_webhook(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    if (!services.ledger.remove_webhook(user.id, request.parameter("id"))) refuse(404, "Webhook not found");
    return json_reply({{"message", "Webhook deleted"}});
}

}  // namespace

void add_webhook_endpoints(http::Router& router, Services& services) {
    Services& s = services;
    router.add("GET", "/api/webhooks", [&s](const http::Request& r) { return list_webhooks(s, r); });
    router.add("POST", "/api/webhooks", [&s](const http::Request& r) { return add_webhook(s, r); });
    router.add("DELETE", "/api/webhooks/{id}", [&s](const http::Request& r) { return remove_webhook(s, r); });
}

}  // namespace heart::server::api
