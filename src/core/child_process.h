#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart {

/// Another program that runs for us and whose output we read; it ends with the object. It sees no descriptors of ours but
/// those that are given to it, and no variables of the environment whose names end in KEY, TOKEN, SECRET or PASSWORD; what
/// it says on standard error is dropped.
class ChildProcess {
public:
    /// Starts `arguments[0]`, looked up on the PATH. `file`, if any, becomes its descriptor 3; `input` its standard input.
    /// Throws ErrorCode::not_found when there is no such program, ErrorCode::io when the system starts none.
    ChildProcess(const std::vector<std::string>& arguments, std::optional<int> file, std::string_view input = {});
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    /// Fills `out` from its standard output; fewer bytes only where that ends. Throws ErrorCode::io. While it waits it calls
    /// `check`, if any, ten times a second; what that throws ends the reading.
    [[nodiscard]] std::size_t read(std::span<char> out, const std::function<void()>& check = {});

    /// The exit status, after waiting for its end; -1 when a signal ended it.
    [[nodiscard]] int wait();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace heart
