# Provides the target soci::soci with its SQLite backend: the system's library (Debian, Ubuntu, Fedora and others have it) or,
# where there is none, the public git repository at a pinned tag. -DSOCI_PROVIDER=system|git allows one way only.
include_guard(GLOBAL)
include("${CMAKE_CURRENT_LIST_DIR}/PinnedSource.cmake")

set(SOCI_PIN_VERSION 4.1.4)
set(SOCI_PIN_TREE 8ce824e65e3d61115c0efc1c044a6d7c5deeba1b)
set(SOCI_PIN_REPOSITORY https://github.com/SOCI/soci.git)
set(SOCI_PROVIDER auto CACHE STRING "Where SOCI may come from: auto, system or git")
set(SOCI_CACHE_DIR "${PROJECT_SOURCE_DIR}/build/_soci" CACHE PATH "Where the downloaded SOCI source is kept")

if(SOCI_PROVIDER MATCHES "^(auto|system)$")
  # Debian's package has no CMake configuration.
  find_library(HEART_SOCI_CORE soci_core)
  find_library(HEART_SOCI_SQLITE3 soci_sqlite3)
  find_path(HEART_SOCI_INCLUDE soci/soci.h)
  if(HEART_SOCI_CORE AND HEART_SOCI_SQLITE3 AND HEART_SOCI_INCLUDE)
    add_library(soci::soci INTERFACE IMPORTED)
    target_include_directories(soci::soci INTERFACE "${HEART_SOCI_INCLUDE}")
    target_link_libraries(soci::soci INTERFACE "${HEART_SOCI_CORE}" "${HEART_SOCI_SQLITE3}")
    return()
  elseif(SOCI_PROVIDER STREQUAL "system")
    message(FATAL_ERROR "SOCI 4 with its SQLite backend is not installed (Debian: libsoci-dev; Fedora: soci-devel, "
      "soci-sqlite3-devel)")
  endif()
endif()

set(soci_source "${SOCI_CACHE_DIR}/${SOCI_PIN_TREE}")
if(NOT EXISTS "${soci_source}/CMakeLists.txt")
  message(STATUS "SOCI: not installed; asking ${SOCI_PIN_REPOSITORY} for v${SOCI_PIN_VERSION}")
  set(scratch "${SOCI_CACHE_DIR}/scratch")
  file(REMOVE_RECURSE "${scratch}")
  file(MAKE_DIRECTORY "${scratch}")
  set(got FALSE)
  heart_clone(${SOCI_PIN_REPOSITORY} v${SOCI_PIN_VERSION} "${scratch}/git" got)
  if(NOT got)
    message(FATAL_ERROR "SOCI ${SOCI_PIN_VERSION} is not installed (Debian: libsoci-dev; Fedora: soci-devel, soci-sqlite3-devel) "
      "and cannot be reached by git at ${SOCI_PIN_REPOSITORY}")
  endif()
  heart_take_tree(SOCI "${scratch}/git" HEAD^{tree} ${SOCI_PIN_TREE} "${soci_source}" .)
  file(REMOVE_RECURSE "${scratch}")
endif()

# Part of the program, with SQLite alone.
function(heart_add_soci)
  foreach(option SOCI_SHARED SOCI_LTO WITH_BOOST SOCI_EMPTY SOCI_DB2 SOCI_FIREBIRD SOCI_MYSQL SOCI_ODBC SOCI_ORACLE
          SOCI_POSTGRESQL SOCI_SQLITE3_BUILTIN)
    set(${option} OFF)
  endforeach()
  set(SOCI_SQLITE3 ON)
  set(CMAKE_UNITY_BUILD OFF)
  # It asks for these, and would choose the same for all that is below.
  foreach(kind RUNTIME LIBRARY ARCHIVE)
    set(CMAKE_${kind}_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/_deps/soci")
  endforeach()
  add_subdirectory("${soci_source}" "${CMAKE_BINARY_DIR}/_deps/soci" EXCLUDE_FROM_ALL SYSTEM)
endfunction()
heart_add_soci()
add_library(soci::soci INTERFACE IMPORTED)
target_link_libraries(soci::soci INTERFACE SOCI::Core SOCI::SQLite3)
message(STATUS "SOCI: ${SOCI_PIN_VERSION} from ${soci_source}")
