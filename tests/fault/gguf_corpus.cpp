#include "fault/corpus.h"
#include "formats/checkpoint.h"
#include "unit/formats_test_support.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace heart::test {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "model.gguf";
constexpr const char* kTensor = "muq_linear.bias";  // F32 [64]
constexpr const char* kSpare = "muq_linear.biaS";   // read by nobody

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

template <typename T>
void put(std::string& file, std::size_t at, T value) {
    std::memcpy(file.data() + at, &value, sizeof value);
}

/// Where the header says what `kTensor` is: number of dimensions, the one dimension, type, offset.
struct Places {
    std::size_t name, rank, dim, type, offset;

    explicit Places(const std::string& file) {
        const std::string text = kTensor;
        std::string named(8, '\0');
        put<std::uint64_t>(named, 0, text.size());
        name = file.find(named + text) + 8;
        rank = name + text.size();
        dim = rank + 4;
        type = dim + 8;
        offset = type + 4;
    }
};

class Gguf {
public:
    std::vector<Damage> all;

    void add(std::string name, ErrorCode code, std::function<void(const fs::path&)> apply) {
        all.push_back({"gguf_" + std::move(name), Door::gguf, code, std::move(apply)});
    }
    void bytes(const std::string& name, ErrorCode code, const std::function<std::string(std::string)>& change) {
        add(name, code, [=](const fs::path& dir) { write(dir / kFile, change(read(dir / kFile))); });
    }
    /// Overwrites one field.
    template <typename T>
    void field(const std::string& name, ErrorCode code, std::size_t Places::*place, T value) {
        bytes(name, code, [=](std::string f) {
            const Places places(f);
            put(f, places.*place, value);
            return f;
        });
    }
    template <typename T>
    void at(const std::string& name, ErrorCode code, std::size_t place, T value) {
        bytes(name, code, [=](std::string f) {
            put(f, place, value);
            return f;
        });
    }
};

