#pragma once

#include <functional>
#include <string_view>

namespace heart {

/// What long work is busy with; a song goes through the first five in this order.
enum class Phase {
    load_language_model,
    prefill,
    frames,
    load_codec,
    decode,
    load_transcriptor,
    transcribe,
    load_embedder,
    embed,
    write_checkpoint,
    measure_machine,
    measure_frames,
    measure_codec,
    measure_transcriptor,
    download,
    verify,
};

[[nodiscard]] constexpr std::string_view phase_name(Phase phase) noexcept {
    switch (phase) {
        case Phase::load_language_model: return "loading HeartMuLa";
        case Phase::prefill: return "reading the prompt";
        case Phase::frames: return "composing";
        case Phase::load_codec: return "loading HeartCodec";
        case Phase::decode: return "rendering audio";
        case Phase::load_transcriptor: return "loading HeartTranscriptor";
        case Phase::transcribe: return "listening";
        case Phase::load_embedder: return "loading the embedding model";
        case Phase::embed: return "embedding";
        case Phase::write_checkpoint: return "writing weights";
        case Phase::measure_machine: return "timing the machine";
        case Phase::measure_frames: return "timing frames";
        case Phase::measure_codec: return "timing the codec";
        case Phase::measure_transcriptor: return "timing the transcriptor";
        case Phase::download: return "downloading";
        case Phase::verify: return "checking";
    }
    return "";
}

/// One step forward. `done` and `total` count the phase's own units (bytes, positions, frames, Euler steps and tiles);
/// `total` is the most it can take, and a phase may end before it.
struct Progress {
    Phase phase = Phase::frames;
    double done = 0;
    double total = 0;
    double audio_seconds = 0;     ///< seconds of audio composed or rendered so far
    double rendered_seconds = 0;  ///< while a stream composes: seconds of audio handed on so far
};

/// Called on the working thread, often; must return quickly and not throw. May be empty.
using ProgressFn = std::function<void(const Progress&)>;

}  // namespace heart
