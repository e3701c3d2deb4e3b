#include "server/http/connection_responses.h"
#include "server/http/connection_websocket.h"

#include <boost/beast/websocket/ssl.hpp>

namespace heart::server::http {

std::shared_ptr<ConnectionBase> make_tls_connection(Shared& shared, Loop& loop, TcpSocket socket, std::string address,
                                                    asio::ssl::context& context) {
    return std::make_shared<Connection<TlsStream>>(shared, loop, TlsStream(std::move(socket), context), std::move(address));
}

}  // namespace heart::server::http
