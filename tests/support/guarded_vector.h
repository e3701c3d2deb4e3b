#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>
#include <vector>

namespace heart::test {

/// Gives memory whose last byte is the last of its page, before a page that nobody may touch: whoever reads or writes one
/// element too many is killed, also in code that no sanitizer watches. The start has the alignment of T only, and what lies
/// before it is not guarded.
template <class T>
class GuardedAllocator {
public:
    using value_type = T;
    GuardedAllocator() = default;
    template <class U>
    explicit GuardedAllocator(const GuardedAllocator<U>& /*other*/) noexcept {}

    [[nodiscard]] T* allocate(std::size_t count) {
        const std::size_t bytes = count * sizeof(T), all = whole_pages(bytes) + page();
        void* start = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED) throw std::bad_alloc();
        auto* guard = static_cast<std::byte*>(start) + whole_pages(bytes);
        if (mprotect(guard, page(), PROT_NONE) != 0) throw std::bad_alloc();
        return reinterpret_cast<T*>(guard - bytes);
    }
    void deallocate(T* data, std::size_t count) noexcept {
        const std::size_t bytes = count * sizeof(T);
        std::byte* guard = reinterpret_cast<std::byte*>(data) + bytes;
        munmap(guard - whole_pages(bytes), whole_pages(bytes) + page());
    }

    friend bool operator==(const GuardedAllocator& /*a*/, const GuardedAllocator& /*b*/) noexcept { return true; }

private:
    static std::size_t page() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }
    static std::size_t whole_pages(std::size_t bytes) { return (bytes + page() - 1) / page() * page(); }
};

/// Guarded behind its last element, unless it grows by push_back, which takes more memory than is asked for.
template <class T>
using GuardedVector = std::vector<T, GuardedAllocator<T>>;

}  // namespace heart::test
