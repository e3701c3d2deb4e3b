// Does every set of tensors come back as it was written, and is every damaged file read or refused, never worse?

#include "formats/checkpoint.h"
#include "formats/gguf.h"
#include "formats/npy.h"
#include "formats/safetensors.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace heart::formats {
namespace {

using test::borrowed;
using test::ScratchFolder;

struct RandomTensor {
    TensorToWrite head;
    std::string data;
};

/// Some tensors of any names, types and small shapes, with random contents.
std::vector<RandomTensor> any_tensors() {
    const auto names = *rc::gen::unique<std::vector<std::string>>(
        rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127))));
    std::vector<RandomTensor> out;
    for (const std::string& name : names) {
        if (name == "__metadata__") continue;
        RandomTensor t;
        t.head.name = name;
        t.head.dtype = static_cast<DType>(*rc::gen::inRange(0, 15));
        t.head.shape =
            *rc::gen::resize(4, rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(0, 5)));
        std::size_t bytes = dtype_size(t.head.dtype);
        for (const std::uint64_t n : t.head.shape) bytes *= n;
        t.data = *rc::gen::container<std::string>(bytes, rc::gen::arbitrary<char>());
        out.push_back(std::move(t));
    }
    return out;
}

std::string file_of(const std::vector<RandomTensor>& tensors) {
    std::vector<TensorToWrite> heads;
    std::string data;
    for (const RandomTensor& t : tensors) {
        heads.push_back(t.head);
        data += t.data;
    }
    return safetensors_header(heads) + data;
}

RC_GTEST_PROP(SafetensorsProperty, EveryTensorComesBack, ()) {
    const auto tensors = any_tensors();
    const std::string file = file_of(tensors);
    const auto read = parse_safetensors(borrowed(file), "f");
    RC_ASSERT(read.size() == tensors.size());
    for (const RandomTensor& t : tensors) {
        const TensorView& view = read.at(t.head.name);
        RC_ASSERT(view.dtype == t.head.dtype);
        RC_ASSERT(view.shape == t.head.shape);
        RC_ASSERT(std::string(reinterpret_cast<const char*>(view.data.data()), view.data.size()) == t.data);
    }
}

/// Changes a file as a bad disk or an attacker would: some bytes replaced, some cut off, inserted or repeated.
std::string damaged(std::string file) {
    const int changes = *rc::gen::inRange(1, 6);
    for (int i = 0; i < changes && !file.empty(); ++i) {
        const auto at = *rc::gen::inRange<std::size_t>(0, file.size());
        switch (*rc::gen::inRange(0, 6)) {
            case 0: file.resize(at); break;
            case 1: file[at] = static_cast<char>(file[at] ^ (1 << *rc::gen::inRange(0, 8))); break;
            case 2:
                file[at] = *rc::gen::element('"', '{', '}', '[', ']', ',', ':', '-', '9', '\0', '\xff', '\\', '\'');
                break;
            case 3:
                file.insert(at, *rc::gen::element<std::string>("0", "999999999", "null", "[]", "-", "e9", "\"", ".."));
                break;
            case 4: file.erase(at, *rc::gen::inRange<std::size_t>(1, 9)); break;
            default: file.insert(at, file.substr(at, *rc::gen::inRange<std::size_t>(1, 40))); break;
        }
    }
    return file;
}

/// Runs an action that may throw heart::Error; true when it threw. Anything else goes on and fails the property.
template <typename Action>
bool is_refused(Action&& action) {
    try {
        action();
    } catch (const Error& e) {
        RC_ASSERT(std::strchr(e.what(), '\n') == nullptr);
        return true;
    }
    return false;
}

