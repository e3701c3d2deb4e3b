#pragma once

#include <sys/resource.h>

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEART_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HEART_TEST_SANITIZED 1
#endif
#endif

namespace heart::test {

/// Sanitizers keep freed memory, and take their time.
inline constexpr bool kSanitized =
#ifdef HEART_TEST_SANITIZED
    true;
#else
    false;
#endif

/// The most memory that this process ever had.
inline std::int64_t peak_megabytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

}  // namespace heart::test
