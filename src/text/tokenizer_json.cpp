#include "text/tokenizer_json.h"

#include "core/error.h"
#include "formats/json.h"
#include "text/json_node.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <utility>

namespace heart::text {

namespace {

using formats::Json;

/// Which token has which id.
using Owners = std::unordered_map<std::int32_t, std::string_view>;

void check_model_options(const JsonNode& model, SplitPattern pattern) {
    model.require_string("type", "BPE");
    if (const auto dropout = model.optional_member("dropout")) {
        if (!dropout->json().is_number()) throw dropout->wrong("a number or null");
        if (dropout->json().get<double>() != 0.0) throw dropout->unsupported("null");  // it makes the ids random
    }
    if (const auto unknown = model.optional_member("unk_token")) {
        // Whisper's file names one; with a token for each byte nothing is ever unknown, and without one encoding says so.
        if (pattern != SplitPattern::gpt2) throw unknown->unsupported("null");
        (void)unknown->string();
    }
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
        const auto affix = model.optional_member(key);
        if (affix && !affix->string().empty()) throw affix->unsupported("null");
    }
    if (const auto fallback = model.optional_member("byte_fallback"); fallback && fallback->boolean()) {
        throw fallback->unsupported("false");
    }
}

Vocabulary read_vocabulary(const JsonNode& node, const TokenizerLimits& limits, Owners& owners) {
    const Json& entries = node.object();
    if (entries.size() > limits.max_vocabulary) {
        throw node.beyond(fmt::format("at most {} tokens", limits.max_vocabulary), entries.size());
    }
    Vocabulary vocabulary;
    vocabulary.reserve(entries.size());
    owners.reserve(entries.size());
    for (const auto& [token, value] : entries.items()) {
        const std::int32_t id = node.entry(token, value).id();
        const auto place = vocabulary.emplace(token, id).first;
        if (const auto [owner, fresh] = owners.emplace(id, place->first); !fresh) {
            throw node.error(ErrorCode::malformed, "gives two tokens the same id")
                .found(fmt::format("{} for '{}' and '{}'", id, printable(owner->second, 60), printable(token, 60)));
        }
    }
    return vocabulary;
}

/// The two sides of a merge, in either spelling: ["a", "b"] or "a b". `place` makes the JsonNode of the merge.
template <typename Place>
std::pair<std::string_view, std::string_view> merge_sides(const Json& merge, const Place& place) {
    if (!merge.is_string()) {
        if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
            return {merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>()};
        }
        const JsonNode node = place();
        if (node.array().size() != 2) throw node.wrong("two tokens");
        return {node.element(0).string(), node.element(1).string()};
    }
    const std::string_view text = merge.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
        throw place().wrong("two tokens with one space between");
    }
    return {text.substr(0, space), text.substr(space + 1)};
}

MergeTable read_merges(const JsonNode& node, const TokenizerLimits& limits, const Vocabulary& vocabulary) {
    const Json& list = node.array();
    if (list.size() > limits.max_merges) {
        throw node.beyond(fmt::format("at most {} merges", limits.max_merges), list.size());
    }
    MergeTable table;
    table.reserve(list.size());
    std::uint32_t rank = 0;
    std::string joined;
    for (std::size_t i = 0; i < list.size(); ++i) {
        // Spelling out the place of each of 280000 merges would take longer than reading them: only errors do.
        const auto place = [&] { return node.element(i); };
        if (list[i].is_string() != list[0].is_string()) throw place().wrong("the same spelling as the first merge");
        // The string spelling comes from merges.txt, whose first line may name the version.
        if (list[i].is_string() && list[i].get_ref<const std::string&>().starts_with("#version")) continue;
        const auto [left, right] = merge_sides(list[i], place);
        const auto id_of = [&](std::string_view token) {
            const auto it = vocabulary.find(token);
            if (it == vocabulary.end()) {
                throw place()
                    .error(ErrorCode::malformed, "refers to a token that the vocabulary lacks")
                    .found(fmt::format("'{}'", printable(token, 120)));
            }
            return it->second;
        };
        const std::int32_t left_id = id_of(left), right_id = id_of(right);
        joined.assign(left).append(right);
        table.set(left_id, right_id, {rank++, id_of(joined)});
    }
    return table;
}

/// Bytes spelled as characters, behind GPT-2's split pattern.
void check_whole_byte_level(const JsonNode& node) {
    node.require_boolean("add_prefix_space", false);
    if (node.optional_member("use_regex")) node.require_boolean("use_regex", true);  // absent means true
}

/// Either the sequence of Llama 3, its split pattern and then bytes spelled as characters, or Whisper's single ByteLevel.
SplitPattern read_split_pattern(const JsonNode& root) {
    constexpr std::string_view kImplemented = "Sequence of Split and ByteLevel, as in Llama 3, or ByteLevel, as in Whisper";
    const auto node = root.optional_member("pre_tokenizer");
    if (!node) {
        throw root.error(ErrorCode::unsupported, "has no pre_tokenizer").expected(std::string(kImplemented));
    }
    const JsonNode type = node->member("type");
    if (type.string() == "ByteLevel") {
        check_whole_byte_level(*node);
        return SplitPattern::gpt2;
    }
    if (type.string() != "Sequence") throw type.unsupported(std::string(kImplemented));
    const JsonNode list = node->member("pretokenizers");
    if (list.array().size() != 2) throw list.unsupported(std::string(kImplemented));

    const JsonNode split = list.element(0);
    split.require_string("type", "Split");
    const JsonNode pattern = split.member("pattern");
    if (!pattern.object().contains("Regex")) throw pattern.unsupported("a Regex");
    const JsonNode regex = pattern.member("Regex");
    if (regex.string() != kLlama3Pattern) throw regex.unsupported(std::string(kLlama3Pattern));
    split.require_string("behavior", "Isolated");
    split.require_boolean("invert", false);

    const JsonNode bytes = list.element(1);
    bytes.require_string("type", "ByteLevel");
    bytes.require_boolean("add_prefix_space", false);
    // Absent means true in the reference: the splitting of GPT-2 again, which would cut Llama's pieces further.
    if (!bytes.optional_member("use_regex")) {
        throw bytes.error(ErrorCode::unsupported, "splits by GPT-2's pattern").expected("use_regex false");
    }
    bytes.require_boolean("use_regex", false);
    return SplitPattern::llama3;
}

}  // namespace

TokenizerSpec read_tokenizer_json(std::string_view text, std::string_view name, const TokenizerLimits& limits) {
    const Json json = formats::parse_json(text, name, {.max_bytes = limits.max_file_bytes});
    const JsonNode root(json, name, "");
    check_frame_options(root);
    root.require_absent("normalizer");
    TokenizerSpec spec;
    spec.pattern = read_split_pattern(root);
    Owners owners;
    const JsonNode model = root.member("model");
    check_model_options(model, spec.pattern);
    spec.vocabulary = read_vocabulary(model.member("vocab"), limits, owners);
    spec.merges = read_merges(model.member("merges"), limits, spec.vocabulary);
    if (const auto ignore = model.optional_member("ignore_merges")) spec.ignore_merges = ignore->boolean();
    const auto value_of = [](const auto& map, const auto& key) {
        const auto it = map.find(key);
        return it == map.end() ? std::nullopt : std::optional(it->second);
    };
    const ModelTokens tokens{.id_of = [&](std::string_view token) { return value_of(spec.vocabulary, token); },
                             .token_of = [&](std::int32_t id) { return value_of(owners, id); }};
    spec.frame = read_frame(root, limits, tokens);
    return spec;
}

}  // namespace heart::text
