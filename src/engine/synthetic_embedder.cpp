#include "engine/synthetic_embedder.h"

#include "core/error.h"

#include <fmt/format.h>

namespace heart::engine {

namespace {

using formats::Json;

Json tower(int dim, int depth, int heads, int head_dim) {
    return {{"dim", dim}, {"tf_depth", depth}, {"heads", heads}, {"dim_head", head_dim}, {"ff_mult", 4}};
}

}  // namespace

EmbedderConfigs embedder_configs(const std::string& size) {
    const bool mini = size == "mini";
    if (!mini && size != "full") {
        throw Error(ErrorCode::usage, fmt::format("no embedding model of size '{}'", printable(size, 40)))
            .expected("full or mini");
    }
    const int audio_dim = mini ? 32 : 1024, text_dim = mini ? 32 : 768, depth = mini ? 1 : 8;
    const Json towers = mini ? tower(text_dim, depth, 2, 16) : tower(text_dim, depth, 8, 64);
    Json audio_tower = towers;
    audio_tower["tf_depth"] = 0;
    EmbedderConfigs out;
    out.mulan = {{"mulan", {{"sr", 24000}, {"clip_secs", 10}, {"dim_latent", 512}}},
                 {"audio_model", {{"name", "OpenMuQ/MuQ-large-msd-iter"}, {"model_dim", audio_dim}, {"use_layer_idx", -1}}},
                 {"text_model", {{"name", "xlm-roberta-base"}, {"model_dim", nullptr}, {"use_layer_idx", -1}}},
                 {"audio_transformer", audio_tower},
                 {"text_transformer", towers}};
    if (mini) out.mulan["audio_model"]["model_dim"] = nullptr;
    out.audio = {{"features", {"melspec_2048"}},
                 {"hop_length", 240},
                 {"n_mels", 128},
                 {"conv_dim", mini ? 8 : 512},
                 {"encoder_dim", audio_dim},
                 {"encoder_depth", mini ? 1 : 12},
                 {"is_flash", false},
                 {"stat", {{"melspec_2048_mean", 6.768444971712967}, {"melspec_2048_std", 18.417922652295623}}},
                 {"w2v2_config",
                  {{"position_embeddings_type", "rotary"},
                   {"hidden_act", "swish"},
                   {"num_attention_heads", mini ? 2 : 16},
                   {"intermediate_size", mini ? 64 : 4096},
                   {"conv_depthwise_kernel_size", 31},
                   {"rotary_embedding_base", 10000},
                   {"layer_norm_eps", 1e-5}}}};
    out.text = {{"model_type", "xlm-roberta"},
                {"hidden_act", "gelu"},
                {"hidden_size", text_dim},
                {"num_hidden_layers", mini ? 1 : 12},
                {"num_attention_heads", mini ? 2 : 12},
                {"intermediate_size", mini ? 64 : 3072},
                {"vocab_size", mini ? 512 : 250002},
                {"pad_token_id", 1},
                {"max_position_embeddings", 514},
                {"type_vocab_size", 1},
                {"layer_norm_eps", 1e-5}};
    return out;
}

heartclap::Config EmbedderConfigs::parse() const {
    return heartclap::Config::parse(
        {mulan, audio, text, "config.json", "config.json of the audio model", "config.json of the text model"});
}

}  // namespace heart::engine