RC_GTEST_PROP(SafetensorsProperty, ADamagedFileIsReadOrRefused, ()) {
    const std::string file = damaged(file_of(any_tensors()));
    (void)is_refused([&] {
        std::uint64_t sum = 0;
        for (const auto& [name, view] : parse_safetensors(borrowed(file), "f")) {
            const auto* begin = reinterpret_cast<const char*>(view.data.data());
            RC_ASSERT(view.data.empty() || (begin >= file.data() && begin + view.data.size() <= file.data() + file.size()));
            RC_ASSERT(view.elements() * dtype_size(view.dtype) == view.data.size());
            sum += view.data.size();
            if (!is_floating_point(view.dtype)) continue;
            std::vector<float> values(view.elements());
            read_as_f32(view, 0, values);
        }
        RC_ASSERT(sum <= file.size());
    });
}

RC_GTEST_PROP(SafetensorsProperty, ATruncatedFileIsRefused, ()) {
    const auto tensors = any_tensors();
    const std::string whole = file_of(tensors);
    const std::string file = whole.substr(0, *rc::gen::inRange<std::size_t>(0, whole.size()));
    RC_ASSERT(is_refused([&] { (void)parse_safetensors(borrowed(file), "f"); }));
}

RC_GTEST_PROP(SafetensorsProperty, AnyHeaderIsReadOrRefused, ()) {
    const auto word = rc::gen::element<std::string>("{", "}", "[", "]", ",", ":", "\"a\"", "\"dtype\"", "\"F32\"",
                                                    "\"shape\"", "\"data_offsets\"", "0", "4", "-1", "18446744073709551615",
                                                    "1e400", "null", "true", "\"", "\\", "\xc3");
    std::string header = "{";
    for (const std::string& w : *rc::gen::container<std::vector<std::string>>(word)) header += w;
    (void)is_refused([&] { (void)parse_safetensors(borrowed(test::safetensors_text(header, "abcd")), "f"); });
}

// --- GGUF ---------------------------------------------------------------------------------------------------------------

const std::vector<DType> kGgufTypes{DType::f32,  DType::f16,  DType::bf16, DType::q8_0, DType::q4_0, DType::q4_k,
                                    DType::q5_k, DType::q6_k, DType::i8,   DType::i16,  DType::i32,  DType::i64};

std::vector<RandomTensor> any_gguf_tensors() {
    const auto names = *rc::gen::unique<std::vector<std::string>>(
        rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127))));
    std::vector<RandomTensor> out;
    for (const std::string& name : names) {
        RandomTensor t;
        t.head.name = name;
        t.head.dtype = *rc::gen::elementOf(kGgufTypes);
        const auto rank = *rc::gen::inRange<std::size_t>(is_quantised(t.head.dtype) ? 1 : 0, 5);
        t.head.shape = *rc::gen::container<std::vector<std::uint64_t>>(rank, rc::gen::inRange<std::uint64_t>(0, 4));
        if (is_quantised(t.head.dtype)) t.head.shape.back() *= dtype_block(t.head.dtype);
        t.data =
            *rc::gen::container<std::string>(tensor_bytes(t.head.dtype, t.head.shape, "it"), rc::gen::arbitrary<char>());
        out.push_back(std::move(t));
    }
    return out;
}

std::vector<std::pair<std::string, GgufValue>> any_metadata() {
    const auto text = rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
    const auto value = rc::gen::oneOf(rc::gen::map(rc::gen::arbitrary<std::uint32_t>(), [](auto n) { return GgufValue(n); }),
                                      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](auto n) { return GgufValue(n); }),
                                      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return GgufValue(b); }),
                                      rc::gen::map(text, [](std::string s) { return GgufValue(std::move(s)); }),
                                      rc::gen::map(rc::gen::container<std::vector<std::string>>(text),
                                                   [](auto words) { return GgufValue(GgufArray(std::move(words))); }));
    std::vector<std::pair<std::string, GgufValue>> out;
    for (const auto& [key, v] : *rc::gen::container<std::map<std::string, GgufValue>>(text, value)) {
        if (key != "general.alignment") out.emplace_back(key, v);
    }
    return out;
}

