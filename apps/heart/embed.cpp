#include "audio/replace_file.h"
#include "core/error.h"
#include "embedder_choice.h"
#include "engine/embedder.h"
#include "engine/music_index.h"
#include "formats/npy.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "search/vector_index.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>

namespace heart::app {

namespace {

using engine::Embedder;
using Json = nlohmann::ordered_json;

struct EmbedOptions {
    CommonOptions common;  // --model-path, --device, --threads, --json, --quiet
    EmbedderChoice choice;
    std::vector<std::string> files, texts;
    std::string format = "json", output, index, search;
    double start = 0, seconds = 0;
    std::int64_t top = 10;
    bool similarity = false;
};

/// One input and its embedding.
struct Embedded {
    std::string name;
    bool is_text = false;
    std::vector<float> values;
    double seconds = 0;
    std::size_t clips = 0;
};

// --- vectors ------------------------------------------------------------------------------------------------------------

engine::SoundEmbedding embed_file(Embedder& embedder, const EmbedOptions& o, const std::string& file,
                                  const ProgressFn& progress) {
    if (o.start == 0 && o.seconds == 0) return embedder.embed(std::filesystem::path(file), progress, interrupt_token());
    const engine::SoundFile sound = engine::open_sound(file, embedder.sample_rate());
    const double seconds = o.seconds > 0 ? o.seconds : 24 * 3600.0;
    return embedder.embed(engine::excerpt(sound.source, embedder.sample_rate(), o.start, seconds), progress,
                          interrupt_token(), o.seconds);
}

std::vector<Embedded> embed_all(Embedder& embedder, const EmbedOptions& o) {
    ProgressBar bar(!o.common.quiet);
    std::vector<Embedded> out;
    for (const std::string& file : o.files) {
        auto e = embed_file(embedder, o, file, bar.callback());
        out.push_back({printable(file, 4096), false, std::move(e.values), e.seconds, e.clips.size()});
    }
    for (const std::string& given : o.texts) {
        std::string text = given == "-" ? read_text("-") : given;
        if (given == "-" && text.ends_with('\n')) text.pop_back();  // what ends a line there is no part of the words
        out.push_back({text, true, embedder.embed_text(text, bar.callback(), interrupt_token())});
    }
    bar.finish();
    return out;
}

std::vector<std::vector<double>> similarities(const std::vector<Embedded>& all) {
    std::vector<std::vector<double>> out;
    for (const Embedded& a : all) {
        auto& row = out.emplace_back();
        for (const Embedded& b : all) row.push_back(engine::similarity(a.values, b.values));
    }
    return out;
}

Json report_of(const Embedder& embedder, const EmbedOptions& o, const std::vector<Embedded>& all) {
    Json out{{"model", o.choice.folder},
             {"licence", o.choice.licence(o.common)},
             {"dimension", embedder.dimension()},
             {"inputs", Json::array()},
             {"embeddings", Json::array()}};
    for (const Embedded& e : all) {
        Json input{{e.is_text ? "text" : "file", e.name}};
        if (!e.is_text) input["seconds"] = e.seconds, input["clips"] = e.clips;
        out["inputs"].push_back(std::move(input));
        out["embeddings"].push_back(e.values);
    }
    if (o.similarity) out["similarity"] = similarities(all);
    return out;
}

/// All vectors as one array [inputs, dimension].
std::string as_npy(const std::vector<Embedded>& all, std::size_t dimension) {
    std::vector<float> values;
    for (const Embedded& e : all) values.insert(values.end(), e.values.begin(), e.values.end());
    std::string out = formats::npy_float_header(std::vector<std::uint64_t>{all.size(), dimension});
    const auto bytes = std::as_bytes(std::span(values));  // little-endian, as the header says and every machine here is
    return out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void print_similarities(const std::vector<Embedded>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) fmt::print("{:>3}  {}\n", i + 1, printable(all[i].name, 100));
    fmt::print("\n    ");
    for (std::size_t i = 0; i < all.size(); ++i) fmt::print(" {:>7}", i + 1);
    const auto rows = similarities(all);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        fmt::print("\n{:>3} ", i + 1);
        for (const double value : rows[i]) fmt::print(" {:7.4f}", value);
    }
    fmt::print("\n");
}

int embed_inputs(const EmbedOptions& o) {
    const bool npy = o.format == "npy";
    if (!npy && o.format != "json") {
        throw Error(ErrorCode::usage, "--format").expected("json or npy").found(printable(o.format, 40));
    }
    if (npy && o.output.empty()) throw Error(ErrorCode::usage, "--format npy").expected("--output FILE beside it");
    if (std::count(o.texts.begin(), o.texts.end(), "-") > 1) {
        throw Error(ErrorCode::usage, "--text - is there more than once").expected("one text on standard input");
    }
    Embedder embedder = o.choice.open(o.common);
    const auto all = embed_all(embedder, o);
    const Json report = report_of(embedder, o, all);
    if (!o.output.empty()) {
        audio::replace_file(o.output, npy ? as_npy(all, embedder.dimension()) : report.dump() + "\n");
        note(o.common, fmt::format("{} embeddings of {} numbers: {}", all.size(), embedder.dimension(), o.output));
    }
    if (o.common.json || (o.output.empty() && !o.similarity)) print_json(report);
    else if (o.similarity) print_similarities(all);
    return kExitDone;
}

// --- a folder of music --------------------------------------------------------------------------------------------------

search::EmbeddingKind kind_of(const Embedder& embedder, const EmbedOptions& o) {
    return {o.choice.folder, o.choice.licence(o.common), static_cast<std::int64_t>(embedder.dimension())};
}

int make_index(const EmbedOptions& o) {
    if (o.files.size() != 1 || !std::filesystem::is_directory(o.files.front())) {
        throw Error(ErrorCode::usage, "--index without --search makes an index").expected("one folder of music");
    }
    Embedder embedder = o.choice.open(o.common);
    ProgressBar bar(!o.common.quiet);
    const auto on_file = [&](const std::string& name, const Error* fault) {
        if (fault == nullptr) return;
        bar.finish();
        fmt::print(stderr, "heart: {}: {}\n", printable(name, 200), fault->what());
    };
    const auto done = engine::index_folder(o.files.front(), o.index, embedder, kind_of(embedder, o), on_file, bar.callback(),
                                           interrupt_token());
    bar.finish();
    note(o.common, fmt::format("{}: {} songs; {} new, {} as they were, {} gone, {} that cannot be read", o.index, done.songs,
                               done.added, done.kept, done.removed, done.failed));
    if (o.common.json) {
        print_json({{"index", o.index},
                    {"songs", done.songs},
                    {"added", done.added},
                    {"kept", done.kept},
                    {"removed", done.removed},
                    {"failed", done.failed}});
    }
    return done.failed == 0 ? kExitDone : kExitFailed;
}

/// What is searched for: the sound of a file that is there, else the words.
std::vector<float> query_of(Embedder& embedder, const EmbedOptions& o, const ProgressFn& progress) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(o.search, ignored)) {
        return embedder.embed(std::filesystem::path(o.search), progress, interrupt_token()).values;
    }
    return embedder.embed_text(o.search, progress, interrupt_token());
}

