#include "engine/checkpoint_set.h"

#include "core/error.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/language_model.h"
#include "models/heartmula/song_batch.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

namespace heart::engine {

namespace {

constexpr const char* kTokenizer = "tokenizer.json";
constexpr const char* kGenerationConfig = "gen_config.json";

/// A number behind `key` in a "key: 123 kB" or single-number file of the system; 0 where there is none.
std::uint64_t read_number(const char* path, const std::string& key) {
    std::ifstream in(path);
    std::string word;
    std::uint64_t value = 0;
    if (key.empty()) return in >> value ? value : 0;
    while (in >> word) {
        if (word == key) return in >> value ? value : 0;
    }
    return 0;
}

std::string gigabytes(std::uint64_t bytes) {
    return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

}  // namespace

CheckpointSet::CheckpointSet(formats::Folder root, std::string version)
    : root_(std::move(root)), version_(std::move(version)) {
    if (!formats::is_plain_file_name(version_)) {
        throw Error(ErrorCode::usage, fmt::format("'{}' is not a version", printable(version_, 40)))
            .expected("the end of a folder name HeartMuLa-oss-<version>, such as 3B");
    }
    if (!root_.exists()) {
        throw Error(ErrorCode::not_found, fmt::format("no model folder at '{}'", root_.describe()))
            .expected(fmt::format("a folder with {}/, {}/, {} and {}", language_model_folder(), codec_folder(), kTokenizer,
                                  kGenerationConfig));
    }
}

formats::Checkpoint CheckpointSet::language_model() const {
    return formats::Checkpoint::open(root_.sub(language_model_folder()));
}

formats::Checkpoint CheckpointSet::codec() const {
    return formats::Checkpoint::open(root_.sub(codec_folder()));
}

formats::Checkpoint CheckpointSet::transcriptor() const {
    return formats::Checkpoint::open(root_.sub(transcriptor_folder()));
}

bool CheckpointSet::has_transcriptor() const {
    return root_.sub(transcriptor_folder()).exists();
}

text::Tokenizer CheckpointSet::tokenizer() const {
    return text::Tokenizer::from_json(root_.open(kTokenizer).text(), root_.describe() + "/" + kTokenizer);
}

heartmula::GenerationConfig CheckpointSet::generation_config() const {
    const std::string where = root_.describe() + "/" + kGenerationConfig;
    const auto json = formats::parse_json(root_.open(kGenerationConfig).text(), where, {.max_bytes = 1 << 20});
    return heartmula::GenerationConfig::parse(json, where);
}

std::uint64_t MemoryPlan::composing() const noexcept {
    return language_model + kv_cache + (lazy_load ? 0 : codec) + scratch;
}

std::uint64_t MemoryPlan::rendering() const noexcept {
    return codec + (lazy_load ? 0 : language_model) + scratch;
}

std::uint64_t MemoryPlan::peak() const noexcept {
    return std::max(composing(), rendering());
}

std::string plan_text(const MemoryPlan& plan) {
    return fmt::format(
        "{} at most: composing {} (language model {}, KV cache {}), rendering {} (codec {}); scratch {} in each",
        gigabytes(plan.peak()), gigabytes(plan.composing()), gigabytes(plan.language_model), gigabytes(plan.kv_cache),
        gigabytes(plan.rendering()), gigabytes(plan.codec), gigabytes(plan.scratch));
}

MemoryPlan plan_memory(const CheckpointSet& set, const PlanRequest& r) {
    std::optional<formats::Checkpoint> language_model, codec;
    if (r.with_language_model) language_model = set.language_model();
    if (r.with_codec) codec = set.codec();
    return plan_memory(language_model ? &*language_model : nullptr, codec ? &*codec : nullptr, r);
}

MemoryPlan plan_memory(const formats::Checkpoint* language_model, const formats::Checkpoint* codec, const PlanRequest& r) {
    constexpr std::uint64_t kScratch = 512'000'000;  // measured at the published sizes: both models stay below
    MemoryPlan plan;
    plan.songs = r.songs;
    plan.lazy_load = r.lazy_load;
    if (language_model != nullptr) {
        const auto config = heartmula::Config::parse(language_model->config(), language_model->describe() + "/config.json");
        plan.language_model = heartmula::check_checkpoint(*language_model, r.language_model_type);
        const std::int64_t positions = std::min(r.positions, config.backbone.max_length);  // a song never has more
        const heartmula::BatchLimits limits{r.songs, positions, heartmula::is_guided(r.cfg_scale)};
        plan.kv_cache = heartmula::SongBatch::cache_bytes(config, limits, r.cache_type);
    }
    if (codec != nullptr) plan.codec = heartcodec::check_checkpoint(*codec, r.codec_type);
    plan.scratch = std::min(kScratch, plan.language_model + plan.codec) * (r.streams && !r.lazy_load ? 2 : 1);
    return plan;
}

namespace {

/// Of the host, for this process; 0 when unknown.
std::uint64_t host_memory() {
    std::uint64_t free = read_number("/proc/meminfo", "MemAvailable:") * 1024;
    // In a container the group's limit counts, not the machine's.
    const std::uint64_t limit = read_number("/sys/fs/cgroup/memory.max", "");
    const std::uint64_t used = read_number("/sys/fs/cgroup/memory.current", "");
    if (limit > used) free = std::min(free, limit - used);
    return free;
}

std::uint64_t free_on(const graph::Device& device) {
    return device.is_cpu() ? host_memory() : device.memory_free();
}

bool below(std::uint64_t wanted, std::uint64_t free) {
    return free == 0 || wanted <= free;
}

}  // namespace

Room room_on(const graph::Device& language_model, const graph::Device& codec) {
    const bool shared = language_model.name() == codec.name() || (language_model.is_cpu() && codec.is_cpu());
    return {free_on(language_model), free_on(codec), shared};
}

bool fits(const MemoryPlan& plan, const Room& room) {
    if (room.shared) return below(plan.peak(), room.language_model);
    return below(plan.language_model + plan.kv_cache + plan.scratch, room.language_model) &&
           below(plan.codec + plan.scratch, room.codec);
}

void check_fits(const MemoryPlan& plan, const Room& room) {
    if (fits(plan, room)) return;
    const std::string found = room.shared ? gigabytes(room.language_model) + " available"
                                          : fmt::format("{} available for the language model, {} for the codec",
                                                        gigabytes(room.language_model), gigabytes(room.codec));
    throw Error(ErrorCode::memory, "the models do not fit into memory")
        .expected(plan_text(plan))
        .found(found)
        .hint(plan.songs > 1                   ? "try a smaller --batch"
              : !plan.lazy_load && room.shared ? "try --lazy-load true"
                                               : "try a smaller --mula-dtype, --codec-dtype float16 or a shorter song");
}

}  // namespace heart::engine
