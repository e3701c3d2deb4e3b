// Is a WebSocket on which nothing happens kept open with the contract's word?

#include "server/api/studio.h"
#include "server/socket_client.h"
#include "server/studio_fixture.h"

#include <chrono>
#include <filesystem>
#include <string>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace server;

TEST(ApiSocket, SilenceIsBrokenByPings) {
    std::string pattern = (fs::temp_directory_path() / "heart-socket-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    {
        FakeMaker maker;
        api::StudioOptions options;
        options.data_folder = fs::path(pattern) / "data";
        options.http.port = 0;
        EXPECT_EQ(options.http.limits.websocket_silence, std::chrono::seconds(30)) << "as the contract has it";
        options.http.limits.websocket_silence = std::chrono::milliseconds(20);
        api::Studio studio(options, maker, false);
        studio.start();
        SocketClient client(studio.port(), "/ws/progress");
        ASSERT_EQ(client.status(), 101);
        for (int i = 0; i < 3; ++i) EXPECT_EQ(client.next(), "ping");
        client.send("ping");
        std::optional<std::string> text;
        do text = client.next();
        while (text == "ping");
        EXPECT_EQ(text, "pong");
        studio.stop(std::chrono::milliseconds(100));
    }
    fs::remove_all(pattern);
}

}  // namespace
}  // namespace heart::test
