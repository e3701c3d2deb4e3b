#include "engine/synthetic_transcriptor.h"

#include "core/error.h"
#include "core/utf8.h"
#include "speech/languages.h"
#include "text/bpe.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>

namespace heart::engine {

namespace {

using formats::Json;

struct Size {
    const char* name;
    std::int64_t dim, encoder_layers, decoder_layers, heads, mel_bands;
    std::int32_t words;  ///< tokens before the special ones
    std::size_t languages;
};

constexpr std::array<Size, 7> kSizes{{{"mini", 32, 1, 1, 2, 80, 300, 8},
                                      {"tiny", 384, 4, 4, 6, 80, 50257, 99},
                                      {"base", 512, 6, 6, 8, 80, 50257, 99},
                                      {"small", 768, 12, 12, 12, 80, 50257, 99},
                                      {"medium", 1024, 24, 24, 16, 80, 50257, 99},
                                      {"large-v3", 1280, 32, 32, 20, 128, 50257, 100},
                                      {"turbo", 1280, 32, 4, 20, 128, 50257, 100}}};

constexpr std::int32_t kTimestamps = 1501;  // 0.00 to 30.00

const Size& size_named(const std::string& name) {
    for (const Size& s : kSizes) {
        if (name == s.name) return s;
    }
    throw Error(ErrorCode::usage, fmt::format("no transcriptor size '{}'", printable(name, 40)))
        .expected("tiny, base, small, medium, large-v3, turbo, mini or none");
}

/// Where the special tokens stand, as in Whisper's vocabulary: end, start, languages, tasks, marks, timestamps.
struct Ids {
    explicit Ids(const Size& s) : end(s.words) {
        for (const auto& [code, name] : speech::languages(s.languages)) languages.push_back(std::string(code));
        translate = end + 2 + static_cast<std::int32_t>(languages.size());
    }
    std::int32_t end, translate;
    std::vector<std::string> languages;

    [[nodiscard]] std::int32_t language(std::size_t i) const { return end + 2 + static_cast<std::int32_t>(i); }
    [[nodiscard]] std::int32_t no_timestamps() const { return translate + 5; }
    [[nodiscard]] std::int32_t vocabulary() const { return no_timestamps() + 1 + kTimestamps; }
};

Json added_token(std::int32_t id, const std::string& content, bool special) {
    return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
            {"rstrip", false}, {"normalized", false}, {"special", special}};
}

/// Single bytes, then made-up words, which no text is cut into, so that random weights write something that can be read.
Json tokenizer_of(const Ids& ids) {
    Json vocabulary = Json::object();
    for (std::int32_t id = 0; id < ids.end; ++id) {
        std::string token;
        if (id < 256) append_utf8(token, text::byte_level_character(static_cast<unsigned char>(id)));
        else append_utf8(token, text::byte_level_character(' ')), token += fmt::format("w{}", id);
        vocabulary[token] = id;
    }
    Json added =
        Json::array({added_token(ids.end, "<|endoftext|>", true), added_token(ids.end + 1, "<|startoftranscript|>", true)});
    for (std::size_t i = 0; i < ids.languages.size(); ++i) {
        added.push_back(added_token(ids.language(i), fmt::format("<|{}|>", ids.languages[i]), true));
    }
    std::int32_t next = ids.translate;
    for (const char* mark : {"translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"}) {
        added.push_back(added_token(next++, fmt::format("<|{}|>", mark), true));
    }
    for (int i = 0; i < kTimestamps; ++i) added.push_back(added_token(next++, fmt::format("<|{:.2f}|>", i * 0.02), false));
    const Json bytes{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    return {{"version", "1.0"},
            {"truncation", nullptr},
            {"padding", nullptr},
            {"added_tokens", std::move(added)},
            {"normalizer", nullptr},
            {"pre_tokenizer", bytes},
            {"post_processor", nullptr},
            {"decoder", bytes},
            {"model", {{"type", "BPE"}, {"vocab", std::move(vocabulary)}, {"merges", Json::array()}}}};
}

}  // namespace

TranscriptorFilesOfSize transcriptor_files(const std::string& name, const char* torch_dtype) {
    const Size& s = size_named(name);
    const Ids ids(s);
    TranscriptorFilesOfSize out;
    out.config = {{"architectures", {"WhisperForConditionalGeneration"}},
                  {"model_type", "whisper"},
                  {"torch_dtype", torch_dtype},
                  {"vocab_size", ids.vocabulary()},
                  {"num_mel_bins", s.mel_bands},
                  {"d_model", s.dim},
                  {"encoder_layers", s.encoder_layers},
                  {"decoder_layers", s.decoder_layers},
                  {"encoder_attention_heads", s.heads},
                  {"decoder_attention_heads", s.heads},
                  {"encoder_ffn_dim", 4 * s.dim},
                  {"decoder_ffn_dim", 4 * s.dim},
                  {"max_source_positions", 1500},
                  {"max_target_positions", 448},
                  {"activation_function", "gelu"},
                  {"scale_embedding", false}};
    Json languages = Json::object();
    for (std::size_t i = 0; i < ids.languages.size(); ++i)
        languages[fmt::format("<|{}|>", ids.languages[i])] = ids.language(i);
    out.generation = {
        {"decoder_start_token_id", ids.end + 1},
        {"bos_token_id", ids.end},
        {"eos_token_id", ids.end},
        {"pad_token_id", ids.end},
        {"is_multilingual", true},
        {"lang_to_id", std::move(languages)},
        {"task_to_id", {{"translate", ids.translate}, {"transcribe", ids.translate + 1}}},
        {"no_timestamps_token_id", ids.no_timestamps()},
        {"prev_sot_token_id", ids.translate + 3},
        {"max_initial_timestamp_index", 50},
        {"max_length", 448},
        {"return_timestamps", false},
        {"begin_suppress_tokens", {ids.end}},
        {"suppress_tokens",
         {ids.end + 1, ids.translate, ids.translate + 1, ids.translate + 2, ids.translate + 3, ids.translate + 4}}};
    out.tokenizer = tokenizer_of(ids);
    out.tokenizer_config = {{"tokenizer_class", "WhisperTokenizer"}, {"clean_up_tokenization_spaces", true}};
    return out;
}

}  // namespace heart::engine
