#pragma once

#include "core/cancel.h"

#include <chrono>
#include <exception>
#include <string>
#include <string_view>

namespace heart::server::assistant {

/// An OpenAI-compatible server: OpenAI itself, Ollama, llama.cpp, ...
struct AssistantOptions {
    std::string base_url = "https://api.openai.com/v1";
    /// May be empty for a server of one's own: then `base_url` alone makes it configured. The placeholder of the example
    /// settings, "sk-your-key-here", is no key.
    std::string api_key;
    std::string chat_model = "gpt-4o-mini", image_model = "dall-e-3";
    std::chrono::seconds chat_timeout{60}, image_timeout{120};
};

/// Why there is no answer. Words of the upstream server never leave this room: they may hold keys.
class AssistantError : public std::exception {
public:
    enum class Kind { not_configured, unreachable, timeout, refused, bad_answer };
    explicit AssistantError(Kind kind, int upstream_status = 0) : kind_(kind), upstream_status_(upstream_status) {}
    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    [[nodiscard]] int upstream_status() const noexcept { return upstream_status_; }  ///< of `refused`
    [[nodiscard]] const char* what() const noexcept override { return "no answer of the writing assistant"; }

private:
    Kind kind_;
    int upstream_status_;
};

struct SongDraft {
    std::string title, tags, lyrics;
};
struct Picture {
    std::string image_base64, prompt_used;
};

/// Writing help. From any thread; waits for the other server. Throws AssistantError, and Error with ErrorCode::cancelled
/// within 0.2 s. What is asked for is cut to a few thousand bytes, and an answer beyond what a song may hold, or not of the
/// promised shape, is `bad_answer`: the other server is a stranger too.
class Assistant {
public:
    explicit Assistant(AssistantOptions options);

    [[nodiscard]] bool configured() const noexcept;
    [[nodiscard]] bool draws() const noexcept;  ///< whether there is an image API: only with a key

    /// Missing parts are "Untitled", "pop,vocal" and "".
    [[nodiscard]] SongDraft write_song(std::string_view idea, std::string_view language, const CancelToken& cancel) const;
    /// `not_configured` unless `draws()`. `style` may be empty.
    [[nodiscard]] Picture draw_cover(std::string_view title, std::string_view tags, std::string_view style,
                                     const CancelToken& cancel) const;

private:
    AssistantOptions options_;
};

}  // namespace heart::server::assistant
