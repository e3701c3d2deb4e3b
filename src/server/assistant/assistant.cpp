#include "server/assistant/assistant.h"

#include "formats/json.h"
#include "net/http_client.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace heart::server::assistant {

namespace {

using formats::Json;
using Kind = AssistantError::Kind;

constexpr std::string_view kPlaceholderKey = "sk-your-key-here";

// What goes out: more than this helps no song, and somebody pays for it.
constexpr std::size_t kMostIdeaBytes = 8'000, kMostWordBytes = 200, kMostTagsBytes = 2'000;

// What may come back. A picture of 1024 x 1024 as PNG in base64 takes 2 to 5 MB.
constexpr std::size_t kMostChatAnswer = std::size_t{1} << 20, kMostImageAnswer = std::size_t{16} << 20;
constexpr std::size_t kMostDepth = 16;
constexpr std::size_t kMostTitle = 500, kMostTags = 2'000, kMostLyrics = 20'000, kMostPrompt = 8'000;

[[noreturn]] void bad_answer() {
    throw AssistantError(Kind::bad_answer);
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// The beginning of a text, cut between characters.
std::string beginning(std::string_view text, std::size_t most_bytes) {
    if (text.size() <= most_bytes) return std::string(text);
    std::size_t end = most_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end));
}

bool is_openai(std::string_view base_url) {
    std::string_view rest = base_url.substr(std::min(base_url.find("://"), base_url.size()));
    rest.remove_prefix(std::min<std::size_t>(3, rest.size()));
    rest = rest.substr(0, rest.find_first_of("/:?"));
    return rest == "api.openai.com";
}

/// Text of a stranger, fit for a page: line ends are "\n", other control characters are gone. With `one_line` these are
/// spaces too.
std::string clean(std::string_view text, bool one_line) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool line_end = c == '\n' || c == '\r';
        if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
        if (line_end || c == '\t') out += one_line || !line_end ? ' ' : '\n';
        else if (c >= 0x20 && c != 0x7f) out += text[i];
    }
    return std::string(trimmed(out));
}

/// A member that is a text, or a list of texts (as small models like to write them). None when it is missing or null.
std::optional<std::string> text_member(const Json& object, const char* name, std::string_view separator, bool one_line,
                                       std::size_t most_bytes) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return std::nullopt;
    std::string text;
    if (found->is_string()) {
        text = clean(found->get_ref<const std::string&>(), one_line);
    } else if (found->is_array()) {
        for (const Json& part : *found) {
            if (!part.is_string()) bad_answer();
            if (&part != &found->front()) text += separator;
            text += clean(part.get_ref<const std::string&>(), one_line);
        }
    } else {
        bad_answer();
    }
    if (text.size() > most_bytes) bad_answer();
    return text;
}

Json parsed(std::string_view text, std::size_t most_bytes) {
    try {
        Json json = formats::parse_json(text, "an answer", {.max_bytes = most_bytes, .max_depth = kMostDepth});
        if (json.is_object()) return json;
    } catch (const Error&) {  // its words quote the answer
    }
    bad_answer();
}

/// The object that is the only entry of answer[name], a list.
const Json& first_of(const Json& answer, const char* name) {
    const auto list = answer.find(name);
    if (list == answer.end() || !list->is_array() || list->empty() || !list->front().is_object()) bad_answer();
    return list->front();
}

/// Local models like to wrap what they write: ```json ... ```.
std::string_view without_fence(std::string_view text) {
    text = trimmed(text);
    if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
    text = text.substr(3, text.size() - 6);
    const std::size_t line = text.find('\n');
    const std::string_view language = trimmed(text.substr(0, std::min(line, text.size())));
    if (line != std::string_view::npos && (language.empty() || language == "json" || language == "JSON")) {
        text.remove_prefix(line);
    }
    return trimmed(text);
}

SongDraft draft_from(const Json& answer) {
    const Json& choice = first_of(answer, "choices");
    const auto message = choice.find("message");
    if (message == choice.end() || !message->is_object()) bad_answer();
    const auto content = message->find("content");
    if (content == message->end() || !content->is_string()) bad_answer();
    const Json song = parsed(without_fence(content->get_ref<const std::string&>()), kMostChatAnswer);
    return {.title = text_member(song, "title", " ", true, kMostTitle).value_or("Untitled"),
            .tags = text_member(song, "tags", ",", true, kMostTags).value_or("pop,vocal"),
            .lyrics = text_member(song, "lyrics", "\n", false, kMostLyrics).value_or("")};
}

bool is_base64(std::string_view text) {
    std::string_view body = text;
    for (int padding = 0; padding < 2 && body.ends_with('='); ++padding) body.remove_suffix(1);
    return !body.empty() && text.size() % 4 == 0 && std::all_of(body.begin(), body.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    });
}

Picture picture_from(const Json& answer, std::string asked) {
    const Json& image = first_of(answer, "data");
    const auto data = image.find("b64_json");
    if (data == image.end() || !data->is_string() || !is_base64(data->get_ref<const std::string&>())) bad_answer();
    std::string revised = text_member(image, "revised_prompt", " ", true, kMostPrompt).value_or("");
    return {.image_base64 = data->get<std::string>(),
            .prompt_used = revised.empty() ? std::move(asked) : std::move(revised)};
}

