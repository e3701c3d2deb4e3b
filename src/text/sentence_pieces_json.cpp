#include "text/sentence_pieces_json.h"

#include "core/error.h"
#include "formats/base64.h"
#include "text/unicode.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace heart::text {

namespace {

using formats::Json;

CharacterMap read_character_map(const JsonNode& precompiled, const TokenizerLimits& limits) {
    precompiled.require_string("type", "Precompiled");
    const JsonNode node = precompiled.member("precompiled_charsmap");
    const std::string& base64 = node.string();
    const std::size_t size = base64.size() / 4 * 3;
    if (size > limits.max_character_map_bytes) {
        throw node.beyond(fmt::format("at most {} bytes", limits.max_character_map_bytes), size);
    }
    const auto bytes = formats::from_base64(base64);
    if (!bytes) throw node.error(ErrorCode::malformed, "is malformed").expected("base64");
    return {*bytes, node.where()};
}

/// Either the character map alone, or what newer converters write: the map, white space taken away at the end, and runs of
/// spaces joined.
PieceNormalizer read_normalizer(const JsonNode& root, const TokenizerLimits& limits) {
    constexpr std::string_view kImplemented = "Precompiled, or a Sequence of Precompiled, Strip and Replace";
    const auto node = root.optional_member("normalizer");
    if (!node) throw root.error(ErrorCode::unsupported, "has no normalizer").expected(kImplemented);
    const JsonNode type = node->member("type");
    if (type.string() == "Precompiled") return {read_character_map(*node, limits), false};
    if (type.string() != "Sequence") throw type.unsupported(kImplemented);
    const JsonNode list = node->member("normalizers");
    if (list.array().size() != 3) throw list.unsupported(kImplemented);

    const JsonNode strip = list.element(1), replace = list.element(2);
    strip.require_string("type", "Strip");
    strip.require_boolean("strip_left", false);
    strip.require_boolean("strip_right", true);
    replace.require_string("type", "Replace");
    const JsonNode pattern = replace.member("pattern");
    if (!pattern.object().contains("Regex")) throw pattern.unsupported("a Regex");
    pattern.require_string("Regex", " {2,}");
    replace.require_string("content", kSpaceMark);
    return {read_character_map(list.element(0), limits), true};
}

/// Whether a Metaspace puts its mark in front of every word, in the spelling of older files or of newer ones.
bool read_metaspace(const JsonNode& node) {
    node.require_string("type", "Metaspace");
    node.require_string("replacement", kSpaceMark);
    if (node.optional_member("str_rep")) node.require_string("str_rep", kSpaceMark);
    if (node.optional_member("split")) node.require_boolean("split", true);  // absent means true
    std::optional<bool> older, newer;
    if (const auto add = node.optional_member("add_prefix_space")) older = add->boolean();
    if (const auto scheme = node.optional_member("prepend_scheme")) {
        if (scheme->string() != "always" && scheme->string() != "never") throw scheme->unsupported("'always' or 'never'");
        newer = scheme->string() == "always";
    }
    if (older && newer && *older != *newer) {
        throw node.error(ErrorCode::mismatch, "says two things of the space in front of a word")
            .found(fmt::format("add_prefix_space {}, prepend_scheme '{}'", *older, *newer ? "always" : "never"));
    }
    return newer.value_or(older.value_or(true));
}

struct PreTokenizer {
    bool split_white_space, begin_words;
};

PreTokenizer read_pre_tokenizer(const JsonNode& root) {
    constexpr std::string_view kImplemented = "Metaspace, or a Sequence of WhitespaceSplit and Metaspace";
    const auto node = root.optional_member("pre_tokenizer");
    if (!node) throw root.error(ErrorCode::unsupported, "has no pre_tokenizer").expected(kImplemented);
    const JsonNode type = node->member("type");
    if (type.string() == "Metaspace") return {false, read_metaspace(*node)};
    if (type.string() != "Sequence") throw type.unsupported(kImplemented);
    const JsonNode list = node->member("pretokenizers");
    if (list.array().size() != 2) throw list.unsupported(kImplemented);
    list.element(0).require_string("type", "WhitespaceSplit");
    return {true, read_metaspace(list.element(1))};
}

/// The model's tokens, which point into the JSON.
std::vector<Unigram::Token> read_tokens(const JsonNode& node, const TokenizerLimits& limits) {
    const Json& list = node.array();
    if (list.size() > limits.max_vocabulary) {
        throw node.beyond(fmt::format("at most {} tokens", limits.max_vocabulary), list.size());
    }
    std::vector<Unigram::Token> tokens;
    tokens.reserve(list.size());
    std::unordered_set<std::string_view> seen;
    seen.reserve(list.size());
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        // Spelling out the place of each of 250000 tokens would take longer than reading them: only errors do.
        const auto place = [&] { return node.element(i); };
        const Json& entry = list[i];
        if (!entry.is_array() || entry.size() != 2) throw place().wrong("a token and its score");
        if (!entry[0].is_string()) throw place().element(0).wrong("a string");
        if (!entry[1].is_number()) throw place().element(1).wrong("a number");
        const std::string_view token = entry[0].get_ref<const std::string&>();
        if (token.empty()) throw place().element(0).wrong("at least one character");
        if (token.size() > limits.max_token_bytes) {
            throw place().beyond(fmt::format("at most {} bytes", limits.max_token_bytes), token.size());
        }
        bytes += token.size();
        if (bytes > limits.max_all_tokens_bytes) {
            throw node.error(ErrorCode::limit, "is too large")
                .expected(fmt::format("at most {} bytes of text", limits.max_all_tokens_bytes));
        }
        if (!seen.insert(token).second) {
            throw place().error(ErrorCode::malformed, "repeats a token").found(fmt::format("'{}'", printable(token, 120)));
        }
        tokens.push_back({token, score_as_the_reference_reads_it(entry[1].get<double>())});
    }
    return tokens;
}

