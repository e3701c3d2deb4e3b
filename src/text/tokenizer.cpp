#include "text/tokenizer.h"

#include "core/error.h"
#include "text/pretokenizer.h"
#include "text/unicode.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heart::text {

Tokenizer Tokenizer::from_json(std::string_view text, std::string_view name, const TokenizerLimits& limits) {
    return Tokenizer(read_tokenizer_json(text, name, limits));
}

Tokenizer::Tokenizer(TokenizerSpec spec)
    : pattern_(spec.pattern),
      bpe_(std::move(spec.vocabulary), std::move(spec.merges), spec.ignore_merges),
      added_(std::move(spec.added_tokens)),
      around_(std::move(spec.around)),
      vocabulary_size_(bpe_.vocabulary().size()) {
    for (const auto& [token, id] : bpe_.vocabulary()) largest_id_ = std::max(largest_id_, id);
    for (const AddedToken& token : added_.tokens()) {
        largest_id_ = std::max(largest_id_, token.id);
        if (!bpe_.id_of(token.content)) ++vocabulary_size_;
    }
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view utf8, bool add_special) const {
    if (utf8.size() > kMaxTextBytes) {
        throw Error(ErrorCode::limit, "the text is too long")
            .expected(fmt::format("at most {} bytes", kMaxTextBytes))
            .found(fmt::format("{} bytes", utf8.size()));
    }
    require_utf8(utf8, "the text");

    std::vector<std::int32_t> ids;
    if (add_special) ids = around_.prefix;
    for (const Segment& segment : added_.split(utf8)) {
        if (segment.id) {
            ids.push_back(*segment.id);
        } else {
            for (const std::string_view piece : split(pattern_, segment.text)) bpe_.encode(piece, ids);
        }
    }
    if (add_special) ids.insert(ids.end(), around_.suffix.begin(), around_.suffix.end());
    return ids;
}

std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const {
    for (const AddedToken& added : added_.tokens()) {
        if (added.content == token) return added.id;
    }
    return bpe_.id_of(token);
}

}  // namespace heart::text
