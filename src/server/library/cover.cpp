#include "server/library/cover.h"

#include "audio/png.h"
#include "core/error.h"
#include "server/library/cover_scenes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <sodium.h>

namespace heart::server::library {

namespace {

using namespace covers;

constexpr Scene kScenes[] = {draw_ridges,  draw_waves,  draw_dunes,  draw_sea,   draw_rings, draw_burst,
                             draw_ribbons, draw_mosaic, draw_planet, draw_bloom, draw_aurora};

/// An aurora needs a night; by day, the last one is not there.
Scene choose_scene(const Palette& palette, std::uint64_t hash) {
    return kScenes[hash % (std::size(kScenes) - (palette.dark() ? 0 : 1))];
}

/// The same number for the same subject, on every machine.
std::uint64_t hash_of(const CoverSubject& subject) {
    crypto_generichash_state state;
    unsigned char digest[crypto_generichash_BYTES];
    crypto_generichash_init(&state, nullptr, 0, sizeof digest);
    for (const std::string* part : {&subject.id, &subject.title, &subject.tags, &subject.lyrics}) {
        const auto length = static_cast<std::uint64_t>(part->size());  // so that no two subjects run together
        crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&length), sizeof length);
        crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part->data()), part->size());
    }
    crypto_generichash_final(&state, digest, sizeof digest);
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < sizeof hash; ++i) hash = hash << 8 | digest[i];
    return hash;
}

/// The song's loudness in few points, as loud at its loudest as any other; out of the hash when there is none.
Curve curve_of(const std::vector<float>& loudness, std::uint64_t seed) {
    constexpr std::size_t kPoints = 256;
    std::vector<double> points(kPoints);
    if (loudness.size() < 2) {
        for (std::size_t i = 0; i < kPoints; ++i) {
            const double t = static_cast<double>(i) / (kPoints - 1);
            points[i] = std::clamp(0.55 + 0.6 * noise(seed, 9 * t, 4), 0.0, 1.0);
        }
        return Curve(std::move(points));
    }
    double largest = 1e-6;
    for (std::size_t i = 0; i < kPoints; ++i) {
        const std::size_t from = i * loudness.size() / kPoints;
        const std::size_t to = std::max(from + 1, (i + 1) * loudness.size() / kPoints);
        for (std::size_t k = from; k < to; ++k) {
            if (std::isfinite(loudness[k])) points[i] = std::max(points[i], static_cast<double>(std::abs(loudness[k])));
        }
        largest = std::max(largest, points[i]);
    }
    for (double& point : points) point = std::min(1.0, point / largest);
    return Curve(std::move(points));
}

/// Sections by the lines in brackets; a song without any is cut by its seed.
std::vector<Section> sections_of(const std::string& lyrics, std::uint64_t seed) {
    std::vector<std::pair<std::size_t, bool>> heads;
    for (std::size_t at = 0; at < lyrics.size();) {
        const std::size_t end = std::min(lyrics.find('\n', at), lyrics.size());
        std::size_t start = at;
        while (start < end && (lyrics[start] == ' ' || lyrics[start] == '\t')) ++start;
        if (start < end && lyrics[start] == '[') {
            std::string name = lyrics.substr(start + 1, std::min<std::size_t>(end - start - 1, 16));
            for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
            heads.emplace_back(at, name.starts_with("chorus") || name.starts_with("hook") || name.starts_with("refrain"));
        }
        at = end + 1;
    }
    constexpr std::size_t kMost = 12;
    std::vector<Section> sections;
    if (heads.size() < 2) {
        Random random(seed);
        double at = 0;
        const int count = 5 + random.below(4);
        for (int i = 0; i < count; ++i) {
            const double to = i + 1 == count ? 1 : at + (1 - at) / (count - i) * random.between(0.6, 1.4);
            sections.push_back({at, to, i % 2 == 1});
            at = to;
        }
        return sections;
    }
    heads.resize(std::min(heads.size(), kMost));
    // Half by the length of the words and half evenly: an instrumental part takes its time too.
    const auto place = [&](std::size_t i) {
        if (i == 0) return 0.0;
        if (i == heads.size()) return 1.0;
        return 0.5 * static_cast<double>(i) / static_cast<double>(heads.size()) +
               0.5 * static_cast<double>(heads[i].first) / static_cast<double>(lyrics.size());
    };
    for (std::size_t i = 0; i < heads.size(); ++i) sections.push_back({place(i), place(i + 1), heads[i].second});
    return sections;
}

/// A byte for a pixel: 590 kB at 768 pixels.
std::size_t most_bytes(int pixels) {
    return std::max<std::size_t>(4096, static_cast<std::size_t>(pixels) * static_cast<std::size_t>(pixels));
}

}  // namespace

std::string draw_cover(const CoverSubject& subject, int pixels) {
    if (pixels < 16 || pixels > 4096) {
        throw Error(ErrorCode::usage, "a cover cannot have this size")
            .expected("16 to 4096 pixels")
            .found(std::to_string(pixels));
    }
    Random random(hash_of(subject));
    const std::uint64_t seed = random.next();
    const Plan plan{seed, choose_palette(subject.tags, random.next()), curve_of(subject.loudness, random.next()),
                    sections_of(subject.lyrics, random.next())};
    const Scene scene = choose_scene(plan.palette, random.next());
    const std::uint64_t specks = random.next();
    Canvas canvas(pixels);
    scene(canvas, plan);
    // Grain hardly compresses: the finer the picture, the less of it there is room for.
    std::vector<char> png;
    for (const double grain : {2.2, 1.2, 0.6, 0.0}) {
        png = audio::encode_png(canvas.image(plan.palette.dark() ? 0.34 : 0.14, grain, specks));
        if (png.size() <= most_bytes(pixels)) break;
    }
    return {png.begin(), png.end()};
}

}  // namespace heart::server::library
