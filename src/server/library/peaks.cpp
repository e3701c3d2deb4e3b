#include "server/library/peaks.h"

#include "audio/read_file.h"
#include "core/error.h"
#include "formats/json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace heart::server::library {

namespace {

/// Collects small pieces of sound of which the parts are made when the length is known.
class Meter {
public:
    Meter(std::size_t channels, double gain) : channels_(channels), gain_(gain) {}

    void add(std::span<const float> interleaved) {
        for (std::size_t i = 0; i + channels_ <= interleaved.size(); i += channels_) {
            for (std::size_t c = 0; c < channels_; ++c) {
                const double sample = gain_ * static_cast<double>(interleaved[i + c]);
                peak_ = std::max(peak_, std::abs(sample));
                energy_ += sample * sample;
            }
            if (++frames_ % kPieceFrames == 0) end_piece(kPieceFrames);
        }
    }

    [[nodiscard]] Peaks finish(std::uint32_t sample_rate) {
        if (frames_ == 0) throw Error(ErrorCode::malformed, "the song has no sound");
        if (frames_ % kPieceFrames != 0) end_piece(frames_ % kPieceFrames);
        Peaks out;
        out.seconds = static_cast<double>(frames_) / sample_rate;
        float loudest = 0;
        for (std::size_t i = 0; i < Peaks::kPeaks; ++i) {
            float peak = 0;
            for (const Piece& piece : part(i, Peaks::kPeaks)) peak = std::max(peak, piece.peak);
            out.peaks.push_back(std::min(1.0F, peak));
        }
        for (std::size_t i = 0; i < Peaks::kLoudness; ++i) {
            double energy = 0;
            const auto pieces = part(i, Peaks::kLoudness);
            for (const Piece& piece : pieces) energy += static_cast<double>(piece.energy);
            out.loudness.push_back(static_cast<float>(std::sqrt(energy / static_cast<double>(pieces.size()))));
            loudest = std::max(loudest, out.loudness.back());
        }
        if (loudest > 0) {
            for (float& value : out.loudness) value /= loudest;
        }
        return out;
    }

private:
    static constexpr std::size_t kPieceFrames = 64;
    struct Piece {
        float peak = 0, energy = 0;
    };

    void end_piece(std::size_t frames) {
        const double mean = energy_ / static_cast<double>(frames * channels_);
        pieces_.push_back({static_cast<float>(peak_), static_cast<float>(mean)});
        peak_ = energy_ = 0;
    }

    /// Of a song shorter than its parts, neighbours share a piece.
    [[nodiscard]] std::span<const Piece> part(std::size_t i, std::size_t count) const {
        const std::size_t from = i * pieces_.size() / count;
        const std::size_t to = std::max(from + 1, (i + 1) * pieces_.size() / count);
        return std::span(pieces_).subspan(from, to - from);
    }

    std::size_t channels_, frames_ = 0;
    double gain_, peak_ = 0, energy_ = 0;
    std::vector<Piece> pieces_;
};

bool read_values(const formats::Json& from, std::size_t count, std::vector<float>& out) {
    if (!from.is_array() || from.size() != count) return false;
    for (const formats::Json& value : from) {
        if (!value.is_number()) return false;
        const float number = value.get<float>();
        if (!(number >= 0 && number <= 1)) return false;
        out.push_back(number);
    }
    return true;
}

}  // namespace

Peaks measure_peaks(const audio::Waveform& wave, double gain) {
    Meter meter(wave.channels.size(), gain);
    std::vector<float> frame(wave.channels.size());
    for (std::size_t i = 0; i < wave.frames(); ++i) {
        for (std::size_t c = 0; c < frame.size(); ++c) frame[c] = wave.channels[c][i];
        meter.add(frame);
    }
    return meter.finish(wave.sample_rate);
}

Peaks measure_peaks(const std::filesystem::path& file, const CancelToken& cancel) {
    audio::AudioReader reader(file);
    Meter meter(reader.channels(), 1);
    while (true) {
        cancel.check();
        const std::span<const float> block = reader.read();
        if (block.empty()) return meter.finish(reader.sample_rate());
        meter.add(block);
    }
}

std::string to_json(const Peaks& peaks) {
    std::string out = fmt::format("{{\"seconds\":{:.3f}", peaks.seconds);
    const auto add = [&out](std::string_view name, const std::vector<float>& values) {
        fmt::format_to(std::back_inserter(out), ",\"{}\":[", name);
        for (std::size_t i = 0; i < values.size(); ++i) {
            fmt::format_to(std::back_inserter(out), "{}{:.3f}", i == 0 ? "" : ",", values[i]);
        }
        out += ']';
    };
    add("peaks", peaks.peaks);
    add("loudness", peaks.loudness);
    return out + '}';
}

std::optional<Peaks> parse_peaks(std::string_view json) {
    constexpr formats::JsonLimits kLimits{std::size_t{1} << 16, 4};
    try {
        const formats::Json all = formats::parse_json(json, "the song's peaks", kLimits);
        if (!all.is_object() || all.size() != 3 || !all.contains("seconds") || !all["seconds"].is_number()) return {};
        Peaks peaks;
        peaks.seconds = all["seconds"].get<double>();
        const bool whole = all.contains("peaks") && read_values(all["peaks"], Peaks::kPeaks, peaks.peaks) &&
                           all.contains("loudness") && read_values(all["loudness"], Peaks::kLoudness, peaks.loudness);
        if (!whole || !std::isfinite(peaks.seconds) || peaks.seconds < 0) return {};
        return peaks;
    } catch (const Error&) {
        return {};
    }
}

}  // namespace heart::server::library
