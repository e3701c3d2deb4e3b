#pragma once

#include "formats/bytes.h"
#include "formats/checkpoint.h"
#include "graph/device.h"
#include "graph/tensor.h"
#include "models/heartmula/config.h"
#include "text/tokenizer.h"

#include <cstdint>
#include <string>

namespace heart::engine {

/// A folder of checkpoints as they are published: HeartMuLa-oss-<version>/, HeartCodec-oss/, tokenizer.json,
/// gen_config.json (heartlib pipelines/music_generation.py, _resolve_paths).
class CheckpointSet {
public:
    CheckpointSet(formats::Folder root, std::string version);

    [[nodiscard]] formats::Checkpoint language_model() const;
    [[nodiscard]] formats::Checkpoint codec() const;
    /// HeartTranscriptor-oss/, where the folder has it (see `has_transcriptor`).
    [[nodiscard]] formats::Checkpoint transcriptor() const;
    [[nodiscard]] bool has_transcriptor() const;
    [[nodiscard]] text::Tokenizer tokenizer() const;
    [[nodiscard]] heartmula::GenerationConfig generation_config() const;

    [[nodiscard]] const formats::Folder& root() const noexcept { return root_; }
    [[nodiscard]] const std::string& version() const noexcept { return version_; }
    [[nodiscard]] std::string language_model_folder() const { return "HeartMuLa-oss-" + version_; }
    [[nodiscard]] static std::string codec_folder() { return "HeartCodec-oss"; }
    [[nodiscard]] static std::string transcriptor_folder() { return "HeartTranscriptor-oss"; }

private:
    formats::Folder root_;
    std::string version_;
};

/// Bytes that songs take, known before anything is loaded.
struct MemoryPlan {
    std::int64_t songs = 1;            ///< composed at once
    std::uint64_t language_model = 0;  ///< weights
    std::uint64_t kv_cache = 0;        ///< of all songs
    std::uint64_t codec = 0;           ///< weights
    std::uint64_t scratch = 0;  ///< of graphs, the larger of the two models', of both when a song streams; an estimate
    bool lazy_load = false;

    /// Held while codes are drawn, and while sound is made of them (the cache is gone by then).
    [[nodiscard]] std::uint64_t composing() const noexcept;
    [[nodiscard]] std::uint64_t rendering() const noexcept;
    /// Most that is held at one time.
    [[nodiscard]] std::uint64_t peak() const noexcept;
};

/// `songs` at once and the `positions` of each size the KV cache. Checks both checkpoints on the way: throws what their
/// loading would. Set `with_codec` / `with_language_model` for what will be used.
struct PlanRequest {
    graph::Type language_model_type = graph::Type::bf16, codec_type = graph::Type::f32, cache_type = graph::Type::bf16;
    std::int64_t songs = 1, positions = 4096;
    float cfg_scale = 1.5F;
    bool lazy_load = false, with_language_model = true, with_codec = true;
    bool streams = false;  ///< both models compute at one time
};
[[nodiscard]] MemoryPlan plan_memory(const CheckpointSet& set, const PlanRequest& request);
/// The same for checkpoints that are open; either may be null and is then left out.
[[nodiscard]] MemoryPlan plan_memory(const formats::Checkpoint* language_model, const formats::Checkpoint* codec,
                                     const PlanRequest& request);

/// Bytes that the models may still take where they will be; 0 when unknown.
struct Room {
    std::uint64_t language_model = 0, codec = 0;
    bool shared = true;  ///< both are on one device and name the same memory
};
[[nodiscard]] Room room_on(const graph::Device& language_model, const graph::Device& codec);

/// "5.4 GB at most: composing 5.4 (language model 4.2, KV cache 0.7), rendering 4.9 (codec 4.4); scratch 0.5 in each"
[[nodiscard]] std::string plan_text(const MemoryPlan& plan);

/// Whether the plan fits; true where the memory is unknown.
[[nodiscard]] bool fits(const MemoryPlan& plan, const Room& room);

/// Throws ErrorCode::memory with both numbers when the plan does not fit.
void check_fits(const MemoryPlan& plan, const Room& room);

}  // namespace heart::engine
