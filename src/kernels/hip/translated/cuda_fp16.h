#pragma once

// HIP names its 16-bit floats as CUDA does.
#include <hip/hip_fp16.h>
