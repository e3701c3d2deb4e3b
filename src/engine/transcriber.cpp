#include "engine/transcriber.h"

#include "core/error.h"
#include "engine/checkpoint_set.h"
#include "engine/listener.h"
#include "engine/sliding_sound.h"
#include "engine/transcript_words.h"
#include "models/hearttranscriptor/model.h"
#include "speech/languages.h"
#include "text/lyric_units.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace heart::engine {

namespace {

constexpr double kRate = audio::LogMel::kSampleRate;
constexpr std::uint64_t kStride = 5 * audio::LogMel::kSampleRate;  // of a chunk with each neighbour
constexpr std::uint64_t kChunk = audio::LogMel::kSamples;

using Times = TranscriptionRequest::Times;
using Mode = TranscriptionRequest::Mode;

std::string language_token(const std::string& language) {
    if (language.empty()) return "";
    const auto code = speech::language_code(language);
    return code ? *code : language;  // a model may know others
}

}  // namespace

void check_request(const TranscriptionRequest& r) {
    const auto refuse = [](const char* what, const char* expected, const std::string& found) {
        throw Error(ErrorCode::usage, what).expected(expected).found(printable(found, 40));
    };
    const speech::Fallback& f = r.fallback;
    if (r.task != "transcribe" && r.task != "translate") refuse("no such task", "transcribe or translate", r.task);
    if (f.beams < 1 || f.beams > 32) refuse("the number of beams", "1 to 32", std::to_string(f.beams));
    if (f.max_new_tokens < 1 || f.max_new_tokens > 1 << 13) {
        refuse("the number of new tokens", "1 to 8192", std::to_string(f.max_new_tokens));
    }
    if (f.temperatures.empty() || f.temperatures.size() > 32) {
        refuse("the temperatures", "1 to 32 of them", std::to_string(f.temperatures.size()));
    }
    for (const double t : f.temperatures) {
        if (!(t >= 0 && t <= 10)) refuse("a temperature", "0 to 10", fmt::format("{}", t));
    }
}

formats::Folder find_transcriptor(const formats::Folder& root) {
    if (formats::Folder inside = root.sub(CheckpointSet::transcriptor_folder()); inside.exists()) return inside;
    if (root.has("config.json") && root.has("generation_config.json")) return root;
    throw Error(ErrorCode::not_found, fmt::format("no transcriptor in '{}'", root.describe()))
        .expected(fmt::format("a folder with {}/, or that folder itself", CheckpointSet::transcriptor_folder()))
        .hint("name it with --model-path");
}

// --- the loaded model ---------------------------------------------------------------------------------------------------

struct Transcriber::Loaded {
    TranscriptorFiles files;
    std::unique_ptr<hearttranscriptor::Model> model;
    std::unique_ptr<Listener> listener;
    std::size_t beams = 0;

    Listener& listener_for(std::size_t wanted) {
        if (!listener || wanted > beams) {
            listener.reset();
            listener = std::make_unique<Listener>(*model, files, wanted);
            beams = wanted;
        }
        return *listener;
    }
};

Transcriber::Transcriber(const formats::Folder& model_folder, const TranscriberOptions& options)
    : folder_(find_transcriptor(model_folder)), options_(options) {
    (void)graph::Device::open(options.device, options.threads);  // an unknown one is told before anything is read
}

Transcriber::~Transcriber() = default;

