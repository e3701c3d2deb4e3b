#pragma once

#include "core/cancel.h"
#include "core/progress.h"
#include "engine/sound_source.h"
#include "formats/bytes.h"
#include "graph/tensor.h"
#include "speech/fallback.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::engine {

/// Where and how the transcriptor runs.
struct TranscriberOptions {
    std::string device = "auto";
    graph::Type type = graph::Type::f16;  ///< of matrices: f32 is the exact mode, f16 what the reference uses
    int threads = 0;                      ///< 0: one per core
};

/// How a song is transcribed. Defaults are the reference's (heartlib examples/run_lyrics_transcription.py).
struct TranscriptionRequest {
    enum class Mode {
        chunked,    ///< 30 s at a time, 5 s of them shared with each neighbour; texts are joined where they agree
        sequential  ///< 30 s at a time, each from the last timestamp of the one before
    };
    enum class Times {
        none,
        line,  ///< of segments, from the timestamps that the model writes
        word   ///< of words as well, from its cross-attention
    };
    std::string language;             ///< a code or an English name; empty: detected for each 30 s
    std::string task = "transcribe";  ///< or "translate": into English
    Mode mode = Mode::chunked;
    Times times = Times::none;  ///< sequential decoding has times of lines at least
    speech::Fallback fallback;
};

/// Throws ErrorCode::usage or ::limit naming the first setting that is out of range.
void check_request(const TranscriptionRequest& request);

/// A piece of the text in time; seconds of the sound.
struct TranscribedWord {
    std::string text;  ///< as it stands in the line, with the space before it
    double start = 0, end = 0;
    double probability = 0;  ///< mean over its tokens
};

struct TranscribedSegment {
    std::string text, language;
    double start = 0, end = 0;
    std::vector<TranscribedWord> words;  ///< where they were asked for
};

/// What was heard in 30 seconds, and how sure that is.
struct TranscribedChunk {
    double start = 0, end = 0;
    std::string language, text;
    double language_probability = 1;  ///< 1 for a language that was given
    double temperature = 0, average_log_probability = 0, compression_ratio = 0, no_speech_probability = 0;
    bool skipped = false;              ///< no speech
    std::vector<std::int32_t> tokens;  ///< ids as they were generated, without the end of text
};

struct Transcript {
    std::string text;                          ///< of the whole sound
    std::string language;                      ///< of most chunks
    double seconds = 0;                        ///< of sound
    std::vector<TranscribedSegment> segments;  ///< one over everything where times were not asked for
    std::vector<TranscribedChunk> chunks;
};

/// Known lyrics in time.
struct AlignedLine {
    std::string text;
    double start = 0, end = 0;
    std::vector<TranscribedWord> words;
};

/// Turns songs into lyrics with HeartTranscriptor (heartlib pipelines/lyrics_transcription.py) or any Whisper in Hugging
/// Face's layout. The model is loaded when first needed and kept. Memory does not grow with the length of a sound, but for
/// its text. Not to be used from two threads at once.
class Transcriber {
public:
    /// `model_folder` holds HeartTranscriptor-oss/, or is that folder. Loads nothing yet. Throws ErrorCode::not_found when
    /// it is neither, ErrorCode::usage or ::not_found for unknown devices.
    Transcriber(const formats::Folder& model_folder, const TranscriberOptions& options);
    ~Transcriber();
    Transcriber(const Transcriber&) = delete;
    Transcriber& operator=(const Transcriber&) = delete;

    /// The text of a sound at 16 kHz. `progress` counts its seconds, of `seconds` where that is known; it may be empty.
    /// Nothing is an error about a sound without words: its text is empty. Throws ErrorCode::malformed for a sound without
    /// samples, what check_request, the source and loading throw, ErrorCode::usage for a language or task the model does not
    /// know.
    [[nodiscard]] Transcript transcribe(const SoundSource& sound, const TranscriptionRequest& request,
                                        const ProgressFn& progress, const CancelToken& cancel, double seconds = 0);

    /// The same for an audio file: what audio::AudioReader reads, M4A with the program ffmpeg, at most a day long.
    [[nodiscard]] Transcript transcribe(const std::filesystem::path& file, const TranscriptionRequest& request,
                                        const ProgressFn& progress, const CancelToken& cancel);

    /// When each line of known lyrics is sung, by forced alignment: the model reads the lyrics while it hears the sound, and
    /// the path of its cross-attention through both is found by dynamic time warping. Section markers and empty lines have
    /// no place in the result. `language` as in a request. ErrorCode::usage for lyrics without words.
    [[nodiscard]] std::vector<AlignedLine> align(const SoundSource& sound, std::string_view lyrics,
                                                 const std::string& language, const ProgressFn& progress,
                                                 const CancelToken& cancel, double seconds = 0);
    [[nodiscard]] std::vector<AlignedLine> align(const std::filesystem::path& file, std::string_view lyrics,
                                                 const std::string& language, const ProgressFn& progress,
                                                 const CancelToken& cancel);

private:
    struct Loaded;
    Loaded& loaded(const ProgressFn& progress, const CancelToken& cancel);

    formats::Folder folder_;
    TranscriberOptions options_;
    std::unique_ptr<Loaded> loaded_;
};

/// Where the transcriptor is in a folder of models: in HeartTranscriptor-oss/ there, or the folder itself.
/// ErrorCode::not_found.
[[nodiscard]] formats::Folder find_transcriptor(const formats::Folder& root);

}  // namespace heart::engine
