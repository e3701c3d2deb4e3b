#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct soxr;

namespace heart::audio {

/// Changes the sample rate of one channel that comes in pieces (libsoxr, linear phase, "HQ": 20 bits, 91 % of the lower
/// rate's band kept flat). Sample i of the result belongs to the time i / rate_out: nothing is shifted, and as much sound
/// comes out as went in.
class Resampler {
public:
    /// Rates in Hz, at least 1. Throws ErrorCode::internal for rate 0, std::bad_alloc.
    Resampler(std::uint32_t rate_in, std::uint32_t rate_out);
    Resampler(Resampler&&) noexcept;
    Resampler& operator=(Resampler&&) noexcept;
    ~Resampler();

    /// Appends what is finished; `in` of any length.
    void process(std::span<const float> in, std::vector<float>& out);
    /// Appends the rest. Nothing may follow.
    void finish(std::vector<float>& out);

private:
    void run(const float* in, std::size_t length, std::vector<float>& out);

    struct Free {
        void operator()(soxr* state) const noexcept;
    };
    std::unique_ptr<soxr, Free> state_;  // null where both rates are the same
    double ratio_ = 1;
};

}  // namespace heart::audio
