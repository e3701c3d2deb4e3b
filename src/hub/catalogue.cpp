#include "hub/catalogue.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <system_error>

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

constexpr std::string_view kEmbedderFiles[] = {"config.json", "pytorch_model.bin"};
constexpr std::string_view kAudioTowerFiles[] = {"config.json"};
constexpr std::string_view kTextTowerFiles[] = {"config.json", "tokenizer.json"};

constexpr KnownFile kEmbedderKnown[] = {
    {"pytorch_model.bin", 2'653'954'401, "d42ae3f7cb9b66759ee0089ddc70e2f28b130c2d8ba621457358272d32dd0444"},
};

constexpr std::string_view kOwner = "HeartMuLa", kFree = "Apache-2.0";
constexpr std::string_view kMuqOwner = "OpenMuQ", kMuqLicence = "CC-BY-NC-4.0";

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
    {"MuQ-MuLan-large", kMuqOwner, Part::embedder, "sound and words in one space: style references, search", kMuqLicence,
     2.654, kEmbedderFiles, true, kEmbedderKnown},
    // Their weights are part of MuQ-MuLan's.
    {"MuQ-large-msd-iter", kMuqOwner, Part::audio_tower, "settings of MuQ-MuLan's audio tower", kMuqLicence, 0.00001,
     kAudioTowerFiles, true},
    {"xlm-roberta-base",
     "FacebookAI",
     Part::text_tower,
     "tokenizer and settings of MuQ-MuLan's text tower",
     "MIT",
     0.009,
     kTextTowerFiles,
     true,
     {},
     "xlm-roberta-base"},
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
        if (same_name(name, repository.name) || same_name(name, paths_of(repository).front())) {
            return repository;
        }
    }
    std::vector<std::string_view> names;
    for (const Repository& repository : kCatalogue) names.push_back(repository.name);
    throw Error(ErrorCode::not_found, "no checkpoint is known by this name")
        .expected(fmt::format("one of {}", fmt::join(names, ", ")))
        .found(printable(name, 100));
}

std::vector<std::string> paths_of(const Repository& repository) {
    std::vector<std::string> paths{fmt::format("{}/{}", repository.owner, repository.name)};
    if (!repository.older_path.empty()) paths.emplace_back(repository.older_path);
    return paths;
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
    for (const Part tower : {Part::audio_tower, Part::text_tower}) {
        if (has(wanted, Part::embedder) && !has(wanted, tower)) all.push_back(&first_of(tower));
    }
    return all;
}

std::string folder_of(const Repository& repository, std::string_view version) {
    switch (repository.part) {
        case Part::language_model: return fmt::format("HeartMuLa-oss-{}", version);
        case Part::codec: return "HeartCodec-oss";
        case Part::transcriptor: return "HeartTranscriptor-oss";
        case Part::encoder: return "HeartCodec-oss-encoder";
        case Part::embedder: return "MuQ-MuLan";
        case Part::audio_tower: return "MuQ-large-msd-iter";  // by the names in MuQ-MuLan's config.json
        case Part::text_tower: return "xlm-roberta-base";
        case Part::shared: break;
    }
    return "";
}

bool is_present(const std::filesystem::path& folder, const Repository& repository, std::string_view version) {
    std::error_code failed;
    const auto has = [&](const std::filesystem::path& file) { return std::filesystem::is_regular_file(file, failed); };
    if (repository.part == Part::shared) return has(folder / "tokenizer.json");
    const std::filesystem::path place = folder / folder_of(repository, version);
    return has(place / "config.json") || has(place / "encoder_config.json");
}

}  // namespace heart::hub
