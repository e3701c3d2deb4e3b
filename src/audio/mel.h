#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

struct kiss_fftr_state;

namespace heart::audio {

/// Hann window for spectra: w[i] = 0.5 - 0.5 cos(2 pi i / length), the periodic form whose copies at a hop of length / 4 add
/// up to a constant.
[[nodiscard]] std::vector<float> periodic_hann(std::size_t length);

/// Power spectrum of one Hann-windowed frame at a time; keeps the plan of the transform. One object per thread.
class PowerSpectrum {
public:
    /// `n_fft`: samples per frame, even, 2 ... 2^20; 400 and other lengths that are not powers of two are fine.
    /// Throws ErrorCode::internal for other lengths.
    explicit PowerSpectrum(std::size_t n_fft);

    [[nodiscard]] std::size_t n_fft() const noexcept { return window_.size(); }
    [[nodiscard]] std::size_t bins() const noexcept { return n_fft() / 2 + 1; }

    /// out[k] = |sum_i w[i] frame[i] exp(-2 pi i k / n_fft)|^2; `frame` has n_fft() samples, `out` bins() values. A sine of
    /// amplitude 1 in the middle of a bin gives (n_fft / 4)^2 there.
    void compute(std::span<const float> frame, std::span<float> out);

private:
    struct FreePlan {
        void operator()(kiss_fftr_state* plan) const noexcept;
    };
    std::vector<float> window_, windowed_, spectrum_;
    std::unique_ptr<kiss_fftr_state, FreePlan> plan_;
};

/// Values over time: `frames` rows of `bins`, one row after the other.
struct SpectralFrames {
    std::size_t frames = 0, bins = 0;
    std::vector<float> values;

    [[nodiscard]] std::span<const float> frame(std::size_t index) const {
        return std::span(values).subspan(index * bins, bins);
    }
    [[nodiscard]] std::span<float> frame(std::size_t index) { return std::span(values).subspan(index * bins, bins); }
};

/// What frames at the ends of a signal see.
enum class FrameEdges {
    inside,   ///< only frames that lie wholly inside: 1 + (length - n_fft) / hop of them, none for shorter signals
    reflect,  ///< frame t is centred on sample t * hop, and the signal is mirrored at both ends without repeating the end
              ///< sample (torch.stft with center=True): 1 + length / hop frames; needs more than n_fft / 2 samples
};

/// Power spectra (see PowerSpectrum) of a signal, one every `hop` samples.
/// Throws ErrorCode::internal for hop 0, a length PowerSpectrum refuses, or a signal too short to be mirrored.
[[nodiscard]] SpectralFrames stft_power(std::span<const float> signal, std::size_t n_fft, std::size_t hop, FrameEdges edges);

/// Two common formulas for the mel scale: HTK's 2595 log10(1 + f / 700), and Slaney's (Auditory Toolbox), linear up to
/// 1 kHz and logarithmic above.
enum class MelScale { htk, slaney };

/// Hz to mel and back; `hz` and `mel` at least 0.
[[nodiscard]] double hz_to_mel(double hz, MelScale scale);
[[nodiscard]] double mel_to_hz(double mel, MelScale scale);

struct MelOptions {
    double sample_rate = 48000;  ///< Hz
    std::size_t n_fft = 2048;
    std::size_t bands = 128;
    double lowest_hz = 0;
    double highest_hz = 24000;  ///< at most sample_rate / 2
    MelScale scale = MelScale::htk;
    bool equal_area = false;  ///< Slaney's normalisation: band k is multiplied by 2 / (its width in Hz)
};

/// Triangular filters that are evenly spaced and half overlapping on a mel scale and straight in Hz, as in librosa and
/// torchaudio.
class MelFilterbank {
public:
    /// Throws ErrorCode::internal for an empty or impossible range.
    explicit MelFilterbank(const MelOptions& options);

    [[nodiscard]] std::size_t bands() const noexcept { return filters_.size(); }
    [[nodiscard]] std::size_t bins() const noexcept { return bins_; }
    /// Weight of spectrum bin `bin` in `band`.
    [[nodiscard]] float weight(std::size_t band, std::size_t bin) const;
    /// Where `band` has its top, Hz.
    [[nodiscard]] double centre_hz(std::size_t band) const { return filters_[band].centre_hz; }

    /// out[b] = sum_k weight(b, k) power[k]; `power` has bins() values, `out` bands().
    void apply(std::span<const float> power, std::span<float> out) const;
    /// The same for every frame.
    [[nodiscard]] SpectralFrames apply(const SpectralFrames& power) const;

private:
    struct Filter {
        std::size_t first = 0;       ///< the bin of weights[0]
        std::vector<float> weights;  ///< only where they are not 0
        double centre_hz = 0;
    };
    std::size_t bins_ = 0;
    std::vector<Filter> filters_;
};

}  // namespace heart::audio
