#include "formats/base64.h"

#include "core/error.h"

#include <openssl/evp.h>

namespace heart::formats {

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // OpenSSL counts in int

}  // namespace

std::string to_base64(std::span<const std::byte> bytes) {
    ensure(bytes.size() <= kMostBytes, "so many bytes are no text");
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a NUL
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
    if (text.empty()) return std::vector<std::byte>();
    if (text.size() % 4 != 0 || text.size() > kMostBytes) return std::nullopt;
    std::vector<std::byte> bytes(text.size() / 4 * 3);
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;  // its zeros are counted in
    if (static_cast<std::size_t>(size) < padding) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(size) - padding);
    if (to_base64(bytes) != text) return std::nullopt;  // it takes white space and any bits left over
    return bytes;
}

}  // namespace heart::formats
