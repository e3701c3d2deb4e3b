#include "kernels/machine.h"

#include "core/elapsed.h"
#include "core/large_pages.h"
#include "kernels/machine_loops.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/mman.h>

namespace heart::kernels {

namespace {

using Clock = std::chrono::steady_clock;

/// A piece of work on all threads at once, again and again.
class Passes {
public:
    using Work = std::function<void(int thread)>;

    Passes(int threads, double seconds, const Work& work, const CancelToken& cancel)
        : spans_(static_cast<std::size_t>(threads)),
          seconds_(seconds),
          work_(work),
          cancel_(cancel),
          gate_(threads, Judge{this}) {}

    /// Seconds of the shortest pass, from the first thread's start to the last one's end; passes until time is up.
    double shortest() {
        std::vector<std::jthread> helpers;
        try {
            for (std::size_t t = 1; t < spans_.size(); ++t) helpers.emplace_back([this, t] { run(t); });
        } catch (const std::system_error&) {
            failed_ = true;
            for (std::size_t missing = helpers.size(); missing < spans_.size(); ++missing) gate_.arrive_and_drop();
            throw Error(ErrorCode::memory, "cannot start the threads that measure the machine");
        }
        run(0);
        helpers.clear();
        cancel_.check();
        return best_;
    }

private:
    struct Span {
        Clock::time_point start, end;
    };
    struct Judge {
        Passes* all;
        void operator()() noexcept { all->judge(); }
    };

    void run(std::size_t thread) {
        while (true) {
            gate_.arrive_and_wait();
            if (done_) return;
            spans_[thread].start = Clock::now();
            work_(static_cast<int>(thread));
            spans_[thread].end = Clock::now();
        }
    }

    /// Between passes, on one thread while all wait.
    void judge() noexcept {
        if (passes_++ > 0) {
            Clock::time_point first = spans_[0].start, last = spans_[0].end;
            for (const Span& s : spans_) {
                first = std::min(first, s.start);
                last = std::max(last, s.end);
            }
            best_ = std::min(best_, std::chrono::duration<double>(last - first).count());
        }
        const bool enough = passes_ > kLeastPasses && seconds_since(began_) >= seconds_;
        done_ = failed_ || cancel_.cancelled() || enough;
    }

    static constexpr int kLeastPasses = 3;