std::string first_tags(std::string_view tags, std::size_t most) {
    std::string out;
    while (!tags.empty() && most > 0) {
        const std::size_t end = std::min(tags.find(','), tags.size());
        if (const std::string tag = clean(tags.substr(0, end), true); !tag.empty()) {
            out += (out.empty() ? "" : ", ") + tag;
            --most;
        }
        tags.remove_prefix(std::min(end + 1, tags.size()));
    }
    return out;
}

constexpr std::string_view kSongwriter =
    "You write songs for a living. From a short idea you write one complete song that can be sung.\n"
    "Answer with one JSON object and nothing else. It has these three members, all of them texts:\n"
    "\"title\": a short title.\n"
    "\"tags\": the sound, as words with commas between them: genre, mood, main instruments, and the kind of voice.\n"
    "\"lyrics\": the whole song. A line of its own in square brackets opens each section; use only [Intro], [Verse], "
    "[Prechorus], [Chorus], [Bridge] and [Outro], in an order that suits the song. A verse has 4 to 8 lines. Repeat the "
    "words of the chorus wherever it returns. Separate sections by an empty line, and put no chords, stage directions or "
    "remarks between the lines: everything that is no section name will be sung.\n"
    "Write title and lyrics in {}. Tags stay English.";

/// Posts JSON and returns the answer's; the only place where the key is used.
Json ask(const AssistantOptions& options, std::string_view endpoint, const Json& question, std::chrono::seconds timeout,
         std::size_t most_answer, const CancelToken& cancel) {
    net::HttpRequest request{.method = "POST",
                             .url = options.base_url + std::string(endpoint),
                             .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                             .body = question.dump(-1, ' ', false, Json::error_handler_t::replace),
                             .timeout = timeout,
                             .max_answer = most_answer};
    request.connect_timeout = std::min(request.connect_timeout, request.timeout);
    if (!options.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + options.api_key);
    net::HttpAnswer answer;
    try {
        answer = net::exchange(request, cancel);
    } catch (const net::TimeoutError&) {
        throw AssistantError(Kind::timeout);
    } catch (const Error& e) {
        if (e.code() == ErrorCode::cancelled || e.code() == ErrorCode::memory) throw;
        throw AssistantError(e.code() == ErrorCode::limit ? Kind::bad_answer : Kind::unreachable);
    }
    if (answer.status < 200 || answer.status > 299) throw AssistantError(Kind::refused, answer.status);
    return parsed(answer.body, most_answer);
}

}  // namespace

Assistant::Assistant(AssistantOptions options) : options_(std::move(options)) {
    options_.api_key = std::string(trimmed(options_.api_key));
    if (options_.api_key == kPlaceholderKey) options_.api_key.clear();
    options_.base_url = std::string(trimmed(options_.base_url));
    while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
}

bool Assistant::configured() const noexcept {
    return !options_.base_url.empty() && (!options_.api_key.empty() || !is_openai(options_.base_url));
}

bool Assistant::draws() const noexcept {
    return configured() && !options_.api_key.empty();
}

SongDraft Assistant::write_song(std::string_view idea, std::string_view language, const CancelToken& cancel) const {
    if (!configured()) throw AssistantError(Kind::not_configured);
    std::string tongue = clean(beginning(language, kMostWordBytes), true);
    if (tongue.empty()) tongue = "english";
    const Json question{
        {"model", options_.chat_model},
        {"messages",
         {{{"role", "system"}, {"content", fmt::format(kSongwriter, tongue)}},
          {{"role", "user"}, {"content", fmt::format("Language: {}\nIdea: {}", tongue, beginning(idea, kMostIdeaBytes))}}}},
        {"temperature", 0.8},
        {"response_format", {{"type", "json_object"}}},
    };
    return draft_from(ask(options_, "/chat/completions", question, options_.chat_timeout, kMostChatAnswer, cancel));
}

Picture Assistant::draw_cover(std::string_view title, std::string_view tags, std::string_view style,
                              const CancelToken& cancel) const {
    if (!draws()) throw AssistantError(Kind::not_configured);
    std::string look = clean(beginning(style, kMostWordBytes), true);
    if (look.empty()) look = "album cover art";
    std::string prompt = fmt::format("{} for a song called \"{}\"", look, clean(beginning(title, kMostWordBytes), true));
    if (const std::string sound = first_tags(beginning(tags, kMostTagsBytes), 3); !sound.empty()) {
        prompt += ". The picture feels like its sound: " + sound;
    }
    prompt += ". There is no text in the image: no letters, no words, no numbers, no logos.";
    const Json question{{"model", options_.image_model},
                        {"prompt", prompt},
                        {"n", 1},
                        {"size", "1024x1024"},
                        {"response_format", "b64_json"}};
    const Json answer = ask(options_, "/images/generations", question, options_.image_timeout, kMostImageAnswer, cancel);
    return picture_from(answer, std::move(prompt));
}

}  // namespace heart::server::assistant
