#include "speech/chunks.h"

#include <algorithm>
#include <cmath>

namespace heart::speech {

namespace {

/// Where two texts overlap: [left_start, left_stop) of the left one with [right_start, right_stop) of the right one.
struct Overlap {
    std::size_t left_start = 0, left_stop = 0, right_start = 0, right_stop = 0;
};

Overlap best_overlap(std::span<const TimedToken> left, std::span<const TimedToken> right) {
    Overlap best{left.size(), left.size(), 0, 0};
    double most = 0;
    for (std::size_t i = 1; i < left.size() + right.size(); ++i) {
        const std::size_t left_start = left.size() > i ? left.size() - i : 0;
        const std::size_t left_stop = std::min(left.size(), left.size() + right.size() - i);
        const std::size_t right_start = i > left.size() ? i - left.size() : 0;
        const std::size_t right_stop = std::min(right.size(), i);
        std::size_t matches = 0;
        for (std::size_t k = 0; k < left_stop - left_start; ++k) {
            const TimedToken &l = left[left_start + k], &r = right[right_start + k];
            if (l.id == r.id && (!l.timed || !r.timed || l.start <= r.start)) ++matches;
        }
        // Of equal shares, the longer overlap.
        const double share = static_cast<double>(matches) / static_cast<double>(i) + static_cast<double>(i) / 10'000;
        if (matches > 1 && share > most) {
            most = share;
            best = {left_start, left_stop, right_start, right_stop};
        }
    }
    return best;
}

}  // namespace

std::vector<TimedToken> join_overlapping(std::span<const std::vector<TimedToken>> texts) {
    std::vector<TimedToken> out;
    if (texts.empty()) return out;
    std::vector<TimedToken> left = texts[0];
    for (std::size_t t = 1; t < texts.size(); ++t) {
        const std::vector<TimedToken>& right = texts[t];
        const Overlap o = best_overlap(left, right);
        // Each is trusted more on its own side of the overlap.
        const auto left_middle = static_cast<std::ptrdiff_t>((o.left_start + o.left_stop) / 2);
        const auto right_middle = static_cast<std::ptrdiff_t>((o.right_start + o.right_stop) / 2);
        out.insert(out.end(), left.begin(), left.begin() + left_middle);
        left.assign(right.begin() + right_middle, right.end());
    }
    out.insert(out.end(), left.begin(), left.end());
    return out;
}

// --- chunks -------------------------------------------------------------------------------------------------------------

void ChunkJoiner::add(std::span<const TimedToken> tokens, const Chunk& chunk) {
    offset_ -= chunk.left;
    const double first = chunk.left > 0 ? chunk.left / kTimestampStep + first_timestamp_ : first_timestamp_;
    std::optional<std::int32_t> last;  // the first timestamp within the right stride, or the last before it
    if (chunk.right > 0) {
        for (auto it = tokens.rbegin(); it != tokens.rend(); ++it) {
            if (it->id < first_timestamp_) continue;
            if (last && (it->id - first_timestamp_) * kTimestampStep < chunk.length - chunk.right) break;
            last = it->id;
        }
    }
    for (const TimedToken& token : tokens) {
        if (token.id >= first_timestamp_) {
            on_timestamp(token.id, last, first);
        } else {
            if (current_.empty() && previous_.empty()) open_.first_chunk = chunk_;
            current_.push_back(token);
        }
    }
    offset_ += chunk.length - chunk.right;
    ++chunk_;
    if (!current_.empty()) {
        previous_.push_back(std::move(current_));
        current_.clear();
    } else if (std::all_of(previous_.begin(), previous_.end(), [](const auto& p) { return p.empty(); })) {
        open_ = {};
        previous_.clear();
    }
}

void ChunkJoiner::on_timestamp(std::int32_t token, std::optional<std::int32_t> last, double first) {
    const double time = std::round(((token - first_timestamp_) * kTimestampStep + offset_) * 100) / 100;
    if (last && token >= *last) {
        skip_ = true;  // within the stride: the next chunk says it better; its partner is left out too
    } else if (skip_ || (!previous_.empty() && static_cast<double>(token) < first)) {
        skip_ = false;
    } else if (!open_.start) {
        open_.start = time;
    } else if (time != *open_.start) {  // an equal one is the start said twice
        open_.end = time;
        previous_.push_back(std::move(current_));
        current_.clear();
        flush();
    }
}

void ChunkJoiner::flush() {
    open_.tokens = join_overlapping(previous_);
    done_.push_back(std::move(open_));
    open_ = {};
    open_.first_chunk = chunk_;
    previous_.clear();
}

std::vector<ChunkSegment> ChunkJoiner::finish() {
    if (!previous_.empty()) flush();
    return std::move(done_);
}

// --- windows ------------------------------------------------------------------------------------------------------------

WindowText cut_window(std::span<const std::int32_t> tokens, std::int32_t first_timestamp, double seconds) {
    WindowText out;
    const auto is_time = [&](std::size_t i) { return tokens[i] >= first_timestamp; };
    const auto time = [&](std::size_t i) { return (tokens[i] - first_timestamp) * kTimestampStep; };
    const auto add = [&](std::size_t first, std::size_t last, double start, double end) {
        while (first < last && is_time(first)) ++first;
        while (first < last && is_time(last - 1)) --last;
        if (first < last) out.segments.push_back({first, last, start, std::max(start, end)});
    };
    const std::size_t n = tokens.size();
    std::vector<std::size_t> cuts;  // places between two timestamps, where one segment ends and the next begins
    for (std::size_t i = 1; i < n; ++i) {
        if (is_time(i - 1) && is_time(i)) cuts.push_back(i);
    }
    const bool single_end = n >= 2 && is_time(n - 1) && !is_time(n - 2);
    out.advance = seconds;
    if (cuts.empty()) {
        double end = seconds;
        for (std::size_t i = 0; i < n; ++i) {
            if (is_time(i) && tokens[i] != first_timestamp) end = time(i);
        }
        const double start = n > 0 && is_time(0) && time(0) < end ? time(0) : 0;
        add(0, n, start, end);
        return out;
    }
    if (single_end) cuts.push_back(n);
    std::size_t first = 0;
    for (const std::size_t cut : cuts) {
        const double start = is_time(first) ? time(first) : 0;
        add(first, cut, start, is_time(cut - 1) ? time(cut - 1) : start);
        first = cut;
    }
    // What stands behind the last pair of timestamps is heard again, from there on; a single one says that nothing follows.
    if (!single_end && time(first - 1) > 0) out.advance = std::min(time(first - 1), seconds);
    return out;
}

}  // namespace heart::speech