std::int32_t read_unknown(const JsonNode& model, std::size_t tokens) {
    const auto node = model.optional_member("unk_id");
    if (!node)
        throw model.error(ErrorCode::unsupported, "has no unk_id").expected("the id of a token for unknown characters");
    const std::int32_t id = node->id();
    if (static_cast<std::size_t>(id) >= tokens) {
        throw node->error(ErrorCode::mismatch, "is the id of no token")
            .expected(fmt::format("less than {}", tokens))
            .found(fmt::format("{}", id));
    }
    return id;
}

/// `normalized` tokens are searched in the normalised text, by what their own contents become there.
void normalise_added_tokens(const JsonNode& root, const PieceNormalizer& normalizer, std::vector<AddedToken>& tokens) {
    std::unordered_set<std::string> contents;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        AddedToken& token = tokens[i];
        if (!token.normalized) continue;
        token.content = normalizer.apply(token.content);
        const auto refuse = [&](std::string_view what) {
            throw root.member("added_tokens").element(i).error(ErrorCode::unsupported, what);
        };
        if (token.content.empty()) refuse("is empty when it is normalised");
        if (!contents.insert(token.content).second) refuse("is the same as another token when it is normalised");
    }
}

std::int32_t find_pad(const JsonNode& root, const TokenizerFrame& frame, const Unigram& model) {
    constexpr std::string_view kPad = "<pad>";
    for (const AddedToken& token : frame.added_tokens) {
        if (token.content == kPad) return token.id;
    }
    if (const auto id = model.id_of(kPad)) return *id;
    throw root.error(ErrorCode::unsupported, "has no token '<pad>'").expected("the tokens of XLM-RoBERTa");
}

}  // namespace

std::string PieceNormalizer::apply(std::string_view utf8) const {
    std::string mapped = map.apply(utf8, kMaxNormalizedBytes);
    if (!tidy_spaces) return mapped;
    mapped.resize(space_start(mapped, mapped.size(), 0));
    std::string out;
    out.reserve(mapped.size());
    for (std::size_t at = 0; at < mapped.size();) {
        const std::size_t end = std::min(mapped.find_first_not_of(' ', at), mapped.size());
        if (end - at >= 2) {
            out += kSpaceMark;
            at = end;
        } else {
            out += mapped[at++];
        }
    }
    return out;
}

SentencePieceSpec read_sentence_pieces_json(std::string_view text, std::string_view name, const TokenizerLimits& limits) {
    const Json json = formats::parse_json(text, name, {.max_bytes = limits.max_file_bytes});
    const JsonNode root(json, name, "");
    check_frame_options(root);
    const JsonNode model = root.member("model");
    model.require_string("type", "Unigram");
    if (const auto fallback = model.optional_member("byte_fallback"); fallback && fallback->boolean()) {
        throw fallback->unsupported("false");
    }
    PieceNormalizer normalizer = read_normalizer(root, limits);
    const PreTokenizer pre_tokenizer = read_pre_tokenizer(root);
    const std::vector<Unigram::Token> tokens = read_tokens(model.member("vocab"), limits);
    Unigram unigram(tokens, read_unknown(model, tokens.size()));

    const ModelTokens model_tokens{.id_of = [&](std::string_view token) { return unigram.id_of(token); },
                                   .token_of = [&](std::int32_t id) -> std::optional<std::string_view> {
                                       const auto index = static_cast<std::size_t>(id);
                                       return index < tokens.size() ? std::optional(tokens[index].text) : std::nullopt;
                                   }};
    TokenizerFrame frame = read_frame(root, limits, model_tokens);
    const std::int32_t pad_id = find_pad(root, frame, unigram);
    normalise_added_tokens(root, normalizer, frame.added_tokens);
    return {std::move(normalizer),     pre_tokenizer.split_white_space,
            pre_tokenizer.begin_words, std::move(unigram),
            std::move(frame),          pad_id};
}

}  // namespace heart::text