std::string gguf_of(const std::vector<std::pair<std::string, GgufValue>>& metadata,
                    const std::vector<RandomTensor>& tensors) {
    std::vector<TensorToWrite> heads;
    std::string data;
    for (const RandomTensor& t : tensors) {
        heads.push_back(t.head);
        data += t.data + std::string(gguf_padding(t.data.size()), '\0');
    }
    return gguf_header(metadata, heads) + data;
}

RC_GTEST_PROP(GgufProperty, EveryTensorAndValueComesBack, ()) {
    const auto tensors = any_gguf_tensors();
    const auto metadata = any_metadata();
    const std::string file = gguf_of(metadata, tensors);
    const GgufFile read = parse_gguf(borrowed(file), "f");
    RC_ASSERT(read.tensors.size() == tensors.size());
    RC_ASSERT(read.metadata.size() == metadata.size() + 1);
    for (const auto& [key, value] : metadata) RC_ASSERT(read.metadata.at(key) == value);
    for (const RandomTensor& t : tensors) {
        const TensorView& view = read.tensors.at(t.head.name);
        RC_ASSERT(view.dtype == t.head.dtype);
        RC_ASSERT(view.shape == t.head.shape);
        RC_ASSERT(std::string(reinterpret_cast<const char*>(view.data.data()), view.data.size()) == t.data);
    }
}

/// Reads all that a file promises; what it refuses is refused in one line.
void read_or_refuse_gguf(const std::string& file) {
    (void)is_refused([&] {
        for (const auto& [name, view] : parse_gguf(borrowed(file), "f").tensors) {
            const auto* begin = reinterpret_cast<const char*>(view.data.data());
            RC_ASSERT(view.data.empty() || (begin >= file.data() && begin + view.data.size() <= file.data() + file.size()));
            RC_ASSERT(view.elements() / dtype_block(view.dtype) * dtype_size(view.dtype) == view.data.size());
            if (!is_floating_point(view.dtype)) continue;
            std::vector<float> values(view.elements());
            read_as_f32(view, 0, values);
        }
    });
}

RC_GTEST_PROP(GgufProperty, ADamagedFileIsReadOrRefused, ()) {
    read_or_refuse_gguf(damaged(gguf_of(any_metadata(), any_gguf_tensors())));
}

RC_GTEST_PROP(GgufProperty, ATruncatedFileIsRefused, ()) {
    auto tensors = any_gguf_tensors();
    RandomTensor last;
    last.head = {"the last tensor, of whole alignments", DType::f32, {8}};
    last.data = std::string(32, 'x');
    tensors.push_back(last);
    const std::string whole = gguf_of(any_metadata(), tensors);
    const std::string file = whole.substr(0, *rc::gen::inRange<std::size_t>(0, whole.size()));
    RC_ASSERT(is_refused([&] { (void)parse_gguf(borrowed(file), "f"); }));
}

RC_GTEST_PROP(GgufProperty, AnyHeaderIsReadOrRefused, ()) {
    test::GgufText header(*rc::gen::inRange<std::uint64_t>(0, 4), *rc::gen::inRange<std::uint64_t>(0, 4));
    const auto words = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 9));
    for (const int word : words) {
        switch (word) {
            case 0: header.text("a"); break;
            case 1: header.text("general.alignment"); break;
            case 2: header.number(*rc::gen::inRange<std::uint32_t>(0, 16)); break;
            case 3: header.number(*rc::gen::inRange<std::uint64_t>(0, 40)); break;
            case 4: header.number(*rc::gen::arbitrary<std::uint64_t>()); break;
            case 5: header.number(*rc::gen::arbitrary<std::uint32_t>()); break;
            case 6: header.key("k", *rc::gen::inRange<std::uint32_t>(0, 14)); break;
            case 7: header.tensor("t", {32}, *rc::gen::inRange<std::uint32_t>(0, 32), 0); break;
            default: header.number(*rc::gen::arbitrary<char>()); break;
        }
    }
    read_or_refuse_gguf(header.with(std::string(128, 'd')));
}

