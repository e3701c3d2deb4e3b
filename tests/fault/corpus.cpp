#include "fault/corpus.h"

#include "formats/checkpoint.h"
#include "formats/npy.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/language_model.h"
#include "support/golden.h"
#include "text/tokenizer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace heart::test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kModel = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kShard = "model-00002-of-00003.safetensors";

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const std::string& text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

/// A safetensors file in its parts.
struct Parts {
    std::string header, data;

    explicit Parts(const std::string& file) {
        std::uint64_t length = 0;
        std::memcpy(&length, file.data(), sizeof length);
        header = file.substr(8, length);
        data = file.substr(8 + length);
    }
    [[nodiscard]] std::string joined() const {
        const std::uint64_t length = header.size();
        std::string out(8, '\0');
        std::memcpy(out.data(), &length, sizeof length);
        return out + header + data;
    }
};

// --- the list -----------------------------------------------------------------------------------------------------------

class Corpus {
public:
    std::vector<Damage> all;

    void add(std::string name, Door door, ErrorCode code, std::function<void(const fs::path&)> apply) {
        all.push_back({std::move(name), door, code, std::move(apply)});
    }

    /// Replaces a file's text.
    void text(const std::string& name, Door door, ErrorCode code, const std::string& file, const std::string& text) {
        add(name, door, code, [=](const fs::path& dir) { write(dir / file, text); });
    }

    /// Changes a file's bytes.
    void bytes(const std::string& name, Door door, ErrorCode code, const std::string& file,
               const std::function<std::string(std::string)>& change) {
        add(name, door, code, [=](const fs::path& dir) { write(dir / file, change(read(dir / file))); });
    }

    /// Changes a file's JSON.
    void values(const std::string& name, Door door, ErrorCode code, const std::string& file,
                const std::function<void(json&)>& change) {
        add(name, door, code, [=](const fs::path& dir) {
            json j = json::parse(read(dir / file));
            change(j);
            write(dir / file, j.dump());
        });
    }

    /// Changes the header of the language model's one weight file, as text.
    void header(const std::string& name, ErrorCode code, const std::function<void(Parts&)>& change) {
        bytes("header_" + name, Door::language_model, code, kModel, [=](const std::string& file) {
            Parts parts(file);
            change(parts);
            return parts.joined();
        });
    }

    /// Changes what the header says of one tensor: muq_linear.bias, F32 [64].
    void tensor(const std::string& name, ErrorCode code, const std::function<void(json&)>& change) {
        bytes("tensor_" + name, Door::language_model, code, kModel, [=](const std::string& file) {
            Parts parts(file);
            json h = json::parse(parts.header);
            change(h.at("muq_linear.bias"));
            parts.header = h.dump();
            return parts.joined();
        });
    }
};

void add_weight_files(Corpus& c) {
    const Door lm = Door::language_model;
    using enum ErrorCode;
    for (const int percent : {0, 1, 10, 50, 90, 99}) {
        c.bytes(fmt::format("weights_cut_at_{}_percent", percent), lm, malformed, kModel,
                [=](std::string f) { return f.substr(0, f.size() * static_cast<std::size_t>(percent) / 100); });
    }
    for (const std::size_t n : {1, 7, 8, 9, 100}) {
        c.bytes(fmt::format("weights_cut_to_{}_bytes", n), lm, malformed, kModel,
                [=](std::string f) { return f.substr(0, n); });
    }
    c.bytes("weights_lack_their_last_byte", lm, malformed, kModel, [](std::string f) { return f.substr(0, f.size() - 1); });
    c.bytes("weights_have_a_byte_more", lm, malformed, kModel, [](const std::string& f) { return f + '\0'; });
    c.bytes("weights_are_a_web_page", lm, malformed, kModel,
            [](const std::string&) { return std::string("<!DOCTYPE html><html><body>404 Not Found</body></html>"); });
    c.bytes("weights_are_all_zeros", lm, malformed, kModel,
            [](const std::string& f) { return std::string(f.size(), '\0'); });
    c.bytes("weights_are_a_git_pointer", lm, malformed, kModel, [](const std::string&) {
        return std::string("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 15\n");
    });
    const auto length = [&](const char* name, std::uint64_t n) {
        c.bytes(fmt::format("header_length_{}", name), lm, malformed, kModel, [=](std::string f) {
            std::memcpy(f.data(), &n, sizeof n);
            return f;
        });
    };
    length("zero", 0);
    length("one", 1);
    length("beyond_the_file", 50'000'000);
    length("above_the_limit", 100'000'001);
    length("2_to_63", std::uint64_t{1} << 63);
    length("all_ones", ~std::uint64_t{0});
}

