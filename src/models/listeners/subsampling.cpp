#include "models/listeners/subsampling.h"

#include "core/error.h"

#include <cmath>
#include <optional>

namespace heart::listeners {

using graph::Graph;
using graph::Published;
using graph::Tensor;
using graph::WeightPlan;

namespace {

constexpr std::int64_t kTaps = 3;
constexpr float kBatchNormEps = 1e-5F;

std::size_t u(std::int64_t n) {
    return static_cast<std::size_t>(n);
}

// --- weights: each convolution with the batch norm behind it ------------------------------------------------------------

using Sources = std::span<const formats::TensorView* const>;

/// What a convolution and its batch norm are published as, in the order in which `Folded` takes them.
std::vector<Published> sources_of(const std::string& conv, const std::string& norm, std::int64_t in, std::int64_t out) {
    const std::uint64_t n = u(out);
    return {{conv + ".weight", {n, u(in), u(kTaps), u(kTaps)}},
            {conv + ".bias", {n}},
            {norm + ".weight", {n}},
            {norm + ".bias", {n}},
            {norm + ".running_mean", {n}},
            {norm + ".running_var", {n}}};
}

/// The factor and the bias of each output when the norm's running statistics are folded into the convolution.
struct Folded {
    explicit Folded(Sources s) {
        const auto bias_in = graph::read_all(*s[1]), weight = graph::read_all(*s[2]), bias_out = graph::read_all(*s[3]),
                   mean = graph::read_all(*s[4]), variance = graph::read_all(*s[5]);
        for (std::size_t o = 0; o < weight.size(); ++o) {
            factor.push_back(weight[o] / std::sqrt(variance[o] + kBatchNormEps));
            bias.push_back((bias_in[o] - mean[o]) * factor[o] + bias_out[o]);
        }
    }
    std::vector<float> factor, bias;
};

/// One convolution that is being planned.
class ConvPlan {
public:
    ConvPlan(WeightPlan& plan, std::string conv, const std::string& norm, std::int64_t in, std::int64_t out)
        : plan_(plan), name_(std::move(conv)), sources_(sources_of(name_, norm, in, out)), in_(in), out_(out) {}

    /// [times.size() * in, out]: the taps at one place in frequency and some in time, or at all places in frequency.
    void taps(Tensor& slot, const std::string& part, std::optional<std::int64_t> band, std::vector<std::int64_t> times) {
        const std::vector<std::int64_t> bands = band ? std::vector{*band} : std::vector<std::int64_t>{0, 1, 2};
        const auto width = static_cast<std::int64_t>(bands.size() * times.size()) * in_;
        const auto gather = [in = u(in_), bands, times](Sources sources, std::span<float> to) {
            const std::vector<float> w = graph::read_all(*sources[0]);  // [out][in][band][time]
            const Folded folded(sources);
            std::size_t at = 0;
            for (std::size_t o = 0; o < folded.factor.size(); ++o) {
                for (const std::int64_t b : bands) {
                    for (const std::int64_t t : times) {
                        for (std::size_t i = 0; i < in; ++i) {
                            to[at++] = folded.factor[o] * w[((o * in + i) * kTaps + u(b)) * kTaps + u(t)];
                        }
                    }
                }
            }
        };
        // One channel makes rows of nine, which no quantised block fits.
        const auto use = in_ == 1 ? WeightPlan::Use::sensitive : WeightPlan::Use::product;
        plan_.derived(slot, name_ + part, use, {width, out_}, sources_, gather);
    }

