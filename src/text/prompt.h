#pragma once

#include "text/tokenizer.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace heart::text {

/// From gen_config.json.
struct PromptIds {
    std::int32_t text_bos, text_eos;
};

/// The text side of HeartMuLa's prompt: positions [tags][one empty position][lyrics]. The model puts the embedding of the
/// reference audio (or of none) at the empty position.
struct Prompt {
    std::vector<std::int32_t> tags, lyrics;  ///< each starts with text_bos and ends with text_eos

    [[nodiscard]] std::size_t muq_index() const noexcept { return tags.size(); }
    [[nodiscard]] std::size_t length() const noexcept { return tags.size() + 1 + lyrics.size(); }
};

/// Builds the prompt as heartlib does (src/heartlib/pipelines/music_generation.py, preprocess): tags and lyrics in lower
/// case; the tags start with "<tag>" and end with "</tag>", put there where missing; each text encoded with the special
/// tokens of the tokenizer's own post-processor; then text_bos in front and text_eos behind where not there already. Two
/// things differ. Empty lyrics give bos and eos even when the tokenizer adds no BOS, where heartlib fails on an empty list.
/// A text that happens to be the name of a file is not replaced by what the file holds.
/// Throws as Tokenizer::encode; the message says whether the tags or the lyrics are meant.
[[nodiscard]] Prompt make_prompt(const Tokenizer& tokenizer, const PromptIds& ids, std::string_view tags,
                                 std::string_view lyrics);

}  // namespace heart::text
