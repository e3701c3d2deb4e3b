// Do sounds and texts get the places in the shared space that the PyTorch reference gives them?

#include "audio/decibel_mel.h"
#include "audio/resample.h"
#include "core/error.h"
#include "engine/clips.h"
#include "engine/embedder.h"
#include "models/heartclap/session.h"
#include "support/device.h"
#include "support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using heartclap::Session;

const CancelToken kNever;

const Golden& golden() {
    static const Golden g("manifest_clap.json", "clap.safetensors");
    return g;
}

heartclap::Config config() {
    const auto read = [](const char* folder) {
        return formats::parse_json(tiny(folder).open("config.json").text(), folder);
    };
    const auto mulan = read("MuQ-MuLan"), audio = read("MuQ-large-msd-iter"), text = read("xlm-roberta-base");
    return heartclap::Config::parse({mulan, audio, text, "MuQ-MuLan", "MuQ-large-msd-iter", "xlm-roberta-base"});
}

const heartclap::Model& model() {
    static const auto m = heartclap::Model::load(formats::Checkpoint::open(tiny("MuQ-MuLan")), config(),
                                                 graph::Device::open(test_device(), 2), graph::Type::f32, {}, kNever);
    return *m;
}

engine::Embedder& embedder() {
    static engine::Embedder e(tiny(""), {.device = test_device(), .threads = 2});
    return e;
}

/// Samples of the golden test signal, or of another int16 tensor.
std::vector<float> pcm(const std::string& name = "audio.pcm") {
    const auto path = data_path("golden/clap.safetensors");
    const auto tensors = formats::parse_safetensors(formats::Bytes::map_file(path), path.string());
    const formats::TensorView& t = tensors.at(name);
    std::vector<float> out(t.elements());
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::int16_t value = 0;
        std::memcpy(&value, t.data.data() + i * sizeof value, sizeof value);
        out[i] = static_cast<float>(value) / 32768;
    }
    return out;
}

std::vector<float> signal(const std::string& clip) {
    static const std::vector<float> all = pcm();
    const auto& entry = golden().manifest().at("clips").at(clip);
    return {all.begin() + entry.at("from").get<std::ptrdiff_t>(), all.begin() + entry.at("to").get<std::ptrdiff_t>()};
}

/// Samples as a source that gives them in uneven pieces.
engine::SoundSource source_of(std::vector<float> samples) {
    const auto kept = std::make_shared<const std::vector<float>>(std::move(samples));
    return [kept, at = std::size_t{0}]() mutable {
        const std::size_t n = std::min<std::size_t>(kept->size() - at, 4097);
        at += n;
        return std::span<const float>(*kept).subspan(at - n, n);
    };
}

std::vector<float> first_clip(const std::string& name) {
    engine::Clips clips(source_of(signal(name)), static_cast<std::size_t>(config().clip_samples()));
    const auto clip = clips.next();
    return {clip.begin(), clip.end()};
}

audio::SpectralFrames mel_db(const std::string& clip) {
    return audio::DecibelMel({}).compute(first_clip(clip));
}

std::vector<float> normalised_mel(const std::string& clip) {
    auto mel = mel_db(clip).values;
    const auto& m = config().audio.mel;
    for (float& x : mel) x = static_cast<float>((x - m.mean) / m.deviation);
    return mel;
}

std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (const auto& entry : golden().manifest().at("texts")) out.push_back(entry.at("text"));
    return out;
}

std::vector<std::int32_t> ids_of_text(std::size_t index) {
    return golden().manifest().at("texts").at(index).at("ids").get<std::vector<std::int32_t>>();
}

std::vector<float> row(const std::string& name, std::size_t index) {
    const auto all = golden().floats(name);
    const std::size_t width = golden().shape(name).back();
    return {all.begin() + static_cast<std::ptrdiff_t>(index * width),
            all.begin() + static_cast<std::ptrdiff_t>((index + 1) * width)};
}

// --- the front end ------------------------------------------------------------------------------------------------------

