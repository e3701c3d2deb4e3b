#include "server/accounts/tokens.h"

#include "core/error.h"
#include "core/utf8.h"
#include "formats/json.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <limits>
#include <utility>
#include <vector>

#include <sodium.h>

// Tokens are made and read here, in some hundred lines on libsodium, because they need one algorithm and no choices. Debian
// 12's libjwt compares signatures in variable time (CVE-2024-25189), and its other library, cpp-jwt, lets the token take
// part in choosing how it is verified.

namespace heart::server::accounts {

namespace {

using formats::Json;

constexpr std::size_t kMostTokenBytes = 4096, kMostSubjectBytes = 200, kLeastSecretBytes = 32;
constexpr formats::JsonLimits kPartLimits{.max_bytes = kMostTokenBytes, .max_depth = 4};
constexpr std::string_view kPublishedSecret = "heartmula-secret-key-change-in-production";
constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

std::string to_base64(const void* bytes, std::size_t size) {
    std::string text(sodium_base64_ENCODED_LEN(size, kBase64), '\0');
    sodium_bin2base64(text.data(), text.size(), static_cast<const unsigned char*>(bytes), size, kBase64);
    text.pop_back();  // the zero byte that libsodium counts
    return text;
}

std::string to_base64(std::string_view text) {
    return to_base64(text.data(), text.size());
}

/// None for what `to_base64` would not have written: other characters, padding, bits left over.
std::optional<std::string> from_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    std::size_t size = 0;
    const int result = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                                         text.size(), nullptr, &size, nullptr, kBase64);
    if (result != 0) return std::nullopt;
    bytes.resize(size);
    if (to_base64(bytes) != text) return std::nullopt;
    return bytes;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Json> parsed_object(std::string_view base64) {
    const std::optional<std::string> text = from_base64(base64);
    if (!text) return std::nullopt;
    try {
        Json json = formats::parse_json(*text, "a token", kPartLimits);
        if (json.is_object()) return json;
    } catch (const Error&) {  // a token that is none, whatever the reason
    }
    return std::nullopt;
}

/// A member that is an integer, written as one, of 64 bits.
std::optional<std::int64_t> integer(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_integer()) return std::nullopt;
    if (found->is_number_unsigned() &&
        found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return std::nullopt;
    }
    return found->get<std::int64_t>();
}

bool is_our_header(const Json& header) {
    const auto algorithm = header.find("alg"), type = header.find("typ");
    return algorithm != header.end() && *algorithm == "HS256" && (type == header.end() || *type == "JWT") &&
           !header.contains("crit");  // extensions that must be understood: there are none here
}

std::optional<Claims> claims_from(const Json& payload, std::int64_t now_seconds) {
    Claims claims;
    const auto subject = payload.find("sub");
    if (subject == payload.end() || !subject->is_string()) return std::nullopt;
    claims.subject = subject->get<std::string>();
    if (claims.subject.empty() || claims.subject.size() > kMostSubjectBytes) return std::nullopt;
    const auto expires = integer(payload, "exp");
    if (!expires || *expires <= now_seconds) return std::nullopt;
    claims.expires = *expires;
    if (payload.contains("gen")) {
        const auto generation = integer(payload, "gen");
        if (!generation || *generation < 0) return std::nullopt;
        claims.generation = *generation;
    }
    if (payload.contains("nbf")) {
        const auto not_before = integer(payload, "nbf");
        if (!not_before || *not_before > now_seconds) return std::nullopt;
    }
    return claims;
}

std::string signature_of(const SigningKey& key, std::string_view message) {
    const auto mac = key.mac(message);
    return to_base64(mac.data(), mac.size());
}

}  // namespace

std::array<unsigned char, 32> SigningKey::mac(std::string_view message) const noexcept {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret_.data()), secret_.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(message.data()), message.size());
    std::array<unsigned char, 32> out{};
    crypto_auth_hmacsha256_final(&state, out.data());
    sodium_memzero(&state, sizeof(state));
    return out;
}

SigningKey::SigningKey(std::string secret) : secret_(std::move(secret)) {
    if (secret_ == kPublishedSecret) {
        throw Error(ErrorCode::usage, "the secret that signs tokens is a published constant: everybody could sign")
            .hint("leave it out, and one is made");
    }
    if (secret_.size() < kLeastSecretBytes) {
        throw Error(ErrorCode::usage, "the secret that signs tokens is too short")
            .expected("at least " + std::to_string(kLeastSecretBytes) + " bytes")
            .found(std::to_string(secret_.size()) + " bytes")
            .hint("leave it out, and one is made");
    }
}

std::string sign_token(const SigningKey& key, const Claims& claims) {
    if (claims.subject.empty() || claims.subject.size() > kMostSubjectBytes ||
        find_invalid_utf8(claims.subject) != std::string_view::npos) {
        throw Error(ErrorCode::usage, "a token's subject must be a short text");
    }
    const Json payload{{"sub", claims.subject}, {"exp", claims.expires}, {"gen", claims.generation}};
    const std::string message = to_base64(R"({"alg":"HS256","typ":"JWT"})") + "." + to_base64(payload.dump());
    return message + "." + signature_of(key, message);
}

std::optional<Claims> verify_token(const SigningKey& key, std::string_view token, std::int64_t now_seconds) {
    if (token.size() > kMostTokenBytes) return std::nullopt;
    const std::size_t first = token.find('.'), last = token.rfind('.');
    if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) return std::nullopt;
    // The signature comes first: nothing that a stranger wrote is read any further. Comparing texts makes its base64 exact.
    if (!equal_in_constant_time(signature_of(key, token.substr(0, last)), token.substr(last + 1))) return std::nullopt;
    const auto header = parsed_object(token.substr(0, first));
    if (!header || !is_our_header(*header)) return std::nullopt;
    const auto payload = parsed_object(token.substr(first + 1, last - first - 1));
    if (!payload) return std::nullopt;
    return claims_from(*payload, now_seconds);
}

std::string sign_media(const SigningKey& key, std::string_view thing, std::int64_t expires_seconds) {
    const std::string expires = std::to_string(expires_seconds);
    // No message of a web token holds a line end, and no number does: what is signed has one meaning only.
    const auto mac = key.mac("media\n" + expires + "\n" + std::string(thing));
    return expires + "." + to_base64(mac.data(), mac.size() / 2);
}

bool verify_media(const SigningKey& key, std::string_view thing, std::string_view proof, std::int64_t now_seconds) {
    const std::size_t dot = proof.find('.');
    if (dot == std::string_view::npos || dot > 20) return false;
    std::int64_t expires = 0;
    const auto [end, fault] = std::from_chars(proof.data(), proof.data() + dot, expires);
    if (fault != std::errc() || end != proof.data() + dot || expires <= now_seconds) return false;
    return equal_in_constant_time(sign_media(key, thing, expires), proof);
}

std::string random_secret() {
    ensure(sodium_init() >= 0, "libsodium starts");
    std::array<unsigned char, 32> bytes{};
    randombytes_buf(bytes.data(), bytes.size());
    return to_base64(bytes.data(), bytes.size());
}

std::string hash_secret(std::string_view secret) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
    std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text{};
    sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
    return text.data();
}

}  // namespace heart::server::accounts
