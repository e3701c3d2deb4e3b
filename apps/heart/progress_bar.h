#pragma once

#include "core/progress.h"

#include <chrono>
#include <string>

namespace heart::app {

/// Shows progress on standard error: on a terminal one line that is redrawn, with seconds of audio and time left;
/// elsewhere a line at the end of each phase.
class ProgressBar {
public:
    explicit ProgressBar(bool enabled);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void show(const Progress& progress);
    /// Ends the line that is being drawn.
    void finish();

    [[nodiscard]] ProgressFn callback() {
        return [this](const Progress& p) { show(p); };
    }

private:
    using Clock = std::chrono::steady_clock;
    [[nodiscard]] std::string line(double seconds) const;

    bool enabled_, terminal_, open_ = false;
    Progress last_;
    double first_share_ = 0;  // with which the phase began: rendering is under way when a stream is composed
    Clock::time_point started_, drawn_;
};

}  // namespace heart::app
