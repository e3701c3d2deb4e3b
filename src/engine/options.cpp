#include "engine/options.h"

#include "engine/range.h"
#include "models/heartmula/song_batch.h"

#include "core/error.h"
#include "formats/npy.h"

#include <fmt/format.h>

#include <cmath>

namespace heart::engine {

graph::Type parse_type(const std::string& name) {
    if (name == "float32" || name == "fp32" || name == "f32") return graph::Type::f32;
    if (name == "float16" || name == "fp16" || name == "f16") return graph::Type::f16;
    if (name == "bfloat16" || name == "bf16") return graph::Type::bf16;
    for (const graph::Type t :
         {graph::Type::q8_0, graph::Type::q6_k, graph::Type::q5_k, graph::Type::q4_k, graph::Type::q4_0}) {
        if (name == type_label(t)) return t;
    }
    throw Error(ErrorCode::usage, fmt::format("no number type '{}'", printable(name, 40)))
        .expected("float32, float16, bfloat16, q8_0, q6_k, q5_k, q4_k or q4_0");
}

graph::Type cache_type_of(const EngineOptions& options) {
    const graph::Type type = options.cache_type.value_or(heartmula::default_cache_type(options.language_model_type));
    if (type == graph::Type::f32 || type == graph::Type::f16 || type == graph::Type::bf16 || type == graph::Type::q8_0) {
        return type;
    }
    throw Error(ErrorCode::usage, "number type of the KV cache")
        .expected("float32, float16, bfloat16 or q8_0")
        .found(type_label(type));
}

std::string type_label(graph::Type type) {
    switch (type) {
        case graph::Type::f32: return "float32";
        case graph::Type::f16: return "float16";
        case graph::Type::bf16: return "bfloat16";
        case graph::Type::q4_k: return "q4_k";
        case graph::Type::q5_k: return "q5_k";
        case graph::Type::q6_k: return "q6_k";
        default: return graph::type_name(type);
    }
}

void check_request(const SongRequest& r) {
    check_range<std::int64_t>("--max-audio-length-ms", r.max_audio_length_ms, 1, 3'600'000);
    check_range("--topk", r.topk, 1, 1 << 20);
    if (r.temperature == 0.0) {
        throw Error(ErrorCode::usage, "--temperature 0 would divide by zero").hint("for the likeliest codes use --topk 1");
    }
    check_range("--temperature", r.temperature, 0.01, 100.0);
    check_range("--cfg-scale", r.cfg_scale, 0.0, 100.0);
    check_range("--steps", r.codec_steps, 1, 1000);
    check_range("--guidance", r.codec_guidance, 0.0, 100.0);
    check_range<std::int64_t>("--first-window-ms", r.first_window_ms, 5000, kWindowMs);
    if (r.reference) {
        check_range("--ref-strength", r.reference->strength, 0.0, 16.0);
        check_range("--ref-start", r.reference->start, 0.0, 1e6);
        check_range("--ref-seconds", r.reference->seconds, 0.0, 1e6);
    }
}

std::int64_t frames_asked(const SongRequest& request) {
    constexpr std::int64_t kFrameMs = 80;  // 12.5 frames a second
    return 1 + request.max_audio_length_ms / kFrameMs;
}

Codes read_codes(const std::string& path) {
    const auto array = formats::read_integer_array(formats::split_array_path(path));
    std::vector<std::uint64_t> shape = array.shape;
    if (shape.size() == 3 && shape[0] == 1) shape.erase(shape.begin());
    if (shape.size() != 2 || shape[0] < 1 || shape[0] > 64 || shape[1] < 1) {
        throw Error(ErrorCode::malformed, fmt::format("'{}' does not hold codes", path))
            .expected("[codebooks, frames] whole numbers, such as [8, 250]")
            .found(fmt::format("{}", graph::shape_text({array.shape.begin(), array.shape.end()})));
    }
    return {static_cast<std::int64_t>(shape[0]), static_cast<std::int64_t>(shape[1]), array.values};
}

std::string codes_as_npy(const Codes& codes) {
    const std::uint64_t shape[] = {static_cast<std::uint64_t>(codes.codebooks), static_cast<std::uint64_t>(codes.frames)};
    return formats::npy_file(shape, codes.values);
}

}  // namespace heart::engine
