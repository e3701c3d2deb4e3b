#include "engine/quantise.h"

#include "core/error.h"
#include "formats/digest.h"
#include "formats/gguf.h"
#include "graph/device.h"
#include "graph/quantise.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <span>

namespace heart::engine {

namespace {

using formats::DType;
using formats::GgufValue;

constexpr const char* kWeights = "model.gguf";
constexpr const char* kUnfinished = ".model.gguf.part";
constexpr std::uint32_t kFormatVersion = 1;        // of what docs/formats.md promises
constexpr std::uint32_t kQuantizationVersion = 2;  // ggml's, of its block layouts

using Advance = std::function<void(std::uint64_t bytes)>;

/// llama.cpp's number for a file that is mostly of this type (general.file_type).
std::uint32_t file_type_number(DType type) {
    switch (type) {
        case DType::f16: return 1;
        case DType::q4_0: return 2;
        case DType::q8_0: return 7;
        case DType::q4_k: return 14;
        case DType::q5_k: return 16;
        case DType::q6_k: return 18;
        case DType::bf16: return 32;
        default: return 0;
    }
}

/// One model on its way into a file.
struct Model {
    std::string folder;
    formats::Checkpoint checkpoint;
    QuantisePlan plan;
    std::string config;  ///< text of config.json

    [[nodiscard]] std::uint64_t work() const {  // bytes read: once for their sum, once to convert them
        std::uint64_t n = 0;
        for (const auto& file : checkpoint.weight_files()) n += file.bytes.view().size();
        for (const PlannedTensor& t : plan.tensors) n += t.source->data.size();
        return n;
    }
};

std::string config_text(const formats::Folder& folder, const formats::Checkpoint& checkpoint) {
    return folder.has("config.json") ? std::string(folder.open("config.json").text()) : checkpoint.config().dump(2) + "\n";
}

QuantisedModel describe(const Model& model) {
    QuantisedModel out{.folder = model.folder, .recipe = model.plan.recipe, .left_out = model.plan.left_out};
    for (const auto& file : model.checkpoint.weight_files()) out.source_bytes += file.bytes.view().size();
    for (const PlannedTensor& t : model.plan.tensors) {
        QuantisedModel::Share& share = out.types[weight_type_label(t.dtype())];
        ++share.tensors;
        share.parameters += t.source->elements();
        share.bytes += t.bytes();
        if (!t.asked) continue;
        const std::string asked = weight_type_label(*t.asked), taken = weight_type_label(t.dtype());
        auto it = std::find_if(out.fallbacks.begin(), out.fallbacks.end(),
                               [&](const auto& f) { return f.asked == asked && f.taken == taken; });
        if (it == out.fallbacks.end()) it = out.fallbacks.insert(it, {asked, taken, {}});
        it->tensors.push_back(t.name);
    }
    return out;
}

std::vector<std::pair<std::string, GgufValue>> metadata_of(const Model& model, const CheckpointSet& set,
                                                           const Advance& advance) {
    std::map<DType, std::uint64_t> elements;
    for (const PlannedTensor& t : model.plan.tensors) elements[t.dtype()] += t.source->elements();
    const auto most =
        std::max_element(elements.begin(), elements.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    std::vector<std::string> names, sums;
    for (const auto& file : model.checkpoint.weight_files()) {
        names.push_back(file.name);
        sums.push_back(formats::sha256(file.bytes, advance));
    }
    nlohmann::ordered_json recipe = nlohmann::ordered_json::object();
    for (const auto& [part, type] : model.plan.recipe) recipe[part] = type;
    return {{"general.architecture", model.plan.architecture},
            {"general.name", model.folder},
            {"general.file_type", file_type_number(most->first)},
            {"general.quantization_version", kQuantizationVersion},
            {"heart.format_version", kFormatVersion},
            {"heart.version", set.version()},
            {"heart.language_model", set.language_model_folder()},
            {"heart.codec", CheckpointSet::codec_folder()},
            {"heart.config", model.config},
            {"heart.recipe", recipe.dump()},
            {"heart.source.files", formats::GgufArray(std::move(names))},
            {"heart.source.sha256", formats::GgufArray(std::move(sums))}};
}

/// Writes tensors one behind the other, each in its new type.
class TensorWriter {
public:
    TensorWriter(std::ofstream& out, std::string where, const QuantiseRequest& request, const Advance& advance)
        : out_(out),
          where_(std::move(where)),
          numbers_(request.piece),
          threads_(static_cast<std::size_t>(request.threads)),
          advance_(advance) {}

    void write(const PlannedTensor& tensor) {
        const formats::TensorView& source = *tensor.source;
        const std::uint64_t row = source.shape.empty() ? 1 : source.shape.back();
        const std::uint64_t rows = row == 0 ? 0 : source.elements() / row;
        const std::uint64_t rows_at_once = std::max<std::uint64_t>(1, numbers_ / std::max<std::uint64_t>(row, 1));
        for (std::uint64_t at = 0; at < rows; at += rows_at_once) {
            const std::uint64_t n = std::min(rows_at_once, rows - at);
            const std::uint64_t bytes = source.data.size() / rows;  // of a row
            const auto part = source.data.subspan(at * bytes, n * bytes);
            if (tensor.type) {
                convert(tensor, row, at, n);
                put(piece_);
            } else {
                put(part);
            }
            source.file.release(part);
            advance_(part.size());
        }
        const std::string padding(formats::gguf_padding(tensor.bytes()), '\0');
        put(std::as_bytes(std::span(padding)));
    }

private:
    /// Rows `first` to `first + rows` of a tensor into `piece_`, in equal parts on several threads.
    void convert(const PlannedTensor& tensor, std::uint64_t row, std::uint64_t first, std::uint64_t rows) {
        const std::uint64_t bytes = graph::type_bytes(*tensor.type, row);
        piece_.resize(rows * bytes);
        const auto convert_part = [&](std::size_t part) {
            const std::uint64_t begin = rows * part / threads_, end = rows * (part + 1) / threads_;
            std::vector<float> values((end - begin) * row);
            formats::read_as_f32(*tensor.source, (first + begin) * row, values);
            graph::quantise_rows(*tensor.type, static_cast<std::int64_t>(row), values,
                                 std::span(piece_).subspan(begin * bytes, (end - begin) * bytes));
        };
        try {
            std::vector<std::future<void>> others;
            for (std::size_t part = 1; part < threads_; ++part) {
                others.push_back(std::async(std::launch::async, convert_part, part));
            }
            convert_part(0);
            for (auto& other : others) other.get();
        } catch (const Error& e) {
            throw Error(e.code(), fmt::format("{}: tensor '{}': {}", where_, printable(tensor.name), e.message()))
                .expected(e.expected_text())
                .found(e.found_text());
        }
    }

    void put(std::span<const std::byte> bytes) {
        out_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        if (out_) return;
        throw Error(ErrorCode::io, "cannot write the checkpoint").found(std::strerror(errno)).hint("is the disk full?");
    }

    std::ofstream& out_;
    std::string where_;
    std::size_t numbers_, threads_;
    const Advance& advance_;
    std::vector<std::byte> piece_;
};

void write_model(const Model& model, const CheckpointSet& set, const std::filesystem::path& root,
                 const QuantiseRequest& request, const Advance& advance) {
    const std::filesystem::path folder = root / model.folder, unfinished = folder / kUnfinished;
    std::filesystem::create_directories(folder);
    const auto metadata = metadata_of(model, set, advance);
    std::vector<formats::TensorToWrite> header;
    for (const PlannedTensor& t : model.plan.tensors) header.push_back({t.name, t.dtype(), t.source->shape});
    std::ofstream out(unfinished, std::ios::binary);
    out << formats::gguf_header(metadata, header);
    TensorWriter writer(out, model.checkpoint.describe(), request, advance);
    for (const PlannedTensor& t : model.plan.tensors) writer.write(t);
    out.close();
    std::error_code error;
    if (out) std::filesystem::rename(unfinished, folder / kWeights, error);
    if (!out || error) {
        throw Error(ErrorCode::io, fmt::format("cannot write '{}'", (folder / kWeights).string()))
            .found(error ? error.message() : std::strerror(errno));
    }
    write_text(folder / "config.json", model.config);
}

/// What stands beside the transcriptor's weights.
void copy_transcriptor_files(const CheckpointSet& set, const std::filesystem::path& root) {
    constexpr std::array kNames{"generation_config.json",
                                "preprocessor_config.json",
                                "tokenizer.json",
                                "tokenizer_config.json",
                                "special_tokens_map.json",
                                "added_tokens.json",
                                "normalizer.json",
                                "vocab.json",
                                "merges.txt"};
    const formats::Folder folder = set.root().sub(CheckpointSet::transcriptor_folder());
    for (const char* name : kNames) {
        if (folder.has(name)) write_text(root / CheckpointSet::transcriptor_folder() / name, folder.open(name).text());
    }
}

std::vector<Model> models_of(const CheckpointSet& set, const QuantiseRequest& request) {
    std::vector<Model> out;
    const auto add = [&](const std::string& folder, formats::Checkpoint checkpoint) {
        std::string config = config_text(set.root().sub(folder), checkpoint);
        out.push_back({folder, std::move(checkpoint), {}, std::move(config)});
    };
    if (request.language_model) {
        add(set.language_model_folder(), set.language_model());
        out.back().plan = plan_language_model(out.back().checkpoint, request.recipe);
    }
    if (request.codec) {
        add(CheckpointSet::codec_folder(), set.codec());
        out.back().plan = plan_codec(out.back().checkpoint, request.recipe);
    }
    if (request.transcriptor) {
        add(CheckpointSet::transcriptor_folder(), set.transcriptor());
        out.back().plan = plan_transcriptor(out.back().checkpoint, request.recipe);
    }
    return out;
}

}  // namespace

std::vector<QuantisedModel> quantise_checkpoint(const CheckpointSet& source, const std::filesystem::path& output,
                                                const QuantiseRequest& request, const WriteProgress& progress,
                                                const CancelToken& cancel) {
    constexpr std::array kTexts{"tokenizer.json", "gen_config.json"};
    QuantiseRequest how = request;
    if (how.threads == 0) how.threads = graph::Device::default_threads();
    const std::vector<Model> models = models_of(source, request);
    std::uint64_t bytes = 0, total = 0, done = 0;
    for (const Model& m : models) {
        bytes += m.plan.bytes();
        total += m.work();
    }
    const Advance advance = [&](std::uint64_t n) {
        cancel.check();
        done += n;
        if (progress) progress(done, total);
    };
    NewFolder folder(output, bytes);
    std::vector<QuantisedModel> out;
    if (request.language_model) {
        for (const char* name : kTexts) write_text(output / name, source.root().open(name).text());
    }
    for (const Model& m : models) {
        write_model(m, source, output, how, advance);
        out.push_back(describe(m));
        out.back().bytes = std::filesystem::file_size(output / m.folder / kWeights);
    }
    if (request.transcriptor) copy_transcriptor_files(source, output);
    folder.keep();
    return out;
}

}  // namespace heart::engine
