#include "text/prompt.h"

#include "core/error.h"
#include "text/unicode.h"

#include <fmt/format.h>

#include <string>

namespace heart::text {

namespace {

constexpr std::string_view kOpenTag = "<tag>", kCloseTag = "</tag>";

/// Checked here as well as in encode, because encode sees the text in lower case, where offsets and lengths may differ.
void check_text(std::string_view text, std::string_view what) {
    if (text.size() > kMaxTextBytes) {
        throw Error(ErrorCode::limit, fmt::format("the {} are too long", what))
            .expected(fmt::format("at most {} bytes", kMaxTextBytes))
            .found(fmt::format("{} bytes", text.size()));
    }
    require_utf8(text, fmt::format("the text of the {}", what));
}

std::vector<std::int32_t> encode_between(const Tokenizer& tokenizer, const PromptIds& ids, std::string_view text) {
    std::vector<std::int32_t> out = tokenizer.encode(text);
    if (out.empty() || out.front() != ids.text_bos) out.insert(out.begin(), ids.text_bos);
    if (out.back() != ids.text_eos) out.push_back(ids.text_eos);
    return out;
}

}  // namespace

Prompt make_prompt(const Tokenizer& tokenizer, const PromptIds& ids, std::string_view tags, std::string_view lyrics) {
    check_text(tags, "tags");
    check_text(lyrics, "lyrics");
    std::string tag_text = lower(tags);
    if (!tag_text.starts_with(kOpenTag)) tag_text.insert(0, kOpenTag);
    if (!tag_text.ends_with(kCloseTag)) tag_text += kCloseTag;
    return {encode_between(tokenizer, ids, tag_text), encode_between(tokenizer, ids, lower(lyrics))};
}

}  // namespace heart::text
