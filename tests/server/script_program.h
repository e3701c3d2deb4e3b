#pragma once

#include "server/api/validation.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace heart::test {

/// A shell script in place of one of our programs that listens: it notes what it was given, and then does what a test says.
class ScriptProgram {
public:
    /// `folder` is the studio's, `name` the program's there; `models`, folders of models, get a configuration.
    ScriptProgram(std::filesystem::path folder, std::string name, const std::vector<std::string>& models)
        : folder_(std::move(folder)), name_(std::move(name)), model_(folder_ / "models" / models.front()) {
        for (const std::string& model : models) {
            std::filesystem::create_directories(folder_ / "models" / model);
            std::ofstream(folder_ / "models" / model / "config.json") << "{}";
        }
    }

    /// What an option of the studio names, whose data folder this is.
    static std::vector<std::string> command(const std::filesystem::path& folder, const std::string& name) {
        return {"/bin/sh", (folder / (name + ".sh")).string()};
    }

    /// What it does from now on, behind noting its "arguments", its "input", the "sound" and one more of its "runs". Those
    /// that run already go on as they began.
    void does(const std::string& commands) const {
        std::ofstream(folder_ / "new.sh") << "echo \"$*\" > " << path("arguments") << "\ncat > " << path("input")
                                          << "\ncat /proc/self/fd/3 > " << path("sound") << " 2> /dev/null\necho x >> "
                                          << path("runs") << "\n"
                                          << commands << "\n";
        std::filesystem::rename(folder_ / "new.sh", folder_ / (name_ + ".sh"));
    }
    void prints(const std::string& text, int status = 0) const {
        does(fmt::format("cat <<'END'\n{}\nEND\nexit {}", text, status));
    }
    void says(const server::api::Json& json, int status = 0) const { prints(json.dump(), status); }

    [[nodiscard]] std::string path(const char* what) const { return (folder_ / (name_ + "." + what)).string(); }
    [[nodiscard]] std::string noted(const char* what) const {
        std::ifstream in(path(what), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// How often it was started.
    [[nodiscard]] std::size_t runs() const { return noted("runs").size() / 2; }
    void remove_model() const { std::filesystem::remove_all(model_); }

private:
    std::filesystem::path folder_;
    std::string name_;
    std::filesystem::path model_;
};

}  // namespace heart::test
