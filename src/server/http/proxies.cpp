#include "server/http/proxies.h"

#include "core/error.h"
#include "server/http/request_parts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace heart::server::http {
namespace {

using Bytes = std::vector<unsigned char>;

/// 4 or 16 bytes, or none.
Bytes address_bytes(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN + 1> copy{};
    if (text.size() >= copy.size()) return {};
    std::memcpy(copy.data(), text.data(), text.size());
    Bytes out(16);
    if (::inet_pton(AF_INET, copy.data(), out.data()) == 1) {
        out.resize(4);
        return out;
    }
    if (::inet_pton(AF_INET6, copy.data(), out.data()) != 1) return {};
    static constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(kMapped.begin(), kMapped.end(), out.begin())) out.erase(out.begin(), out.begin() + 12);
    return out;
}

/// Without what some proxies write around an address: "1.2.3.4:5678", "[::1]:5678", "[::1]".
std::string_view bare(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('[')) return text.substr(1, std::min(text.find(']'), text.size()) - 1);
    const auto colon = text.find(':');
    const bool one_colon = colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos;
    return one_colon ? text.substr(0, colon) : text;
}

bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size() && bits > 0; ++i) {
        const unsigned here = std::min(bits, 8U);
        const unsigned mask = (0xff00U >> here) & 0xffU;
        if ((a[i] & mask) != (b[i] & mask)) return false;
        bits -= here;
    }
    return true;
}

std::string joined(const Headers& headers, std::string_view name) {
    std::string out;
    for (const auto& [key, value] : headers.all()) {
        if (equal_ignoring_case(key, name)) out += (out.empty() ? "" : ",") + value;
    }
    return out;
}

}  // namespace

std::string canonical_address(std::string_view text) {
    const auto bytes = address_bytes(bare(text));
    if (bytes.empty()) return {};
    std::array<char, INET6_ADDRSTRLEN> out{};
    ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), out.data(), out.size());
    return out.data();
}

Proxies::Proxies(const std::vector<std::string>& trusted) {
    for (const auto& text : trusted) {
        const auto slash = std::min(text.find('/'), text.size());
        Network network{address_bytes(std::string_view(text).substr(0, slash)), 0};
        network.prefix = static_cast<unsigned>(network.bytes.size() * 8);
        bool good = !network.bytes.empty();
        if (slash < text.size()) {
            unsigned prefix = 0;
            const char* const end = text.data() + text.size();
            const auto [stopped, error] = std::from_chars(text.data() + slash + 1, end, prefix);
            good = good && error == std::errc() && stopped == end && prefix <= network.prefix;
            network.prefix = prefix;
        }
        if (!good) {
            throw Error(ErrorCode::usage, "a trusted proxy is no address")
                .expected("like 127.0.0.1, ::1 or 10.0.0.0/8")
                .found(printable(text, 80));
        }
        networks_.push_back(std::move(network));
    }
}

bool Proxies::trusts(std::string_view address) const {
    const auto bytes = address_bytes(address);
    return !bytes.empty() && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
        return same_prefix(network.bytes, bytes, network.prefix);
    });
}

void Proxies::identify(Request& request, std::string_view peer, bool tls) const {
    request.remote_address = std::string(peer);
    request.secure = tls;
    if (!trusts(peer)) return;
    const auto proto = joined(request.headers, "X-Forwarded-Proto");
    if (!proto.empty()) {
        const auto last = proto.rfind(',');
        request.secure =
            equal_ignoring_case(trimmed(std::string_view(proto).substr(last == std::string::npos ? 0 : last + 1)), "https");
    }
    const auto list = joined(request.headers, "X-Forwarded-For");
    for (std::size_t end = list.size();;) {
        const auto comma = end == 0 ? std::string::npos : list.rfind(',', end - 1);
        const auto start = comma == std::string::npos ? 0 : comma + 1;
        const auto address = canonical_address(std::string_view(list).substr(start, end - start));
        if (address.empty()) return;  // nothing left of it can be believed
        request.remote_address = address;
        if (comma == std::string::npos || !trusts(address)) return;
        end = comma;
    }
}

}  // namespace heart::server::http
