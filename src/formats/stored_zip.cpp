#include "formats/stored_zip.h"

#include "core/error.h"
#include "core/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace heart::formats {

namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50, kEntrySignature = 0x02014b50, kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50, kLocatorSignature = 0x07064b50;
constexpr std::uint64_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20, kEntryBytes = 46;
constexpr std::uint64_t kEnd64LeadBytes = 12;  // those that its own length does not count
constexpr std::uint16_t kZip64Field = 1;
constexpr std::uint16_t kIn64Bits16 = 0xffff;  // "look among the 64-bit values"
constexpr std::uint32_t kIn64Bits32 = 0xffffffff;

// Flags that change nothing for stored records: hints of the compressor, sizes behind the data, a name in UTF-8.
constexpr std::uint16_t kSizesBehindData = 1U << 3;
constexpr std::uint16_t kHarmlessFlags = 1U << 1 | 1U << 2 | kSizesBehindData | 1U << 11;
constexpr std::uint16_t kEncryptedFlags = 1U | 1U << 6 | 1U << 13;

// Limits of a directory from a stranger; the largest models stay far below.
constexpr std::uint64_t kMaxRecords = 131'072;
constexpr std::uint64_t kMaxDirectory = 32'000'000;

/// Reads one part of a file from front to back; never leaves it.
class Cursor {
public:
    /// Reads bytes [first, last) of `file`, which has them.
    Cursor(std::span<const std::byte> file, std::uint64_t first, std::uint64_t last, const std::string& name)
        : file_(file), name_(&name), position_(first), end_(last) {}

    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    [[nodiscard]] std::uint64_t left() const noexcept { return end_ - position_; }

    std::span<const std::byte> take(std::uint64_t n, std::string_view what) {
        if (n > left()) {
            throw Error(ErrorCode::malformed, fmt::format("{}: no room for {}", *name_, what))
                .expected(fmt::format("at most {} bytes", left()))
                .found(fmt::format("{} bytes", n))
                .hint("is the file complete?");
        }
        const auto part = file_.subspan(position_, n);
        position_ += n;
        return part;
    }

    template <typename T>
    T number(std::string_view what) {
        T value{};
        std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
        return value;
    }

