// Are the records of a zip archive found as PyTorch and Python write them, and is what does not follow the format refused?

#include "formats/stored_zip.h"
#include "support/torch_text.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace heart::formats {
namespace {

using test::borrowed;
using test::Refusal;
using test::refusal_of;
using test::with_number;
using test::zip_place;
using test::zip_text;
using test::ZipStyle;

std::string text_of(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

TEST(StoredZip, FindsEveryRecordInPlace) {
    const test::ZipTexts records{
        {"a/data.pkl", "first"}, {"a/data/0", std::string(1000, 'x')}, {"a/.data/id", ""}, {"b", "last"}};
    for (const ZipStyle style : {ZipStyle::plain, ZipStyle::torch}) {
        const std::string file = zip_text(records, style);
        const ZipRecords found = parse_stored_zip(borrowed(file), "f");
        ASSERT_EQ(found.size(), records.size());
        for (const auto& [name, data] : records) {
            EXPECT_EQ(text_of(found.at(name)), data) << name;
            const std::string_view inside(reinterpret_cast<const char*>(found.at(name).data()), found.at(name).size());
            EXPECT_TRUE(inside.data() >= file.data() && inside.data() + inside.size() <= file.data() + file.size()) << name;
        }
    }
}

TEST(StoredZip, TheDirectoryMayListRecordsInAnyOrder) {
    const std::string local_a = test::zip_local("a", 0, 1, "") + "A", local_b = test::zip_local("b", 0, 1, "") + "B";
    const std::string directory =
        test::zip_entry("b", 0, 1, static_cast<std::uint32_t>(local_a.size())) + test::zip_entry("a", 0, 1, 0);
    const std::string records = local_a + local_b;
    const std::string file = records + directory + test::zip_end(2, directory.size(), records.size(), ZipStyle::plain);
    const ZipRecords found = parse_stored_zip(borrowed(file), "f");
    EXPECT_EQ(text_of(found.at("a")), "A");
    EXPECT_EQ(text_of(found.at("b")), "B");
}

/// Memory of zeros, of which only what is written to takes any.
class Sparse {
public:
    explicit Sparse(std::size_t size) : size_(size) {
        void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) throw std::runtime_error("no address space for the test");
        bytes_ = static_cast<std::byte*>(at);
    }
    Sparse(const Sparse&) = delete;
    Sparse& operator=(const Sparse&) = delete;
    ~Sparse() { munmap(bytes_, size_); }
    void put(std::size_t at, const std::string& text) { std::memcpy(bytes_ + at, text.data(), text.size()); }
    [[nodiscard]] Bytes first(std::size_t n) const { return Bytes::borrow({bytes_, n}); }
    [[nodiscard]] const std::byte* data() const { return bytes_; }

private:
    std::size_t size_;
    std::byte* bytes_ = nullptr;
};

/// An archive of a record of 5 GB and a small one behind it. PyTorch's local headers have nothing of the large size: it
/// stands behind the data. Python's have it in an extra field.
std::pair<std::unique_ptr<Sparse>, std::size_t> large_archive(ZipStyle style, std::uint64_t size, std::uint64_t size_said) {
    constexpr std::uint32_t k32 = 0xffffffff;
    const bool torch = style == ZipStyle::torch;
    const std::uint16_t flags = torch ? 0x808 : 0;
    const auto numbers = [](std::initializer_list<std::uint64_t> all) {
        std::string out;
        for (const std::uint64_t n : all) test::append_number(out, n);
        return test::zip_extra(1, out);
    };
    auto memory = std::make_unique<Sparse>(size + 4096);
    const std::string padding = test::zip_extra(0x4246, "ZZZ");
    const std::string large =
        test::zip_local("large", flags, torch ? 0 : k32, numbers({size_said, torch ? 0 : size_said}) + padding);
    memory->put(0, large);
    std::size_t at = large.size() + size;
    const std::size_t second = at;
    // PyTorch says there where the record is, though nothing asks for it.
    const std::string small =
        test::zip_local("small", flags, torch ? 0 : 5, padding + (torch ? numbers({second}) : "")) + "small";
    memory->put(at, small);
    at += small.size();
    const std::string directory = test::zip_entry("large", flags, k32, 0, padding + numbers({size_said, size_said})) +
                                  test::zip_entry("small", flags, 5, k32, numbers({second}));
    memory->put(at, directory + test::zip_end(2, directory.size(), at, ZipStyle::torch));
    return {std::move(memory), at + directory.size() + test::zip_end(0, 0, 0, ZipStyle::torch).size()};
}

TEST(StoredZip, SizesAndOffsetsMayNeed64Bits) {
    constexpr std::uint64_t kSize = 5'000'000'000;
    for (const ZipStyle style : {ZipStyle::plain, ZipStyle::torch}) {
        const auto [memory, size] = large_archive(style, kSize, kSize);
        const ZipRecords found = parse_stored_zip(memory->first(size), "f");
        EXPECT_EQ(found.at("large").size(), kSize);
        EXPECT_EQ(text_of(found.at("small")), "small");
        EXPECT_GT(found.at("small").data() - memory->data(), static_cast<std::ptrdiff_t>(kSize));
        EXPECT_EQ(refusal_of([&] { (void)parse_stored_zip(memory->first(size - 1), "f"); }).code, ErrorCode::malformed);
    }
}

TEST(StoredZip, SizesOf64BitsAreCheckedToo) {
    constexpr std::uint64_t kSize = 5'000'000'000;
    const std::string too_much = "no room for record 'large'";
    const std::pair<std::uint64_t, std::string> cases[] = {
        {kSize + 1, "overlap"}, {kSize + 4096, too_much}, {~std::uint64_t{0}, too_much}, {~std::uint64_t{0} - 40, too_much}};
    for (const auto& [said, message] : cases) {
        const auto [memory, size] = large_archive(ZipStyle::torch, kSize, said);
        const Refusal r = refusal_of([&] { (void)parse_stored_zip(memory->first(size), "f"); });
        EXPECT_EQ(r.code, ErrorCode::malformed) << said;
        EXPECT_NE(r.message.find(message), std::string::npos) << said << ": " << r.message;
    }
}

TEST(StoredZip, NamesLeadNowhereElse) {
    for (const char* name : {"a", "a/b", "a/.b/c", ".a", "a b/c-d_e", "\xc3\xa9"}) {
        const std::string file = zip_text({{name, "x"}});
        EXPECT_EQ(parse_stored_zip(borrowed(file), "f").count(name), 1U) << name;
    }
    using namespace std::string_literals;
    for (const std::string& name : {""s, "/a"s, "a/"s, "a//b"s, "../a"s, "a/../b"s, "a/.."s, "./a"s, "a/./b"s, "a\\b"s,
                                    "\\a"s, "a\0b"s, "\xff"s, "\xc0\xae/a"s}) {
        const std::string file = zip_text({{name, "x"}});
        const Refusal r = refusal_of([&] { (void)parse_stored_zip(borrowed(file), "f"); });
        EXPECT_EQ(r.code, ErrorCode::malformed) << name << ": " << r.message;
        EXPECT_NE(r.message.find("is not named by a path"), std::string::npos) << r.message;
    }
}

// --- what is refused ----------------------------------------------------------------------------------------------------

struct BadZip {
    const char* what;
    std::string file;
    ErrorCode code;
    const char* in_message;
};

const test::ZipTexts kTwo{{"a/one", "111"}, {"a/two", "2222"}};

template <typename T>
std::string damaged(ZipStyle style, const char* signature, std::size_t field, T value, std::size_t n = 0) {
    const std::string file = zip_text(kTwo, style);
    return with_number<T>(file, zip_place(file, signature, n) + field, value);
}

std::vector<BadZip> bad_ends() {
    using enum ErrorCode;
    constexpr ZipStyle plain = ZipStyle::plain, torch = ZipStyle::torch;
    const auto end = [&](std::size_t field, auto value) { return damaged(plain, test::kZipEnd, field, value); };
    const auto end64 = [&](std::size_t field, auto value) { return damaged(torch, test::kZipEnd64, field, value); };
    const auto locator = [&](std::size_t field, auto value) { return damaged(torch, test::kZipLocator, field, value); };
    const std::string file = zip_text(kTwo), whole = zip_text(kTwo, torch);
    const auto u16 = [](unsigned n) { return static_cast<std::uint16_t>(n); };
    constexpr auto huge = ~std::uint64_t{0};
    std::string both = end(8, u16(1));
    both = with_number(both, zip_place(both, test::kZipEnd) + 10, u16(1));
    std::string more = end(8, u16(3));
    more = with_number(more, zip_place(more, test::kZipEnd) + 10, u16(3));
    return {
        {"empty", "", malformed, "not a zip archive"},
        {"something else", "<!DOCTYPE html>", malformed, "not a zip archive"},
        {"an archive of nothing", test::zip_end(0, 0, 0, plain), malformed, "not a zip archive"},
        {"bytes before it", " " + file, malformed, "not a zip archive"},
        {"a byte behind it", file + "x", malformed, "has no end"},
        {"a comment", end(20, u16(1)) + "x", malformed, "has no end"},
        {"a comment that is missing", end(20, u16(1)), malformed, "comment"},
        {"disk 1", end(4, u16(1)), unsupported, "several parts"},
        {"directory on disk 1", end(6, u16(1)), unsupported, "several parts"},
        {"other records on this disk", end(8, u16(1)), unsupported, "several parts"},
        {"a record fewer", both, malformed, "more than its records"},
        {"a record more", more, malformed, "not where it should be"},
        {"65535 records", with_number(with_number(file, file.size() - 14, u16(0xffff)), file.size() - 12, u16(0xffff)),
         malformed, "not where it should be"},
        {"directory a byte shorter", end(12, std::uint32_t{101}), malformed, "not where it should be"},
        {"directory of 2^32", end(12, ~std::uint32_t{0}), limit, "too large"},
        {"directory elsewhere", end(16, std::uint32_t{0}), malformed, "not where it should be"},
        {"directory at 2^32", end(16, ~std::uint32_t{0}), malformed, "not where it should be"},
        {"zip64: disk 1", end64(16, std::uint32_t{1}), unsupported, "several parts"},
        {"zip64: directory on disk 1", end64(20, std::uint32_t{1}), unsupported, "several parts"},
        {"zip64: locator of disk 1", locator(4, std::uint32_t{1}), unsupported, "several parts"},
        {"zip64: two disks", locator(16, std::uint32_t{2}), unsupported, "several parts"},
        {"zip64: end at 0", locator(8, std::uint64_t{0}), malformed, "zip64 end is not where"},
        {"zip64: end at 2^64", locator(8, huge), malformed, "zip64 end is not where"},
        {"zip64: end beyond the file", locator(8, std::uint64_t{1} << 40), malformed, "zip64 end is not where"},
        {"zip64: end of 2^64 bytes", end64(4, huge), malformed, "wrong size"},
        {"zip64: end of 0 bytes", end64(4, std::uint64_t{0}), malformed, "wrong size"},
        {"zip64: 2^64 records", end64(32, huge), unsupported, "several parts"},
        {"zip64: a directory of 2^64 bytes", end64(40, huge), malformed, "disagree"},
        {"zip64: another directory", end64(48, std::uint64_t{0}), malformed, "disagree"},
        {"zip64: another directory's size", with_number(whole, whole.size() - 10, std::uint32_t{1}), malformed, "disagree"},
        {"zip64: another number of records",
         with_number(with_number(whole, whole.size() - 14, u16(1)), whole.size() - 12, u16(1)), malformed, "disagree"},
        {"zip64: 2^64 records in both",
         with_number(with_number(with_number(end64(32, huge), zip_place(whole, test::kZipEnd64) + 24, huge),
                                 whole.size() - 14, u16(0xffff)),
                     whole.size() - 12, u16(0xffff)),
         limit, "too large"},
        {"zip64: a directory at 2^64 - 100", with_number(end64(48, huge - 100), whole.size() - 6, ~std::uint32_t{0}),
         malformed, "not where it should be"},
    };
}

std::vector<BadZip> bad_records() {
    using enum ErrorCode;
    constexpr ZipStyle plain = ZipStyle::plain, torch = ZipStyle::torch;
    const auto entry = [&](std::size_t field, auto value) { return damaged(plain, test::kZipEntry, field, value, 1); };
    const auto local = [&](std::size_t field, auto value) { return damaged(plain, test::kZipLocal, field, value, 1); };
    const auto u16 = [](unsigned n) { return static_cast<std::uint16_t>(n); };
    const auto u32 = [](std::uint64_t n) { return static_cast<std::uint32_t>(n); };
    const std::string file = zip_text(kTwo);
    std::string renamed = file;
    renamed[zip_place(file, test::kZipLocal, 1) + 30 + 2] = 'T';
    // Both entries lead to the same record.
    std::string twice = zip_text({{"a", "1"}, {"b", "2"}});
    twice[zip_place(twice, test::kZipEntry, 1) + 46] = 'a';
    twice = with_number(twice, zip_place(twice, test::kZipEntry, 1) + 42, u32(0));
    const std::string inner = zip_text({{"x", "1"}});
    std::string nested = zip_text({{"y", inner}, {"x", "1"}});  // "x" is said to stand inside "y"
    nested = with_number(nested, zip_place(nested, test::kZipEntry, 2) + 42, u32(31));
    return {
        {"deflated", entry(10, u16(8)), unsupported, "compressed"},
        {"deflated, says the record", local(8, u16(8)), unsupported, "compressed"},
        {"encrypted", entry(8, u16(1)), unsupported, "encrypted"},
        {"encrypted, says the record", local(6, u16(1)), unsupported, "encrypted"},
        {"strongly encrypted", entry(8, u16(1U << 6)), unsupported, "encrypted"},
        {"with hidden headers", entry(8, u16(1U << 13)), unsupported, "encrypted"},
        {"a patch", entry(8, u16(1U << 5)), unsupported, "flags"},
        {"signature of the directory", entry(0, u32(0)), malformed, "damaged"},
        {"signature of the record", local(0, u32(0)), malformed, "not where the zip directory says"},
        {"two sizes", entry(20, u32(3)), malformed, "not in its size"},
        {"a size more", with_number(entry(20, u32(5)), zip_place(file, test::kZipEntry, 1) + 24, u32(5)), malformed,
         "two sizes"},
        {"a size beyond the file",
         with_number(with_number(damaged(torch, test::kZipEntry, 20, u32(5000), 1),
                                 zip_place(zip_text(kTwo, torch), test::kZipEntry, 1) + 24, u32(5000)),
                     0, u32(0x04034b50)),
         malformed, "no room for"},
        {"a size of 64 bits that is missing", entry(24, u32(~0ULL)), malformed, "lacks its 64-bit sizes"},
        {"an offset of 64 bits that is missing", entry(42, u32(~0ULL)), malformed, "lacks its 64-bit sizes"},
        {"beyond the file", entry(42, u32(1U << 31)), malformed, "not where the zip directory says"},
        {"beyond the records", entry(42, u32(file.size() - 4)), malformed, "not where the zip directory says"},
        {"at the other record", entry(42, u32(0)), malformed, "two names"},
        {"another name", renamed, malformed, "two names"},
        {"a name of 64 KB", entry(28, u16(0xffff)), malformed, "no room for"},
        {"a name of 64 KB, says the record", local(26, u16(0xffff)), malformed, "no room for"},
        {"an extra field of 64 KB", entry(30, u16(0xffff)), malformed, "no room for"},
        {"an extra field of 64 KB, says the record", local(28, u16(0xffff)), malformed, "no room for"},
        {"a comment of 64 KB", entry(32, u16(0xffff)), malformed, "no room for"},
        {"on disk 1", entry(34, u16(1)), unsupported, "several parts"},
        {"one name twice", twice, malformed, "twice"},
        {"one record inside another", nested, malformed, "overlap"},
    };
}

TEST(StoredZip, RefusesWhatDoesNotFollowTheFormat) {
    auto files = bad_ends();
    for (BadZip& f : bad_records()) files.push_back(std::move(f));
    for (const BadZip& f : files) {
        const Refusal r = refusal_of([&] { (void)parse_stored_zip(borrowed(f.file), "name.bin"); });
        EXPECT_EQ(r.code, f.code) << f.what << ": " << r.message;
        EXPECT_NE(r.message.find(f.in_message), std::string::npos) << f.what << ": " << r.message;
        EXPECT_NE(r.message.find("name.bin"), std::string::npos) << f.what << ": " << r.message;
    }
}

TEST(StoredZip, RefusesExtraFieldsThatAreCut) {
    for (const std::size_t cut : {1U, 3U, 5U, 11U}) {
        const std::string extra = test::zip_extra(1, std::string(8, '\0')).substr(0, cut);
        const std::string local = test::zip_local("a", 0, 0, "");
        const std::string entry = test::zip_entry("a", 0, 0, 0xffffffff, extra);
        const std::string file = local + entry + test::zip_end(1, entry.size(), local.size(), ZipStyle::plain);
        const Refusal r = refusal_of([&] { (void)parse_stored_zip(borrowed(file), "f"); });
        EXPECT_NE(r.message.find("extra fields of record 'a'"), std::string::npos) << cut << ": " << r.message;
    }
}

TEST(StoredZip, RefusesMoreRecordsThanTheLimit) {
    std::string file = test::zip_local("a", 0, 0, "");
    const std::size_t offset = file.size();
    std::string directory;
    for (int i = 0; i < 131'073; ++i) directory += test::zip_entry("a", 0, 0, 0);
    file += directory + test::zip_end(131'073, directory.size(), offset, ZipStyle::torch);
    EXPECT_EQ(refusal_of([&] { (void)parse_stored_zip(borrowed(file), "f"); }).code, ErrorCode::limit);
}

TEST(StoredZip, EveryTruncationIsRefused) {
    for (const ZipStyle style : {ZipStyle::plain, ZipStyle::torch}) {
        const std::string file = zip_text(kTwo, style);
        ASSERT_EQ(parse_stored_zip(borrowed(file), "f").size(), 2U);
        for (std::size_t n = 0; n < file.size(); ++n) {
            const std::string cut = file.substr(0, n);
            EXPECT_EQ(refusal_of([&] { (void)parse_stored_zip(borrowed(cut), "f"); }).code, ErrorCode::malformed) << n;
        }
    }
}

}  // namespace
}  // namespace heart::formats
