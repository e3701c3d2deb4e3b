#pragma once

#include "formats/json.h"
#include "net/http_client.h"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace heart::test {

/// `heart serve` as a process, on a free port.
class RunningStudio {
public:
    /// Starts it on this data folder with these options more, and waits until it answers; with TLS, which is not spoken
    /// here, until it listens. Throws std::runtime_error with what it said.
    explicit RunningStudio(std::filesystem::path data, const std::vector<std::string>& options = {});
    RunningStudio(const RunningStudio&) = delete;
    RunningStudio& operator=(const RunningStudio&) = delete;
    ~RunningStudio();  ///< kills it if it still runs

    void kill();  ///< SIGKILL: nothing is tidied up
    /// SIGTERM, and its exit code; 128 + signal when a signal ended it.
    int stop();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] const std::string& url() const noexcept { return url_; }
    [[nodiscard]] std::string said() const;  ///< on standard error

    struct Ask {
        std::string method = "GET", path, body, token, key;  ///< key: Idempotency-Key
        std::string type = "application/json";               ///< of the body
    };
    /// The answer; none when the process was gone before it was whole.
    [[nodiscard]] std::optional<net::HttpAnswer> ask(const Ask& ask) const;
    /// The answer's JSON; throws std::runtime_error for none, or another status.
    [[nodiscard]] formats::Json json(const Ask& ask, int status = 200) const;

private:
    int wait_for_end();

    std::filesystem::path errors_;
    pid_t pid_ = -1;
    std::string url_;
};

}  // namespace heart::test
