#include "engine/sha256.h"

#include "core/error.h"

#include <fmt/format.h>

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

namespace heart::engine {

std::string sha256(const formats::Bytes& file, const std::function<void(std::uint64_t bytes)>& passed) {
    constexpr std::size_t kPiece = std::size_t{16} << 20;
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    ensure(state != nullptr && EVP_DigestInit_ex(state.get(), EVP_sha256(), nullptr) == 1, "SHA-256 begins");
    for (std::span<const std::byte> rest = file.view(); !rest.empty();) {
        const auto piece = rest.first(std::min(kPiece, rest.size()));
        ensure(EVP_DigestUpdate(state.get(), piece.data(), piece.size()) == 1, "SHA-256 goes on");
        file.release(piece);
        rest = rest.subspan(piece.size());
        if (passed) passed(piece.size());
    }
    std::array<unsigned char, 32> digest{};
    ensure(EVP_DigestFinal_ex(state.get(), digest.data(), nullptr) == 1, "SHA-256 ends");
    std::string out;
    for (const unsigned char byte : digest) out += fmt::format("{:02x}", byte);
    return out;
}

}  // namespace heart::engine
