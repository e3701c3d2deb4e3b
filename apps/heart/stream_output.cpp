#include "stream_output.h"

#include "audio/replace_file.h"
#include "core/error.h"
#include "interrupt.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace heart::app {

namespace {

/// Blocks are tiles of the codec, 0.64 s each, and now and then a longer one.
constexpr std::size_t kBlocksAhead = 93;

bool to_standard_output(const AudioOptions& audio) {
    return audio.save_path == audio::StreamWriter::kStandardOutput;
}

}  // namespace

void StreamOptions::add(CLI::App& verb) {
    const std::string group = "What is written";
    auto* stream = verb.add_flag("--stream", on, "Write the song while it is made; --save-path - is standard output");
    verb.add_option(both_names("stream-format"), format, "wav, or samples alone: s16le, s24le or f32le")
        ->capture_default_str()
        ->needs(stream)
        ->group(group);
    stream->group(group);
}

audio::StreamFormat StreamOptions::written_as(const AudioOptions& audio) const {
    if (format == "wav") return {true, audio.format()};
    const bool named_fully = format.ends_with("le");  // as ffmpeg does; "s16" is understood too
    if (const auto samples = sample_format_named(named_fully ? format.substr(0, format.size() - 2) : format)) {
        return {false, *samples};
    }
    throw Error(ErrorCode::usage, "--stream-format").expected("wav, s16le, s24le or f32le").found(printable(format, 40));
}

void StreamOptions::check(const AudioOptions& audio, const CommonOptions& common, std::uint32_t takes) const {
    if (!on) {
        if (!to_standard_output(audio)) return;
        throw Error(ErrorCode::usage, "standard output takes songs as streams only").hint("add --stream");
    }
    const bool wav = written_as(audio).wav;
    if (to_standard_output(audio)) {
        if (common.json) {
            throw Error(ErrorCode::usage, "--json and --save-path - both want standard output").hint("name a file");
        }
        if (takes > 1) {
            throw Error(ErrorCode::usage, "standard output takes one song")
                .expected("--takes 1")
                .found(std::to_string(takes));
        }
    } else if (wav && audio::container_of(audio.save_path) != audio::Container::wav) {
        throw Error(ErrorCode::usage, "a stream is WAV or samples alone")
            .expected("a name ending in .wav, or --stream-format s16le, s24le or f32le")
            .found(audio.save_path)
            .hint("without --stream every format works");
    }
}

StreamOutput::StreamOutput(const std::string& path, audio::StreamFormat format, std::uint32_t sample_rate, bool keep)
    : keep_(keep),
      wave_{sample_rate, std::vector<std::vector<float>>(2)},
      writer_(path, format, sample_rate, interrupt_token()),
      writing_(kBlocksAhead, [this](ConsumerThread<std::vector<float>>& blocks) {
          while (const auto block = blocks.take()) writer_.write(*block);
      }) {}

void StreamOutput::put(const engine::AudioBlock& block) {
    for (std::size_t i = 0; keep_ && i < block.stereo.size(); ++i) wave_.channels[i % 2].push_back(block.stereo[i]);
    writing_.put({block.stereo.begin(), block.stereo.end()});
}

audio::StreamReport StreamOutput::finish(const audio::SongTags& tags) {
    writing_.finish();
    return writer_.finish(tags);
}

}  // namespace heart::app
