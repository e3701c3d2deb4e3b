#include "models/heartmula/config.h"

#include "core/error.h"
#include "formats/config_reader.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace heart::heartmula {

namespace {

using formats::ConfigReader;

constexpr std::int64_t kMaxVocabulary = 1 << 21;
constexpr std::int64_t kMaxDim = 1 << 16;

constexpr LlamaDims k3B{28, 24, 8, 3072, 8192, 8192};
constexpr LlamaDims k7B{32, 32, 8, 4096, 14336, 8192};
constexpr LlamaDims k1B{16, 32, 8, 2048, 8192, 8192};
constexpr LlamaDims k300M{3, 8, 4, 3072, 8192, 2048};
constexpr LlamaDims k400M{4, 8, 4, 3072, 8192, 2048};

LlamaDims parse_dims(const ConfigReader& c) {
    LlamaDims d;
    d.layers = c.integer("num_layers", 1, 512);
    d.heads = c.integer("num_heads", 1, 1024);
    d.kv_heads = c.integer_or("num_kv_heads", d.heads, 1, 1024);
    d.dim = c.integer("embed_dim", 2, kMaxDim);
    d.hidden = c.integer("intermediate_dim", 1, 4 * kMaxDim);
    d.max_length = c.integer("max_seq_len", 16, 1 << 20);
    d.norm_eps = static_cast<float>(c.number_or("norm_eps", 1e-5, 0, 1));
    d.rope_base = static_cast<float>(c.number_or("rope_base", 500000, 1, 1e12));
    d.rope_scale = static_cast<float>(c.number_or("rope_scale_factor", 32, 1, 1e6));
    const bool whole = d.dim % d.heads == 0 && d.heads % d.kv_heads == 0 && d.head_dim() % 2 == 0;
    if (!whole) {
        throw Error(ErrorCode::malformed, c.where() + ": the heads do not divide the width")
            .expected("embed_dim a multiple of num_heads with an even head size, num_heads a multiple of num_kv_heads")
            .found(fmt::format("embed_dim {}, num_heads {}, num_kv_heads {}", d.dim, d.heads, d.kv_heads));
    }
    return d;
}

LlamaDims dims_of(const ConfigReader& config, const std::string& flavor) {
    if (config.has("flavor_dims")) {
        const ConfigReader all = config.object("flavor_dims");
        if (all.has(flavor.c_str())) return parse_dims(all.object(flavor));
    }
    return known_flavor(flavor);
}

}  // namespace

LlamaDims known_flavor(const std::string& name) {
    const std::array<std::pair<const char*, LlamaDims>, 10> flavors{{{"llama-3B", k3B},
                                                                     {"llama-7B", k7B},
                                                                     {"llama-1B", k1B},
                                                                     {"llama-300M", k300M},
                                                                     {"llama-400M", k400M},
                                                                     {"3B", k3B},
                                                                     {"7B", k7B},
                                                                     {"1B", k1B},
                                                                     {"300M", k300M},
                                                                     {"400M", k400M}}};
    for (const auto& [known, dims] : flavors) {
        if (name == known) return dims;
    }
    throw Error(ErrorCode::unsupported, fmt::format("no sizes for the flavor '{}'", printable(name, 60)))
        .expected("llama-3B, llama-7B, llama-1B, llama-300M or llama-400M, or sizes in 'flavor_dims'");
}

Config Config::parse(const formats::Json& json, const std::string& where) {
    const ConfigReader c(json, where);
    Config out;
    out.backbone_flavor = c.string("backbone_flavor");
    out.depth_flavor = c.string("decoder_flavor");
    out.backbone = dims_of(c, out.backbone_flavor);
    out.depth = dims_of(c, out.depth_flavor);
    out.text_vocabulary = c.integer("text_vocab_size", 1, kMaxVocabulary);
    out.audio_vocabulary = c.integer("audio_vocab_size", 2, kMaxVocabulary);
    out.codebooks = c.integer("audio_num_codebooks", 2, 64);
    out.reference_dim = c.integer_or("muq_dim", 512, 1, kMaxDim);
    if (out.depth.max_length < out.codebooks) {
        throw Error(ErrorCode::malformed, where + ": the depth decoder is too short")
            .expected(fmt::format("max_seq_len of at least {} codebooks", out.codebooks))
            .found(std::to_string(out.depth.max_length));
    }
    return out;
}

GenerationConfig GenerationConfig::parse(const formats::Json& json, const std::string& where) {
    const ConfigReader c(json, where);
    GenerationConfig out;
    const auto id = [&](const char* key, std::int32_t otherwise) {
        return static_cast<std::int32_t>(c.integer_or(key, otherwise, 0, kMaxVocabulary));
    };
    out.text_bos = id("text_bos_id", out.text_bos);
    out.text_eos = id("text_eos_id", out.text_eos);
    out.audio_eos = id("audio_eos_id", out.audio_eos);
    out.empty = id("empty_id", out.empty);
    return out;
}

}  // namespace heart::heartmula