    void bias(Tensor& slot) {
        plan_.derived(slot, name_ + ".folded_bias", WeightPlan::Use::vector, {out_}, sources_,
                      [](Sources sources, std::span<float> to) {
                          const Folded folded(sources);
                          std::copy(folded.bias.begin(), folded.bias.end(), to.begin());
                      });
    }

private:
    WeightPlan& plan_;
    std::string name_;
    std::vector<Published> sources_;
    std::int64_t in_, out_;
};

void plan_entry(WeightPlan& plan, nn::Linear& entry, const std::string& conv, const std::string& norm, std::int64_t out) {
    ConvPlan p(plan, conv, norm, 1, out);
    p.taps(entry.weight, ".patches", std::nullopt, {0, 1, 2});
    p.bias(entry.bias);
}

void plan_image(WeightPlan& plan, ImageConv& conv, const std::string& name, const std::string& norm, std::int64_t channels) {
    ConvPlan p(plan, name, norm, channels, channels);
    for (std::int64_t band = 0; band < kTaps; ++band) {
        p.taps(conv.taps[u(band)], ".band" + std::to_string(band), band, {0, 1, 2});
    }
    p.bias(conv.bias);
}

void plan_halving(WeightPlan& plan, HalvingImageConv& conv, const std::string& name, const std::string& norm,
                  std::int64_t channels) {
    ConvPlan p(plan, name, norm, channels, channels);
    for (std::int64_t band = 0; band < kTaps; ++band) {
        const std::string part = ".band" + std::to_string(band);
        p.taps(conv.taps[u(band)].even, part + ".even", band, {0, 2});
        p.taps(conv.taps[u(band)].odd, part + ".odd", band, {1});
    }
    p.bias(conv.bias);
}

/// The published linear layer takes [channel][band]; frames here hold [band][channel].
void plan_over_bands(WeightPlan& plan, nn::Linear& linear, const std::string& name, std::int64_t channels,
                     std::int64_t bands, std::int64_t dim) {
    const auto reorder = [=](Sources sources, std::span<float> to) {
        const std::vector<float> w = graph::read_all(*sources[0]);  // [dim][channel][band]
        for (std::size_t o = 0; o < u(dim); ++o) {
            for (std::size_t c = 0; c < u(channels); ++c) {
                for (std::size_t b = 0; b < u(bands); ++b) {
                    to[(o * u(bands) + b) * u(channels) + c] = w[(o * u(channels) + c) * u(bands) + b];
                }
            }
        }
    };
    plan.derived(linear.weight, name + ".by_band", WeightPlan::Use::product, {channels * bands, dim},
                 {{name + ".weight", {u(dim), u(channels * bands)}}}, reorder);
    plan.vector(linear.bias, {name + ".bias", {u(dim)}});
}

}  // namespace

void SubsamplingWeights::plan(WeightPlan& plan, const SubsamplingConfig& c, const std::string& prefix) {
    const std::string first = prefix + "conv.0.", second = prefix + "conv.1.";
    plan_entry(plan, entry, first + "conv1", first + "bn1", c.channels);
    plan_entry(plan, entry_skip, first + "conv3", first + "bn3", c.channels);
    plan_image(plan, square0, first + "conv2", first + "bn2", c.channels);
    plan_halving(plan, halving, second + "conv1", second + "bn1", c.channels);
    plan_halving(plan, halving_skip, second + "conv3", second + "bn3", c.channels);
    plan_image(plan, square1, second + "conv2", second + "bn2", c.channels);
    const std::int64_t bands = c.halved(c.halved(c.mel_bands));
    plan_over_bands(plan, linear, prefix + "linear", c.channels, bands, c.dim);
}

// --- the graph ----------------------------------------------------------------------------------------------------------
// An image is [channels, width * frames] with two places behind the bands of each frame that hold anything: then a shift
// by one band is a shift by one column and a shift in time one by `width` columns, all of them plain products.

namespace {

constexpr std::int64_t kBehind = 2;  // places behind the bands

struct Image {
    Tensor x;  ///< [channels, width * frames]
    std::int64_t bands = 0, frames = 0;

    [[nodiscard]] std::int64_t width() const noexcept { return bands + kBehind; }
    [[nodiscard]] std::int64_t channels() const noexcept { return x.dim(0); }
};

/// [channels, bands, frames], a view.
Tensor inside(Graph& g, const Image& image) {
    return g.slice(g.reshape(image.x, {image.channels(), image.width(), image.frames}), 1, 0, image.bands);
}

/// `x` [channels, bands, frames] with zeros around it up to [channels, bands_in_all, frames_in_all], one in front each way.
Tensor between_zeros(Graph& g, Tensor zero, Tensor x, std::int64_t bands_in_all, std::int64_t frames_in_all) {
    const std::int64_t channels = x.dim(0), bands = x.dim(1), frames = x.dim(2);
    const auto zeros = [&](std::int64_t n, std::int64_t t) {
        return g.repeat_to(g.slice(zero, 0, 0, channels), {channels, n, t});
    };
    x = g.concat(g.concat(zeros(1, frames), x, 1), zeros(bands_in_all - 1 - bands, frames), 1);
    return g.concat(g.concat(zeros(bands_in_all, 1), x, 2), zeros(bands_in_all, frames_in_all - 1 - frames), 2);
}

/// relu(image) convolved, plus `skip`: the second half of a residual module, without its last relu.
Image convolve(Graph& g, const ImageConv& w, Tensor zero, const Image& image, Tensor skip) {
    const std::int64_t width = image.width();
    // A row more than the taps reach, so that all three shifts find as many columns.
    const Tensor padded = between_zeros(g, zero, inside(g, image), width, image.frames + 3);  // [c, width, frames + 3]
    const Tensor columns = g.reshape(padded, {image.channels(), width * (image.frames + 3)});
    Tensor sum = skip;
    for (std::int64_t band = 0; band < kTaps; ++band) {
        const Tensor shifted = g.slice(columns, 1, band, width * (image.frames + 2));
        const bool last = band + 1 == kTaps;
        sum = g.convolve(w.taps[u(band)], shifted, {kTaps, width, last ? w.bias : Tensor(), {}, sum, {}});
    }
    return {sum, image.bands, image.frames};  // [c, width * frames]
}

/// The places of one kind of an image with one zero in front each way: even or odd in frequency and in time.
class Places {
public:
    Places(Graph& g, Tensor zero, const Image& image)
        : bands_(SubsamplingConfig::halved(image.bands)), frames_(SubsamplingConfig::halved(image.frames)) {
        const std::int64_t c = image.channels(), width = bands_ + kBehind, rows = frames_ + 2;
        const Tensor padded = between_zeros(g, zero, inside(g, image), 2 * width, 2 * rows);  // [c, 2 width, 2 rows]
        for (std::int64_t t = 0; t < 2; ++t) {
            const Tensor by_time = g.reshape(padded, {c, 2 * width, 2, rows});
            const Tensor frames = g.contiguous(g.slice(by_time, 2, t, 1));  // [c, 2 width, 1, rows]
            for (std::int64_t b = 0; b < 2; ++b) {
                const Tensor by_band = g.reshape(frames, {c, 2, width, rows});
                const Tensor places = g.contiguous(g.slice(by_band, 1, b, 1));  // [c, 1, width, rows]
                kinds_[u(b)][u(t)] = g.reshape(places, {c, width * rows});
            }
        }
    }

