#include "hub/catalogue.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace heart::hub {

namespace {

using Part = Repository::Part;

constexpr std::string_view kSharedFiles[] = {"tokenizer.json", "gen_config.json"};
constexpr std::string_view kShardedFiles[] = {"config.json", "model.safetensors.index.json", "model-*.safetensors"};
constexpr std::string_view kTranscriptorFiles[] = {"config.json",
                                                   "generation_config.json",
                                                   "preprocessor_config.json",
                                                   "tokenizer.json",
                                                   "vocab.json",
                                                   "merges.txt",
                                                   "added_tokens.json",
                                                   "normalizer.json",
                                                   "tokenizer_config.json",
                                                   "special_tokens_map.json",
                                                   "model.safetensors"};
constexpr std::string_view kEncoderFiles[] = {"encoder_config.json", "encoder.safetensors", "SHA256SUMS"};

constexpr std::string_view kOwner = "HeartMuLa", kFree = "Apache-2.0";

constexpr Repository kCatalogue[] = {
    {"HeartMuLaGen", kOwner, Part::shared, "tokenizer and settings that every HeartMuLa needs", kFree, 0.01, kSharedFiles},
    {"HeartMuLa-oss-3B-happy-new-year", kOwner, Part::language_model, "the language model its authors recommend", kFree,
     15.8, kShardedFiles},
    {"HeartCodec-oss-20260123", kOwner, Part::codec, "the codec its authors recommend", kFree, 6.6, kShardedFiles},
    {"HeartMuLa-RL-oss-3B-20260123", kOwner, Part::language_model, "tuned to follow its tags (reinforcement learning)",
     kFree, 15.8, kShardedFiles},
    {"HeartMuLa-oss-3B", kOwner, Part::language_model, "the first language model", kFree, 15.8, kShardedFiles},
    {"HeartTranscriptor-oss", kOwner, Part::transcriptor, "lyrics out of a song (Whisper medium)", kFree, 3.1,
     kTranscriptorFiles},
    {"HeartCodec-oss-encoder", kOwner, Part::encoder, "the codec's other half: sound into codes", kFree, 2.2, kEncoderFiles},
};

bool same_name(std::string_view a, std::string_view b) {
    const auto small = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return small(x) == small(y); });
}

const Repository& first_of(Part part) {
    return *std::find_if(std::begin(kCatalogue), std::end(kCatalogue), [&](const auto& r) { return r.part == part; });
}

}  // namespace

std::span<const Repository> catalogue() {
    return kCatalogue;
}

const Repository& repository_named(std::string_view name) {
    for (const Repository& repository : kCatalogue) {
        if (same_name(name, repository.name) || same_name(name, fmt::format("{}/{}", repository.owner, repository.name))) {
            return repository;
        }
    }
    std::vector<std::string_view> names;
    for (const Repository& repository : kCatalogue) names.push_back(repository.name);
    throw Error(ErrorCode::not_found, "no checkpoint is known by this name")
        .expected(fmt::format("one of {}", fmt::join(names, ", ")))
        .found(printable(name, 100));
}

std::vector<const Repository*> recommended() {
    return with_companions({&first_of(Part::language_model)});
}

std::vector<const Repository*> with_companions(const std::vector<const Repository*>& wanted) {
    std::vector<const Repository*> all;
    const auto has = [&](const auto& list, Part part) {
        return std::any_of(list.begin(), list.end(), [&](const Repository* r) { return r->part == part; });
    };
    if (has(wanted, Part::language_model) && !has(wanted, Part::shared)) all.push_back(&first_of(Part::shared));
    for (const Repository* repository : wanted) {
        if (std::find(all.begin(), all.end(), repository) == all.end()) all.push_back(repository);
    }
    if (has(wanted, Part::language_model) && !has(wanted, Part::codec)) all.push_back(&first_of(Part::codec));
    return all;
}

std::string folder_of(const Repository& repository, std::string_view version) {
    switch (repository.part) {
        case Part::language_model: return fmt::format("HeartMuLa-oss-{}", version);
        case Part::codec: return "HeartCodec-oss";
        case Part::transcriptor: return "HeartTranscriptor-oss";
        case Part::encoder: return "HeartCodec-oss-encoder";
        case Part::shared: break;
    }
    return "";
}

}  // namespace heart::hub
