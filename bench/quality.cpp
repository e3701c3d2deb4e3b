// What a checkpoint loses when it is run in a narrower type, each type against float32 of the same checkpoint, and what a
// shorter first window of the codec changes, as JSON on standard output. tools/bench/quality.py makes docs/quality.md from
// it.
//
//   heart_quality [--model-path DIR] [--version V] [--frames N] [--seconds S] [--device NAME] [--threads N]
//
// Without --model-path: the demonstration model that is part of the program.

#include "audio/mel.h"
#include "core/error.h"
#include "core/philox.h"
#include "engine/checkpoint_set.h"
#include "engine/generator.h"
#include "graph/weight_loading.h"
#include "hub/demo_model.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/song_batch.h"
#include "text/prompt.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace heart;
using graph::Type;
using Json = nlohmann::ordered_json;

struct Options {
    formats::Folder folder = hub::demo_model();
    std::string version = engine::EngineOptions{}.version;
    std::int64_t frames = 128;  ///< of each prompt
    std::int64_t seconds = 28;  ///< of sound, at most one window of the codec
    std::string device = "auto";
    int threads = 0;  ///< 0: one per core
};

struct SongText {
    const char* tags;
    const char* lyrics;
};

constexpr SongText kTexts[] = {
    {"piano, happy, medium, drums",
     "[intro]\n\n[verse]\nwe walk along the river in the summer rain\nthe morning sun is shining on the road again\n\n"
     "[chorus]\nsing with me, the night is new\nevery star is dancing too\n"},
    {"strings, sad, slow, no drums",
     "[verse]\nthe leaves are falling on the empty street\n\n[chorus]\ncome home, come home\n"},
    {"guitar, energetic, fast, drums", "[intro]\n\n[verse]\n\n[chorus]\n\n[bridge]\n\n[chorus]\n\n[outro]\n"},
    {"flute, calm", "[verse]\nquiet water, quiet sky\n\n[verse]\nall the birds are passing by\n\n[outro]\n"},
};
constexpr float kGuidance = 1.5F;

/// How many numbers of the matrices of products are kept in which type: rows that are no multiple of a type's block take
/// another one. `wide`: what the model keeps beside quantised matrices.
template <class Weights, class Config>
Json stored_as(const Config& config, Type dtype, Type wide) {
    Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, config);
    Json out = Json::object();
    for (const graph::WeightPlan::Entry& e : plan.entries()) {
        if (e.slot == nullptr || e.use != graph::WeightPlan::Use::product) continue;
        const char* name = graph::type_name(graph::stored_type(e, graph::WeightTypes::of(dtype, wide), {}));
        out[name] = out.value(name, std::uint64_t{0}) + graph::element_count(e.shape);
    }
    return out;
}

// --- language model ------------------------------------------------------------------------------------------------------

using Frames = std::vector<heartmula::Frame>;

class LanguageModelTest {
public:
    LanguageModelTest(const engine::CheckpointSet& set, std::shared_ptr<graph::Device> device, std::int64_t frames)
        : set_(set), device_(std::move(device)), frames_(frames), ids_(set.generation_config()) {
        const text::Tokenizer tokenizer = set.tokenizer();
        for (const SongText& t : kTexts) {
            prompts_.push_back(text::make_prompt(tokenizer, {ids_.text_bos, ids_.text_eos}, t.tags, t.lyrics));
        }
        const auto model = load(Type::f32);
        for (const text::Prompt& prompt : prompts_) expected_.push_back(compose(*model, prompt, Type::f32, nullptr));
    }

    [[nodiscard]] std::int64_t frames() const {
        std::size_t sum = 0;
        for (const Frames& song : expected_) sum += song.size();
        return static_cast<std::int64_t>(sum);
    }

    [[nodiscard]] Json row(Type type, Type cache) const {
        const auto model = load(type);
        std::int64_t first = 0, all = 0, tokens = 0;
        for (std::size_t p = 0; p < prompts_.size(); ++p) {
            const Frames found = compose(*model, prompts_[p], cache, &expected_[p]);
            for (std::size_t f = 0; f < found.size(); ++f) {
                first += found[f].front() == expected_[p][f].front();
                for (std::size_t q = 0; q < found[f].size(); ++q) all += found[f][q] == expected_[p][f][q];
                tokens += static_cast<std::int64_t>(found[f].size());
            }
        }
        const heartmula::Config& config = model->config();
        const std::int64_t positions = config.backbone.max_length;
        return {{"type", graph::type_name(type)},
                {"cache", graph::type_name(cache)},
                {"stored", stored_as<heartmula::Weights>(config, type, Type::bf16)},
                {"weight_bytes", heartmula::check_checkpoint(set_.language_model(), type)},
                {"cache_positions", positions},
                {"cache_bytes", heartmula::SongBatch::cache_bytes(config, {1, positions, true}, cache)},
                {"codebook0_equal", static_cast<double>(first) / static_cast<double>(frames())},
                {"all_equal", static_cast<double>(all) / static_cast<double>(tokens)}};
    }

private:
    [[nodiscard]] std::unique_ptr<heartmula::LanguageModel> load(Type type) const {
        return heartmula::LanguageModel::load(set_.language_model(), device_, type, {}, {});
    }

