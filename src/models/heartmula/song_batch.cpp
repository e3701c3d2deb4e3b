#include "models/heartmula/song_batch.h"

#include "core/error.h"
#include "core/parallel.h"
#include "core/philox.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace heart::heartmula {

using graph::Graph;
using graph::Tensor;
using graph::Type;

namespace {

/// Known frames that are heard in one pass: as many reads of the weights are saved.
constexpr std::size_t kReplayedTogether = 16;

/// Fewer numbers of noise are drawn sooner than a thread is started.
constexpr std::size_t kNoiseOfAThread = 8192;

constexpr std::int64_t round_up(std::int64_t n, std::int64_t step) {
    return (n + step - 1) / step * step;
}

std::int64_t rows_of_slot(const BatchLimits& limits) {
    return limits.guided ? 2 : 1;
}

nn::KvCache make_cache(graph::TensorStore& store, const char* name, const LlamaDims& d, std::int64_t capacity,
                       std::int64_t rows, Type type) {
    return {store, name, static_cast<int>(d.layers), d.head_dim(), d.kv_heads, capacity, rows, type};
}

/// What is written before it is read needs no zeros; only our CPU kernels never look behind the mask.
graph::TensorStore::Fill fill_of(const graph::Device& device) {
    return device.kernels() == graph::Kernels::cpu ? graph::TensorStore::Fill::undefined : graph::TensorStore::Fill::zero;
}

}  // namespace

Type default_cache_type(Type dtype) noexcept {
    return dtype == Type::f32 || dtype == Type::f16 ? dtype : Type::bf16;
}

SongBatch::SongBatch(const LanguageModel& model, const BatchLimits& limits, const BatchOptions& options)
    : model_(model),
      limits_(limits),
      options_(options),
      store_(model.device()),
      backbone_cache_(make_cache(store_, "backbone", model.config().backbone,
                                 round_up(limits.positions, options.length_step), limits.songs * rows_of_slot(limits),
                                 options.cache_type.value_or(default_cache_type(model.dtype())))),
      depth_cache_(make_cache(store_, "depth", model.config().depth, model.config().codebooks,
                              limits.songs * rows_of_slot(limits), Type::f32)) {
    if (limits.positions > model.config().backbone.max_length) {
        throw Error(ErrorCode::limit, "the song is too long for the model")
            .expected(fmt::format("at most {} positions", model.config().backbone.max_length))
            .found(std::to_string(limits.positions));
    }
    const Type cache_type = options.cache_type.value_or(default_cache_type(model.dtype()));
    if (model.config().backbone.head_dim() % graph::block_size(cache_type) != 0) {
        throw Error(ErrorCode::unsupported,
                    fmt::format("the KV cache of this model cannot be {}", graph::type_name(cache_type)))
            .expected(fmt::format("heads of a multiple of {} numbers", graph::block_size(cache_type)))
            .found(std::to_string(model.config().backbone.head_dim()));
    }
    store_.allocate(fill_of(*model.device()));
}

SongBatch::~SongBatch() = default;

std::uint64_t SongBatch::cache_bytes(const Config& c, const BatchLimits& limits, Type cache_type) {
    return nn::KvCache::bytes(static_cast<int>(c.backbone.layers), c.backbone.head_dim(), c.backbone.kv_heads,
                              round_up(limits.positions, BatchOptions{}.length_step), limits.songs * rows_of_slot(limits),
                              cache_type);
}

const Graph& SongBatch::graph() const {
    ensure(pass_ != nullptr, "no frame was drawn yet");
    return pass_->graph();
}

/// Tokens may come from a file.
void SongBatch::check_frame(const Frame& frame) const {
    const Config& c = model_.config();
    const auto strange =
        std::find_if(frame.begin(), frame.end(), [&](std::int32_t t) { return t < 0 || t >= c.audio_vocabulary; });
    if (frame.size() == static_cast<std::size_t>(c.codebooks) && strange == frame.end()) return;
    throw Error(ErrorCode::mismatch, "the codes do not belong to this model")
        .expected(fmt::format("{} tokens below {} in each frame", c.codebooks, c.audio_vocabulary))
        .found(strange != frame.end() ? fmt::format("token {}", *strange) : fmt::format("{} tokens", frame.size()));
}

// --- songs ------------------------------------------------------------------------------------------------------------

SongBatch::Song SongBatch::new_song(const Sampling& sampling, NoiseFn noise) const {
    ensure(has_room() && !running_, "a song joins between steps, where there is room");
    ensure(limits_.guided || !is_guided(sampling.cfg_scale), "guided songs join a batch that has rows for them");
    Song song;
    for (const Song& s : songs_) song.slot += s.slot == song.slot ? 1 : 0;  // the first that is free: songs stand by slot
    song.lane = {sampling, song.slot * rows_of_slot(limits_)};
    song.noise = std::move(noise);
    return song;
}

