#pragma once

#include "core/error.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace heart::test {

/// Which loading code a damaged thing goes through.
enum class Door {
    language_model,     ///< Checkpoint::open and LanguageModel::load of the folder
    codec,              ///< Checkpoint::open and Codec::load of the folder
    tokenizer,          ///< Tokenizer::from_json of the folder's tokenizer.json
    generation_config,  ///< GenerationConfig::parse of the folder's gen_config.json
    codes,              ///< read_integer_array of the folder's codes.npy
    gguf,               ///< Checkpoint::open and LanguageModel::load of a folder with model.gguf
};

/// One way to damage a good folder, and how it must be refused.
struct Damage {
    std::string name;  ///< letters, digits and '_'
    Door door;
    ErrorCode code;
    std::function<void(const std::filesystem::path& folder)> apply;
    bool stopped_by_permission = false;  ///< means nothing to the superuser
};

/// All damages.
[[nodiscard]] const std::vector<Damage>& corpus();

/// Those of the folder with model.gguf; part of the corpus.
[[nodiscard]] std::vector<Damage> gguf_damages();
/// That folder, from one of the language model in one safetensors file.
void turn_into_gguf(const std::filesystem::path& folder);

/// Writes the good folder of a door, which `apply` then damages.
void write_good(Door door, const std::filesystem::path& folder);

/// Loads a folder as the program would.
void load(Door door, const std::filesystem::path& folder);

}  // namespace heart::test
