#include "text/tokenizer_json.h"

#include "core/error.h"
#include "formats/json.h"
#include "text/pretokenizer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace heart::text {

namespace {

using formats::Json;

/// Short description of a value for errors.
std::string describe(const Json& value) {
    switch (value.type()) {
        case Json::value_t::null: return "null";
        case Json::value_t::object: return "an object";
        case Json::value_t::array: return fmt::format("an array of {}", value.size());
        case Json::value_t::string: return fmt::format("'{}'", printable(value.get_ref<const std::string&>(), 120));
        case Json::value_t::boolean: return value.get<bool>() ? "true" : "false";
        case Json::value_t::number_integer: return fmt::format("{}", value.get<std::int64_t>());
        case Json::value_t::number_unsigned: return fmt::format("{}", value.get<std::uint64_t>());
        case Json::value_t::number_float: return fmt::format("{}", value.get<double>());
        default: return "something else";
    }
}

/// A value in the file together with the way to it. All reading goes through here, so that every wrong type is refused with
/// its place and no exception of the JSON library can arise.
class Node {
public:
    Node(const Json& value, std::string_view file, std::string path) : value_(&value), file_(file), path_(std::move(path)) {}

    [[nodiscard]] Error error(ErrorCode code, std::string_view what) const {
        return Error(code, fmt::format("{}: {} {}", file_, path_.empty() ? "the file" : path_, what));
    }
    [[nodiscard]] Error wrong(std::string_view expected) const {
        return error(ErrorCode::malformed, "is malformed").expected(expected).found(describe(*value_));
    }
    [[nodiscard]] Error unsupported(std::string_view expected) const {
        return error(ErrorCode::unsupported, "is not implemented").expected(expected).found(describe(*value_));
    }

    [[nodiscard]] const Json& object() const {
        if (!value_->is_object()) throw wrong("an object");
        return *value_;
    }
    [[nodiscard]] const Json& array() const {
        if (!value_->is_array()) throw wrong("an array");
        return *value_;
    }
    [[nodiscard]] const std::string& string() const {
        if (!value_->is_string()) throw wrong("a string");
        return value_->get_ref<const std::string&>();
    }
    [[nodiscard]] bool boolean() const {
        if (!value_->is_boolean()) throw wrong("true or false");
        return value_->get<bool>();
    }
    [[nodiscard]] std::int32_t id() const {
        constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
        if (!value_->is_number_unsigned() || value_->get<std::uint64_t>() > largest) {
            throw wrong("a whole number from 0 to 2147483647");
        }
        return static_cast<std::int32_t>(value_->get<std::uint64_t>());
    }
    [[nodiscard]] bool is_string() const noexcept { return value_->is_string(); }
    [[nodiscard]] const Json& json() const noexcept { return *value_; }

    [[nodiscard]] Node member(const std::string& key) const {
        const Json& all = object();
        const auto it = all.find(key);
        if (it == all.end()) throw error(ErrorCode::malformed, fmt::format("lacks '{}'", key));
        return {*it, file_, path_.empty() ? key : path_ + "." + key};
    }
    /// Nothing when the member is absent or null, which mean the same in this format.
    [[nodiscard]] std::optional<Node> optional_member(const std::string& key) const {
        const Json& all = object();
        const auto it = all.find(key);
        if (it == all.end() || it->is_null()) return std::nullopt;
        return member(key);
    }
    [[nodiscard]] Node element(std::size_t index) const {
        return {array()[index], file_, fmt::format("{}[{}]", path_, index)};
    }
    [[nodiscard]] Node entry(const std::string& key, const Json& value) const {
        return {value, file_, fmt::format("{}['{}']", path_, printable(key, 60))};
    }

