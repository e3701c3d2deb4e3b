#pragma once

// Included by the sources of this room only: Asio costs half a minute of every source that sees it.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace heart::server::http {

namespace asio = boost::asio;
using boost::system::error_code;

// The executor is named, not erased: every connection lives on one loop, which one thread runs.
using Executor = asio::io_context::executor_type;
using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using TlsStream = asio::ssl::stream<TcpSocket>;
using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
template <class T>
using Async = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> use_async{};

}  // namespace heart::server::http
