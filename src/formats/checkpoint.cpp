#include "formats/checkpoint.h"

#include "core/error.h"
#include "formats/safetensors.h"
#include "formats/torch_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace heart::formats {

namespace {

constexpr const char* kConfig = "config.json";
constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kGguf = "model.gguf";
constexpr const char* kTorch = "pytorch_model.bin";
constexpr const char* kConfigKey = "heart.config";
constexpr const char* kVersionKey = "heart.format_version";
constexpr JsonLimits kConfigLimits{.max_bytes = 1 << 20};
constexpr JsonLimits kIndexLimits{.max_bytes = std::size_t{64} << 20, .max_depth = 8};

/// tensor name -> shard file name, as the index says.
std::map<std::string, std::string> parse_index(const Bytes& file, const std::string& where) {
    const Json index = parse_json(file.text(), where, kIndexLimits);
    const auto refuse = [&](std::string_view found) {
        return Error(ErrorCode::malformed, fmt::format("{} is not a shard index", printable(where)))
            .expected("an object 'weight_map' from tensor names to file names")
            .found(found);
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

}  // namespace

void Checkpoint::open_single(const Folder& folder) {
    files_.push_back({kSingle, folder.open(kSingle)});
    tensors_ = parse_safetensors(files_.back().bytes, folder.describe() + "/" + kSingle);
}

void Checkpoint::open_shards(const Folder& folder) {
    const std::string where = folder.describe() + "/" + kIndex;
    const auto weight_map = parse_index(folder.open(kIndex), where);
    std::map<std::string, std::map<std::string, TensorView>> shards;
    for (const auto& [name, shard] : weight_map) {
        auto known = shards.find(shard);
        if (known == shards.end()) {
            if (!folder.has(shard)) {
                throw Error(ErrorCode::not_found, fmt::format("{} is missing a shard", folder.describe()))
                    .expected(fmt::format("the file '{}' that {} names", printable(shard), kIndex))
                    .hint("download the checkpoint again");
            }
            files_.push_back({shard, folder.open(shard)});
            known = shards.emplace(shard, parse_safetensors(files_.back().bytes, folder.describe() + "/" + shard)).first;
        }
        const auto tensor = known->second.find(name);
        if (tensor == known->second.end()) {
            throw Error(ErrorCode::mismatch, fmt::format("the index and the shards of {} disagree", folder.describe()))
                .expected(fmt::format("tensor '{}' in '{}'", printable(name), printable(shard)))
                .found("no such tensor there");
        }
        tensors_.emplace(name, tensor->second);
    }
}

void Checkpoint::open_gguf(const Folder& folder) {
    files_.push_back({kGguf, folder.open(kGguf)});
    GgufFile file = parse_gguf(files_.back().bytes, folder.describe() + "/" + kGguf);
    const auto version = file.metadata.find(kVersionKey);
    if (version != file.metadata.end() && version->second != GgufValue(std::uint32_t{1})) {
        throw Error(ErrorCode::unsupported, fmt::format("{}/{} was written by a later Heart", folder.describe(), kGguf))
            .expected(fmt::format("{} 1", kVersionKey));
    }
    metadata_ = std::move(file.metadata);
    tensors_ = std::move(file.tensors);
}

void Checkpoint::open_torch(const Folder& folder) {
    files_.push_back({kTorch, folder.open(kTorch)});
    tensors_ = parse_torch_file(files_.back().bytes, folder.describe() + "/" + kTorch);
}

void Checkpoint::read_config(const Folder& folder) {
    std::string where = folder.describe() + "/" + kConfig;
    const std::string* inside = folder.has(kConfig) ? nullptr : find_text(metadata_, kConfigKey);
    if (inside != nullptr) {
        where = fmt::format("{}/{} ({})", folder.describe(), kGguf, kConfigKey);
        config_ = std::make_shared<const Json>(parse_json(*inside, where, kConfigLimits));
    } else {
        config_ = std::make_shared<const Json>(parse_json(folder.open(kConfig).text(), where, kConfigLimits));
    }
    if (!config_->is_object()) {
        throw Error(ErrorCode::malformed, fmt::format("{} is not a configuration", where)).expected("a JSON object");
    }
}

Checkpoint Checkpoint::open(const Folder& folder) {
    if (!folder.exists()) {
        throw Error(ErrorCode::not_found, fmt::format("no checkpoint at '{}'", folder.describe()))
            .expected(
                "a folder with config.json and model.safetensors (or its shards and their index), model.gguf or "
                "pytorch_model.bin");
    }
    Checkpoint out(folder.describe());
    const bool single = folder.has(kSingle), gguf = folder.has(kGguf);
    if (gguf && (single || folder.has(kIndex))) {
        throw Error(ErrorCode::mismatch, fmt::format("{} holds its weights twice", folder.describe()))
            .expected(fmt::format("either {} or {}", kGguf, single ? kSingle : kIndex))
            .hint("remove the one that is not meant");
    }
    if (gguf) {
        out.open_gguf(folder);
        out.read_config(folder);
        return out;
    }
    out.read_config(folder);
    if (single) {
        out.open_single(folder);
    } else if (folder.has(kIndex)) {
        out.open_shards(folder);
    } else if (folder.has(kTorch)) {
        out.open_torch(folder);
    } else {
        throw Error(ErrorCode::not_found, fmt::format("{} holds no weights", folder.describe()))
            .expected(fmt::format("{}, {}, {} or {}", kSingle, kIndex, kGguf, kTorch));
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