Transcriber::Loaded& Transcriber::loaded(const ProgressFn& progress, const CancelToken& cancel) {
    if (loaded_) return *loaded_;
    formats::Checkpoint checkpoint = formats::Checkpoint::open(folder_);
    TranscriptorFiles files = TranscriptorFiles::read(folder_, checkpoint.config());
    const auto device = graph::Device::open(options_.device, options_.threads);
    constexpr std::int64_t kBeams = 2;
    const std::uint64_t wanted = hearttranscriptor::check_checkpoint(checkpoint, options_.type) +
                                 hearttranscriptor::Session::cache_bytes(files.config, kBeams, graph::Type::f16);
    const std::uint64_t free = room_on(*device, *device).language_model;
    if (free > 0 && wanted > free) {
        throw Error(ErrorCode::memory, "the transcriptor does not fit into memory")
            .expected(fmt::format("{:.1f} GB", static_cast<double>(wanted) / 1e9))
            .found(fmt::format("{:.1f} GB available", static_cast<double>(free) / 1e9))
            .hint("try a smaller --dtype");
    }
    auto model = hearttranscriptor::Model::load(
        std::move(checkpoint), device, options_.type,
        [&](std::uint64_t done, std::uint64_t total) {
            if (progress) progress({Phase::load_transcriptor, static_cast<double>(done), static_cast<double>(total), 0});
        },
        cancel);
    loaded_ = std::make_unique<Loaded>(Loaded{std::move(files), std::move(model), nullptr, 0});
    return *loaded_;
}

// --- transcribing -------------------------------------------------------------------------------------------------------

namespace {

/// One sound on its way to a text.
class Transcription {
public:
    Transcription(const TranscriptorFiles& files, Listener& listener, const TranscriptionRequest& request,
                  const CancelToken& cancel)
        : files_(files),
          listener_(listener),
          request_(request),
          cancel_(cancel),
          language_(language_token(request.language)),
          timestamps_(request.times != Times::none || request.mode == Mode::sequential) {}

    using Heard = std::function<void(double seconds)>;
    Transcript chunked(SlidingSound& sound, const Heard& heard);
    Transcript sequential(SlidingSound& sound, const Heard& heard);

private:
    /// Hears samples that begin at `first` and decodes them; adds to `chunks`.
    std::vector<speech::TimedToken> hear(std::span<const float> samples, std::uint64_t first);
    void place_tokens(std::vector<speech::TimedToken>& tokens, const std::string& language, double start, double seconds);
    [[nodiscard]] std::string text_of(std::span<const speech::TimedToken> tokens) const;
    void add_segment(std::span<const speech::TimedToken> tokens, const std::string& language, double start, double end);
    Transcript finish(double seconds);

