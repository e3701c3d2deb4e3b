#include "net/public_address.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

namespace heart::net {

namespace {

/// One range of addresses: those whose first `bits` bits are the same as in `start`.
template <std::size_t N>
struct Range {
    std::array<std::uint8_t, N> start;
    int bits;

    [[nodiscard]] bool holds(const std::array<std::uint8_t, N>& address) const noexcept {
        for (int bit = 0; bit < bits; bit += 8) {
            const auto byte = static_cast<std::size_t>(bit / 8);
            const int mask = bits - bit >= 8 ? 0xff : 0xff & (0xff << (8 - (bits - bit)));
            if ((address[byte] & mask) != (start[byte] & mask)) return false;
        }
        return true;
    }
};

// IANA's registry of special-purpose addresses, and multicast.
constexpr Range<4> kSpecialIpv4[] = {
    {{0, 0, 0, 0}, 8},        // this network
    {{10, 0, 0, 0}, 8},       // private
    {{100, 64, 0, 0}, 10},    // shared by customers of a carrier
    {{127, 0, 0, 0}, 8},      // loopback
    {{169, 254, 0, 0}, 16},   // link-local, clouds' metadata services
    {{172, 16, 0, 0}, 12},    // private
    {{192, 0, 0, 0}, 24},     // protocol assignments
    {{192, 0, 2, 0}, 24},     // documentation
    {{192, 88, 99, 0}, 24},   // 6to4 relays
    {{192, 168, 0, 0}, 16},   // private
    {{198, 18, 0, 0}, 15},    // benchmarks
    {{198, 51, 100, 0}, 24},  // documentation
    {{203, 0, 113, 0}, 24},   // documentation
    {{224, 0, 0, 0}, 4},      // multicast
    {{240, 0, 0, 0}, 4},      // reserved, broadcast
};

constexpr Range<16> kGlobalIpv6{{0x20}, 3};
constexpr Range<16> kSpecialIpv6[] = {
    {{0x20, 0x01}, 23},              // protocol assignments: Teredo, ORCHID, benchmarks
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x3f, 0xff}, 20},              // documentation
};

struct Wrapping {
    Range<16> range;
    std::size_t ipv4_at;  ///< byte
};
constexpr Wrapping kWrappings[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},  // IPv4-mapped
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                    // NAT64
    {{{0x20, 0x02}, 16}, 2},                                 // 6to4
};

}  // namespace

bool is_public_ipv4(const std::array<std::uint8_t, 4>& address) noexcept {
    return std::none_of(std::begin(kSpecialIpv4), std::end(kSpecialIpv4), [&](const auto& r) { return r.holds(address); });
}

bool is_public_ipv6(const std::array<std::uint8_t, 16>& address) noexcept {
    for (const Wrapping& wrapping : kWrappings) {
        if (!wrapping.range.holds(address)) continue;
        std::array<std::uint8_t, 4> inner{};
        std::copy_n(address.begin() + static_cast<std::ptrdiff_t>(wrapping.ipv4_at), inner.size(), inner.begin());
        return is_public_ipv4(inner);
    }
    return kGlobalIpv6.holds(address) &&
           std::none_of(std::begin(kSpecialIpv6), std::end(kSpecialIpv6), [&](const auto& r) { return r.holds(address); });
}

bool is_public_address(const sockaddr& address) noexcept {
    if (address.sa_family == AF_INET) {
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, bytes.size());
        return is_public_ipv4(bytes);
    }
    if (address.sa_family == AF_INET6) {
        std::array<std::uint8_t, 16> bytes{};
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, bytes.size());
        return is_public_ipv6(bytes);
    }
    return false;
}

}  // namespace heart::net
