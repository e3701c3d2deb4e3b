#include "graph/modules.h"

#include <ggml-backend.h>

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>

#include <dlfcn.h>

namespace heart::graph {

namespace {

constexpr std::array kModules{"cuda", "hip", "vulkan"};

/// The folder of the program or library that this code is part of.
std::filesystem::path own_folder() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return {};
    std::error_code failed;
    std::filesystem::path self = std::filesystem::canonical(info.dli_fname, failed);
    if (failed) self = std::filesystem::read_symlink("/proc/self/exe", failed);  // a program that was started by its name
    return self.parent_path();
}

std::optional<std::filesystem::path> find_module(const std::string& name) {
    const std::string file = fmt::format("libheart-{}.so", name);
    const std::filesystem::path folder = own_folder();
    for (const auto& candidate : {folder / file, folder / ".." / "lib" / "heart" / file, folder / "heart" / file}) {
        std::error_code ignored;
        if (std::filesystem::is_regular_file(candidate, ignored)) return candidate;
    }
    return std::nullopt;
}

/// Empty, or why it did not load.
std::string load(const std::string& name) {
    const auto path = find_module(name);
    if (!path) return "this installation has no module for it";
    // First by hand, since ggml keeps the reason to itself; it then finds the same library open.
    void* handle = dlopen(path->c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return dlerror();
    const bool loaded = ggml_backend_load(path->c_str()) != nullptr;
    dlclose(handle);
    return loaded ? "" : fmt::format("{} finds no driver, or is of another version", path->filename().string());
}

const std::map<std::string, std::string>& faults() {
    static const std::map<std::string, std::string> all = [] {
        std::map<std::string, std::string> out;
        for (const char* name : kModules) out[name] = load(name);
        return out;
    }();
    return all;
}

}  // namespace

void load_modules() {
    (void)faults();
}

std::string missing_module(const std::string& name) {
    const auto it = faults().find(name);
    return it == faults().end() ? "this build has no such kind of device" : it->second;
}

}  // namespace heart::graph
