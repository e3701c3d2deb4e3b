#pragma once

#include "core/cancel.h"
#include "core/error.h"
#include "server/assistant/assistant.h"
#include "support/fake_http_server.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace heart::test {

inline const std::string kApiKey = "sk-test-3f9a7c";

/// Options that lead to the fake server.
inline server::assistant::AssistantOptions options_for(const FakeHttpServer& server, std::string key = kApiKey) {
    return {.base_url = server.url("/v1"), .api_key = std::move(key)};
}

/// What a chat server answers that wrote `content`.
inline FakeAnswer chat_answer(const std::string& content) {
    const nlohmann::json body{{"id", "x"},
                              {"choices", {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", content}}}}}}};
    return {.headers = {{"Content-Type", "application/json"}}, .body = body.dump()};
}

/// How asking failed; none when it did not.
struct AssistantFailure {
    server::assistant::AssistantError::Kind kind{};
    int status = 0;
    std::string words;
};

inline std::optional<AssistantFailure> assistant_failure(const std::function<void()>& ask) {
    try {
        ask();
    } catch (const server::assistant::AssistantError& e) {
        return AssistantFailure{e.kind(), e.upstream_status(), e.what()};
    }
    return std::nullopt;
}

/// The error code when `ask` is cancelled as soon as the server has its request.
inline std::optional<ErrorCode> code_when_cancelled(const FakeHttpServer& server,
                                                    const std::function<void(const CancelToken&)>& ask) {
    CancelToken cancel;
    std::thread canceller([&] {
        (void)server.wait_for_requests(1);
        cancel.cancel();
    });
    std::optional<ErrorCode> code;
    try {
        ask(cancel);
    } catch (const Error& e) {
        code = e.code();
    }
    canceller.join();
    return code;
}

}  // namespace heart::test