    std::vector<Span> spans_;
    double seconds_, best_ = std::numeric_limits<double>::infinity();
    const Work& work_;
    const CancelToken& cancel_;
    Clock::time_point began_ = Clock::now();
    int passes_ = 0;
    bool failed_ = false, done_ = false;
    std::barrier<Judge> gate_;
};

/// Memory in large pages where the system has them, so that finding pages does not count.
class Buffer {
public:
    explicit Buffer(std::size_t bytes) : bytes_(bytes) {
        address_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (address_ == MAP_FAILED) throw Error(ErrorCode::memory, "not enough memory to measure how fast memory is");
        use_large_pages(address_, bytes);
    }
    ~Buffer() { munmap(address_, bytes_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    [[nodiscard]] char* data() const noexcept { return static_cast<char*>(address_); }

private:
    void* address_ = nullptr;
    std::size_t bytes_;
};

/// A way to go through memory. Which one is the fastest depends on the processor: some look ahead well enough by themselves
/// and are only held up by requests, and streams at a large power of two from each other may meet in the same bank.
struct ReadPattern {
    std::size_t bytes;  ///< that the four streams share, before they move on together; 0 for all there is
    std::size_t ahead;
};

constexpr std::size_t kReadBlock = std::size_t{4 * 13} << 12;
constexpr ReadPattern kReadPatterns[] = {{kReadBlock, 0}, {kReadBlock, 1024}, {0, 0}, {0, 2048}};

double measure_reading(const MachineTest& test, const MachineLoops& loops, const CancelToken& cancel) {
    const auto threads = static_cast<std::size_t>(test.threads);
    const std::size_t wanted = test.buffer_bytes > 0 ? test.buffer_bytes : 4 * outer_cache_bytes() + (std::size_t{64} << 20);
    const std::size_t slice = std::max<std::size_t>(wanted / threads / kReadBlock, 1) * kReadBlock;
    const Buffer buffer(slice * threads);
    std::vector<std::uint64_t> sums(threads);
    double best = std::numeric_limits<double>::infinity();
    for (const ReadPattern& pattern : kReadPatterns) {
        // Each thread writes what it will read: its part then lies in the memory next to it.
        const Passes::Work work = [&](int thread) {
            const auto t = static_cast<std::size_t>(thread);
            char* part = buffer.data() + t * slice;
            if (sums[t] == 0) {
                std::memset(part, 1, slice);
                sums[t] = 1;
                return;
            }
            const std::size_t step = pattern.bytes == 0 ? slice : pattern.bytes;
            for (std::size_t at = 0; at < slice; at += step) sums[t] |= loops.read(part + at, step, pattern.ahead);
        };
        const double share = test.seconds / static_cast<double>(std::size(kReadPatterns));
        best = std::min(best, Passes(test.threads, share, work, cancel).shortest());
    }
    return static_cast<double>(slice * threads) / best / 1e9;
}

template <typename Loop>
double measure_arithmetic(const MachineTest& test, Loop loop, double operations_per_round, const CancelToken& cancel) {
    constexpr double kPassSeconds = 0.01;
    std::int64_t rounds = 1000;
    const auto time_of = [&] {
        const auto start = Clock::now();
        volatile auto keep = loop(rounds);
        (void)keep;
        return seconds_since(start);
    };
    while (time_of() < kPassSeconds) rounds *= 2;
    const Passes::Work work = [&](int) {
        volatile auto keep = loop(rounds);
        (void)keep;
    };
    const double seconds = Passes(test.threads, test.seconds, work, cancel).shortest();
    return operations_per_round * static_cast<double>(rounds) * test.threads / seconds / 1e9;
}

std::string first_line(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

}  // namespace

MachineLoops machine_loops(InstructionSet set) {
#if defined(__x86_64__)
    if (set == InstructionSet::avx512) return machine_loops_avx512();
    if (set == InstructionSet::avx2) return machine_loops_avx2();
#else
    (void)set;
#endif
    return machine_loops_portable();
}

MachineSpeed measure_machine(const MachineTest& test, const CancelToken& cancel) {
    const MachineLoops loops = machine_loops(test.instructions);
    MachineSpeed out;
    out.read_gbps = measure_reading(test, loops, cancel);
    out.f32_gflops = measure_arithmetic(test, loops.multiply_add, loops.flops_per_round, cancel);
    out.int8_gops = measure_arithmetic(test, loops.multiply_add_int8, loops.ops_per_round, cancel);
    return out;
}

MachineSpeed better_of(const MachineSpeed& a, const MachineSpeed& b) noexcept {
    return {std::max(a.read_gbps, b.read_gbps), std::max(a.f32_gflops, b.f32_gflops), std::max(a.int8_gops, b.int8_gops),
            std::max(a.f16_gflops, b.f16_gflops)};
}

std::size_t outer_cache_bytes() {
    constexpr std::size_t kGuess = std::size_t{64} << 20;
    std::size_t sum = 0;
    std::set<std::string> counted;  // by the processors that share one
    for (unsigned cpu = 0; cpu < std::max(1U, std::thread::hardware_concurrency()); ++cpu) {
        const std::filesystem::path caches = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache";
        std::size_t outermost = 0;
        std::string sharers;
        for (int index = 0; index < 8; ++index) {
            const std::string size = first_line(caches / ("index" + std::to_string(index)) / "size");  // "107520K"
            const std::size_t kib = std::strtoull(size.c_str(), nullptr, 10);
            if (kib * 1024 < outermost || kib == 0) continue;
            outermost = kib * 1024;
            sharers = first_line(caches / ("index" + std::to_string(index)) / "shared_cpu_list");
        }
        if (outermost > 0 && counted.insert(sharers).second) sum += outermost;
    }
    return sum == 0 ? kGuess : sum;
}

}  // namespace heart::kernels
