#include "server/api/metrics.h"

#include <fmt/format.h>

namespace heart::server::api {

namespace {

/// A label's value; routes and methods hold nothing that needs more.
std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

/// Strangers choose methods: only known ones become labels.
std::string route_of(const http::AccessRecord& record) {
    if (record.pattern.empty()) return "other";
    for (const char* known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
        if (record.method == known) return record.method + " " + record.pattern;
    }
    return "other";
}

}  // namespace

void Metrics::count(const http::AccessRecord& record) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && record.seconds > kBounds[bucket]) ++bucket;
    const std::lock_guard lock(mutex_);
    ++requests_[{route_of(record), record.status}];
    ++seconds_[bucket];
    sum_seconds_ += record.seconds;
    bytes_ += record.bytes;
}

std::string Metrics::text() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    std::vector<MetricRow> rows;
    for (const auto& [key, n] : requests_) {
        rows.push_back(
            {fmt::format("{{route=\"{}\",status=\"{}\"}}", escaped(key.first), key.second), static_cast<double>(n)});
    }
    add_metric(out, "heart_http_requests_total", "counter", "Answered requests.", rows);

    constexpr const char* kSeconds = "heart_http_request_seconds";
    out += fmt::format("# HELP {0} From a request's first byte to its answer's last.\n# TYPE {0} histogram\n", kSeconds);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
        sum += seconds_[i];
        out += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", kSeconds, kBounds[i], sum);
    }
    sum += seconds_.back();
    out += fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", kSeconds, sum, sum_seconds_);
    add_metric(out, "heart_http_sent_bytes_total", "counter", "Bytes of bodies.", {{"", static_cast<double>(bytes_)}});
    return out;
}

void add_metric(std::string& out, const char* name, const char* kind, const char* help, const std::vector<MetricRow>& rows) {
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, kind);
    for (const MetricRow& row : rows) out += fmt::format("{}{} {}\n", name, row.labels, row.value);
}

}  // namespace heart::server::api
