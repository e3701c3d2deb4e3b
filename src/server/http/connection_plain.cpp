#include "server/http/connection_responses.h"
#include "server/http/connection_websocket.h"

namespace heart::server::http {

std::shared_ptr<ConnectionBase> make_plain_connection(Shared& shared, Loop& loop, TcpSocket socket, std::string address) {
    return std::make_shared<Connection<TcpSocket>>(shared, loop, std::move(socket), std::move(address));
}

}  // namespace heart::server::http
