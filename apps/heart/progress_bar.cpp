#include "progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <unistd.h>

namespace heart::app {

namespace {

constexpr int kBarCells = 24;
constexpr auto kRedraw = std::chrono::milliseconds(100);

std::string clock_text(double seconds) {
    const auto s = std::lround(std::max(0.0, seconds));
    return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60) : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

double share_of(const Progress& p) {
    return p.total > 0 ? std::clamp(p.done / p.total, 0.0, 1.0) : 0;
}

}  // namespace

ProgressBar::ProgressBar(bool enabled) : enabled_(enabled), terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
    finish();
}

std::string ProgressBar::line(double seconds) const {
    const double share = share_of(last_);
    const int full = static_cast<int>(share * kBarCells);
    std::string text =
        fmt::format("{:<20} [{}{}] {:3.0f} %", phase_name(last_.phase), std::string(static_cast<std::size_t>(full), '#'),
                    std::string(static_cast<std::size_t>(kBarCells - full), '.'), 100 * share);
    if (last_.audio_seconds > 0) text += fmt::format("  {:.1f} s of audio", last_.audio_seconds);
    if (last_.rendered_seconds > 0) text += fmt::format(", {:.1f} s rendered", last_.rendered_seconds);
    if (last_.phase == Phase::download) {
        text += fmt::format("  {:.2f} of {:.2f} GB", last_.done / 1e9, last_.total / 1e9);
        const double gained = (share - first_share_) * last_.total;
        if (seconds > 1) text += fmt::format(", {:.1f} MB/s", gained / seconds / 1e6);
    }
    if (share > first_share_ && share < 1 && seconds > 1) {
        // A song may end before its limit: then this is the longest it can take.
        const char* bound = last_.phase == Phase::frames ? "at most " : "";
        text += fmt::format("  {}{} left", bound, clock_text(seconds / (share - first_share_) * (1 - share)));
    }
    return text;
}

void ProgressBar::show(const Progress& progress) {
    if (!enabled_) return;
    const auto now = Clock::now();
    if (!open_ || progress.phase != last_.phase) {
        finish();
        started_ = now;
        first_share_ = share_of(progress);
        drawn_ = {};
        open_ = true;
    }
    last_ = progress;
    if (!terminal_ || (now - drawn_ < kRedraw && progress.done < progress.total)) return;
    drawn_ = now;
    fmt::print(stderr, "\r\033[K{}", line(std::chrono::duration<double>(now - started_).count()));
    std::fflush(stderr);
}

void ProgressBar::finish() {
    if (!open_) return;
    open_ = false;
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    std::string text = fmt::format("{:<20} {:.1f} s", phase_name(last_.phase), seconds);
    if (last_.audio_seconds > 0) text += fmt::format(" for {:.1f} s of audio", last_.audio_seconds);
    fmt::print(stderr, "{}{}\n", terminal_ ? "\r\033[K" : "", text);
}

}  // namespace heart::app
