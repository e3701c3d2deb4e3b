#include "audio/png.h"

#include "audio/replace_file.h"
#include "core/error.h"

#include <type_traits>

#include <png.h>

namespace heart::audio {

// libpng's simplified interface reports errors by return value; the classic one would longjmp over destructors.
std::vector<char> encode_png(const Image& image) {
    static_assert(sizeof(Rgb) == 3 && std::is_trivially_copyable_v<Rgb>, "rows are handed to libpng as they lie");
    ensure(image.width > 0 && image.height > 0 && image.pixels.size() == image.width * image.height,
           "a picture has no pixels or the wrong number of them");
    png_image description{};
    description.version = PNG_IMAGE_VERSION;
    description.width = static_cast<png_uint_32>(image.width);
    description.height = static_cast<png_uint_32>(image.height);
    description.format = PNG_FORMAT_RGB;

    constexpr png_alloc_size_t kHeaders = 4096;
    std::vector<char> bytes(image.pixels.size() * sizeof(Rgb) + image.pixels.size() / 8 + image.height + kHeaders);
    png_alloc_size_t size = bytes.size();  // more than deflate can need, so that the picture is compressed only once
    if (png_image_write_to_memory(&description, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) == 0) {
        throw Error(ErrorCode::internal, "the picture could not be made into a PNG").found(description.message);
    }
    bytes.resize(size);
    return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
    replace_file(path, encode_png(image));
}

}  // namespace heart::audio
