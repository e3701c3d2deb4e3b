#include "server/api/program_answer.h"

#include "core/child_process.h"
#include "core/error.h"
#include "server/api/reply.h"

#include <fmt/format.h>

#include <cstddef>

namespace heart::server::api {

namespace {

constexpr std::size_t kMostOutput = std::size_t{16} << 20;  // bytes

}  // namespace

Json program_answer(const std::vector<std::string>& command, std::optional<int> sound, std::string_view input,
                    const std::function<void()>& check) {
    ChildProcess child(command, sound, input);
    std::string output;
    std::vector<char> piece(std::size_t{64} << 10);
    for (std::size_t n = piece.size(); n == piece.size();) {
        n = child.read(piece, check);
        output.append(piece.data(), n);
        if (output.size() > kMostOutput) {
            throw Error(ErrorCode::internal, "the listening process does not end")
                .expected(fmt::format("at most {} bytes of text", kMostOutput));
        }
    }
    const int status = child.wait();
    Json said = Json::parse(output, nullptr, false);
    if (said.is_object() && (status == 0 || said.contains("error"))) return said;
    throw Error(ErrorCode::internal, "the listening process failed").found(fmt::format("exit status {}", status));
}

void refuse_sound(const Json& said) {
    const Json& error = said.at("error");
    const std::string code = error.value("code", "internal"), message = error.value("message", "");
    // The name of the file says nothing outside of that process.
    if (code == "malformed" || code == "unsupported") refuse(400, "The file is no sound that can be read");
    if (code == "usage" || code == "limit")
        refuse(400, message + (error.contains("found") ? ": " + error.value("found", "") : ""));
    throw Error(ErrorCode::internal, "the listening process failed: " + message);
}

}  // namespace heart::server::api
