#pragma once

// Files and refusals for tests of what comes from disk.

#include "core/error.h"
#include "formats/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace heart::test {

/// A folder of its own for one test, removed at its end.
class ScratchFolder {
public:
    ScratchFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "heart-test-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder for the test");
        path_ = name;
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// Writes a file into the folder, making folders on the way, and returns its path.
    std::filesystem::path write(const std::string& name, const std::string& text) const {
        const std::filesystem::path file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out(file, std::ios::binary | std::ios::trunc);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
        return file;
    }

private:
    std::filesystem::path path_;
};

/// What an action threw: its code and message; "accepted" where it threw nothing. Anything but a heart::Error goes on.
struct Refusal {
    ErrorCode code{};
    std::string message = "accepted";
};

template <typename Action>
[[nodiscard]] Refusal refusal_of(Action&& action) {
    try {
        std::forward<Action>(action)();
    } catch (const Error& e) {
        return {e.code(), e.what()};
    }
    return {};
}

/// The raw bytes of numbers, as a file holds them.
template <typename T>
[[nodiscard]] std::string raw_bytes(const std::vector<T>& values) {
    std::string out(values.size() * sizeof(T), '\0');
    if (!values.empty()) std::memcpy(out.data(), values.data(), out.size());
    return out;
}

/// A whole .safetensors file around a header and data written by hand.
[[nodiscard]] inline std::string safetensors_text(const std::string& header, const std::string& data = "") {
    const std::uint64_t length = header.size();
    std::string out(sizeof length, '\0');
    std::memcpy(out.data(), &length, sizeof length);
    return out + header + data;
}

/// A GGUF file written by hand: fields one behind the other, whatever they say.
class GgufText {
public:
    explicit GgufText(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) : bytes_("GGUF") {
        number(version).number(tensors).number(keys);
    }

    template <typename T>
    GgufText& number(T value) {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
        return *this;
    }
    GgufText& text(const std::string& text) {
        number<std::uint64_t>(text.size());
        bytes_ += text;
        return *this;
    }
    /// A key and the number of its value's type; the value follows.
    GgufText& key(const std::string& name, std::uint32_t type) { return text(name).number(type); }
    /// `dims` innermost first, as the file has them; `type` is ggml's number.
    GgufText& tensor(const std::string& name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                     std::uint64_t offset) {
        text(name).number(static_cast<std::uint32_t>(dims.size()));
        for (const std::uint64_t d : dims) number(d);
        return number(type).number(offset);
    }
    /// The whole file, with `data` at the next multiple of `alignment`.
    [[nodiscard]] std::string with(const std::string& data, std::size_t alignment = 32) const {
        return bytes_ + std::string((alignment - bytes_.size() % alignment) % alignment, '\0') + data;
    }

private:
    std::string bytes_;
};

/// Bytes of a string that outlives them.
[[nodiscard]] inline formats::Bytes borrowed(const std::string& text) {
    return formats::Bytes::borrow(std::as_bytes(std::span(text)));
}

}  // namespace heart::test