    /// The convolution of this image: [out, width * frames].
    Image convolve(Graph& g, const HalvingImageConv& w) const {
        const std::int64_t width = bands_ + kBehind;
        Tensor sum;
        for (std::int64_t band = 0; band < kTaps; ++band) {
            const auto& [even, odd] = kinds_[u(band % 2)];
            const std::int64_t shift = band / 2;
            const Tensor twice = g.slice(even, 1, shift, width * (frames_ + 1));
            const Tensor once = g.slice(odd, 1, shift, width * frames_);
            const bool last = band + 1 == kTaps;
            sum = g.convolve(w.taps[u(band)].even, twice, {2, width, {}, {}, sum, {}});
            sum = g.convolve(w.taps[u(band)].odd, once, {1, 1, last ? w.bias : Tensor(), {}, sum, {}});
        }
        return {sum, bands_, frames_};
    }

private:
    std::int64_t bands_, frames_;
    std::array<std::array<Tensor, 2>, 2> kinds_;  // [band][time]
};

}  // namespace

std::int64_t patches_of(std::int64_t mel_frames, std::int64_t bands) {
    return (SubsamplingConfig::halved(bands) + kBehind) * SubsamplingConfig::halved(mel_frames);
}

std::vector<float> mel_patches(std::span<const float> mel, std::int64_t bands) {
    const auto frames = static_cast<std::int64_t>(mel.size()) / bands;
    const std::int64_t out_bands = SubsamplingConfig::halved(bands), out_frames = SubsamplingConfig::halved(frames);
    std::vector<float> out(u(kTaps * kTaps * patches_of(frames, bands)), 0.0F);
    for (std::int64_t t = 0; t < out_frames; ++t) {
        for (std::int64_t b = 0; b < out_bands; ++b) {
            float* patch = out.data() + kTaps * kTaps * (t * (out_bands + kBehind) + b);
            for (std::int64_t db = 0; db < kTaps; ++db) {
                for (std::int64_t dt = 0; dt < kTaps; ++dt) {
                    const std::int64_t band = 2 * b + db - 1, frame = 2 * t + dt - 1;
                    if (band < 0 || band >= bands || frame < 0 || frame >= frames) continue;
                    patch[db * kTaps + dt] = mel[u(frame * bands + band)];
                }
            }
        }
    }
    return out;
}

Tensor subsample(Graph& g, const SubsamplingWeights& w, const SubsamplingConfig& c, Tensor zero, Tensor patches,
                 std::int64_t mel_frames, const std::string& prefix) {
    Image image{{}, c.halved(c.mel_bands), c.halved(mel_frames)};
    image.x = g.relu(w.entry(g, patches));                                  // [channels, width * frames]
    image = convolve(g, w.square0, zero, image, w.entry_skip(g, patches));  // the same
    image.x = g.named(g.relu(image.x), prefix + "conv.res0");               // the same
    const Places places(g, zero, image);
    const Image skip = places.convolve(g, w.halving_skip);     // [channels, width / 2 * frames / 2]
    image = places.convolve(g, w.halving);                     // the same
    image.x = g.relu(image.x);                                 // the same
    image = convolve(g, w.square1, zero, image, skip.x);       // the same
    image.x = g.named(g.relu(image.x), prefix + "conv.res1");  // the same
    const Tensor whole = g.contiguous(inside(g, image));       // [channels, bands, frames]
    const Tensor frames = g.reshape(whole, {c.channels * image.bands, image.frames});
    return g.named(w.linear(g, frames), prefix + "frontend");  // [dim, frames]
}

}  // namespace heart::listeners
