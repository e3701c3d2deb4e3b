#include "server/jobs/live_song.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace heart::server::jobs {

namespace {

constexpr std::size_t kPairBytes = 4;  // left and right, 16 bits each

std::int16_t as_int16(float sample) {
    return static_cast<std::int16_t>(std::lround(std::clamp(sample * 32768.0F, -32768.0F, 32767.0F)));
}

}  // namespace

void LiveSong::append(std::span<const float> stereo, std::uint32_t sample_rate) {
    const std::lock_guard lock(mutex_);
    sample_rate_ = sample_rate;
    samples_.reserve(samples_.size() + stereo.size());
    for (const float sample : stereo) samples_.push_back(as_int16(sample));
    tell();
}

void LiveSong::end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    tell();
}

/// With the lock: a wake that was forgotten is never called again.
void LiveSong::tell() {
    for (const auto& [number, wake] : wakes_) wake();
}

std::uint32_t LiveSong::sample_rate() const {
    const std::lock_guard lock(mutex_);
    return sample_rate_;
}

bool LiveSong::read(std::size_t offset, std::size_t most, std::string& out) const {
    const std::lock_guard lock(mutex_);
    const std::size_t first = offset / 2;
    const std::size_t count = first >= samples_.size() ? 0 : std::min(most / kPairBytes * 2, samples_.size() - first);
    for (std::size_t i = first; i < first + count; ++i) {
        const auto bits = static_cast<std::uint16_t>(samples_[i]);
        out += static_cast<char>(bits & 0xFFU);
        out += static_cast<char>(bits >> 8U);
    }
    return count > 0 || !ended_;
}

std::size_t LiveSong::bytes() const {
    const std::lock_guard lock(mutex_);
    return samples_.size() * 2;
}

bool LiveSong::ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
}

std::uint64_t LiveSong::on_change(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wakes_.emplace(next_number_, std::move(wake));
    return next_number_++;
}

void LiveSong::forget(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    wakes_.erase(number);
}

}  // namespace heart::server::jobs
