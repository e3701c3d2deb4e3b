#pragma once

#include "server/http/server.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace heart::server::api {

/// What is counted about requests. From any thread.
class Metrics {
public:
    void count(const http::AccessRecord& record);
    /// For Prometheus (text format 0.0.4).
    [[nodiscard]] std::string text() const;

private:
    static constexpr std::array<double, 10> kBounds{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30};  // seconds

    mutable std::mutex mutex_;
    std::map<std::pair<std::string, int>, std::uint64_t> requests_;  ///< by route ("GET /api/queue") and status
    std::array<std::uint64_t, kBounds.size() + 1> seconds_{};
    double sum_seconds_ = 0;
    std::uint64_t bytes_ = 0;
};

/// Appends a metric with its help and kind; `rows` are "{labels}" and values.
struct MetricRow {
    std::string labels;  ///< "{state=\"pending\"}", or ""
    double value = 0;
};
void add_metric(std::string& out, const char* name, const char* kind, const char* help, const std::vector<MetricRow>& rows);

}  // namespace heart::server::api
