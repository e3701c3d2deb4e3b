// Files of weights from strangers: any bytes as a whole file, and any pickle inside an archive that is in order. What is
// read lies inside the file or is a copy no larger than it, and says the same when it is read again.

#include "core/error.h"
#include "core/utf8.h"
#include "formats/pickle.h"
#include "formats/torch_file.h"
#include "fuzz_check.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace heart::formats;

template <typename Read>
auto unless_refused(Read&& read) -> std::optional<decltype(read())> {
    try {
        return read();
    } catch (const heart::Error& e) {
        HEART_FUZZ_CHECK(e.code() == heart::ErrorCode::malformed || e.code() == heart::ErrorCode::limit ||
                         e.code() == heart::ErrorCode::unsupported);
        HEART_FUZZ_CHECK(heart::find_invalid_utf8(e.what()) == std::string_view::npos);
        HEART_FUZZ_CHECK(std::strlen(e.what()) < 3000);
        return std::nullopt;
    }
}

/// A number that any change of the data changes; reads every byte, so that a sanitizer sees where it is.
std::uint64_t sum_of(std::span<const std::byte> data) {
    std::uint64_t sum = data.size();
    for (const std::byte b : data) sum = sum * 31 + std::to_integer<std::uint64_t>(b);
    return sum;
}

void check_file(std::span<const std::byte> file) {
    const auto read = [&] { return parse_torch_file(Bytes::borrow(file), "f"); };
    const auto tensors = unless_refused(read);
    if (!tensors) return;
    std::uint64_t copied = 0;
    const auto again = read();
    HEART_FUZZ_CHECK(again.size() == tensors->size());
    for (const auto& [name, tensor] : *tensors) {
        HEART_FUZZ_CHECK(heart::find_invalid_utf8(name) == std::string_view::npos);
        HEART_FUZZ_CHECK(tensor.shape.size() <= 8);
        HEART_FUZZ_CHECK(tensor_bytes(tensor.dtype, tensor.shape, "t") == tensor.data.size());
        const std::byte *first = tensor.data.data(), *last = first + tensor.data.size();
        const bool is_view = first >= file.data() && last <= file.data() + file.size();
        if (!is_view) copied += tensor.data.size();
        const TensorView& other = again.at(name);
        HEART_FUZZ_CHECK(other.dtype == tensor.dtype && other.shape == tensor.shape);
        HEART_FUZZ_CHECK(sum_of(other.data) == sum_of(tensor.data));
    }
    HEART_FUZZ_CHECK(copied <= file.size());
}

// --- an archive around a pickle -----------------------------------------------------------------------------------------

template <typename T>
void put(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// What local header and directory have in common, up to the lengths of name and extra field.
void put_sizes(std::string& out, std::string_view name, std::size_t size) {
    out.append(16, '\0');  // version, flags, method, time, checksum
    put(out, static_cast<std::uint32_t>(size));
    put(out, static_cast<std::uint32_t>(size));
    put(out, static_cast<std::uint16_t>(name.size()));
    put(out, std::uint16_t{0});
}

std::string archive_around(std::string_view pickle) {
    static const std::string numbers(64, 'n');
    const std::pair<std::string_view, std::string_view> records[] = {{"a/data.pkl", pickle},
                                                                     {"a/data/0", std::string_view(numbers).substr(0, 16)},
                                                                     {"a/data/1", numbers},
                                                                     {"a/data/2", ""}};
    std::string out, directory;
    for (const auto& [name, data] : records) {
        directory += "PK\1\2";
        put(directory, std::uint16_t{0});
        put_sizes(directory, name, data.size());
        directory.append(10, '\0');  // comment, disk, attributes
        put(directory, static_cast<std::uint32_t>(out.size()));
        directory += name;
        out += "PK\3\4";
        put_sizes(out, name, data.size());
        out += name;
        out += data;
    }
    const auto offset = static_cast<std::uint32_t>(out.size());
    out += directory;
    out += "PK\5\6";
    put(out, std::uint32_t{0});
    put(out, static_cast<std::uint16_t>(std::size(records)));
    put(out, static_cast<std::uint16_t>(std::size(records)));
    put(out, static_cast<std::uint32_t>(directory.size()));
    put(out, offset);
    put(out, std::uint16_t{0});
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    check_file(input);
    if (size == 0 || data[0] == 'P') return 0;
    const auto tensors = unless_refused([&] { return unpickle_tensors(input, "p"); });
    if (!tensors) return 0;
    for (const auto& [name, tensor] : *tensors) {
        HEART_FUZZ_CHECK(tensor.shape.size() == tensor.strides.size() && tensor.shape.size() <= 8);
        HEART_FUZZ_CHECK(is_plain_file_name(tensor.storage));
    }
    const std::string file = archive_around({reinterpret_cast<const char*>(data), size});
    check_file(std::as_bytes(std::span(file)));
    return 0;
}
