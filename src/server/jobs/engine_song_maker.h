#pragma once

#include "engine/generator.h"
#include "server/jobs/song_maker.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

namespace heart::server::jobs {

/// Makes songs with Heart's engine. Models are loaded by the first song, on the thread that makes it, and stay.
class EngineSongMaker : public SongMaker {
public:
    /// Opens the checkpoints and looks at their headers and the device: what is wrong with these is thrown here, as by
    /// engine::Generator. `model_label` is what songs say about what made them.
    EngineSongMaker(formats::Folder model_folder, engine::EngineOptions options, std::string model_label);

    [[nodiscard]] MadeSong make(const database::Job& job, const std::filesystem::path& journal, const MakeHooks& hooks,
                                const CancelToken& cancel) override;
    [[nodiscard]] Status status() const override;

private:
    engine::Generator& generator();

    formats::Folder folder_;
    engine::EngineOptions options_;
    Status about_;
    std::unique_ptr<engine::Generator> generator_;
    std::atomic<bool> loaded_{false};
};

}  // namespace heart::server::jobs
