#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace heart::server::http {

/// A body that comes to be while it is sent: events, a song that is being made. The connection pulls, so that a slow reader
/// holds nothing up and costs no memory here. All members may be called from any thread, `pull` from one at a time.
class BodySource {
public:
    enum class State {
        ready,    ///< `out` has something; ask again
        waiting,  ///< nothing yet: `wake` will be called
        ended,    ///< nothing more
    };

    BodySource() = default;
    BodySource(const BodySource&) = delete;
    BodySource& operator=(const BodySource&) = delete;
    virtual ~BodySource() = default;

    /// Appends at most about `most` bytes to `out`. Must not wait.
    [[nodiscard]] virtual State pull(std::string& out, std::size_t most) = 0;

    /// What to call, from any thread, when there is more to pull after `waiting`; once for each `waiting` is enough. Must be
    /// called as well if something arrived between that `pull` and this. Called with an empty function when the reader left.
    virtual void set_wake(std::function<void()> wake) = 0;

    /// Bytes to send when nothing happened for the keep-alive time: ":\n\n" for events. Empty: none.
    [[nodiscard]] virtual std::string keep_alive() const { return {}; }
};

}  // namespace heart::server::http
