#include "audio/replace_file.h"
#include "core/error.h"
#include "engine/checkpoint_set.h"
#include "engine/transcriber.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "speech/subtitles.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>

namespace heart::app {

namespace {

using engine::Transcript;
using engine::TranscriptionRequest;
using Json = nlohmann::ordered_json;
using Mode = TranscriptionRequest::Mode;
using Times = TranscriptionRequest::Times;

struct TranscribeOptions {
    CommonOptions common;  // --model-path, --device, --threads, --json, --quiet
    std::vector<std::string> files;
    std::string audio, output, align, format, timestamps, mode = "chunked", dtype = "float16", temperatures;
    TranscriptionRequest request;
    double compression_ratio = 1.8, log_probability = -1.0, no_speech = 0.4;
    bool sequential = false;
};

/// One of a few words, or ErrorCode::usage listing them.
template <typename Value>
Value one_of(const char* option, const std::string& text, const std::vector<std::pair<const char*, Value>>& values) {
    std::string names;
    for (const auto& [name, value] : values) {
        if (text == name) return value;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    }
    throw Error(ErrorCode::usage, option).expected(names).found(printable(text, 40));
}

std::vector<double> read_temperatures(const std::string& list) {
    std::vector<double> out;
    std::istringstream in(list);
    for (std::string word; std::getline(in, word, ',');) {
        std::istringstream number(word);
        double value = 0;
        if (!(number >> value) || !number.eof()) {
            throw Error(ErrorCode::usage, "--temperature")
                .expected("numbers with commas between")
                .found(printable(list, 60));
        }
        out.push_back(value);
    }
    return out;
}

enum class Format { text, json, lrc, srt, vtt };

Format format_of(const TranscribeOptions& o) {
    const std::string name = !o.format.empty() ? o.format : !o.align.empty() ? "lrc" : "txt";
    return one_of<Format>("--format", name,
                          {{"txt", Format::text},
                           {"text", Format::text},
                           {"json", Format::json},
                           {"lrc", Format::lrc},
                           {"srt", Format::srt},
                           {"vtt", Format::vtt}});
}

TranscriptionRequest request_of(const TranscribeOptions& o, Format format) {
    TranscriptionRequest r = o.request;
    r.mode = o.sequential ? Mode::sequential
                          : one_of<Mode>("--mode", o.mode, {{"chunked", Mode::chunked}, {"sequential", Mode::sequential}});
    const bool timed = format != Format::text && format != Format::json;
    const std::string times = !o.timestamps.empty() ? o.timestamps : timed ? "line" : "none";
    r.times = one_of<Times>("--timestamps", times, {{"none", Times::none}, {"line", Times::line}, {"word", Times::word}});
    if (timed && r.times == Times::none) {
        throw Error(ErrorCode::usage, "--timestamps none").expected("line or word for LRC, SRT and WebVTT");
    }
    if (!o.temperatures.empty()) r.fallback.temperatures = read_temperatures(o.temperatures);
    r.fallback.compression_ratio = o.compression_ratio;
    r.fallback.log_probability = o.log_probability;
    r.fallback.no_speech = o.no_speech;
    check_request(r);
    return r;
}

// --- what was heard -----------------------------------------------------------------------------------------------------

Json words_json(const std::vector<engine::TranscribedWord>& words) {
    Json out = Json::array();
    for (const auto& w : words) {
        out.push_back({{"word", w.text}, {"start", w.start}, {"end", w.end}, {"probability", w.probability}});
    }
    return out;
}

Json transcript_json(const Transcript& t) {
    Json out{{"text", t.text}, {"language", t.language}, {"seconds", t.seconds}};
    out["segments"] = Json::array();
    for (const auto& s : t.segments) {
        Json segment{{"start", s.start}, {"end", s.end}, {"text", s.text}, {"language", s.language}};
        if (!s.words.empty()) segment["words"] = words_json(s.words);
        out["segments"].push_back(std::move(segment));
    }
    out["chunks"] = Json::array();
    for (const auto& c : t.chunks) {
        out["chunks"].push_back({{"start", c.start},
                                 {"end", c.end},
                                 {"text", c.text},
                                 {"language", c.language},
                                 {"language_probability", c.language_probability},
                                 {"temperature", c.temperature},
                                 {"avg_logprob", c.average_log_probability},
                                 {"compression_ratio", c.compression_ratio},
                                 {"no_speech_prob", c.no_speech_probability},
                                 {"skipped", c.skipped},
                                 {"tokens", c.tokens}});
    }
    return out;
}

std::vector<speech::TimedText> timed_words(const std::vector<engine::TranscribedWord>& words) {
    std::vector<speech::TimedText> out;
    out.reserve(words.size());
    for (const auto& w : words) out.push_back({w.text, w.start, w.end});
    return out;
}

std::string subtitles(const std::vector<speech::TimedLine>& lines, Format format) {
    return format == Format::srt ? to_srt(lines) : format == Format::vtt ? to_vtt(lines) : to_lrc(lines);
}

std::string lines_of(const Transcript& t, Format format) {
    std::vector<speech::TimedLine> lines;
    for (const auto& s : t.segments) lines.push_back({{s.text, s.start, s.end}, timed_words(s.words)});
    return subtitles(lines, format);
}

/// The text as people read it: a segment a line where segments are lines.
std::string plain_text(const Transcript& t, Times times) {
    const auto trimmed = [](const std::string& text) {
        const std::size_t first = text.find_first_not_of(' ');
        return first == std::string::npos ? std::string() : text.substr(first);
    };
    if (times == Times::none) return trimmed(t.text) + "\n";
    std::string out;
    for (const auto& s : t.segments) out += trimmed(s.text) + "\n";
    return out;
}

struct Result {
    std::string text;  ///< in the format that was asked for
    Json json;
    std::string summary;
};

Result transcribe_one(engine::Transcriber& transcriber, const std::string& file, const TranscriptionRequest& request,
                      Format format, const ProgressFn& progress) {
    const Transcript t = transcriber.transcribe(std::filesystem::path(file), request, progress, interrupt_token());
    const bool silent = t.text.find_first_not_of(' ') == std::string::npos;
    if (silent) {
        throw Error(ErrorCode::not_found, fmt::format("no speech in '{}'", printable(file)))
            .found(fmt::format("{:.1f} s of sound without words", t.seconds))
            .hint("is it an instrumental? else try --no-speech-threshold 1");
    }
    Result out;
    out.json = transcript_json(t);
    out.text = format == Format::text   ? plain_text(t, request.times)
               : format == Format::json ? out.json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                                        : lines_of(t, format);
    out.summary = fmt::format("{:.1f} s, {}", t.seconds, t.language.empty() ? "one language" : t.language);
    return out;
}

Result align_one(engine::Transcriber& transcriber, const std::string& file, const std::string& lyrics,
                 const std::string& language, bool words, Format format, const ProgressFn& progress) {
    const auto aligned = transcriber.align(std::filesystem::path(file), lyrics, language, progress, interrupt_token());
    std::vector<speech::TimedLine> lines;
    Result out{.json = {{"lines", Json::array()}}};
    for (const engine::AlignedLine& l : aligned) {
        lines.push_back({{l.text, l.start, l.end}, words ? timed_words(l.words) : std::vector<speech::TimedText>{}});
        Json line{{"text", l.text}, {"start", l.start}, {"end", l.end}};
        if (words) line["words"] = words_json(l.words);
        out.json["lines"].push_back(std::move(line));
    }
    out.text = format == Format::json ? out.json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                                      : subtitles(lines, format);
    out.summary = fmt::format("{} lines", lines.size());
    return out;
}

// --- many files ---------------------------------------------------------------------------------------------------------

const char* ending(Format format) {
    switch (format) {
        case Format::text: return ".txt";
        case Format::json: return ".json";
        case Format::lrc: return ".lrc";
        case Format::srt: return ".srt";
        case Format::vtt: return ".vtt";
    }
    return "";
}

/// Where the text of a file goes: nothing means standard output.
std::filesystem::path target_of(const TranscribeOptions& o, const std::string& file, Format format) {
    if (o.output.empty()) return {};
    std::filesystem::path output(o.output);
    if (o.files.size() == 1 && !std::filesystem::is_directory(output)) return output;
    return output / std::filesystem::path(file).filename().replace_extension(ending(format));
}

/// Makes the folder for the texts of several files, or one that is named as a folder, where there is none yet.
void prepare_output(const TranscribeOptions& o) {
    if (o.files.empty()) throw Error(ErrorCode::usage, "nothing to transcribe").expected("one or more audio files");
    const bool folder = !o.output.empty() && (o.files.size() > 1 || o.output.back() == '/');
    std::error_code failure;
    if (folder) std::filesystem::create_directories(o.output, failure);
    if (folder && !std::filesystem::is_directory(o.output)) {
        throw Error(ErrorCode::usage, fmt::format("'{}' is no folder", printable(o.output)))
            .expected("a folder, or a place where one can be made, for the texts of several files")
            .found(failure ? failure.message() : "a file");
    }
    if (o.files.size() > 1 && !o.align.empty()) {
        throw Error(ErrorCode::usage, "--align").expected("one audio file").found(fmt::format("{}", o.files.size()));
    }
    if (o.common.model_path.empty()) {
        throw Error(ErrorCode::usage, "no model to transcribe with")
            .expected(fmt::format("--model-path DIR with {}/", engine::CheckpointSet::transcriptor_folder()));
    }
}

void write_result(const TranscribeOptions& o, const std::string& file, Format format, const Result& result, Json& reports) {
    const std::filesystem::path target = target_of(o, file, format);
    if (!target.empty()) audio::replace_file(target, result.text);
    note(o.common, fmt::format("{}{}: {}", printable(file), target.empty() ? "" : " -> " + target.string(), result.summary));
    if (o.common.json) {
        Json report = result.json;
        report["file"] = printable(file, 4096);
        reports.push_back(std::move(report));
    } else if (target.empty()) {
        if (o.files.size() > 1 && format != Format::json) fmt::print("== {} ==\n", printable(file));
        fmt::print("{}", result.text);
    }
}

/// No text overwrites another one.
void check_targets(const TranscribeOptions& o, Format format) {
    std::set<std::filesystem::path> seen;
    for (const std::string& file : o.files) {
        const auto target = target_of(o, file, format);
        if (!target.empty() && !seen.insert(target).second) {
            throw Error(ErrorCode::usage,
                        fmt::format("two of the files would be written to '{}'", printable(target.string())))
                .expected("names that differ before their endings");
        }
    }
}

int transcribe(TranscribeOptions& o) {
    interrupt_token();
    if (!o.audio.empty()) o.files.insert(o.files.begin(), o.audio);
    const Format format = format_of(o);
    const TranscriptionRequest request = request_of(o, format);
    const std::string lyrics = o.align.empty() ? "" : read_text(o.align);
    prepare_output(o);
    check_targets(o, format);
    engine::Transcriber transcriber(o.common.model_folder(),
                                    {o.common.device, engine::parse_type(o.dtype), o.common.threads});
    ProgressBar bar(!o.common.quiet);
    Json reports = Json::array();
    int failed = 0;
    for (const std::string& file : o.files) {
        try {
            const Result result = o.align.empty() ? transcribe_one(transcriber, file, request, format, bar.callback())
                                                  : align_one(transcriber, file, lyrics, request.language,
                                                              request.times == Times::word, format, bar.callback());
            bar.finish();
            write_result(o, file, format, result, reports);
        } catch (const Error& e) {
            bar.finish();
            // One bad file of many does not keep the others from their text.
            if (o.files.size() == 1 || e.code() == ErrorCode::cancelled || e.code() == ErrorCode::memory) throw;
            fmt::print(stderr, "heart: {}: {}\n", printable(file), e.what());
            Json report = error_json(e);
            report["file"] = printable(file, 4096);
            reports.push_back(std::move(report));
            ++failed;
        }
    }
    if (o.common.json) print_json(o.files.size() == 1 ? reports.at(0) : Json{{"files", reports}});
    return failed == 0 ? kExitDone : kExitFailed;
}

}  // namespace

void add_transcribe(CLI::App& app, Action& action) {
    auto o = std::make_shared<TranscribeOptions>();
    CLI::App* verb = app.add_subcommand("transcribe", "Turn songs into their lyrics");
    auto& r = o->request;
    verb->add_option("files", o->files, "WAV, FLAC, MP3, Ogg, Opus; M4A where ffmpeg is installed")->type_name("FILE");
    verb->add_option("--audio", o->audio, "One more audio file, for scripts")->type_name("FILE");
    verb->add_option(both_names("model-path"), o->common.model_path,
                     "Folder with HeartTranscriptor-oss/, or that folder, or any Whisper in Hugging Face's layout")
        ->type_name("DIR");
    verb->add_option("--format", o->format, "txt, json, lrc, srt or vtt; txt where not given, lrc with --align");
    verb->add_option("-o,--output", o->output, "File to write, or folder for several; else standard output")
        ->type_name("PATH");
    verb->add_option("--align", o->align, "Known lyrics: says when each line is sung")->type_name("FILE|-");
    const std::string hearing = "How it hears";
    verb->add_option("--language", r.language, "Code or English name; detected every 30 s where not given")->group(hearing);
    verb->add_option("--task", r.task, "transcribe, or translate into English")->capture_default_str()->group(hearing);
    verb->add_option("--timestamps", o->timestamps, "none, line or word; none for txt and json, line for the others")
        ->group(hearing);
    verb->add_option("--mode", o->mode, "chunked: overlapping 30 s; sequential: each from the last timestamp on")
        ->capture_default_str()
        ->group(hearing);
    verb->add_flag("--sequential", o->sequential, "The same as --mode sequential")->group(hearing);
    verb->add_option("--beams,--num-beams,--num_beams", r.fallback.beams, "Beams of the search at temperature 0")
        ->capture_default_str()
        ->group(hearing);
    verb->add_option("--temperature", o->temperatures, "Tried in this order until a text is believed: 0,0.1,0.2,0.4")
        ->group(hearing);
    verb->add_option(both_names("max-new-tokens"), r.fallback.max_new_tokens, "Most tokens of 30 s")
        ->capture_default_str()
        ->group(hearing);
    verb->add_option(both_names("compression-ratio-threshold"), o->compression_ratio,
                     "A text that compresses better repeats")
        ->capture_default_str()
        ->group(hearing);
    verb->add_option(both_names("logprob-threshold"), o->log_probability, "A text that is less likely is not believed")
        ->capture_default_str()
        ->group(hearing);
    verb->add_option(both_names("no-speech-threshold"), o->no_speech, "Where silence is likelier, such a text is dropped")
        ->capture_default_str()
        ->group(hearing);
    verb->add_option("--seed", r.fallback.seed, "Seed of draws at temperatures above 0")
        ->capture_default_str()
        ->group(hearing);
    const std::string group = "How it runs";
    verb->add_option("--device", o->common.device, "Device of the model")->capture_default_str()->group(group);
    verb->add_option("--dtype", o->dtype, "Matrices: float32 (exact), float16, bfloat16, q8_0, q6_k, q5_k, q4_k or q4_0")
        ->capture_default_str()
        ->group(group);
    verb->add_option("--threads", o->common.threads, "CPU threads; 0 means one per core")
        ->capture_default_str()
        ->group(group);
    o->common.add_output(*verb);
    verb->callback([o, &action] { action = [o] { return transcribe(*o); }; });
}

}  // namespace heart::app
