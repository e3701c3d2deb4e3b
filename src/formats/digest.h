#pragma once

#include "formats/bytes.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace heart::formats {

/// A checksum of bytes that come in pieces: SHA-256 or SHA-1 (FIPS 180-4). SHA-1 is only for what others named by it.
class Digest {
public:
    enum class Kind { sha256, sha1 };
    explicit Digest(Kind kind);
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;
    ~Digest();

    void update(std::span<const std::byte> piece);
    /// Of all pieces, in hexadecimal digits; ends the work.
    [[nodiscard]] std::string hex();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// SHA-256 of a file as 64 hexadecimal digits. `passed` is called behind each piece with its bytes; what it throws stops the
/// work. Pages are let go of behind the reading.
[[nodiscard]] std::string sha256(const Bytes& file, const std::function<void(std::uint64_t bytes)>& passed = {});

}  // namespace heart::formats
