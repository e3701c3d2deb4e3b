#pragma once

#include <ggml.h>

#include <set>
#include <string>

namespace heart::test {

/// A device "cuda" for machines without one: it accepts exactly the nodes that the CUDA module accepts
/// (kernels/cuda/support.h), keeps tensors in the machine's memory, and computes zeros. Stays for the rest of the program.
void pretend_a_gpu();

/// ggml's and our names of the operations that it "computed" so far.
[[nodiscard]] const std::set<std::string>& pretended_operations();

/// Graphs it computed.
[[nodiscard]] int pretended_runs();

}  // namespace heart::test
