#pragma once

#include <cstdio>
#include <cstdlib>

/// An invariant of a fuzz target; the fuzzer keeps the input that violates it.
#define HEART_FUZZ_CHECK(holds)                                                             \
    do {                                                                                    \
        if (!(holds)) {                                                                     \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
            std::abort();                                                                   \
        }                                                                                   \
    } while (false)
