#pragma once

#include "server/http/shared.h"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <string>
#include <vector>

namespace heart::server::http {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

/// Listening sockets for every address of a host ("127.0.0.1", "::1", "[::1]", "localhost"); all on one port. Throws
/// ErrorCode::usage for a host that is none, ErrorCode::io when an address is taken.
[[nodiscard]] std::vector<Acceptor> listen_at(asio::io_context& context, const std::string& host, std::uint16_t port);

/// TLS 1.2 and later, with forward secrecy. Throws ErrorCode::usage for a certificate or key that cannot be used.
[[nodiscard]] std::unique_ptr<asio::ssl::context> make_tls_context(const std::string& certificate, const std::string& key);

/// As many open files as the system allows this process without asking.
void raise_file_limit() noexcept;

}  // namespace heart::server::http
