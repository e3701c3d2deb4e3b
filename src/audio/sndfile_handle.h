#pragma once

#include <memory>

#include <sndfile.h>

namespace heart::audio {

struct CloseSndfile {
    void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};
/// An open file of libsndfile's.
using SndfileHandle = std::unique_ptr<SNDFILE, CloseSndfile>;

}  // namespace heart::audio
