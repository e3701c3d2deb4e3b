#include "text/tokenizer.h"

#include "text/pretokenizer.h"

#include <algorithm>
#include <utility>

namespace heart::text {

Tokenizer Tokenizer::from_json(std::string_view text, std::string_view name, const TokenizerLimits& limits) {
    return Tokenizer(read_tokenizer_json(text, name, limits));
}

Tokenizer::Tokenizer(TokenizerSpec spec)
    : pattern_(spec.pattern),
      bpe_(std::move(spec.vocabulary), std::move(spec.merges), spec.ignore_merges),
      added_(std::move(spec.frame.added_tokens)),
      prefix_(std::move(spec.frame.prefix)),
      suffix_(std::move(spec.frame.suffix)),
      vocabulary_size_(bpe_.vocabulary().size()) {
    for (const auto& [token, id] : bpe_.vocabulary()) largest_id_ = std::max(largest_id_, id);
    for (const AddedToken& token : added_.tokens()) {
        largest_id_ = std::max(largest_id_, token.id);
        if (!bpe_.id_of(token.content)) ++vocabulary_size_;
    }
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view utf8, bool add_special) const {
    require_encodable(utf8);
    std::vector<std::int32_t> ids;
    if (add_special) ids = prefix_;
    for (const Segment& segment : added_.split(utf8)) {
        if (segment.id) {
            ids.push_back(*segment.id);
        } else {
            for (const std::string_view piece : split(pattern_, segment.text)) bpe_.encode(piece, ids);
        }
    }
    if (add_special) ids.insert(ids.end(), suffix_.begin(), suffix_.end());
    return ids;
}

std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const {
    for (const AddedToken& added : added_.tokens()) {
        if (added.content == token) return added.id;
    }
    return bpe_.id_of(token);
}

}  // namespace heart::text
