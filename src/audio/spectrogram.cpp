#include "audio/spectrogram.h"

#include "audio/canvas.h"
#include "audio/colour_map.h"
#include "audio/mel.h"
#include "core/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace heart::audio {

namespace {

constexpr Rgb kBackground{14, 12, 22}, kInk{236, 232, 244}, kFaintInk{158, 150, 178}, kFrame{74, 68, 96};
constexpr std::size_t kLeftMargin = 78, kRightMargin = 106, kTopMargin = 54, kBottomMargin = 66, kPlotHeight = 540;
constexpr std::int64_t kTitleScale = 3, kLabelScale = 2, kLabelHeight = 20;
constexpr std::size_t kMostLabelRows = 3, kMostLabelBytes = 24;
constexpr double kPixelsPerSecond = 80, kRangeDb = 80;

double highest_hz(const Waveform& wave) {
    return std::min(wave.sample_rate / 2.0, 24000.0);
}

/// Levels of the picture: rows are mel bands from low to high, columns are times.
struct MelLevels {
    std::size_t bands = 0, columns = 0;
    std::vector<float> power;  ///< column after column

    [[nodiscard]] float at(std::size_t band, std::size_t column) const { return power[column * bands + band]; }
};

/// Adds the spectrum of one channel around sample `centre` to `sum`; outside the sound there is silence.
void add_spectrum(const std::vector<float>& samples, double centre, PowerSpectrum& spectrum, std::vector<float>& frame,
                  std::vector<float>& power, std::vector<float>& sum) {
    const auto start = static_cast<std::int64_t>(std::llround(centre)) - static_cast<std::int64_t>(frame.size() / 2);
    const auto length = static_cast<std::int64_t>(samples.size());
    for (std::size_t i = 0; i < frame.size(); ++i) {
        const std::int64_t at = start + static_cast<std::int64_t>(i);
        frame[i] = at >= 0 && at < length ? samples[static_cast<std::size_t>(at)] : 0.0F;
    }
    spectrum.compute(frame, power);
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += power[k];
}

MelLevels mel_levels(const Waveform& wave, std::size_t columns) {
    // About 85 ms at 48 kHz: long enough to part the partials of a bass, short enough to show single notes.
    const auto wanted = static_cast<std::size_t>(wave.sample_rate * 0.06);
    const std::size_t n_fft = std::bit_ceil(std::clamp<std::size_t>(wanted, 256, std::size_t{1} << 16));
    PowerSpectrum spectrum(n_fft);
    // The lowest bands must not be narrower than a bin, or some of them would see nothing. One Hz is 1.6 mel down there.
    const double bin_mel = 1.75 * wave.sample_rate / static_cast<double>(n_fft);
    const double most_bands = hz_to_mel(highest_hz(wave), MelScale::htk) / bin_mel;
    MelOptions options;
    options.sample_rate = wave.sample_rate;
    options.n_fft = n_fft;
    options.bands = std::clamp<std::size_t>(static_cast<std::size_t>(most_bands), 8, 192);
    options.highest_hz = highest_hz(wave);
    const MelFilterbank filterbank(options);

    MelLevels levels{options.bands, columns, std::vector<float>(options.bands * columns)};
    std::vector<float> frame(n_fft), power(spectrum.bins()), sum(spectrum.bins());
    const double step = static_cast<double>(wave.frames()) / static_cast<double>(columns);
    // Long songs have more than one frame to a column, so that no sample stays unseen.
    const auto looks = static_cast<std::size_t>(std::max(1.0, std::ceil(step * 4 / static_cast<double>(n_fft))));
    for (std::size_t column = 0; column < columns; ++column) {
        std::fill(sum.begin(), sum.end(), 0.0F);
        for (std::size_t look = 0; look < looks; ++look) {
            const double part = (static_cast<double>(look) + 0.5) / static_cast<double>(looks);
            const double centre = (static_cast<double>(column) + part) * step;
            for (const auto& channel : wave.channels) add_spectrum(channel, centre, spectrum, frame, power, sum);
        }
        const float share = 1.0F / static_cast<float>(looks * wave.channels.size());
        for (float& value : sum) value *= share;
        filterbank.apply(sum, std::span(levels.power).subspan(column * options.bands, options.bands));
    }
    return levels;
}

void draw_levels(Canvas& canvas, const PlotArea& plot, const MelLevels& levels) {
    const float loudest = *std::max_element(levels.power.begin(), levels.power.end());
    const double reference = std::max<double>(loudest, std::numeric_limits<float>::min());
    const auto decibels = [&](std::size_t band, std::size_t column) {
        return std::max(-kRangeDb, 10 * std::log10(levels.at(band, column) / reference + 1e-12));
    };
    for (std::size_t row = 0; row < plot.height; ++row) {
        // Bands have their tops at 1, 2, ... of bands + 1 equal parts of the mel axis; between them the dB are interpolated.
        const double height = 1 - (static_cast<double>(row) + 0.5) / static_cast<double>(plot.height);
        const double place =
            std::clamp(height * static_cast<double>(levels.bands + 1) - 1, 0.0, static_cast<double>(levels.bands - 1));
        const auto lower = static_cast<std::size_t>(place);
        const std::size_t upper = std::min(lower + 1, levels.bands - 1);
        const double share = place - static_cast<double>(lower);
        for (std::size_t column = 0; column < plot.width; ++column) {
            const double db = (1 - share) * decibels(lower, column) + share * decibels(upper, column);
            // No sound at all is the bottom of the range, not its top.
            const double level = loudest > 0 ? 1 + db / kRangeDb : 0;
            const auto colour = static_cast<std::size_t>(std::lround(std::clamp(level, 0.0, 1.0) * 255));
            canvas.set(static_cast<std::int64_t>(plot.left + column), static_cast<std::int64_t>(plot.top + row),
                       level_colours()[colour]);
        }
    }
}

/// The plot's edges as signed numbers, for drawing around it.
struct Edges {
    std::int64_t left, top, right, bottom;
    explicit Edges(const PlotArea& plot)
        : left(static_cast<std::int64_t>(plot.left)),
          top(static_cast<std::int64_t>(plot.top)),
          right(static_cast<std::int64_t>(plot.left + plot.width)),
          bottom(static_cast<std::int64_t>(plot.top + plot.height)) {}
};

void draw_frame(Canvas& canvas, const Edges& edge) {
    const std::int64_t columns = edge.right - edge.left + 2, rows = edge.bottom - edge.top + 2;
    canvas.fill(edge.left - 1, edge.top - 1, columns, 1, kFrame);
    canvas.fill(edge.left - 1, edge.bottom, columns, 1, kFrame);
    canvas.fill(edge.left - 1, edge.top - 1, 1, rows, kFrame);
    canvas.fill(edge.right, edge.top - 1, 1, rows, kFrame);
}

void draw_frequency_axis(Canvas& canvas, const PlotArea& plot, double highest) {
    static constexpr std::array<std::pair<double, std::string_view>, 8> kTicks{{{100, "100"},
                                                                                {200, "200"},
                                                                                {500, "500"},
                                                                                {1000, "1k"},
                                                                                {2000, "2k"},
                                                                                {5000, "5k"},
                                                                                {10000, "10k"},
                                                                                {20000, "20k"}}};
    const Edges edge(plot);
    std::int64_t last_row = edge.bottom + kLabelHeight;
    for (const auto& [hz, label] : kTicks) {
        if (hz > highest) break;
        const std::int64_t row = std::llround(plot.row_of(hz, highest));
        canvas.fill(edge.left - 7, row, 6, 1, kFaintInk);
        canvas.fill(edge.left, row, edge.right - edge.left, 1, kInk, 0.07);
        if (last_row - row < 16) continue;  // labels must not touch
        last_row = row;
        canvas.text(edge.left - 13 - drawn_width(label, kLabelScale), row - 7, label, kFaintInk, kLabelScale);
    }
    canvas.text(edge.left - 13 - drawn_width("Hz", kLabelScale), edge.top - 16, "Hz", kFaintInk, kLabelScale);
}

/// The distance between time ticks, seconds: a round number that leaves room for the labels.
double time_step(double seconds, std::size_t columns) {
    static constexpr std::array<double, 22> kSteps{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1,    2,
                                                   5,     10,    15,    20,   30,   60,   120, 300, 600, 1800, 3600};
    constexpr double kRoom = 76;  // pixels
    for (const double step : kSteps) {
        if (step / seconds * static_cast<double>(columns) >= kRoom) return step;
    }
    return 3600 * std::ceil(seconds * kRoom / (3600 * static_cast<double>(columns)));
}

void draw_time_axis(Canvas& canvas, const PlotArea& plot, double seconds) {
    const Edges edge(plot);
    const double step = time_step(seconds, plot.width);
    for (std::int64_t tick = 0; static_cast<double>(tick) * step <= seconds; ++tick) {
        const double at = static_cast<double>(tick) * step;
        const std::int64_t column = std::llround(plot.column_of(at, seconds));
        canvas.fill(column, edge.bottom + 1, 1, 6, kFaintInk);
        if (tick > 0 && column < edge.right) canvas.fill(column, edge.top, 1, edge.bottom - edge.top, kInk, 0.07);
        const std::string label = fmt::format("{:g}", at);
        canvas.text(column - drawn_width(label, kLabelScale) / 2, edge.bottom + 13, label, kFaintInk, kLabelScale);
    }
    const std::string_view caption = "seconds";
    canvas.text((edge.left + edge.right - drawn_width(caption, kLabelScale)) / 2, edge.bottom + 40, caption, kFaintInk,
                kLabelScale);
}

void draw_colour_scale(Canvas& canvas, const PlotArea& plot) {
    const Edges edge(plot);
    const std::int64_t left = edge.right + 20, width = 14, rows = edge.bottom - edge.top;
    for (std::int64_t row = 0; row < rows; ++row) {
        const auto colour = static_cast<std::size_t>(255 * (rows - 1 - row) / (rows - 1));
        canvas.fill(left, edge.top + row, width, 1, level_colours()[colour]);
    }
    for (int db = 0; db <= static_cast<int>(kRangeDb); db += 20) {
        const std::int64_t row = edge.top + std::llround((db / kRangeDb) * static_cast<double>(rows - 1));
        canvas.fill(left + width + 2, row, 5, 1, kFaintInk);
        const std::string label = db == 0 ? "0 dB" : std::to_string(-db);
        const std::int64_t label_row = std::clamp(row - 7, edge.top, edge.bottom - 14);
        canvas.text(left + width + 11, label_row, label, kFaintInk, kLabelScale);
    }
}

/// A section's label and where it goes; `row` counts upwards from the plot.
struct PlacedMark {
    std::int64_t column = 0, text_left = 0;
    std::size_t row = 0;
    std::string label;
};

/// Names beside their lines; where they would overlap, one row higher. A name without room in the highest row is left out
/// and its line stays.
std::vector<PlacedMark> place_marks(std::vector<SectionMark> sections, const PlotArea& plot, double seconds) {
    std::erase_if(sections, [&](const SectionMark& mark) { return !(mark.seconds >= 0 && mark.seconds < seconds); });
    std::stable_sort(sections.begin(), sections.end(),
                     [](const SectionMark& a, const SectionMark& b) { return a.seconds < b.seconds; });
    std::array<std::int64_t, kMostLabelRows> taken_until{};
    std::vector<PlacedMark> placed;
    for (const SectionMark& mark : sections) {
        PlacedMark place;
        place.column = std::llround(plot.column_of(mark.seconds, seconds));
        const std::string label =
            fit_text(ascii_text(mark.name), 6 * kLabelScale * std::int64_t{kMostLabelBytes}, kLabelScale);
        const std::int64_t width = drawn_width(label, kLabelScale);
        const auto right_edge = static_cast<std::int64_t>(plot.left + plot.width + kRightMargin) - 8;
        place.text_left = std::min(place.column + 6, right_edge - width);
        while (place.row < kMostLabelRows && taken_until[place.row] > place.text_left) ++place.row;
        if (place.row < kMostLabelRows) {
            place.label = label;
            taken_until[place.row] = place.text_left + width + 16;
        } else {
            place.row = 0;
        }
        placed.push_back(std::move(place));
    }
    return placed;
}

void draw_marks(Canvas& canvas, const PlotArea& plot, const std::vector<PlacedMark>& marks) {
    const Edges edge(plot);
    const auto label_top = [&](const PlacedMark& mark) {
        return edge.top - kLabelHeight * static_cast<std::int64_t>(mark.row + 1) - 3;
    };
    for (const PlacedMark& mark : marks) {
        canvas.fill(mark.column, label_top(mark), 2, edge.top - label_top(mark), kInk);
        canvas.fill(mark.column, edge.top, 2, edge.bottom - edge.top, kInk, 0.55);
    }
    // After all lines, and on a ground of their own, because lines to higher rows pass through lower ones.
    for (const PlacedMark& mark : marks) {
        if (mark.label.empty()) continue;
        canvas.fill(mark.text_left - 2, label_top(mark), drawn_width(mark.label, kLabelScale) + 4, kLabelHeight,
                    kBackground);
        canvas.text(mark.text_left, label_top(mark), mark.label, kInk, kLabelScale);
    }
}

}  // namespace