SongBatch::Slot SongBatch::add(Song song) {
    const Slot slot = song.slot;
    const auto behind = std::find_if(songs_.begin(), songs_.end(), [&](const Song& s) { return s.slot > slot; });
    songs_.insert(behind, std::move(song));
    return slot;
}

const SongBatch::Song& SongBatch::song(Slot slot) const {
    const auto found = std::find_if(songs_.begin(), songs_.end(), [&](const Song& s) { return s.slot == slot; });
    ensure(found != songs_.end(), "a song is in the slot");
    return *found;
}

void SongBatch::leave(Slot slot) {
    ensure(!running_, "a song leaves between steps");
    songs_.erase(songs_.begin() + (&song(slot) - songs_.data()));
    steps_ = false;
}

void SongBatch::replace_latest(Slot slot, Frame frame) {
    ensure(!running_, "a frame is replaced between steps");
    check_frame(frame);
    songs_[static_cast<std::size_t>(&song(slot) - songs_.data())].latest = std::move(frame);
    hears_drawn_ = false;
}

// --- joining ----------------------------------------------------------------------------------------------------------

/// The one before is gone first: two need not fit.
FramePass& SongBatch::make_pass(PassShape shape) {
    steps_ = false;
    noise_ready_ = false;
    pass_.reset();
    pass_ = std::make_unique<FramePass>(model_, FramePass::Caches{backbone_cache_, depth_cache_}, std::move(shape),
                                        options_.part, options_.graph);
    return *pass_;
}

std::int64_t SongBatch::looked_at(std::int64_t positions) const {
    return std::min(round_up(positions, options_.length_step), backbone_cache_.capacity());
}

std::int64_t SongBatch::draws(std::int64_t lanes) const {
    return options_.part == FramePart::backbone ? 0 : lanes;
}

SongBatch::Slot SongBatch::join(const NewSong& plan, const CancelToken& cancel, const PrefillProgress& progress) {
    Song song = new_song(plan.sampling, plan.noise);
    const auto needed = plan.prompt.length() + static_cast<std::int64_t>(plan.known.size());
    if (needed > limits_.positions) {
        throw Error(ErrorCode::limit, "the song does not fit its place")
            .expected(fmt::format("at most {} positions", limits_.positions))
            .found(fmt::format("{} positions", needed));
    }
    for (const Frame& frame : plan.known) check_frame(frame);
    read_prompt(song, plan, cancel, progress);
    replay(song, plan.known, cancel, progress);
    return add(std::move(song));
}

void SongBatch::read_prompt(Song& song, const NewSong& plan, const CancelToken& cancel, const PrefillProgress& progress) {
    const std::int64_t total = plan.prompt.length(), dim = model_.config().backbone.dim;
    const std::vector<float> x = model_.embed_prompt(plan.prompt, song.lane.rows() == 2);
    for (std::int64_t start = 0; start < total; start += options_.prompt_piece) {
        cancel.check();
        const std::int64_t n = std::min(options_.prompt_piece, total - start);
        const bool last = start + n == total && plan.known.empty();
        FramePass& pass = make_pass({{song.lane}, last ? draws(1) : 0, n, looked_at(start + n)});
        std::vector<float> piece(x.begin() + start * dim, x.begin() + (start + n) * dim);
        piece.insert(piece.end(), x.begin() + total * dim, x.end());  // the unconditional embedding, with guidance
        pass.place(std::array{start});
        pass.hear_prompt(piece);
        run_drawing(song, 0);
        song.length = start + n;
        if (progress) progress(song.length);
    }
}

/// Hears the frames one position behind the other, each as a row of its own: then every sum is the one that it was when
/// the frame was heard alone.
void SongBatch::replay(Song& song, std::span<const Frame> known, const CancelToken& cancel,
                       const PrefillProgress& progress) {
    for (std::size_t first = 0; first < known.size(); first += kReplayedTogether) {
        cancel.check();
        const auto frames = known.subspan(first, std::min(kReplayedTogether, known.size() - first));
        const auto count = static_cast<std::int64_t>(frames.size());
        const bool last = first + frames.size() == known.size();
        FramePass& pass =
            make_pass({std::vector<Lane>(frames.size(), song.lane), last ? draws(1) : 0, 0, looked_at(song.length + count)});
        std::vector<std::int64_t> positions;
        for (std::int64_t i = 0; i < count; ++i) positions.push_back(song.length + i);
        pass.place(positions);
        pass.hear(frames);
        run_drawing(song, static_cast<std::int64_t>(known.size()));
        song.length += count;
        if (progress) progress(song.length);
    }
}

