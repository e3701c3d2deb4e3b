// Included ahead of ggml's Vulkan backend (cmake/VulkanModule.cmake), which otherwise rounds the operands of every large
// product to f16 where the GPU can, f32 weights too: that moves latents across the ninths that the codec rounds them to.
// Heart asks for it in so many words: HEART_VULKAN_F16=1. ggml reads its settings from the environment; this answers one of
// its questions.
#ifndef HEART_GGML_VULKAN_MODULE_H
#define HEART_GGML_VULKAN_MODULE_H

#include <cstdlib>
#include <string_view>

inline char* heart_vulkan_environment(const char* name) {
    static char yes[] = "1";
    if (std::string_view(name) != "GGML_VK_DISABLE_F16") return std::getenv(name);
    const char* wanted = std::getenv("HEART_VULKAN_F16");
    return wanted != nullptr && std::string_view(wanted) == "1" ? nullptr : yes;
}
#define getenv(name) heart_vulkan_environment(name)

#endif
