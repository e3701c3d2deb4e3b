// Do errors stay one printable line whatever they report, and do the small guards of the core hold?

#include "core/cancel.h"
#include "core/checked.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace heart {
namespace {

constexpr std::size_t npos = std::string_view::npos;

/// Valid UTF-8 without anything that moves a terminal's cursor.
void expect_one_line(const std::string& text) {
    EXPECT_EQ(find_invalid_utf8(text), npos) << text;
    for (std::size_t i = 0; i < text.size();) {
        const Utf8Char c = decode_utf8(text, i);
        if (c.length == 0) return;
        EXPECT_TRUE(c.code >= 0x20 && !(c.code >= 0x7f && c.code <= 0x9f)) << "U+" << std::hex << c.code;
        EXPECT_TRUE(c.code != 0x2028 && c.code != 0x2029) << "a line separator";
        i += c.length;
    }
}

TEST(Error, ComposesWhatItIsTold) {
    const Error e = Error(ErrorCode::mismatch, "tensor 'a' is wrong").expected("[2]").found("[3]").hint("try b");
    EXPECT_STREQ(e.what(), "tensor 'a' is wrong: expected [2], found [3] (try b)");
    EXPECT_EQ(e.code(), ErrorCode::mismatch);
    EXPECT_EQ(e.message(), "tensor 'a' is wrong");
    EXPECT_EQ(e.expected_text(), "[2]");
    EXPECT_EQ(e.found_text(), "[3]");
    EXPECT_EQ(e.hint_text(), "try b");
}

TEST(Error, LeavesOutWhatIsUnknown) {
    EXPECT_STREQ(Error(ErrorCode::io, "m").what(), "m");
    EXPECT_STREQ(Error(ErrorCode::io, "m").found("f").what(), "m: found f");
    EXPECT_STREQ(Error(ErrorCode::io, "m").expected("e").what(), "m: expected e");
    EXPECT_STREQ(Error(ErrorCode::io, "m").hint("h").what(), "m (h)");
    Error named(ErrorCode::io, "m");
    named.found("f").expected("e");  // in any order, on a named error too
    EXPECT_STREQ(named.what(), "m: expected e, found f");
}

TEST(Error, IsOneLineForHostileText) {
    const std::string hostile[] = {"a\nb\r\nc",
                                   std::string("nul\0byte", 8),
                                   "\x1b[2J\x1b]0;title\x07",
                                   "\x7f\xc2\x85\xc2\x9b",
                                   "\xe2\x80\xa8line\xe2\x80\xa9paragraph",
                                   "\xe2\x80\xae right to left \xe2\x81\xa6",
                                   "\xff\xfe\xc0\x80\xed\xa0\x80",
                                   "\xf0\x9f\x8e",
                                   std::string(100'000, '\n')};
    for (const std::string& text : hostile) {
        expect_one_line(Error(ErrorCode::malformed, text).expected(text).found(text).hint(text).what());
    }
}

TEST(Error, IsOneLineForRandomBytes) {
    std::mt19937 random(1);
    for (int i = 0; i < 2000; ++i) {
        std::string text(random() % 300, '\0');
        for (char& c : text) c = static_cast<char>(random());
        expect_one_line(Error(ErrorCode::malformed, text).found(text).what());
    }
}

TEST(Error, StaysShort) {
    const std::string huge(std::size_t{1} << 20, 'x');
    EXPECT_LT(std::string(Error(ErrorCode::malformed, huge).expected(huge).found(huge).hint(huge).what()).size(), 3000U);
}

TEST(Error, EveryCodeHasItsOwnName) {
    std::set<std::string_view> names;
    for (int code = 1; code <= 10; ++code) names.insert(error_code_name(static_cast<ErrorCode>(code)));
    EXPECT_EQ(names.size(), 10U);
    EXPECT_EQ(error_code_name(ErrorCode::usage), "usage");
    EXPECT_EQ(error_code_name(ErrorCode::internal), "internal");
    EXPECT_EQ(static_cast<int>(ErrorCode::cancelled), 9);  // the C API returns these numbers
}

TEST(Error, EnsureThrowsOnlyWhenItDoesNotHold) {
    EXPECT_NO_THROW(ensure(true, "fine"));
    try {
        ensure(false, "two is three");
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::internal);
        EXPECT_STREQ(e.what(), "two is three");
    }
}

TEST(Printable, KeepsTextAndReplacesTheRest) {
    EXPECT_EQ(printable("Gr\xc3\xbc\xc3\x9f \xe6\x98\xa5 \xf0\x9f\x8e\xb5"),
              "Gr\xc3\xbc\xc3\x9f \xe6\x98\xa5 \xf0\x9f\x8e\xb5");
    EXPECT_EQ(printable("a\tb\nc\x7f"), "a?b?c?");
    EXPECT_EQ(printable("\xff\xc3"), "??");
    EXPECT_EQ(printable("\xe2\x80\xae!"), "?!");
    EXPECT_EQ(printable(""), "");
}

TEST(Printable, CutsLongTextBetweenCharacters) {
    EXPECT_EQ(printable("abcdef", 6), "abcdef");
    EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
    const std::string cut = printable("\xe6\x98\xa5\xe6\x98\xa5\xe6\x98\xa5", 4);
    EXPECT_EQ(cut, "\xe6\x98\xa5\xe6\x98\xa5...");
}

TEST(Checked, GivesTheResultWhileItFits) {
    constexpr auto most = UINT64_MAX;
    EXPECT_EQ(checked_mul<std::uint64_t>(6, 7, "n"), 42U);
    EXPECT_EQ(checked_mul<std::uint64_t>(most, 1, "n"), most);
    EXPECT_EQ(checked_mul<std::uint64_t>(most, 0, "n"), 0U);
    EXPECT_EQ(checked_mul<std::uint64_t>(std::uint64_t{1} << 32, (std::uint64_t{1} << 32) - 1, "n"), most - 0xffffffff);
    EXPECT_EQ(checked_add<std::uint64_t>(most - 1, 1, "n"), most);
    EXPECT_EQ(checked_add<std::uint32_t>(1, 2, "n"), 3U);
}

TEST(Checked, RefusesOverflowByName) {
    const auto expect_limit = [](auto action) {
        try {
            action();
            FAIL() << "accepted";
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::limit);
            EXPECT_STREQ(e.what(), "the tensor is too large to count");
        }
    };
    constexpr std::uint64_t half = std::uint64_t{1} << 32;
    expect_limit([] { (void)checked_mul<std::uint64_t>(half, half, "the tensor"); });
    expect_limit([] { (void)checked_mul<std::uint64_t>(UINT64_MAX, 2, "the tensor"); });
    expect_limit([] { (void)checked_add<std::uint64_t>(UINT64_MAX, 1, "the tensor"); });
    expect_limit([] { (void)checked_mul<std::uint32_t>(65536, 65536, "the tensor"); });
}

TEST(Cancel, ThrowsOnceCancelled) {
    CancelToken token;
    EXPECT_NO_THROW(token.check());
    EXPECT_FALSE(token.cancelled());
    std::thread([&] { token.cancel(); }).join();
    EXPECT_TRUE(token.cancelled());
    for (int i = 0; i < 2; ++i) {  // and stays so
        try {
            token.check();
            FAIL();
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::cancelled);
        }
    }
}

