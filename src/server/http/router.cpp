#include "server/http/router.h"

#include "core/error.h"

#include <algorithm>
#include <set>
#include <utility>

namespace heart::server::http {
namespace {

constexpr std::string_view kWebSocket = "WS";

std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> out;
    for (std::size_t start = 1; start <= path.size();) {
        const auto end = std::min(path.find('/', start), path.size());
        out.emplace_back(path.substr(start, end - start));
        start = end + 1;
    }
    return out;
}

bool is_parameter(std::string_view segment) noexcept {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool is_rest(std::string_view segment) noexcept {
    return is_parameter(segment) && segment.size() > 5 && segment.ends_with("...}");
}

std::string name_of(std::string_view segment) {
    return std::string(segment.substr(1, segment.size() - (is_rest(segment) ? 5 : 2)));
}

/// Smaller is more exact; patterns that match the same paths have the same shape.
std::vector<std::string> shape_of(const std::vector<std::string>& segments) {
    std::vector<std::string> out;
    out.reserve(segments.size());
    for (const auto& segment : segments) out.push_back(is_rest(segment) ? "2" : is_parameter(segment) ? "1" : "0" + segment);
    return out;
}

void check_pattern(std::string_view pattern, const std::vector<std::string>& segments) {
    const auto bad = [&](const char* why) {
        return Error(ErrorCode::internal, "a route's pattern makes no sense").expected(why).found(printable(pattern));
    };
    if (!pattern.starts_with('/')) throw bad("a '/' at its start");
    std::set<std::string> names;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (is_rest(segments[i]) && i + 1 < segments.size()) throw bad("{rest...} at its end only");
        if (is_parameter(segments[i]) && !names.insert(name_of(segments[i])).second)
            throw bad("parameters of different names");
        if (!is_parameter(segments[i]) && segments[i].find_first_of("{}") != std::string::npos)
            throw bad("whole segments in braces");
    }
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) noexcept {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (i >= path.size()) return false;
        if (is_rest(pattern[i])) return true;
        if (is_parameter(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return false;
    }
    return pattern.size() == path.size();
}

std::map<std::string, std::string> parameters_of(const std::vector<std::string>& pattern,
                                                 const std::vector<std::string>& path) {
    std::map<std::string, std::string> out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (is_rest(pattern[i])) {
            std::string rest = path[i];
            for (std::size_t j = i + 1; j < path.size(); ++j) rest += "/" + path[j];
            out.emplace(name_of(pattern[i]), std::move(rest));
        } else if (is_parameter(pattern[i])) {
            out.emplace(name_of(pattern[i]), path[i]);
        }
    }
    return out;
}

}  // namespace

void Router::add(std::string_view method, std::string_view pattern, Handler handler, RouteOptions options) {
    insert({std::string(method), std::string(pattern), split(pattern), std::move(handler), {}, std::move(options)});
}

void Router::add_websocket(std::string_view pattern, WebSocketHandler handler) {
    insert({std::string(kWebSocket), std::string(pattern), split(pattern), {}, std::move(handler), {}});
}

void Router::insert(Route route) {
    check_pattern(route.pattern, route.segments);
    const auto shape = shape_of(route.segments);
    for (const auto& other : routes_) {
        if (other.method == route.method && shape_of(other.segments) == shape) {
            throw Error(ErrorCode::internal, "two routes match the same").found(route.method + " " + route.pattern);
        }
    }
    routes_.push_back(std::move(route));
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
    Match match;
    if (!path.starts_with('/')) return match;
    const auto segments = split(path);
    const Route *best = nullptr, *best_websocket = nullptr, *any = nullptr;
    std::set<std::string> allowed;
    const auto better = [](const Route& route, const Route* than) {
        return than == nullptr || shape_of(route.segments) < shape_of(than->segments);
    };
    for (const auto& route : routes_) {
        if (!matches(route.segments, segments)) continue;
        const bool websocket = route.method == kWebSocket;
        if (better(route, any)) any = &route;
        allowed.insert(websocket ? "GET" : route.method);
        if (route.method == "GET") allowed.insert("HEAD");
        if (websocket) {
            if (method == "GET" && better(route, best_websocket)) best_websocket = &route;
        } else if (route.method == method || (method == "HEAD" && route.method == "GET")) {
            const bool own =
                best != nullptr && route.method == method && shape_of(route.segments) == shape_of(best->segments);
            if (own || better(route, best)) best = &route;  // a HEAD's own handler before that of GET
        }
    }
    if (best_websocket != nullptr) match.websocket = &best_websocket->websocket;
    if (best != nullptr) match.handler = &best->handler;
    const Route* const chosen = best != nullptr ? best : best_websocket;
    if (chosen != nullptr) {
        match.options = chosen->options;
        match.parameters = parameters_of(chosen->segments, segments);
        match.pattern = chosen->pattern;
    } else if (any != nullptr) {
        match.pattern = any->pattern;
        match.allowed.assign(allowed.begin(), allowed.end());
    }
    return match;
}

std::vector<std::string> Router::routes() const {
    std::vector<std::string> out;
    for (const auto& route : routes_) out.push_back(route.method + " " + route.pattern);
    return out;
}

}  // namespace heart::server::http
