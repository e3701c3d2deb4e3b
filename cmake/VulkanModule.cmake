# libheart-vulkan.so: ggml's kernels for every GPU with a Vulkan driver (AMD, Intel, NVIDIA), as a module that the program
# loads where it finds it and a driver. Compiling ggml's shaders takes some minutes.
include_guard(GLOBAL)

if(NOT ggml_source)
  message(FATAL_ERROR "HEART_VULKAN=ON needs ggml's sources, not an installed package: -DGGML_PROVIDER=git or =npm")
endif()
set(vulkan_needs "HEART_VULKAN=ON needs Vulkan's headers 1.3.272 or later and a glslc that knows cooperative matrices: \
those of Debian 13, Ubuntu 24.04 or later, or of the Vulkan SDK.")
find_package(Vulkan 1.3.272 COMPONENTS glslc)
if(NOT Vulkan_FOUND)
  message(FATAL_ERROR "${vulkan_needs}")
endif()
execute_process(
  COMMAND "${Vulkan_GLSLC_EXECUTABLE}" -fshader-stage=compute --target-env=vulkan1.3 -o -
          "${ggml_source}/src/ggml-vulkan/vulkan-shaders/feature-tests/coopmat.comp"
  RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
if(failed)
  message(FATAL_ERROR "${vulkan_needs} ${Vulkan_GLSLC_EXECUTABLE} is an older one.")
endif()

# In a function, since ggml's build is told by variables: here to make a module, while the rest of ggml stays static.
function(heart_add_vulkan_module)
  set(GGML_BACKEND_DL ON)
  set(GGML_BACKEND_DIR lib/heart)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
  set(CMAKE_UNITY_BUILD OFF)
  add_subdirectory("${ggml_source}/src/ggml-vulkan" "${CMAKE_BINARY_DIR}/_deps/ggml-vulkan" SYSTEM)
  set_target_properties(ggml-vulkan PROPERTIES OUTPUT_NAME heart-vulkan VERSION "" SOVERSION "")
  target_compile_features(ggml-vulkan PRIVATE cxx_std_17)
  target_compile_options(ggml-vulkan PRIVATE -include "${PROJECT_SOURCE_DIR}/cmake/ggml_vulkan_module.h")
  target_link_options(ggml-vulkan PRIVATE -Wl,--exclude-libs,ALL -Wl,--no-undefined)
endfunction()
heart_add_vulkan_module()
