#include "server/api/embedder_process.h"

#include "core/error.h"
#include "hub/catalogue.h"
#include "server/api/program_answer.h"
#include "server/api/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace heart::server::api {

namespace {

constexpr std::size_t kMostNumbers = 4096;  // of an embedding; MuQ-MuLan has 512
constexpr std::size_t kMostName = 200;      // bytes

Error strange() {
    return Error(ErrorCode::internal, "the embedding process says what is no embedding");
}

std::vector<float> floats_of(const Json& list, std::size_t dimension) {
    std::vector<float> out;
    if (!list.is_array() || list.size() != dimension) throw strange().found("a list of another length");
    for (const Json& number : list) {
        const float value = number.is_number() ? number.get<float>() : NAN;
        if (!std::isfinite(value)) throw strange().found("what is no number");
        out.push_back(value);
    }
    return out;
}

Embedded read(const Json& said, const ToEmbed& what) {
    Embedded out;
    out.model = printable(said.at("model").get<std::string>(), kMostName);
    out.licence = printable(said.at("licence").get<std::string>(), kMostName);
    const auto dimension = said.at("dimension").get<std::size_t>();
    if (dimension == 0 || dimension > kMostNumbers) throw strange().found(fmt::format("{} numbers", dimension));
    const std::size_t asked = (what.sound ? 1U : 0U) + (what.text ? 1U : 0U);
    if (said.at("embeddings").size() != asked) throw strange().found("not as many as were asked for");
    std::size_t next = 0;  // sounds come before texts
    if (what.sound) {
        out.seconds = said.at("inputs").at(next).at("seconds").get<double>();
        out.sound = floats_of(said.at("embeddings").at(next++), dimension);
    }
    if (what.text) out.text = floats_of(said.at("embeddings").at(next), dimension);
    return out;
}

}  // namespace

bool can_embed(const StudioOptions& options) {
    const auto parts = hub::with_companions({&hub::repository_named("MuQ-MuLan-large")});
    return !options.embed_command.empty() && std::all_of(parts.begin(), parts.end(), [&](const hub::Repository* part) {
        return hub::is_present(options.models_folder, *part, options.model_version);
    });
}

void need_embedder(const StudioOptions& options) {
    if (!can_embed(options)) refuse(501, "This server has no MuQ-MuLan; an administrator can download it");
}

Embedded embed(const StudioOptions& options, const ToEmbed& what, const std::function<void()>& check) {
    std::vector<std::string> command = options.embed_command;
    command.push_back("--model-path=" + options.models_folder.string());
    if (what.seconds > 0) {
        command.push_back(fmt::format("--start={}", what.start));
        command.push_back(fmt::format("--seconds={}", what.seconds));
    }
    if (what.sound) command.emplace_back(kSoundOfProgram);
    if (what.text) command.emplace_back("--text=-");
    Json said = program_answer(command, what.sound, what.text.value_or(""), check);
    if (said.contains("error")) throw EmbedderRefusal(std::move(said));
    try {
        return read(said, what);
    } catch (const Json::exception& e) {
        throw strange().found(e.what());
    }
}

std::string EmbedderRefusal::code() const {
    const Json& error = said_.at("error");
    return error.is_object() && error.contains("code") && error.at("code").is_string() ? error.at("code").get<std::string>()
                                                                                       : "internal";
}

}  // namespace heart::server::api
