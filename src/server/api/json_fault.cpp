#include "server/api/json_fault.h"

#include <algorithm>

namespace heart::server::api {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Walks over one JSON text and keeps nothing of it; throws the first fault, its offset in bytes.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    void document() {
        space();
        value();
        space();
        if (at_ < text_.size()) fail("Extra data");
    }

private:
    [[noreturn]] void fail(const char* message) const { fail(message, at_); }
    [[noreturn]] static void fail(const char* message, std::size_t offset) { throw JsonFault{offset, message}; }

    [[nodiscard]] bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
    bool take(char c) {
        const bool there = next_is(c);
        if (there) ++at_;
        return there;
    }
    void space() {
        while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
    }

    void value() {
        if (next_is('"')) return string();
        if (next_is('{')) return object();
        if (next_is('[')) return array();
        for (const std::string_view word : {"null", "true", "false"}) {
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return;
            }
        }
        number();
    }

    void digits() {
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    }
    void number() {
        const std::size_t begin = at_;
        take('-');
        if (at_ >= text_.size() || !is_digit(text_[at_])) fail("Expecting value", begin);
        if (!take('0')) digits();
        if (next_is('.') && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) {
            ++at_;
            digits();
        }
        const std::size_t exponent = at_;
        if (!take('e') && !take('E')) return;
        if (!take('+')) take('-');
        if (at_ < text_.size() && is_digit(text_[at_])) digits();
        else at_ = exponent;  // what follows is extra data
    }

    void string() {
        const std::size_t begin = at_++;
        while (true) {
            if (at_ >= text_.size()) fail("Unterminated string starting at", begin);
            const char c = text_[at_];
            if (static_cast<unsigned char>(c) < 0x20) fail("Invalid control character at");
            ++at_;
            if (c == '"') return;
            if (c == '\\') escape(begin);
        }
    }
    void escape(std::size_t begin) {
        if (at_ >= text_.size()) fail("Unterminated string starting at", begin);
        const char c = text_[at_];
        if (c != 'u') {
            if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) fail("Invalid \\escape", at_ - 1);
            ++at_;
            return;
        }
        const std::string_view hex = text_.substr(at_ + 1, 4);
        const auto is_hex = [](char h) { return is_digit(h) || (h >= 'a' && h <= 'f') || (h >= 'A' && h <= 'F'); };
        if (hex.size() < 4 || !std::all_of(hex.begin(), hex.end(), is_hex)) fail("Invalid \\uXXXX escape", at_);
        at_ += 5;
    }

    void object() {
        ++at_;
        space();
        if (take('}')) return;
        while (true) {
            if (!next_is('"')) fail("Expecting property name enclosed in double quotes");
            string();
            space();
            if (!take(':')) fail("Expecting ':' delimiter");
            space();
            value();
            space();
            if (take('}')) return;
            if (!take(',')) fail("Expecting ',' delimiter");
            space();
        }
    }
    void array() {
        ++at_;
        space();
        if (take(']')) return;
        while (true) {
            value();
            space();
            if (take(']')) return;
            if (!take(',')) fail("Expecting ',' delimiter");
            space();
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view text) {
    try {
        Scanner(text).document();
    } catch (JsonFault& fault) {
        const std::string_view before = text.substr(0, fault.offset);
        fault.offset = static_cast<std::size_t>(std::count_if(
            before.begin(), before.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
        return fault;
    }
    return std::nullopt;
}

}  // namespace heart::server::api
