#include "server/api/transcriber_process.h"

#include "engine/checkpoint_set.h"
#include "server/api/program_answer.h"

#include <filesystem>
#include <system_error>

namespace heart::server::api {

namespace {

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
    command.emplace_back(kSoundOfProgram);
    return program_answer(command, sound, input, check);
}

}  // namespace heart::server::api
