#include "formats/digest.h"

#include "core/error.h"

#include <fmt/format.h>

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace heart::formats {

struct Digest::State {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Digest::Digest(Kind kind) : state_(std::make_unique<State>()) {
    const EVP_MD* function = kind == Kind::sha256 ? EVP_sha256() : EVP_sha1();
    ensure(state_->context != nullptr && EVP_DigestInit_ex(state_->context.get(), function, nullptr) == 1,
           "a checksum begins");
}

Digest::~Digest() = default;

void Digest::update(std::span<const std::byte> piece) {
    ensure(EVP_DigestUpdate(state_->context.get(), piece.data(), piece.size()) == 1, "a checksum goes on");
}

std::string Digest::hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    ensure(EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size) == 1, "a checksum ends");
    std::string out;
    for (const unsigned char byte : std::span(digest).first(size)) out += fmt::format("{:02x}", byte);
    return out;
}

std::string sha256(const Bytes& file, const std::function<void(std::uint64_t bytes)>& passed) {
    constexpr std::size_t kPiece = std::size_t{16} << 20;
    Digest digest(Digest::Kind::sha256);
    for (std::span<const std::byte> rest = file.view(); !rest.empty();) {
        const auto piece = rest.first(std::min(kPiece, rest.size()));
        digest.update(piece);
        file.release(piece);
        rest = rest.subspan(piece.size());
        if (passed) passed(piece.size());
    }
    return digest.hex();
}

}  // namespace heart::formats
