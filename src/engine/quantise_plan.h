#pragma once

#include "formats/checkpoint.h"
#include "graph/tensor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heart::engine {

/// Number types of the parts of a smaller checkpoint. Vectors (norms, biases) of the language model are always float32; the
/// codec's quantiser, its biases and its scalar decoder always stay as they are.
struct QuantiseRecipe {
    graph::Type type = graph::Type::q4_k;  ///< of the language model's layers, unless a part says otherwise
    std::optional<graph::Type> backbone;   ///< matrices of the backbone's layers
    std::optional<graph::Type> depth;      ///< matrices of the depth decoder's layers, and the projection into it
    std::optional<graph::Type> head;       ///< codebook0_head, audio_head
    std::optional<graph::Type> embedding;  ///< audio, text and unconditional embeddings, reference projection
    graph::Type codec = graph::Type::f32;  ///< matrices of the codec's flow transformer; f32 keeps them as they are
};

/// "q8_0", "q4_0", "q4_k", "q5_k", "q6_k" or a name that `parse_type` knows. ErrorCode::usage lists them.
[[nodiscard]] graph::Type parse_weight_type(const std::string& name);
/// The short name: "f32", "bf16", "q4_k".
[[nodiscard]] std::string weight_type_label(formats::DType type);
[[nodiscard]] std::string weight_type_label(graph::Type type);

/// What one tensor of a checkpoint becomes.
struct PlannedTensor {
    std::string name;
    const formats::TensorView* source = nullptr;
    std::optional<graph::Type> type;   ///< none: its bytes are copied as they are
    std::optional<graph::Type> asked;  ///< what the recipe asked for, where rows are not whole blocks of it

    [[nodiscard]] formats::DType dtype() const;  ///< in the file

    [[nodiscard]] std::uint64_t bytes() const;
};

/// What a model's folder becomes. Points into the checkpoint.
struct QuantisePlan {
    std::string architecture;                                 ///< "heartmula", "heartcodec" or "whisper"
    std::vector<std::pair<std::string, std::string>> recipe;  ///< part -> type, as asked for
    std::vector<PlannedTensor> tensors;                       ///< by name
    std::vector<std::string> left_out;                        ///< tensors that Heart never reads, of types that GGUF lacks

    [[nodiscard]] std::uint64_t bytes() const;  ///< of all tensors in the file, padding included
};

/// Plans a language model or a codec; throws what loading it would. A matrix whose rows are not whole blocks takes the next
/// type that fits: q4_k -> q4_0, q5_k and q6_k -> q8_0, q4_0 and q8_0 -> f16.
[[nodiscard]] QuantisePlan plan_language_model(const formats::Checkpoint& checkpoint, const QuantiseRecipe& recipe);
/// Matrices of the transcriptor's layers in `type`; embeddings, which are its head too, and convolutions in float16.
[[nodiscard]] QuantisePlan plan_transcriptor(const formats::Checkpoint& checkpoint, const QuantiseRecipe& recipe);
/// ErrorCode::usage for a codec in bf16.
[[nodiscard]] QuantisePlan plan_codec(const formats::Checkpoint& checkpoint, const QuantiseRecipe& recipe);

}  // namespace heart::engine