void add_files(Gguf& c) {
    using enum ErrorCode;
    for (const int percent : {0, 1, 10, 50, 90, 99}) {
        c.bytes(fmt::format("cut_at_{}_percent", percent), malformed,
                [=](std::string f) { return f.substr(0, f.size() * static_cast<std::size_t>(percent) / 100); });
    }
    c.bytes("has_a_page_more", malformed, [](const std::string& f) { return f + std::string(4096, '\0'); });
    c.bytes("is_all_zeros", malformed, [](const std::string& f) { return std::string(f.size(), '\0'); });
    c.bytes("is_a_web_page", malformed, [](const std::string&) { return std::string("<!DOCTYPE html><html></html>"); });
    c.add("missing", not_found, [](const fs::path& dir) { fs::remove(dir / kFile); });
    c.add("is_a_folder", malformed, [](const fs::path& dir) {
        fs::remove(dir / kFile);
        fs::create_directory(dir / kFile);
    });
    c.add("is_a_safetensors_file", malformed, [](const fs::path& dir) { write(dir / kFile, safetensors_text("{}")); });
    c.add("beside_safetensors", mismatch, [](const fs::path& dir) { write(dir / "model.safetensors", "x"); });
    c.add("beside_an_index", mismatch, [](const fs::path& dir) { write(dir / "model.safetensors.index.json", "{}"); });
    c.add("config_nowhere", not_found, [](const fs::path& dir) { fs::remove(dir / "config.json"); });
    c.add("of_a_later_heart", unsupported, [](const fs::path& dir) {
        write(dir / kFile, GgufText(0, 1).key("heart.format_version", 4).number<std::uint32_t>(2).with(""));
    });
    c.add("of_a_version_in_words", unsupported, [](const fs::path& dir) {
        write(dir / kFile, GgufText(0, 1).key("heart.format_version", 8).text("one").with(""));
    });
    c.add("config_inside_is_no_json", malformed, [](const fs::path& dir) {
        fs::remove(dir / "config.json");
        write(dir / kFile, GgufText(0, 1).key("heart.config", 8).text("{no").with(""));
    });
    c.add("config_inside_is_a_number", not_found, [](const fs::path& dir) {
        fs::remove(dir / "config.json");
        write(dir / kFile, GgufText(0, 1).key("heart.config", 4).number(7).with(""));
    });
    c.add("config_inside_is_deep", limit, [](const fs::path& dir) {
        fs::remove(dir / "config.json");
        write(dir / kFile, GgufText(0, 1).key("heart.config", 8).text(std::string(100'000, '[')).with(""));
    });
}

void add_headers(Gguf& c) {
    using enum ErrorCode;
    const auto huge = ~std::uint64_t{0};
    c.at("version_1", unsupported, 4, std::uint32_t{1});
    c.at("version_of_a_big_endian_file", unsupported, 4, std::uint32_t{0x03000000});
    c.at("tensors_2_to_64", limit, 8, huge);
    c.at("tensors_beyond_the_file", malformed, 8, std::uint64_t{100'000});
    c.at("no_tensors", malformed, 8, std::uint64_t{0});  // their descriptions are taken for data
    c.at("keys_2_to_64", limit, 16, huge);
    c.at("first_key_2_to_63_bytes", limit, 24, std::uint64_t{1} << 63);
    c.at("alignment_of_another_type", malformed, 24 + 8 + 17, std::uint32_t{5});
    c.at("alignment_zero", malformed, 24 + 8 + 17 + 4, std::uint32_t{0});
    c.at("alignment_odd", malformed, 24 + 8 + 17 + 4, std::uint32_t{33});
    c.at("alignment_huge", malformed, 24 + 8 + 17 + 4, std::uint32_t{1} << 30);
    c.at("alignment_of_pages", malformed, 24 + 8 + 17 + 4, std::uint32_t{4096});
    c.add("array_of_a_million_arrays", unsupported, [](const fs::path& dir) {
        GgufText file(0, 1);
        file.key("k", 9);
        for (int i = 0; i < 1'000'000; ++i) file.number<std::uint32_t>(9).number<std::uint64_t>(1);
        write(dir / kFile, file.with(""));
    });
    c.add("two_million_strings", limit, [](const fs::path& dir) {
        GgufText file(0, 1);
        file.key("k", 9).number<std::uint32_t>(8).number<std::uint64_t>(2'000'000);
        for (int i = 0; i < 2'000'000; ++i) file.number<std::uint64_t>(0);
        write(dir / kFile, file.with(""));
    });
    c.add("a_hundred_thousand_tensors", not_found, [](const fs::path& dir) {
        GgufText file(100'000, 0);
        for (int i = 0; i < 100'000; ++i) file.tensor(std::to_string(i), {0}, 0, 0);
        write(dir / kFile, file.with(""));
    });
}

void add_tensors(Gguf& c) {
    using enum ErrorCode;
    c.bytes("tensor_renamed", not_found, [](std::string f) {
        f[Places(f).name] = '_';
        return f;
    });
    c.bytes("tensor_not_utf8", malformed, [](std::string f) {
        f[Places(f).name] = '\xff';
        return f;
    });
    c.bytes("tensor_twice", malformed, [](std::string f) {
        f[f.find(kSpare) + 14] = 's';
        return f;
    });
    c.field("rank_5", malformed, &Places::rank, std::uint32_t{5});
    c.field("rank_2_to_32", malformed, &Places::rank, ~std::uint32_t{0});
    c.field("rank_0", unsupported, &Places::rank, std::uint32_t{0});  // its size is taken for a type
    c.field("size_2_to_63", limit, &Places::dim, std::uint64_t{1} << 63);
    c.field("size_beyond_the_file", malformed, &Places::dim, std::uint64_t{1} << 40);
    c.field("size_whose_bytes_wrap", limit, &Places::dim, (std::uint64_t{1} << 62) + 64);
    c.field("size_smaller", malformed, &Places::dim, std::uint64_t{32});
    c.field("size_larger", malformed, &Places::dim, std::uint64_t{128});
    c.field("size_a_little_smaller", mismatch, &Places::dim, std::uint64_t{63});
    c.field("type_unknown", unsupported, &Places::type, std::uint32_t{99});
    c.field("type_that_heart_lacks", unsupported, &Places::type, std::uint32_t{10});
    c.field("type_of_another_size", malformed, &Places::type, std::uint32_t{1});
    c.field("type_of_larger_blocks", malformed, &Places::type, std::uint32_t{12});
    c.field("type_of_whole_numbers", mismatch, &Places::type, std::uint32_t{26});
    c.field("offset_not_aligned", malformed, &Places::offset, std::uint64_t{1});
    c.field("offset_of_another_tensor", malformed, &Places::offset, std::uint64_t{0});
    c.field("offset_beyond_the_file", malformed, &Places::offset, std::uint64_t{1} << 40);
    c.field("offset_2_to_64", malformed, &Places::offset, ~std::uint64_t{31});
}

}  // namespace

std::vector<Damage> gguf_damages() {
    Gguf c;
    add_files(c);
    add_headers(c);
    add_tensors(c);
    return std::move(c.all);
}

void turn_into_gguf(const fs::path& folder) {
    std::string header, data;
    {
        const auto checkpoint = formats::Checkpoint::open(formats::Folder::on_disk(folder));
        std::vector<formats::TensorToWrite> heads;
        for (const auto& [name, view] : checkpoint.tensors()) {
            heads.push_back({name, view.dtype, view.shape});
            data.append(reinterpret_cast<const char*>(view.data.data()), view.data.size());
            data.append(formats::gguf_padding(view.data.size()), '\0');
        }
        heads.push_back({kSpare, formats::DType::f32, {8}});
        data.append(32, '\0');
        header = formats::gguf_header({}, heads);
    }
    fs::remove(folder / "model.safetensors");
    write(folder / kFile, header + data);
}

}  // namespace heart::test
