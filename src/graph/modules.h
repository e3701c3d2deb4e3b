#pragma once

#include <string>

namespace heart::graph {

/// Loads the modules for GPUs that stand beside this program or library (libheart-cuda.so), or in lib/heart beside its
/// folder, into ggml's registry: once a process, whatever thread asks first. Where a module or what it needs is missing, a
/// machine simply has no such device.
void load_modules();

/// Why the module of this name ("cuda") is not there, for an error message; empty where it is.
[[nodiscard]] std::string missing_module(const std::string& name);

}  // namespace heart::graph
