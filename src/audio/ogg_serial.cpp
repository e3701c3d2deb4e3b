#include "audio/ogg_serial.h"

#include "core/error.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace heart::audio {

namespace {

// Places in a page header, RFC 3533 section 6.
constexpr std::size_t kSerialAt = 14, kChecksumAt = 22, kSegmentCountAt = 26, kSegmentTableAt = 27;

/// CRC-32 with the polynomial 0x04c11db7, most significant bit first, starting from 0 (RFC 3533 section 6, item 7).
constexpr std::array<std::uint32_t, 256> make_checksum_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t rest = byte << 24;
        for (int bit = 0; bit < 8; ++bit) rest = (rest << 1) ^ ((rest >> 31) != 0 ? 0x04c11db7U : 0U);
        table[byte] = rest;
    }
    return table;
}

std::uint32_t page_checksum(std::span<const char> page) {
    static constexpr auto kTable = make_checksum_table();
    std::uint32_t checksum = 0;
    for (const char c : page) checksum = (checksum << 8) ^ kTable[(checksum >> 24) ^ static_cast<unsigned char>(c)];
    return checksum;
}

void put_little_endian(std::span<char> page, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) page[at + i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

/// Header and body of the page that starts `rest`.
std::size_t page_bytes(std::span<const char> rest) {
    ensure(rest.size() >= kSegmentTableAt && std::memcmp(rest.data(), "OggS", 4) == 0,
           "an Ogg page does not start with OggS");
    const std::size_t segments = static_cast<unsigned char>(rest[kSegmentCountAt]);
    std::size_t length = kSegmentTableAt + segments;
    ensure(rest.size() >= length, "an Ogg page header is cut off");
    for (std::size_t i = 0; i < segments; ++i) length += static_cast<unsigned char>(rest[kSegmentTableAt + i]);
    ensure(rest.size() >= length, "an Ogg page is cut off");
    return length;
}

}  // namespace

void set_ogg_serial(std::span<char> file, std::uint32_t serial) {
    while (!file.empty()) {
        const std::span<char> page = file.first(page_bytes(file));
        put_little_endian(page, kSerialAt, serial);
        put_little_endian(page, kChecksumAt, 0);  // the checksum counts itself as 0
        put_little_endian(page, kChecksumAt, page_checksum(page));
        file = file.subspan(page.size());
    }
}

void make_ogg_serial_repeatable(std::span<char> file) {
    set_ogg_serial(file, 0);
    std::uint32_t hash = 0x811c9dc5;  // FNV-1a, 32 bits
    for (const char c : file) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193U;
    set_ogg_serial(file, hash);
}

}  // namespace heart::audio
