#pragma once

#include "audio/waveform.h"
#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sndfile.h>

namespace heart::audio::testing {

namespace fs = std::filesystem;

/// A new, empty folder that goes away with the object.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (fs::temp_directory_path() / "heart-audio-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
        path_ = pattern;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    [[nodiscard]] const fs::path& path() const { return path_; }
    [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }
    /// Names of everything inside, hidden files too.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> out;
        for (const auto& entry : fs::directory_iterator(path_)) out.push_back(entry.path().filename().string());
        std::sort(out.begin(), out.end());
        return out;
    }

private:
    fs::path path_;
};

inline std::string file_bytes(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void put_file(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// The error that `action` throws; fails the test when there is none.
template <typename Action>
Error error_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {ErrorCode::internal, "nothing was thrown"};
}

/// Uniform noise in [-level, level), the same for the same seed.
inline Waveform noise(std::size_t frames, std::size_t channels, std::uint32_t rate, float level, std::uint32_t seed = 1) {
    Waveform wave;
    wave.sample_rate = rate;
    wave.channels.resize(channels);
    std::uint64_t state = seed;
    for (auto& channel : wave.channels) {
        for (std::size_t i = 0; i < frames; ++i) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            channel.push_back(level * (static_cast<float>(state >> 40) / 8388608.0F - 1.0F));
        }
    }
    return wave;
}

/// Channel c is a sine of hz * (1 + c).
inline Waveform tones(std::size_t frames, std::size_t channels, std::uint32_t rate, double hz, double level) {
    Waveform wave;
    wave.sample_rate = rate;
    wave.channels.resize(channels);
    for (std::size_t c = 0; c < channels; ++c) {
        const double step = 2 * std::numbers::pi * hz * static_cast<double>(c + 1) / rate;
        for (std::size_t i = 0; i < frames; ++i) {
            wave.channels[c].push_back(static_cast<float>(level * std::sin(step * static_cast<double>(i))));
        }
    }
    return wave;
}

struct ReadBack {
    SF_INFO info{};
    Waveform wave;
};

/// Decodes a file with libsndfile, to its end.
inline ReadBack read_sound(const fs::path& path) {
    ReadBack back;
    SNDFILE* file = sf_open(path.c_str(), SFM_READ, &back.info);
    if (file == nullptr) throw std::runtime_error(sf_strerror(nullptr));
    back.wave.sample_rate = static_cast<std::uint32_t>(back.info.samplerate);
    back.wave.channels.resize(static_cast<std::size_t>(back.info.channels));
    std::vector<float> block(4096 * back.wave.channels.size());
    while (const sf_count_t frames = sf_readf_float(file, block.data(), 4096)) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(frames) * back.wave.channels.size(); ++i) {
            back.wave.channels[i % back.wave.channels.size()].push_back(block[i]);
        }
    }
    sf_close(file);
    return back;
}

/// 10 log10 of the energy of `wanted` over that of the difference, all channels together.
inline double signal_to_noise_db(const Waveform& wanted, const Waveform& found) {
    double signal = 0, error = 0;
    for (std::size_t c = 0; c < wanted.channels.size(); ++c) {
        for (std::size_t i = 0; i < wanted.frames(); ++i) {
            const double difference = double{found.channels[c].at(i)} - wanted.channels[c][i];
            signal += double{wanted.channels[c][i]} * wanted.channels[c][i];
            error += difference * difference;
        }
    }
    return 10 * std::log10(signal / (error + 1e-30));
}

/// Largest |difference| after `wanted` is multiplied by `gain`.
inline double largest_difference(const Waveform& wanted, const Waveform& found, double gain = 1) {
    double largest = 0;
    for (std::size_t c = 0; c < wanted.channels.size(); ++c) {
        for (std::size_t i = 0; i < wanted.frames(); ++i) {
            largest = std::max(largest, std::abs(found.channels[c].at(i) - gain * wanted.channels[c][i]));
        }
    }
    return largest;
}

}  // namespace heart::audio::testing
