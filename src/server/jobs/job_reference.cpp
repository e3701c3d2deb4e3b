#include "server/jobs/job_reference.h"

#include "formats/json.h"

#include <nlohmann/json.hpp>

namespace heart::server::jobs {

std::string reference_json(const engine::Reference& reference) {
    nlohmann::ordered_json out = nlohmann::ordered_json::object();
    for (const auto& [name, value] : engine::reference_settings(reference)) out[name] = value;
    return out.dump();
}

std::optional<engine::Reference> reference_in(const std::string& settings) {
    constexpr formats::JsonLimits kLimits{.max_bytes = std::size_t{1} << 20, .max_depth = 8};
    if (settings.empty()) return std::nullopt;
    const formats::Json all = formats::parse_json(settings, "a song's settings", kLimits);
    engine::Settings texts;
    if (all.is_object()) {
        for (const auto& [name, value] : all.items()) {
            if (value.is_string()) texts.emplace_back(name, value.get<std::string>());
        }
    }
    return engine::reference_of(texts);
}

}  // namespace heart::server::jobs
