#include "text/tokenizer_parts.h"

#include <fmt/format.h>

namespace heart::text {

using formats::Json;

std::string Node::described() const {
    const Json& value = *value_;
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

namespace {

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

/// Ids that a TemplateProcessing puts before and behind the text.
void read_template(const Node& node, const TokenizerLimits& limits, const Owners& owners, IdsAround& around) {
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
            if (around.prefix.size() + around.suffix.size() + before.size() + behind.size() > limits.max_template_ids) {
                throw single.error(ErrorCode::limit, "adds too many ids")
                    .expected(fmt::format("at most {}", limits.max_template_ids));
            }
        }
    }
    if (!text_seen) throw single.unsupported("the text once");
    // In a sequence of processors, each works on the result of the one before: later ids stand further out.
    around.prefix.insert(around.prefix.begin(), before.begin(), before.end());
    around.suffix.insert(around.suffix.end(), behind.begin(), behind.end());
}

}  // namespace

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
            throw entry.error(ErrorCode::malformed, "repeats a token").found(entry.member("content").described());
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

void read_post_processor(const Node& node, const TokenizerLimits& limits, const Owners& owners, IdsAround& around) {
    const Node type = node.member("type");
    if (type.string() == "ByteLevel") return;  // concerns only the offsets of the tokens
    if (type.string() == "TemplateProcessing") return read_template(node, limits, owners, around);
    if (type.string() != "Sequence") throw type.unsupported("ByteLevel, TemplateProcessing or a Sequence of them");
    const Node list = node.member("processors");
    for (std::size_t i = 0; i < list.array().size(); ++i) read_post_processor(list.element(i), limits, owners, around);
}

}  // namespace heart::text
