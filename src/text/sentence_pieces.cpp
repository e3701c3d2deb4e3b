#include "text/sentence_pieces.h"

#include "core/error.h"
#include "core/utf8.h"
#include "formats/base64.h"
#include "text/tokenizer.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace heart::text {

namespace {

using formats::Json;

constexpr std::string_view kMark = "\xe2\x96\x81";  // "▁", which stands for a space
constexpr std::string_view kTwoSpaces = " {2,}";

// --- reading ------------------------------------------------------------------------------------------------------------

CharacterMap read_characters(const Node& node) {
    const Node map = node.member("precompiled_charsmap");
    const std::string& base64 = map.string();
    if (base64.size() / 4 * 3 > kMaxCharacterMapBytes + 2) throw map.error(ErrorCode::limit, "is too large");
    const auto bytes = formats::from_base64(base64);
    if (!bytes) throw map.error(ErrorCode::malformed, "is no base64");
    return CharacterMap::parse({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, map.place());
}

void read_normalizer(const Node& node, PieceRules& rules, bool inside_sequence = false) {
    const Node type = node.member("type");
    if (type.string() == "Precompiled") {
        rules.characters = read_characters(node);
    } else if (type.string() == "Strip" && inside_sequence) {
        node.require_boolean("strip_left", false);
        node.require_boolean("strip_right", true);
        rules.strips_right = true;
    } else if (type.string() == "Replace" && inside_sequence) {
        const Node regex = node.member("pattern").member("Regex");
        if (regex.string() != kTwoSpaces) throw regex.unsupported(fmt::format("'{}'", kTwoSpaces));
        node.require_string("content", kMark);
        rules.joins_spaces = true;
    } else if (type.string() == "Sequence" && !inside_sequence) {
        const Node list = node.member("normalizers");
        // Their order is that of the fields of PieceRules: another one would be another text.
        std::size_t last = 0;
        for (std::size_t i = 0; i < list.array().size(); ++i) {
            const Node one = list.element(i);
            const std::string& name = one.member("type").string();
            const std::size_t place = name == "Precompiled" ? 1 : name == "Strip" ? 2 : 3;
            if (place <= last) throw one.unsupported("Precompiled, Strip and Replace, each once and in this order");
            last = place;
            read_normalizer(one, rules, true);
        }
    } else {
        throw type.unsupported("Precompiled, or a Sequence of Precompiled, Strip and Replace");
    }
}

/// Metaspace in either spelling of "always in front": add_prefix_space true, or prepend_scheme "always".
void check_metaspace(const Node& node) {
    node.require_string("type", "Metaspace");
    node.require_string("replacement", kMark);
    if (node.optional_member("prepend_scheme")) node.require_string("prepend_scheme", "always");
    else node.require_boolean("add_prefix_space", true);
    if (node.optional_member("split")) node.require_boolean("split", true);
}

void read_pre_tokenizer(const Node& node, PieceRules& rules) {
    if (node.member("type").string() != "Sequence") return check_metaspace(node);
    const Node list = node.member("pretokenizers");
    if (list.array().size() != 2) throw list.unsupported("WhitespaceSplit and Metaspace");
    list.element(0).require_string("type", "WhitespaceSplit");
    rules.splits_at_space = true;
    check_metaspace(list.element(1));
}

Unigram read_model(const Node& model, const TokenizerLimits& limits) {
    model.require_string("type", "Unigram");
    if (const auto fallback = model.optional_member("byte_fallback"); fallback && fallback->boolean()) {
        throw fallback->unsupported("false");
    }
    const Node vocab = model.member("vocab"), unknown = model.member("unk_id");
    const Json& list = vocab.array();
    if (list.size() > limits.max_vocabulary) {
        throw vocab.error(ErrorCode::limit, "is too large")
            .expected(fmt::format("at most {} tokens", limits.max_vocabulary))
            .found(fmt::format("{}", list.size()));
    }
    std::vector<std::pair<std::string, double>> tokens;
    tokens.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
        const Json& entry = list[i];
        const bool whole = entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_number();
        if (!whole || entry[0].get_ref<const std::string&>().empty() || !std::isfinite(entry[1].get<double>())) {
            throw vocab.element(i).wrong("a token, not empty, and its log-probability");
        }
        tokens.emplace_back(entry[0].get_ref<const std::string&>(), entry[1].get<double>());
    }
    if (static_cast<std::size_t>(unknown.id()) >= tokens.size())
        throw unknown.wrong("the place of a token in the vocabulary");
    Unigram out(std::move(tokens), unknown.id());
    if (out.vocabulary().size() != list.size()) throw vocab.error(ErrorCode::malformed, "repeats a token");
    return out;
}

}  // namespace

