# Provides the target ggml::ggml, from the first of these that gives the pinned version:
#   1. a source folder that the user names: -DGGML_SOURCE_DIR=<folder with ggml's CMakeLists.txt>
#   2. an installed package of exactly this version (ggml promises no stable ABI)
#   3. the public git repository, at a pinned tag
#   4. the pinned npm package node-llama-cpp, which carries the same source tree as a git bundle
# Git and npm are checked by the git tree hash of the ggml/ folder: content, not a name. -DGGML_PROVIDER=system|git|npm
# allows one way only.
include_guard(GLOBAL)
include("${CMAKE_CURRENT_LIST_DIR}/PinnedSource.cmake")

set(GGML_PIN_VERSION 0.25.1)
set(GGML_PIN_TREE 4a1fc5de35bd6af12f303c0701ea0bc7ec1e1c77)
set(GGML_PIN_REPOSITORY https://github.com/ggml-org/llama.cpp.git)
set(GGML_PIN_TAG v0.5.0)
set(GGML_PIN_NPM node-llama-cpp@3.22.1)
set(GGML_SOURCE_DIR "" CACHE PATH "Folder that holds ggml's CMakeLists.txt")
set(GGML_PROVIDER auto CACHE STRING "Where ggml may come from: auto, system, git or npm")
set(GGML_CACHE_DIR "${PROJECT_SOURCE_DIR}/build/_ggml" CACHE PATH "Where the downloaded ggml source is kept")

# Unpacks the git bundle inside the npm package; sets <out> to TRUE when that worked.
function(heart_ggml_from_npm scratch into out)
  find_program(NPM_EXECUTABLE npm)
  if(NOT NPM_EXECUTABLE)
    return()
  endif()
  execute_process(COMMAND "${NPM_EXECUTABLE}" pack ${GGML_PIN_NPM} --ignore-scripts --silent
    WORKING_DIRECTORY "${scratch}" OUTPUT_VARIABLE package OUTPUT_STRIP_TRAILING_WHITESPACE TIMEOUT 600 RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    return()
  endif()
  file(ARCHIVE_EXTRACT INPUT "${scratch}/${package}" DESTINATION "${scratch}" PATTERNS "*/gitRelease.bundle")
  execute_process(COMMAND "${GIT_EXECUTABLE}" clone -q --no-checkout "${scratch}/package/llama/gitRelease.bundle" "${into}"
    RESULT_VARIABLE result ERROR_QUIET)
  if(result EQUAL 0)
    set(${out} TRUE PARENT_SCOPE)
  endif()
endfunction()

# Downloads, checks and unpacks ggml into GGML_CACHE_DIR/<tree hash>.
function(heart_download_ggml destination)
  find_package(Git REQUIRED)
  set(scratch "${GGML_CACHE_DIR}/scratch")
  file(REMOVE_RECURSE "${scratch}")
  file(MAKE_DIRECTORY "${scratch}")
  set(got FALSE)
  if(GGML_PROVIDER MATCHES "^(auto|git)$")
    message(STATUS "ggml: asking ${GGML_PIN_REPOSITORY} for ${GGML_PIN_TAG}")
    heart_clone(${GGML_PIN_REPOSITORY} ${GGML_PIN_TAG} "${scratch}/git" got)
  endif()
  if(NOT got AND GGML_PROVIDER MATCHES "^(auto|npm)$")
    message(STATUS "ggml: asking npm for ${GGML_PIN_NPM}")
    file(REMOVE_RECURSE "${scratch}/git")
    heart_ggml_from_npm("${scratch}" "${scratch}/git" got)
  endif()
  if(NOT got)
    message(FATAL_ERROR "ggml ${GGML_PIN_VERSION} cannot be reached by git, nor through npm. Install npm, or unpack llama.cpp "
      "${GGML_PIN_TAG} and give its ggml folder with -DGGML_SOURCE_DIR=<folder>.")
  endif()
  heart_take_tree(ggml "${scratch}/git" HEAD:ggml ${GGML_PIN_TREE} "${destination}" ggml LICENSE)
  file(REMOVE_RECURSE "${scratch}")
endfunction()

if(NOT GGML_SOURCE_DIR AND GGML_PROVIDER MATCHES "^(auto|system)$" AND NOT HEART_SANITIZE)
  find_package(ggml ${GGML_PIN_VERSION} EXACT CONFIG QUIET)
  if(ggml_FOUND)
    message(STATUS "ggml: installed package ${ggml_VERSION}")
    return()
  elseif(GGML_PROVIDER STREQUAL "system")
    message(FATAL_ERROR "ggml: no installed package of version ${GGML_PIN_VERSION}")
  endif()
endif()

set(ggml_source "${GGML_SOURCE_DIR}")
if(NOT ggml_source)
  if(NOT EXISTS "${GGML_CACHE_DIR}/${GGML_PIN_TREE}/ggml/CMakeLists.txt")
    heart_download_ggml("${GGML_CACHE_DIR}/${GGML_PIN_TREE}")
  endif()
  set(ggml_source "${GGML_CACHE_DIR}/${GGML_PIN_TREE}/ggml")
endif()
file(STRINGS "${ggml_source}/CMakeLists.txt" version_lines REGEX "set\\(GGML_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+\\)")
string(REGEX MATCHALL "[0-9]+" version_parts "${version_lines}")
list(JOIN version_parts "." ggml_version)
if(NOT ggml_version STREQUAL GGML_PIN_VERSION)
  message(FATAL_ERROR "ggml: expected version ${GGML_PIN_VERSION}, found ${ggml_version} in ${ggml_source}")
endif()

# Off by default outside llama.cpp, and wanted: small matrix products and, on GPUs, graph replay.
set(GGML_LLAMAFILE ON)
set(GGML_CUDA_GRAPHS ON)
# Heart brings its own threads; OpenMP's would spin beside them and hide races from the thread sanitizer.
set(GGML_OPENMP OFF)
foreach(option BUILD_SHARED_LIBS GGML_BUILD_TESTS GGML_BUILD_EXAMPLES GGML_CCACHE GGML_ALL_WARNINGS)
  set(${option} OFF)
endforeach()
# Kernels for weights that are re-arranged on loading: Heart maps them as they are, and has its own.
set(GGML_CPU_REPACK OFF)
set(GGML_NATIVE ${HEART_NATIVE})
if(NOT HEART_NATIVE)
  # What every machine of the last ten years has; said here, since ggml remembers what it chose for HEART_NATIVE=ON.
  foreach(option GGML_SSE42 GGML_AVX GGML_AVX2 GGML_BMI2 GGML_FMA GGML_F16C)
    set(${option} ON)
  endforeach()
  # Without the machine's own instructions ggml would drop to plain AVX2: say what the binary asks for instead.
  foreach(option GGML_AVX512 GGML_AVX512_VBMI GGML_AVX512_VNNI)
    set(${option} ${HEART_AVX512})
  endforeach()
  if(HEART_AVX512)
    message(STATUS "ggml: CPU kernels for machines with AVX-512 (HEART_NATIVE=OFF, HEART_AVX512=ON)")
  else()
    message(WARNING "HEART_NATIVE is off: CPU kernels use AVX2 and no more. -DHEART_AVX512=ON asks for AVX-512.")
  endif()
endif()
set(CMAKE_UNITY_BUILD OFF)  # not of ggml's files
add_subdirectory("${ggml_source}" "${CMAKE_BINARY_DIR}/_deps/ggml" EXCLUDE_FROM_ALL SYSTEM)
unset(CMAKE_UNITY_BUILD)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(ggml-cpu PRIVATE -mno-amx-tile -mno-amx-int8)  # as above, and a minute to compile
endif()
set_property(SOURCE "${ggml_source}/src/ggml-cpu/ggml-cpu.c" TARGET_DIRECTORY ggml-cpu
  APPEND PROPERTY COMPILE_OPTIONS -include "${CMAKE_CURRENT_LIST_DIR}/ggml_bounded_spin.h")
if(NOT TARGET ggml::ggml)
  add_library(ggml::ggml ALIAS ggml)
endif()
message(STATUS "ggml: ${ggml_version} from ${ggml_source}")
