#include "embedder_choice.h"

#include "core/error.h"
#include "hub/licence.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace heart::app {

void EmbedderChoice::add(CLI::App& verb, const std::string& group) {
    verb.add_option("--embedder", folder, "Folder of the embedding model, inside that of --model-path")
        ->type_name("NAME")
        ->capture_default_str()
        ->group(group);
}

engine::Embedder EmbedderChoice::open(const CommonOptions& common) const {
    if (common.model_path.empty()) {
        throw Error(ErrorCode::usage, "no embedding model")
            .expected(fmt::format("--model-path DIR with {}/ in it", folder))
            .hint("heart pull MuQ-MuLan-large");
    }
    return {common.model_folder(), {folder, common.device, engine::parse_type(dtype), common.threads}};
}

std::string EmbedderChoice::licence(const CommonOptions& common) const {
    for (const hub::FoundLicence& found : hub::licences_in(common.model_folder(), common.version)) {
        if (found.folder == folder) return found.licence;
    }
    return "";
}

}  // namespace heart::app
