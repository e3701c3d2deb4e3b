// Are covers always the same for a song, different between songs, and safe to take from strangers?

#include "server/library/cover.h"

#include "audio/png.h"
#include "library_test_support.h"

#include <cstdio>
#include <map>

#include <jpeglib.h>
#include <png.h>

namespace heart::test {
namespace {

using server::library::CoverSubject;

/// RGB pixels and the width of a PNG file.
struct Picture {
    std::size_t width = 0, height = 0;
    std::vector<unsigned char> rgb;
};

Picture decode(const std::string& png) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    EXPECT_NE(png_image_begin_read_from_memory(&image, png.data(), png.size()), 0) << image.message;
    image.format = PNG_FORMAT_RGB;
    Picture out{image.width, image.height, std::vector<unsigned char>(PNG_IMAGE_SIZE(image))};
    EXPECT_NE(png_image_finish_read(&image, nullptr, out.rgb.data(), 0, nullptr), 0) << image.message;
    return out;
}

std::string jpeg_of(unsigned side, bool progressive) {
    jpeg_compress_struct encoder{};
    jpeg_error_mgr errors{};
    encoder.err = jpeg_std_error(&errors);
    jpeg_create_compress(&encoder);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&encoder, &bytes, &size);
    encoder.image_width = encoder.image_height = side;
    encoder.input_components = 3;
    encoder.in_color_space = JCS_RGB;
    jpeg_set_defaults(&encoder);
    if (progressive) jpeg_simple_progression(&encoder);
    jpeg_start_compress(&encoder, TRUE);
    std::vector<JSAMPLE> row(3 * std::size_t{side});
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = i % 3 == 0 ? 220 : 30;
    JSAMPROW rows[] = {row.data()};
    while (encoder.next_scanline < side) jpeg_write_scanlines(&encoder, rows, 1);
    jpeg_finish_compress(&encoder);
    jpeg_destroy_compress(&encoder);
    std::string out(reinterpret_cast<const char*>(bytes), size);
    std::free(bytes);
    return out;
}

/// A PNG whose header claims other sides, with the checksum that fits.
std::string png_claiming(std::uint32_t width, std::uint32_t height) {
    std::string png = png_of(4, 4, {});
    const auto put = [&png](std::size_t at, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; ++i) png[at + i] = static_cast<char>(value >> (24 - 8 * i));
    };
    put(16, width);
    put(20, height);
    std::uint32_t sum = 0xFFFFFFFF;
    for (std::size_t i = 12; i < 29; ++i) {
        sum ^= static_cast<unsigned char>(png[i]);
        for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xEDB88320U : 0U);
    }
    put(29, ~sum);
    return png;
}

CoverSubject subject_of(unsigned number) {
    CoverSubject subject;
    subject.id = id_of(number);
    subject.title = "Song";
    subject.tags = "pop";
    subject.lyrics = "[verse]\na\n[chorus]\nb\n[verse]\nc\n";
    for (int i = 0; i < 100; ++i) subject.loudness.push_back(static_cast<float>(i % 17) / 17);
    return subject;
}

TEST(LibraryCover, TheSameSongAlwaysHasTheSameCover) {
    for (unsigned i = 0; i < 4; ++i) {
        EXPECT_TRUE(server::library::draw_cover(subject_of(i), 128) == server::library::draw_cover(subject_of(i), 128)) << i;
    }
}

TEST(LibraryCover, DifferentSongsHaveCoversThatLookDifferent) {
    std::vector<Picture> pictures;
    for (unsigned i = 0; i < 24; ++i) pictures.push_back(decode(server::library::draw_cover(subject_of(i), 64)));
    for (std::size_t a = 0; a < pictures.size(); ++a) {
        for (std::size_t b = a + 1; b < pictures.size(); ++b) {
            double difference = 0;
            for (std::size_t i = 0; i < pictures[a].rgb.size(); ++i) {
                difference += std::abs(int{pictures[a].rgb[i]} - int{pictures[b].rgb[i]});
            }
            EXPECT_GT(difference / static_cast<double>(pictures[a].rgb.size()), 4) << a << " and " << b;
        }
    }
}

