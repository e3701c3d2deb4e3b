#include "core/error.h"
#include "hub/licence.h"
#include "server/api/model_fetcher.h"
#include "server/api/reply.h"
#include "server/api/validation.h"

#include <fmt/format.h>

#include <algorithm>

namespace heart::server::api {

namespace {

Json state_json(const ModelFetcher::State& state) {
    if (state.phase == ModelFetcher::State::Phase::idle) return nullptr;
    return {{"phase", phase_name(state.phase)},
            {"names", state.names},
            {"at", state.at.empty() ? Json(nullptr) : Json(state.at)},
            {"done_bytes", state.done},
            {"total_bytes", state.total},
            {"to_fetch_bytes", state.to_fetch},
            {"free_bytes", state.free},
            {"reason", state.fault.empty() ? Json(nullptr) : Json(state.fault)}};
}

Json overview(const Services& services, const ModelFetcher& fetcher) {
    const StudioOptions& o = services.options;
    const auto recommended = hub::recommended();
    Json items = Json::array();
    for (const hub::Repository& r : hub::catalogue()) {
        const hub::Licence licence = hub::licence_named(r.licence);
        items.push_back({{"name", r.name},
                         {"about", r.about},
                         {"licence", r.licence},
                         {"licence_note", licence.is_free() ? Json(nullptr) : Json(licence.note())},
                         {"bytes", static_cast<std::int64_t>(r.gigabytes * 1e9)},
                         {"recommended", std::find(recommended.begin(), recommended.end(), &r) != recommended.end()},
                         {"folder", hub::folder_of(r, o.model_version)},
                         {"present", hub::is_present(o.models_folder, r, o.model_version)}});
    }
    return {{"items", std::move(items)}, {"source", o.models_source}, {"pull", state_json(fetcher.state())}};
}

http::Response list_models(const Services& services, const ModelFetcher& fetcher, const http::Request& request) {
    (void)admin_of(services, request);
    return json_reply(overview(services, fetcher));
}

/// 422 where something is ordered whose licence is not free and is not the one that is accepted.
void check_licences(const hub::PullRequest& order, const std::string& accepted, Fields& fields) {
    for (const hub::Licence& licence : hub::licences_to_accept(order.repositories)) {
        if (licence.id == accepted) continue;
        const auto first = std::find_if(order.repositories.begin(), order.repositories.end(),
                                        [&](const hub::Repository* r) { return r->licence == licence.id; });
        fields.fault("accept_licence",
                     fmt::format("{} is published under {} ({}): send this identifier here, and you accept it",
                                 (*first)->name, licence.id, licence.in_short));
    }
    fields.finish();
}

http::Response pull(const Services& services, ModelFetcher& fetcher, const http::Request& request) {
    (void)admin_of(services, request);
    Fields fields = Fields::of_body(request);
    std::vector<std::string> names;
    if (fields.has("names")) names = fields.texts("names", 20, {.least = 1, .most = 200});
    const std::string accepted = fields.optional_text("accept_licence", {.most = 100}).value_or("");
    fields.finish();
    hub::PullRequest order;
    try {
        for (const std::string& name : names) order.repositories.push_back(&hub::repository_named(name));
    } catch (const Error& e) {
        refuse(404, e.what());
    }
    if (order.repositories.empty()) order.repositories = hub::recommended();
    order.repositories = hub::with_companions(order.repositories);
    check_licences(order, accepted, fields);
    if (!accepted.empty()) order.accepted_licences = {accepted};
    order.folder = services.options.models_folder;
    order.version = services.options.model_version;
    order.source = hub::source_named(services.options.models_source, "");
    if (!fetcher.start(std::move(order))) refuse(409, "Checkpoints are being downloaded already");
    return json_reply(overview(services, fetcher), 202);
}

http::Response cancel(const Services& services, ModelFetcher& fetcher, const http::Request& request) {
    (void)admin_of(services, request);
    if (!fetcher.cancel()) refuse(404, "Nothing is being downloaded");
    return json_reply({{"message", "The download stops; what has come is kept"}});
}

}  // namespace

void add_model_endpoints(http::Router& router, Services& services) {
    const auto fetcher = std::make_shared<ModelFetcher>();
    const Services& s = services;
    router.add("GET", "/api/admin/models", [&s, fetcher](const auto& r) { return list_models(s, *fetcher, r); });
    router.add("POST", "/api/admin/models/pull", [&s, fetcher](const auto& r) { return pull(s, *fetcher, r); });
    router.add("DELETE", "/api/admin/models/pull", [&s, fetcher](const auto& r) { return cancel(s, *fetcher, r); });
}

}  // namespace heart::server::api