double PlotArea::row_of(double hz, double highest) const {
    const double share = hz_to_mel(hz, MelScale::htk) / hz_to_mel(highest, MelScale::htk);
    return static_cast<double>(top) + static_cast<double>(height) * (1 - share);
}

double PlotArea::column_of(double at, double seconds) const {
    return static_cast<double>(left) + static_cast<double>(width) * at / seconds;
}

Spectrogram draw_spectrogram(const Waveform& wave, const std::vector<SectionMark>& sections, std::string_view title) {
    check_shape(wave);
    if (wave.frames() == 0) throw Error(ErrorCode::usage, "there is no sound to draw: the song has 0 frames");
    (void)peak(wave);  // a sample that is not finite would blacken everything around it

    const double seconds = wave.seconds();
    constexpr std::size_t kMargins = kLeftMargin + kRightMargin;
    const double wanted =
        std::clamp<double>(seconds * kPixelsPerSecond, kMinPictureWidth - kMargins, kMaxPictureWidth - kMargins);
    PlotArea plot{kLeftMargin, kTopMargin, static_cast<std::size_t>(wanted), kPlotHeight};
    const std::vector<PlacedMark> marks = place_marks(sections, plot, seconds);
    std::size_t label_rows = 0;
    for (const PlacedMark& mark : marks) label_rows = std::max(label_rows, mark.row + 1);
    plot.top += label_rows * static_cast<std::size_t>(kLabelHeight);

    Canvas canvas(plot.left + plot.width + kRightMargin, plot.top + plot.height + kBottomMargin, kBackground);
    draw_levels(canvas, plot, mel_levels(wave, plot.width));
    draw_frame(canvas, Edges(plot));
    draw_frequency_axis(canvas, plot, highest_hz(wave));
    draw_time_axis(canvas, plot, seconds);
    draw_colour_scale(canvas, plot);
    draw_marks(canvas, plot, marks);
    const std::int64_t room = canvas.width() - static_cast<std::int64_t>(kLeftMargin) - 16;
    canvas.text(static_cast<std::int64_t>(kLeftMargin), 14, fit_text(ascii_text(title), room, kTitleScale), kInk,
                kTitleScale);
    return {canvas.image(), plot};
}

void write_spectrogram(const std::filesystem::path& path, const Waveform& wave, const std::vector<SectionMark>& sections,
                       std::string_view title) {
    write_png(path, draw_spectrogram(wave, sections, title).image);
}

}  // namespace heart::audio