    std::string text(std::uint64_t n, std::string_view what) {
        const auto bytes = take(n, what);
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

private:
    std::span<const std::byte> file_;
    const std::string* name_;
    std::uint64_t position_, end_;
};

/// Where the directory is, and how many records it lists.
struct Directory {
    std::uint64_t records = 0, size = 0, offset = 0;
};

/// A record as the directory describes it.
struct Entry {
    std::string name, label;
    std::uint16_t flags = 0, method = 0;
    std::uint64_t stored = 0, size = 0, header = 0;  ///< `header`: where its local header begins
};

/// Only what leads to a file inside a folder, on any system.
bool is_record_name(std::string_view name) {
    if (find_invalid_utf8(name) != std::string_view::npos) return false;
    while (true) {
        const std::size_t slash = name.find('/');
        if (!is_plain_file_name(name.substr(0, slash))) return false;
        if (slash == std::string_view::npos) return true;
        name.remove_prefix(slash + 1);
    }
}

class Archive {
public:
    Archive(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(printable(name)) {}

    ZipRecords records() {
        const Directory directory = find_directory();
        ZipRecords out;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> places;  // of header and data
        Cursor in = part(directory.offset, directory.offset + directory.size);
        for (std::uint64_t i = 0; i < directory.records; ++i) {
            const Entry entry = read_entry(in);
            const auto data = data_of(entry, directory.offset);
            const auto end = static_cast<std::uint64_t>(data.data() + data.size() - bytes_.data());
            places.emplace_back(entry.header, end);
            if (!out.emplace(entry.name, data).second) throw malformed(entry.label + " stands there twice");
        }
        if (in.left() != 0) {
            throw malformed("the zip directory holds more than its records").found(fmt::format("{} bytes more", in.left()));
        }
        std::sort(places.begin(), places.end());
        for (std::size_t i = 1; i < places.size(); ++i) {
            if (places[i].first < places[i - 1].second) {
                throw malformed("two zip records overlap").found(fmt::format("one begins at {}", places[i].first));
            }
        }
        return out;
    }

private:
    [[nodiscard]] Error malformed(std::string_view what) const {
        return Error(ErrorCode::malformed, fmt::format("{}: {}", name_, what));
    }
    [[nodiscard]] Error unsupported(std::string_view what) const {
        return Error(ErrorCode::unsupported, fmt::format("{}: {}", name_, what));
    }
    [[nodiscard]] Cursor part(std::uint64_t first, std::uint64_t last) const { return {bytes_, first, last, name_}; }
    [[nodiscard]] bool has_signature(std::uint64_t at, std::uint32_t signature) const {
        return at <= bytes_.size() && part(at, bytes_.size()).left() >= sizeof signature &&
               part(at, bytes_.size()).number<std::uint32_t>("a signature") == signature;
    }

    [[nodiscard]] Directory find_directory() const;
    [[nodiscard]] Directory read_end64(std::uint64_t locator, std::uint64_t& directory_end) const;
    [[nodiscard]] Entry read_entry(Cursor& in) const;
    void read_large_sizes(Entry& entry, Cursor extra) const;
    void check_kind(const Entry& entry) const;
    [[nodiscard]] std::span<const std::byte> data_of(const Entry& entry, std::uint64_t end) const;
    void check_local_sizes(const Entry& entry, std::uint32_t stored, std::uint32_t size, Cursor extra) const;

    std::span<const std::byte> bytes_;
    std::string name_;
};

/// The end that ZIP64 adds: 64-bit values, which count where the 32-bit ones are all ones.
Directory Archive::read_end64(std::uint64_t locator, std::uint64_t& directory_end) const {
    const std::string_view what = "the zip64 end";
    Cursor where = part(locator + 4, bytes_.size());
    const auto disk = where.number<std::uint32_t>(what);
    const auto offset = where.number<std::uint64_t>(what);
    const auto disks = where.number<std::uint32_t>(what);
    if (offset > locator || locator - offset < kEnd64Bytes || !has_signature(offset, kEnd64Signature)) {
        throw malformed("the zip64 end is not where it should be").found(fmt::format("offset {}", offset));
    }
    Cursor in = part(offset + 4, locator);
    const auto length = in.number<std::uint64_t>(what);
    if (length != locator - offset - kEnd64LeadBytes) {
        throw malformed("the zip64 end has the wrong size")
            .expected(fmt::format("{} bytes", locator - offset - kEnd64LeadBytes))
            .found(fmt::format("{} bytes", length));
    }
    in.take(4, what);  // versions
    const auto this_disk = in.number<std::uint32_t>(what), first_disk = in.number<std::uint32_t>(what);
    const auto here = in.number<std::uint64_t>(what);
    Directory out;
    out.records = in.number<std::uint64_t>(what);
    out.size = in.number<std::uint64_t>(what);
    out.offset = in.number<std::uint64_t>(what);
    if (disk != 0 || disks > 1 || this_disk != 0 || first_disk != 0 || here != out.records) {
        throw unsupported("a zip archive in several parts");
    }
    directory_end = offset;
    return out;
}

Directory Archive::find_directory() const {
    if (!has_signature(0, kLocalSignature)) {
        throw malformed("not a zip archive").expected("the letters PK and a record at its start");
    }
    if (bytes_.size() < kEndBytes || !has_signature(bytes_.size() - kEndBytes, kEndSignature)) {
        throw malformed("the zip archive has no end")
            .expected(fmt::format("the end of its directory in the last {} bytes", kEndBytes))
            .hint("is the file complete?");
    }
    const std::string_view what = "the end of the zip directory";
    std::uint64_t directory_end = bytes_.size() - kEndBytes;
    Cursor in = part(directory_end + 4, bytes_.size());
    const auto disk = in.number<std::uint16_t>(what), first_disk = in.number<std::uint16_t>(what);
    const auto here = in.number<std::uint16_t>(what), records = in.number<std::uint16_t>(what);
    const auto size = in.number<std::uint32_t>(what), offset = in.number<std::uint32_t>(what);
    if (disk != 0 || first_disk != 0 || here != records) throw unsupported("a zip archive in several parts");
    if (in.number<std::uint16_t>(what) != 0) throw malformed("the zip archive's comment lies outside the file");

    Directory out{records, size, offset};
    const std::uint64_t locator = directory_end - std::min(directory_end, kLocatorBytes);
    if (has_signature(locator, kLocatorSignature)) {
        out = read_end64(locator, directory_end);
        if ((records != kIn64Bits16 && records != out.records) || (size != kIn64Bits32 && size != out.size) ||
            (offset != kIn64Bits32 && offset != out.offset)) {
            throw malformed("the two ends of the zip directory disagree");
        }
    }
    if (out.records > kMaxRecords || out.size > kMaxDirectory) {
        throw Error(ErrorCode::limit, fmt::format("{}: the zip directory is too large", name_))
            .expected(fmt::format("at most {} records in {} bytes", kMaxRecords, kMaxDirectory))
            .found(fmt::format("{} records in {} bytes", out.records, out.size));
    }
    if (out.offset > directory_end || out.size != directory_end - out.offset || out.records > out.size / kEntryBytes) {
        throw malformed("the zip directory is not where it should be")
            .expected(fmt::format("{} records before byte {}", out.records, directory_end))
            .found(fmt::format("{} bytes at {}", out.size, out.offset))
            .hint("is the file complete?");
    }
    return out;
}

/// Replaces sizes and offset that do not fit 32 bits by those of the ZIP64 extra field, which has only these, in this order.
void Archive::read_large_sizes(Entry& entry, Cursor extra) const {
    std::array<std::uint64_t*, 3> wanted{&entry.size, &entry.stored, &entry.header};
    if (std::none_of(wanted.begin(), wanted.end(), [](const auto* w) { return *w == kIn64Bits32; })) return;
    const std::string what = "the extra fields of " + entry.label;
    while (extra.left() > 0) {
        const auto id = extra.number<std::uint16_t>(what);
        const auto length = extra.number<std::uint16_t>(what);
        if (id != kZip64Field) {
            extra.take(length, what);
            continue;
        }
        const std::uint64_t field_at = extra.position();
        extra.take(length, what);
        Cursor field = part(field_at, extra.position());
        for (std::uint64_t* w : wanted) {
            if (*w == kIn64Bits32) *w = field.number<std::uint64_t>(what);
        }
        return;
    }
    throw malformed(entry.label + " lacks its 64-bit sizes");
}

void Archive::check_kind(const Entry& entry) const {
    if ((entry.flags & kEncryptedFlags) != 0) throw unsupported(entry.label + " is encrypted");
    if (entry.method != 0) {
        throw unsupported(entry.label + " is compressed")
            .expected("records that are only stored")
            .found(fmt::format("method {}", entry.method));
    }
    if ((entry.flags & ~kHarmlessFlags) != 0) {
        throw unsupported(entry.label + " has flags that are not understood").found(fmt::format("{:#06x}", entry.flags));
    }
}

Entry Archive::read_entry(Cursor& in) const {
    const std::string_view what = "the zip directory";
    if (in.number<std::uint32_t>(what) != kEntrySignature) throw malformed("the zip directory is damaged");
    Entry out;
    in.take(4, what);  // versions
    out.flags = in.number<std::uint16_t>(what);
    out.method = in.number<std::uint16_t>(what);
    in.take(8, what);  // time, checksum
    out.stored = in.number<std::uint32_t>(what);
    out.size = in.number<std::uint32_t>(what);
    const auto name = in.number<std::uint16_t>(what), extra = in.number<std::uint16_t>(what);
    const auto comment = in.number<std::uint16_t>(what), disk = in.number<std::uint16_t>(what);
    in.take(6, what);  // attributes
    out.header = in.number<std::uint32_t>(what);
    out.name = in.text(name, what);
    out.label = fmt::format("record '{}'", printable(out.name));
    if (!is_record_name(out.name)) throw malformed(out.label + " is not named by a path inside the archive");
    if (disk != 0) throw unsupported("a zip archive in several parts");
    check_kind(out);
    const std::uint64_t extra_at = in.position();
    in.take(extra, what);
    read_large_sizes(out, part(extra_at, in.position()));
    in.take(comment, what);
    if (out.stored != out.size) {
        throw malformed(out.label + " is stored, but not in its size")
            .expected(fmt::format("{} bytes", out.size))
            .found(fmt::format("{} bytes", out.stored));
    }
    return out;
}

/// What the local header says too: nothing where sizes stand behind the data, else the same.
void Archive::check_local_sizes(const Entry& entry, std::uint32_t stored, std::uint32_t size, Cursor extra) const {
    if ((entry.flags & kSizesBehindData) != 0 && stored == 0 && size == 0) return;
    Entry local = entry;
    local.stored = stored;
    local.size = size;
    local.header = 0;
    read_large_sizes(local, extra);
    if (local.stored != entry.stored || local.size != entry.size) {
        throw malformed(entry.label + " has two sizes")
            .expected(fmt::format("{} bytes", entry.size))
            .found(fmt::format("{} bytes", local.size));
    }
}

/// The bytes of a record, which lie before `end`.
std::span<const std::byte> Archive::data_of(const Entry& entry, std::uint64_t end) const {
    if (entry.header > end || !has_signature(entry.header, kLocalSignature)) {
        throw malformed(entry.label + " is not where the zip directory says")
            .expected(fmt::format("a record before byte {}", end))
            .found(fmt::format("offset {}", entry.header))
            .hint("is the file complete?");
    }
    Cursor in = part(entry.header, end);
    in.take(6, entry.label);  // signature, version
    Entry local = entry;
    local.flags = in.number<std::uint16_t>(entry.label);
    local.method = in.number<std::uint16_t>(entry.label);
    check_kind(local);
    in.take(8, entry.label);  // time, checksum
    const auto stored = in.number<std::uint32_t>(entry.label), size = in.number<std::uint32_t>(entry.label);
    const auto name = in.number<std::uint16_t>(entry.label), extra = in.number<std::uint16_t>(entry.label);
    if (in.text(name, entry.label) != entry.name) throw malformed(entry.label + " has two names");
    const std::uint64_t extra_at = in.position();
    in.take(extra, entry.label);
    check_local_sizes(local, stored, size, part(extra_at, in.position()));
    return in.take(entry.size, entry.label);
}

}  // namespace

ZipRecords parse_stored_zip(const Bytes& file, std::string_view file_name) {
    return Archive(file.view(), file_name).records();
}

}  // namespace heart::formats
