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
#include <utility>
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

    /// Seconds of each pass, from the first thread's start to the last one's end; passes until time is up, and few at least.
    std::vector<double> run_all() {
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
        return std::move(taken_);
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
            taken_.push_back(std::chrono::duration<double>(last - first).count());
        }
        const bool enough = passes_ > kLeastPasses && seconds_since(began_) >= seconds_;
        done_ = failed_ || cancel_.cancelled() || enough;
    }

    static constexpr int kLeastPasses = 3;

    std::vector<Span> spans_;
    std::vector<double> taken_;  // but for the first pass, which warms up
    double seconds_;
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

/// How many bytes each thread reads of its own.
std::size_t slice_of(const MachineTest& test) {
    const std::size_t wanted = test.buffer_bytes > 0 ? test.buffer_bytes : 4 * outer_cache_bytes() + (std::size_t{64} << 20);
    return std::max<std::size_t>(wanted / static_cast<std::size_t>(test.threads) / kReadBlock, 1) * kReadBlock;
}

/// Rounds of a loop that take about 10 ms.
template <typename Loop>
std::int64_t rounds_of(Loop loop) {
    constexpr double kPassSeconds = 0.01;
    std::int64_t rounds = 1000;
    const auto time_of = [&] {
        const auto start = Clock::now();
        volatile auto keep = loop(rounds);
        (void)keep;
        return seconds_since(start);
    };
    while (time_of() < kPassSeconds) rounds *= 2;
    return rounds;
}

double least_of(const std::vector<double>& values) {
    return *std::min_element(values.begin(), values.end());
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

struct MachineMeter::State {
    MachineTest test;
    const CancelToken& cancel;
    MachineLoops loops = machine_loops(test.instructions);
    std::size_t slice = slice_of(test);
    Buffer buffer{slice * static_cast<std::size_t>(test.threads)};
    std::int64_t f32_rounds = rounds_of(loops.multiply_add), int8_rounds = rounds_of(loops.multiply_add_int8);
    const ReadPattern* pattern = kReadPatterns;

    [[nodiscard]] std::vector<double> passes(double seconds, const Passes::Work& work) const {
        return Passes(test.threads, seconds, work, cancel).run_all();
    }
    [[nodiscard]] char* part_of(int thread) const { return buffer.data() + static_cast<std::size_t>(thread) * slice; }

    /// Each thread writes what it will read: its part then lies in the memory next to it.
    void touch() const {
        (void)passes(0, [this](int thread) { std::memset(part_of(thread), 1, slice); });
    }

    [[nodiscard]] std::vector<double> read(const ReadPattern& by, double seconds) const {
        return passes(seconds, [&](int thread) {
            const std::size_t step = by.bytes == 0 ? slice : by.bytes;
            volatile std::uint64_t keep = 0;
            for (std::size_t at = 0; at < slice; at += step) keep = loops.read(part_of(thread) + at, step, by.ahead);
            (void)keep;
        });
    }

    template <typename Loop>
    [[nodiscard]] std::vector<double> compute(Loop loop, std::int64_t rounds, double seconds) const {
        return passes(seconds, [&](int) {
            volatile auto keep = loop(rounds);
            (void)keep;
        });
    }

    /// Operations, or bytes, of one pass of all threads.
    [[nodiscard]] double amount(MachineLimit limit) const {
        switch (limit) {
            case MachineLimit::reading: return static_cast<double>(slice) * test.threads;
            case MachineLimit::f32: return loops.flops_per_round * static_cast<double>(f32_rounds) * test.threads;
            case MachineLimit::int8: break;
        }
        return loops.ops_per_round * static_cast<double>(int8_rounds) * test.threads;
    }

    [[nodiscard]] std::vector<double> taken(MachineLimit limit, double seconds) const {
        switch (limit) {
            case MachineLimit::reading: return read(*pattern, seconds);
            case MachineLimit::f32: return compute(loops.multiply_add, f32_rounds, seconds);
            case MachineLimit::int8: break;
        }
        return compute(loops.multiply_add_int8, int8_rounds, seconds);
    }

    /// Seconds of the shortest pass of all patterns, which the best of them becomes the meter's.
    [[nodiscard]] double shortest_read() {
        double best = std::numeric_limits<double>::infinity();
        for (const ReadPattern& by : kReadPatterns) {
            const double least = least_of(read(by, test.seconds / static_cast<double>(std::size(kReadPatterns))));
            if (least < best) best = least, pattern = &by;
        }
        return best;
    }
};

MachineMeter::MachineMeter(const MachineTest& test, const CancelToken& cancel) : state_(new State{test, cancel}) {
    state_->touch();
}

MachineMeter::~MachineMeter() = default;

MachineSpeed MachineMeter::best() {
    const auto giga = [this](MachineLimit limit, double seconds) { return state_->amount(limit) / seconds / 1e9; };
    const auto shortest = [this](MachineLimit limit) { return least_of(state_->taken(limit, state_->test.seconds)); };
    MachineSpeed out;
    out.read_gbps = giga(MachineLimit::reading, state_->shortest_read());
    out.f32_gflops = giga(MachineLimit::f32, shortest(MachineLimit::f32));
    out.int8_gops = giga(MachineLimit::int8, shortest(MachineLimit::int8));
    return out;
}

std::vector<double> MachineMeter::now(MachineLimit limit) {
    std::vector<double> out = state_->taken(limit, 0);
    for (double& x : out) x = state_->amount(limit) / x / 1e9;
    return out;
}

std::size_t MachineMeter::buffer_bytes() const noexcept {
    return state_->slice * static_cast<std::size_t>(state_->test.threads);
}

MachineSpeed measure_machine(const MachineTest& test, const CancelToken& cancel) {
    return MachineMeter(test, cancel).best();
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
