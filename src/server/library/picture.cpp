#include "server/library/picture.h"

#include "audio/png.h"
#include "core/error.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <jpeglib.h>
#include <png.h>

namespace heart::server::library {

namespace {

using audio::Image;
using audio::Rgb;

[[noreturn]] void throw_broken(std::string_view kind, std::string_view why) {
    throw Error(ErrorCode::malformed, "the picture cannot be read as a " + std::string(kind)).found(why);
}

void check_sides(std::uint64_t width, std::uint64_t height, const PictureLimits& limits) {
    if (width == 0 || height == 0) throw Error(ErrorCode::malformed, "the picture has no pixels");
    if (width <= limits.max_side && height <= limits.max_side) return;
    throw Error(ErrorCode::limit, "the picture is too large")
        .expected("at most " + std::to_string(limits.max_side) + " pixels a side")
        .found(std::to_string(width) + " x " + std::to_string(height));
}

Image read_png(std::string_view file, const PictureLimits& limits) {
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&png, file.data(), file.size()) == 0) throw_broken("PNG", png.message);
    struct Free {
        png_image* image;
        ~Free() { png_image_free(image); }
    } const free_later{&png};
    check_sides(png.width, png.height, limits);
    png.format = PNG_FORMAT_RGB;
    Image image(png.width, png.height, {});
    constexpr png_color kBlack{0, 0, 0};
    if (png_image_finish_read(&png, &kBlack, image.pixels.data(), 0, nullptr) == 0) throw_broken("PNG", png.message);
    return image;
}

// --- libjpeg reports errors by a function that must not return: it jumps back to decode_jpeg(), whose frame therefore holds
// --- nothing that has a destructor.

struct JpegJob {
    jpeg_decompress_struct decoder{};
    jpeg_error_mgr errors{};
    jpeg_progress_mgr progress{};
    std::jmp_buf back{};
    std::array<char, JMSG_LENGTH_MAX> why{};
    Image image;
};

JpegJob& job_of(j_common_ptr decoder) {
    return *static_cast<JpegJob*>(decoder->client_data);
}

[[noreturn]] void give_up(j_common_ptr decoder) {
    decoder->err->format_message(decoder, job_of(decoder).why.data());
    std::longjmp(job_of(decoder).back, 1);
}

/// Warnings are broken data, of which libjpeg would make grey.
void note(j_common_ptr decoder, int level) {
    if (level < 0) give_up(decoder);
}

/// A progressive picture of few bytes may ask for any number of passes over all its pixels.
void limit_scans(j_common_ptr decoder) {
    constexpr int kMostScans = 100;
    if (reinterpret_cast<j_decompress_ptr>(decoder)->input_scan_number <= kMostScans) return;
    std::snprintf(job_of(decoder).why.data(), JMSG_LENGTH_MAX, "too many scans");
    std::longjmp(job_of(decoder).back, 1);
}

enum class Step { header, pixels };

/// One step of decoding; false when libjpeg gave up.
bool decode_jpeg(JpegJob& job, Step step, std::string_view file) {
    if (setjmp(job.back) != 0) return false;
    if (step == Step::header) {
        jpeg_create_decompress(&job.decoder);
        job.decoder.client_data = &job;
        job.decoder.progress = &job.progress;
        jpeg_mem_src(&job.decoder, reinterpret_cast<const unsigned char*>(file.data()), file.size());
        jpeg_read_header(&job.decoder, TRUE);
        return true;
    }
    job.decoder.out_color_space = JCS_RGB;
    jpeg_start_decompress(&job.decoder);
    while (job.decoder.output_scanline < job.decoder.output_height) {
        JSAMPROW row = reinterpret_cast<JSAMPROW>(&job.image.at(0, job.decoder.output_scanline));
        jpeg_read_scanlines(&job.decoder, &row, 1);
    }
    jpeg_finish_decompress(&job.decoder);
    return true;
}

Image read_jpeg(std::string_view file, const PictureLimits& limits) {
    JpegJob job;
    job.decoder.err = jpeg_std_error(&job.errors);
    job.decoder.client_data = &job;
    job.errors.error_exit = give_up;
    job.errors.emit_message = note;
    job.progress.progress_monitor = limit_scans;
    struct Destroy {
        jpeg_decompress_struct* decoder;
        ~Destroy() { jpeg_destroy_decompress(decoder); }
    } const destroy_later{&job.decoder};
    if (!decode_jpeg(job, Step::header, file)) throw_broken("JPEG", job.why.data());
    check_sides(job.decoder.image_width, job.decoder.image_height, limits);
    job.image = Image(job.decoder.image_width, job.decoder.image_height, {});
    if (!decode_jpeg(job, Step::pixels, file)) throw_broken("JPEG", job.why.data());
    return std::move(job.image);
}

/// Each new pixel is the mean of those that it stands for.
Image shrink(const Image& from, std::size_t most) {
    const std::size_t longer = std::max(from.width, from.height);
    if (longer <= most) return from;
    const auto scaled = [&](std::size_t side) { return std::max<std::size_t>(1, side * most / longer); };
    Image out(scaled(from.width), scaled(from.height), {});
    for (std::size_t y = 0; y < out.height; ++y) {
        const std::size_t top = y * from.height / out.height, bottom = (y + 1) * from.height / out.height;
        for (std::size_t x = 0; x < out.width; ++x) {
            const std::size_t left = x * from.width / out.width, right = (x + 1) * from.width / out.width;
            std::uint64_t red = 0, green = 0, blue = 0;
            for (std::size_t v = top; v < bottom; ++v) {
                for (std::size_t u = left; u < right; ++u) {
                    const Rgb& pixel = from.at(u, v);
                    red += pixel.red;
                    green += pixel.green;
                    blue += pixel.blue;
                }
            }
            const std::uint64_t count = (bottom - top) * (right - left);
            const auto mean = [count](std::uint64_t sum) { return static_cast<std::uint8_t>((sum + count / 2) / count); };
            out.at(x, y) = {mean(red), mean(green), mean(blue)};
        }
    }
    return out;
}

}  // namespace

std::string normalise_picture(std::string_view file, const PictureLimits& limits) {
    if (file.size() > limits.max_bytes) {
        throw Error(ErrorCode::limit, "the picture's file is too large")
            .expected("at most " + std::to_string(limits.max_bytes) + " bytes")
            .found(std::to_string(file.size()));
    }
    const bool png = file.starts_with("\x89PNG\r\n\x1a\n"), jpeg = file.starts_with("\xff\xd8\xff");
    if (!png && !jpeg)
        throw Error(ErrorCode::malformed, "the picture has a format that is not read").expected("PNG or JPEG");
    const Image image = png ? read_png(file, limits) : read_jpeg(file, limits);
    const std::vector<char> bytes = audio::encode_png(shrink(image, limits.stored_side));
    return {bytes.begin(), bytes.end()};
}

}  // namespace heart::server::library