TEST(HeartClapParity, MelFilters) {
    const audio::DecibelMel mel({});
    const audio::MelFilterbank& filters = mel.filters();
    std::vector<float> weights;
    for (std::size_t bin = 0; bin < filters.bins(); ++bin) {
        for (std::size_t band = 0; band < filters.bands(); ++band) weights.push_back(filters.weight(band, bin));
    }
    golden().expect_close("mel.filterbank", weights);
}

TEST(HeartClapParity, MelOfClips) {
    for (const std::string clip : {"a10", "a3", "odd"}) {
        const auto mel = mel_db(clip);
        golden().expect_close(clip + ".clip0.mel_db", transposed(mel.values, mel.frames, mel.bins));
    }
    const auto mel = normalised_mel("a3");
    golden().expect_close("a3.clip0.mel", transposed(mel, mel.size() / 128, 128));
}

TEST(HeartClapParity, ClipsAreCutAndCompletedAsTheReferenceDoes) {
    const std::map<std::string, std::size_t> counts{{"a10", 1}, {"a3", 1}, {"a7", 1}, {"a20", 2}, {"a27", 3}, {"odd", 1}};
    for (const auto& [name, count] : counts) {
        const std::vector<float> tail = pcm(name + ".last_clip_tail");
        engine::Clips clips(source_of(signal(name)), static_cast<std::size_t>(config().clip_samples()));
        std::size_t found = 0;
        std::vector<float> last;
        for (auto clip = clips.next(); !clip.empty(); clip = clips.next(), ++found) last.assign(clip.begin(), clip.end());
        EXPECT_EQ(found, count) << name;
        EXPECT_EQ(std::vector<float>(last.end() - 64, last.end()), tail) << name;
    }
}

TEST(HeartClapParity, ResamplingKeepsTheBandAndLetsNothingFold) {
    const auto stereo = pcm("resample.pcm48");
    std::vector<float> mono, out;
    for (std::size_t i = 0; i < stereo.size(); i += 2) mono.push_back((stereo[i] + stereo[i + 1]) / 2);
    audio::Resampler resampler(48'000, 24'000);
    resampler.process(mono, out);
    resampler.finish(out);
    const auto reference = golden().floats("resample.soxr_hq");
    ASSERT_EQ(out.size(), reference.size());
    EXPECT_GE(snr_db(std::span(reference).subspan(1000, 70'000), std::span(out).subspan(1000, 70'000)), 60);
    const auto latent = embedder().embed(source_of(out), {}, kNever).values, expected = golden().floats("resample.latent");
    for (std::size_t i = 0; i < latent.size(); ++i) EXPECT_NEAR(latent[i], expected[i], 5e-3) << i;
    EXPECT_GE(engine::similarity(latent, expected), 0.9995);
}

// --- the audio tower ----------------------------------------------------------------------------------------------------

/// An image's values in the reference's order, [channels][bands][frames], from [frames][bands + 2][channels].
std::vector<float> image(const std::vector<float>& values, const std::string& name) {
    const auto shape = golden().shape(name);
    std::vector<float> out;
    for (std::size_t c = 0; c < shape[0]; ++c) {
        for (std::size_t b = 0; b < shape[1]; ++b) {
            for (std::size_t t = 0; t < shape[2]; ++t) out.push_back(values[(t * (shape[1] + 2) + b) * shape[0] + c]);
        }
    }
    return out;
}

TEST(HeartClapParity, EveryNodeOfTheAudioTower) {
    Session session(model(), {.keep_named = true});
    const std::vector<float> latent = session.listen(normalised_mel("odd"));
    const graph::Graph& graph = session.audio_graph();
    for (const std::string node : {"conv.res0", "conv.res1"}) {
        golden().expect_close("odd.clip0." + node, image(graph.read(node), "odd.clip0." + node));
    }
    for (const std::string node :
         {"frontend", "hidden_states.0", "layer0.ffn1", "layer0.rotated", "layer0.self_attn", "layer0.conv_module",
          "layer0.ffn2", "hidden_states.1", "hidden_states.2", "hidden_states.3", "proj", "pooled", "latent_raw"}) {
        golden().expect_close("odd.clip0." + node, graph.read(node));
    }
    golden().expect_close("odd.clip0.latent", latent);
}

