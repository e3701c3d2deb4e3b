#pragma once

#include "server/api/services.h"
#include "server/api/validation.h"

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heart::server::api {

/// Whether there is an embedding model: the program, and in the models' folder MuQ-MuLan with what it stands on.
[[nodiscard]] bool can_embed(const StudioOptions& options);
/// 501 where there is none.
void need_embedder(const StudioOptions& options);

/// What is to be put into the space; at least one of the two.
struct ToEmbed {
    std::optional<int> sound;       ///< an open file
    double start = 0, seconds = 0;  ///< the piece of it; seconds 0: all
    std::optional<std::string> text;
};

/// Where it is there.
struct Embedded {
    std::string model, licence;      ///< licence: empty where it is not known
    double seconds = 0;              ///< of the sound, that were heard
    std::vector<float> sound, text;  ///< the sound: mean over its clips
};

/// Runs `heart embed --json`, see program_answer. Throws EmbedderRefusal where the program says {"error": ...};
/// ErrorCode::internal for an answer that is none.
[[nodiscard]] Embedded embed(const StudioOptions& options, const ToEmbed& what, const std::function<void()>& check);

/// The program says {"error": ...}.
class EmbedderRefusal : public std::exception {
public:
    explicit EmbedderRefusal(Json said) : said_(std::move(said)) {}
    [[nodiscard]] const Json& said() const noexcept { return said_; }  ///< with "error"
    [[nodiscard]] std::string code() const;                            ///< "limit", ...
    [[nodiscard]] const char* what() const noexcept override { return "the embedding program refuses"; }

private:
    Json said_;
};

}  // namespace heart::server::api
