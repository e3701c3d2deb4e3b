#pragma once

#include "formats/json.h"

#include <cstdint>
#include <string>
#include <vector>

namespace heart::heartcodec {

/// Code frames and latent frames a second: fixed by the codec.
inline constexpr double kCodesPerSecond = 12.5;
inline constexpr std::int64_t kLatentsPerCode = 2;

/// Sizes of a HeartCodec (heartlib heartcodec/configuration_heartcodec.py).
struct Config {
    // residual vector quantiser
    std::int64_t dim = 512;
    std::int64_t codebook_size = 8192;
    std::int64_t codebook_dim = 32;
    std::int64_t quantizers = 8;
    // flow-matching estimator
    std::int64_t head_dim = 64;
    std::int64_t heads = 24;
    std::int64_t layers = 24;
    std::int64_t layers_2 = 6;
    std::int64_t in_channels = 1024;
    std::int64_t latent_channels = 256;  ///< "out_channels"
    // scalar (SQ) codec
    std::int64_t sample_rate = 48000;
    std::int64_t repeat = 2;  ///< "num_samples": times each sample is repeated before the last convolutions
    std::vector<std::int64_t> down_factors, down_kernels;
    std::vector<std::int64_t> up_factors, up_kernels;
    std::int64_t latent_hidden = 128;
    std::int64_t default_kernel = 7;
    std::int64_t delay_kernel = 5;
    std::int64_t init_channels = 64;
    std::int64_t residual_kernel = 7;

    [[nodiscard]] std::int64_t inner() const noexcept { return heads * head_dim; }
    [[nodiscard]] std::int64_t inner_2() const noexcept { return 2 * inner(); }
    /// Samples of one channel that one latent frame becomes.
    [[nodiscard]] std::int64_t samples_per_latent() const noexcept;
    /// Channels of the decoder before its first upsampling.
    [[nodiscard]] std::int64_t decoder_channels() const noexcept {
        return init_channels << static_cast<int>(up_factors.size());
    }

    /// Reads config.json of a HeartCodec-oss folder. ErrorCode::malformed, ::limit or ::unsupported names the field.
    [[nodiscard]] static Config parse(const formats::Json& json, const std::string& where);
};

/// Width of the gated feed-forward of an estimator block (heartlib transformer.py, LlamaMLP): two thirds of 4 * dim,
/// rounded up to a multiple of 256.
[[nodiscard]] std::int64_t mlp_width(std::int64_t dim);

}  // namespace heart::heartcodec
