#include "hub/local_copies.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace heart::hub {

namespace fs = std::filesystem;

namespace {

/// The first of these variables that is set, with what stands behind it.
std::optional<fs::path> place(std::initializer_list<std::pair<const char*, const char*>> variables) {
    for (const auto& [variable, rest] : variables) {
        const char* value = std::getenv(variable);
        if (value != nullptr && *value != '\0') return fs::path(value) / rest;
    }
    return std::nullopt;
}

}  // namespace

std::optional<fs::path> local_copy(const Repository& repository, const RemoteFile& file) {
    std::vector<fs::path> candidates;
    const std::vector<std::string> names = paths_of(repository);
    const auto hugging_face = place({{"HF_HUB_CACHE", ""},
                                     {"HF_HOME", "hub"},
                                     {"XDG_CACHE_HOME", "huggingface/hub"},
                                     {"HOME", ".cache/huggingface/hub"}});
    if (hugging_face && !file.checksum.hex.empty()) {  // blobs are named by it
        for (std::string name : names) {
            if (const std::size_t slash = name.find('/'); slash != std::string::npos) name.replace(slash, 1, "--");
            candidates.push_back(*hugging_face / ("models--" + name) / "blobs" / file.checksum.hex);
        }
    }
    const auto modelscope = place({{"MODELSCOPE_CACHE", ""}, {"HOME", ".cache/modelscope/hub"}});
    if (modelscope) {
        for (const std::string& name : names) {
            for (const char* folder : {"models", ""}) candidates.push_back(*modelscope / folder / name / file.path);
        }
    }
    for (const fs::path& candidate : candidates) {
        std::error_code failed;
        if (fs::is_regular_file(candidate, failed) && fs::file_size(candidate, failed) == file.size && !failed) {
            return candidate;
        }
    }
    return std::nullopt;
}

void take_copy(const fs::path& copy, const fs::path& target) {
    std::error_code failed;
    fs::remove(target, failed);
    const fs::path original = fs::canonical(copy, failed);
    if (!failed) fs::create_hard_link(original, target, failed);
    if (failed) fs::copy_file(copy, target, fs::copy_options::overwrite_existing, failed);
    if (failed) {
        throw Error(ErrorCode::io, fmt::format("cannot copy '{}'", copy.string())).found(failed.message());
    }
}

}  // namespace heart::hub
