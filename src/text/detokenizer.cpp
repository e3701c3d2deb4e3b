#include "text/detokenizer.h"

#include "core/utf8.h"
#include "text/bpe.h"

#include <array>
#include <cstddef>
#include <utility>

namespace heart::text {

namespace {

using ByteOfCharacter = std::unordered_map<std::uint32_t, char>;

ByteOfCharacter byte_level_bytes() {
    ByteOfCharacter out;
    for (int byte = 0; byte < 256; ++byte) {
        out.emplace(byte_level_character(static_cast<unsigned char>(byte)), static_cast<char>(byte));
    }
    return out;
}

/// The bytes behind a byte-level spelling; the spelling itself where it has characters that stand for no byte.
std::string spelled_bytes(const std::string& spelling, const ByteOfCharacter& bytes) {
    std::string out;
    for (std::size_t at = 0; at < spelling.size();) {
        const Utf8Char c = decode_utf8(spelling, at);
        const auto byte = c.length == 0 ? bytes.end() : bytes.find(c.code);
        if (byte == bytes.end()) return spelling;
        out += byte->second;
        at += c.length;
    }
    return out;
}

/// Bytes from `at` on that begin a character but do not end it, 1 at least.
std::size_t broken_part(std::string_view bytes, std::size_t at) {
    const auto byte = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U; };
    const auto within = [&](std::size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
    const unsigned lead = byte(at);
    std::size_t length = 1;
    if (lead < 0xc2 || lead > 0xf4) return length;
    const std::size_t whole = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (whole > 2 && within(at + 1, low, high)) ++length;
    if (length == 2 && whole > 3 && within(at + 2, 0x80, 0xbf)) ++length;
    return length;
}

}  // namespace

Detokenizer::Detokenizer(const Tokenizer& tokenizer) {
    const ByteOfCharacter bytes = byte_level_bytes();
    tokens_.reserve(tokenizer.vocabulary_size());
    for (const auto& [spelling, id] : tokenizer.model_tokens()) tokens_[id] = {spelled_bytes(spelling, bytes), false};
    for (const AddedToken& token : tokenizer.added_tokens()) tokens_[token.id] = {token.content, token.special};
}

std::string_view Detokenizer::bytes_of(std::int32_t id) const {
    const auto it = tokens_.find(id);
    return it == tokens_.end() ? std::string_view() : it->second.bytes;
}

bool Detokenizer::is_special(std::int32_t id) const {
    const auto it = tokens_.find(id);
    return it != tokens_.end() && it->second.special;
}

std::string Detokenizer::decode(std::span<const std::int32_t> ids) const {
    std::string bytes;
    for (const std::int32_t id : ids) bytes += bytes_of(id);
    return replace_invalid_utf8(bytes);
}

std::string replace_invalid_utf8(std::string_view bytes) {
    constexpr std::uint32_t kReplacement = 0xfffd;
    std::string out;
    out.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        const Utf8Char c = decode_utf8(bytes, at);
        if (c.length > 0) {
            out += bytes.substr(at, c.length);
            at += c.length;
        } else {
            append_utf8(out, kReplacement);
            at += broken_part(bytes, at);
        }
    }
    return out;
}

std::string clean_up_spaces(std::string text) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kRules{{{" .", "."},
                                                                                    {" ?", "?"},
                                                                                    {" !", "!"},
                                                                                    {" ,", ","},
                                                                                    {" ' ", "'"},
                                                                                    {" n't", "n't"},
                                                                                    {" 'm", "'m"},
                                                                                    {" 's", "'s"},
                                                                                    {" 've", "'ve"},
                                                                                    {" 're", "'re"}}};
    for (const auto& [from, to] : kRules) {  // one after the other, each over the whole text
        std::string out;
        std::size_t at = 0;
        for (std::size_t found = text.find(from); found != std::string::npos; found = text.find(from, at)) {
            out.append(text, at, found - at).append(to);
            at = found + from.size();
        }
        text = out.append(text, at);
    }
    return text;
}

}  // namespace heart::text
