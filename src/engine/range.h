#pragma once

#include "core/error.h"

#include <fmt/format.h>

namespace heart::engine {

/// ErrorCode::usage, naming the option, unless `value` is in [least, most]; also for what is not a number.
template <typename T>
void check_range(const char* name, T value, T least, T most) {
    if (value >= least && value <= most) return;
    throw Error(ErrorCode::usage, fmt::format("{} is out of range", name))
        .expected(fmt::format("{} to {}", least, most))
        .found(fmt::format("{}", value));
}

}  // namespace heart::engine
