#include "text/character_map.h"

#include "core/error.h"
#include "core/utf8.h"

#include <fmt/format.h>
#include <utf8proc.h>

namespace heart::text {

namespace {

/// A unit of a Darts double array (darts-clone): the node that `label` leads to, or the value of a key that ends there.
/// Node number b has its children at b ^ label, and its own value, where it has one, at b itself.
struct Unit {
    std::uint32_t bits;

    /// Above 0xff for units that hold a value, which no byte then equals.
    [[nodiscard]] std::uint32_t label() const noexcept { return bits & 0x800000ffU; }
    [[nodiscard]] bool has_value() const noexcept { return (bits & 0x100U) != 0; }
    /// From the unit's place to its node number, by exclusive or; below 2^30.
    [[nodiscard]] std::uint32_t offset() const noexcept { return (bits >> 10U) << ((bits & 0x200U) >> 6U); }
    [[nodiscard]] std::uint32_t value() const noexcept { return bits & 0x7fffffffU; }
};

constexpr std::uint32_t kLabels = 0x100;  ///< the units that a node's children lie among: b & ~0xff and the 255 behind it

/// A cluster of so many bytes or more is replaced character by character.
constexpr std::size_t kLongCluster = 6;

std::uint32_t read_u32(std::span<const std::byte> bytes, std::size_t at) noexcept {
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < 4; ++i) out |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8 * i);
    return out;
}

Error malformed(std::string_view where, std::string_view expected, std::string_view found) {
    return Error(ErrorCode::malformed, fmt::format("{} is malformed", where)).expected(expected).found(found);
}

/// End of the extended grapheme cluster (UAX 29) that starts at byte `at`.
std::size_t cluster_end(std::string_view text, std::size_t at) noexcept {
    Utf8Char left = decode_utf8(text, at);
    utf8proc_int32_t state = 0;
    for (at += left.length; at < text.size(); at += left.length) {
        const Utf8Char right = decode_utf8(text, at);
        if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(left.code),
                                             static_cast<utf8proc_int32_t>(right.code), &state)) {
            break;
        }
        left = right;
    }
    return at;
}

}  // namespace

CharacterMap::CharacterMap(std::span<const std::byte> bytes, std::string_view where) {
    constexpr std::size_t kHeader = 4;
    if (bytes.size() < kHeader) throw malformed(where, "the size of a trie", fmt::format("{} bytes", bytes.size()));
    const std::size_t size = read_u32(bytes, 0);
    if (size == 0 || size % (4 * kLabels) != 0 || size > bytes.size() - kHeader) {
        throw malformed(where, fmt::format("a trie of up to {} bytes, in blocks of 1024", bytes.size() - kHeader),
                        fmt::format("{} bytes", size));
    }
    units_.reserve(size / 4);
    for (std::size_t at = 0; at < size; at += 4) units_.push_back(read_u32(bytes, kHeader + at));
    const std::span<const std::byte> rest = bytes.subspan(kHeader + size);
    replacements_.assign(reinterpret_cast<const char*>(rest.data()), rest.size());
    if (const std::size_t bad = find_invalid_utf8(replacements_); bad != std::string_view::npos) {
        throw malformed(where, "UTF-8 behind the trie", fmt::format("an invalid byte at offset {}", kHeader + size + bad));
    }
    check_trie(where);
}

void CharacterMap::check_trie(std::string_view where) const {
    std::vector<bool> seen(units_.size());
    std::vector<std::uint32_t> waiting;
    // As there are whole blocks, a node inside the array has all its children there too.
    const auto visit = [&](std::uint32_t node) {
        if (node >= units_.size()) {
            throw malformed(where, fmt::format("a trie of {} units", units_.size()), fmt::format("the unit {} in it", node));
        }
        if (!seen[node]) waiting.push_back(node);
        seen[node] = true;
    };
    visit(Unit{units_[0]}.offset());
    while (!waiting.empty()) {
        const std::uint32_t node = waiting.back();
        waiting.pop_back();
        for (std::uint32_t label = 1; label < kLabels; ++label) {
            const Unit unit{units_[node ^ label]};
            if (unit.label() != label) continue;
            const std::uint32_t child = node ^ label ^ unit.offset();
            visit(child);
            if (!unit.has_value()) continue;
            const std::uint32_t value = Unit{units_[child]}.value();
            const bool inside = value <= replacements_.size();
            if (!inside ||
                (value < replacements_.size() && (static_cast<unsigned char>(replacements_[value]) & 0xc0) == 0x80)) {
                throw malformed(where, fmt::format("offsets of characters among {} bytes", replacements_.size()),
                                fmt::format("the offset {}", value));
            }
        }
    }
}

std::optional<std::string_view> CharacterMap::find(std::string_view text) const noexcept {
    std::uint32_t node = Unit{units_[0]}.offset();
    for (const char c : text) {
        const std::uint32_t label = static_cast<unsigned char>(c);
        if (label == 0) break;  // a key has no zero byte: that is the place of the value
        const Unit unit{units_[node ^ label]};
        if (unit.label() != label) break;
        node ^= label ^ unit.offset();
        if (unit.has_value()) {
            const std::string_view rest = std::string_view(replacements_).substr(Unit{units_[node]}.value());
            return rest.substr(0, rest.find('\0'));
        }
    }
    return std::nullopt;
}

std::string CharacterMap::apply(std::string_view utf8, std::size_t max_bytes) const {
    std::string out;
    out.reserve(utf8.size());
    const auto put = [&](std::string_view replacement) {
        if (replacement.size() > max_bytes - out.size()) {
            throw Error(ErrorCode::limit, "the text becomes too long when it is normalised")
                .expected(fmt::format("at most {} bytes", max_bytes));
        }
        out += replacement;
    };
    for (std::size_t at = 0; at < utf8.size();) {
        const std::size_t end = cluster_end(utf8, at);
        if (end - at < kLongCluster) {
            if (const auto whole = find(utf8.substr(at, end - at))) {
                put(*whole);
                at = end;
                continue;
            }
        }
        while (at < end) {
            const std::string_view character = utf8.substr(at, decode_utf8(utf8, at).length);
            put(find(character).value_or(character));
            at += character.size();
        }
    }
    return out;
}

}  // namespace heart::text
