# Sources that are fetched while configuring: by git, at a tag, and checked by the git hash of a tree: content, not a name.
# One download serves every build preset.
include_guard(GLOBAL)

# Clones `repository` at `tag` into the folder `into`, without its files; sets <out> to TRUE when that worked.
function(heart_clone repository tag into out)
  find_package(Git REQUIRED)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env GIT_TERMINAL_PROMPT=0 "${GIT_EXECUTABLE}" -c advice.detachedHead=false
            -c http.lowSpeedLimit=1000 -c http.lowSpeedTime=20
            clone -q --depth 1 --branch ${tag} --no-checkout ${repository} "${into}"
    TIMEOUT 600 RESULT_VARIABLE result ERROR_QUIET)
  if(result EQUAL 0)
    set(${out} TRUE PARENT_SCOPE)
  endif()
endfunction()

# Takes the files `paths` (ARGN) of the clone `clone` to the folder `destination`, if `spec` there, as HEAD:<folder>, has
# the hash `tree`. The clone's folder and the destination are on one disk.
function(heart_take_tree name clone spec tree destination)
  execute_process(COMMAND "${GIT_EXECUTABLE}" -C "${clone}" rev-parse ${spec}
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT found STREQUAL tree)
    message(FATAL_ERROR "${name}: the downloaded source is not the pinned one: expected tree ${tree}, found ${found}")
  endif()
  file(MAKE_DIRECTORY "${clone}.tree")
  execute_process(COMMAND "${GIT_EXECUTABLE}" -C "${clone}" -c core.autocrlf=false --work-tree "${clone}.tree"
    checkout -q HEAD -- ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
  file(RENAME "${clone}.tree" "${destination}")  # last, so that a half checkout never counts
endfunction()
