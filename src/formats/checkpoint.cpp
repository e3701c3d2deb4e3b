#include "formats/checkpoint.h"

#include "core/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <set>

namespace heart::formats {

namespace {

constexpr const char* kConfig = "config.json";
constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr JsonLimits kIndexLimits{.max_bytes = std::size_t{64} << 20, .max_depth = 8};

/// tensor name -> shard file name, as the index says.
std::map<std::string, std::string> parse_index(const Bytes& file, const std::string& where) {
    const Json index = parse_json(file.text(), where, kIndexLimits);
    const auto refuse = [&](std::string found) {
        return Error(ErrorCode::malformed, fmt::format("{} is not a shard index", printable(where)))
            .expected("an object 'weight_map' from tensor names to file names")
            .found(std::move(found));
    };
    if (!index.is_object() || !index.contains("weight_map") || !index.at("weight_map").is_object()) {
        throw refuse("no 'weight_map'");
    }
    std::map<std::string, std::string> out;
    for (const auto& [name, shard] : index.at("weight_map").items()) {
        if (!shard.is_string() || !is_plain_file_name(shard.get_ref<const std::string&>())) {
            throw refuse(fmt::format("{} for '{}'", shard.dump(-1, ' ', true), printable(name)));
        }
        out.emplace(name, shard.get<std::string>());
    }
    return out;
}

std::map<std::string, TensorView> open_shards(const Folder& folder) {
    const std::string where = folder.describe() + "/" + kIndex;
    const auto weight_map = parse_index(folder.open(kIndex), where);
    std::map<std::string, std::map<std::string, TensorView>> shards;
    std::map<std::string, TensorView> out;
    for (const auto& [name, shard] : weight_map) {
        auto known = shards.find(shard);
        if (known == shards.end()) {
            if (!folder.has(shard)) {
                throw Error(ErrorCode::not_found, fmt::format("{} is missing a shard", folder.describe()))
                    .expected(fmt::format("the file '{}' that {} names", printable(shard), kIndex))
                    .hint("download the checkpoint again");
            }
            known = shards.emplace(shard, parse_safetensors(folder.open(shard), folder.describe() + "/" + shard)).first;
        }
        const auto tensor = known->second.find(name);
        if (tensor == known->second.end()) {
            throw Error(ErrorCode::mismatch, fmt::format("the index and the shards of {} disagree", folder.describe()))
                .expected(fmt::format("tensor '{}' in '{}'", printable(name), printable(shard)))
                .found("no such tensor there");
        }
        out.emplace(name, tensor->second);
    }
    return out;
}

}  // namespace

Checkpoint Checkpoint::open(const Folder& folder) {
    if (!folder.exists()) {
        throw Error(ErrorCode::not_found, fmt::format("no checkpoint at '{}'", folder.describe()))
            .expected("a folder with config.json and model.safetensors (or its shards and their index)");
    }
    Checkpoint out(folder.describe());
    const std::string where = folder.describe() + "/" + kConfig;
    out.config_ = std::make_shared<const Json>(parse_json(folder.open(kConfig).text(), where, {.max_bytes = 1 << 20}));
    if (!out.config_->is_object()) {
        throw Error(ErrorCode::malformed, fmt::format("{} is not a configuration", where)).expected("a JSON object");
    }
    if (folder.has(kSingle)) {
        out.tensors_ = parse_safetensors(folder.open(kSingle), folder.describe() + "/" + kSingle);
    } else if (folder.has(kIndex)) {
        out.tensors_ = open_shards(folder);
    } else {
        throw Error(ErrorCode::not_found, fmt::format("{} holds no weights", folder.describe()))
            .expected(fmt::format("{} or {}", kSingle, kIndex));
    }
    return out;
}

Checkpoint Checkpoint::in_memory(Json config, std::map<std::string, TensorView> tensors, std::string label) {
    Checkpoint out(std::move(label));
    out.config_ = std::make_shared<const Json>(std::move(config));
    out.tensors_ = std::move(tensors);
    return out;
}

const TensorView* Checkpoint::find(const std::string& name) const {
    const auto it = tensors_.find(name);
    return it == tensors_.end() ? nullptr : &it->second;
}

std::uint64_t Checkpoint::bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& [name, tensor] : tensors_) sum += tensor.data.size();
    return sum;
}

}  // namespace heart::formats