    /// Refuses a value other than the one that Heart implements.
    void require_boolean(const std::string& key, bool implemented) const {
        const Node node = member(key);
        if (node.boolean() != implemented) throw node.unsupported(implemented ? "true" : "false");
    }
    void require_string(const std::string& key, std::string_view implemented) const {
        const Node node = member(key);
        if (node.string() != implemented) throw node.unsupported(fmt::format("'{}'", implemented));
    }
    void require_absent(const std::string& key) const {
        if (const auto node = optional_member(key)) throw node->unsupported("null");
    }

private:
    const Json* value_;
    std::string_view file_;
    std::string path_;
};

/// Which token has which id, over the model's vocabulary and the added tokens.
using Owners = std::unordered_map<std::int32_t, std::string_view>;

void check_model_options(const Node& model, SplitPattern pattern) {
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

Vocabulary read_vocabulary(const Node& node, const TokenizerLimits& limits, Owners& owners) {
    const Json& entries = node.object();
    if (entries.size() > limits.max_vocabulary) {
        throw node.error(ErrorCode::limit, "is too large")
            .expected(fmt::format("at most {} tokens", limits.max_vocabulary))
            .found(fmt::format("{}", entries.size()));
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

/// The two sides of a merge, in either spelling: ["a", "b"] or "a b". `place` makes the Node of the merge.
template <typename Place>
std::pair<std::string_view, std::string_view> merge_sides(const Json& merge, const Place& place) {
    if (!merge.is_string()) {
        if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
            return {merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>()};
        }
        const Node node = place();
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

MergeTable read_merges(const Node& node, const TokenizerLimits& limits, const Vocabulary& vocabulary) {
    const Json& list = node.array();
    if (list.size() > limits.max_merges) {
        throw node.error(ErrorCode::limit, "is too large")
            .expected(fmt::format("at most {} merges", limits.max_merges))
            .found(fmt::format("{}", list.size()));
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

AddedToken read_added_token(const Node& node, const TokenizerLimits& limits) {
    AddedToken token;
    token.content = node.member("content").string();
    token.id = node.member("id").id();
    token.lstrip = node.member("lstrip").boolean();
    token.rstrip = node.member("rstrip").boolean();
    token.normalized = node.member("normalized").boolean();
    token.special = node.member("special").boolean();
    node.require_boolean("single_word", false);
    if (token.content.empty()) throw node.member("content").wrong("at least one character");
    if (token.content.size() > limits.max_added_token_bytes) {
        throw node.error(ErrorCode::limit, "is too long")
            .expected(fmt::format("at most {} bytes", limits.max_added_token_bytes))
            .found(fmt::format("{} bytes", token.content.size()));
    }
    return token;
}

std::vector<AddedToken> read_added_tokens(const Node& node, const TokenizerLimits& limits, const Vocabulary& vocabulary,
                                          Owners& owners) {
    const std::size_t count = node.array().size();
    if (count > limits.max_added_tokens) {
        throw node.error(ErrorCode::limit, "is too large")
            .expected(fmt::format("at most {} tokens", limits.max_added_tokens))
            .found(fmt::format("{}", count));
    }
    std::vector<AddedToken> tokens;
    tokens.reserve(count);  // `owners` looks into the contents: they must not move
    Vocabulary contents;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const Node entry = node.element(i);
        const AddedToken& token = tokens.emplace_back(read_added_token(entry, limits));
        bytes += token.content.size();
        if (bytes > limits.max_all_added_tokens_bytes) {
            throw node.error(ErrorCode::limit, "is too large")
                .expected(fmt::format("at most {} bytes of text", limits.max_all_added_tokens_bytes));
        }
        if (!contents.emplace(token.content, token.id).second) {
            throw entry.error(ErrorCode::malformed, "repeats a token").found(describe(entry.member("content").json()));
        }
        if (const auto model = vocabulary.find(token.content); model != vocabulary.end() && model->second != token.id) {
            throw entry.error(ErrorCode::mismatch, "has another id than the same token in model.vocab")
                .expected(fmt::format("{}", model->second))
                .found(fmt::format("{}", token.id));
        }
        if (const auto [owner, fresh] = owners.emplace(token.id, token.content); !fresh && owner->second != token.content) {
            throw entry.error(ErrorCode::malformed, "has the id of another token")
                .found(fmt::format("{}, which is '{}'", token.id, printable(owner->second, 60)));
        }
    }
    return tokens;
}

/// Bytes spelled as characters, behind GPT-2's split pattern.
void check_whole_byte_level(const Node& node) {
    node.require_boolean("add_prefix_space", false);
    if (node.optional_member("use_regex")) node.require_boolean("use_regex", true);  // absent means true
}

/// Either the sequence of Llama 3, its split pattern and then bytes spelled as characters, or Whisper's single ByteLevel.
SplitPattern read_pre_tokenizer(const Node& root) {
    constexpr std::string_view kImplemented = "Sequence of Split and ByteLevel, as in Llama 3, or ByteLevel, as in Whisper";
    const auto node = root.optional_member("pre_tokenizer");
    if (!node) {
        throw root.error(ErrorCode::unsupported, "has no pre_tokenizer").expected(std::string(kImplemented));
    }
    const Node type = node->member("type");
    if (type.string() == "ByteLevel") {
        check_whole_byte_level(*node);
        return SplitPattern::gpt2;
    }
    if (type.string() != "Sequence") throw type.unsupported(std::string(kImplemented));
    const Node list = node->member("pretokenizers");
    if (list.array().size() != 2) throw list.unsupported(std::string(kImplemented));

    const Node split = list.element(0);
    split.require_string("type", "Split");
    const Node pattern = split.member("pattern");
    if (!pattern.object().contains("Regex")) throw pattern.unsupported("a Regex");
    const Node regex = pattern.member("Regex");
    if (regex.string() != kLlama3Pattern) throw regex.unsupported(std::string(kLlama3Pattern));
    split.require_string("behavior", "Isolated");
    split.require_boolean("invert", false);

    const Node bytes = list.element(1);
    bytes.require_string("type", "ByteLevel");
    bytes.require_boolean("add_prefix_space", false);
    // Absent means true in the reference: the splitting of GPT-2 again, which would cut Llama's pieces further.
    if (!bytes.optional_member("use_regex")) {
        throw bytes.error(ErrorCode::unsupported, "splits by GPT-2's pattern").expected("use_regex false");
    }
    bytes.require_boolean("use_regex", false);
    return SplitPattern::llama3;
}

/// Ids that a TemplateProcessing puts before and behind the text.
void read_template(const Node& node, const TokenizerLimits& limits, const Owners& owners, TokenizerSpec& spec) {
    const Node single = node.member("single");
    const Node special_tokens = node.member("special_tokens");
    (void)special_tokens.object();
    std::vector<std::int32_t> before, behind;
    bool text_seen = false;
    for (std::size_t i = 0; i < single.array().size(); ++i) {
        const Node piece = single.element(i);
        if (piece.object().contains("Sequence")) {
            piece.member("Sequence").require_string("id", "A");
            if (text_seen) throw single.unsupported("the text once");
            text_seen = true;
            continue;
        }
        const std::string& token = piece.member("SpecialToken").member("id").string();
        const Node ids = special_tokens.member(token).member("ids");
        for (std::size_t k = 0; k < ids.array().size(); ++k) {
            const std::int32_t id = ids.element(k).id();
            if (!owners.contains(id)) {
                throw ids.element(k).error(ErrorCode::mismatch, "is the id of no token").found(fmt::format("{}", id));
            }
            (text_seen ? behind : before).push_back(id);
            if (spec.prefix.size() + spec.suffix.size() + before.size() + behind.size() > limits.max_template_ids) {
                throw single.error(ErrorCode::limit, "adds too many ids")
                    .expected(fmt::format("at most {}", limits.max_template_ids));
            }
        }
    }
    if (!text_seen) throw single.unsupported("the text once");
    // In a sequence of processors, each works on the result of the one before: later ids stand further out.
    spec.prefix.insert(spec.prefix.begin(), before.begin(), before.end());
    spec.suffix.insert(spec.suffix.end(), behind.begin(), behind.end());
}

void read_post_processor(const Node& node, const TokenizerLimits& limits, const Owners& owners, TokenizerSpec& spec) {
    const Node type = node.member("type");
    if (type.string() == "ByteLevel") return;  // concerns only the offsets of the tokens
    if (type.string() == "TemplateProcessing") return read_template(node, limits, owners, spec);
    if (type.string() != "Sequence") throw type.unsupported("ByteLevel, TemplateProcessing or a Sequence of them");
    const Node list = node.member("processors");
    for (std::size_t i = 0; i < list.array().size(); ++i) read_post_processor(list.element(i), limits, owners, spec);
}

}  // namespace

TokenizerSpec read_tokenizer_json(std::string_view text, std::string_view name, const TokenizerLimits& limits) {
    const Json json = formats::parse_json(text, name, {.max_bytes = limits.max_file_bytes});
    const Node root(json, name, "");
    if (const auto version = root.optional_member("version"); version && version->string() != "1.0") {
        throw version->unsupported("'1.0'");
    }
    for (const char* key : {"normalizer", "truncation", "padding"}) root.require_absent(key);
    TokenizerSpec spec;
    spec.pattern = read_pre_tokenizer(root);
    Owners owners;
    const Node model = root.member("model");
    check_model_options(model, spec.pattern);
    spec.vocabulary = read_vocabulary(model.member("vocab"), limits, owners);
    spec.merges = read_merges(model.member("merges"), limits, spec.vocabulary);
    if (const auto ignore = model.optional_member("ignore_merges")) spec.ignore_merges = ignore->boolean();
    if (root.object().contains("added_tokens")) {
        spec.added_tokens = read_added_tokens(root.member("added_tokens"), limits, spec.vocabulary, owners);
    }
    if (const auto post = root.optional_member("post_processor")) read_post_processor(*post, limits, owners, spec);
    return spec;
}

}  // namespace heart::text
