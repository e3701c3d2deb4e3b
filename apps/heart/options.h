#pragma once

#include "audio/write_file.h"
#include "engine/options.h"
#include "formats/bytes.h"

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace heart::app {

/// An option under its dashed name and, for scripts written for the reference, its underscored one:
/// "max-audio-length-ms" -> "--max-audio-length-ms,--max_audio_length_ms".
[[nodiscard]] std::string both_names(const std::string& name);

/// Options that several verbs share.
struct CommonOptions {
    std::string model_path;  ///< empty: the built-in demo model
    std::string version = "3B";
    std::string device = "auto", mula_device, codec_device;
    std::string kv_dtype, mula_dtype = "bfloat16", codec_dtype = "float32";
    std::string lazy_load = "false";
    int threads = 0;
    bool json = false;
    bool quiet = false;

    void add_model(CLI::App& verb);
    void add_engine(CLI::App& verb);
    void add_output(CLI::App& verb);

    /// The folder that --model-path names, or the built-in demo model.
    [[nodiscard]] formats::Folder model_folder() const;
    [[nodiscard]] std::string model_label() const;
    [[nodiscard]] engine::EngineOptions engine_options() const;
};

/// Options of a file that is written.
struct AudioOptions {
    std::string save_path;
    std::string sample_format = "s24";
    std::string spectrogram;
    std::string title;

    void add(CLI::App& verb, const std::string& default_path);
    [[nodiscard]] audio::SampleFormat format() const;
};

/// "s16", "s24" or "f32"; none for anything else.
[[nodiscard]] std::optional<audio::SampleFormat> sample_format_named(const std::string& name);

/// Adds --first-window-ms.
void add_first_window(CLI::App& verb, engine::SongRequest& request);

/// "true", "yes", "1", "on" or "false", "no", "0", "off", as the reference's script reads them. ErrorCode::usage.
[[nodiscard]] bool parse_bool(const std::string& text, const char* option);

/// Where a studio keeps its data unless told otherwise: $XDG_DATA_HOME/heart, or ~/.local/share/heart. ErrorCode::usage when
/// neither is known.
[[nodiscard]] std::string default_data_folder();

/// All of a text file, or of standard input for "-". At most 1 MiB (ErrorCode::limit).
[[nodiscard]] std::string read_text(const std::string& path);

/// Tags are text. Only '@FILE', or a name that ends in ".txt" or holds a '/' and is a file, is read as one. Without the end
/// of the last line. ErrorCode::not_found for a name of a text file that is not there.
[[nodiscard]] std::string read_tags(const std::string& tags);

}  // namespace heart::app
