#pragma once

#include "server/http/message.h"

#include <string>
#include <string_view>
#include <vector>

namespace heart::server::http {

/// Who a request comes from, when some peers are proxies that speak for others.
class Proxies {
public:
    /// Addresses ("127.0.0.1", "::1") or networks ("10.0.0.0/8"). Throws ErrorCode::usage for what is neither.
    explicit Proxies(const std::vector<std::string>& trusted);

    [[nodiscard]] bool trusts(std::string_view address) const;
    /// Sets remote_address and secure: of the peer, or what it says if it is trusted. Of X-Forwarded-For the rightmost
    /// address that is not trusted counts: what stands left of it is the client's own invention.
    void identify(Request& request, std::string_view peer, bool tls) const;

private:
    struct Network {
        std::vector<unsigned char> bytes;
        unsigned prefix;  ///< bits
    };
    std::vector<Network> networks_;
};

/// In one form for every spelling: IPv4 inside of IPv6 as IPv4, ports and brackets left out. "" for what is no address.
[[nodiscard]] std::string canonical_address(std::string_view text);

}  // namespace heart::server::http
