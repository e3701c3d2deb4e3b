#include "audio/bitmap_font.h"
#include "audio/canvas.h"
#include "audio/colour_map.h"
#include "audio/png.h"
#include "audio/spectrogram.h"

#include "audio_test_support.h"

#include <limits>

#include <png.h>

namespace heart::audio {
namespace {

using namespace testing;

Image decode_png(const fs::path& path) {
    png_image description{};
    description.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_file(&description, path.c_str()) == 0) throw std::runtime_error(description.message);
    description.format = PNG_FORMAT_RGB;
    Image image(description.width, description.height, {});
    if (png_image_finish_read(&description, nullptr, image.pixels.data(), 0, nullptr) == 0) {
        throw std::runtime_error(description.message);
    }
    return image;
}

double lightness_of(Rgb colour) {
    return lightness(colour.red, colour.green, colour.blue);
}

/// The row of the plot that is brightest on average.
std::size_t brightest_row(const Spectrogram& picture) {
    std::size_t best = 0;
    double most = -1;
    for (std::size_t row = picture.plot.top; row < picture.plot.top + picture.plot.height; ++row) {
        double sum = 0;
        for (std::size_t x = picture.plot.left + 50; x < picture.plot.left + picture.plot.width - 50; ++x) {
            sum += lightness_of(picture.image.at(x, row));
        }
        if (sum > most) {
            most = sum;
            best = row;
        }
    }
    return best;
}

TEST(AudioPng, PicturesComeBackPixelForPixel) {
    const TemporaryFolder folder;
    Image image(37, 23, {1, 2, 3});
    std::uint32_t state = 1;
    for (Rgb& pixel : image.pixels) {
        state = state * 1664525 + 1013904223;
        pixel = {static_cast<std::uint8_t>(state >> 24), static_cast<std::uint8_t>(state >> 16),
                 static_cast<std::uint8_t>(state >> 8)};
    }
    write_png(folder / "a.png", image);
    const Image back = decode_png(folder / "a.png");
    EXPECT_EQ(back.width, 37U);
    EXPECT_EQ(back.height, 23U);
    EXPECT_TRUE(back.pixels == image.pixels);
    EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.png"}));
    EXPECT_EQ(error_of([] { (void)encode_png(Image{}); }).code(), ErrorCode::internal);
}

TEST(AudioBitmapFont, EveryGlyphIsDrawnAndNoTwoAreEqual) {
    std::vector<std::string> drawn;
    for (char c = ' '; c <= '~'; ++c) {
        std::string pixels;
        for (std::size_t row = 0; row < kGlyphHeight + kGlyphDescent; ++row) {
            for (std::size_t column = 0; column < kGlyphAdvance; ++column) pixels += glyph_pixel(c, column, row) ? '#' : '.';
        }
        EXPECT_EQ(pixels.find('#') == std::string::npos, c == ' ') << c;
        EXPECT_EQ(std::count(drawn.begin(), drawn.end(), pixels), 0) << c;
        drawn.push_back(pixels);
    }
    EXPECT_EQ(glyph_pixel('\xff', 1, 0), glyph_pixel('?', 1, 0));
    EXPECT_EQ(text_width("abc"), 17U);
    EXPECT_EQ(text_width(""), 0U);
}

TEST(AudioCanvas, CutsWhatDoesNotFit) {
    EXPECT_EQ(fit_text("verse", 1000, 2), "verse");
    EXPECT_EQ(fit_text("a long section name", 6 * 2 * 8, 2), "a long..");
    EXPECT_LE(drawn_width(fit_text("a long section name", 100, 2), 2), 100);
    EXPECT_EQ(fit_text("abc", 3, 1), "");
    EXPECT_EQ(ascii_text("a\xc3\xa9\xff\tz"), "a???z");
    Canvas canvas(10, 10, {0, 0, 0});
    canvas.fill(-5, -5, 100, 7, {255, 255, 255});
    canvas.text(-3, 8, "WWWWWW", {255, 0, 0}, 3);
    canvas.set(10, 0, {255, 0, 0});
    EXPECT_EQ(canvas.image().at(9, 1), (Rgb{255, 255, 255}));
    EXPECT_EQ(canvas.image().at(0, 2), (Rgb{0, 0, 0}));
}

TEST(AudioColours, LightnessRisesInEqualSteps) {
    const auto& colours = level_colours();
    const double darkest = lightness_of(colours[0]), lightest = lightness_of(colours[255]);
    EXPECT_LT(darkest, 2);
    EXPECT_GT(lightest, 95);
    for (std::size_t i = 0; i < 256; ++i) {
        const double wanted = darkest + (lightest - darkest) * static_cast<double>(i) / 255;
        EXPECT_NEAR(lightness_of(colours[i]), wanted, 0.8) << i;
    }
}

TEST(AudioSpectrogram, WidthIsBoundedForEveryLength) {
    const TemporaryFolder folder;
    for (const std::size_t frames : {std::size_t{1}, std::size_t{800}, std::size_t{8000} * 12, std::size_t{8000} * 600}) {
        write_spectrogram(folder / "a.png", noise(frames, 1, 8000, 0.1F), {}, "noise");
        const Image image = decode_png(folder / "a.png");
        EXPECT_GE(image.width, kMinPictureWidth) << frames;
        EXPECT_LE(image.width, kMaxPictureWidth) << frames;
        EXPECT_GT(image.height, 400U);
        EXPECT_LT(image.height, 1000U);
        if (frames == 8000 * 12) {
            EXPECT_GT(image.width, kMinPictureWidth);
        }
        if (frames == 8000 * 600) {
            EXPECT_EQ(image.width, kMaxPictureWidth);
        }
    }
    EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.png"}));
}

TEST(AudioSpectrogram, PureToneIsABrightRowAtItsFrequency) {
    for (const std::uint32_t rate : {48000U, 44100U, 16000U}) {
        const double highest = std::min(rate / 2.0, 24000.0);
        for (const double hz : {440.0, 2000.0, 6000.0}) {
            const Spectrogram picture = draw_spectrogram(tones(rate * 2, 1, rate, hz, 0.5), {}, "");
            EXPECT_NEAR(static_cast<double>(brightest_row(picture)), picture.plot.row_of(hz, highest), 3)
                << hz << " " << rate;
        }
    }
    const PlotArea plot{0, 0, 100, 100};
    EXPECT_DOUBLE_EQ(plot.row_of(0, 24000), 100);
    EXPECT_DOUBLE_EQ(plot.row_of(24000, 24000), 0);
}

TEST(AudioSpectrogram, ToneStartsWhereItStarts) {
    Waveform wave = tones(48000 * 4, 2, 48000, 1000, 0.5);
    for (auto& channel : wave.channels) std::fill(channel.begin(), channel.begin() + 48000 * 3, 0.0F);
    const Spectrogram picture = draw_spectrogram(wave, {}, "");
    const auto row = static_cast<std::size_t>(picture.plot.row_of(1000, 24000));
    const auto at = [&](double seconds) {
        return lightness_of(picture.image.at(static_cast<std::size_t>(picture.plot.column_of(seconds, 4)), row));
    };
    EXPECT_LT(at(2.85), 10);
    EXPECT_GT(at(3.15), 80);
}

TEST(AudioSpectrogram, OppositePhaseIsSeen) {
    Waveform wave = tones(48000, 1, 48000, 1000, 0.5);
    wave.channels.push_back(wave.channels[0]);
    for (float& sample : wave.channels[1]) sample = -sample;
    const Spectrogram picture = draw_spectrogram(wave, {}, "");
    EXPECT_NEAR(static_cast<double>(brightest_row(picture)), picture.plot.row_of(1000, 24000), 3);
}

TEST(AudioSpectrogram, SilenceIsDark) {
    const Spectrogram picture = draw_spectrogram(Waveform{48000, {std::vector<float>(48000)}}, {}, "");
    EXPECT_LT(lightness_of(picture.image.at(picture.plot.left + 100, picture.plot.top + 100)), 10);
}

/// Pixels of the text colour in a rectangle.
std::size_t ink(const Spectrogram& picture, std::size_t left, std::size_t top, std::size_t width, std::size_t height) {
    std::size_t count = 0;
    for (std::size_t y = top; y < top + height; ++y) {
        for (std::size_t x = left; x < left + width; ++x) count += lightness_of(picture.image.at(x, y)) > 90 ? 1 : 0;
    }
    return count;
}

TEST(AudioSpectrogram, SectionsHaveALineAndTheirName) {
    const Waveform wave{48000, {std::vector<float>(48000 * 10)}};
    const Spectrogram bare = draw_spectrogram(wave, {}, "");
    const Spectrogram picture = draw_spectrogram(wave, {{"chorus", 5.0}, {"verse", 2.5}}, "");
    EXPECT_EQ(picture.plot.top, bare.plot.top + 20);
    for (const double at : {2.5, 5.0}) {
        const auto column = static_cast<std::size_t>(std::llround(picture.plot.column_of(at, 10)));
        const std::size_t middle = picture.plot.top + picture.plot.height / 2;
        EXPECT_GT(lightness_of(picture.image.at(column, middle)), 40);
        EXPECT_LT(lightness_of(picture.image.at(column + 20, middle)), 10);
        EXPECT_GT(ink(picture, column + 4, picture.plot.top - 24, 70, 20), 100U) << "the name above the line at " << at;
    }
    const auto free = static_cast<std::size_t>(picture.plot.column_of(7.5, 10));
    EXPECT_EQ(ink(picture, free, picture.plot.top - 24, 70, 20), 0U);
}

TEST(AudioSpectrogram, CrowdedStrangeAndOutsideMarksAreHarmless) {
    const Waveform wave = noise(48000, 2, 48000, 0.5F);
    std::vector<SectionMark> marks{
        {"before", -1}, {"after", 1.0}, {"not a time", std::numeric_limits<double>::quiet_NaN()}, {"far", 1e300}};
    EXPECT_EQ(draw_spectrogram(wave, marks, "").plot.top, draw_spectrogram(wave, {}, "").plot.top);
    for (int i = 0; i < 100; ++i) marks.push_back({"section \xff\n " + std::string(1000, 'x'), i / 100.0});
    const Spectrogram picture = draw_spectrogram(wave, marks, std::string(5000, 'T') + "\xc3\xa9");
    EXPECT_LE(picture.image.width, kMaxPictureWidth);
    EXPECT_LE(picture.plot.top, draw_spectrogram(wave, {}, "").plot.top + 60);
}

TEST(AudioSpectrogram, TitleIsDrawn) {
    const Waveform wave{48000, {std::vector<float>(48000)}};
    EXPECT_EQ(ink(draw_spectrogram(wave, {}, ""), 78, 10, 300, 34), 0U);
    EXPECT_GT(ink(draw_spectrogram(wave, {}, "A song"), 78, 10, 300, 34), 300U);
}

TEST(AudioSpectrogram, Errors) {
    const TemporaryFolder folder;
    Waveform wave = noise(1000, 1, 48000, 0.5F);
    const auto code = [&](const fs::path& path) { return error_of([&] { write_spectrogram(path, wave, {}, ""); }).code(); };
    EXPECT_EQ(code(folder / "none/a.png"), ErrorCode::not_found);
    EXPECT_EQ(code(folder.path()), ErrorCode::usage);
    wave.channels[0][10] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(code(folder / "a.png"), ErrorCode::internal);
    wave.channels[0].clear();
    EXPECT_EQ(code(folder / "a.png"), ErrorCode::usage);
    wave.channels.clear();
    EXPECT_EQ(code(folder / "a.png"), ErrorCode::internal);
    EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace heart::audio