    const TranscriptorFiles& files_;
    Listener& listener_;
    const TranscriptionRequest& request_;
    const CancelToken& cancel_;
    std::string language_;
    bool timestamps_;
    Transcript out_;
};

std::vector<speech::TimedToken> Transcription::hear(std::span<const float> samples, std::uint64_t first) {
    cancel_.check();
    const double start = static_cast<double>(first) / kRate, seconds = static_cast<double>(samples.size()) / kRate;
    listener_.listen(samples);
    cancel_.check();
    HeardLanguage language{language_, 1};
    if (language_.empty() && files_.generation.multilingual) language = listener_.detect_language();
    const auto prompt = listener_.prompt(language.code, request_.task, timestamps_);
    const speech::Attempt attempt =
        listener_.decode(prompt, request_.fallback, timestamps_, static_cast<std::uint32_t>(out_.chunks.size()), cancel_);
    std::vector<speech::TimedToken> tokens;
    for (const speech::ScoredToken& t : attempt.text.tokens) {
        const bool counts = !attempt.skipped && !files_.detokenizer.is_special(t.id);
        if (counts) tokens.push_back({t.id, t.log_probability});
    }
    out_.chunks.push_back({start, start + seconds, language.code, text_of(tokens), language.probability, attempt.temperature,
                           attempt.average_log_probability, attempt.compression_ratio, attempt.no_speech_probability,
                           attempt.skipped, attempt.text.ids()});
    if (request_.times == Times::word) place_tokens(tokens, language.code, start, seconds);
    return tokens;
}

/// Gives the words among the tokens their times; timestamps stay without.
void Transcription::place_tokens(std::vector<speech::TimedToken>& tokens, const std::string& language, double start,
                                 double seconds) {
    std::vector<std::int32_t> words;
    for (const auto& t : tokens) {
        if (t.id < files_.generation.first_timestamp()) words.push_back(t.id);
    }
    const auto prompt = listener_.prompt(language, request_.task, false);
    if (words.empty() || words.size() > listener_.room_behind(prompt.size())) return;
    const auto entries = speech::warp(listener_.alignment(prompt, words, seconds));
    std::size_t i = 0;
    for (auto& t : tokens) {
        if (t.id >= files_.generation.first_timestamp()) continue;
        t.start = start + static_cast<double>(entries[i]) * speech::kColumnSeconds;
        t.end = start + static_cast<double>(entries[i + 1]) * speech::kColumnSeconds;
        t.timed = true;
        ++i;
    }
}

std::string Transcription::text_of(std::span<const speech::TimedToken> tokens) const {
    std::vector<std::int32_t> ids;
    for (const auto& t : tokens) {
        if (t.id < files_.generation.first_timestamp()) ids.push_back(t.id);
    }
    return files_.text_of(ids);
}

void Transcription::add_segment(std::span<const speech::TimedToken> tokens, const std::string& language, double start,
                                double end) {
    TranscribedSegment s{text_of(tokens), language, start, end, {}};
    const bool placed = !tokens.empty() && std::all_of(tokens.begin(), tokens.end(), [](const auto& t) { return t.timed; });
    if (placed) {
        s.words = words_of(tokens, files_.detokenizer, language);
        s.start = std::min(s.start, s.words.front().start);  // a line lasts as long as its words
        s.end = std::max(s.end, s.words.back().end);
    }
    if (!out_.segments.empty()) s.start = std::max(s.start, out_.segments.back().start);
    s.end = std::max(s.end, s.start);
    out_.segments.push_back(std::move(s));
}

Transcript Transcription::chunked(SlidingSound& sound, const Heard& heard) {
    speech::ChunkJoiner joiner(files_.generation.first_timestamp());
    for (std::uint64_t first = 0;; first += kChunk - 2 * kStride) {
        const auto samples = sound.from(first);
        const std::uint64_t left = first == 0 ? 0 : kStride, right = sound.at_end() ? 0 : kStride;
        if (samples.size() > left) {
            const auto tokens = hear(samples, first);
            joiner.add(tokens, {static_cast<double>(samples.size()) / kRate, static_cast<double>(left) / kRate,
                                static_cast<double>(right) / kRate});
        }
        heard(static_cast<double>(first + samples.size()) / kRate);
        if (sound.at_end()) break;
    }
    const double seconds = static_cast<double>(sound.length()) / kRate;
    double latest = 0;
    for (const speech::ChunkSegment& s : joiner.finish()) {
        const std::size_t chunk = std::min(s.first_chunk, out_.chunks.size() - 1);
        const double start = s.start.value_or(latest);
        latest = std::max(start, s.end.value_or(seconds));  // an end that was never said is the sound's
        add_segment(s.tokens, out_.chunks[chunk].language, start, latest);
    }
    return finish(seconds);
}

Transcript Transcription::sequential(SlidingSound& sound, const Heard& heard) {
    constexpr double kLeastAdvance = 0.01;
    for (std::uint64_t first = 0;;) {
        const auto samples = sound.from(first);
        if (samples.empty()) break;
        const double start = static_cast<double>(first) / kRate, seconds = static_cast<double>(samples.size()) / kRate;
        const auto tokens = hear(samples, first);
        std::vector<std::int32_t> ids;
        ids.reserve(tokens.size());
        for (const auto& t : tokens) ids.push_back(t.id);
        const auto window = speech::cut_window(ids, files_.generation.first_timestamp(), seconds);
        for (const speech::WindowSegment& s : window.segments) {
            const auto part = std::span(tokens).subspan(s.first, s.last - s.first);
            std::vector<speech::TimedToken> text;
            std::copy_if(part.begin(), part.end(), std::back_inserter(text),
                         [&](const auto& t) { return t.id < files_.generation.first_timestamp(); });
            add_segment(text, out_.chunks.back().language, start + s.start, start + s.end);
        }
        first += static_cast<std::uint64_t>(std::lround(std::max(window.advance, kLeastAdvance) * kRate));
        heard(std::min(static_cast<double>(first), static_cast<double>(sound.length())) / kRate);
        if (sound.at_end() && first >= sound.length()) break;
    }
    return finish(static_cast<double>(sound.length()) / kRate);
}

Transcript Transcription::finish(double seconds) {
    std::map<std::string, int> languages;
    for (const TranscribedChunk& c : out_.chunks) {
        const int count = languages[c.language] += c.skipped ? 0 : 1;
        if (out_.language.empty() || count > languages[out_.language]) out_.language = c.language;
    }
    for (const TranscribedSegment& s : out_.segments) out_.text += s.text;
    out_.seconds = seconds;
    return std::move(out_);
}

[[noreturn]] void no_samples() {
    throw Error(ErrorCode::malformed, "there is no sound to hear").expected("at least one sample");
}

}  // namespace

