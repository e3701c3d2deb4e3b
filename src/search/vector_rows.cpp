#include "search/vector_rows.h"

#include "core/error.h"
#include "core/large_pages.h"

#include <sys/mman.h>

namespace heart::search {

void VectorRows::Unmap::operator()(float* address) const noexcept {
    ::munmap(address, bytes);
}

void VectorRows::reserve(std::int64_t rows) {
    const std::size_t bytes = static_cast<std::size_t>(kBlockRows * width_) * sizeof(float);
    while (static_cast<std::int64_t>(blocks_.size()) * kBlockRows < rows) {
        blocks_.emplace_back();  // first, so that a block that was mapped is never lost
        void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (address == MAP_FAILED) {
            blocks_.pop_back();
            throw Error(ErrorCode::memory, "not enough memory for the vectors of an index");
        }
        // A search walks through all of them.
        use_large_pages(address, bytes);
        blocks_.back() = std::unique_ptr<float[], Unmap>(static_cast<float*>(address), Unmap{bytes});
    }
}

}  // namespace heart::search