    /// Greedy frames. With `forced` each is drawn behind that song's frames in place of its own; without, the song ends
    /// with the first frame that holds an end token.
    [[nodiscard]] Frames compose(const heartmula::LanguageModel& model, const text::Prompt& prompt, Type cache,
                                 const Frames* forced) const {
        const heartmula::Config& c = model.config();
        const auto length = static_cast<std::int64_t>(prompt.length());
        const std::int64_t most = std::min(frames_, c.backbone.max_length - length);
        const std::size_t count = forced != nullptr ? forced->size() : static_cast<std::size_t>(most);
        heartmula::SongBatch batch(model, {1, length + most, true}, {.cache_type = cache});
        const auto ends = [&](const heartmula::Frame& frame) {
            return std::any_of(frame.begin(), frame.end(), [&](std::int32_t token) { return token >= ids_.audio_eos; });
        };
        const auto slot = batch.join({{prompt.tags, prompt.lyrics}, {1, 1.0F, kGuidance}, {}, {}}, {});
        Frames out{batch.latest(slot)};
        while (out.size() < count) {
            if (forced == nullptr && out.size() > 1 && ends(out.back())) break;
            if (forced != nullptr) batch.replace_latest(slot, (*forced)[out.size() - 1]);
            batch.step();
            out.push_back(batch.latest(slot));
        }
        return out;
    }

    const engine::CheckpointSet& set_;
    std::shared_ptr<graph::Device> device_;
    std::int64_t frames_;
    heartmula::GenerationConfig ids_;
    std::vector<text::Prompt> prompts_;
    std::vector<Frames> expected_;
};

// --- codec ---------------------------------------------------------------------------------------------------------------

struct Decoded {
    std::vector<float> latents;  ///< before they are rounded
    std::vector<float> left, right;
};

/// dB of every mel band and frame.
std::vector<float> log_mel(const std::vector<float>& signal, double sample_rate) {
    audio::MelOptions options;
    options.sample_rate = sample_rate;
    options.highest_hz = sample_rate / 2;
    const auto power = audio::stft_power(signal, options.n_fft, options.n_fft / 4, audio::FrameEdges::inside);
    std::vector<float> out = audio::MelFilterbank(options).apply(power).values;
    for (float& x : out) x = 10.0F * std::log10(std::max(x, 1e-20F));
    return out;
}

/// Mean |difference| in dB over the cells in which either signal comes within 80 dB of the loudest expected cell. What is
/// quieter counts as that quiet, and cells in which both are do not count: they would hide the others.
double mel_distance(const Decoded& found, const Decoded& expected, double sample_rate) {
    constexpr float kRange = 80;
    double sum = 0, count = 0;
    for (const auto channel : {&Decoded::left, &Decoded::right}) {
        const std::vector<float> a = log_mel(found.*channel, sample_rate), b = log_mel(expected.*channel, sample_rate);
        const float floor = *std::max_element(b.begin(), b.end()) - kRange;
        for (std::size_t i = 0; i < a.size(); ++i) {
            if (std::max(a[i], b[i]) <= floor) continue;
            sum += std::abs(std::max(a[i], floor) - std::max(b[i], floor));
            ++count;
        }
    }
    return count > 0 ? sum / count : 0;
}

class CodecTest {
public:
    CodecTest(const engine::CheckpointSet& set, std::shared_ptr<graph::Device> device, engine::Codes codes)
        : set_(set), device_(std::move(device)), codes_(std::move(codes)) {
        codes_.frames = std::min(codes_.frames, heartcodec::WindowPlan::kWindowCodes);
        expected_ = decode(*load(Type::f32));
    }

