#pragma once

#include <functional>

#include <time.h>

namespace heart::test {

/// Seconds of this thread's own time for some work: other programs do not count.
inline double cpu_seconds(const std::function<void()>& work) {
    const auto now = [] {
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
    };
    const double start = now();
    work();
    return now() - start;
}

}  // namespace heart::test
