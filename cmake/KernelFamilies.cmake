# Kernels that are compiled once for each family of instructions (src/kernels/instruction_set.h), each in a file of its own.
include_guard(GLOBAL)

# All there are; a target takes those that its processor may have.
set(HEART_KERNEL_FAMILIES portable avx2 avx512)

# Adds <folder>/<kernel>_<family>.cpp of every family that the processor may have to a target.
function(heart_kernel_families target folder)
  set(avx2 -mavx2 -mfma -mf16c)
  set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni)
  set(families portable)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND families avx2 avx512)
  endif()
  set(optimise -O3)
  # Sanitizers watch one family whole, for all have the same sources and shares; of the others, which songs are made with,
  # the writes at most: five times faster. That none reads beyond its operands the kernels' tests see by guard pages, in
  # every build.
  if(HEART_SANITIZE)
    set(optimise -O2)
    if(HEART_SANITIZE STREQUAL "address")
      set(watched -fno-sanitize=undefined --param=asan-instrument-reads=0 --param=asan-stack=0)
    else()
      set(watched -fno-sanitize=thread)
    endif()
    list(APPEND avx2 ${watched})
    list(APPEND avx512 ${watched})
  endif()
  foreach(kernel ${ARGN})
    foreach(family ${families})
      set(source "${folder}/${kernel}_${family}.cpp")
      target_sources(${target} PRIVATE "${source}")
      set_property(SOURCE "${source}" PROPERTY COMPILE_OPTIONS ${${family}} ${optimise} -ffp-contract=fast)
    endforeach()
  endforeach()
endfunction()
