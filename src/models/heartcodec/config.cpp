#include "models/heartcodec/config.h"

#include "core/error.h"
#include "formats/config_reader.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace heart::heartcodec {

namespace {

constexpr std::size_t kMaxStages = 8;  // 64^8 * 64 * 25 samples still count in 64 bits
/// The reference splits each latent into two halves, one for each ear, and draws 256 channels of noise.
constexpr std::int64_t kLatentChannels = 256;

void parse_scalar_codec(const formats::ConfigReader& c, Config& out) {
    out.sample_rate = c.integer("sample_rate", 25, 384000);
    out.repeat = c.integer("num_samples", 1, 64);
    out.down_factors = c.integers("downsample_factors", kMaxStages, 1, 64);
    out.down_kernels = c.integers("downsample_kernel_sizes", kMaxStages, 1, 256);
    out.up_factors = c.integers("upsample_factors", kMaxStages, 1, 64);
    out.up_kernels = c.integers("upsample_kernel_sizes", kMaxStages, 1, 256);
    out.latent_hidden = c.integer("latent_hidden_dim", 1, 4096);
    out.default_kernel = c.integer("default_kernel_size", 1, 255);
    out.delay_kernel = c.integer("delay_kernel_size", 1, 255);
    out.init_channels = c.integer("init_channel", 1, 4096);
    out.residual_kernel = c.integer("res_kernel_size", 1, 255);
}

void check_scalar_codec(const formats::ConfigReader& c, const Config& out) {
    const auto unsupported = [&](const char* what, std::string_view expected, std::string_view found) {
        return Error(ErrorCode::unsupported, fmt::format("{}: {}", c.where(), what)).expected(expected).found(found);
    };
    if (c.integer_or("num_bands", 1, 1, 64) != 1)
        throw unsupported("'num_bands'", "1", std::to_string(c.integer("num_bands", 1, 64)));
    if (!c.boolean("causal")) throw unsupported("'causal'", "true", "false");
    if (out.delay_kernel % 2 == 0)
        throw unsupported("'delay_kernel_size'", "an odd number", std::to_string(out.delay_kernel));
    if (out.up_factors.size() != out.up_kernels.size() || out.down_factors.size() != out.down_kernels.size()) {
        throw Error(ErrorCode::malformed, c.where() + ": factors and kernel sizes differ in number");
    }
    for (std::size_t i = 0; i < out.up_factors.size(); ++i) {
        if (out.up_kernels[i] != 2 * out.up_factors[i]) {
            throw unsupported("'upsample_kernel_sizes'", fmt::format("twice the factor {}", out.up_factors[i]),
                              std::to_string(out.up_kernels[i]));
        }
    }
    const std::int64_t latents_per_second = 25;
    if (out.samples_per_latent() * latents_per_second != out.sample_rate) {
        throw Error(ErrorCode::malformed, c.where() + ": the upsampling does not reach the sample rate")
            .expected(fmt::format("a product of {} / 25", out.sample_rate))
            .found(std::to_string(out.samples_per_latent()));
    }
    if (2 * out.latent_hidden != out.latent_channels) {
        throw Error(ErrorCode::malformed, c.where() + ": 'latent_hidden_dim' must be half of 'out_channels'")
            .expected(std::to_string(out.latent_channels / 2))
            .found(std::to_string(out.latent_hidden));
    }
}

}  // namespace

std::int64_t Config::samples_per_latent() const noexcept {
    std::int64_t n = repeat;
    for (const std::int64_t f : up_factors) n *= f;
    return n;
}

Config Config::parse(const formats::Json& json, const std::string& where) {
    const formats::ConfigReader c(json, where);
    Config out;
    out.dim = c.integer("dim", 1, 1 << 14);
    out.codebook_size = c.integer("codebook_size", 1, 1 << 20);
    out.codebook_dim = c.integer("codebook_dim", 1, 1 << 14);
    out.quantizers = c.integer("num_quantizers", 1, 64);
    out.head_dim = c.integer("attention_head_dim", 2, 1024);
    out.heads = c.integer("num_attention_heads", 1, 256);
    out.layers = c.integer("num_layers", 1, 512);
    out.layers_2 = c.integer("num_layers_2", 1, 512);
    out.in_channels = c.integer("in_channels", 1, 1 << 16);
    out.latent_channels = c.integer("out_channels", 2, 1 << 14);
    parse_scalar_codec(c, out);

    if (out.latent_channels != kLatentChannels) {
        throw Error(ErrorCode::unsupported, where + ": 'out_channels'")
            .expected("256")
            .found(std::to_string(out.latent_channels));
    }
    if (out.in_channels != 2 * out.latent_channels + out.dim) {
        throw Error(ErrorCode::malformed, where + ": 'in_channels' does not fit")
            .expected(fmt::format("2 * out_channels + dim = {}", 2 * out.latent_channels + out.dim))
            .found(std::to_string(out.in_channels));
    }
    if (out.head_dim % 2 != 0)
        throw Error(ErrorCode::malformed, where + ": 'attention_head_dim'").expected("an even number");
    if (c.has("norm_type") && c.string("norm_type") != "ada_norm_single") {
        throw Error(ErrorCode::unsupported, where + ": 'norm_type'")
            .expected("ada_norm_single")
            .found(c.string("norm_type"));
    }
    if (c.has("use_cosine_sim") && c.boolean("use_cosine_sim")) {
        throw Error(ErrorCode::unsupported, where + ": 'use_cosine_sim'").expected("false").found("true");
    }
    check_scalar_codec(c, out);
    return out;
}

std::int64_t mlp_width(std::int64_t dim) {
    return (2 * 4 * dim / 3 + 255) / 256 * 256;
}

}  // namespace heart::heartcodec
