#include "engine/composer.h"

#include "core/elapsed.h"
#include "core/philox.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <numeric>
#include <utility>

namespace heart::engine {

namespace {

constexpr double kFrameMs = 80;  // 12.5 frames a second

using Clock = std::chrono::steady_clock;

void report_composing(const ProgressFn& progress, Phase phase, double done, double total) {
    if (progress) progress({phase, done, total, phase == Phase::frames ? done * kFrameMs / 1000 : 0});
}

/// [frames][codebooks] -> Codes.
Codes as_codes(const std::vector<heartmula::Frame>& frames, std::int64_t codebooks) {
    Codes out{codebooks, static_cast<std::int64_t>(frames.size()), {}};
    for (std::size_t q = 0; q < static_cast<std::size_t>(codebooks); ++q) {
        for (const heartmula::Frame& f : frames) out.values.push_back(f[q]);
    }
    return out;
}

/// How many frames a song may have: the reference draws one frame and then max_ms / 80 more; the context may allow fewer.
void set_frame_limit(Composition& c, std::int64_t max_positions) {
    const std::int64_t asked = 1 + static_cast<std::int64_t>(static_cast<double>(c.request.max_audio_length_ms) / kFrameMs);
    const std::int64_t room = max_positions - c.prompt_length;
    if (room < 1) {
        throw Error(ErrorCode::limit, "lyrics and tags are too long for the model")
            .expected(fmt::format("at most {} tokens", max_positions - 2))
            .found(fmt::format("{} tokens", c.prompt_length - 1))
            .hint("shorten the lyrics");
    }
    c.limited_by_context = room < asked;
    c.frame_limit = std::min(asked, room);
}

}  // namespace

SongPreparer::SongPreparer(const CheckpointSet& set) : tokenizer_(set.tokenizer()), ids_(set.generation_config()) {
    const formats::Checkpoint checkpoint = set.language_model();
    const auto config = heartmula::Config::parse(checkpoint.config(), checkpoint.describe() + "/config.json");
    max_positions_ = config.backbone.max_length;
    reference_dim_ = config.reference_dim;
}

PreparedSong SongPreparer::prepare(const SongRequest& request) const {
    check_request(request);
    PreparedSong out;
    out.composition.request = request;
    if (!request.seed) out.composition.request.seed = random_seed();
    out.prompt = text::make_prompt(tokenizer_, {ids_.text_bos, ids_.text_eos}, request.tags, request.lyrics);
    out.composition.prompt_length = static_cast<std::int64_t>(out.prompt.length());
    set_frame_limit(out.composition, max_positions_);
    if (request.reference) {
        heartmula::check_reference(request.reference->embedding, reference_dim_);
        out.reference = entering(*request.reference);
        if (out.reference.empty()) out.composition.request.reference.reset();
        else heartmula::check_reference(out.reference, reference_dim_);  // the strength may take numbers beyond the limit
    }
    return out;
}

Composer::Composer(const heartmula::LanguageModel& model, const heartmula::GenerationConfig& ids,
                   const heartmula::BatchLimits& limits, graph::Type cache_type)
    : model_(model), ids_(ids), batch_(model, limits, {.cache_type = cache_type}) {}

SongNumber Composer::add(PreparedSong song, SongHooks hooks) {
    const heartmula::BatchLimits& limits = batch_.limits();
    if (song.positions() > limits.positions) {
        throw Error(ErrorCode::limit, "the song is longer than songs may be here")
            .expected(fmt::format("at most {} positions", limits.positions))
            .found(
                fmt::format("{} of the prompt and {} frames", song.composition.prompt_length, song.composition.frame_limit));
    }
    if (song.guided() && !limits.guided) {
        throw Error(ErrorCode::usage, "guided songs have no place here").expected("a cfg_scale of 1 or less");
    }
    Singing s{added_, std::move(song), std::move(hooks), {}, {}};
    s.frames = std::move(s.song.known);
    waiting_.push_back(std::move(s));
    return added_++;
}

std::vector<EndedSong> Composer::take_ended() {
    return std::exchange(ended_, {});
}

Composer::Place Composer::end(std::list<Singing>& songs, Place place, std::optional<Error> error) {
    if (place->slot) batch_.leave(*place->slot);
    place->song.composition.codes = as_codes(place->frames, model_.config().codebooks);
    ended_.push_back({place->number, std::move(place->song.composition), std::move(error)});
    return songs.erase(place);
}

void Composer::drop_cancelled(std::list<Singing>& songs) {
    for (Place p = songs.begin(); p != songs.end();) {
        try {
            if (p->hooks.cancel != nullptr) p->hooks.cancel->check();
            ++p;
        } catch (const Error& e) {
            p = end(songs, p, e);
        }
    }
}

/// Reads the prompt, and what the song has already, and draws the frame behind it.
void Composer::join(Singing& s) {
    const SongRequest& r = s.song.composition.request;
    const auto total = static_cast<double>(s.song.composition.prompt_length) + static_cast<double>(s.frames.size());
    const auto noise = [seed = *r.seed, take = r.take](std::int64_t frame, std::int64_t codebook, std::span<float> out) {
        fill_gumbel({seed, take, Draw::token, static_cast<std::uint32_t>(frame), static_cast<std::uint32_t>(codebook)}, out);
    };
    const heartmula::Sampling sampling{r.topk, static_cast<float>(r.temperature), static_cast<float>(r.cfg_scale)};
    static const CancelToken never{};
    report_composing(s.hooks.progress, Phase::prefill, 0, total);
    s.slot = batch_.join({{s.song.prompt.tags, s.song.prompt.lyrics, s.song.reference}, sampling, noise, s.frames},
                         s.hooks.cancel != nullptr ? *s.hooks.cancel : never, [&](std::int64_t done) {
                             report_composing(s.hooks.progress, Phase::prefill, static_cast<double>(done), total);
                         });
}

void Composer::join_waiting() {
    while (!waiting_.empty() && batch_.has_room()) {
        singing_.splice(singing_.end(), waiting_, waiting_.begin());
        const Place place = std::prev(singing_.end());
        if (static_cast<std::int64_t>(place->frames.size()) >= place->song.composition.frame_limit) {
            end(singing_, place, {});  // nothing is missing
            continue;
        }
        try {
            join(*place);
        } catch (const Error& e) {
            end(singing_, place, e);
            continue;
        }
        (void)take_frame_or_end(place);
    }
}

/// True while the song goes on behind the frame that was drawn last.
bool Composer::take_frame(Singing& s) const {
    const heartmula::Frame& next = batch_.latest(*s.slot);
    // As in the reference, an end token counts in any codebook but never in frame 0.
    const auto ends = [&](std::int32_t token) { return token >= ids_.audio_eos; };
    if (!s.frames.empty() && std::any_of(next.begin(), next.end(), ends)) {
        s.song.composition.ended_by_itself = true;
        return false;
    }
    s.frames.push_back(next);
    const auto count = static_cast<std::int64_t>(s.frames.size()), limit = s.song.composition.frame_limit;
    if (s.hooks.on_frame) s.hooks.on_frame(s.number, count - 1, next);
    report_composing(s.hooks.progress, Phase::frames, static_cast<double>(count), static_cast<double>(limit));
    return count < limit;
}

Composer::Place Composer::take_frame_or_end(Place place) {
    try {
        return take_frame(*place) ? std::next(place) : end(singing_, place, {});
    } catch (const Error& e) {  // of a hook
        return end(singing_, place, e);
    }
}

bool Composer::advance() {
    drop_cancelled(waiting_);
    drop_cancelled(singing_);
    auto start = Clock::now();
    join_waiting();
    prompt_seconds_ += seconds_since(start);
    ensure(!singing_.empty() || waiting_.empty(), "songs wait only for places that others have");
    if (!singing_.empty()) {
        start = Clock::now();
        batch_.step();
        for (Place p = singing_.begin(); p != singing_.end();) p = take_frame_or_end(p);
        frame_seconds_ += seconds_since(start);
    }
    return !singing_.empty() || !waiting_.empty();
}

// --- songs that are known from the start ------------------------------------------------------------------------------

heartmula::BatchLimits limits_for(std::span<const PreparedSong> songs, std::int64_t at_once) {
    heartmula::BatchLimits limits{std::clamp<std::int64_t>(at_once, 1, static_cast<std::int64_t>(songs.size())), 1, false};
    for (const PreparedSong& song : songs) {
        limits.positions = std::max(limits.positions, song.positions());
        limits.guided = limits.guided || song.guided();
    }
    return limits;
}

namespace {

/// The progress of several songs as one. Prompts show until the first frame is there: later ones are read in between.
class JointProgress {
public:
    JointProgress(const ProgressFn& progress, std::span<const PreparedSong> songs) : progress_(progress) {
        for (const PreparedSong& s : songs) total_.push_back(static_cast<double>(s.composition.frame_limit));
        done_.resize(total_.size());
    }
    void update(SongNumber song, const Progress& p) {
        if (p.phase == Phase::frames) {
            done_[song] = p.done;
            report_composing(progress_, Phase::frames, sum(done_), sum(total_));
        } else if (sum(done_) == 0) {
            report_composing(progress_, p.phase, p.done, p.total);
        }
    }
    /// It may have had more frames.
    void end(SongNumber song) { total_[song] = done_[song]; }

private:
    static double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

    const ProgressFn& progress_;
    std::vector<double> done_, total_;
};

}  // namespace

std::vector<Composition> compose_together(Composer& composer, std::vector<PreparedSong> songs, const TogetherHooks& hooks) {
    JointProgress joint(hooks.progress, songs);
    std::vector<Composition> out(songs.size());
    for (SongNumber i = 0; i < songs.size(); ++i) {
        const auto progress = [&joint, i](const Progress& p) { joint.update(i, p); };
        const SongNumber number = composer.add(std::move(songs[i]), {progress, hooks.on_frame, hooks.cancel});
        ensure(number == i, "a composer of its own");
    }
    for (bool more = true; more;) {
        more = composer.advance();
        for (EndedSong& ended : composer.take_ended()) {
            if (ended.error) throw *ended.error;
            joint.end(ended.number);
            out[ended.number] = std::move(ended.composition);
        }
    }
    return out;
}

}  // namespace heart::engine
