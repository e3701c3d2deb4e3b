#include "text/character_map.h"

#include "core/error.h"
#include "core/utf8.h"
#include "text/unicode.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <cstring>

namespace heart::text {

namespace {

constexpr std::size_t kShortCluster = 6;  // bytes from which on a cluster is no longer looked up as a whole

// A unit of the double array (Darts, "double-array trie"): the byte that leads to it, where its children are, whether a
// string ends there; of a leaf, its value.
std::uint32_t label_of(std::uint32_t unit) noexcept {
    return unit & 0x800000ffU;
}
std::uint32_t offset_of(std::uint32_t unit) noexcept {
    return (unit >> 10U) << ((unit & 0x200U) >> 6U);
}
bool has_leaf(std::uint32_t unit) noexcept {
    return (unit & 0x100U) != 0;
}
std::uint32_t value_of(std::uint32_t unit) noexcept {
    return unit & 0x7fffffffU;
}

/// End of the extended grapheme cluster that begins at byte `at`.
std::size_t cluster_end(std::string_view text, std::size_t at) {
    Utf8Char c = decode_utf8(text, at);
    utf8proc_int32_t state = 0;
    at += c.length;
    while (at < text.size()) {
        const Utf8Char next = decode_utf8(text, at);
        if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(c.code), static_cast<utf8proc_int32_t>(next.code),
                                             &state)) {
            break;
        }
        at += next.length;
        c = next;
    }
    return at;
}

}  // namespace

CharacterMap CharacterMap::parse(std::string_view bytes, std::string_view name) {
    const auto malformed = [&](std::string_view what) {
        return Error(ErrorCode::malformed, fmt::format("{}: the character map is malformed", name)).found(std::string(what));
    };
    if (bytes.size() > kMaxCharacterMapBytes) {
        throw Error(ErrorCode::limit, fmt::format("{}: the character map is too large", name))
            .expected(fmt::format("at most {} bytes", kMaxCharacterMapBytes))
            .found(fmt::format("{} bytes", bytes.size()));
    }
    std::uint32_t size = 0;
    if (bytes.size() < sizeof size) throw malformed("no size of its array");
    std::memcpy(&size, bytes.data(), sizeof size);
    if (size > bytes.size() - sizeof size || size % sizeof(std::uint32_t) != 0 || size == 0) {
        throw malformed(fmt::format("an array of {} bytes in {}", size, bytes.size()));
    }
    CharacterMap out;
    out.units_.resize(size / sizeof(std::uint32_t));
    std::memcpy(out.units_.data(), bytes.data() + sizeof size, size);
    out.strings_ = bytes.substr(sizeof size + size);
    require_utf8(out.strings_, fmt::format("{}: the character map's text", name));
    return out;
}

std::optional<std::string_view> CharacterMap::replacement(std::string_view text) const noexcept {
    if (units_.empty()) return std::nullopt;
    std::size_t at = offset_of(units_[0]);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == 0) return std::nullopt;
        at ^= byte;
        if (at >= units_.size() || label_of(units_[at]) != byte) return std::nullopt;
        const std::uint32_t unit = units_[at];
        at ^= offset_of(unit);
        if (at >= units_.size()) return std::nullopt;
        if (has_leaf(unit)) {
            const std::size_t start = value_of(units_[at]);
            // Never from the middle of a character: then what comes out is valid UTF-8, as all of the strings is.
            if (start >= strings_.size() || (static_cast<unsigned char>(strings_[start]) & 0xc0U) == 0x80U)
                return std::nullopt;
            const std::size_t end = strings_.find('\0', start);
            return std::string_view(strings_).substr(start, end == std::string::npos ? end : end - start);
        }
    }
    return std::nullopt;
}

void CharacterMap::append_by_character(std::string_view cluster, std::string& out) const {
    for (std::size_t at = 0; at < cluster.size();) {
        const std::string_view character = cluster.substr(at, decode_utf8(cluster, at).length);
        out += replacement(character).value_or(character);
        at += character.size();
    }
}

std::string CharacterMap::normalise(std::string_view utf8) const {
    std::string out;
    out.reserve(utf8.size());
    for (std::size_t at = 0; at < utf8.size();) {
        const std::size_t end = cluster_end(utf8, at);
        const std::string_view cluster = utf8.substr(at, end - at);
        const auto whole = cluster.size() < kShortCluster ? replacement(cluster) : std::nullopt;
        if (whole) out += *whole;
        else append_by_character(cluster, out);
        at = end;
    }
    return out;
}

}  // namespace heart::text
