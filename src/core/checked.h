#pragma once

#include "core/error.h"

#include <concepts>
#include <limits>
#include <string>

namespace heart {

/// a * b, or ErrorCode::limit naming `what` when the product does not fit.
template <std::unsigned_integral T>
[[nodiscard]] T checked_mul(T a, T b, const char* what) {
    T out{};
    if (__builtin_mul_overflow(a, b, &out)) throw Error(ErrorCode::limit, std::string(what) + " is too large to count");
    return out;
}

/// a + b, or ErrorCode::limit naming `what` when the sum does not fit.
template <std::unsigned_integral T>
[[nodiscard]] T checked_add(T a, T b, const char* what) {
    T out{};
    if (__builtin_add_overflow(a, b, &out)) throw Error(ErrorCode::limit, std::string(what) + " is too large to count");
    return out;
}

}  // namespace heart