    /// What a shorter first window changes: the distance to the sound with a whole one, before the second window fades in
    /// and from there on. Noise of another seed, with which the sound is another one and as good, sets the scale.
    [[nodiscard]] Json first_windows() const {
        const auto codec = load(Type::f32);
        const auto rate = static_cast<double>(codec->config().sample_rate);
        const std::int64_t per_code = codec->config().samples_per_latent() * heartcodec::kLatentsPerCode;
        const Decoded whole = song(*codec, 1, heartcodec::WindowPlan::kWindowCodes);
        const auto distance = [&](const Decoded& other, std::int64_t from, std::int64_t to) {
            return mel_distance(part(other, from * per_code, to * per_code), part(whole, from * per_code, to * per_code),
                                rate);
        };
        const Decoded other_noise = song(*codec, 2, heartcodec::WindowPlan::kWindowCodes);
        Json rows = Json::array();
        for (const std::int64_t first : {62, 93, 125, 187, 250}) {
            const std::int64_t seam = first - heartcodec::WindowPlan::kOverlapCodes;
            const Decoded shorter = song(*codec, 1, first);
            rows.push_back({{"codes", first},
                            {"before_db", distance(shorter, 0, seam)},
                            {"behind_db", distance(shorter, seam, codes_.frames)},
                            {"noise_before_db", distance(other_noise, 0, seam)},
                            {"noise_behind_db", distance(other_noise, seam, codes_.frames)}});
        }
        return rows;
    }

    [[nodiscard]] double seconds() const { return codes_.seconds(); }
    [[nodiscard]] std::size_t cells() const { return expected_.latents.size(); }

    [[nodiscard]] Json row(Type type) const {
        const auto codec = load(type);
        const Decoded found = decode(*codec);
        double error = 0, signal = 0, moved = 0;
        for (std::size_t i = 0; i < cells(); ++i) {
            const double a = found.latents[i], b = expected_.latents[i];
            error += (a - b) * (a - b);
            signal += b * b;
            moved += heartcodec::round_to_ninth(found.latents[i]) != heartcodec::round_to_ninth(expected_.latents[i]);
        }
        return {{"type", graph::type_name(type)},
                {"stored", stored_as<heartcodec::Weights>(codec->config(), type, Type::f32)},
                {"weight_bytes", heartcodec::check_checkpoint(set_.codec(), type)},
                {"latent_error", std::sqrt(error / signal)},
                {"cells_moved", moved / static_cast<double>(cells())},
                {"mel_distance_db", mel_distance(found, expected_, static_cast<double>(codec->config().sample_rate))}};
    }

private:
    [[nodiscard]] std::unique_ptr<heartcodec::Codec> load(Type type) const {
        return heartcodec::Codec::load(set_.codec(), device_, type, {}, {});
    }

    /// The codes as a song of one window or two.
    [[nodiscard]] Decoded song(const heartcodec::Codec& codec, std::uint64_t seed, std::int64_t first_window) const {
        const auto stride = static_cast<std::int64_t>(codes_.values.size()) / codes_.codebooks;
        std::vector<std::int32_t> codes;
        for (std::int64_t q = 0; q < codes_.codebooks; ++q) {
            codes.insert(codes.end(), codes_.values.begin() + q * stride,
                         codes_.values.begin() + q * stride + codes_.frames);
        }
        const auto noise = [&](std::int64_t window, std::span<float> out) {
            fill_normal({seed, 0, Draw::latent, static_cast<std::uint32_t>(window), 0}, out);
        };
        Decoded out;
        heartcodec::DecodeOptions options;
        options.first_window = first_window;
        const auto collect = [&](std::span<const float> stereo) {
            for (std::size_t i = 0; i < stereo.size(); i += 2) {
                out.left.push_back(stereo[i]);
                out.right.push_back(stereo[i + 1]);
            }
        };
        codec.decode(codes, noise, options, collect, {});
        return out;
    }

    static Decoded part(const Decoded& all, std::int64_t from, std::int64_t to) {
        return {{}, {all.left.begin() + from, all.left.begin() + to}, {all.right.begin() + from, all.right.begin() + to}};
    }

    /// One window, as Codec::decode does it, with a look at the latents.
    [[nodiscard]] Decoded decode(const heartcodec::Codec& codec) const {
        constexpr std::int64_t kWindow = heartcodec::WindowPlan::kWindowCodes;
        const heartcodec::Config& c = codec.config();
        const auto stride = static_cast<std::int64_t>(codes_.values.size()) / codes_.codebooks;
        std::vector<std::int32_t> window;
        for (std::int64_t q = 0; q < c.quantizers; ++q) {
            for (std::int64_t i = 0; i < kWindow; ++i) {
                const std::int32_t code = codes_.values[static_cast<std::size_t>(q * stride + i % codes_.frames)];
                window.push_back(std::clamp(code, 0, static_cast<std::int32_t>(c.codebook_size - 1)));
            }
        }
        const heartcodec::DecodeOptions options;
        heartcodec::FlowSolver flow(device_, codec.weights(), c, kWindow, {options.steps, options.guidance, {}});
        std::vector<float> noise(static_cast<std::size_t>(heartcodec::WindowPlan::kWindowLatents * c.latent_channels));
        fill_normal({1, 0, Draw::latent, 0, 0}, noise);
        flow.condition(window);
        Decoded out;
        out.latents = flow.solve(noise, {}, {});
        const std::int64_t heard = codes_.frames * heartcodec::kLatentsPerCode;
        out.latents.resize(static_cast<std::size_t>(heard * c.latent_channels));

        heartcodec::ScalarDecoder decoder(device_, codec.weights().decoder, c);
        decoder.start(out.latents);
        const auto samples = static_cast<std::size_t>(heard * c.samples_per_latent());
        std::vector<float> tile(static_cast<std::size_t>(2 * decoder.samples_per_tile()));
        while (out.left.size() < samples) {
            decoder.decode_tile(tile);
            for (std::size_t i = 0; i < tile.size() && out.left.size() < samples; i += 2) {
                out.left.push_back(tile[i]);
                out.right.push_back(tile[i + 1]);
            }
        }
        out.right.resize(samples);
        return out;
    }

