#include "models/heartcodec/flow.h"

#include "core/error.h"
#include "nn/layers.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace heart::heartcodec {

using graph::Graph;
using graph::Tensor;
using graph::Type;

namespace {

/// The times at which the field is evaluated and the widths of the steps, with the rounding of the reference: t runs on
/// by adding, and each width reaches for the next point of linspace(0, 1, steps + 1).
struct Schedule {
    std::vector<float> times, widths;
};

Schedule euler_schedule(int steps) {
    // torch.linspace in f32: from the start in the first half, from the end in the second.
    std::vector<float> span(static_cast<std::size_t>(steps) + 1);
    const float step = 1.0F / static_cast<float>(steps);
    for (int i = 0; i <= steps; ++i) {
        span[static_cast<std::size_t>(i)] =
            i < (steps + 1) / 2 ? step * static_cast<float>(i) : 1.0F - step * static_cast<float>(steps - i);
    }
    Schedule out;
    float t = span[0], dt = span[1] - span[0];
    for (int i = 1; i <= steps; ++i) {
        out.times.push_back(t);
        out.widths.push_back(dt);
        t = t + dt;
        if (i < steps) dt = span[static_cast<std::size_t>(i) + 1] - t;
    }
    return out;
}

std::vector<float> times_of(int steps) {
    if (steps < 1 || steps > 1000) {
        throw Error(ErrorCode::usage, "number of Euler steps").expected("1 to 1000").found(std::to_string(steps));
    }
    return euler_schedule(steps).times;
}

}  // namespace

FlowSolver::FlowSolver(const std::shared_ptr<graph::Device>& device, const Weights& weights, const Config& config,
                       std::int64_t codes, const FlowOptions& options)
    : config_(config),
      options_(options),
      codes_(codes),
      frames_(codes * kLatentsPerCode),
      rows_(options.guidance > 1.0F ? 2 : 1),
      times_(times_of(options.steps)),
      widths_(euler_schedule(options.steps).widths),
      table_(device, weights.estimator, config, times_, {}),
      store_(device),
      condition_(device, options.graph),
      step_(device, options.graph) {
    const std::int64_t channels = config.latent_channels;
    code_ids_ = store_.add("codes", Type::i32, {codes, config.quantizers});
    mu_ = store_.add("mu", Type::f32, {config.dim, frames_});
    no_mu_ = store_.add("no_mu", Type::f32, {config.dim, frames_});  // stays zero: the unconditional row's conditioning
    x_ = store_.add("x", Type::f32, {channels, frames_});
    noise_ = store_.add("noise", Type::f32, {channels, frames_});
    context_ = store_.add("context", Type::f32, {channels, frames_});
    in_context_ = store_.add("in_context", Type::f32, {channels, frames_});  // 1 in held frames, else 0
    free_ = store_.add("free", Type::f32, {channels, frames_});              // the opposite
    step_index_ = store_.add("step", Type::i32, {1});
    noise_share_ = store_.add("noise_share", Type::f32, {1});
    time_ = store_.add("time", Type::f32, {1});
    width_ = store_.add("width", Type::f32, {1});
    positions_ = store_.add("positions", Type::i32, {frames_ * rows_});
    padding_ = store_.add("padding", Type::f32, {widest_projection(config), 1, rows_});
    store_.allocate();

    std::vector<std::int32_t> positions;
    for (std::int64_t i = 0; i < frames_ * rows_; ++i) positions.push_back(static_cast<std::int32_t>(i % frames_));
    upload(positions_, positions);
    build_condition(weights.quantizer);
    build_step(weights.estimator);
}

/// codes -> sum of codebook entries -> project_out -> cond_feature_emb -> each frame twice.
void FlowSolver::build_condition(const QuantizerWeights& w) {
    Graph& g = condition_;
    Tensor sum;
    for (std::size_t i = 0; i < w.codebooks.size(); ++i) {
        const Tensor ids = g.reshape(g.slice(code_ids_, 1, static_cast<std::int64_t>(i), 1), {codes_});
        const Tensor entries = g.get_rows(w.codebooks[i], ids);  // [codebook_dim, codes]
        sum = sum ? g.add(sum, entries) : entries;
    }
    const Tensor rvq = g.named(nn::linear(g, w.project_out.w, sum, w.project_out.b), "rvq");  // [dim, codes]
    const Tensor cond = g.named(nn::linear(g, w.condition.w, rvq, w.condition.b), "cond");    // [dim, codes]
    const Tensor twice = g.repeat_to(g.reshape(cond, {config_.dim, 1, codes_}), {config_.dim, kLatentsPerCode, codes_});
    const Tensor mu = g.named(g.reshape(twice, {config_.dim, frames_}), "mu");  // [dim, frames]
    g.effect(g.copy_into(mu, mu_));
    g.compile();
}

void FlowSolver::build_step(const EstimatorWeights& w) {
    Graph& g = step_;
    const std::int64_t channels = config_.latent_channels;
    const Tensor held = g.add(g.mul(noise_, noise_share_), g.mul(context_, time_));           // [channels, frames]
    const Tensor x = g.named(g.add(g.mul(x_, free_), g.mul(held, in_context_)), "x_in");      // [channels, frames]
    const auto input = [&](Tensor mu) { return g.concat(g.concat(x, context_, 0), mu, 0); };  // [in_channels, frames]
    const Tensor rows = rows_ == 2 ? g.concat(input(no_mu_), input(mu_), 2) : input(mu_);     // [in_channels, frames, rows]
    Tensor field = estimator(g, w, config_, table_, {positions_, padding_, step_index_}, rows);  // [channels, frames, rows]
    if (rows_ == 2) {
        const Tensor unconditional = g.slice(field, 2, 0, 1), conditional = g.slice(field, 2, 1, 1);
        field = g.add(unconditional, g.scale(g.sub(conditional, unconditional), options_.guidance));
    }
    const Tensor next = g.add(x, g.mul(g.reshape(field, {channels, frames_}), width_));
    g.effect(g.copy_into(next, x_));
    g.compile();
}

void FlowSolver::condition(std::span<const std::int32_t> codes) {
    upload(code_ids_, codes);
    condition_.run();
}

std::vector<float> FlowSolver::solve(std::span<const float> noise, std::span<const float> context, const CancelToken& cancel,
                                     const StepProgress& progress) {
    upload(x_, noise);
    upload(noise_, noise);
    std::vector<float> padded(noise.size(), 0.0F), held(noise.size(), 0.0F), free(noise.size(), 1.0F);
    std::copy(context.begin(), context.end(), padded.begin());
    std::fill_n(held.begin(), context.size(), 1.0F);
    std::fill_n(free.begin(), context.size(), 0.0F);
    upload(context_, padded);
    upload(in_context_, held);
    upload(free_, free);

    for (std::size_t i = 0; i < times_.size(); ++i) {
        cancel.check();
        const float t = times_[i];
        upload(step_index_, std::array{static_cast<std::int32_t>(i)});
        upload(noise_share_, std::array{1.0F - (1.0F - 1e-6F) * t});
        upload(time_, std::array{t});
        upload(width_, std::array{widths_[i]});
        step_.run();
        if (after_step_for_tests) after_step_for_tests(static_cast<int>(i));
        if (progress) progress(static_cast<int>(i) + 1);
    }
    return download_f32(x_);
}

}  // namespace heart::heartcodec
