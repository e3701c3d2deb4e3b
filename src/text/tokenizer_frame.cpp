#include "text/tokenizer_frame.h"

#include "core/error.h"
#include "text/unicode.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <unordered_map>
#include <unordered_set>

namespace heart::text {

namespace {

AddedToken read_added_token(const JsonNode& node, const TokenizerLimits& limits) {
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

/// Added token -> its content, by id.
using Owners = std::unordered_map<std::int32_t, std::string_view>;

void check_added_token(const JsonNode& entry, const AddedToken& token, const ModelTokens& model, Owners& owners) {
    if (const auto id = model.id_of(token.content); id && *id != token.id) {
        throw entry.error(ErrorCode::mismatch, "has another id than the same token in model.vocab")
            .expected(fmt::format("{}", *id))
            .found(fmt::format("{}", token.id));
    }
    std::optional<std::string_view> other = model.token_of(token.id);
    if (other == token.content) other.reset();
    if (const auto [owner, fresh] = owners.emplace(token.id, token.content); !fresh) other = owner->second;
    if (other) {
        throw entry.error(ErrorCode::malformed, "has the id of another token")
            .found(fmt::format("{}, which is '{}'", token.id, printable(*other, 60)));
    }
}

std::vector<AddedToken> read_added_tokens(const JsonNode& node, const TokenizerLimits& limits, const ModelTokens& model) {
    const std::size_t count = node.array().size();
    if (count > limits.max_added_tokens) {
        throw node.beyond(fmt::format("at most {} tokens", limits.max_added_tokens), count);
    }
    std::vector<AddedToken> tokens;
    tokens.reserve(count);  // what follows looks into the contents: they must not move
    std::unordered_set<std::string_view> contents;
    Owners owners;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const JsonNode entry = node.element(i);
        const AddedToken& token = tokens.emplace_back(read_added_token(entry, limits));
        bytes += token.content.size();
        if (bytes > limits.max_all_added_tokens_bytes) {
            throw node.error(ErrorCode::limit, "is too large")
                .expected(fmt::format("at most {} bytes of text", limits.max_all_added_tokens_bytes));
        }
        if (!contents.insert(token.content).second) {
            throw entry.error(ErrorCode::malformed, "repeats a token")
                .found(fmt::format("'{}'", printable(token.content, 120)));
        }
        check_added_token(entry, token, model, owners);
    }
    return tokens;
}

/// Ids that a TemplateProcessing puts before and behind the text.
void read_template(const JsonNode& node, const TokenizerLimits& limits, const ModelTokens& model, const Owners& added,
                   TokenizerFrame& frame) {
    const JsonNode single = node.member("single");
    const JsonNode special_tokens = node.member("special_tokens");
    (void)special_tokens.object();
    std::vector<std::int32_t> before, behind;
    bool text_seen = false;
    for (std::size_t i = 0; i < single.array().size(); ++i) {
        const JsonNode piece = single.element(i);
        if (piece.object().contains("Sequence")) {
            piece.member("Sequence").require_string("id", "A");
            if (text_seen) throw single.unsupported("the text once");
            text_seen = true;
            continue;
        }
        const std::string token = piece.member("SpecialToken").member("id").string();
        const JsonNode ids = special_tokens.member(token).member("ids");
        for (std::size_t k = 0; k < ids.array().size(); ++k) {
            const std::int32_t id = ids.element(k).id();
            if (!added.contains(id) && !model.token_of(id)) {
                throw ids.element(k).error(ErrorCode::mismatch, "is the id of no token").found(fmt::format("{}", id));
            }
            (text_seen ? behind : before).push_back(id);
            if (frame.prefix.size() + frame.suffix.size() + before.size() + behind.size() > limits.max_template_ids) {
                throw single.error(ErrorCode::limit, "adds too many ids")
                    .expected(fmt::format("at most {}", limits.max_template_ids));
            }
        }
    }
    if (!text_seen) throw single.unsupported("the text once");
    // In a sequence of processors, each works on the result of the one before: later ids stand further out.
    frame.prefix.insert(frame.prefix.begin(), before.begin(), before.end());
    frame.suffix.insert(frame.suffix.end(), behind.begin(), behind.end());
}

void read_post_processor(const JsonNode& node, const TokenizerLimits& limits, const ModelTokens& model, const Owners& added,
                         TokenizerFrame& frame) {
    const JsonNode type = node.member("type");
    if (type.string() == "ByteLevel") return;  // concerns only the offsets of the tokens
    if (type.string() == "TemplateProcessing") return read_template(node, limits, model, added, frame);
    if (type.string() != "Sequence") throw type.unsupported("ByteLevel, TemplateProcessing or a Sequence of them");
    const JsonNode list = node.member("processors");
    for (std::size_t i = 0; i < list.array().size(); ++i) {
        read_post_processor(list.element(i), limits, model, added, frame);
    }
}

}  // namespace

void require_encodable(std::string_view text) {
    if (text.size() > kMaxTextBytes) {
        throw Error(ErrorCode::limit, "the text is too long")
            .expected(fmt::format("at most {} bytes", kMaxTextBytes))
            .found(fmt::format("{} bytes", text.size()));
    }
    require_utf8(text, "the text");
}

void check_frame_options(const JsonNode& root) {
    if (const auto version = root.optional_member("version"); version && version->string() != "1.0") {
        throw version->unsupported("'1.0'");
    }
    for (const char* key : {"truncation", "padding"}) root.require_absent(key);
}

TokenizerFrame read_frame(const JsonNode& root, const TokenizerLimits& limits, const ModelTokens& model) {
    TokenizerFrame frame;
    if (root.object().contains("added_tokens")) {
        frame.added_tokens = read_added_tokens(root.member("added_tokens"), limits, model);
    }
    Owners added;
    for (const AddedToken& token : frame.added_tokens) added.emplace(token.id, token.content);
    if (const auto post = root.optional_member("post_processor")) read_post_processor(*post, limits, model, added, frame);
    return frame;
}

}  // namespace heart::text