Transcript Transcriber::transcribe(const SoundSource& source, const TranscriptionRequest& request,
                                   const ProgressFn& progress, const CancelToken& cancel, double seconds) {
    check_request(request);
    SlidingSound sound(source);
    if (sound.from(0).empty()) no_samples();
    Loaded& model = loaded(progress, cancel);
    Transcription work(model.files, model.listener_for(request.fallback.beams), request, cancel);
    const auto heard = [&](double done) {
        if (progress) progress({Phase::transcribe, done, std::max(seconds, done), done});
    };
    heard(0);
    return request.mode == Mode::sequential ? work.sequential(sound, heard) : work.chunked(sound, heard);
}

Transcript Transcriber::transcribe(const std::filesystem::path& file, const TranscriptionRequest& request,
                                   const ProgressFn& progress, const CancelToken& cancel) {
    const SoundFile sound = open_sound(file, audio::LogMel::kSampleRate);
    return transcribe(sound.source, request, progress, cancel, sound.seconds_stated);
}

// --- aligning -----------------------------------------------------------------------------------------------------------

namespace {

struct LyricsLine {
    std::string text;
    std::vector<std::int32_t> ids;
};

std::vector<LyricsLine> lines_to_sing(std::string_view lyrics, const text::Tokenizer& tokenizer) {
    std::vector<LyricsLine> out;
    for (std::string& line : text::sung_lines(lyrics)) {
        std::vector<std::int32_t> ids = tokenizer.encode(" " + line, false);
        out.push_back({std::move(line), std::move(ids)});
    }
    if (out.empty()) throw Error(ErrorCode::usage, "the lyrics have no words").expected("at least one line of text");
    return out;
}

/// Known lines on their way through a sound.
class Alignment {
public:
    Alignment(const TranscriptorFiles& files, Listener& listener, std::vector<LyricsLine> lines, std::string language,
              const CancelToken& cancel)
        : files_(files), listener_(listener), lines_(std::move(lines)), language_(std::move(language)), cancel_(cancel) {}

    std::vector<AlignedLine> run(SlidingSound& sound, const std::function<void(double)>& heard);

private:
    /// Places lines in one window and returns how far to go on, in seconds.
    double window(std::span<const float> samples, double start, bool last);
    void add(const LyricsLine& line, std::span<const std::size_t> entries, double start);

