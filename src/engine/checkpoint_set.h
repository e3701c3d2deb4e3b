#pragma once

#include "formats/bytes.h"
#include "formats/checkpoint.h"
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
    [[nodiscard]] text::Tokenizer tokenizer() const;
    [[nodiscard]] heartmula::GenerationConfig generation_config() const;

    [[nodiscard]] const formats::Folder& root() const noexcept { return root_; }
    [[nodiscard]] const std::string& version() const noexcept { return version_; }
    [[nodiscard]] std::string language_model_folder() const { return "HeartMuLa-oss-" + version_; }
    [[nodiscard]] static std::string codec_folder() { return "HeartCodec-oss"; }

private:
    formats::Folder root_;
    std::string version_;
};

/// Bytes that a song takes, known before anything is loaded.
struct MemoryPlan {
    std::uint64_t language_model = 0;  ///< weights
    std::uint64_t kv_cache = 0;
    std::uint64_t codec = 0;    ///< weights
    std::uint64_t scratch = 0;  ///< of graphs, the larger of the two models', of both when a song streams; an estimate
    bool lazy_load = false;

    /// Held while codes are drawn, and while sound is made of them (the cache is gone by then).
    [[nodiscard]] std::uint64_t composing() const noexcept;
    [[nodiscard]] std::uint64_t rendering() const noexcept;
    /// Most that is held at one time.
    [[nodiscard]] std::uint64_t peak() const noexcept;
};

/// `audio_ms` and `prompt_positions` size the KV cache. Checks both checkpoints on the way: throws what their loading
/// would. Set `with_codec` / `with_language_model` for what will be used.
struct PlanRequest {
    graph::Type language_model_type = graph::Type::bf16, codec_type = graph::Type::f32, cache_type = graph::Type::bf16;
    std::int64_t positions = 4096;
    float cfg_scale = 1.5F;
    bool lazy_load = false, with_language_model = true, with_codec = true;
    bool streams = false;  ///< both models compute at one time
};
[[nodiscard]] MemoryPlan plan_memory(const CheckpointSet& set, const PlanRequest& request);
/// The same for checkpoints that are open; either may be null and is then left out.
[[nodiscard]] MemoryPlan plan_memory(const formats::Checkpoint* language_model, const formats::Checkpoint* codec,
                                     const PlanRequest& request);

/// Bytes of memory that this process may still take; 0 when unknown.
[[nodiscard]] std::uint64_t available_memory();

/// "5.4 GB at most: composing 5.4 (language model 4.2, KV cache 0.7), rendering 4.9 (codec 4.4); scratch 0.5 in each"
[[nodiscard]] std::string plan_text(const MemoryPlan& plan);

/// Throws ErrorCode::memory with both numbers when the plan does not fit.
void check_fits(const MemoryPlan& plan);

}  // namespace heart::engine
