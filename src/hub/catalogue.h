#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::hub {

/// A file of which more is known than its name.
struct KnownFile {
    std::string_view name;
    std::uint64_t size = 0;
    std::string_view sha256;
};

/// A checkpoint that is published, and where it belongs among the others (the layout that heartlib's README gives).
struct Repository {
    enum class Part { shared, language_model, codec, transcriptor, encoder, embedder, audio_tower, text_tower };

    std::string_view name;   ///< "HeartCodec-oss-20260123"
    std::string_view owner;  ///< "HeartMuLa", on Hugging Face and ModelScope alike
    Part part;
    std::string_view about;    ///< one line for people
    std::string_view licence;  ///< SPDX
    double gigabytes;          ///< about
    /// What it holds, for servers that cannot list. A name with '*' stands for the files that its index lists.
    std::span<const std::string_view> files;
    bool only_these = false;  ///< it holds much more, of which nothing is needed: no other file is fetched
    /// Checksums for sources that have none.
    std::span<const KnownFile> known = {};
    std::string_view older_path = {};  ///< what hubs and caches called it before: "xlm-roberta-base"; empty: nothing else
};

/// All of them, the recommended ones first.
[[nodiscard]] std::span<const Repository> catalogue();

/// By name, with or without its owner, in any case. ErrorCode::not_found listing the names.
[[nodiscard]] const Repository& repository_named(std::string_view name);

/// What makes songs: HeartMuLaGen and the pair of language model and codec that its authors recommend.
[[nodiscard]] std::vector<const Repository*> recommended();

/// Where hubs have it, the present path first: "FacebookAI/xlm-roberta-base", "xlm-roberta-base".
[[nodiscard]] std::vector<std::string> paths_of(const Repository& repository);

/// `wanted` and what they cannot do without: a language model needs HeartMuLaGen and a codec, the embedding model the
/// settings of its towers.
[[nodiscard]] std::vector<const Repository*> with_companions(const std::vector<const Repository*>& wanted);

/// The folder of a checkpoint among others: "HeartCodec-oss"; "" for files that stand beside the folders. `version` names
/// that of the language model: "HeartMuLa-oss-<version>".
[[nodiscard]] std::string folder_of(const Repository& repository, std::string_view version);

/// Whether `folder` has the checkpoint, as far as its settings tell; `heart info` looks closer.
[[nodiscard]] bool is_present(const std::filesystem::path& folder, const Repository& repository, std::string_view version);

}  // namespace heart::hub
