#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace heart::kernels {

/// What the threads of one node have taken of its work so far. Serves one node after the other, as long as all threads have
/// left one before any begins the next.
class WorkQueue {
public:
    /// The number of the next piece.
    [[nodiscard]] std::int64_t take() noexcept { return taken_.fetch_add(1, std::memory_order_relaxed); }
    /// Every thread says so once, behind its last take; the last of them leaves the queue as it was at first.
    void leave(int threads) noexcept {
        if (left_.fetch_add(1, std::memory_order_acq_rel) + 1 < threads) return;
        taken_.store(0, std::memory_order_relaxed);
        left_.store(0, std::memory_order_release);
    }

private:
    std::atomic<std::int64_t> taken_{0};
    std::atomic<int> left_{0};
};

/// A thread among those that compute a node together.
struct Worker {
    int ith = 0, nth = 1;
    WorkQueue* queue = nullptr;  ///< shared by all of them; none: each does an equal share
};

/// [first, last) of what there is to do.
struct Piece {
    std::int64_t first, last;

    [[nodiscard]] std::int64_t size() const noexcept { return last - first; }
    /// Part `i` of `count` parts of about the same size.
    [[nodiscard]] Piece part(std::int64_t i, std::int64_t count) const noexcept {
        return {first + size() * i / count, first + size() * (i + 1) / count};
    }
};

/// Piece `number` of `units` that so many threads share while they work: large ones first, then smaller and smaller ones
/// (guided self-scheduling, Polychronopoulos and Kuck 1987), so that a thread that was held up, or is slower than others,
/// leaves the rest to them. Empty behind the last.
[[nodiscard]] inline Piece guided_piece(std::int64_t units, int threads, std::int64_t number) noexcept {
    std::int64_t first = 0;
    for (;; --number) {
        const std::int64_t next = first + std::max<std::int64_t>((units - first) / (2 * std::int64_t{threads}), 1);
        if (number == 0 || first >= units) return {first, std::min(next, units)};
        first = next;
    }
}

/// Calls work(first, last) with pieces of [0, count), whole units but for the last, until the threads have done them all.
/// All threads of a node call it, once.
template <typename Work>
void share_out(const Worker& me, std::int64_t count, std::int64_t unit, const Work& work) {
    const std::int64_t units = (count + unit - 1) / unit;
    const auto do_piece = [&](Piece p) { work(p.first * unit, std::min(p.last * unit, count)); };
    if (me.queue == nullptr || me.nth == 1) {
        const Piece mine = Piece{0, units}.part(me.ith, me.nth);
        if (mine.size() > 0) do_piece(mine);
        return;
    }
    for (;;) {
        const Piece next = guided_piece(units, me.nth, me.queue->take());
        if (next.size() <= 0) break;
        do_piece(next);
    }
    me.queue->leave(me.nth);
}

}  // namespace heart::kernels