SentencePieceTokenizer SentencePieceTokenizer::from_json(std::string_view text, std::string_view name,
                                                         const TokenizerLimits& limits) {
    const Json json = formats::parse_json(text, name, {.max_bytes = limits.max_file_bytes});
    const Node root(json, name, "");
    if (const auto version = root.optional_member("version"); version && version->string() != "1.0") {
        throw version->unsupported("'1.0'");
    }
    for (const char* key : {"truncation", "padding"}) root.require_absent(key);
    PieceRules rules;
    if (const auto normalizer = root.optional_member("normalizer")) read_normalizer(*normalizer, rules);
    read_pre_tokenizer(root.member("pre_tokenizer"), rules);
    Unigram model = read_model(root.member("model"), limits);
    Owners owners;
    for (const auto& [token, id] : model.vocabulary()) owners.emplace(id, token);
    std::vector<AddedToken> added;
    if (const auto list = root.optional_member("added_tokens")) {
        added = read_added_tokens(*list, limits, model.vocabulary(), owners);
    }
    IdsAround around;
    if (const auto post = root.optional_member("post_processor")) read_post_processor(*post, limits, owners, around);
    return {std::move(rules), std::move(model), std::move(added), std::move(around)};
}

SentencePieceTokenizer::SentencePieceTokenizer(PieceRules rules, Unigram model, std::vector<AddedToken> added,
                                               IdsAround around)
    : rules_(std::move(rules)), model_(std::move(model)), added_(std::move(added)), around_(std::move(around)) {
    largest_id_ = static_cast<std::int32_t>(model_.vocabulary().size()) - 1;
    for (const AddedToken& token : added_.tokens()) largest_id_ = std::max(largest_id_, token.id);
}

// --- encoding -----------------------------------------------------------------------------------------------------------

std::vector<std::int32_t> SentencePieceTokenizer::encode(std::string_view utf8, bool add_special) const {
    if (utf8.size() > kMaxTextBytes) {
        throw Error(ErrorCode::limit, "the text is too long")
            .expected(fmt::format("at most {} bytes", kMaxTextBytes))
            .found(fmt::format("{} bytes", utf8.size()));
    }
    require_utf8(utf8, "the text");
    std::vector<std::int32_t> ids;
    if (add_special) ids = around_.prefix;
    for (const Segment& segment : added_.split(utf8)) {
        if (segment.id) ids.push_back(*segment.id);
        else encode_segment(segment.text, ids);
    }
    if (add_special) ids.insert(ids.end(), around_.suffix.begin(), around_.suffix.end());
    return ids;
}

namespace {

/// End of the text without the white space behind it.
std::size_t stripped_end(std::string_view text) {
    std::size_t end = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Char c = decode_utf8(text, at);
        at += c.length;
        if (!is_space(c.code)) end = at;
    }
    return end;
}

/// Two spaces and more as one mark.
std::string with_joined_spaces(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_not_of(' ', at), text.size());
        if (end > at + 1) out += kMark;
        else if (end == at + 1) out += ' ';
        at = end;
        const std::size_t next = std::min(text.find(' ', at), text.size());
        out += text.substr(at, next - at);
        at = next;
    }
    return out;
}

}  // namespace

void SentencePieceTokenizer::encode_segment(std::string_view segment, std::vector<std::int32_t>& ids) const {
    std::string text = rules_.characters.normalise(segment);
    if (rules_.strips_right) text.resize(stripped_end(text));
    if (rules_.joins_spaces) text = with_joined_spaces(text);
    if (!rules_.splits_at_space) return encode_word(text, ids);
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Char c = decode_utf8(text, at);
        if (is_space(c.code)) {
            encode_word(std::string_view(text).substr(start, at - start), ids);
            start = at + c.length;
        }
        at += c.length;
    }
    encode_word(std::string_view(text).substr(start), ids);
}

void SentencePieceTokenizer::encode_word(std::string_view word, std::vector<std::int32_t>& ids) const {
    if (word.empty()) return;
    std::string marked;
    for (const char c : word) {
        if (c == ' ') marked += kMark;
        else marked += c;
    }
    if (!marked.starts_with(kMark)) marked.insert(0, kMark);
    // A mark begins a piece: the model never sees two words at once.
    for (std::size_t at = 0; at < marked.size();) {
        const std::size_t end = std::min(marked.find(kMark, at + kMark.size()), marked.size());
        model_.encode(std::string_view(marked).substr(at, end - at), ids);
        at = end;
    }
}

}  // namespace heart::text
