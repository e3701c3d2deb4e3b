#pragma once

#include <array>
#include <cstdint>

struct sockaddr;

namespace heart::net {

/// Whether packets to this IPv4 address leave for the public internet: not loopback, private (RFC 1918), shared (RFC 6598),
/// link-local, documentation, benchmarking, multicast, reserved or broadcast.
[[nodiscard]] bool is_public_ipv4(const std::array<std::uint8_t, 4>& address) noexcept;

/// The same of an IPv6 address; one that wraps an IPv4 address (mapped, NAT64, 6to4) is what that one is.
[[nodiscard]] bool is_public_ipv6(const std::array<std::uint8_t, 16>& address) noexcept;

/// False for families other than these two.
[[nodiscard]] bool is_public_address(const sockaddr& address) noexcept;

}  // namespace heart::net