TEST(Progress, EveryPhaseHasItsOwnName) {
    std::set<std::string_view> names;
    for (const Phase p : {Phase::load_language_model, Phase::prefill, Phase::frames, Phase::load_codec, Phase::decode,
                          Phase::load_transcriptor, Phase::transcribe}) {
        names.insert(phase_name(p));
    }
    EXPECT_EQ(names.size(), 7U);
    EXPECT_FALSE(names.contains(""));
}

// --- UTF-8 --------------------------------------------------------------------------------------------------------------

struct Utf8Case {
    const char* what;
    std::string bytes;
    std::uint32_t code;
    std::size_t length;  ///< 0: invalid
};

TEST(Utf8, DecodesByTheTable) {
    const Utf8Case table[] = {
        {"first of one byte", std::string(1, '\0'), 0, 1},
        {"last of one byte", "\x7f", 0x7f, 1},
        {"first of two", "\xc2\x80", 0x80, 2},
        {"last of two", "\xdf\xbf", 0x7ff, 2},
        {"first of three", "\xe0\xa0\x80", 0x800, 3},
        {"last before the surrogates", "\xed\x9f\xbf", 0xd7ff, 3},
        {"first behind the surrogates", "\xee\x80\x80", 0xe000, 3},
        {"last of three", "\xef\xbf\xbf", 0xffff, 3},
        {"first of four", "\xf0\x90\x80\x80", 0x10000, 4},
        {"last of all", "\xf4\x8f\xbf\xbf", 0x10ffff, 4},
        {"continuation alone", "\x80", 0, 0},
        {"last continuation alone", "\xbf", 0, 0},
        {"overlong of two, NUL", "\xc0\x80", 0, 0},
        {"overlong of two", "\xc1\xbf", 0, 0},
        {"overlong of three", "\xe0\x9f\xbf", 0, 0},
        {"overlong of four", "\xf0\x8f\xbf\xbf", 0, 0},
        {"first surrogate", "\xed\xa0\x80", 0, 0},
        {"last surrogate", "\xed\xbf\xbf", 0, 0},
        {"behind the last of all", "\xf4\x90\x80\x80", 0, 0},
        {"lead of five bytes", "\xf8\x88\x80\x80\x80", 0, 0},
        {"fe", "\xfe", 0, 0},
        {"ff", "\xff", 0, 0},
        {"two cut off", "\xc2", 0, 0},
        {"three cut off behind one", "\xe6", 0, 0},
        {"three cut off behind two", "\xe6\x98", 0, 0},
        {"four cut off behind three", "\xf0\x9f\x8e", 0, 0},
        {"continuation missing", "\xc2\x41", 0, 0},
        {"third byte missing", "\xe6\x98\x41", 0, 0},
        {"fourth byte missing", "\xf0\x9f\x8e\xc0", 0, 0},
    };
    for (const Utf8Case& c : table) {
        const Utf8Char got = decode_utf8(c.bytes, 0);
        EXPECT_EQ(got.length, c.length) << c.what;
        EXPECT_TRUE(c.length == 0 || got.code == c.code) << c.what;
        EXPECT_EQ(find_invalid_utf8("ok" + c.bytes), c.length > 0 ? npos : 2) << c.what;
        const Utf8Char inside = decode_utf8("\xc3\xa9" + c.bytes, 2);  // not only at the start
        EXPECT_EQ(inside.length, c.length) << c.what;
    }
}

TEST(Utf8, EveryCodePointComesBack) {
    for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
        if (code == 0xd800) code = 0xe000;
        std::string text;
        append_utf8(text, code);
        const Utf8Char got = decode_utf8(text, 0);
        ASSERT_EQ(got.code, code);
        ASSERT_EQ(got.length, text.size());
    }
}

}  // namespace
}  // namespace heart
