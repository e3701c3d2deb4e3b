#include "engine/process_memory.h"

#include <fstream>

namespace heart::engine {

std::uint64_t process_memory(const std::string& key) {
    std::ifstream in("/proc/self/status");
    std::string word;
    std::uint64_t kib = 0;
    while (in >> word) {
        if (word == key) return in >> kib ? kib * 1024 : 0;
    }
    return 0;
}

}  // namespace heart::engine