RC_GTEST_PROP(QuantisedProperty, AnyPartIsReadAsThatPartOfTheWhole, ()) {
    const DType type = *rc::gen::element(DType::q8_0, DType::q4_0, DType::q4_k, DType::q5_k, DType::q6_k);
    const auto blocks = *rc::gen::inRange<std::size_t>(1, 5);
    std::string bytes = *rc::gen::container<std::string>(blocks * dtype_size(type), rc::gen::inRange<char>(0, 60));
    const TensorView view{type, {blocks * dtype_block(type)}, std::as_bytes(std::span(bytes)), {}};
    std::vector<float> whole(view.elements());
    read_as_f32(view, 0, whole);
    const auto first = *rc::gen::inRange<std::size_t>(0, whole.size());
    std::vector<float> part(*rc::gen::inRange<std::size_t>(0, whole.size() - first + 1));
    read_as_f32(view, first, part);
    RC_ASSERT(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)));
}

RC_GTEST_PROP(NpyProperty, EveryArrayComesBack, ()) {
    const auto shape =
        *rc::gen::resize(4, rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(0, 6)));
    std::size_t count = 1;
    for (const std::uint64_t n : shape) count *= n;
    const auto values = *rc::gen::container<std::vector<std::int32_t>>(count, rc::gen::arbitrary<std::int32_t>());
    const ScratchFolder dir;
    const auto read = read_integer_array({dir.write("a.npy", npy_file(shape, values)), ""});
    RC_ASSERT(read.shape == shape);
    RC_ASSERT(read.values == values);
}

RC_GTEST_PROP(NpyProperty, ADamagedFileIsReadOrRefused, ()) {
    const auto values = *rc::gen::container<std::vector<std::int32_t>>(12, rc::gen::inRange(0, 8200));
    const std::vector<std::uint64_t> shape{3, 4};
    std::string file = npy_file(shape, values);
    file.replace(file.find("<i4"), 3, *rc::gen::element<std::string>("<i4", "<u4", "<i8", "<f4", "<f2"));
    const ScratchFolder dir;
    const auto path = dir.write("a.npy", damaged(file));
    (void)is_refused([&] {
        const auto read = read_integer_array({path, ""});
        std::uint64_t count = 1;
        for (const std::uint64_t n : read.shape) count *= n;
        RC_ASSERT(read.values.size() == count);
    });
    (void)is_refused([&] { (void)read_float_array({path, ""}); });
}

RC_GTEST_PROP(IndexProperty, ADamagedCheckpointIsOpenedOrRefused, ()) {
    const TensorToWrite a[] = {{"a", DType::f32, {2}}}, b[] = {{"b", DType::f16, {2, 2}}, {"c", DType::u8, {}}};
    std::map<std::string, std::string> files{
        {"config.json", R"({"model_type": "x", "dims": {"n": [1, 2]}})"},
        {"model-1.safetensors", safetensors_header(a) + std::string(8, '\1')},
        {"model-2.safetensors", safetensors_header(b) + std::string(9, '\2')},
        {"model.safetensors.index.json", R"({"metadata": {"total_size": 17}, "weight_map": {"a": "model-1.safetensors",)"
                                         R"( "b": "model-2.safetensors", "c": "model-2.safetensors"}})"}};
    const auto victim = *rc::gen::element<std::string>("config.json", "model-1.safetensors", "model-2.safetensors",
                                                       "model.safetensors.index.json", "model.safetensors.index.json");
    files[victim] = damaged(files[victim]);
    std::vector<EmbeddedFile> embedded;
    for (const auto& [name, text] : files) embedded.push_back({name, std::as_bytes(std::span(text))});
    (void)is_refused([&] {
        const Checkpoint c = Checkpoint::open(Folder::embedded(embedded, "damaged"));
        RC_ASSERT(c.config().is_object());
        RC_ASSERT(c.bytes() <= 17 + 200);
    });
}

}  // namespace
}  // namespace heart::formats
