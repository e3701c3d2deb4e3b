#include "text/sentence_pieces.h"

#include "core/utf8.h"
#include "text/unicode.h"

#include <algorithm>
#include <string>
#include <utility>

namespace heart::text {

SentencePieceTokenizer SentencePieceTokenizer::from_json(std::string_view text, std::string_view name,
                                                         const TokenizerLimits& limits) {
    return SentencePieceTokenizer(read_sentence_pieces_json(text, name, limits));
}

SentencePieceTokenizer::SentencePieceTokenizer(SentencePieceSpec spec)
    : normalizer_(std::move(spec.normalizer)),
      split_white_space_(spec.split_white_space),
      begin_words_(spec.begin_words),
      model_(std::move(spec.model)),
      added_(std::move(spec.frame.added_tokens)),
      prefix_(std::move(spec.frame.prefix)),
      suffix_(std::move(spec.frame.suffix)),
      pad_id_(spec.pad_id),
      largest_id_(static_cast<std::int32_t>(model_.size()) - 1) {
    for (const AddedToken& token : added_.tokens()) largest_id_ = std::max(largest_id_, token.id);
}

std::vector<std::int32_t> SentencePieceTokenizer::encode(std::string_view utf8, bool add_special) const {
    require_encodable(utf8);
    std::vector<std::int32_t> ids;
    if (add_special) ids = prefix_;
    for (const Segment& verbatim : added_.split_verbatim(utf8)) {
        if (verbatim.id) {
            ids.push_back(*verbatim.id);
            continue;
        }
        const std::string normalised = normalizer_.apply(verbatim.text);
        for (const Segment& segment : added_.split_normalized(normalised)) {
            if (segment.id) ids.push_back(*segment.id);
            else encode_words(segment.text, ids);
        }
    }
    if (add_special) ids.insert(ids.end(), suffix_.begin(), suffix_.end());
    return ids;
}

void SentencePieceTokenizer::encode_words(std::string_view text, std::vector<std::int32_t>& ids) const {
    if (!split_white_space_) return encode_word(text, ids);
    for (std::size_t at = space_end(text, 0); at < text.size(); at = space_end(text, at)) {
        const std::size_t start = at;
        while (at < text.size()) {
            const Utf8Char c = decode_utf8(text, at);
            if (is_space(c.code)) break;
            at += c.length;
        }
        encode_word(text.substr(start, at - start), ids);
    }
}

void SentencePieceTokenizer::encode_word(std::string_view word, std::vector<std::int32_t>& ids) const {
    std::string marked;
    marked.reserve(word.size() + kSpaceMark.size());
    if (begin_words_ && !word.starts_with(' ') && !word.starts_with(kSpaceMark)) marked += kSpaceMark;
    for (const char c : word) {
        if (c == ' ') marked += kSpaceMark;
        else marked += c;
    }
    // Every mark begins a piece of its own, which no token of the model crosses.
    for (std::size_t start = 0; start < marked.size();) {
        const std::size_t end = std::min(marked.find(kSpaceMark, start + 1), marked.size());
        model_.encode(std::string_view(marked).substr(start, end - start), ids);
        start = end;
    }
}

}  // namespace heart::text
