#include "server/database/times.h"

#include "core/error.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <ctime>
#include <optional>
#include <span>

namespace heart::server::database {
namespace {

using std::chrono::floor;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;

/// A date and a time of day without a zone.
struct Parts {
    int year = 1970;
    unsigned month = 1, day = 1;
    int hour = 0, minute = 0, second = 0, millisecond = 0;
};

Parts parts_of(TimeMs time) {
    constexpr TimeMs kFirst = -62'167'219'200'000, kLast = 253'402'300'799'999;  // the years 0 to 9999
    const sys_time<milliseconds> point{milliseconds{std::clamp(time, kFirst, kLast)}};
    const auto day = floor<std::chrono::days>(point);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{point - day};
    return {static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            static_cast<int>(clock.hours().count()),
            static_cast<int>(clock.minutes().count()),
            static_cast<int>(clock.seconds().count()),
            static_cast<int>(clock.subseconds().count())};
}

/// Digits at fixed places: "YYYY-MM-DD HH:MM:SS" and perhaps ".fff...".
std::optional<Parts> parse(std::string_view text) noexcept {
    constexpr std::string_view kShape = "0000-00-00 00:00:00";
    if (text.size() < kShape.size()) return {};
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        const bool fits = kShape[i] == '0' ? digit : text[i] == kShape[i] || (i == 10 && text[i] == 'T');
        if (!fits) return {};
    }
    const auto number = [&](std::size_t at, std::size_t length) {
        int value = 0;
        for (std::size_t i = at; i < at + length; ++i) value = value * 10 + (text[i] - '0');
        return value;
    };
    Parts parts{
        number(0, 4), static_cast<unsigned>(number(5, 2)), static_cast<unsigned>(number(8, 2)), number(11, 2), number(14, 2),
        number(17, 2)};
    if (text.size() > kShape.size() && text[kShape.size()] == '.') {
        int scale = 100;
        for (std::size_t i = kShape.size() + 1; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i, scale /= 10) {
            parts.millisecond += (text[i] - '0') * scale;
        }
    }
    const std::chrono::year_month_day date{std::chrono::year{parts.year}, std::chrono::month{parts.month},
                                           std::chrono::day{parts.day}};
    if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return {};
    return parts;
}

}  // namespace

TimeMs now_ms() {
    return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string iso_time(TimeMs time) {
    const Parts p = parts_of(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", p.year, p.month, p.day, p.hour, p.minute, p.second,
                       p.millisecond);
}

std::string text_time(TimeMs time) {
    const Parts p = parts_of(time);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}000", p.year, p.month, p.day, p.hour, p.minute, p.second,
                       p.millisecond);
}

TimeMs parse_text_time(std::string_view text) noexcept {
    const auto parts = parse(text);
    if (!parts) return 0;
    const sys_days day = std::chrono::year_month_day{std::chrono::year{parts->year}, std::chrono::month{parts->month},
                                                     std::chrono::day{parts->day}};
    const auto clock = std::chrono::hours{parts->hour} + std::chrono::minutes{parts->minute} +
                       std::chrono::seconds{parts->second} + milliseconds{parts->millisecond};
    return (sys_time<milliseconds>{day} + clock).time_since_epoch().count();
}

TimeMs parse_local_text_time(std::string_view text) noexcept {
    const auto parts = parse(text);
    if (!parts) return 0;
    std::tm local{};
    local.tm_year = parts->year - 1900;
    local.tm_mon = static_cast<int>(parts->month) - 1;
    local.tm_mday = static_cast<int>(parts->day);
    local.tm_hour = parts->hour;
    local.tm_min = parts->minute;
    local.tm_sec = parts->second;
    local.tm_isdst = -1;  // an hour that a change of clocks repeats or leaves out: the system chooses
    const std::time_t seconds = std::mktime(&local);
    return static_cast<TimeMs>(seconds) * 1000 + parts->millisecond;
}

std::string new_id() {
    if (sodium_init() < 0) throw Error(ErrorCode::internal, "the system gives no random numbers");
    std::array<unsigned char, 16> bytes{};
    randombytes_buf(bytes.data(), bytes.size());
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
    std::string id;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
        id += fmt::format("{:02x}", bytes[i]);
    }
    return id;
}

}  // namespace heart::server::database
