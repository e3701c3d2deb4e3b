#pragma once

// Files of PyTorch's weights written by hand: zip archives and pickles whose fields say whatever a test wants.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::test {

template <typename T>
void append_number(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Overwrites the bytes of one number.
template <typename T>
[[nodiscard]] std::string with_number(std::string file, std::size_t at, T value) {
    if (at + sizeof value > file.size()) throw std::runtime_error("with_number: beyond the file");
    std::memcpy(file.data() + at, &value, sizeof value);
    return file;
}

// --- zip ----------------------------------------------------------------------------------------------------------------

/// `plain`: as Python's zipfile writes. `torch`: as PyTorch does, with data at multiples of 64 by an extra field, sizes only
/// behind the data and in the directory, and a ZIP64 end.
enum class ZipStyle { plain, torch };

inline constexpr const char *kZipLocal = "PK\3\4", *kZipEntry = "PK\1\2", *kZipEnd = "PK\5\6", *kZipEnd64 = "PK\6\6",
                            *kZipLocator = "PK\6\7";

/// Where the n-th of these signatures stands.
[[nodiscard]] inline std::size_t zip_place(const std::string& file, const char* signature, std::size_t n = 0) {
    std::size_t at = file.find(signature);
    while (n-- > 0 && at != std::string::npos) at = file.find(signature, at + 4);
    if (at == std::string::npos) throw std::runtime_error("zip_place: no such signature");
    return at;
}

/// The end of an archive whose directory has `size` bytes at `offset`.
[[nodiscard]] inline std::string zip_end(std::uint64_t records, std::uint64_t size, std::uint64_t offset, ZipStyle style) {
    std::string out;
    const auto small = [](std::uint64_t n, std::uint64_t most) { return n < most ? n : most; };
    if (style == ZipStyle::torch) {
        out += kZipEnd64;
        append_number<std::uint64_t>(out, 44);
        append_number<std::uint32_t>(out, 0x002d031e);
        append_number<std::uint64_t>(out, 0);  // disks
        for (const std::uint64_t n : {records, records, size, offset}) append_number(out, n);
        out += kZipLocator;
        append_number<std::uint32_t>(out, 0);
        append_number<std::uint64_t>(out, offset + size);
        append_number<std::uint32_t>(out, 1);
    }
    out += kZipEnd;
    append_number<std::uint32_t>(out, 0);  // disks
    append_number(out, static_cast<std::uint16_t>(small(records, 0xffff)));
    append_number(out, static_cast<std::uint16_t>(small(records, 0xffff)));
    append_number(out, static_cast<std::uint32_t>(small(size, 0xffffffff)));
    append_number(out, static_cast<std::uint32_t>(small(offset, 0xffffffff)));
    append_number<std::uint16_t>(out, 0);  // comment
    return out;
}

/// An extra field.
[[nodiscard]] inline std::string zip_extra(std::uint16_t id, const std::string& data) {
    std::string out;
    append_number(out, id);
    append_number(out, static_cast<std::uint16_t>(data.size()));
    return out + data;
}

/// What stands before a record's data.
[[nodiscard]] inline std::string zip_local(const std::string& name, std::uint16_t flags, std::uint32_t size,
                                           const std::string& extra) {
    std::string out = kZipLocal;
    append_number<std::uint16_t>(out, 20);
    append_number(out, flags);
    append_number<std::uint16_t>(out, 0);  // method
    append_number<std::uint64_t>(out, 0);  // time, checksum: nobody looks
    append_number(out, size);
    append_number(out, size);
    append_number(out, static_cast<std::uint16_t>(name.size()));
    append_number(out, static_cast<std::uint16_t>(extra.size()));
    return out + name + extra;
}

/// A record in the directory.
[[nodiscard]] inline std::string zip_entry(const std::string& name, std::uint16_t flags, std::uint32_t size,
                                           std::uint32_t offset, const std::string& extra = "") {
    std::string out = kZipEntry;
    append_number<std::uint32_t>(out, 0);  // versions
    append_number(out, flags);
    append_number<std::uint16_t>(out, 0);  // method
    append_number<std::uint64_t>(out, 0);  // time, checksum
    append_number(out, size);
    append_number(out, size);
    append_number(out, static_cast<std::uint16_t>(name.size()));
    append_number(out, static_cast<std::uint16_t>(extra.size()));
    append_number<std::uint64_t>(out, 0);  // comment, disk, attributes
    append_number<std::uint16_t>(out, 0);
    append_number(out, offset);
    return out + name + extra;
}

using ZipTexts = std::vector<std::pair<std::string, std::string>>;

/// A whole archive of these records, in that order.
[[nodiscard]] inline std::string zip_text(const ZipTexts& records, ZipStyle style = ZipStyle::plain) {
    std::string out, directory;
    for (const auto& [name, data] : records) {
        const bool behind = style == ZipStyle::torch && !data.empty();
        const auto flags = static_cast<std::uint16_t>(style == ZipStyle::torch ? (behind ? 0x808 : 0x800) : 0);
        const auto size = static_cast<std::uint32_t>(data.size());
        std::string extra;
        if (style == ZipStyle::torch) {
            const std::size_t before = out.size() + 30 + name.size() + 4;
            extra = zip_extra(0x4246, std::string((64 - before % 64) % 64, 'Z'));
        }
        directory += zip_entry(name, flags, size, static_cast<std::uint32_t>(out.size()));
        out += zip_local(name, flags, behind ? 0 : size, extra) + data;
        if (behind) {
            out += "PK\7\b";
            for (const std::uint32_t n : {std::uint32_t{0}, size, size}) append_number(out, n);
        }
    }
    const std::size_t offset = out.size();
    return out + directory + zip_end(records.size(), directory.size(), offset, style);
}

// --- pickle -------------------------------------------------------------------------------------------------------------

/// A tensor as a pickle describes it.
struct TensorText {
    std::int64_t elements = 4, offset = 0;
    std::vector<std::int64_t> sizes{4}, strides{1};
    std::string type = "FloatStorage", key = "0", device = "cpu";
};

/// Instructions of a pickle, one behind the other.
class PickleText {
public:
    explicit PickleText(unsigned protocol = 2) : bytes_{'\x80', static_cast<char>(protocol)} {}

    PickleText& raw(std::string_view instructions) {
        bytes_ += instructions;
        return *this;
    }
    PickleText& global(const std::string& module, const std::string& name) { return raw("c" + module + "\n" + name + "\n"); }
    PickleText& text(const std::string& text) {
        bytes_ += 'X';
        append_number(bytes_, static_cast<std::uint32_t>(text.size()));
        return raw(text);
    }
    /// As short as it can be.
    PickleText& number(std::int64_t n) {
        if (n >= 0 && n < 256) {
            bytes_ += 'K';
            append_number(bytes_, static_cast<std::uint8_t>(n));
        } else if (n == static_cast<std::int32_t>(n)) {
            bytes_ += 'J';
            append_number(bytes_, static_cast<std::int32_t>(n));
        } else {
            bytes_ += "\x8a\x08";
            append_number(bytes_, n);
        }
        return *this;
    }
    PickleText& numbers(const std::vector<std::int64_t>& tuple) {
        raw("(");
        for (const std::int64_t n : tuple) number(n);
        return raw("t");
    }
    PickleText& ordered_dict() { return global("collections", "OrderedDict").raw(")R"); }
    PickleText& storage(const TensorText& t) {
        raw("(").text("storage").global("torch", t.type).text(t.key).text(t.device).number(t.elements);
        return raw("tQ");
    }
    PickleText& tensor(const TensorText& t) {
        global("torch._utils", "_rebuild_tensor_v2")
            .raw("(")
            .storage(t)
            .number(t.offset)
            .numbers(t.sizes)
            .numbers(t.strides);
        return raw("\x89").ordered_dict().raw("tR");
    }
    /// With the end.
    [[nodiscard]] std::string done() const { return bytes_ + "."; }

private:
    std::string bytes_;
};

/// The pickle of a dictionary of tensors.
[[nodiscard]] inline std::string pickle_text(const std::vector<std::pair<std::string, TensorText>>& tensors) {
    PickleText out;
    out.ordered_dict().raw("(");
    for (const auto& [name, tensor] : tensors) out.text(name).tensor(tensor);
    return out.raw("u").done();
}

/// A whole file: its pickle, and storages "0", "1", ...
[[nodiscard]] inline std::string torch_text(const std::string& pickle, const std::vector<std::string>& storages,
                                            ZipStyle style = ZipStyle::torch) {
    ZipTexts records{{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}};
    for (std::size_t i = 0; i < storages.size(); ++i) records.emplace_back("archive/data/" + std::to_string(i), storages[i]);
    records.emplace_back("archive/version", "3\n");
    return zip_text(records, style);
}

}  // namespace heart::test
