#include "options.h"

#include "core/error.h"
#include "hub/demo_model.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>

namespace heart::app {

std::string both_names(const std::string& name) {
    std::string underscored = name;
    std::replace(underscored.begin(), underscored.end(), '-', '_');
    return underscored == name ? "--" + name : fmt::format("--{},--{}", name, underscored);
}

bool parse_bool(const std::string& text, const char* option) {
    std::string t = text;
    std::transform(t.begin(), t.end(), t.begin(), [](unsigned char c) { return std::tolower(c); });
    if (t == "true" || t == "t" || t == "yes" || t == "y" || t == "1" || t == "on") return true;
    if (t == "false" || t == "f" || t == "no" || t == "n" || t == "0" || t == "off") return false;
    throw Error(ErrorCode::usage, option).expected("true or false").found(text);
}

std::string default_data_folder() {
    const auto from = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value != nullptr ? value : "");
    };
    if (const std::string data = from("XDG_DATA_HOME"); data.starts_with('/')) return data + "/heart";
    if (const std::string home = from("HOME"); !home.empty()) return home + "/.local/share/heart";
    throw Error(ErrorCode::usage, "no folder for the studio's data").hint("name one with --data-dir");
}

std::string read_text(const std::string& path) {
    constexpr std::size_t kMost = 1 << 20;
    std::string text;
    if (path == "-") {
        char block[65536];
        while (std::cin.read(block, sizeof block), std::cin.gcount() > 0) {
            text.append(block, static_cast<std::size_t>(std::cin.gcount()));
            if (text.size() > kMost) break;
        }
    } else {
        text = formats::Bytes::map_file(path).text();
    }
    if (text.size() > kMost) {
        throw Error(ErrorCode::limit, fmt::format("'{}' is too long for a text", path))
            .expected(fmt::format("at most {} bytes", kMost));
    }
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);  // a byte order mark is no word of the song
    return text;
}

namespace {

std::string text_of_tags(const std::string& tags) {
    if (tags.starts_with('@')) return read_text(tags.substr(1));
    std::error_code ignored;
    const bool looks_like_path = tags.ends_with(".txt") || tags.find('/') != std::string::npos;
    if (looks_like_path && std::filesystem::is_regular_file(tags, ignored)) return read_text(tags);
    if (tags.ends_with(".txt")) {
        throw Error(ErrorCode::not_found, fmt::format("no tags file '{}'", printable(tags)))
            .hint("give tags as text: piano,happy");
    }
    return tags;
}

}  // namespace

std::string read_tags(const std::string& tags) {
    std::string text = text_of_tags(tags);
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return text;
}

void CommonOptions::add_model(CLI::App& verb) {
    verb.add_option(both_names("model-path"), model_path,
                    "Folder with HeartMuLa-oss-<version>/, HeartCodec-oss/, tokenizer.json, gen_config.json")
        ->type_name("DIR");
    verb.add_option("--version", version, "Which language model of the folder")->capture_default_str();
}

void CommonOptions::add_engine(CLI::App& verb) {
    const std::string group = "How it runs";
    verb.add_option("--device", device, "Device for both models")->capture_default_str()->group(group);
    verb.add_option(both_names("mula-device"), mula_device, "Device for the language model")->group(group);
    verb.add_option(both_names("codec-device"), codec_device, "Device for the codec")->group(group);
    verb.add_option(both_names("mula-dtype"), mula_dtype,
                    "float32 (exact), bfloat16, float16, q8_0, q6_k, q5_k, q4_k or q4_0")
        ->capture_default_str()
        ->group(group);
    verb.add_option(both_names("codec-dtype"), codec_dtype, "float32, float16 or q8_0")->capture_default_str()->group(group);
    verb.add_option("--kv-dtype", kv_dtype, "KV cache: float32, bfloat16, float16 or q8_0; as --mula-dtype where not given")
        ->group(group);
    verb.add_option(both_names("lazy-load"), lazy_load, "Hold one model at a time, for less memory")
        ->expected(0, 1)
        ->default_str("false")
        ->type_name("BOOL")
        ->group(group);
    verb.add_option("--threads", threads, "CPU threads; 0 means one per core")->capture_default_str()->group(group);
}

void CommonOptions::add_output(CLI::App& verb) {
    verb.add_flag("--json", json, "Print one JSON object on standard output");
    verb.add_flag("-q,--quiet", quiet, "No progress, no notes");
}

formats::Folder CommonOptions::model_folder() const {
    return model_path.empty() ? hub::demo_model() : formats::Folder::on_disk(model_path);
}

std::string CommonOptions::model_label() const {
    if (model_path.empty()) return "demo";
    const std::filesystem::path path(model_path);
    return path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
}

engine::EngineOptions CommonOptions::engine_options() const {
    engine::EngineOptions out;
    out.version = version;
    out.language_model_device = mula_device.empty() ? device : mula_device;
    out.codec_device = codec_device.empty() ? device : codec_device;
    out.language_model_type = engine::parse_type(mula_dtype);
    out.codec_type = engine::parse_type(codec_dtype);
    if (!kv_dtype.empty()) out.cache_type = engine::parse_type(kv_dtype);
    out.lazy_load = lazy_load.empty() || parse_bool(lazy_load, "--lazy-load");
    out.threads = threads;
    return out;
}

void AudioOptions::add(CLI::App& verb, const std::string& default_path) {
    save_path = default_path;
    const std::string group = "What is written";
    verb.add_option(both_names("save-path"), save_path, "The song: .wav, .flac, .mp3, .ogg or .opus")
        ->capture_default_str()
        ->type_name("FILE")
        ->group(group);
    verb.add_option("--sample-format", sample_format, "Samples of WAV and FLAC: s16, s24 or f32 (WAV only, never scaled)")
        ->capture_default_str()
        ->group(group);
    verb.add_option("--spectrogram", spectrogram, "Draw the song's mel spectrogram")->type_name("FILE.png")->group(group);
    verb.add_option("--title", title, "Title in the file; default: the first line of the lyrics")->group(group);
}

std::optional<audio::SampleFormat> sample_format_named(const std::string& name) {
    if (name == "s16") return audio::SampleFormat::s16;
    if (name == "s24") return audio::SampleFormat::s24;
    if (name == "f32") return audio::SampleFormat::f32;
    return std::nullopt;
}

audio::SampleFormat AudioOptions::format() const {
    if (const auto format = sample_format_named(sample_format)) return *format;
    throw Error(ErrorCode::usage, "--sample-format").expected("s16, s24 or f32").found(sample_format);
}

void add_first_window(CLI::App& verb, engine::SongRequest& request) {
    verb.add_option(both_names("first-window-ms"), request.first_window_ms,
                    "Length of the codec's first window; shorter ones are heard earlier and sound a little different")
        ->capture_default_str();
}

}  // namespace heart::app