    const engine::CheckpointSet& set_;
    std::shared_ptr<graph::Device> device_;
    engine::Codes codes_;
    Decoded expected_;
};

/// A song of the language model at float32, drawn as songs usually are.
engine::Codes compose_song(const Options& o) {
    engine::EngineOptions how;
    how.version = o.version;
    how.language_model_type = Type::f32;
    how.language_model_device = how.codec_device = o.device;
    how.threads = o.threads;
    engine::SongRequest what;
    what.tags = kTexts[0].tags;
    what.lyrics = kTexts[0].lyrics;
    what.max_audio_length_ms = o.seconds * 1000;
    what.seed = 11;
    return engine::Generator(o.folder, how).compose(what, {}, {}).codes;
}

Json measure(const Options& o) {
    const engine::CheckpointSet set(o.folder, o.version);
    const auto device = graph::Device::open(o.device, o.threads);
    Json out = {{"model", o.folder.is_embedded() ? "built-in demo model" : o.folder.describe()}, {"version", o.version}};
    {
        const LanguageModelTest test(set, device, o.frames);
        Json rows = Json::array();
        const auto add = [&](Type type, Type cache) {
            std::fprintf(stderr, "language model: %s, KV cache %s\n", graph::type_name(type), graph::type_name(cache));
            rows.push_back(test.row(type, cache));
        };
        for (const Type t : {Type::f32, Type::bf16, Type::f16, Type::q8_0, Type::q6_k, Type::q5_k, Type::q4_k, Type::q4_0}) {
            add(t, heartmula::default_cache_type(t));
            if (t == Type::bf16) add(t, Type::q8_0);
        }
        out["language_model"] = {{"prompts", std::size(kTexts)}, {"frames", test.frames()}, {"rows", rows}};
    }
    const CodecTest test(set, device, compose_song(o));
    Json rows = Json::array();
    for (const Type t : {Type::f32, Type::f16, Type::q8_0, Type::q6_k, Type::q5_k, Type::q4_k, Type::q4_0}) {
        std::fprintf(stderr, "codec: %s\n", graph::type_name(t));
        rows.push_back(test.row(t));
    }
    out["codec"] = {{"seconds", test.seconds()}, {"latent_cells", test.cells()}, {"rows", rows}};
    std::fprintf(stderr, "codec: shorter first windows\n");
    out["first_windows"] = test.first_windows();
    return out;
}

std::int64_t number(const std::string& name, const std::string& text, std::int64_t least, std::int64_t most) {
    char* end = nullptr;
    const long long value = std::strtoll(text.c_str(), &end, 10);
    if (text.empty() || *end != '\0' || value < least || value > most) {
        throw Error(ErrorCode::usage, name + " is out of range")
            .expected(std::to_string(least) + " to " + std::to_string(most))
            .found(printable(text, 40));
    }
    return value;
}

Options parse(const std::vector<std::string>& words) {
    Options o;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const std::string& name = words[i];
        if (i + 1 == words.size()) throw Error(ErrorCode::usage, printable(name, 40) + " needs a value");
        const std::string& value = words[i + 1];
        if (name == "--model-path") o.folder = formats::Folder::on_disk(value);
        else if (name == "--version") o.version = value;
        else if (name == "--frames") o.frames = number(name, value, 2, 3000);
        else if (name == "--seconds") o.seconds = number(name, value, 1, 29);
        else if (name == "--device") o.device = value;
        else if (name == "--threads") o.threads = static_cast<int>(number(name, value, 0, 1024));
        else
            throw Error(ErrorCode::usage, "no option " + printable(name, 40))
                .expected("--model-path, --version, --frames, --seconds, --device or --threads");
    }
    return o;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        std::printf("%s\n", measure(parse({argv + 1, argv + argc})).dump(2).c_str());
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "heart_quality: %s\n", e.what());
        const auto* typed = dynamic_cast<const Error*>(&e);
        return typed != nullptr && typed->code() == ErrorCode::usage ? 2 : 1;
    }
}