TEST(HeartClapParity, AWholeClipOfTenSecondsAndOneOfSix) {
    for (const std::string clip : {"a10", "a3"}) {
        Session session(model(), {.keep_named = true});
        const std::vector<float> latent = session.listen(normalised_mel(clip));
        golden().expect_close(clip + ".clip0.frontend", session.audio_graph().read("frontend"));
        golden().expect_close(clip + ".clip0.latent_raw", session.audio_graph().read("latent_raw"));
        golden().expect_close(clip + ".clip0.latent", latent);
    }
}

TEST(HeartClapParity, AClipInABatchIsTheClipAlone) {
    std::vector<float> mel;
    std::vector<std::vector<float>> alone;
    const auto& m = model().config().audio.mel;
    engine::Clips clips(source_of(signal("a27")), static_cast<std::size_t>(config().clip_samples()));
    Session one(model());
    for (auto clip = clips.next(); !clip.empty(); clip = clips.next()) {
        std::vector<float> frames = audio::DecibelMel({}).compute(clip).values;
        for (float& x : frames) x = static_cast<float>((x - m.mean) / m.deviation);
        alone.push_back(one.listen(frames));
        mel.insert(mel.end(), frames.begin(), frames.end());
    }
    Session three(model(), {.keep_named = true});
    EXPECT_EQ(three.listen(mel, 3), alone);
    EXPECT_EQ(three.audio_graph().read("clip2.frontend").size(), three.audio_graph().read("frontend").size());
    EXPECT_THROW((void)three.listen(mel, 7), Error) << "no clips of one length";
}

TEST(HeartClapParity, RotationsAtThePublishedHeadSize) {
    listeners::ConformerConfig c;
    c.dim = 1024, c.heads = 16;
    const auto [cosines, sines] = listeners::rotation_tables(c, 250);
    golden().expect_close("rotary.cos", cosines);
    golden().expect_close("rotary.sin", sines);
}

