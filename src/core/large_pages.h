#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

namespace heart {

/// Asks for large pages under memory that nobody has touched yet, where the system has them: whoever then walks through it
/// waits less often for a page to be found. Nothing happens where it cannot be had.
inline void use_large_pages(void* address, std::size_t bytes) noexcept {
#if defined(MADV_HUGEPAGE)
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto start = reinterpret_cast<std::uintptr_t>(address);
    const std::uintptr_t first = (start + page - 1) / page * page;  // a page that is shared with others is left to them
    if (first < start + bytes) ::madvise(reinterpret_cast<void*>(first), start + bytes - first, MADV_HUGEPAGE);
#else
    (void)address, (void)bytes;
#endif
}

}  // namespace heart
