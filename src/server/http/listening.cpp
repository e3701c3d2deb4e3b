#include "server/http/listening.h"

#include "core/error.h"

#include <sys/resource.h>

#include <openssl/ssl.h>
#include <boost/asio/ip/v6_only.hpp>

#include <algorithm>
#include <string_view>

namespace heart::server::http {
namespace {

using Tcp = asio::ip::tcp;

constexpr int kBacklog = 1024;

std::vector<Tcp::endpoint> endpoints_of(asio::io_context& context, std::string host, std::uint16_t port) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const auto bad = [&](const std::string& why) {
        return Error(ErrorCode::usage, "'" + printable(host, 100) + "' is no address to listen at: " + why)
            .expected("like 127.0.0.1, ::1 or localhost");
    };
    if (host.empty()) throw bad("it is empty");
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (!error) return {Tcp::endpoint(address, port)};
    asio::ip::basic_resolver<Tcp, Executor> resolver(context);
    const auto results =
        resolver.resolve(host, std::to_string(port), Tcp::resolver::passive | Tcp::resolver::numeric_service, error);
    if (error) throw bad(error.message());
    std::vector<Tcp::endpoint> out;
    for (const auto& result : results) {
        if (std::find(out.begin(), out.end(), result.endpoint()) == out.end()) out.push_back(result.endpoint());
    }
    if (out.empty()) throw bad("the name has no address");
    return out;
}

/// The acceptor, or why there is none.
Acceptor open_acceptor(asio::io_context& context, const Tcp::endpoint& endpoint, error_code& error) {
    Acceptor acceptor(context);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
    // "::" means everybody, as elsewhere; other addresses of IPv6 are what they are.
    if (!error && endpoint.address().is_v6())
        acceptor.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(kBacklog, error);
    return acceptor;
}

}  // namespace

std::vector<Acceptor> listen_at(asio::io_context& context, const std::string& host, std::uint16_t port) {
    std::vector<Acceptor> acceptors;
    error_code last;
    for (auto endpoint : endpoints_of(context, host, port)) {
        if (!acceptors.empty()) endpoint.port(acceptors.front().local_endpoint().port());
        error_code error;
        auto acceptor = open_acceptor(context, endpoint, error);
        if (!error) {
            acceptors.push_back(std::move(acceptor));
            continue;
        }
        last = error;
        // A name may have addresses that this machine has not (IPv6 switched off); one that is taken is an error.
        const bool absent = error == asio::error::address_family_not_supported || error.value() == EADDRNOTAVAIL;
        if (!absent) break;
        last = acceptors.empty() ? error : error_code();
    }
    if (acceptors.empty() || last) {
        throw Error(ErrorCode::io, "cannot listen at " + printable(host, 100) + " port " + std::to_string(port))
            .found(last.message())
            .hint("does another program use this port?");
    }
    return acceptors;
}

std::unique_ptr<asio::ssl::context> make_tls_context(const std::string& certificate, const std::string& key) {
    auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX* const native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // idle connections hold no record buffers
    SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20");
    const auto refuse = [](const char* what, const std::string& path, const error_code& error) {
        throw Error(ErrorCode::usage, std::string("the TLS ") + what + " cannot be used: " + printable(path))
            .expected("a PEM file")
            .found(error.message());
    };
    error_code error;
    context->use_certificate_chain_file(certificate, error);
    if (error) refuse("certificate", certificate, error);
    context->set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); }, error);
    context->use_private_key_file(key, asio::ssl::context::pem, error);
    if (error) refuse("key", key, error);
    if (SSL_CTX_check_private_key(native) != 1) {
        throw Error(ErrorCode::usage, "the TLS key does not belong to the certificate").found(printable(key));
    }
    return context;
}

void raise_file_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace heart::server::http