TEST(HeartClapParity, SoundsOfAnyLength) {
    for (const std::string name : {"a10", "a3", "a7", "a20", "a27", "odd"}) {
        const auto embedding = embedder().embed(source_of(signal(name)), {}, kNever);
        std::vector<float> clips;
        for (const auto& clip : embedding.clips) clips.insert(clips.end(), clip.begin(), clip.end());
        golden().expect_close(name + ".clip_latents", clips);
        golden().expect_close(name + ".latent", embedding.values);
        EXPECT_NEAR(embedding.seconds, static_cast<double>(signal(name).size()) / 24'000, 1e-9);
    }
}

TEST(HeartClapParity, SoundsOfAnyLengthSeveralClipsAtATime) {
    engine::Embedder two(tiny(""), {.device = test_device(), .threads = 2, .clips_at_once = 2});
    for (const std::string name : {"a3", "a20", "a27"}) {  // 1, 2 and 3 clips
        std::vector<double> seconds;
        const auto progress = [&](const Progress& p) {
            if (p.phase == Phase::embed) seconds.push_back(p.done);
        };
        const auto embedding = two.embed(source_of(signal(name)), progress, kNever);
        const auto alone = embedder().embed(source_of(signal(name)), {}, kNever);
        EXPECT_EQ(embedding.clips, alone.clips) << name;
        EXPECT_EQ(embedding.values, alone.values) << name;
        EXPECT_EQ(seconds.size(), (alone.clips.size() + 1) / 2) << name;
        EXPECT_EQ(seconds.back(), alone.seconds) << name;
    }
}

TEST(HeartClapParity, Silence) {
    const auto embedding = embedder().embed(source_of(std::vector<float>(240'000, 0.0F)), {}, kNever);
    golden().expect_close("silence.latent", embedding.values);
}

TEST(HeartClapParity, TheShortestSoundHas513Samples) {
    EXPECT_EQ(embedder().embed(source_of(std::vector<float>(513, 0.1F)), {}, kNever).clips.size(), 1U);
    for (const std::size_t samples : {0U, 1U, 512U}) {
        try {
            (void)embedder().embed(source_of(std::vector<float>(samples, 0.1F)), {}, kNever);
            ADD_FAILURE() << samples;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::malformed) << samples;
        }
    }
}

// --- the text tower -----------------------------------------------------------------------------------------------------

TEST(HeartClapParity, EveryNodeOfTheTextTower) {
    Session session(model(), {.keep_named = true});
    const std::vector<float> latent = session.read(ids_of_text(1));
    const graph::Graph& graph = session.text_graph();
    for (const std::string node : {"xlmr.embeddings", "xlmr.layer0", "xlmr.layer1", "tf.layer0.attn", "tf.layer0.ff",
                                   "tf.layer0.out", "tf.layer1.attn", "tf.layer1.ff", "pooled", "latent_raw"}) {
        golden().expect_close("text1." + node, graph.read(node));
    }
    golden().expect_close("text1.latent", latent);
}

TEST(HeartClapParity, TextsAndTheirIds) {
    const auto all = texts();
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(embedder().ids_of(all[i]), ids_of_text(i)) << all[i];
        golden().expect_close("text.latents", row("text.latents", i), embedder().embed_text(all[i], {}, kNever));
    }
}

TEST(HeartClapParity, TheLongestTextAndOneThatIsLonger) {
    const auto& entry = golden().manifest().at("text_long");
    const std::string text = entry.is_array() ? entry.at(0).at("text") : entry.at("text");
    EXPECT_EQ(embedder().ids_of(text).size(), 512U);
    golden().expect_close("text_long.latent", embedder().embed_text(text, {}, kNever));
    try {
        (void)embedder().embed_text(text + " piano", {}, kNever);
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::limit);
    }
}

// --- both ---------------------------------------------------------------------------------------------------------------

TEST(HeartClapParity, SimilarityOverTheWholePath) {
    const auto expected = golden().floats("similarity");
    const std::vector<std::string> sounds{"a10", "a3", "a7", "a20", "a27", "odd"};
    const auto words = texts();
    for (std::size_t a = 0; a < sounds.size(); ++a) {
        const auto sound = embedder().embed(source_of(signal(sounds[a])), {}, kNever).values;
        for (std::size_t t = 0; t < words.size(); ++t) {
            const double found = engine::similarity(sound, embedder().embed_text(words[t], {}, kNever));
            EXPECT_NEAR(found, expected[a * words.size() + t], 1e-4) << sounds[a] << " and " << words[t];
        }
    }
}

TEST(HeartClapParity, ByGgmlsOwnOperatorsToo) {
    const auto other = heartclap::Model::load(formats::Checkpoint::open(tiny("MuQ-MuLan")), config(),
                                              graph::Device::open("cpu-ggml", 2), graph::Type::f32, {}, kNever);
    Session session(*other);
    golden().expect_close("odd.clip0.latent", session.listen(normalised_mel("odd")));
    golden().expect_close("text1.latent", session.read(ids_of_text(1)));
}

TEST(HeartClapParity, ThePublishedFormOfTheFileGivesTheSame) {
    const auto other = heartclap::Model::load(formats::Checkpoint::open(tiny("MuQ-MuLan-bin")), config(),
                                              graph::Device::open(test_device(), 2), graph::Type::f32, {}, kNever);
    Session here(model()), there(*other);
    EXPECT_EQ(here.listen(normalised_mel("odd")), there.listen(normalised_mel("odd")));
    EXPECT_EQ(here.read(ids_of_text(1)), there.read(ids_of_text(1)));
}

TEST(HeartClapParity, APartOfASoundIsThatPartAlone) {
    const auto all = pcm();
    const auto part = embedder().embed(engine::excerpt(source_of(all), 24'000, 2.5, 10), {}, kNever);
    golden().expect_close("a10.latent", part.values);  // from 60000 to 300000
    EXPECT_THROW((void)embedder().embed(engine::excerpt(source_of(all), 24'000, 27, 10), {}, kNever), Error);
}

}  // namespace
}  // namespace heart::test
