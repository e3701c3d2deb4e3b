// Tokens from strangers: any bytes as a token and as a proof for media, and any header and payload with a right signature.

#include "core/error.h"
#include "server/accounts/tokens.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace heart::server::accounts;

constexpr std::int64_t kNow = 1'800'000'000;

void must(bool holds) {
    if (!holds) std::abort();
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6) out += letters[bits >> (count - 6) & 63];
    }
    if (count > 0) out += letters[bits << (6 - count) & 63];
    return out;
}

/// What may be believed of a token whose signature is right, by another reader of JSON.
void check_accepted(const Claims& claims, std::string_view header, std::string_view payload) {
    const auto head = nlohmann::json::parse(header), body = nlohmann::json::parse(payload);
    must(head.is_object() && head.at("alg") == "HS256");
    must(body.at("sub") == claims.subject && !claims.subject.empty());
    must(body.at("exp").is_number_integer() && body.at("exp") == claims.expires && claims.expires > kNow);
    must(claims.generation == body.value("gen", std::int64_t{0}) && claims.generation >= 0);
    const SigningKey other("another secret that is long enough for a key");
    const auto again = verify_token(other, sign_token(other, claims), kNow);
    must(again && again->subject == claims.subject && again->expires == claims.expires);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const SigningKey key("a secret of the tests, long enough for a key");
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    // Nobody guesses a MAC, except the one good token that the seeds hold.
    static const std::string good = sign_token(key, {.subject = "u", .expires = kNow + 60, .generation = 1});
    static const std::string proof = sign_media(key, "audio/1", kNow + 60);
    must(verify_token(key, input, kNow).has_value() == (input == good));
    must(verify_media(key, "audio/1", input, kNow) == (input == proof));

    const std::size_t line = input.find('\n');
    if (line == std::string_view::npos) return 0;
    const std::string_view header = input.substr(0, line), payload = input.substr(line + 1);
    const std::string message = base64(header) + "." + base64(payload);
    const auto mac = key.mac(message);
    const std::string signed_token = message + "." + base64({reinterpret_cast<const char*>(mac.data()), mac.size()});
    if (const auto claims = verify_token(key, signed_token, kNow)) check_accepted(*claims, header, payload);
    must(!verify_token(key, signed_token + "=", kNow));
    return 0;
}
