# Libraries from the system, as imported targets. Versions are those of Debian 12 or later.
find_package(Threads REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(PNG 1.6 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto)
find_package(kissfft 131 REQUIRED COMPONENTS float SHARED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sndfile REQUIRED IMPORTED_TARGET sndfile>=1.2.0)
pkg_check_modules(soxr REQUIRED IMPORTED_TARGET soxr>=0.1.3)
pkg_check_modules(taglib REQUIRED IMPORTED_TARGET taglib>=1.13)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc>=2.6.0)  # Debian 12 ships 2.8.0, whose file says 2.6.0
# hnswlib (headers only, without a CMake configuration in Debian) makes searches in large indexes faster; not every
# distribution has it.
find_path(HEART_HNSWLIB_INCLUDE hnswlib/hnswlib.h)
if(HEART_HNSWLIB_INCLUDE)
  add_library(hnswlib::headers INTERFACE IMPORTED)
  target_include_directories(hnswlib::headers INTERFACE "${HEART_HNSWLIB_INCLUDE}")
endif()

# Of the server.
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)  # Boost's own configuration, which older CMakes take too
endif()
find_package(Boost 1.81 REQUIRED)  # Beast and Asio: headers only
find_package(OpenSSL 3 REQUIRED COMPONENTS SSL)
find_package(CURL 7.88 REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive>=3.6)
find_package(JPEG REQUIRED)
pkg_check_modules(cairo REQUIRED IMPORTED_TARGET cairo>=1.16)
include("${CMAKE_CURRENT_LIST_DIR}/ResolveSoci.cmake")
