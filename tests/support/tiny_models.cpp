#include "support/tiny_models.h"

#include "support/device.h"

#include <algorithm>

namespace heart::test {

std::unique_ptr<heartmula::LanguageModel> tiny_language_model(const std::string& folder, int threads, graph::Type type) {
    return heartmula::LanguageModel::load(formats::Checkpoint::open(tiny(folder)),
                                          graph::Device::open(test_device(), threads), type, {}, {});
}

std::unique_ptr<heartcodec::Codec> tiny_codec(const std::string& folder, int threads) {
    return heartcodec::Codec::load(formats::Checkpoint::open(tiny(folder)), graph::Device::open(test_device(), threads),
                                   graph::Type::f32, {}, {});
}

GoldenPrompt golden_prompt(const Golden& golden, int index) {
    const auto tokens = golden.integers("prompt" + std::to_string(index) + ".tokens");  // [length][9], text last
    const std::size_t reference = golden.manifest().at("prompts").at(static_cast<std::size_t>(index)).at("muq_idx");
    GoldenPrompt out;
    for (std::size_t i = 0; i < tokens.size() / 9; ++i) {
        if (i != reference) (i < reference ? out.tags : out.lyrics).push_back(tokens[i * 9 + 8]);
    }
    return out;
}

std::vector<heartmula::Frame> compose(const heartmula::LanguageModel& model, const heartmula::PromptIds& prompt,
                                      const ComposeOptions& options) {
    const bool guided = heartmula::is_guided(options.sampling.cfg_scale);
    heartmula::SongBatch batch(model, {1, prompt.length() + options.frames, guided}, options.batch);
    const auto width = static_cast<std::size_t>(model.config().audio_vocabulary);
    const auto codebooks = static_cast<std::size_t>(model.config().codebooks);
    const auto noise = [&](std::int64_t frame, std::int64_t codebook, std::span<float> out) {
        const std::size_t at = (static_cast<std::size_t>(frame) * codebooks + static_cast<std::size_t>(codebook)) * width;
        if (at < options.noise.size())
            std::copy_n(options.noise.begin() + static_cast<std::ptrdiff_t>(at), width, out.begin());
    };
    const auto slot = batch.join({prompt, options.sampling, options.noise.empty() ? heartmula::NoiseFn{} : noise, {}}, {});
    if (options.look) options.look(0, batch);
    std::vector<heartmula::Frame> out{batch.latest(slot)};
    while (static_cast<int>(out.size()) < options.frames) {
        batch.step();
        const heartmula::Frame& next = batch.latest(slot);
        if (options.look) options.look(static_cast<int>(out.size()), batch);
        if (std::any_of(next.begin(), next.end(), [&](std::int32_t t) { return t >= options.audio_eos; })) break;
        out.push_back(next);
    }
    return out;
}

std::vector<std::int32_t> by_codebook(const std::vector<heartmula::Frame>& frames) {
    std::vector<std::int32_t> out;
    for (std::size_t q = 0; q < frames.at(0).size(); ++q) {
        for (const heartmula::Frame& f : frames) out.push_back(f[q]);
    }
    return out;
}

}  // namespace heart::test
