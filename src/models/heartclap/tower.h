#pragma once

#include "graph/graph.h"
#include "graph/weights.h"
#include "models/heartclap/config.h"
#include "nn/layers.h"

#include <string>
#include <vector>

namespace heart::heartclap {

/// A layer of a tower's transformer; the published names stand beside each weight.
struct TowerLayer {
    graph::Tensor norm;              ///< 0.norm.learned_gamma                [dim]
    graph::Tensor qkv;               ///< 0.to_q, 0.to_kv                     [dim, 3 heads head_dim]
    graph::Tensor q_scale, k_scale;  ///< 0.q_scale, 0.k_scale with what makes the scores right  [head_dim]
    graph::Tensor out;               ///< 0.to_out.0                          [heads head_dim, dim]
    graph::Tensor mlp_norm;          ///< 1.0.learned_gamma                   [dim]
    graph::Tensor up;                ///< 1.1                                 [dim, 2 hidden]: values, then gates
    graph::Tensor down;              ///< 1.4                                 [hidden, dim]
};

/// From the states of an encoder to the latent of what it heard or read.
struct TowerWeights {
    nn::Linear proj;  ///< proj; empty unless SourceConfig::projected   [source, dim]
    std::vector<TowerLayer> layers;
    nn::Linear latent;  ///< <name>_to_latents  [dim, latent]

    /// `name`: "audio" or "text". The plan points into this object.
    void plan(graph::WeightPlan& plan, const SourceConfig& source, const TowerConfig& tower, std::int64_t latent_dim,
              const std::string& name);
};

/// States [source, n * rows] of `rows` sounds or texts of one length, one behind the other -> their latents of unit length
/// [latent, rows]. `shares` [n] holds 1 / n in each place. Names "proj", "tf.layer0.attn", ".ff", ".out", "pooled",
/// "latent_raw" and "latent".
[[nodiscard]] graph::Tensor tower(graph::Graph& g, const TowerWeights& w, const TowerConfig& config, graph::Tensor shares,
                                  graph::Tensor states);

}  // namespace heart::heartclap
