#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace heart::server::accounts {

/// The secret that signs tokens. Never logged, never sent.
class SigningKey {
public:
    /// At least 32 bytes, ErrorCode::usage otherwise: longer ones are as they are (HMAC takes any length). ErrorCode::usage
    /// also for the constant that stands in the Python studio's source for everybody to read.
    explicit SigningKey(std::string secret);
    /// Reads the file, or makes it with 256 random bits and mode 0600; white space around the secret is no part of it. Two
    /// processes that make it at once get the same. ErrorCode::io; ErrorCode::usage when others may read it or it holds no
    /// secret that the constructor takes.
    [[nodiscard]] static SigningKey load_or_create(const std::filesystem::path& file);

    /// HMAC-SHA256 (RFC 2104).
    [[nodiscard]] std::array<unsigned char, 32> mac(std::string_view message) const noexcept;

private:
    std::string secret_;
};

struct Claims {
    std::string subject;          ///< "sub": the user's id
    std::int64_t expires = 0;     ///< "exp": seconds since 1970
    std::int64_t generation = 0;  ///< "gen": of the user's tokens; 0 when the token does not say
};

/// A JSON web token (RFC 7519) with {"alg":"HS256","typ":"JWT"}. ErrorCode::usage for a subject that is empty, no UTF-8 or
/// longer than 200 bytes.
[[nodiscard]] std::string sign_token(const SigningKey& key, const Claims& claims);
/// None for whatever is not exactly such a token, at most 4 KiB, whole, signed by this key (compared in constant time) and
/// not expired. The header's "alg" must be HS256 and is no choice.
[[nodiscard]] std::optional<Claims> verify_token(const SigningKey& key, std::string_view token, std::int64_t now_seconds);

/// A short proof that whoever has it may fetch one thing ("audio/<id>") for a while, for addresses in <audio> and <img>.
[[nodiscard]] std::string sign_media(const SigningKey& key, std::string_view thing, std::int64_t expires_seconds);
[[nodiscard]] bool verify_media(const SigningKey& key, std::string_view thing, std::string_view proof,
                                std::int64_t now_seconds);

/// 256 random bits, base64url: invites, share links, webhook secrets.
[[nodiscard]] std::string random_secret();
/// SHA-256 in hex: how secrets are kept in the database.
[[nodiscard]] std::string hash_secret(std::string_view secret);

}  // namespace heart::server::accounts