void add_headers(Corpus& c) {
    using enum ErrorCode;
    c.header("not_json", malformed, [](Parts& p) { p.header = "{this is no JSON}"; });
    c.header("an_array", malformed, [](Parts& p) { p.header = "[" + p.header + "]"; });
    c.header("cut_in_json", malformed, [](Parts& p) { p.header.resize(p.header.size() / 2); });
    c.header("bad_utf8", malformed, [](Parts& p) { p.header[p.header.find("muq")] = '\xff'; });
    c.header("zero_byte", malformed, [](Parts& p) { p.header += '\0'; });
    c.header("deep_arrays", limit, [](Parts& p) { p.header = "{\"a\":" + std::string(100'000, '['); });
    c.header("deep_objects", limit, [](Parts& p) {
        p.header = "{";
        for (int i = 0; i < 50'000; ++i) p.header += "\"a\":{";
    });
    c.header("repeated_tensor", malformed,
             [](Parts& p) { p.header.insert(1, R"("audio_head":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"); });
    c.header("empty_object", malformed, [](Parts& p) { p.header = "{}"; });
    c.header("no_tensors", not_found, [](Parts& p) { p.header = "{}", p.data.clear(); });
    c.header("half_a_million_entries", malformed, [](Parts& p) {
        p.header = "{\"a\":{}";
        for (int i = 0; i < 500'000; ++i) p.header += fmt::format(",\"{}\":{{}}", i);
        p.header += '}';
    });

    const auto shape = [&](const char* name, ErrorCode code, const json& value) {
        c.tensor(std::string("shape_") + name, code, [=](json& t) { t["shape"] = value; });
    };
    shape("negative", malformed, {-64});
    shape("fraction", malformed, {64.0});
    shape("text", malformed, {"64"});
    shape("null", malformed, nullptr);
    shape("nested", malformed, {{64}});
    shape("2_to_63", limit, {std::uint64_t{1} << 63});
    shape("product_wraps_to_64", limit, {std::uint64_t{1} << 32, std::uint64_t{1} << 32, 64});
    shape("bytes_wrap_to_256", limit, {(std::uint64_t{1} << 62) + 64});
    shape("nine_dimensions", malformed, {64, 1, 1, 1, 1, 1, 1, 1, 1});
    shape("too_small", malformed, {63});
    shape("too_large", malformed, {65});
    shape("other_rank", mismatch, {8, 8});
    const auto offsets = [&](const char* name, const json& value) {
        c.tensor(std::string("offsets_") + name, malformed, [=](json& t) { t["data_offsets"] = value; });
    };
    offsets("empty", json::array());
    offsets("negative", {-256, 0});
    offsets("text", "0");
    offsets("at_the_end_of_64_bits", {~std::uint64_t{0} - 255, ~std::uint64_t{0}});
    c.tensor("offsets_reversed", malformed, [](json& t) { std::swap(t["data_offsets"][0], t["data_offsets"][1]); });
    c.tensor("offsets_overlap", malformed, [](json& t) {
        for (json& o : t["data_offsets"])
            o = o.get<std::uint64_t>() > 300 ? o.get<std::uint64_t>() - 4 : o.get<std::uint64_t>() + 4;
    });
    c.tensor("offsets_beyond_the_end", malformed, [](json& t) {
        for (json& o : t["data_offsets"]) o = o.get<std::uint64_t>() + (std::uint64_t{1} << 40);
    });
    c.tensor("unknown_dtype", unsupported, [](json& t) { t["dtype"] = "F31"; });
    c.tensor("dtype_number", unsupported, [](json& t) { t["dtype"] = 7; });
    c.tensor("dtype_of_another_size", malformed, [](json& t) { t["dtype"] = "F16"; });
    c.tensor("whole_numbers", mismatch, [](json& t) { t["dtype"] = "I32"; });
    c.tensor("whole_numbers_of_64_bits", mismatch, [](json& t) { t["dtype"] = "I64", t["shape"] = {32}; });
    c.tensor("no_dtype", malformed, [](json& t) { t.erase("dtype"); });
    c.tensor("a_number", malformed, [](json& t) { t = 1; });
    c.bytes("tensor_renamed", Door::language_model, not_found, kModel,
            [](std::string f) { return f.replace(f.find("\"muq_linear.bias\""), 17, "\"muq_linear.bia_\""); });
    c.add("shard_gap", Door::language_model, malformed, [](const fs::path& dir) {
        Parts parts(read(dir / kModel));
        json h = json::parse(parts.header);
        for (auto& [name, t] : h.items()) {
            if (name == "__metadata__") continue;
            for (json& o : t["data_offsets"]) o = o.get<std::uint64_t>() + 8;
        }
        parts.header = h.dump();
        parts.data = "in front" + parts.data;
        write(dir / kModel, parts.joined());
    });
}

/// Cuts the language model into shards as they are published.
void into_shards(const fs::path& dir) {
    const fs::path source = data_path("ckpt-tiny/HeartMuLa-oss-3B");
    fs::remove(dir / kModel);
    for (const auto& file : fs::directory_iterator(source)) {
        fs::copy_file(file.path(), dir / file.path().filename(), fs::copy_options::overwrite_existing);
    }
}

void add_indices(Corpus& c) {
    const Door lm = Door::language_model;
    using enum ErrorCode;
    const auto sharded = [&](const std::string& name, ErrorCode code, const std::function<void(const fs::path&)>& damage) {
        c.add(name, lm, code, [=](const fs::path& dir) {
            into_shards(dir);
            damage(dir);
        });
    };
    const auto index = [&](const std::string& name, ErrorCode code, const std::function<void(json&)>& change) {
        sharded("index_" + name, code, [=](const fs::path& dir) {
            json j = json::parse(read(dir / kIndex));
            change(j);
            write(dir / kIndex, j.dump());
        });
    };
    const auto index_text = [&](const std::string& name, ErrorCode code, const std::string& text) {
        sharded("index_" + name, code, [=](const fs::path& dir) { write(dir / kIndex, text); });
    };
    index_text("empty", malformed, "");
    index_text("not_json", malformed, "weights");
    index_text("an_array", malformed, "[]");
    index_text("deep", limit, std::string(10'000, '['));
    index_text("repeats_a_tensor", malformed, R"({"weight_map":{"a":"b","a":"c"}})");
    index("without_weight_map", malformed, [](json& j) { j.erase("weight_map"); });
    index("weight_map_is_a_list", malformed, [](json& j) { j["weight_map"] = json::array(); });
    index("weight_map_is_empty", not_found, [](json& j) { j["weight_map"] = json::object(); });
    const auto shard = [&](const char* name, ErrorCode code, const json& value) {
        index(std::string("shard_") + name, code, [=](json& j) { j["weight_map"]["audio_head"] = value; });
    };
    shard("missing", not_found, "model-00004-of-00003.safetensors");
    shard("above_the_folder", malformed, "../model.safetensors");
    shard("absolute", malformed, "/etc/passwd");
    shard("below_the_folder", malformed, "sub/model.safetensors");
    shard("backslash", malformed, "..\\model.safetensors");
    shard("zero_byte", malformed, std::string("model\0.safetensors", 18));
    shard("empty_name", malformed, "");
    shard("the_folder_itself", malformed, ".");
    shard("number", malformed, 1);
    shard("null", malformed, nullptr);
    shard("is_the_configuration", malformed, "config.json");
    shard("of_another_tensor", mismatch, kShard);
    shard("name_too_long", not_found, std::string(5000, 'x'));
    index("names_a_tensor_that_is_not_there", mismatch, [](json& j) { j["weight_map"]["ghost"] = kShard; });
    index("forgets_a_tensor", not_found, [](json& j) { j["weight_map"].erase("audio_head"); });
    sharded("shard_file_missing", not_found, [](const fs::path& dir) { fs::remove(dir / kShard); });
    sharded("shard_file_empty", malformed, [](const fs::path& dir) { write(dir / kShard, ""); });
    sharded("shard_file_cut", malformed, [](const fs::path& dir) { fs::resize_file(dir / kShard, 100'000); });
    sharded("shard_is_a_folder", malformed, [](const fs::path& dir) {
        fs::remove(dir / kShard);
        fs::create_directory(dir / kShard);
    });
    sharded("shard_is_a_broken_link", not_found, [](const fs::path& dir) {
        fs::remove(dir / kShard);
        fs::create_symlink("gone", dir / kShard);
    });
    sharded("shards_swapped", mismatch, [](const fs::path& dir) {
        fs::rename(dir / kShard, dir / "x");
        fs::rename(dir / "model-00001-of-00003.safetensors", dir / kShard);
        fs::rename(dir / "x", dir / "model-00001-of-00003.safetensors");
    });
}

void add_folders(Corpus& c) {
    using enum ErrorCode;
    for (const Door door : {Door::language_model, Door::codec}) {
        const std::string who = door == Door::codec ? "codec_" : "";
        c.add(who + "folder_missing", door, not_found, [](const fs::path& dir) { fs::remove_all(dir); });
        c.add(who + "folder_is_a_file", door, not_found, [](const fs::path& dir) {
            fs::remove_all(dir);
            write(dir, "a file");
        });
        for (const char* file : {"config.json", kModel}) {
            const std::string name = who + (std::string(file) == kModel ? "weights" : "config");
            c.add(name + "_missing", door, not_found, [=](const fs::path& dir) { fs::remove(dir / file); });
            c.text(name + "_empty", door, malformed, file, "");
            c.add(name + "_is_a_folder", door, malformed, [=](const fs::path& dir) {
                fs::remove(dir / file);
                fs::create_directory(dir / file);
            });
            c.add(name + "_is_a_broken_link", door, not_found, [=](const fs::path& dir) {
                fs::remove(dir / file);
                fs::create_symlink("gone", dir / file);
            });
        }
    }
    c.add("weights_unreadable", Door::language_model, io,
          [](const fs::path& dir) { fs::permissions(dir / kModel, fs::perms::none); });
    c.all.back().stopped_by_permission = true;
}

void add_language_model_configs(Corpus& c) {
    const Door lm = Door::language_model;
    const char* file = "config.json";
    using enum ErrorCode;
    c.text("config_not_json", lm, malformed, file, "model_type = heartmula");
    c.text("config_an_array", lm, malformed, file, "[]");
    c.text("config_null", lm, malformed, file, "null");
    c.text("config_empty_object", lm, malformed, file, "{}");
    c.text("config_repeats_a_key", lm, malformed, file, R"({"muq_dim": 512, "muq_dim": 512})");
    c.text("config_bad_utf8", lm, malformed, file, "{\"backbone_flavor\": \"\xc0\x80\"}");
    c.text("config_deep", lm, limit, file, std::string(1000, '[') + std::string(1000, ']'));
    c.text("config_too_large", lm, limit, file, std::string((1 << 20) + 1, ' '));
    for (const char* key :
         {"backbone_flavor", "decoder_flavor", "text_vocab_size", "audio_vocab_size", "audio_num_codebooks"}) {
        c.values(std::string("config_without_") + key, lm, malformed, file, [=](json& j) { j.erase(key); });
    }
    const auto set = [&](const std::string& name, ErrorCode code, const char* key, const json& value) {
        c.values("config_" + name, lm, code, file, [=](json& j) { j[key] = value; });
    };
    set("unknown_flavor", unsupported, "backbone_flavor", "llama-9000B");
    set("number_as_flavor", malformed, "backbone_flavor", 3);
    set("vocabulary_zero", limit, "text_vocab_size", 0);
    set("vocabulary_negative", limit, "text_vocab_size", -648);
    set("vocabulary_2_to_63", limit, "text_vocab_size", std::uint64_t{1} << 63);
    set("vocabulary_text", malformed, "text_vocab_size", "648");
    set("vocabulary_fraction", malformed, "text_vocab_size", 648.0);
    set("vocabulary_of_another_model", mismatch, "text_vocab_size", 649);
    set("audio_vocabulary_of_another_model", mismatch, "audio_vocab_size", 8197);
    set("one_codebook", limit, "audio_num_codebooks", 1);
    set("nine_codebooks", mismatch, "audio_num_codebooks", 9);
    set("a_billion_codebooks", limit, "audio_num_codebooks", 1'000'000'000);
    set("reference_of_another_width", mismatch, "muq_dim", 256);
    set("published_flavor_over_tiny_tensors", mismatch, "backbone_flavor", "llama-3B");
    set("flavor_dims_number", malformed, "flavor_dims", 1);
    const auto dims = [&](const std::string& name, ErrorCode code, const std::function<void(json&)>& change) {
        c.values("dims_" + name, lm, code, file, [=](json& j) { change(j["flavor_dims"]["llama-tiny-backbone"]); });
    };
    for (const char* key : {"num_layers", "num_heads", "embed_dim", "intermediate_dim", "max_seq_len"}) {
        dims(std::string("without_") + key, malformed, [=](json& d) { d.erase(key); });
        dims(std::string("zero_") + key, limit, [=](json& d) { d[key] = 0; });
        dims(std::string("huge_") + key, limit, [=](json& d) { d[key] = std::int64_t{1} << 40; });
        dims(std::string("text_") + key, malformed, [=](json& d) { d[key] = "3"; });
    }
    dims("null", malformed, [](json& d) { d = nullptr; });
    dims("heads_do_not_divide", malformed, [](json& d) { d["num_heads"] = 5; });
    dims("kv_heads_do_not_divide", malformed, [](json& d) { d["num_kv_heads"] = 3; });
    dims("odd_head_size", malformed, [](json& d) { d["num_heads"] = 64, d["num_kv_heads"] = 64; });
    dims("a_layer_more", not_found, [](json& d) { d["num_layers"] = 4; });
    dims("wider", mismatch, [](json& d) { d["embed_dim"] = 128; });
    dims("largest_sizes", mismatch,
         [](json& d) { d["embed_dim"] = 65536, d["intermediate_dim"] = 262144, d["num_layers"] = 512; });
    dims("other_kv_heads", mismatch, [](json& d) { d["num_kv_heads"] = 4; });
    dims("negative_epsilon", limit, [](json& d) { d["norm_eps"] = -1; });
    dims("text_as_base", malformed, [](json& d) { d["rope_base"] = "x"; });
}

void add_codec_configs(Corpus& c) {
    const Door codec = Door::codec;
    using enum ErrorCode;
    const char* file = "config.json";
    for (const char* key : {"dim", "codebook_size", "num_quantizers", "attention_head_dim", "num_layers", "in_channels",
                            "sample_rate", "causal", "upsample_factors", "latent_hidden_dim", "init_channel"}) {
        c.values(std::string("codec_without_") + key, codec, malformed, file, [=](json& j) { j.erase(key); });
    }
    const auto set = [&](const std::string& name, ErrorCode code, const char* key, const json& value) {
        c.values("codec_" + name, codec, code, file, [=](json& j) { j[key] = value; });
    };
    set("in_channels_do_not_fit", malformed, "in_channels", 545);
    set("kernel_not_twice_the_factor", unsupported, "upsample_kernel_sizes", {8, 8, 7});
    set("kernels_fewer_than_factors", malformed, "upsample_kernel_sizes", {8, 8});
    set("factor_zero", limit, "upsample_factors", {4, 0, 3});
    set("factor_text", malformed, "upsample_factors", {4, "4", 3});
    set("factors_empty", malformed, "upsample_factors", json::array());
    set("factors_a_number", malformed, "upsample_factors", 48);
    set("factors_too_many", malformed, "upsample_factors", std::vector<int>(9, 2));
    c.values("codec_factors_overflow_64_bits", codec, malformed, file, [](json& j) {
        j["upsample_factors"] = std::vector<int>(10, 64);
        j["upsample_kernel_sizes"] = std::vector<int>(10, 128);
        j["num_samples"] = 64;
    });
    c.values("codec_factors_as_large_as_they_may_be", codec, malformed, file, [](json& j) {
        j["upsample_factors"] = std::vector<int>(8, 64);
        j["upsample_kernel_sizes"] = std::vector<int>(8, 128);
        j["num_samples"] = 64;
    });
    set("wrong_sample_rate", malformed, "sample_rate", 48000);
    set("sample_rate_zero", limit, "sample_rate", 0);
    set("not_causal", unsupported, "causal", false);
    set("causal_number", malformed, "causal", 1);
    set("other_norm", unsupported, "norm_type", "layer_norm");
    set("cosine_codebooks", unsupported, "use_cosine_sim", true);
    set("two_bands", unsupported, "num_bands", 2);
    set("latent_channels", unsupported, "out_channels", 128);
    set("latent_hidden", malformed, "latent_hidden_dim", 64);
    set("even_delay", unsupported, "delay_kernel_size", 4);
    set("odd_head_size", malformed, "attention_head_dim", 7);
    set("quantizers_zero", limit, "num_quantizers", 0);
    set("a_quantizer_more", not_found, "num_quantizers", 9);
    set("heads_huge", limit, "num_attention_heads", 1'000'000);
    set("other_heads", mismatch, "num_attention_heads", 8);
    set("codebook_of_another_size", mismatch, "codebook_size", 8192);
    set("a_layer_more", not_found, "num_layers", 4);
    c.bytes("codec_weights_cut", codec, malformed, kModel, [](const std::string& f) { return f.substr(0, f.size() / 2); });
    c.add("codec_weights_of_the_language_model", codec, not_found, [](const fs::path& dir) {
        fs::copy_file(data_path("ckpt-tiny/HeartMuLa-oss-3B-bf16/model.safetensors"), dir / kModel,
                      fs::copy_options::overwrite_existing);
    });
    c.add("codec_config_of_the_language_model", codec, malformed, [](const fs::path& dir) {
        fs::copy_file(data_path("ckpt-tiny/HeartMuLa-oss-3B-bf16/config.json"), dir / "config.json",
                      fs::copy_options::overwrite_existing);
    });
}

void add_texts(Corpus& c) {
    using enum ErrorCode;
    const Door tokenizer = Door::tokenizer;
    const char* file = "tokenizer.json";
    c.text("tokenizer_empty", tokenizer, malformed, file, "");
    c.text("tokenizer_an_array", tokenizer, malformed, file, "[]");
    c.text("tokenizer_deep", tokenizer, limit, file, std::string(100'000, '['));
    c.bytes("tokenizer_cut", tokenizer, malformed, file, [](const std::string& f) { return f.substr(0, f.size() / 2); });
    c.bytes("tokenizer_bad_utf8", tokenizer, malformed, file,
            [](std::string f) { return f.insert(f.find("BPE"), 1, '\xff'); });
    c.add("tokenizer_missing", tokenizer, not_found, [=](const fs::path& dir) { fs::remove(dir / file); });
    c.values("tokenizer_without_model", tokenizer, malformed, file, [](json& j) { j.erase("model"); });
    c.values("tokenizer_without_vocab", tokenizer, malformed, file, [](json& j) { j["model"].erase("vocab"); });
    c.values("tokenizer_of_another_kind", tokenizer, unsupported, file, [](json& j) { j["model"]["type"] = "Unigram"; });
    c.values("tokenizer_negative_id", tokenizer, malformed, file, [](json& j) { j["model"]["vocab"]["a"] = -1; });
    c.values("tokenizer_id_twice", tokenizer, malformed, file, [](json& j) { j["model"]["vocab"]["new"] = 5; });
    c.values("tokenizer_merges_a_number", tokenizer, malformed, file, [](json& j) { j["model"]["merges"] = 3; });
    c.values("tokenizer_merge_of_no_tokens", tokenizer, malformed, file, [](json& j) {
        j["model"]["merges"].push_back({"qqqq", "zzzz"});
    });
    c.add("tokenizer_a_million_objects", tokenizer, malformed, [=](const fs::path& dir) {
        std::string text = "[{}";
        for (int i = 0; i < 1'000'000; ++i) text += ",{}";
        write(dir / file, text + "]");
    });

    const Door generation = Door::generation_config;
    file = "gen_config.json";
    c.text("gen_config_empty", generation, malformed, file, "");
    c.text("gen_config_an_array", generation, malformed, file, "[1]");
    c.text("gen_config_text_id", generation, malformed, file, R"({"text_bos_id": "640"})");
    c.text("gen_config_negative_id", generation, limit, file, R"({"audio_eos_id": -1})");
    c.text("gen_config_huge_id", generation, limit, file, R"({"text_eos_id": 18446744073709551615})");
    c.text("gen_config_fraction", generation, malformed, file, R"({"empty_id": 0.5})");
    c.add("gen_config_missing", generation, not_found, [=](const fs::path& dir) { fs::remove(dir / file); });
}

void add_arrays(Corpus& c) {
    using enum ErrorCode;
    const Door codes = Door::codes;
    const char* file = "codes.npy";
    c.text("npy_empty", codes, malformed, file, "");
    c.text("npy_is_text", codes, malformed, file, "1 2 3 4 5 6 7 8");
    c.add("npy_missing", codes, not_found, [=](const fs::path& dir) { fs::remove(dir / file); });
    for (const int percent : {5, 50, 99}) {
        c.bytes(fmt::format("npy_cut_at_{}_percent", percent), codes, malformed, file,
                [=](const std::string& f) { return f.substr(0, f.size() * static_cast<std::size_t>(percent) / 100); });
    }
    const auto edit = [&](const char* name, ErrorCode code, const std::string& from, const std::string& to) {
        c.bytes(std::string("npy_") + name, codes, code, file,
                [=](std::string f) { return f.replace(f.find(from), from.size(), to); });
    };
    edit("version_9", malformed, "NUMPY\x01", "NUMPY\x09");
    edit("big_endian", unsupported, "<i4", ">i4");
    edit("of_objects", unsupported, "<i4", "|O8");
    edit("of_floats", malformed, "<i4", "<f4");
    edit("wider_numbers", malformed, "<i4", "<i8");
    edit("more_frames", malformed, "(8, 24)", "(8, 99)");
    edit("negative_frames", malformed, "(8, 24)", "(8, -4)");
    edit("overflowing_shape", limit, "(8, 24), }        ", "(8, 9999999999999999999),");
    edit("broken_shape", malformed, "(8, 24)", "[8, 24]");
    edit("other_key", malformed, "'shape'", "'shale'");
    c.bytes("npy_header_beyond_the_file", codes, malformed, file, [](std::string f) {
        f[8] = f[9] = '\xff';
        return f;
    });
}

}  // namespace

const std::vector<Damage>& corpus() {
    static const std::vector<Damage> all = [] {
        Corpus c;
        add_weight_files(c);
        add_headers(c);
        add_indices(c);
        add_folders(c);
        add_language_model_configs(c);
        add_codec_configs(c);
        add_texts(c);
        add_arrays(c);
        for (Damage& damage : gguf_damages()) c.all.push_back(std::move(damage));
        return std::move(c.all);
    }();
    return all;
}

void write_good(Door door, const fs::path& folder) {
    fs::create_directories(folder);
    const auto copy = [&](const std::string& from) {
        fs::copy_file(data_path("ckpt-tiny/" + from), folder / fs::path(from).filename());
    };
    switch (door) {
        case Door::language_model: {  // in F32, in one file: made from the shards
            into_shards(folder);
            const auto checkpoint = formats::Checkpoint::open(formats::Folder::on_disk(folder));
            std::vector<formats::TensorToWrite> heads;
            std::string data;
            for (const auto& [name, view] : checkpoint.tensors()) {
                heads.push_back({name, view.dtype, view.shape});
                data.append(reinterpret_cast<const char*>(view.data.data()), view.data.size());
            }
            for (const auto& file : fs::directory_iterator(folder)) {
                if (file.path().filename() != "config.json") fs::remove(file.path());
            }
            write(folder / kModel, formats::safetensors_header(heads) + data);
            return;
        }
        case Door::codec:
            copy("HeartCodec-oss/config.json");
            copy("HeartCodec-oss/model.safetensors");
            return;
        case Door::tokenizer: return copy("tokenizer.json");
        case Door::generation_config: return copy("gen_config.json");
        case Door::gguf: write_good(Door::language_model, folder); return turn_into_gguf(folder);
        case Door::codes: {
            const std::vector<std::uint64_t> shape{8, 24};
            return write(folder / "codes.npy", formats::npy_file(shape, std::vector<std::int32_t>(192, 7)));
        }
    }
}

void load(Door door, const fs::path& folder) {
    const formats::Folder dir = formats::Folder::on_disk(folder);
    const auto device = [] { return graph::Device::open("cpu", 1); };
    switch (door) {
        case Door::language_model:
        case Door::gguf:
            (void)heartmula::LanguageModel::load(formats::Checkpoint::open(dir), device(), graph::Type::f32, {}, {});
            return;
        case Door::codec:
            (void)heartcodec::Codec::load(formats::Checkpoint::open(dir), device(), graph::Type::f32, {}, {});
            return;
        case Door::tokenizer: {
            const formats::Bytes file = dir.open("tokenizer.json");
            (void)text::Tokenizer::from_json(file.text());
            return;
        }
        case Door::generation_config: {
            const formats::Bytes file = dir.open("gen_config.json");
            (void)heartmula::GenerationConfig::parse(formats::parse_json(file.text(), "gen_config.json"), "gen_config.json");
            return;
        }
        case Door::codes: (void)formats::read_integer_array({folder / "codes.npy", ""}); return;
    }
}

}  // namespace heart::test