    const TranscriptorFiles& files_;
    Listener& listener_;
    std::vector<LyricsLine> lines_;
    std::string language_;
    const CancelToken& cancel_;
    std::size_t next_ = 0;
    std::vector<AlignedLine> out_;
};

void Alignment::add(const LyricsLine& line, std::span<const std::size_t> entries, double start) {
    std::vector<speech::TimedToken> tokens;
    for (std::size_t i = 0; i < line.ids.size(); ++i) {
        const auto at = [&](std::size_t k) { return start + static_cast<double>(entries[k]) * speech::kColumnSeconds; };
        tokens.push_back({line.ids[i], 0, at(i), at(i + 1), true});
    }
    AlignedLine out{line.text, tokens.front().start, tokens.back().end, words_of(tokens, files_.detokenizer, language_)};
    out_.push_back(std::move(out));
    ++next_;
}

double Alignment::window(std::span<const float> samples, double start, bool last) {
    constexpr double kSilence = 0.6;          // Whisper's own threshold of no speech
    constexpr double kMargin = 2;             // seconds before the end of a window in which a line may be cut off
    constexpr std::size_t kMostTokens = 200;  // more are never sung in 30 seconds
    const double seconds = static_cast<double>(samples.size()) / kRate;
    listener_.listen(samples);
    if (!last && listener_.no_speech_probability() > kSilence) return seconds;
    if (language_.empty() && files_.generation.multilingual) language_ = listener_.detect_language().code;
    const auto prompt = listener_.prompt(language_, "transcribe", false);
    const std::size_t most = std::min(kMostTokens, listener_.room_behind(prompt.size()));
    std::vector<std::int32_t> ids;
    std::vector<std::size_t> firsts;
    std::size_t end = next_;
    for (; end < lines_.size() && ids.size() + lines_[end].ids.size() <= most; ++end) {
        firsts.push_back(ids.size());
        ids.insert(ids.end(), lines_[end].ids.begin(), lines_[end].ids.end());
    }
    if (firsts.empty()) {
        throw Error(ErrorCode::limit, "a line of the lyrics is too long to be aligned")
            .expected(fmt::format("at most {} tokens", most))
            .found(fmt::format("{} in '{}'", lines_[next_].ids.size(), printable(lines_[next_].text, 40)));
    }
    const speech::Matrix matrix = listener_.alignment(prompt, ids, seconds);
    const bool everything = last && end == lines_.size();
    const auto entries = speech::warp(matrix, everything);
    double reached = 0;
    const std::size_t first_line = next_;
    for (std::size_t i = 0; first_line + i < end; ++i) {
        const LyricsLine& line = lines_[first_line + i];
        const auto place = std::span(entries).subspan(firsts[i], line.ids.size() + 1);
        const double line_end = static_cast<double>(place.back()) * speech::kColumnSeconds;
        if (!everything && line_end > seconds - kMargin) break;
        add(line, place, start);
        reached = line_end;
    }
    if (next_ > first_line) return std::max(reached, speech::kColumnSeconds);
    const double begin = static_cast<double>(entries[0]) * speech::kColumnSeconds;
    if (last) {  // the line is cut off by the end of the sound
        const LyricsLine& line = lines_[next_];
        std::vector<std::size_t> place(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(line.ids.size()) + 1);
        for (std::size_t& p : place) p = std::min(p, matrix.columns);
        add(line, place, start);
        return seconds;
    }
    return begin > seconds / 3 ? begin : seconds * 2 / 3;
}

std::vector<AlignedLine> Alignment::run(SlidingSound& sound, const std::function<void(double)>& heard) {
    std::uint64_t first = 0;
    while (next_ < lines_.size()) {
        cancel_.check();
        const auto samples = sound.from(first);
        if (samples.empty()) break;
        const double advance = window(samples, static_cast<double>(first) / kRate, sound.at_end());
        first += static_cast<std::uint64_t>(std::lround(advance * kRate));
        heard(static_cast<double>(std::min(first, sound.length())) / kRate);
    }
    const double end = static_cast<double>(sound.length()) / kRate;
    for (; next_ < lines_.size(); ++next_) out_.push_back({lines_[next_].text, end, end, {}});  // more lines than sound
    return std::move(out_);
}

}  // namespace

std::vector<AlignedLine> Transcriber::align(const SoundSource& source, std::string_view lyrics, const std::string& language,
                                            const ProgressFn& progress, const CancelToken& cancel, double seconds) {
    SlidingSound sound(source);
    if (sound.from(0).empty()) no_samples();
    Loaded& model = loaded(progress, cancel);
    Alignment work(model.files, model.listener_for(1), lines_to_sing(lyrics, model.files.tokenizer),
                   language_token(language), cancel);
    const auto heard = [&](double done) {
        if (progress) progress({Phase::transcribe, done, std::max(seconds, done), done});
    };
    heard(0);
    return work.run(sound, heard);
}

std::vector<AlignedLine> Transcriber::align(const std::filesystem::path& file, std::string_view lyrics,
                                            const std::string& language, const ProgressFn& progress,
                                            const CancelToken& cancel) {
    const SoundFile sound = open_sound(file, audio::LogMel::kSampleRate);
    return align(sound.source, lyrics, language, progress, cancel, sound.seconds_stated);
}

}  // namespace heart::engine
