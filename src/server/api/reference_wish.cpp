#include "server/api/reference_wish.h"

#include "core/error.h"
#include "server/jobs/job_reference.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace heart::server::api {

namespace {

constexpr double kMostStrength = 16;  // engine::Reference::strength

/// What the user's song or job took after; none where there is none.
std::optional<engine::Reference> reference_of(const Services& services, const database::User& user, const std::string& id) {
    try {
        if (const auto song = services.songs.by_id(id)) {
            return song->user_id == user.id ? jobs::reference_in(song->recipe) : std::nullopt;
        }
        const auto job = services.jobs.by_id(id);
        return job && job->user_id == user.id ? jobs::reference_in(job->reference) : std::nullopt;
    } catch (const Error& e) {
        if (e.code() != ErrorCode::malformed) throw;
        return std::nullopt;  // a damaged recipe
    }
}

std::optional<engine::Reference> kept(const Services& services, const database::User& user, const std::string& id) {
    auto found = services.likeness.reference(user.id, id);
    if (!found) return std::nullopt;
    database::Likeness likeness = services.likeness;
    likeness.reference_used(user.id, id);
    return engine::Reference{.embedding = std::move(found->embedding),
                             .source = std::move(found->source),
                             .start = found->start,
                             .seconds = found->seconds,
                             .model = std::move(found->model),
                             .licence = std::move(found->licence)};
}

Json text_at(const Json& settings, const char* name) {
    const auto at = settings.find(name);
    return at != settings.end() && at->is_string() ? *at : Json(nullptr);
}

Json number_at(const Json& settings, const char* name) {
    const Json text = text_at(settings, name);
    if (text.is_null()) return nullptr;
    const auto& digits = text.get_ref<const std::string&>();
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size() ? Json(value) : Json(nullptr);
}

}  // namespace

ReferenceWish read_reference_wish(Fields& fields) {
    ReferenceWish wish;
    wish.id = fields.optional_text("reference_id", {.least = 1, .most = kLongestId});
    wish.of = fields.optional_text("reference_of", {.least = 1, .most = kLongestId});
    if (fields.has("reference_strength")) wish.strength = fields.number_or("reference_strength", 1, 0, kMostStrength);
    if (wish.id && wish.of) fields.fault("reference_of", "there is a reference_id already");
    return wish;
}

std::string reference_of_wish(const Services& services, const database::User& user, const ReferenceWish& wish,
                              Fields& fields) {
    if (!wish.id && !wish.of) return {};
    auto reference = wish.id ? kept(services, user, *wish.id) : reference_of(services, user, *wish.of);
    if (!reference) {
        fields.fault(wish.id ? "reference_id" : "reference_of",
                     wish.id ? "there is no such reference" : "there is no such song or job, or it has no reference");
        fields.finish();
    }
    if (wish.strength) reference->strength = *wish.strength;
    return jobs::reference_json(*reference);
}

Json reference_facts(const Json& settings) {
    if (!settings.is_object() || !settings.contains("reference_embedding")) return nullptr;
    return {{"source", text_at(settings, "reference_source")},     {"start", number_at(settings, "reference_start")},
            {"seconds", number_at(settings, "reference_seconds")}, {"model", text_at(settings, "reference_model")},
            {"licence", text_at(settings, "reference_licence")},   {"strength", number_at(settings, "reference_strength")}};
}

}  // namespace heart::server::api
