// Does the transcriptor hear and write what the PyTorch reference hears and writes?

#include "audio/log_mel.h"
#include "engine/listener.h"
#include "engine/transcriber.h"
#include "models/hearttranscriptor/session.h"
#include "support/device.h"
#include "support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstring>
#include <numeric>

namespace heart::test {
namespace {

using engine::TranscriptionRequest;

const CancelToken kNever;

const Golden& golden() {
    static const Golden g("manifest_transcriptor.json", "transcriptor.safetensors");
    return g;
}

formats::Folder folder() {
    return tiny("HeartTranscriptor-oss");
}

const hearttranscriptor::Model& model() {
    static const auto m = hearttranscriptor::Model::load(
        formats::Checkpoint::open(folder()), graph::Device::open(test_device(), 2), graph::Type::f32, {}, kNever);
    return *m;
}

std::vector<float> long_signal() {
    const auto path = data_path("golden/transcriptor_long.safetensors");
    const auto tensors = formats::parse_safetensors(formats::Bytes::map_file(path), path.string());
    const formats::TensorView& t = tensors.at("audio42");
    std::vector<float> out(t.elements());
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::int32_t value = 0;
        std::memcpy(&value, t.data.data() + i * sizeof value, sizeof value);
        out[i] = static_cast<float>(value) / 32768;
    }
    return out;
}

/// Samples as a source that gives them in uneven pieces.
engine::SoundSource source_of(const std::vector<float>& samples) {
    return [&samples, at = std::size_t{0}]() mutable {
        const std::size_t n = std::min<std::size_t>(samples.size() - at, 4097);
        at += n;
        return std::span<const float>(samples).subspan(at - n, n);
    };
}

// --- the front end ------------------------------------------------------------------------------------------------------

void check_mel(std::size_t bands, const std::string& name) {
    const audio::LogMel mel(bands);
    const audio::SpectralFrames frames = mel.compute(golden().floats("audio5"));
    ASSERT_EQ(frames.frames, audio::LogMel::kFrames);
    const std::size_t shown = golden().shape(name).at(1);
    std::vector<float> first(frames.values.begin(), frames.values.begin() + static_cast<std::ptrdiff_t>(shown * bands));
    golden().expect_close(name, transposed(first, shown, bands));
    for (std::size_t t = shown; t < frames.frames; ++t) {
        const auto frame = frames.frame(t);
        golden().expect_close(name + ".pad", std::vector<float>(frame.begin(), frame.end()));
    }
}

TEST(HeartTranscriptorParity, LogMelOf80Bands) {
    check_mel(80, "mel80");
}

TEST(HeartTranscriptorParity, LogMelOf128Bands) {
    check_mel(128, "mel128");
}

TEST(HeartTranscriptorParity, MelFilters) {
    for (const std::size_t bands : {80U, 128U}) {
        const audio::MelFilterbank filters({16'000, 400, bands, 0, 8000, audio::MelScale::slaney, true});
        std::vector<float> weights;
        for (std::size_t bin = 0; bin < 201; ++bin) {
            for (std::size_t band = 0; band < bands; ++band) weights.push_back(filters.weight(band, bin));
        }
        golden().expect_close("mel_filters" + std::to_string(bands), weights);
    }
}

// --- the model ----------------------------------------------------------------------------------------------------------

std::vector<float> every_tenth(const std::vector<float>& positions, std::size_t dim) {
    std::vector<float> out;
    for (std::size_t p = 0; p * dim < positions.size(); p += 10) {
        out.insert(out.end(), positions.begin() + static_cast<std::ptrdiff_t>(p * dim),
                   positions.begin() + static_cast<std::ptrdiff_t>((p + 1) * dim));
    }
    return out;
}

TEST(HeartTranscriptorParity, Encoder) {
    hearttranscriptor::Session session(model(), 1, {.keep_named = true});
    session.listen(audio::LogMel(80).compute(golden().floats("audio5")).values);
    const auto dim = static_cast<std::size_t>(model().config().encoder.dim);
    const auto& graph = session.encoder_graph();
    golden().expect_close("encoder.layer0", every_tenth(graph.read("encoder.layer0"), dim));
    const auto out = graph.read("encoder.out");
    golden().expect_close("encoder.out", every_tenth(out, dim));
    std::vector<float> mean(dim, 0);
    for (std::size_t i = 0; i < out.size(); ++i) mean[i % dim] += out[i] / 1500;
    golden().expect_close("encoder.out_mean", mean);
}

TEST(HeartTranscriptorParity, LogitsOfAPrompt) {
    hearttranscriptor::Session session(model(), 1);
    session.listen(audio::LogMel(80).compute(golden().floats("audio5")).values);
    const auto prompt = golden().integers("logits.prompt");
    std::vector<std::int32_t> all(prompt.size());
    std::iota(all.begin(), all.end(), 0);
    golden().expect_close("logits.out", session.start(prompt, all));
}

TEST(HeartTranscriptorParity, LogitsTokenByTokenAreThoseOfTheWholePrompt) {
    hearttranscriptor::Session session(model(), 1);
    session.listen(audio::LogMel(80).compute(golden().floats("audio5")).values);
    const auto prompt = golden().integers("logits.prompt");
    const std::array<std::int32_t, 1> first{0};
    auto logits = session.start(std::span(prompt).first(1), first);
    std::vector<float> all(logits.begin(), logits.end());
    for (std::size_t i = 1; i < prompt.size(); ++i) {
        const hearttranscriptor::Session::Continuation next{0, prompt[i]};
        logits = session.step({&next, 1});
        all.insert(all.end(), logits.begin(), logits.end());
    }
    golden().expect_close("logits.out", all);
}

TEST(HeartTranscriptorParity, APromptOfWordsHasTheTokenizersIds) {
    const auto files = engine::TranscriptorFiles::read(folder(), formats::Checkpoint::open(folder()).config());
    const auto prompt = golden().integers("logits.prompt");
    std::vector<std::int32_t> ids{401, 402, 502, 506};
    const auto words = files.tokenizer.encode("hello the sun", false);
    ids.insert(ids.end(), words.begin(), words.end());
    EXPECT_EQ(ids, prompt);
}

// --- decoding -----------------------------------------------------------------------------------------------------------

TranscriptionRequest golden_request(std::size_t beams) {
    TranscriptionRequest r;
    r.fallback.beams = beams;
    r.fallback.max_new_tokens = 48;
    r.fallback.temperatures = {0};
    return r;
}

engine::Transcriber& transcriber() {
    static engine::Transcriber t(folder(), {test_device(), graph::Type::f32, 2});
    return t;
}

engine::Transcript transcribe(const std::vector<float>& samples, const TranscriptionRequest& request) {
    return transcriber().transcribe(source_of(samples), request, {}, kNever);
}

void check_ids(const std::string& name, std::size_t beams, const std::string& language, bool timestamps = false) {
    TranscriptionRequest r = golden_request(beams);
    r.language = language;
    if (timestamps) r.times = TranscriptionRequest::Times::line;
    const auto transcript = transcribe(golden().floats("audio5"), r);
    ASSERT_EQ(transcript.chunks.size(), 1U);
    EXPECT_EQ(transcript.chunks[0].tokens, golden().integers(name)) << name;
    const auto& info = golden().manifest().at("info");
    if (!timestamps) {
        EXPECT_EQ(transcript.text, info.at(name).at("text").get<std::string>()) << name;
    }
}

TEST(HeartTranscriptorParity, GreedyIds) {
    check_ids("gen.greedy.en", 1, "en");
}

TEST(HeartTranscriptorParity, GreedyIdsOfADetectedLanguage) {
    check_ids("gen.greedy.auto", 1, "");
}

TEST(HeartTranscriptorParity, GreedyIdsWithTimestamps) {
    check_ids("gen.greedy.en_ts", 1, "en", true);
}

TEST(HeartTranscriptorParity, IdsOfTwoBeams) {
    check_ids("gen.beam2.en", 2, "en");
    check_ids("gen.beam2.auto", 2, "");
}

TEST(HeartTranscriptorParity, IdsOfFiveBeams) {
    check_ids("gen.beam5.en", 5, "en");
}

TEST(HeartTranscriptorParity, TheDetectedLanguage) {
    const auto transcript = transcribe(golden().floats("audio5"), golden_request(1));
    const auto token = golden().manifest().at("info").at("detected_language").at("token").get<std::string>();
    EXPECT_EQ("<|" + transcript.language + "|>", token);
}

TEST(HeartTranscriptorParity, AverageLogProbability) {
    TranscriptionRequest r = golden_request(1);
    r.language = "en";
    const auto transcript = transcribe(golden().floats("audio5"), r);
    const double expected = golden().manifest().at("info").at("greedy_avg_logprob");
    EXPECT_NEAR(transcript.chunks.at(0).average_log_probability, expected, 1e-4);
}

TEST(HeartTranscriptorParity, TheChunkedPipelineOfALongSignal) {
    const auto transcript = transcribe(long_signal(), golden_request(2));
    const auto& expected = golden().manifest().at("info").at("pipeline").at("results").at("42.0");
    const auto ids = expected.at("chunk_token_ids").get<std::vector<std::vector<std::int32_t>>>();
    ASSERT_EQ(transcript.chunks.size(), ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(transcript.chunks[i].tokens, ids[i]) << "chunk " << i;
    EXPECT_EQ(transcript.text, expected.at("text").get<std::string>());
}

TEST(HeartTranscriptorParity, TheWholeTextOfAShortSignal) {
    const auto transcript = transcribe(golden().floats("audio5"), golden_request(2));
    const auto& results = golden().manifest().at("info").at("pipeline").at("results");
    EXPECT_EQ(transcript.text, results.at("5.0").at("text").get<std::string>());
}

}  // namespace
}  // namespace heart::test
