// Generator::stream: one thread composes while another renders.

#include "core/consumer_thread.h"
#include "core/elapsed.h"
#include "core/philox.h"
#include "engine/generator.h"
#include "engine/rendering.h"
#include "models/heartcodec/song_decoder.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace heart::engine {

namespace {

using Clock = std::chrono::steady_clock;
using heartmula::Frame;
using RenderingThread = ConsumerThread<Frame>;

/// How often the composing thread, while it waits for the rendering one, looks whether there is progress to report.
constexpr std::chrono::milliseconds kLook(20);

/// Hands blocks on and counts what passes by.
class Outlet {
public:
    Outlet(const AudioBlockSink& sink, Clock::time_point start) : sink_(sink), start_(start) {}

    /// A sink for the codec.
    heartcodec::AudioSink at_rate(std::int64_t sample_rate) {
        sample_rate_ = static_cast<std::uint32_t>(sample_rate);
        return [this](std::span<const float> stereo) {
            if (samples_ == 0) first_audio_seconds_ = seconds_since(start_);
            sink_({stereo, sample_rate_, samples_});
            samples_ += static_cast<std::int64_t>(stereo.size() / 2);
        };
    }

    /// Once no other thread uses the outlet any more.
    StreamedSong song(Composition composition) const {
        return {std::move(composition), sample_rate_, samples_, first_audio_seconds_, seconds_since(start_)};
    }

private:
    const AudioBlockSink& sink_;
    Clock::time_point start_;
    std::uint32_t sample_rate_ = 0;
    std::int64_t samples_ = 0;
    double first_audio_seconds_ = 0;
};

/// The latest progress of rendering, for the composing thread to report: callbacks come on the caller's thread only.
class Relay {
public:
    void set(const Progress& progress) {
        const std::lock_guard lock(mutex_);
        latest_ = progress;
        is_new_ = true;
    }
    /// What was not seen before.
    std::optional<Progress> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(is_new_, false) ? std::optional(latest_) : std::nullopt;
    }
    double seconds() const {
        const std::lock_guard lock(mutex_);
        return latest_.audio_seconds;
    }

private:
    mutable std::mutex mutex_;
    Progress latest_;
    bool is_new_ = false;
};

}  // namespace

StreamedSong Generator::stream(const SongRequest& asked, const AudioBlockSink& sink, const ProgressFn& progress,
                               const CancelToken& cancel, CodesJournal* journal) {
    SongRequest request = asked;
    if (!request.seed) request.seed = random_seed();
    Outlet outlet(sink, Clock::now());
    const auto known = journal == nullptr ? std::vector<Frame>() : journal->known();
    const auto keep = [&](const Frame& frame) {
        if (journal != nullptr) journal->append(frame);
    };
    if (options_.lazy_load) {
        const auto keep_it = [&](SongNumber, std::int64_t, const Frame& frame) { keep(frame); };
        Composition composition = compose(request, progress, cancel, keep_it, known);
        const std::int64_t rate = codec(progress, cancel).config().sample_rate;
        render_to(outlet.at_rate(rate), composition.codes, request, nullptr, progress, cancel);
        return outlet.song(std::move(composition));
    }

    Relay relay;
    const double before = timings_.total();
    double rendering_seconds = 0;
    const auto render = [&](RenderingThread& frames) {
        const heartcodec::Codec& model = codec({}, cancel);
        const heartcodec::Config& c = model.config();
        const Clock::time_point start = Clock::now();
        double waiting = 0;
        const auto advance = [&](std::int64_t done, std::int64_t total, std::int64_t samples) {
            frames.check();
            relay.set({Phase::decode, static_cast<double>(done), static_cast<double>(total),
                       static_cast<double>(samples) / static_cast<double>(c.sample_rate)});
        };
        heartcodec::SongDecoder decoder(model, frames_asked(request), drawn_noise(request), decode_options(request),
                                        outlet.at_rate(c.sample_rate), cancel, advance);
        const auto next = [&] {
            const Clock::time_point since = Clock::now();
            std::optional<Frame> frame = frames.take();
            waiting += seconds_since(since);
            return frame;
        };
        while (const std::optional<Frame> frame = next()) {
            check_codebooks(static_cast<std::int64_t>(frame->size()), c);
            decoder.append(*frame);
        }
        decoder.finish();
        rendering_seconds = seconds_since(start) - waiting;
    };

    // Loading the codec waits for the first frame: what is wrong with the request is found before. The queue takes a whole
    // song, a few bytes a frame, so that composing never waits for whoever listens.
    std::optional<RenderingThread> rendering;
    const auto hand_over = [&](const Frame& frame) {
        if (!rendering) rendering.emplace(static_cast<std::size_t>(frames_asked(request)), render);
        rendering->put(frame);
    };
    for (const Frame& frame : known) hand_over(frame);
    const auto take = [&](SongNumber, std::int64_t, const Frame& frame) {
        keep(frame);
        hand_over(frame);
    };
    const auto with_rendered = [&](Progress p) {
        p.rendered_seconds = relay.seconds();
        progress(p);
    };
    Composition composition = compose(request, progress ? ProgressFn(with_rendered) : ProgressFn(), cancel, take, known);

    rendering->close();
    for (bool ended = false; !ended;) {
        ended = rendering->ended_within(kLook);
        const std::optional<Progress> news = relay.take();
        if (news && progress) progress(*news);
    }
    rendering->finish();
    timings_.decode += rendering_seconds;
    StreamedSong song = outlet.song(std::move(composition));
    timings_.at_once += std::max(timings_.total() - before - song.seconds, 0.0);
    return song;
}

}  // namespace heart::engine
