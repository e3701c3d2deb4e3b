# Libraries from the system, as imported targets. Versions are those of Debian 12 or later.
find_package(Threads REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(PNG 1.6 REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto)
find_package(kissfft 131 REQUIRED COMPONENTS float SHARED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sndfile REQUIRED IMPORTED_TARGET sndfile>=1.2.0)
pkg_check_modules(taglib REQUIRED IMPORTED_TARGET taglib>=1.13)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc>=2.6.0)  # Debian 12 ships 2.8.0, whose file says 2.6.0
