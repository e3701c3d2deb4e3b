#pragma once

#include <thread>
#include <vector>

namespace heart::test {

/// work(i) on so many threads at once, until all are done.
template <typename Work>
void on_threads(int threads, const Work& work) {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) running.emplace_back([&work, i] { work(i); });
}

}  // namespace heart::test
