// What Heart changes in ggml's Vulkan backend, without a line of ggml's.

#include <ggml.h>

#include <cstdlib>
#include <string_view>

// ggml asks the environment for its settings, and this module's questions come here (--wrap in CMakeLists.txt). One answer
// is Heart's own: left alone, ggml rounds the operands of every large product to f16 where the GPU can, f32 weights too,
// which moves latents across the ninths that the codec rounds them to. Heart is to be asked for that in so many words:
// HEART_VULKAN_F16=1.
extern "C" char* __real_getenv(const char* name);

extern "C" char* __wrap_getenv(const char* name) {
    static char yes[] = "1";
    if (std::string_view(name) != "GGML_VK_DISABLE_F16") return __real_getenv(name);
    const char* wanted = __real_getenv("HEART_VULKAN_F16");
    return wanted != nullptr && std::string_view(wanted) == "1" ? nullptr : yes;
}

namespace {

/// The module has a copy of ggml's core of its own, which would tell standard error what it found.
[[maybe_unused]] const bool quiet = [] {
    ggml_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    return true;
}();

}  // namespace
