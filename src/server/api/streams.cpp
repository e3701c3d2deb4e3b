#include "server/api/streams.h"

#include "server/api/progress_json.h"

#include <array>
#include <cstring>
#include <map>
#include <vector>

namespace heart::server::api {

namespace {

/// Events that wait for a reader, the newest of each song, in the order in which they came.
class Mailbox {
public:
    void put(const std::string& id, std::string text) {
        std::function<void()> wake;
        {
            const std::lock_guard lock(mutex_);
            const auto [place, fresh] = events_.insert_or_assign(id, std::move(text));
            (void)place;
            if (fresh) order_.push_back(id);
            wake = wake_;
        }
        if (wake) wake();
    }
    void end() {
        std::function<void()> wake;
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
            wake = wake_;
        }
        if (wake) wake();
    }
    http::BodySource::State take(std::string& out, std::size_t most) {
        const std::lock_guard lock(mutex_);
        if (!started_) out += "retry: 3000\n\n";
        const bool first = !std::exchange(started_, true);
        std::size_t taken = 0;
        while (taken < order_.size() && out.size() < most) {
            const auto event = events_.find(order_[taken++]);
            out += "data: " + event->second + "\n\n";
            events_.erase(event);
        }
        order_.erase(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(taken));
        if (first || taken > 0) return http::BodySource::State::ready;
        return ended_ ? http::BodySource::State::ended : http::BodySource::State::waiting;
    }
    void set_wake(const std::function<void()>& wake) {
        bool news = false;
        {
            const std::lock_guard lock(mutex_);
            wake_ = wake;
            news = ended_ || !order_.empty();
        }
        if (news && wake) wake();
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::string> events_;
    std::vector<std::string> order_;
    std::function<void()> wake_;
    bool started_ = false, ended_ = false;
};

class EventStream final : public http::BodySource {
public:
    EventStream(jobs::ProgressHub& hub, const std::string& user_id, std::shared_ptr<TokenWatch> watch)
        : box_(std::make_shared<Mailbox>()) {
        subscription_ = hub.listen(user_id, [box = box_, watch = std::move(watch)](const jobs::JobProgress& news) {
            if (!watch->good()) return box->end();
            box->put(news.id, progress_json(news).dump(-1, ' ', false, Json::error_handler_t::replace));
        });
    }
    State pull(std::string& out, std::size_t most) override { return box_->take(out, most); }
    void set_wake(std::function<void()> wake) override {
        const bool left = !wake;
        box_->set_wake(std::move(wake));
        if (left) subscription_.end();
    }
    std::string keep_alive() const override { return ":\n\n"; }

private:
    std::shared_ptr<Mailbox> box_;  // the listener's as well, which may be at work while this one goes
    jobs::ProgressHub::Subscription subscription_;
};

std::string wav_header(std::uint32_t sample_rate) {
    constexpr std::uint32_t kUnknown = 0xFFFF'FFFF, kChannels = 2, kBytesPerSample = 2;
    std::string out;
    const auto u32 = [&](std::uint32_t n) {
        for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((n >> shift) & 0xFF);
    };
    const auto u16 = [&](std::uint32_t n) {
        out += static_cast<char>(n & 0xFF);
        out += static_cast<char>((n >> 8) & 0xFF);
    };
    out += "RIFF";
    u32(kUnknown);
    out += "WAVEfmt ";
    u32(16);
    u16(1);  // PCM
    u16(kChannels);
    u32(sample_rate);
    u32(sample_rate * kChannels * kBytesPerSample);
    u16(kChannels * kBytesPerSample);
    u16(8 * kBytesPerSample);
    out += "data";
    u32(kUnknown);
    return out;
}

class LiveWav final : public http::BodySource {
public:
    explicit LiveWav(std::shared_ptr<jobs::LiveSong> song) : song_(std::move(song)) {}
    LiveWav(const LiveWav&) = delete;
    LiveWav& operator=(const LiveWav&) = delete;
    ~LiveWav() override { stop_listening(); }

    State pull(std::string& out, std::size_t most) override {
        const std::lock_guard lock(mutex_);
        if (!header_sent_) {
            const std::uint32_t rate = song_->sample_rate();
            if (rate == 0) return song_->ended() ? State::ended : State::waiting;
            out += wav_header(rate);
            header_sent_ = true;
            return State::ready;
        }
        const std::size_t before = out.size();
        const bool more = song_->read(offset_, most, out);
        offset_ += out.size() - before;
        if (out.size() > before) return State::ready;
        return more ? State::waiting : State::ended;
    }

    void set_wake(std::function<void()> wake) override {
        stop_listening();
        if (!wake) return;
        const std::uint64_t number = song_->on_change(wake);
        bool news = false;
        {
            const std::lock_guard lock(mutex_);
            number_ = number;
            news = song_->ended() || (header_sent_ ? song_->bytes() > offset_ : song_->sample_rate() != 0);
        }
        if (news) wake();
    }

private:
    void stop_listening() {
        std::uint64_t number = 0;
        {
            const std::lock_guard lock(mutex_);
            std::swap(number, number_);
        }
        if (number != 0) song_->forget(number);
    }

    std::shared_ptr<jobs::LiveSong> song_;
    std::mutex mutex_;
    std::size_t offset_ = 0;
    bool header_sent_ = false;
    std::uint64_t number_ = 0;
};

}  // namespace

bool TokenWatch::good() {
    constexpr std::chrono::seconds kEvery{20};
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (good_ && now - asked_ >= kEvery) {
        asked_ = now;
        good_ = accounts_.identify(token_).user.has_value();
    }
    return good_;
}

std::shared_ptr<http::BodySource> event_stream(jobs::ProgressHub& hub, const std::string& user_id,
                                               std::shared_ptr<TokenWatch> watch) {
    return std::make_shared<EventStream>(hub, user_id, std::move(watch));
}

std::shared_ptr<http::BodySource> live_wav(std::shared_ptr<jobs::LiveSong> song) {
    return std::make_shared<LiveWav>(std::move(song));
}

}  // namespace heart::server::api
