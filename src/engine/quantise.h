#pragma once

#include "core/cancel.h"
#include "engine/checkpoint_set.h"
#include "engine/new_folder.h"
#include "engine/quantise_plan.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace heart::engine {

struct QuantiseRequest {
    QuantiseRecipe recipe;
    bool language_model = true, codec = true;  ///< which models are written
    bool transcriptor = false;
    int threads = 0;                           ///< 0: one per core
    std::size_t piece = std::size_t{4} << 20;  ///< numbers held at a time, of whole rows
};

/// What was done to one model.
struct QuantisedModel {
    std::string folder;
    std::uint64_t source_bytes = 0, bytes = 0;                ///< of weights
    std::vector<std::pair<std::string, std::string>> recipe;  ///< part -> type
    struct Share {
        std::uint64_t tensors = 0, parameters = 0, bytes = 0;
    };
    std::map<std::string, Share> types;  ///< what stands in the file, by type
    /// Tensors whose rows are not whole blocks of the type that was asked for.
    struct Fallback {
        std::string asked, taken;
        std::vector<std::string> tensors;
    };
    std::vector<Fallback> fallbacks;
    std::vector<std::string> left_out;  ///< see QuantisePlan
};

/// Writes `output` (which must not exist, or be empty): a folder of the published layout whose models are GGUF files with
/// smaller weights, and beside them the small files (config.json, tokenizer.json, gen_config.json, ...) as they were.
/// docs/formats.md shows the files. Weights are read and written in pieces of rows, so that memory stays small, and a file
/// gets its name when it is whole; on any error or cancellation everything written is removed. The result does not depend on
/// the number of threads.
///
/// Throws what loading the checkpoints would; ErrorCode::unsupported naming tensor and file for a weight that its type
/// cannot hold (see graph::quantise_rows); ErrorCode::usage, ::io for the folder.
[[nodiscard]] std::vector<QuantisedModel> quantise_checkpoint(const CheckpointSet& source,
                                                              const std::filesystem::path& output,
                                                              const QuantiseRequest& request, const WriteProgress& progress,
                                                              const CancelToken& cancel);

}  // namespace heart::engine
