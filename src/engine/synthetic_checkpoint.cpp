#include "engine/synthetic_checkpoint.h"

#include "core/error.h"
#include "core/philox.h"
#include "core/utf8.h"
#include "engine/checkpoint_set.h"
#include "engine/synthetic_embedder.h"
#include "engine/synthetic_transcriptor.h"
#include "models/heartclap/model.h"
#include "models/heartcodec/config.h"
#include "models/heartcodec/weights.h"
#include "models/heartmula/config.h"
#include "models/heartmula/weights.h"
#include "models/hearttranscriptor/weights.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace heart::engine {

namespace {

using formats::DType;
using formats::Json;
using formats::TensorToWrite;

constexpr std::size_t kPiece = std::size_t{4} << 20;  // elements written at a time
/// Ids from the one that ends a song on, the last of the vocabulary.
constexpr std::int32_t kEndingIds = 4;

// --- configurations ---------------------------------------------------------------------------------------------------

struct LanguageModelFiles {
    Json config, generation, tokenizer;
};

const char* torch_dtype(DType dtype) {
    return dtype == DType::f32 ? "float32" : dtype == DType::f16 ? "float16" : "bfloat16";
}

Json flavor_dims(std::int64_t layers, std::int64_t heads, std::int64_t kv_heads, std::int64_t dim, std::int64_t hidden,
                 std::int64_t length) {
    return {{"num_layers", layers}, {"num_heads", heads},    {"num_kv_heads", kv_heads},
            {"embed_dim", dim},     {"max_seq_len", length}, {"intermediate_dim", hidden},
            {"norm_eps", 1e-5},     {"rope_base", 500000},   {"rope_scale_factor", 32}};
}

/// A tokenizer of single bytes: every text has ids, none is short.
Json byte_tokenizer(std::int32_t bos, std::int32_t eos) {
    Json vocab = Json::object();
    for (int byte = 0; byte < 256; ++byte) {
        std::string token;
        append_utf8(token, text::byte_level_character(static_cast<unsigned char>(byte)));
        vocab[token] = byte;
    }
    const auto special = [](std::int32_t id, const char* content) {
        return Json{{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                    {"rstrip", false}, {"normalized", false}, {"special", true}};
    };
    const Json split{
        {"type", "Split"}, {"pattern", {{"Regex", text::kLlama3Pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
    const Json bytes{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
    Json pretokenizers = Json::array({split, bytes});
    return {{"version", "1.0"},
            {"truncation", nullptr},
            {"padding", nullptr},
            {"added_tokens", Json::array({special(bos, "<|begin_of_text|>"), special(eos, "<|end_of_text|>")})},
            {"normalizer", nullptr},
            {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", pretokenizers}}},
            {"post_processor", nullptr},
            {"decoder", bytes},
            {"model", {{"type", "BPE"}, {"ignore_merges", true}, {"vocab", vocab}, {"merges", Json::array()}}}};
}

LanguageModelFiles language_model_files(const std::string& size, DType dtype) {
    const bool tiny = size == "tiny";
    const std::int32_t bos = tiny ? 256 : 128000, codebook = tiny ? 128 : 8192;
    LanguageModelFiles out;
    out.generation = {{"text_bos_id", bos}, {"text_eos_id", bos + 1}, {"audio_eos_id", codebook + 1}, {"empty_id", 0}};
    out.tokenizer = byte_tokenizer(bos, bos + 1);
    out.config = {{"architectures", {"HeartMuLa"}},
                  {"model_type", "heartmula"},
                  {"torch_dtype", torch_dtype(dtype)},
                  {"audio_num_codebooks", 8},
                  {"audio_vocab_size", codebook + 1 + kEndingIds},
                  {"text_vocab_size", tiny ? 512 : 128256},
                  {"muq_dim", 512},
                  {"backbone_flavor", "llama-" + size},
                  {"decoder_flavor", tiny ? "llama-tiny-depth" : "llama-300M"}};
    if (tiny) {
        out.config["flavor_dims"] = {{"llama-tiny", flavor_dims(2, 4, 2, 64, 128, 2048)},
                                     {"llama-tiny-depth", flavor_dims(2, 2, 1, 64, 128, 256)}};
    } else if (size == "1B") {
        out.config["flavor_dims"] = {{"llama-300M", flavor_dims(3, 8, 4, 3072, 8192, 2048)}};
    } else if (size != "3B" && size != "7B") {
        throw Error(ErrorCode::usage, fmt::format("no language model size '{}'", printable(size, 40)))
            .expected("3B, 7B, 1B, tiny or none");
    }
    return out;
}

Json codec_config(const std::string& size) {
    const bool tiny = size == "tiny";
    if (!tiny && size != "full") {
        throw Error(ErrorCode::usage, fmt::format("no codec size '{}'", printable(size, 40))).expected("full, tiny or none");
    }
    const int dim = tiny ? 24 : 512;
    return {{"architectures", {"HeartCodec"}},
            {"model_type", "heartcodec"},
            {"torch_dtype", "float32"},
            {"dim", dim},
            {"codebook_size", tiny ? 128 : 8192},
            {"codebook_dim", tiny ? 12 : 32},
            {"num_quantizers", 8},
            {"decay", 0.9},
            {"commitment_weight", 1.0},
            {"threshold_ema_dead_code", 2},
            {"use_cosine_sim", false},
            {"attention_head_dim", tiny ? 32 : 64},
            {"num_attention_heads", tiny ? 2 : 24},
            {"num_layers", tiny ? 1 : 24},
            {"num_layers_2", tiny ? 1 : 6},
            {"in_channels", 512 + dim},
            {"out_channels", 256},
            {"norm_type", "ada_norm_single"},
            {"num_bands", 1},
            {"sample_rate", 48000},
            {"causal", true},
            {"num_samples", 2},
            {"downsample_factors", {3, 4, 4, 4, 5}},
            {"downsample_kernel_sizes", {6, 8, 8, 8, 10}},
            {"upsample_factors", {5, 4, 4, 4, 3}},
            {"upsample_kernel_sizes", {10, 8, 8, 8, 6}},
            {"latent_hidden_dim", 128},
            {"default_kernel_size", 7},
            {"delay_kernel_size", 5},
            {"init_channel", tiny ? 2 : 64},
            {"res_kernel_size", 7}};
}

// --- weights ----------------------------------------------------------------------------------------------------------

/// How the numbers of a tensor are drawn: a constant, or uniform with a standard deviation that keeps activations near 1.
struct Values {
    float constant = 0;
    float deviation = 0;
};

Values values_for(const graph::Published& t) {
    const auto ends = [&](const char* suffix) { return t.name.ends_with(suffix); };
    for (const char* one :
         {"norm.scale", "_norm.weight", "original0", "initted", "cluster_size", "LayerNorm.weight", "bn1.weight",
          "bn2.weight", "bn3.weight", "running_var", "learned_gamma", "q_scale", "k_scale"}) {
        if (ends(one)) return {1, 0};
    }
    if (t.name.find("activation") != std::string::npos) return {0.25F, 0};
    if (ends(".bias") || ends("running_mean")) return {0, 0};
    if (ends("scale_shift_table") || ends("scale_shift_table_2")) return {0, 0.02F};
    if (ends("_codebook.embed")) return {0, 0.5F};
    std::uint64_t in = 1;
    for (std::size_t i = 1; i < t.shape.size(); ++i) in *= t.shape[i];
    if (t.name == "audio_head") in = t.shape[1];
    if (t.name.find("embedding") != std::string::npos) return {0, 1.0F};
    return {0, 1.0F / std::sqrt(static_cast<float>(in))};
}

/// Numbers of one block of a tensor, as bytes of type `dtype`.
void draw(const Values& values, std::uint64_t seed, std::uint32_t tensor, std::uint32_t block, DType dtype,
          std::span<std::byte> out) {
    const auto store = [&](std::size_t i, float x) {
        if (dtype == DType::f32) {
            std::memcpy(out.data() + 4 * i, &x, 4);
        } else {
            const std::uint16_t half = dtype == DType::f16 ? formats::f32_to_f16(x) : formats::f32_to_bf16(x);
            std::memcpy(out.data() + 2 * i, &half, 2);
        }
    };
    const std::size_t n = out.size() / formats::dtype_size(dtype);
    // Uniform over 16 bits has a standard deviation of 65536 / sqrt(12).
    const float scale = values.deviation * std::sqrt(12.0F) / 65536.0F;
    for (std::size_t i = 0; i < n; i += 8) {
        const auto words =
            philox4x32({static_cast<std::uint32_t>(i / 8), block, tensor, static_cast<std::uint32_t>(Draw::weight)},
                       {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
        for (std::size_t j = 0; j < 8 && i + j < n; ++j) {
            const std::uint32_t bits = (words[j / 2] >> (16 * (j % 2))) & 0xffff;
            store(i + j, values.constant + scale * (static_cast<float>(bits) - 32767.5F));
        }
    }
}

/// Sets the weights of ids that end songs to 0. Of so many random logits theirs are then never among the likeliest, and a
/// song lasts as long as was asked for. `first`: which element of the tensor `out` begins with.
void quieten_endings(const graph::Published& t, std::uint64_t first, std::size_t element_bytes, std::span<std::byte> out) {
    const bool rows = t.name == "codebook0_head.weight";  // [ids, dim]
    if (!rows && t.name != "audio_head") return;          // [codebooks, dim, ids]
    const std::uint64_t ids = rows ? t.shape.front() : t.shape.back();
    for (std::uint64_t i = 0; i < out.size() / element_bytes; ++i) {
        const std::uint64_t id = rows ? (first + i) / t.shape.back() : (first + i) % ids;
        if (id + kEndingIds >= ids) std::memset(out.data() + i * element_bytes, 0, element_bytes);
    }
}

/// Writes random tensors one behind the other.
class RandomTensorWriter {
public:
    RandomTensorWriter(std::ofstream& out, std::uint64_t seed, DType dtype) : out_(out), seed_(seed), dtype_(dtype) {}

    void write(const graph::Published& tensor, std::uint32_t number, const std::function<void(std::uint64_t)>& wrote) {
        std::uint64_t left = 1;
        for (const std::uint64_t n : tensor.shape) left *= n;
        const Values values = values_for(tensor);
        for (std::uint32_t block = 0; left > 0; ++block) {
            const std::size_t n = std::min<std::uint64_t>(left, kPiece);
            bytes_.resize(n * formats::dtype_size(dtype_));
            draw(values, seed_, number, block, dtype_, bytes_);
            quieten_endings(tensor, block * kPiece, formats::dtype_size(dtype_), bytes_);
            out_.write(reinterpret_cast<const char*>(bytes_.data()), static_cast<std::streamsize>(bytes_.size()));
            if (!out_)
                throw Error(ErrorCode::io, "cannot write the checkpoint")
                    .found(std::strerror(errno))
                    .hint("is the disk full?");
            wrote(bytes_.size());
            left -= n;
        }
    }

private:
    std::ofstream& out_;
    std::uint64_t seed_;
    DType dtype_;
    std::vector<std::byte> bytes_;
};

/// One model: what stands in its folder.
struct RandomModel {
    std::string folder;
    Json config;
    std::vector<graph::Published> tensors;
    DType dtype;

    [[nodiscard]] std::uint64_t tensor_bytes(const graph::Published& t) const {
        std::uint64_t n = formats::dtype_size(dtype);
        for (const std::uint64_t s : t.shape) n *= s;
        return n;
    }
};

/// Tensors in file order, cut into files of at most `limit` bytes each (one tensor at least).
std::vector<std::vector<graph::Published>> cut_into_shards(const RandomModel& model, std::uint64_t limit) {
    std::vector<std::vector<graph::Published>> shards(1);
    std::uint64_t size = 0;
    for (const graph::Published& t : model.tensors) {
        const std::uint64_t n = model.tensor_bytes(t);
        if (size > 0 && size + n > limit) {
            shards.emplace_back();
            size = 0;
        }
        shards.back().push_back(t);
        size += n;
    }
    return shards;
}

void write_model(const std::filesystem::path& root, const RandomModel& model, const SyntheticCheckpoint& what,
                 const std::function<void(std::uint64_t)>& wrote) {
    const std::filesystem::path folder = root / model.folder;
    std::filesystem::create_directories(folder);
    write_text(folder / "config.json", model.config.dump(2) + "\n");
    const auto shards = cut_into_shards(model, what.shard_bytes);
    Json weight_map = Json::object();
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        const std::string name =
            shards.size() == 1 ? "model.safetensors" : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
        std::ofstream out(folder / name, std::ios::binary);
        std::vector<TensorToWrite> header;
        for (const graph::Published& t : shards[i]) {
            header.push_back({t.name, model.dtype, t.shape});
            weight_map[t.name] = name;
        }
        out << formats::safetensors_header(header);
        RandomTensorWriter writer(out, what.seed, model.dtype);
        for (const graph::Published& t : shards[i]) writer.write(t, number++, wrote);
        if (!out.flush()) throw Error(ErrorCode::io, fmt::format("cannot write '{}'", name)).found(std::strerror(errno));
    }
    if (shards.size() > 1) {
        std::uint64_t total = 0;
        for (const graph::Published& t : model.tensors) total += model.tensor_bytes(t);
        write_text(folder / "model.safetensors.index.json",
                   Json{{"metadata", {{"total_size", total}}}, {"weight_map", weight_map}}.dump(2) + "\n");
    }
}

RandomModel language_model_of(const Json& config, std::string folder, DType dtype) {
    heartmula::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, heartmula::Config::parse(config, "config.json"));
    return {std::move(folder), config, plan.published(), dtype};
}

RandomModel codec_of(const std::string& size, std::string folder) {
    const Json config = codec_config(size);
    return {std::move(folder), config, heartcodec::published_tensors(heartcodec::Config::parse(config, "config.json")),
            DType::f32};
}

RandomModel transcriptor_of(const Json& config, std::string folder, DType dtype) {
    hearttranscriptor::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, hearttranscriptor::Config::parse(config, "config.json"));
    return {std::move(folder), config, plan.published(), dtype};
}

std::vector<RandomModel> models_of(const SyntheticCheckpoint& what, LanguageModelFiles& lm,
                                   TranscriptorFilesOfSize& transcriptor) {
    std::vector<RandomModel> out;
    if (what.language_model != "none") {
        lm = language_model_files(what.language_model, what.dtype);
        out.push_back(language_model_of(lm.config, "HeartMuLa-oss-" + what.version, what.dtype));
    }
    if (what.codec != "none") out.push_back(codec_of(what.codec, "HeartCodec-oss"));
    if (what.transcriptor != "none") {
        transcriptor = transcriptor_files(what.transcriptor, torch_dtype(what.dtype));
        out.push_back(transcriptor_of(transcriptor.config, CheckpointSet::transcriptor_folder(), what.dtype));
    }
    return out;
}

/// Bytes of random numbers: a block of them over and over.
formats::Bytes random_bytes(const Values& values, std::uint32_t number, DType dtype, std::size_t size) {
    const auto memory = std::make_shared_for_overwrite<std::byte[]>(size);
    const std::size_t block = std::min(size, kPiece * formats::dtype_size(dtype));
    draw(values, 0, number, 0, dtype, {memory.get(), block});
    for (std::size_t at = block; at < size; at += block) {
        std::memcpy(memory.get() + at, memory.get(), std::min(block, size - at));
    }
    return formats::Bytes::share(memory, {memory.get(), size});
}

formats::Checkpoint in_memory(const RandomModel& model) {
    const auto key = [](const graph::Published& t) {
        const Values v = values_for(t);
        return std::pair(v.constant, v.deviation);
    };
    std::map<std::pair<float, float>, std::size_t> sizes;  // of the largest tensor that is drawn so
    for (const graph::Published& t : model.tensors) {
        std::size_t& size = sizes[key(t)];
        size = std::max<std::size_t>(size, model.tensor_bytes(t));
    }
    std::map<std::pair<float, float>, formats::Bytes> numbers;
    for (const auto& [k, size] : sizes) {
        const auto number = static_cast<std::uint32_t>(numbers.size());
        numbers.emplace(k, random_bytes({k.first, k.second}, number, model.dtype, size));
    }
    std::map<std::string, formats::TensorView> tensors;
    for (const graph::Published& t : model.tensors) {
        const formats::Bytes& source = numbers.at(key(t));
        tensors.emplace(t.name,
                        formats::TensorView{model.dtype, t.shape, source.view().first(model.tensor_bytes(t)), source});
    }
    return formats::Checkpoint::in_memory(model.config, std::move(tensors), model.folder);
}

}  // namespace

std::uint64_t write_synthetic_checkpoint(const std::filesystem::path& folder, const SyntheticCheckpoint& what,
                                         const WriteProgress& progress, const CancelToken& cancel) {
    LanguageModelFiles lm;
    TranscriptorFilesOfSize transcriptor;
    const std::vector<RandomModel> models = models_of(what, lm, transcriptor);
    std::uint64_t total = 0, done = 0;
    for (const RandomModel& m : models) {
        for (const graph::Published& t : m.tensors) total += m.tensor_bytes(t);
    }
    NewFolder out(folder, total);
    if (!lm.config.is_null()) {
        write_text(folder / "tokenizer.json", lm.tokenizer.dump(1) + "\n");
        write_text(folder / "gen_config.json", lm.generation.dump(4) + "\n");
    }
    for (const RandomModel& m : models) {
        write_model(folder, m, what, [&](std::uint64_t n) {
            cancel.check();
            done += n;
            if (progress) progress(done, total);
        });
    }
    if (!transcriptor.config.is_null()) {
        const std::filesystem::path inside = folder / CheckpointSet::transcriptor_folder();
        write_text(inside / "generation_config.json", transcriptor.generation.dump(2) + "\n");
        write_text(inside / "tokenizer.json", transcriptor.tokenizer.dump(1) + "\n");
        write_text(inside / "tokenizer_config.json", transcriptor.tokenizer_config.dump(2) + "\n");
    }
    out.keep();
    return total;
}

formats::Checkpoint synthetic_language_model(const std::string& size, DType dtype) {
    return in_memory(language_model_of(language_model_files(size, dtype).config, "(random HeartMuLa " + size + ")", dtype));
}

formats::Checkpoint synthetic_transcriptor(const std::string& size, DType dtype) {
    return in_memory(transcriptor_of(transcriptor_files(size, torch_dtype(dtype)).config,
                                     "(random HeartTranscriptor " + size + ")", dtype));
}

formats::Checkpoint synthetic_embedder(const std::string& size) {
    const EmbedderConfigs configs = embedder_configs(size);
    heartclap::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, configs.parse());
    return in_memory({"(random MuQ-MuLan " + size + ")", configs.mulan, plan.published(), DType::f32});
}

formats::Checkpoint synthetic_codec(const std::string& size) {
    return in_memory(codec_of(size, "(random HeartCodec)"));
}

}  // namespace heart::engine
