#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace heart {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): a counter-based generator.
/// Output depends on key and counter alone, so that any draw can be made again, in any order, on any device.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                      std::array<std::uint32_t, 2> key) noexcept;

/// What a random number is for. Streams with different purposes never share a counter.
enum class Draw : std::uint32_t {
    token = 1,   ///< sampler noise; place = (frame, codebook), element = vocabulary id
    latent = 2,  ///< flow-matching noise; place = (window, 0), element = index in the window
    weight = 3,  ///< synthetic weights; place = (tensor, block)
};

/// Addresses one stream of random numbers of one song.
struct DrawPlace {
    std::uint64_t seed = 0;  ///< the song's seed
    std::uint32_t take = 0;  ///< which of several songs with that seed
    Draw purpose = Draw::token;
    std::uint32_t major = 0;  ///< frame or window
    std::uint32_t minor = 0;  ///< codebook; at most 255
};

/// out[i] = Gumbel(0, 1) = -log(E), E ~ Exp(1). Adding it to logits and taking the argmax draws from their softmax.
void fill_gumbel(const DrawPlace& place, std::span<float> out) noexcept;

/// out[i] ~ N(0, 1).
void fill_normal(const DrawPlace& place, std::span<float> out) noexcept;

/// A seed from the system's entropy, at most 2^53 - 1 so that JSON and JavaScript hold it exactly.
[[nodiscard]] std::uint64_t random_seed();

}  // namespace heart