TEST(LibraryCover, ItIsSquareAndNotTooLargeForAFileThatCarriesIt) {
    for (unsigned i = 0; i < 3; ++i) {
        const std::string png = server::library::draw_cover(subject_of(100 + i));
        const Picture picture = decode(png);
        EXPECT_EQ(picture.width, 768U);
        EXPECT_EQ(picture.height, 768U);
        EXPECT_LT(png.size(), 660'000U);
    }
}

TEST(LibraryCover, TheSongsCourseIsInThePicture) {
    CoverSubject calm = subject_of(1), loud = calm;
    calm.loudness.assign(100, 0.1F);
    calm.loudness[50] = 1;
    loud.loudness.assign(100, 0.9F);
    EXPECT_FALSE(server::library::draw_cover(calm, 64) == server::library::draw_cover(loud, 64));
}

TEST(LibraryCover, AnySubjectCanBeDrawn) {
    CoverSubject strange;
    EXPECT_EQ(decode(server::library::draw_cover(strange, 16)).width, 16U);
    strange.id = std::string(100'000, '\xff');
    strange.lyrics = std::string(50'000, '[') + std::string(50'000, '\n') + "[";
    for (int i = 0; i < 20'000; ++i) strange.lyrics += "[chorus]\n";
    strange.tags = std::string("\0\n\r,,,", 6);
    strange.loudness = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -5, 1e30F, 0};
    for (unsigned i = 0; i < 40; ++i) {  // every scene
        strange.title = std::to_string(i);
        EXPECT_EQ(decode(server::library::draw_cover(strange, 32)).width, 32U);
    }
    strange.loudness = {0, 0, 0};
    EXPECT_EQ(decode(server::library::draw_cover(strange, 32)).width, 32U);
    EXPECT_EQ(error_of([&] { static_cast<void>(server::library::draw_cover(strange, 15)); }).code(), ErrorCode::usage);
    EXPECT_EQ(error_of([&] { static_cast<void>(server::library::draw_cover(strange, 4097)); }).code(), ErrorCode::usage);
}

class LibraryOwnCover : public ::testing::Test {
protected:
    Picture set(const std::string& image) {
        library_.set_cover(song_, image);
        return decode(file_bytes(library_.cover_file(song_).value()));
    }
    ErrorCode code_of(const std::string& image) {
        return error_of([&] { library_.set_cover(song_, image); }).code();
    }

    TemporaryFolder folder_;
    Library library_{folder_ / "data"};
    Song song_ = song_of(1);
};

TEST_F(LibraryOwnCover, PngAndJpegBecomeAPngOfThisStudio) {
    const Picture png = set(png_of(30, 20, {10, 200, 30}));
    EXPECT_EQ(png.width, 30U);
    EXPECT_EQ(png.height, 20U);
    EXPECT_EQ(png.rgb[1], 200);
    EXPECT_EQ(song_.thumbnail_path, "thumbnails/" + song_.id + ".png");
    for (const bool progressive : {false, true}) {
        const Picture jpeg = set(jpeg_of(48, progressive));
        EXPECT_EQ(jpeg.width, 48U);
        EXPECT_NEAR(jpeg.rgb[0], 220, 6);
        EXPECT_NEAR(jpeg.rgb[1], 30, 6);
    }
}

TEST_F(LibraryOwnCover, LargePicturesAreMadeSmallerInProportion) {
    const Picture wide = set(png_of(4096, 8, {250, 0, 0}));
    EXPECT_EQ(wide.width, 1024U);
    EXPECT_EQ(wide.height, 2U);
    EXPECT_EQ(wide.rgb[0], 250);
    EXPECT_EQ(set(png_of(1024, 1024, {})).width, 1024U);
    EXPECT_EQ(set(png_of(1025, 1, {})).height, 1U);
}

TEST_F(LibraryOwnCover, LimitsHoldBeforeAnythingIsDecoded) {
    EXPECT_EQ(code_of(png_of(4097, 1, {})), ErrorCode::limit);
    EXPECT_EQ(code_of(png_of(1, 4097, {})), ErrorCode::limit);
    EXPECT_EQ(code_of(png_claiming(60'000, 60'000)), ErrorCode::limit);
    const ErrorCode huge = code_of(png_claiming(0x7FFFFFFF, 0x7FFFFFFF));
    EXPECT_TRUE(huge == ErrorCode::limit || huge == ErrorCode::malformed);
    std::string jpeg = jpeg_of(16, false);
    const std::size_t frame = jpeg.find("\xff\xc0");
    ASSERT_NE(frame, std::string::npos);
    jpeg.replace(frame + 5, 4, "\x40\x01\x40\x01");
    EXPECT_EQ(code_of(jpeg), ErrorCode::limit);
    EXPECT_EQ(code_of(png_of(4, 4, {}) + std::string(std::size_t{8} << 20, 'x')), ErrorCode::limit);
    EXPECT_FALSE(library_.cover_file(song_).has_value());
}

TEST_F(LibraryOwnCover, WhatIsNoPictureIsRefusedAndTheOldOneStays) {
    set(png_of(3, 3, {7, 7, 7}));
    const std::string before = file_bytes(library_.cover_file(song_).value());
    const std::string png = png_of(64, 64, {1, 2, 3}), jpeg = jpeg_of(64, false), slow = jpeg_of(64, true);
    const std::string strangers[] = {"",
                                     "\x89PNG\r\n\x1a\n",
                                     "\xff\xd8\xff",
                                     "GIF89a",
                                     "<svg xmlns='http://www.w3.org/2000/svg'/>",
                                     png.substr(0, png.size() / 2),
                                     png.substr(0, 40),
                                     jpeg.substr(0, jpeg.size() / 2),
                                     slow.substr(0, slow.size() / 2),
                                     png_claiming(64, 64),
                                     png_claiming(0, 4)};
    for (const std::string& image : strangers) EXPECT_EQ(code_of(image), ErrorCode::malformed) << image.size();
    EXPECT_TRUE(file_bytes(library_.cover_file(song_).value()) == before);
}

TEST_F(LibraryOwnCover, APictureOfEndlessScansIsRefused) {
    std::string jpeg = jpeg_of(64, true);
    const std::size_t end = jpeg.rfind("\xff\xd9"), scan = jpeg.rfind("\xff\xda");
    ASSERT_NE(scan, std::string::npos);
    const std::string last = jpeg.substr(scan, end - scan);
    jpeg.resize(end);
    for (int i = 0; i < 300; ++i) jpeg += last;
    EXPECT_EQ(code_of(jpeg + "\xff\xd9"), ErrorCode::malformed);
}

TEST_F(LibraryOwnCover, FlippedBytesNeverDoMoreThanAnError) {
    for (const std::string& whole : {png_of(40, 40, {9, 90, 200}), jpeg_of(40, false), jpeg_of(40, true)}) {
        std::uint32_t state = 3;
        for (int round = 0; round < 300; ++round) {
            std::string broken = whole;
            for (int flip = 0; flip < 2; ++flip) {
                state = state * 1664525U + 1013904223U;
                const std::size_t at = (state >> 8) % broken.size();
                broken[at] = static_cast<char>(broken[at] ^ static_cast<char>(1U << (state >> 29)));
            }
            try {
                library_.set_cover(song_, broken);
            } catch (const Error& error) {
                EXPECT_TRUE(error.code() == ErrorCode::malformed || error.code() == ErrorCode::limit) << error.what();
            }
        }
    }
}

TEST_F(LibraryOwnCover, DrawingAgainGivesTheCoverTheSongWasMadeWith) {
    library_.keep(song_, sound_of(), kRecipe, kNever);
    const std::string drawn = file_bytes(library_.cover_file(song_).value());
    library_.set_cover(song_, png_of(3, 3, {7, 7, 7}));
    EXPECT_FALSE(file_bytes(library_.cover_file(song_).value()) == drawn);
    library_.draw_cover(song_);
    EXPECT_TRUE(file_bytes(library_.cover_file(song_).value()) == drawn);
}

TEST_F(LibraryOwnCover, ASongWithoutAudioCanHaveADrawnOne) {
    library_.draw_cover(song_);
    EXPECT_EQ(decode(file_bytes(library_.cover_file(song_).value())).width, 768U);
}

TEST_F(LibraryOwnCover, IsThereInSmallAndFollowsTheWholeOne) {
    EXPECT_FALSE(library_.small_cover_file(song_, 128)) << "there is none at all";
    set(png_of(500, 250, {7, 8, 9}));
    const auto small = [&](std::size_t side) { return library_.small_cover_file(song_, side).value(); };
    const fs::path first = small(128);
    EXPECT_EQ(decode(file_bytes(first)).width, 128U);
    EXPECT_EQ(decode(file_bytes(first)).height, 64U);
    EXPECT_EQ(small(128), first);
    EXPECT_EQ(decode(file_bytes(small(384))).width, 384U);
    set(png_of(60, 60, {1, 2, 3}));
    EXPECT_EQ(decode(file_bytes(small(128))).width, 60U) << "never larger";
    EXPECT_EQ(decode(file_bytes(small(128))).rgb[2], 3);
    library_.remove(song_);
    EXPECT_FALSE(fs::exists(first));
}

TEST_F(LibraryOwnCover, ACoverThatCannotBeMadeSmallerIsShownAsItIs) {
    set(png_of(500, 500, {7, 8, 9}));
    const fs::path whole = library_.cover_file(song_).value();
    std::ofstream(whole) << "of an old archive";
    EXPECT_EQ(library_.small_cover_file(song_, 128), whole);
}

}  // namespace
}  // namespace heart::test