int search_index(const EmbedOptions& o) {
    if (!o.files.empty() || !o.texts.empty()) {
        throw Error(ErrorCode::usage, "--search takes its words or its song itself").expected("no other inputs");
    }
    Embedder embedder = o.choice.open(o.common);
    search::IndexOptions options;
    options.threads = o.common.threads > 0 ? o.common.threads : graph::Device::default_threads();
    const auto index = search::VectorIndex::open(o.index, options, kind_of(embedder, o));
    ProgressBar bar(!o.common.quiet);
    const std::vector<float> query = query_of(embedder, o, bar.callback());
    bar.finish();
    Json matches = Json::array();
    for (const auto& match : index.search(query, o.top)) {
        if (o.common.json) matches.push_back({{"name", match.name}, {"similarity", match.similarity}});
        else fmt::print("{:7.4f}  {}\n", match.similarity, printable(match.name, 4096));
    }
    if (o.common.json) print_json({{"query", o.search}, {"songs", index.size()}, {"matches", std::move(matches)}});
    return kExitDone;
}

int embed(const EmbedOptions& o) {
    interrupt_token();
    if (!o.search.empty() && o.index.empty()) throw Error(ErrorCode::usage, "--search").expected("--index DIR beside it");
    if (!o.search.empty()) return search_index(o);
    if (!o.index.empty()) return make_index(o);
    if (o.files.empty() && o.texts.empty()) {
        throw Error(ErrorCode::usage, "nothing to embed").expected("audio files, or --text");
    }
    return embed_inputs(o);
}

}  // namespace

void add_embed(CLI::App& app, Action& action) {
    auto o = std::make_shared<EmbedOptions>();
    CLI::App* verb = app.add_subcommand("embed", "Put songs and words into one space: compare them, search a music folder");
    verb->add_option("files", o->files, "Audio files; with --index a folder of them")->type_name("PATH");
    verb->add_option("--text", o->texts,
                     "Words about music, or - for standard input; may be given several times, and come behind the files")
        ->type_name("TEXT|-");
    verb->add_option(both_names("model-path"), o->common.model_path, "Folder with the embedding model's folder in it")
        ->type_name("DIR");
    o->choice.add(*verb, "Options");
    verb->add_option("--start", o->start, "Seconds of each file that are left out before")
        ->check(CLI::Range(0.0, 86'400.0))
        ->capture_default_str();
    verb->add_option("--seconds", o->seconds, "Seconds of each file that are heard; 0: all")
        ->check(CLI::Range(0.0, 86'400.0))
        ->capture_default_str();
    verb->add_option("--format", o->format, "json or npy ([inputs, dimension], float32)")->capture_default_str();
    verb->add_option("-o,--output", o->output, "File to write; JSON goes to standard output else")->type_name("FILE");
    verb->add_flag("--similarity", o->similarity, "Compare each input with each other one");
    const std::string searching = "A music folder";
    verb->add_option("--index", o->index,
                     "Folder of the index: made or brought up to date for the music folder that is given")
        ->type_name("DIR")
        ->group(searching);
    verb->add_option("--search", o->search, "Words, or an audio file: says what in the index is nearest")
        ->type_name("TEXT|FILE")
        ->group(searching);
    verb->add_option("--top", o->top, "Most answers of a search")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000))
        ->group(searching);
    const std::string group = "How it runs";
    verb->add_option("--device", o->common.device, "Device of the model")->capture_default_str()->group(group);
    verb->add_option("--dtype", o->choice.dtype,
                     "Matrices: float32 (what the model was made for), float16, bfloat16 or a quantised type")
        ->capture_default_str()
        ->group(group);
    verb->add_option("--threads", o->common.threads, "CPU threads; 0 means one per core")
        ->capture_default_str()
        ->group(group);
    o->common.add_output(*verb);
    verb->callback([o, &action] { action = [o] { return embed(*o); }; });
}

}  // namespace heart::app
