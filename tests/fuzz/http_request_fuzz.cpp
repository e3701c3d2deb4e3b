// Does the reader of requests make the same of a connection's bytes however they are cut, and within its limits?

#include "fuzz_check.h"
#include "server/http/request_parts.h"
#include "server/http/request_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace heart::server::http;

constexpr std::size_t kMostBody = 64;

struct Outcome {
    RequestReader::State state{};
    std::string method, target, body, rest;
    std::vector<std::pair<std::string, std::string>> headers;
    bool operator==(const Outcome&) const = default;
};

std::size_t count_of(const Headers& headers, std::string_view name) {
    return static_cast<std::size_t>(std::count_if(headers.all().begin(), headers.all().end(), [&](const auto& field) {
        return equal_ignoring_case(field.first, name);
    }));
}

void check_head(RequestReader::Head& head, const Limits& limits) {
    HEART_FUZZ_CHECK(!head.method.empty() && head.target.size() <= limits.target_bytes + 1);
    const auto lengths = count_of(head.headers, "Content-Length"), codings = count_of(head.headers, "Transfer-Encoding");
    HEART_FUZZ_CHECK(lengths + codings <= 1);
    HEART_FUZZ_CHECK(!head.has_body || lengths + codings == 1);
    HEART_FUZZ_CHECK(head.version_1_1 ? count_of(head.headers, "Host") == 1 : codings == 0);
    std::size_t size = 0;
    for (const auto& [name, value] : head.headers.all()) {
        size += name.size() + value.size();
        HEART_FUZZ_CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
    HEART_FUZZ_CHECK(size <= limits.header_bytes);
}

/// What comes of the bytes when at most `step` arrive at once.
Outcome read(std::string_view bytes, std::size_t step) {
    Limits limits;
    limits.header_bytes = 512;
    limits.target_bytes = 64;
    RequestReader reader(limits);
    std::string buffer;
    bool allowed = false;
    const auto wants = [&] {
        return reader.state() == RequestReader::State::header || reader.state() == RequestReader::State::body;
    };
    while (wants()) {
        if (reader.state() == RequestReader::State::body && !allowed) {
            check_head(reader.head(), limits);
            reader.allow_body(kMostBody);
            allowed = true;
            continue;
        }
        const auto before = reader.state();
        const auto taken = reader.take(buffer);
        HEART_FUZZ_CHECK(taken <= buffer.size());
        buffer.erase(0, taken);
        if (reader.state() != before || taken > 0) continue;
        if (bytes.empty()) break;
        buffer += bytes.substr(0, step);
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
    Outcome out{reader.state(), {}, {}, {}, buffer + std::string(bytes), {}};
    if (out.state == RequestReader::State::refused) {
        HEART_FUZZ_CHECK(reader.refusal().status() >= 400 && reader.refusal().status() <= 505);
        out.rest.clear();
    } else if (out.state != RequestReader::State::header) {
        check_head(reader.head(), limits);
        out.method = reader.head().method;
        out.target = reader.head().target;
        out.headers = reader.head().headers.all();
        if (out.state == RequestReader::State::done) out.body = reader.take_body();
        HEART_FUZZ_CHECK(out.body.size() <= kMostBody);
        if (out.state != RequestReader::State::done) out.rest.clear();
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = read(bytes, bytes.size() + 1);
    const auto cut = read(bytes, std::size_t{data[0]} % 17 + 1);
    HEART_FUZZ_CHECK(whole == cut);
    return 0;
}
