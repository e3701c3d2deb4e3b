#include "server/api/transcriber_process.h"

#include "core/child_process.h"
#include "core/error.h"
#include "engine/checkpoint_set.h"

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <system_error>

namespace heart::server::api {

namespace {

constexpr std::size_t kMostOutput = std::size_t{16} << 20;  // bytes of a transcript

std::filesystem::path transcriptor_folder(const StudioOptions& options) {
    return options.models_folder / engine::CheckpointSet::transcriptor_folder();
}

}  // namespace

bool can_transcribe(const StudioOptions& options) {
    std::error_code failed;
    return !options.transcribe_command.empty() &&
           std::filesystem::is_regular_file(transcriptor_folder(options) / "config.json", failed);
}

Json run_transcriber(const StudioOptions& options, const std::vector<std::string>& arguments, int sound,
                     std::string_view input, const std::function<void()>& check) {
    std::vector<std::string> command = options.transcribe_command;
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.push_back("--model-path=" + transcriptor_folder(options).string());
    command.emplace_back("/proc/self/fd/3");
    ChildProcess child(command, sound, input);
    std::string output;
    std::vector<char> piece(std::size_t{64} << 10);
    for (std::size_t n = piece.size(); n == piece.size();) {
        n = child.read(piece, check);
        output.append(piece.data(), n);
        if (output.size() > kMostOutput) {
            throw Error(ErrorCode::internal, "the transcribing process does not end")
                .expected(fmt::format("at most {} bytes of text", kMostOutput));
        }
    }
    const int status = child.wait();
    Json said = Json::parse(output, nullptr, false);
    if (said.is_object() && (status == 0 || said.contains("error"))) return said;
    throw Error(ErrorCode::internal, "the transcribing process failed").found(fmt::format("exit status {}", status));
}

}  // namespace heart::server::api
