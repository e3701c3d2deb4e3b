#pragma once

#include "core/cancel.h"

namespace heart::app {

/// A token that Ctrl-C (SIGINT) and SIGTERM cancel. A second Ctrl-C ends the process at once, with 130 as well.
CancelToken& interrupt_token();

/// Writing to a pipe that nobody reads any more fails from now on, instead of ending the process without a word.
void ignore_broken_pipes();

inline constexpr int kExitDone = 0, kExitFailed = 1, kExitUsage = 2, kExitInterrupted = 130;

}  // namespace heart::app
