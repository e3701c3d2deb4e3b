#include "engine/sound_source.h"

#include "audio/mono_reader.h"

#include <memory>

namespace heart::engine {

SoundFile open_sound(const std::filesystem::path& file, std::uint32_t sample_rate) {
    audio::ReadLimits limits;
    limits.max_bytes = std::uint64_t{64} << 30;
    limits.max_seconds = 24 * 3600.0;
    limits.external_decoder = true;
    const auto reader = std::make_shared<audio::MonoReader>(file, sample_rate, limits);
    return {[reader] { return reader->read(); }, reader->seconds_stated()};
}

}  // namespace heart::engine