/// Runs a pass of this song alone; where it draws, it draws frame `frame`.
void SongBatch::run_drawing(Song& song, std::int64_t frame) {
    if (pass_->shape().draws > 0) {
        song.frames = frame;
        draw_noise({&song, 1}, 0);
        pass_->upload_noise(noise_);
    }
    pass_->start();
    for (Frame& drawn : pass_->finish()) {
        song.latest = std::move(drawn);
        ++song.frames;
    }
}

SongBatch::Slot SongBatch::join_pretended(const Sampling& sampling, NoiseFn noise, std::int64_t length) {
    ensure(length > 0 && length <= limits_.positions, "a pretended song fits its place");
    Song song = new_song(sampling, std::move(noise));
    const Config& c = model_.config();
    const std::int64_t n = std::min(options_.prompt_piece, length), rows = song.lane.rows();
    graph::TensorStore inputs(model_.device(), 8);
    const Tensor k = inputs.add("k", Type::f32, {c.backbone.kv_dim(), n * rows});
    const Tensor v = inputs.add("v", Type::f32, {c.backbone.kv_dim(), n * rows});
    const Tensor slots = inputs.add("slots", Type::i64, {n * rows});
    inputs.allocate();
    std::vector<float> values(static_cast<std::size_t>(k.elements()));
    fill_normal({}, values);
    upload(k, values);
    upload(v, values);
    Graph g(model_.device());
    for (int layer = 0; layer < static_cast<int>(c.backbone.layers); ++layer) {
        const nn::KvCache::KeyValue written = backbone_cache_.append(g, layer, k, v, slots);
        g.effect(written.k);
        g.effect(written.v);
    }
    g.compile();
    for (std::int64_t start = 0; start < length; start += n) {
        std::vector<std::int64_t> places;
        for (std::int64_t row = 0; row < rows; ++row) {
            for (std::int64_t i = 0; i < n; ++i) {
                places.push_back(backbone_cache_.slot(song.lane.cache_row + row, std::min(start, length - n) + i));
            }
        }
        upload(slots, places);
        g.run();
    }
    song.length = length;
    song.latest.assign(static_cast<std::size_t>(c.codebooks), 1);
    steps_ = false;
    return add(std::move(song));
}

// --- stepping ---------------------------------------------------------------------------------------------------------

/// Noise of each song's next frame, or of the one `ahead` frames behind it.
void SongBatch::draw_noise(std::span<const Song> songs, std::int64_t ahead) {
    const auto width = static_cast<std::size_t>(model_.config().audio_vocabulary);
    const auto count = static_cast<std::int64_t>(songs.size());
    noise_.resize(static_cast<std::size_t>(model_.config().codebooks * count) * width);
    const int threads = noise_.size() < kNoiseOfAThread ? 1 : model_.device()->threads();
    parallel_for(model_.config().codebooks * count, threads, [&](std::int64_t i) {
        const Song& song = songs[static_cast<std::size_t>(i % count)];
        const auto out = std::span(noise_).subspan(static_cast<std::size_t>(i) * width, width);
        if (song.noise) song.noise(song.frames + ahead, i / count, out);
        else std::fill(out.begin(), out.end(), 0.0F);
    });
}

void SongBatch::begin_step() {
    ensure(!songs_.empty() && !running_, "there are songs to draw a frame for");
    std::vector<std::int64_t> positions;
    for (const Song& song : songs_) {
        ensure(song.length < backbone_cache_.capacity(), "each song has room for a frame");
        positions.push_back(song.length);
    }
    const std::int64_t longest = *std::max_element(positions.begin(), positions.end());
    if (!steps_ || longest >= pass_->shape().length) {
        PassShape shape{{}, draws(songs()), 0, looked_at(longest + 1)};
        for (const Song& song : songs_) shape.lanes.push_back(song.lane);
        make_pass(std::move(shape));
        steps_ = true;
        hears_drawn_ = false;
    }
    pass_->place(positions);
    if (!hears_drawn_) {
        std::vector<Frame> frames;
        for (const Song& song : songs_) frames.push_back(song.latest);
        pass_->hear(frames);
    }
    if (pass_->shape().draws > 0) {
        if (!noise_ready_) draw_noise(songs_, 0);
        pass_->upload_noise(noise_);
    }
    pass_->start();
    running_ = true;
    if (pass_->shape().draws > 0) draw_noise(songs_, 1);  // while the device computes
    noise_ready_ = true;
}

void SongBatch::finish_step() {
    ensure(running_, "a step was begun");
    running_ = false;
    const std::vector<Frame> drawn = pass_->finish();
    for (std::size_t i = 0; i < songs_.size(); ++i) {
        Song& song = songs_[i];
        ++song.length;
        if (drawn.empty()) continue;
        song.latest = drawn[i];
        ++song.frames;
    }
    hears_drawn_ = true;
}

}  // namespace heart::heartmula
