#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::jobs {

/// The sound of a job while it is made: 16-bit stereo samples that only become more, read by any number of listeners, each
/// at its own pace. From any thread.
class LiveSong {
public:
    /// Appends interleaved stereo; what is beyond [-1, 1] clips.
    void append(std::span<const float> stereo, std::uint32_t sample_rate);
    void end();  ///< whole, failed or cancelled: nothing more comes

    /// 0 until the first sound is there.
    [[nodiscard]] std::uint32_t sample_rate() const;
    /// Appends at most `most` bytes (whole sample pairs, little-endian) from byte `offset` on to `out`; false when there is
    /// nothing and never will be.
    [[nodiscard]] bool read(std::size_t offset, std::size_t most, std::string& out) const;
    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] bool ended() const;

    /// Calls `wake` whenever something changed, until `forget`.
    std::uint64_t on_change(std::function<void()> wake);
    void forget(std::uint64_t number);

private:
    void tell();

    mutable std::mutex mutex_;
    std::vector<std::int16_t> samples_;
    std::uint32_t sample_rate_ = 0;
    bool ended_ = false;
    std::uint64_t next_number_ = 1;
    std::map<std::uint64_t, std::function<void()>> wakes_;
};

}  // namespace heart::server::jobs
